//! An object written piece by piece, as a file is: nothing shows before it is finished.

use bytes::Bytes;

use super::Client;
use super::operation::Open;
use crate::buffer::IoBufMut;
use crate::error::{Error, Result};
use crate::split::Upload;
use crate::types::{PutResult, WriteOptions};
use crate::uri::Uri;

/// Small writes are gathered in blocks of this size.
const BLOCK: usize = 1 << 20;

impl Client {
    /// An object to be written in bounded memory. Dropped before [`Writer::finish`], it leaves what was there before.
    ///
    /// # Errors
    /// `InvalidInput` for a key that the store cannot hold.
    pub async fn writer(&self, uri: &Uri, options: &WriteOptions) -> Result<Writer> {
        let open = self.begin("open", uri);
        let store = match self.object(uri).await {
            Ok(store) => store,
            Err(error) => return open.end(Err(error), |_: &Writer| (0, 1)),
        };
        let upload = store
            .upload(uri.key(), options.clone(), None)
            .with_memory(self.config().memory_limit);
        Ok(Writer {
            client: self.clone(),
            live: Some(Live {
                upload,
                open,
                block: None,
            }),
        })
    }
}

/// An object on its way.
#[derive(Debug)]
pub struct Writer {
    client: Client,
    /// Nothing once it is finished or given up, or a write has failed or was cancelled: bytes would be missing.
    live: Option<Live>,
}

struct Live {
    upload: Upload,
    open: Open,
    /// Memory that is being filled, and how far.
    block: Option<(IoBufMut, usize)>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("upload", &self.upload)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Appends a copy of `data`; waits while too much is under way.
    ///
    /// # Errors
    /// Of this or an earlier part; the object is then given up.
    pub async fn write(&mut self, data: &[u8]) -> Result<()> {
        let mut live = self.take()?;
        let result = live.copy(&self.client, data).await;
        self.keep(live, result)
    }

    /// Appends the memory itself, which is held until it is sent.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub async fn send(&mut self, data: Bytes) -> Result<()> {
        let mut live = self.take()?;
        let result = live.send(data).await;
        self.keep(live, result)
    }

    /// Makes the object visible.
    ///
    /// # Errors
    /// Of any part, or of the service when it joins them; nothing is visible then.
    pub async fn finish(&mut self) -> Result<PutResult> {
        let Live {
            mut upload,
            open,
            block,
        } = self.take()?;
        let work = async {
            if let Some((block, len)) = block {
                upload.send(filled(block, len)).await?;
            }
            upload.finish().await
        };
        let result = work.await;
        open.end(result, |put| (put.size, 1))
    }

    /// Gives the object up; returns when the service has been told.
    pub async fn abort(&mut self) {
        if let Some(live) = self.live.take() {
            live.upload.abort().await;
        }
    }

    fn take(&mut self) -> Result<Live> {
        let gone =
            || Error::invalid("an earlier write failed, or the object was finished or given up");
        self.live.take().ok_or_else(gone)
    }

    fn keep(&mut self, live: Live, result: Result<()>) -> Result<()> {
        match result {
            Ok(()) => {
                self.live = Some(live);
                Ok(())
            }
            Err(error) => live.open.end(Err(error), |()| (0, 1)),
        }
    }
}

impl Live {
    async fn copy(&mut self, client: &Client, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            let (mut block, len) = match self.block.take() {
                Some(begun) => begun,
                None => (client.pool().take(BLOCK)?, 0),
            };
            let take = data.len().min(BLOCK - len);
            // The caller may change its memory once the write has returned.
            block[len..len + take].copy_from_slice(&data[..take]);
            data = &data[take..];
            if len + take == BLOCK {
                self.upload.send(filled(block, BLOCK)).await?;
            } else {
                self.block = Some((block, len + take));
            }
        }
        Ok(())
    }

    async fn send(&mut self, data: Bytes) -> Result<()> {
        if let Some((block, len)) = self.block.take() {
            self.upload.send(filled(block, len)).await?;
        }
        self.upload.send(data).await
    }
}

fn filled(mut block: IoBufMut, len: usize) -> Bytes {
    block.truncate(len);
    block.freeze().into_bytes()
}
