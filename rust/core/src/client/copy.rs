//! One object made of another: by the service where both are of one, else through bounded memory here.

use super::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::span::Span;
use crate::split::SplitStore;
use crate::types::{CopyResult, CopySource, ObjectMeta, WriteOptions};
use crate::uri::Uri;

impl Client {
    /// Copies an object, atomically, with its metadata and content type where the target keeps such. Within one service
    /// the service does it, and no byte passes through here.
    ///
    /// # Errors
    /// `InvalidInput` if both are the same object; `NotFound`; `Precondition` if the source is replaced meanwhile;
    /// `Integrity` if the bytes are not those that are stored.
    pub async fn copy(&self, source: &Uri, target: &Uri) -> Result<CopyResult> {
        let open = self.begin("copy", target);
        let work = async {
            let write = WriteOptions::default();
            let copy = Copying::open(self, "copy", (source, target), &write).await?;
            match copy.within_the_service().await? {
                Some(copied) => Ok(copied),
                None => {
                    let memory = self.config().memory_limit;
                    copy.through_here(memory, open.span(), |_| ()).await
                }
            }
        };
        let result = work.await;
        open.end(result, |copied| (copied.size, 1))
    }
}

/// A copy that can begin: what its source is, and what its target is to be.
pub(crate) struct Copying<'a> {
    op: &'static str,
    from: SplitStore,
    source: &'a Uri,
    found: CopySource,
    to: SplitStore,
    target: &'a Uri,
    /// What the target has of its own.
    write: &'a WriteOptions,
}

impl<'a> Copying<'a> {
    /// Asks for the source. Errors that come of it name it, as those of a verb called `op`.
    pub async fn open(
        client: &Client,
        op: &'static str,
        (source, target): (&'a Uri, &'a Uri),
        write: &'a WriteOptions,
    ) -> Result<Self> {
        let of_source = |error: Error| error.at(op, source);
        let from = client.object(source).await.map_err(of_source)?;
        let to = client.object(target).await?;
        if is_same((&from, source), (&to, target)) {
            return Err(Error::invalid("source and target are the same object"));
        }
        let meta = from.stat(source.key()).await.map_err(of_source)?;
        let found = CopySource {
            container: source.container().to_owned(),
            key: source.key().clone(),
            meta,
        };
        Ok(Copying {
            op,
            from,
            source,
            found,
            to,
            target,
            write,
        })
    }

    /// Bytes of the source.
    pub fn size(&self) -> u64 {
        self.found.meta.size
    }

    /// Has the service make the copy; `None` where none can, and the object can still be read and written.
    pub async fn within_the_service(&self) -> Result<Option<CopyResult>> {
        if !self.to.copies_from(&self.from) {
            return Ok(None);
        }
        let copied = self.to.copy(&self.found, self.target.key(), self.write);
        match copied.await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                tracing::info!(%error, "the service makes no such copy; the bytes go through here");
                Ok(None)
            }
            copied => copied.map(Some),
        }
    }

    /// Reads with one half of `memory` and writes with the other; `told` of the bytes as they pass.
    pub async fn through_here(
        self,
        memory: u64,
        span: &Span,
        mut told: impl FnMut(u64),
    ) -> Result<CopyResult> {
        let of_source = |error: Error| error.at(self.op, self.source);
        let keeps_properties = self.to.inner().info().capability.metadata;
        let options = described(&self.found.meta, self.write, keeps_properties);
        let size = self.size();
        let mut upload = self
            .to
            .upload(self.target.key(), options, Some(size))
            .with_memory(memory / 2);
        let etag = self.found.meta.etag.clone();
        let mut parts = self
            .from
            .stream_of(self.source.key(), etag, memory / 2, span)
            .await
            .map_err(of_source)?;
        while let Some(part) = parts.next().await.map_err(of_source)? {
            let len = part.len() as u64;
            upload.send(part.into_bytes()).await?;
            told(len);
        }
        let put = upload.finish().await?;
        Ok(CopyResult {
            etag: put.etag,
            size: put.size,
            crc32c: Some(put.crc32c),
            version_id: put.version_id,
        })
    }
}

/// What a copy is written with: what its source has, as far as the target keeps such and nothing else was asked for.
pub(crate) fn described(
    source: &ObjectMeta,
    write: &WriteOptions,
    keeps_properties: bool,
) -> WriteOptions {
    let mut write = write.clone();
    if keeps_properties {
        if write.metadata.is_empty() {
            write.metadata.clone_from(&source.metadata);
        }
        if write.content_type.is_none() {
            write.content_type.clone_from(&source.content_type);
        }
    }
    write
}

/// `file://` and `direct://` are two ways to one file.
fn is_same((from, source): (&SplitStore, &Uri), (to, target): (&SplitStore, &Uri)) -> bool {
    let both_local = source.scheme().is_local() && target.scheme().is_local();
    (both_local || from.inner().info().service == to.inner().info().service)
        && source.container() == target.container()
        && source.key() == target.key()
}
