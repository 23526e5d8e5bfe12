//! A store that fails on demand and keeps the addresses it was given.

use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

use crate::buffer::IoBufMut;
use crate::config::Secret;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::store::Store;
use crate::types::{
    ByteRange, CopySource, DeleteFailure, Destination, HttpMethod, ObjectMeta, Page, PageRequest,
    Part, ReadOptions, ReadReply, StoreInfo, UploadId, WriteOptions, WriteReply,
};
use crate::uri::Key;
use std::sync::Arc;

/// Decides, by method and key, whether a call fails before it reaches the store, or after.
pub(super) type Judge = Box<dyn Fn(&str, &str) -> Verdict + Send + Sync>;

pub(super) enum Verdict {
    Pass,
    Fail(Error),
    /// The work is done, the answer is lost.
    Lose(Error),
}

pub(super) struct Faulty {
    pub inner: Arc<dyn Store>,
    pub judge: Judge,
    /// Where the pieces of written bodies lay.
    pub addresses: Mutex<Vec<usize>>,
}

impl std::fmt::Debug for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

impl Faulty {
    async fn judged<T>(
        &self,
        op: &str,
        key: &Key,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match (self.judge)(op, key.as_str()) {
            Verdict::Pass => work.await,
            Verdict::Fail(error) => Err(error),
            Verdict::Lose(error) => {
                work.await?;
                Err(error)
            }
        }
    }

    fn note(&self, body: &Payload) {
        let pieces = body.pieces().iter().map(|piece| piece.as_ptr() as usize);
        self.addresses.lock().unwrap().extend(pieces);
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Faulty {
    fn info(&self) -> &StoreInfo {
        self.inner.info()
    }

    fn check_key(&self, key: &Key) -> Result<()> {
        self.inner.check_key(key)
    }

    async fn stat(&self, key: &Key) -> Result<ObjectMeta> {
        self.judged("stat", key, self.inner.stat(key)).await
    }

    async fn read(
        &self,
        key: &Key,
        range: ByteRange,
        into: Destination,
        options: &ReadOptions,
    ) -> Result<(IoBufMut, ReadReply)> {
        self.judged("read", key, self.inner.read(key, range, into, options))
            .await
    }

    async fn write(&self, key: &Key, body: &Payload, options: &WriteOptions) -> Result<WriteReply> {
        self.note(body);
        self.judged("write", key, self.inner.write(key, body, options))
            .await
    }

    async fn start_upload(
        &self,
        key: &Key,
        part_size: u64,
        options: &WriteOptions,
    ) -> Result<UploadId> {
        self.judged(
            "start_upload",
            key,
            self.inner.start_upload(key, part_size, options),
        )
        .await
    }

    async fn put_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: u32,
        body: &Payload,
    ) -> Result<Part> {
        self.note(body);
        self.judged(
            "put_part",
            key,
            self.inner.put_part(key, upload, number, body),
        )
        .await
    }

    async fn finish_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[Part],
        options: &WriteOptions,
    ) -> Result<WriteReply> {
        self.judged(
            "finish_upload",
            key,
            self.inner.finish_upload(key, upload, parts, options),
        )
        .await
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<()> {
        self.judged("abort_upload", key, self.inner.abort_upload(key, upload))
            .await
    }

    async fn copy(&self, source: &CopySource, key: &Key) -> Result<WriteReply> {
        self.judged("copy", key, self.inner.copy(source, key)).await
    }

    async fn start_copy(
        &self,
        key: &Key,
        part_size: u64,
        options: &WriteOptions,
    ) -> Result<UploadId> {
        let work = self.inner.start_copy(key, part_size, options);
        self.judged("start_copy", key, work).await
    }

    async fn copy_part(
        &self,
        source: &CopySource,
        range: Range<u64>,
        key: &Key,
        upload: &UploadId,
        number: u32,
    ) -> Result<Part> {
        let work = self.inner.copy_part(source, range, key, upload, number);
        self.judged("copy_part", key, work).await
    }

    async fn set_tier(&self, key: &Key, tier: &str) -> Result<()> {
        self.judged("set_tier", key, self.inner.set_tier(key, tier))
            .await
    }

    async fn presign(&self, key: &Key, method: HttpMethod, lifetime: Duration) -> Result<Secret> {
        self.inner.presign(key, method, lifetime).await
    }

    async fn delete(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
        self.judged("delete", &keys[0], self.inner.delete(keys))
            .await
    }

    async fn list(&self, prefix: &Key, page: &PageRequest) -> Result<Page> {
        self.inner.list(prefix, page).await
    }

    async fn prune(&self, prefix: &Key) -> Result<()> {
        self.inner.prune(prefix).await
    }

    async fn create_container(&self, at: &Key) -> Result<()> {
        self.inner.create_container(at).await
    }

    async fn delete_container(&self, at: &Key) -> Result<()> {
        self.inner.delete_container(at).await
    }
}
