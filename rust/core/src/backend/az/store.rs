//! The verbs of an Azure container; the larger ones have files of their own.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::http::Method;

use super::{AzStore, keys, meta};
use crate::buffer::IoBufMut;
use crate::config::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::store::Store;
use crate::types::{
    ByteRange, CopySource, DeleteFailure, Destination, HttpMethod, ObjectMeta, Page, PageRequest,
    Part, ReadOptions, ReadReply, StoreInfo, UploadId, WriteOptions, WriteReply,
};
use crate::uri::Key;

#[async_trait]
impl Store for AzStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    fn check_key(&self, key: &Key) -> Result<()> {
        keys::check(key)
    }

    async fn stat(&self, key: &Key) -> Result<ObjectMeta> {
        keys::check(key)?;
        let call = self.session.blob(Method::Head, &self.container, key)?;
        let (headers, _) = self
            .session
            .ask(&call, 200, &mut self.session.attempts())
            .await?;
        meta::read(&headers)
    }

    async fn read(
        &self,
        key: &Key,
        range: ByteRange,
        into: Destination,
        options: &ReadOptions,
    ) -> Result<(IoBufMut, ReadReply)> {
        keys::check(key)?;
        self.get(key, range, into, options).await
    }

    async fn write(&self, key: &Key, body: &Payload, options: &WriteOptions) -> Result<WriteReply> {
        keys::check(key)?;
        self.put(key, body, options).await
    }

    async fn start_upload(
        &self,
        key: &Key,
        part_size: u64,
        options: &WriteOptions,
    ) -> Result<UploadId> {
        keys::check(key)?;
        AzStore::new_upload(part_size, options)
    }

    async fn put_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: u32,
        body: &Payload,
    ) -> Result<Part> {
        keys::check(key)?;
        self.put_block(key, upload, number, body).await
    }

    async fn finish_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[Part],
        options: &WriteOptions,
    ) -> Result<WriteReply> {
        keys::check(key)?;
        self.commit(key, upload, parts, options).await
    }

    /// Nothing can be done, and nothing must: blocks that no list names are dropped by the service.
    async fn abort_upload(&self, _: &Key, _: &UploadId) -> Result<()> {
        Ok(())
    }

    async fn copy(&self, source: &CopySource, key: &Key) -> Result<WriteReply> {
        keys::check(&source.key)?;
        keys::check(key)?;
        self.copy_blob(source, key).await
    }

    async fn start_copy(
        &self,
        key: &Key,
        part_size: u64,
        options: &WriteOptions,
    ) -> Result<UploadId> {
        self.start_upload(key, part_size, options).await
    }

    async fn copy_part(
        &self,
        source: &CopySource,
        range: Range<u64>,
        key: &Key,
        upload: &UploadId,
        number: u32,
    ) -> Result<Part> {
        keys::check(&source.key)?;
        keys::check(key)?;
        self.copy_block(source, range, key, upload, number).await
    }

    async fn set_tier(&self, key: &Key, tier: &str) -> Result<()> {
        keys::check(key)?;
        self.change_tier(key, tier).await
    }

    async fn presign(&self, key: &Key, method: HttpMethod, lifetime: Duration) -> Result<Secret> {
        keys::check(key)?;
        self.signed_url(key, method, lifetime)
    }

    async fn delete(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
        self.delete_blobs(keys).await
    }

    async fn list(&self, prefix: &Key, page: &PageRequest) -> Result<Page> {
        self.list_page(prefix, page, None).await
    }

    /// There are no directories to remove.
    async fn prune(&self, _: &Key) -> Result<()> {
        Ok(())
    }

    async fn create_container(&self, _: &Key) -> Result<()> {
        let call = self
            .session
            .container(Method::Put, &self.container)?
            .query("restype", "container");
        let mut attempts = self.session.attempts();
        match self.session.ask(&call, 201, &mut attempts).await {
            // An earlier try may have made it; what was asked for is there.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && attempts.unsure() => Ok(()),
            answer => answer.map(drop),
        }
    }

    async fn delete_container(&self, _: &Key) -> Result<()> {
        // The service would delete a full one, too.
        self.require_empty().await?;
        let call = self
            .session
            .container(Method::Delete, &self.container)?
            .query("restype", "container");
        let mut attempts = self.session.attempts();
        match self.session.ask(&call, 202, &mut attempts).await {
            Err(error) if error.kind() == ErrorKind::NotFound && attempts.unsure() => Ok(()),
            answer => answer.map(drop),
        }
    }
}

impl AzStore {
    async fn require_empty(&self) -> Result<()> {
        let mut page = PageRequest::default();
        loop {
            let found = self.list_page(&Key::default(), &page, Some(1)).await?;
            if let Some(entry) = found.entries.first() {
                return Err(Error::new(
                    ErrorKind::NotEmpty,
                    format!("it holds {:?}", entry.key),
                ));
            }
            // Pages may be empty before the last one.
            let Some(next) = found.next else {
                return Ok(());
            };
            page.token = Some(next);
        }
    }
}
