//! Copies that the service makes itself: Copy Blob From URL, and Put Block From URL for larger ones.
//!
//! It reads the source as a stranger would, so the request says how: with a signature in the source's URL, or a token.

use std::ops::Range;
use std::time::Duration;

use azure_core::http::Method;

use super::auth::Authority;
use super::sas::Grant;
use super::session::{Call, header};
use super::upload::block_id;
use super::{AzStore, meta};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{CopySource, Part, UploadId, WriteReply};
use crate::uri::Key;

/// How long the service may read the source; it begins when the request comes.
const READABLE: Duration = Duration::from_mins(15);

impl AzStore {
    pub(super) async fn copy_blob(&self, source: &CopySource, key: &Key) -> Result<WriteReply> {
        let call = self
            .session
            .blob(Method::Put, &self.container, key)?
            .header("x-ms-requires-sync", "true");
        let call = self.of(source, call).await?;
        let (headers, _) = self
            .session
            .ask(&call, 202, &mut self.session.attempts())
            .await?;
        match header(&headers, "x-ms-copy-status") {
            Some("success") => Ok(meta::write_reply(&headers)),
            status => Err(Error::new(
                ErrorKind::Server,
                format!(
                    "the service calls the copy {:?}",
                    status.unwrap_or_default()
                ),
            )
            .with_retryable(false)),
        }
    }

    pub(super) async fn copy_block(
        &self,
        source: &CopySource,
        range: Range<u64>,
        key: &Key,
        upload: &UploadId,
        number: u32,
    ) -> Result<Part> {
        let call = self
            .session
            .blob(Method::Put, &self.container, key)?
            .query("comp", "block")
            .query("blockid", &block_id(upload, number))
            .header(
                "x-ms-source-range",
                format!("bytes={}-{}", range.start, range.end - 1),
            );
        let call = self.of(source, call).await?;
        self.session
            .ask(&call, 201, &mut self.session.attempts())
            .await?;
        Ok(Part {
            number,
            size: range.end - range.start,
            etag: None,
            checksum: None,
        })
    }

    /// Names the source, how to read it, and the etag that it must have.
    async fn of(&self, source: &CopySource, call: Call) -> Result<Call> {
        let url = self.session.url(&source.container, &source.key);
        let call = match &self.session.authority {
            Authority::Key(key) => {
                let grant = Grant::new(
                    &source.container,
                    &source.key,
                    "r",
                    READABLE,
                    &self.session.endpoint,
                );
                let signed = format!("{url}?{}", grant.sign(key).reveal());
                call.header("x-ms-copy-source", signed)
            }
            Authority::Sas(sas) => {
                let signed = format!("{url}?{}", sas.query().reveal());
                call.header("x-ms-copy-source", signed)
            }
            Authority::Entra(chain) => {
                let token = format!("Bearer {}", chain.token().await?.reveal());
                call.header("x-ms-copy-source", url)
                    .header("x-ms-copy-source-authorization", token)
            }
        };
        Ok(match &source.meta.etag {
            Some(etag) => call.header("x-ms-source-if-match", etag),
            None => call,
        })
    }
}
