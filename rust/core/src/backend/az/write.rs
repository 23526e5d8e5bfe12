//! Put Blob: a whole object by one request.

use azure_core::http::Method;

use super::session::header;
use super::{AzStore, digest, meta};
use crate::backend::attempts::Attempts;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::store::Store as _;
use crate::types::{WriteOptions, WriteReply};
use crate::uri::Key;

impl AzStore {
    pub(super) async fn put(
        &self,
        key: &Key,
        body: &Payload,
        options: &WriteOptions,
    ) -> Result<WriteReply> {
        meta::check(options)?;
        let sums = digest::sums(body, self.checksum).await?;
        let call = self
            .session
            .blob(Method::Put, &self.container, key)?
            .header("x-ms-blob-type", "BlockBlob")
            .body(body.clone());
        let token = options.if_none_match.then(meta::new_token);
        let call = meta::write(sums.verify(call), options)?;
        let call = match &token {
            Some(token) => call.header(meta::WRITE_TOKEN, token),
            None => call,
        };
        let mut attempts = self.session.attempts();
        let reply = match self.session.ask(&call, 201, &mut attempts).await {
            Ok((headers, _)) => meta::write_reply(&headers),
            Err(error) if token.is_some() && met_object(&error) => {
                // The object that was met may come of a try whose answer was lost.
                match self.own_blob(key, token.as_deref(), &attempts).await? {
                    Some(reply) => reply,
                    None => return Err(error.with_kind(ErrorKind::AlreadyExists)),
                }
            }
            Err(error) => return Err(error),
        };
        Ok(WriteReply {
            checksum: Some(sums.crc32c),
            ..reply
        })
    }

    /// The blob that holds the key now, if the Put Blob with this token wrote it.
    ///
    /// # Errors
    /// Where the question fails: whose blob it is, is not known then.
    async fn own_blob(
        &self,
        key: &Key,
        token: Option<&str>,
        attempts: &Attempts<'_>,
    ) -> Result<Option<WriteReply>> {
        if !attempts.unsure() {
            return Ok(None);
        }
        let call = self.session.blob(Method::Head, &self.container, key)?;
        let (headers, _) = self
            .session
            .ask(&call, 200, &mut self.session.attempts())
            .await?;
        let ours = header(&headers, meta::WRITE_TOKEN) == token;
        Ok(ours.then(|| meta::write_reply(&headers)))
    }

    /// Compares the size of what a finished upload has made.
    pub(super) async fn verify_size(&self, key: &Key, size: u64, reply: &WriteReply) -> Result<()> {
        let found = match self.stat(key).await {
            // Who may only write cannot ask, and another may have deleted it since; the service has checked each block.
            Err(error) if matches!(error.kind(), ErrorKind::AccessDenied | ErrorKind::NotFound) => {
                return Ok(());
            }
            found => found?,
        };
        // Another etag is another writer's object, which says nothing about ours.
        if found.etag == reply.etag && found.size != size {
            let what = format!(
                "{size} bytes were written, the service holds {}",
                found.size
            );
            return Err(Error::new(ErrorKind::Integrity, what));
        }
        Ok(())
    }
}

/// Whether `If-None-Match: *` was not met.
pub(super) fn met_object(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AlreadyExists | ErrorKind::Precondition
    )
}
