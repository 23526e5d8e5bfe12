//! Put Blob: a whole object by one request.

use azure_core::http::Method;

use super::retry::Tries;
use super::session::header;
use super::{AzStore, digest, meta};
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
        let call = meta::write(sums.verify(call), options)?;
        let mut tries = self.session.tries();
        let reply = match self.session.ask(&call, 201, &mut tries).await {
            Ok((headers, _)) => meta::write_reply(&headers),
            Err(error) if options.if_none_match && met_object(&error) => {
                // The object that was met may come of a try whose answer was lost.
                match self.own_blob(key, body, &tries).await {
                    Ok(Some(reply)) => reply,
                    _ => return Err(error.with_kind(ErrorKind::AlreadyExists)),
                }
            }
            Err(error) => return Err(error),
        };
        Ok(WriteReply {
            checksum: Some(sums.crc32c),
            ..reply
        })
    }

    /// The blob that holds the key now, if one Put Blob of this body wrote it.
    async fn own_blob(
        &self,
        key: &Key,
        body: &Payload,
        tries: &Tries<'_>,
    ) -> Result<Option<WriteReply>> {
        if !tries.unanswered() {
            return Ok(None);
        }
        let call = self.session.blob(Method::Head, &self.container, key)?;
        let (headers, _) = self
            .session
            .ask(&call, 200, &mut self.session.tries())
            .await?;
        // The service keeps the MD5 of what one Put Blob wrote, whether it was sent or not.
        let md5 = digest::md5(body).await?;
        let ours = meta::read(&headers)?.size == body.len()
            && header(&headers, "content-md5") == Some(&md5);
        Ok(ours.then(|| meta::write_reply(&headers)))
    }

    /// Compares the size of what a finished upload has made.
    pub(super) async fn verify_size(&self, key: &Key, size: u64, reply: &WriteReply) -> Result<()> {
        let found = match self.stat(key).await {
            // Who may only write cannot ask; the service has checked each block.
            Err(error) if error.kind() == ErrorKind::AccessDenied => return Ok(()),
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
