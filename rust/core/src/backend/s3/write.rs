//! PUT of a whole object, and the questions asked when the answer to a write was lost.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, StorageClass};

use super::object::WRITE_TOKEN;
use super::payload::{Sending, crc32c, outgoing, signed_as};
use super::store::S3Store;
use crate::backend::attempts::{Attempts, Failure};
use crate::checksum::Checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::types::{WriteOptions, WriteReply};
use crate::uri::Key;

impl S3Store {
    pub(super) async fn write_object(
        &self,
        key: &Key,
        body: &Payload,
        options: &WriteOptions,
    ) -> Result<WriteReply> {
        let checksum = crc32c(body);
        let hash = signed_as(body, &self.service.config().s3).await?;
        let token = options.if_none_match.then(new_token);
        self.service
            .checksummed(|with_checksum| {
                let token = token.as_deref();
                let sending = Sending {
                    body,
                    checksum: with_checksum.then_some(checksum),
                    hash: &hash,
                };
                async move {
                    let mut attempts = self.service.attempts();
                    let reply = attempts
                        .run(|| self.put(key, sending, options, token))
                        .await;
                    let reply = match reply {
                        Err(error) => self.resolve_conflict(key, &attempts, error, token).await?,
                        Ok(reply) => reply,
                    };
                    Ok(WriteReply {
                        checksum: Some(checksum),
                        ..reply
                    })
                }
            })
            .await
    }

    async fn put(
        &self,
        key: &Key,
        sending: Sending<'_>,
        options: &WriteOptions,
        token: Option<&str>,
    ) -> Result<WriteReply, Failure> {
        if let Some(road) = self.road().await? {
            let headers = properties(options, token);
            return self.short_put(road, key, sending, headers).await;
        }
        let Sending { body, checksum, .. } = sending;
        let (stream, slot) = outgoing(body, self.service.config());
        let request = self
            .service
            .client()
            .await?
            .put_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .content_length(body.len().cast_signed())
            .set_checksum_crc32_c(checksum.map(Checksum::to_base64))
            .set_if_none_match(options.if_none_match.then(|| "*".to_owned()))
            .set_metadata(metadata(options, token))
            .set_content_type(options.content_type.clone())
            .set_storage_class(options.storage_class.as_deref().map(StorageClass::from));
        let request = request
            .body(stream)
            .customize()
            .mutate_request(slot.attach());
        let request = match self.service.config().s3.sign_payload {
            true => request,
            false => request.disable_payload_signing(),
        };
        let output = self.service.send(request.send()).await?;
        Ok(WriteReply {
            etag: output.e_tag,
            version_id: output.version_id,
            checksum: None,
        })
    }

    /// A conditional write met an object. After a lost answer that may be our own: the token tells.
    pub(super) async fn resolve_conflict(
        &self,
        key: &Key,
        attempts: &Attempts<'_>,
        error: Error,
        token: Option<&str>,
    ) -> Result<WriteReply> {
        if error.status() != Some(412) {
            return Err(error);
        }
        if attempts.unsure()
            && let Some(token) = token
        {
            let head = self.head(key).await.map_err(unknown)?;
            if has_token(&head, token) {
                return Ok(WriteReply {
                    etag: head.e_tag,
                    version_id: head.version_id,
                    checksum: None,
                });
            }
        }
        Err(error.with_kind(ErrorKind::AlreadyExists))
    }

    pub(super) async fn head(&self, key: &Key) -> Result<HeadObjectOutput> {
        let head = || async {
            if let Some(road) = self.road().await? {
                return self.short_head(road, key).await;
            }
            let client = self.service.client().await?;
            let request = client
                .head_object()
                .bucket(&self.bucket)
                .key(key.as_str())
                .checksum_mode(ChecksumMode::Enabled);
            self.service.send(request.send()).await
        };
        self.service.attempts().run(head).await
    }
}

/// An answer was lost, and what it said cannot be found out.
pub(super) fn unknown(error: Error) -> Error {
    let detail = format!(
        "whether the object was written is not known: {}",
        error.detail()
    );
    error.with_detail(detail)
}

pub(super) fn has_token(head: &HeadObjectOutput, token: &str) -> bool {
    head.metadata()
        .and_then(|all| all.get(WRITE_TOKEN))
        .is_some_and(|found| found == token)
}

/// What a write tells about its object, as headers. The type is the one the SDK gives where none is told.
fn properties(options: &WriteOptions, token: Option<&str>) -> Vec<(Cow<'static, str>, String)> {
    let kind = options
        .content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    let mut headers = vec![("content-type".into(), kind.to_owned())];
    if options.if_none_match {
        headers.push(("if-none-match".into(), "*".to_owned()));
    }
    if let Some(class) = &options.storage_class {
        headers.push(("x-amz-storage-class".into(), class.clone()));
    }
    for (name, value) in metadata(options, token).into_iter().flatten() {
        let name = format!("x-amz-meta-{}", name.to_ascii_lowercase());
        headers.push((name.into(), value));
    }
    headers
}

/// Unlike any other writer's.
pub(super) fn new_token() -> String {
    format!("{:032x}", rand::random::<u128>())
}

pub(super) fn metadata(
    options: &WriteOptions,
    token: Option<&str>,
) -> Option<HashMap<String, String>> {
    let mut all: HashMap<String, String> = options.metadata.clone().into_iter().collect();
    all.extend(token.map(|token| (WRITE_TOKEN.to_owned(), token.to_owned())));
    (!all.is_empty()).then_some(all)
}
