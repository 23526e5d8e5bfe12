//! One object made of another: by the service where both are of one, else through bounded memory here.

use super::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::span::Span;
use crate::split::SplitStore;
use crate::types::{CopyResult, CopySource, WriteOptions};
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
        let result = self.copy_object(source, target, open.span()).await;
        open.end(result, |copied| (copied.size, 1))
    }

    async fn copy_object(&self, source: &Uri, target: &Uri, span: &Span) -> Result<CopyResult> {
        // The operation names the target; what goes wrong with the source names the source.
        let of_source = |error: Error| error.at("copy", source);
        let from = self.object(source).await.map_err(of_source)?;
        let to = self.object(target).await?;
        if is_same((&from, source), (&to, target)) {
            return Err(Error::invalid("source and target are the same object"));
        }
        let meta = from.stat(source.key()).await.map_err(of_source)?;
        let found = CopySource {
            container: source.container().to_owned(),
            key: source.key().clone(),
            meta,
        };
        if to.copies_from(&from) {
            match to.copy(found.clone(), target.key()).await {
                // The endpoint does not know the request, but it can still be read and written.
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    tracing::debug!(%error, "the service makes no copies; the bytes go through here");
                }
                result => return result,
            }
        }
        self.pass_through((&from, source), found, (&to, target), span)
            .await
    }

    /// Reads with one half of the memory and writes with the other.
    async fn pass_through(
        &self,
        (from, source): (&SplitStore, &Uri),
        found: CopySource,
        (to, target): (&SplitStore, &Uri),
        span: &Span,
    ) -> Result<CopyResult> {
        let of_source = |error: Error| error.at("copy", source);
        let memory = self.config().memory_limit / 2;
        let meta = found.meta;
        let options = if to.inner().info().capability.metadata {
            WriteOptions {
                metadata: meta.metadata,
                content_type: meta.content_type,
                ..WriteOptions::default()
            }
        } else {
            WriteOptions::default()
        };
        let mut upload = to
            .upload(target.key(), options, Some(meta.size))
            .with_memory(memory);
        let mut parts = from
            .stream_of(source.key(), meta.etag, memory, span)
            .await
            .map_err(of_source)?;
        while let Some(part) = parts.next().await.map_err(of_source)? {
            upload.send(part.into_bytes()).await?;
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

/// `file://` and `direct://` are two ways to one file.
fn is_same((from, source): (&SplitStore, &Uri), (to, target): (&SplitStore, &Uri)) -> bool {
    let both_local = source.scheme().is_local() && target.scheme().is_local();
    (both_local || from.inner().info().service == to.inner().info().service)
        && source.container() == target.container()
        && source.key() == target.key()
}
