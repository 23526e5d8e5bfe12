//! The `Store` of one bucket.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::object::{self, meta};
use super::road::Road;
use super::service::Service;
use crate::backend::attributes;
use crate::buffer::IoBufMut;
use crate::checksum::Algorithm;
use crate::config::Secret;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::store::Store;
use crate::types::{
    ByteRange, Capability, CopyLimits, CopySource, DeleteFailure, Destination, HttpMethod,
    ObjectMeta, Page, PageRequest, Part, PartLimits, ReadOptions, ReadReply, StoreInfo, UploadId,
    WriteOptions, WriteReply,
};
use crate::uri::{Key, Scheme};

/// Bytes, of the key's UTF-8.
const MAX_KEY: usize = 1024;
const COPIES: CopyLimits = CopyLimits {
    max_single: 5 << 30,
    part_size: 512 << 20,
};
const LIMITS: PartLimits = PartLimits {
    min_size: 5 << 20,
    max_size: 5 << 30,
    max_count: 10_000,
    max_single: 5 << 30,
    any_size: true,
};

#[derive(Debug)]
pub(super) struct S3Store {
    pub(super) service: Arc<Service>,
    pub(super) bucket: String,
    /// With the bucket where the settings say, and in the host name, for an endpoint that wants it there. Each is found
    /// at the first request that could take it.
    pub(super) roads: [OnceCell<Option<Road>>; 2],
    pub(super) info: StoreInfo,
}

impl S3Store {
    pub(super) fn new(service: Arc<Service>, bucket: &str) -> Self {
        let capability = Capability {
            parts: Some(LIMITS),
            copies: Some(COPIES),
            delete_batch: 1000,
            checksum: Algorithm::Crc32c,
            conditional_write: true,
            metadata: true,
            // Other services may be MinIO, which does not; see `refuse_odd`.
            any_key: service.config().s3.endpoint_url.is_none(),
        };
        S3Store {
            service,
            bucket: bucket.to_owned(),
            roads: Default::default(),
            info: StoreInfo {
                scheme: Scheme::S3,
                service: Scheme::S3.to_string(),
                capability,
            },
        }
    }

    /// Refuses a key that MinIO would store under another name (`/a` as `a`) or not at all.
    ///
    /// What the endpoint is shows in any answer; only where none has come yet is one asked for.
    pub(super) async fn refuse_odd(&self, key: &Key) -> Result<()> {
        let Some(what) = odd_component(key.as_str()) else {
            return Ok(());
        };
        if self.service.peer.is_minio().is_none() {
            let client = self.service.client().await?;
            let mut attempts = self.service.attempts();
            let probe = || async {
                match self
                    .service
                    .send(client.head_bucket().bucket(&self.bucket).send())
                    .await
                {
                    // Whatever an answer says, it has been seen.
                    Err(failure) if failure.error.status().is_none() => Err(failure),
                    _ => Ok(()),
                }
            };
            attempts.run(probe).await?;
        }
        if self.service.peer.is_minio() == Some(true) {
            return Err(Error::invalid(format!(
                "the key has {what}, which MinIO does not keep as it is"
            )));
        }
        Ok(())
    }
}

/// What in a key a server that maps keys to paths would change.
fn odd_component(key: &str) -> Option<&'static str> {
    if key.starts_with('/') {
        return Some("a leading slash");
    }
    if key.contains("//") {
        return Some("an empty component");
    }
    key.split('/')
        .any(|component| matches!(component, "." | ".."))
        .then_some("a . or .. component")
}

#[async_trait]
impl Store for S3Store {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    fn check_key(&self, key: &Key) -> Result<()> {
        let len = key.as_str().len();
        if len > MAX_KEY {
            return Err(Error::invalid(format!(
                "the key has {len} bytes; S3 takes {MAX_KEY} at most"
            ))
            .with_code("KeyTooLongError"));
        }
        Ok(())
    }

    async fn stat(&self, key: &Key) -> Result<ObjectMeta> {
        self.refuse_odd(key).await?;
        self.head(key).await.and_then(meta)
    }

    async fn read(
        &self,
        key: &Key,
        range: ByteRange,
        into: Destination,
        options: &ReadOptions,
    ) -> Result<(IoBufMut, ReadReply)> {
        self.refuse_odd(key).await?;
        self.read_object(key, range, into, options).await
    }

    async fn write(&self, key: &Key, body: &Payload, options: &WriteOptions) -> Result<WriteReply> {
        object::check(options)?;
        self.refuse_odd(key).await?;
        self.write_object(key, body, options).await
    }

    async fn start_upload(
        &self,
        key: &Key,
        part_size: u64,
        options: &WriteOptions,
    ) -> Result<UploadId> {
        object::check(options)?;
        self.refuse_odd(key).await?;
        self.create_upload(key, part_size, options, true).await
    }

    async fn put_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: u32,
        body: &Payload,
    ) -> Result<Part> {
        self.upload_part(key, upload, number, body).await
    }

    async fn finish_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[Part],
        options: &WriteOptions,
    ) -> Result<WriteReply> {
        self.complete_upload(key, upload, parts, options).await
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<()> {
        self.drop_upload(key, upload).await
    }

    async fn copy(&self, source: &CopySource, key: &Key) -> Result<WriteReply> {
        self.refuse_odd(&source.key).await?;
        self.refuse_odd(key).await?;
        self.copy_object(source, key).await
    }

    async fn start_copy(
        &self,
        key: &Key,
        part_size: u64,
        options: &WriteOptions,
    ) -> Result<UploadId> {
        object::check(options)?;
        self.refuse_odd(key).await?;
        // MinIO sums no part that it makes itself, and then misses the sum.
        let summed = self.service.peer.is_minio() != Some(true);
        self.create_upload(key, part_size, options, summed).await
    }

    async fn copy_part(
        &self,
        source: &CopySource,
        range: Range<u64>,
        key: &Key,
        upload: &UploadId,
        number: u32,
    ) -> Result<Part> {
        self.refuse_odd(&source.key).await?;
        self.copy_range(source, range, key, upload, number).await
    }

    async fn set_tier(&self, _key: &Key, _tier: &str) -> Result<()> {
        Err(attributes::no_tiers())
    }

    async fn presign(&self, key: &Key, method: HttpMethod, lifetime: Duration) -> Result<Secret> {
        self.refuse_odd(key).await?;
        self.signed_url(key, method, lifetime).await
    }

    async fn delete(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
        let mut failures = Vec::new();
        let mut plain = Vec::with_capacity(keys.len());
        for key in keys {
            match self.refuse_odd(key).await {
                Ok(()) => plain.push(key),
                Err(error) => failures.push(DeleteFailure {
                    key: key.as_str().to_owned(),
                    error,
                }),
            }
        }
        failures.extend(self.delete_objects(plain).await?);
        Ok(failures)
    }

    async fn list(&self, prefix: &Key, page: &PageRequest) -> Result<Page> {
        self.list_page(prefix, page).await
    }

    async fn prune(&self, _prefix: &Key) -> Result<()> {
        // Prefixes are not things of their own here.
        Ok(())
    }

    async fn create_container(&self, _at: &Key) -> Result<()> {
        self.create_bucket().await
    }

    async fn delete_container(&self, _at: &Key) -> Result<()> {
        self.delete_bucket().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_keys_are_known() {
        for key in ["/a", "a//b", "a/../b", "..", "./a", "a/."] {
            assert!(odd_component(key).is_some(), "{key}");
        }
        for key in ["a", "a/b", "a/", "a..b/.c", "...", "a b/+%"] {
            assert_eq!(odd_component(key), None, "{key}");
        }
    }
}
