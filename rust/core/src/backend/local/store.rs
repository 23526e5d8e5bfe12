//! The store's methods: each checks its key, then does its work on a thread that may block.

use std::fs;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::blocking::{self, Cancelled};
use super::list::PAGE;
use super::{Local, errors, meta, path, upload};
use crate::backend::attributes;
use crate::buffer::{BLOCK_ALIGN, IoBufMut};
use crate::checksum::Algorithm;
use crate::config::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::store::Store;
use crate::types::{
    ByteRange, Capability, CopyLimits, CopySource, DeleteFailure, Destination, HttpMethod,
    ObjectMeta, Page, PageRequest, Part, PartLimits, ReadOptions, ReadReply, StoreInfo, UploadId,
    WriteOptions, WriteReply,
};
use crate::uri::{Key, Scheme};

#[derive(Debug)]
pub(super) struct LocalStore {
    info: StoreInfo,
    pub(super) local: Arc<Local>,
}

impl LocalStore {
    pub fn new(scheme: Scheme, local: Local) -> Self {
        let parts = PartLimits {
            min_size: if local.direct.is_some() {
                BLOCK_ALIGN as u64
            } else {
                1
            },
            max_size: 1 << 40,
            max_count: 1_000_000,
            max_single: u64::MAX,
            // Its number tells where a part goes.
            any_size: false,
        };
        // The kernel would copy through the page cache, which is what `direct://` is there to pass by.
        let copies = local.direct.is_none().then_some(CopyLimits {
            max_single: u64::MAX,
            part_size: u64::MAX,
        });
        let capability = Capability {
            parts: Some(parts),
            copies,
            delete_batch: 1000,
            checksum: Algorithm::Crc32c,
            conditional_write: true,
            metadata: false,
            any_key: false,
        };
        LocalStore {
            info: StoreInfo {
                scheme,
                service: scheme.to_string(),
                capability,
            },
            local: Arc::new(local),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Local, &Cancelled) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let local = Arc::clone(&self.local);
        blocking::run(move |cancelled| work(&local, cancelled)).await
    }
}

#[async_trait]
impl Store for LocalStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    fn check_key(&self, key: &Key) -> Result<()> {
        path::object(key).map(drop)
    }

    async fn stat(&self, key: &Key) -> Result<ObjectMeta> {
        let file = path::object(key)?;
        self.run(move |_, _| {
            let found = fs::metadata(&file).map_err(errors::of_lookup)?;
            meta::require_file(&found)?;
            Ok(meta::object(&found))
        })
        .await
    }

    async fn read(
        &self,
        key: &Key,
        range: ByteRange,
        into: Destination,
        options: &ReadOptions,
    ) -> Result<(IoBufMut, ReadReply)> {
        let (file, options) = (path::object(key)?, options.clone());
        self.run(move |local, cancelled| local.read(&file, range, into, &options, cancelled))
            .await
    }

    async fn write(&self, key: &Key, body: &Payload, options: &WriteOptions) -> Result<WriteReply> {
        let target = path::object(key)?;
        refuse_attributes(options)?;
        let (body, if_none_match) = (body.clone(), options.if_none_match);
        self.run(move |local, cancelled| local.write(&target, &body, if_none_match, cancelled))
            .await
    }

    async fn start_upload(
        &self,
        key: &Key,
        part_size: u64,
        options: &WriteOptions,
    ) -> Result<UploadId> {
        let target = path::object(key)?;
        refuse_attributes(options)?;
        let if_none_match = options.if_none_match;
        // Comes back as a guard: where nobody takes it, because the future was dropped, it removes the file.
        let temporary = self
            .run(move |local, _| local.start_upload(&target, part_size, if_none_match))
            .await?;
        Ok(UploadId {
            id: temporary.keep(),
            part_size,
        })
    }

    async fn put_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: u32,
        body: &Payload,
    ) -> Result<Part> {
        let file = upload::file(&path::object(key)?, upload)?;
        let (part_size, body) = (upload.part_size, body.clone());
        self.run(move |local, cancelled| local.put_part(&file, part_size, number, &body, cancelled))
            .await
    }

    async fn finish_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[Part],
        options: &WriteOptions,
    ) -> Result<WriteReply> {
        let target = path::object(key)?;
        let file = upload::file(&target, upload)?;
        let (part_size, parts, if_none_match) =
            (upload.part_size, parts.to_vec(), options.if_none_match);
        self.run(move |local, cancelled| {
            local.finish_upload(file, &target, part_size, &parts, if_none_match, cancelled)
        })
        .await
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<()> {
        let file = upload::file(&path::object(key)?, upload)?;
        self.run(move |_, _| Local::abort_upload(&file)).await
    }

    async fn copy(&self, source: &CopySource, key: &Key) -> Result<WriteReply> {
        let (from, to) = (path::object(&source.key)?, path::object(key)?);
        let etag = source.meta.etag.clone();
        self.run(move |local, cancelled| local.copy(&from, etag.as_deref(), &to, cancelled))
            .await
    }

    async fn start_copy(
        &self,
        _key: &Key,
        _part_size: u64,
        _options: &WriteOptions,
    ) -> Result<UploadId> {
        Err(attributes::never_cut())
    }

    async fn copy_part(
        &self,
        _source: &CopySource,
        _range: Range<u64>,
        _key: &Key,
        _upload: &UploadId,
        _number: u32,
    ) -> Result<Part> {
        Err(attributes::never_cut())
    }

    async fn set_tier(&self, _key: &Key, _tier: &str) -> Result<()> {
        Err(attributes::no_tiers())
    }

    async fn presign(
        &self,
        _key: &Key,
        _method: HttpMethod,
        _lifetime: Duration,
    ) -> Result<Secret> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "files have no URL that others could use",
        ))
    }

    async fn delete(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
        let keys = keys.to_vec();
        self.run(move |local, cancelled| local.delete(&keys, cancelled))
            .await
    }

    async fn list(&self, prefix: &Key, page: &PageRequest) -> Result<Page> {
        path::directory(prefix)?;
        if !prefix.is_prefix() {
            return Err(Error::invalid("a prefix ends in `/`"));
        }
        let (prefix, page) = (prefix.as_str().to_owned(), page.clone());
        self.run(move |_, cancelled| Local::list(&prefix, &page, PAGE, cancelled))
            .await
    }

    async fn prune(&self, prefix: &Key) -> Result<()> {
        let directory = path::container(prefix)?;
        self.run(move |_, cancelled| Local::prune(&directory, cancelled))
            .await
    }

    async fn create_container(&self, at: &Key) -> Result<()> {
        let directory = path::container(at)?;
        self.run(move |local, _| local.create_container(&directory))
            .await
    }

    async fn delete_container(&self, at: &Key) -> Result<()> {
        let directory = path::container(at)?;
        self.run(move |local, cancelled| local.delete_container(&directory, cancelled))
            .await
    }
}

/// What a file cannot keep must not be lost in silence.
fn refuse_attributes(options: &WriteOptions) -> Result<()> {
    let asked = [
        ("metadata", !options.metadata.is_empty()),
        ("content_type", options.content_type.is_some()),
        ("storage_class", options.storage_class.is_some()),
        ("tier", options.tier.is_some()),
    ];
    match asked.into_iter().find(|(_, asked)| *asked) {
        Some((option, _)) => Err(attributes::unsupported(option, "files keep no such thing")),
        None => Ok(()),
    }
}
