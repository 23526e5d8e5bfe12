//! The trait every back end implements: each method is one bounded request that can be repeated, timed and logged.
//!
//! Whole-object transfers, streams and many-object jobs are written once, above it. There are no default bodies, so
//! that a wrapper cannot forget a method; a store without an operation returns `Unsupported`.

use std::fmt::Debug;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;

use crate::buffer::IoBufMut;
use crate::config::Secret;
use crate::error::Result;
use crate::payload::Payload;
use crate::types::{
    ByteRange, CopySource, DeleteFailure, Destination, HttpMethod, ObjectMeta, Page, PageRequest,
    Part, ReadOptions, ReadReply, StoreInfo, UploadId, WriteOptions, WriteReply,
};
use crate::uri::Key;

/// One container (bucket, Azure container, file system) of one service.
///
/// Errors carry kind, code, status, request id and attempts; the verb and the URI are added by `Client`.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    fn info(&self) -> &StoreInfo;

    /// Refuses keys that the service cannot hold as they are, before any I/O.
    fn check_key(&self, key: &Key) -> Result<()>;

    async fn stat(&self, key: &Key) -> Result<ObjectMeta>;

    /// Reads a range into memory that is passed in by value and comes back, so that an abandoned read keeps it until
    /// nothing can write into it any more. On error the memory is dropped. An interrupted body is resumed in place.
    async fn read(
        &self,
        key: &Key,
        range: ByteRange,
        into: Destination,
        options: &ReadOptions,
    ) -> Result<(IoBufMut, ReadReply)>;

    /// Writes a whole object by one request, or (local files) atomically: old or new, never torn.
    async fn write(&self, key: &Key, body: &Payload, options: &WriteOptions) -> Result<WriteReply>;

    async fn start_upload(
        &self,
        key: &Key,
        part_size: u64,
        options: &WriteOptions,
    ) -> Result<UploadId>;

    /// Part `number` counts from 1; each but the last has `upload.part_size` bytes. Repeating a part replaces it.
    async fn put_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: u32,
        body: &Payload,
    ) -> Result<Part>;

    /// Makes the object of its parts, in order, and compares what the service says with them.
    async fn finish_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[Part],
        options: &WriteOptions,
    ) -> Result<WriteReply>;

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<()>;

    /// Makes an object of another one of the same service, of at most `capability.copies.max_single` bytes; none of them
    /// passes through here. Metadata and content type go along.
    async fn copy(&self, source: &CopySource, key: &Key) -> Result<WriteReply>;

    /// As [`Store::start_upload`], of an upload whose parts all come from [`Store::copy_part`].
    async fn start_copy(
        &self,
        key: &Key,
        part_size: u64,
        options: &WriteOptions,
    ) -> Result<UploadId>;

    /// As [`Store::put_part`], of bytes that the service holds already.
    async fn copy_part(
        &self,
        source: &CopySource,
        range: Range<u64>,
        key: &Key,
        upload: &UploadId,
        number: u32,
    ) -> Result<Part>;

    /// Moves an object to another access tier, `tier` being the caller's word for it.
    async fn set_tier(&self, key: &Key, tier: &str) -> Result<()>;

    /// A URL that lets whoever has it do one thing with one object until it expires. Sends no request about the object.
    async fn presign(&self, key: &Key, method: HttpMethod, lifetime: Duration) -> Result<Secret>;

    /// At most `capability.delete_batch` keys. A missing key is success.
    async fn delete(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>>;

    /// One page of what lies below `prefix`, which is empty or ends in `/`.
    async fn list(&self, prefix: &Key, page: &PageRequest) -> Result<Page>;

    /// After a prefix delete: removes what only held the deleted keys (directories), but not `prefix` itself.
    async fn prune(&self, prefix: &Key) -> Result<()>;

    /// Makes the container; for local stores the directory `at`.
    async fn create_container(&self, at: &Key) -> Result<()>;

    /// Removes the container, which must be empty.
    async fn delete_container(&self, at: &Key) -> Result<()>;
}
