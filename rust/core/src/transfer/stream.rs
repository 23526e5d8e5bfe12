//! Objects from and into streams of bytes whose length nobody knows, in bounded memory.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{PutResult, WriteOptions};
use crate::uri::Uri;

/// Bytes taken from a stream at a time.
const BLOCK: usize = 1 << 20;

impl Client {
    /// Writes an object of all that `reader` gives. It shows only once it is whole; when this is dropped or fails, the
    /// upload is aborted.
    ///
    /// # Errors
    /// As [`Client::put`]; those of `reader`.
    pub async fn put_from(
        &self,
        uri: &Uri,
        mut reader: impl AsyncRead + Unpin,
        options: &WriteOptions,
    ) -> Result<PutResult> {
        let open = self.begin("put", uri);
        let work = async {
            let upload = self.upload(uri, options, None).await?;
            let mut upload = upload.with_memory(self.config().memory_limit);
            loop {
                let mut block = self.pool().take(BLOCK)?;
                let mut filled = 0;
                while filled < BLOCK {
                    match reader
                        .read(&mut block[filled..])
                        .await
                        .map_err(of_stream("read"))?
                    {
                        0 => break,
                        got => filled += got,
                    }
                }
                block.truncate(filled);
                upload.send(block.freeze().into_bytes()).await?;
                if filled < BLOCK {
                    return upload.finish().await;
                }
            }
        };
        let result = work.await;
        open.end(result, |put| (put.size, 1))
    }

    /// Writes all of an object to `writer`, and gives its size. The last bytes come only after the whole was compared
    /// with the stored checksum.
    ///
    /// # Errors
    /// As [`Client::get`]; those of `writer`.
    pub async fn get_to(&self, uri: &Uri, mut writer: impl AsyncWrite + Unpin) -> Result<u64> {
        let open = self.begin("get", uri);
        let work = async {
            let memory = self.config().memory_limit;
            let mut parts = self.stream(uri, memory, open.span()).await?;
            while let Some(part) = parts.next().await? {
                writer.write_all(&part).await.map_err(of_stream("write"))?;
            }
            writer.flush().await.map_err(of_stream("write"))?;
            Ok(parts.size())
        };
        let result = work.await;
        open.end(result, |size| (*size, 1))
    }
}

/// Of the other end, not of the store, which is what the error is named after.
fn of_stream(what: &str) -> impl Fn(io::Error) -> Error + use<'_> {
    move |cause| match cause.kind() {
        io::ErrorKind::BrokenPipe => Error::new(ErrorKind::LocalIo, "nobody reads the stream")
            .with_code("EPIPE")
            .with_errno(libc::EPIPE),
        _ => {
            let error = Error::from(cause);
            let detail = format!("cannot {what} the stream: {}", error.detail());
            error.with_detail(detail)
        }
    }
}
