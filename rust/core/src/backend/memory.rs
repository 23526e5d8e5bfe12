//! Objects in this process, for tests and for programs that want a store without one. It keeps every promise of the
//! other stores, holds any key, and keeps the caller's own pages (a put copies nothing).

mod shared;

use std::collections::{BTreeMap, HashMap, hash_map};
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

pub use shared::{Frozen, Memory};

use super::{Driver, attributes};
use crate::buffer::IoBufMut;
use crate::checksum::{Algorithm, Checksum};
use crate::config::{Config, Secret};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::store::Store;
use crate::types::{
    ByteRange, Capability, CopyLimits, CopySource, DeleteFailure, Destination, Entry, HttpMethod,
    ObjectMeta, Page, PageRequest, Part, PartLimits, ReadOptions, ReadReply, StoreInfo, UploadId,
    WriteOptions, WriteReply,
};
use crate::uri::{Key, Scheme, Uri};

const PAGE: usize = 1000;

pub(super) fn driver(_config: &Arc<Config>) -> Arc<dyn Driver> {
    Memory::default().driver()
}

#[derive(Debug)]
struct MemoryDriver {
    service: Arc<Service>,
}

/// All containers, by name.
type Service = Mutex<HashMap<String, Container>>;

fn lock(service: &Service) -> MutexGuard<'_, HashMap<String, Container>> {
    service.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Driver for MemoryDriver {
    async fn open(&self, uri: &Uri) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(MemoryStore::new(
            Arc::clone(&self.service),
            uri.container(),
        )))
    }
}

#[derive(Debug)]
struct MemoryStore {
    info: StoreInfo,
    service: Arc<Service>,
    container: String,
}

#[derive(Debug, Default)]
struct Container {
    objects: BTreeMap<String, Object>,
    uploads: HashMap<String, BTreeMap<u32, Payload>>,
    /// Makes etags and upload ids unique.
    serial: u64,
}

#[derive(Debug, Clone)]
struct Object {
    body: Payload,
    meta: ObjectMeta,
}

impl Container {
    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn object(&self, key: &Key) -> Result<Object> {
        let found = self.objects.get(key.as_str()).cloned();
        found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the object does not exist").with_code("NoSuchKey")
        })
    }

    fn insert(
        &mut self,
        key: &Key,
        body: Payload,
        checksum: Checksum,
        options: &WriteOptions,
    ) -> Result<WriteReply> {
        if options.if_none_match && self.objects.contains_key(key.as_str()) {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "the key already holds an object",
            ));
        }
        let meta = ObjectMeta {
            size: body.len(),
            content_type: options
                .content_type
                .clone()
                .or_else(|| Some("application/octet-stream".into())),
            storage_class: options.storage_class.clone(),
            // As services give them back.
            metadata: options
                .metadata
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                .collect(),
            checksum: Some(checksum),
            ..ObjectMeta::default()
        };
        Ok(self.place(key, Object { body, meta }))
    }

    /// Puts an object in place as a new one.
    fn place(&mut self, key: &Key, mut object: Object) -> WriteReply {
        let etag = format!("\"{:016x}\"", self.next_serial());
        let checksum = object.meta.checksum;
        object.meta.etag = Some(etag.clone());
        object.meta.last_modified = Some(SystemTime::now());
        self.objects.insert(key.as_str().to_owned(), object);
        WriteReply {
            etag: Some(etag),
            version_id: None,
            checksum,
        }
    }
}

impl MemoryStore {
    fn new(service: Arc<Service>, container: &str) -> Self {
        MemoryStore {
            info: StoreInfo {
                scheme: Scheme::Memory,
                service: Scheme::Memory.to_string(),
                capability: Capability {
                    parts: Some(PartLimits {
                        min_size: 1,
                        max_size: u64::MAX,
                        max_count: 10_000,
                        max_single: u64::MAX,
                        any_size: true,
                    }),
                    copies: Some(CopyLimits {
                        max_single: u64::MAX,
                        part_size: u64::MAX,
                    }),
                    delete_batch: PAGE,
                    checksum: Algorithm::Crc32c,
                    conditional_write: true,
                    metadata: true,
                    any_key: true,
                },
            },
            service,
            container: container.to_owned(),
        }
    }

    fn containers(&self) -> MutexGuard<'_, HashMap<String, Container>> {
        lock(&self.service)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Container) -> Result<T>) -> Result<T> {
        self.with_container(&self.container, act)
    }

    fn with_container<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Container) -> Result<T>,
    ) -> Result<T> {
        act(existing(self.containers().get_mut(name))?)
    }

    fn object(&self, key: &Key) -> Result<Object> {
        self.with(|container| container.object(key))
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    fn check_key(&self, _key: &Key) -> Result<()> {
        Ok(())
    }

    async fn stat(&self, key: &Key) -> Result<ObjectMeta> {
        Ok(self.object(key)?.meta)
    }

    async fn read(
        &self,
        key: &Key,
        range: ByteRange,
        into: Destination,
        options: &ReadOptions,
    ) -> Result<(IoBufMut, ReadReply)> {
        let Object { body, meta } = self.object(key)?;
        if options.is_other(meta.etag.as_deref()) {
            return Err(replaced());
        }
        let len = range.len_in(meta.size)?;
        let mut reply = ReadReply {
            size: meta.size,
            etag: meta.etag,
            checksum: meta
                .checksum
                .filter(|_| options.want_checksum && range == ByteRange::Whole),
            attempts: 1,
            ..ReadReply::default()
        };
        let (mut buf, filled) = into.open(len, &reply)?;
        options.span.first_byte();
        let mut at = 0;
        for piece in body.slice(range.offset(), filled as u64).pieces() {
            // The destination is the caller's; a view of the stored pages could be written through.
            buf[at..at + piece.len()].copy_from_slice(piece);
            at += piece.len();
        }
        reply.filled = filled;
        Ok((buf, reply))
    }

    async fn write(&self, key: &Key, body: &Payload, options: &WriteOptions) -> Result<WriteReply> {
        check(options)?;
        let checksum = body.checksum(Algorithm::Crc32c);
        self.with(|container| container.insert(key, body.clone(), checksum, options))
    }

    async fn start_upload(
        &self,
        _key: &Key,
        part_size: u64,
        options: &WriteOptions,
    ) -> Result<UploadId> {
        check(options)?;
        self.with(|container| {
            let id = container.next_serial().to_string();
            container.uploads.insert(id.clone(), BTreeMap::new());
            Ok(UploadId { id, part_size })
        })
    }

    async fn put_part(
        &self,
        _key: &Key,
        upload: &UploadId,
        number: u32,
        body: &Payload,
    ) -> Result<Part> {
        let checksum = body.checksum(Algorithm::Crc32c);
        self.with(|container| {
            let parts = container
                .uploads
                .get_mut(&upload.id)
                .ok_or_else(no_such_upload)?;
            parts.insert(number, body.clone());
            Ok(Part {
                number,
                size: body.len(),
                etag: None,
                checksum: Some(checksum),
            })
        })
    }

    async fn finish_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[Part],
        options: &WriteOptions,
    ) -> Result<WriteReply> {
        self.with(|container| {
            let held = container
                .uploads
                .get(&upload.id)
                .ok_or_else(no_such_upload)?;
            let mut pieces: Vec<Bytes> = Vec::new();
            for part in parts {
                let body = held
                    .get(&part.number)
                    .filter(|body| body.len() == part.size);
                let body = body.ok_or_else(|| {
                    Error::new(
                        ErrorKind::Integrity,
                        format!("part {} is not what was sent", part.number),
                    )
                })?;
                pieces.extend_from_slice(body.pieces());
            }
            let body = Payload::new(pieces);
            let checksum = body.checksum(Algorithm::Crc32c);
            let reply = container.insert(key, body, checksum, options)?;
            container.uploads.remove(&upload.id);
            Ok(reply)
        })
    }

    async fn abort_upload(&self, _key: &Key, upload: &UploadId) -> Result<()> {
        self.with(|container| {
            container.uploads.remove(&upload.id);
            Ok(())
        })
    }

    async fn copy(&self, source: &CopySource, key: &Key) -> Result<WriteReply> {
        let object =
            self.with_container(&source.container, |container| container.object(&source.key))?;
        if object.meta.etag != source.meta.etag {
            return Err(replaced());
        }
        self.with(|container| Ok(container.place(key, object)))
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
            "objects in memory have no URL that others could use",
        ))
    }

    async fn delete(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
        self.with(|container| {
            for key in keys {
                container.objects.remove(key.as_str());
            }
            Ok(Vec::new())
        })
    }

    async fn list(&self, prefix: &Key, page: &PageRequest) -> Result<Page> {
        let prefix = prefix.as_str();
        let after = page
            .token
            .as_deref()
            .map_or(Bound::Included(prefix), Bound::Excluded);
        self.with(|container| {
            let mut found = Page::default();
            for (key, object) in container.objects.range::<str, _>((after, Bound::Unbounded)) {
                let Some(rest) = key.strip_prefix(prefix) else {
                    break;
                };
                if found.entries.len() + found.prefixes.len() == PAGE {
                    found.next = last_of(&found);
                    break;
                }
                match rest.split_once('/').filter(|_| page.one_level) {
                    Some((first, _)) => {
                        let common = format!("{prefix}{first}/");
                        // The token names the last prefix, so keys below it come up again on the next page.
                        let seen = page
                            .token
                            .as_deref()
                            .is_some_and(|token| token.starts_with(&common));
                        if !seen && found.prefixes.last() != Some(&common) {
                            found.prefixes.push(common);
                        }
                    }
                    None => found.entries.push(Entry {
                        key: key.clone(),
                        size: object.meta.size,
                        etag: object.meta.etag.clone(),
                        last_modified: object.meta.last_modified,
                    }),
                }
            }
            Ok(found)
        })
    }

    async fn prune(&self, _prefix: &Key) -> Result<()> {
        Ok(())
    }

    async fn create_container(&self, _at: &Key) -> Result<()> {
        match self.containers().entry(self.container.clone()) {
            hash_map::Entry::Occupied(_) => Err(Error::new(
                ErrorKind::AlreadyExists,
                "the container already exists",
            )),
            hash_map::Entry::Vacant(free) => {
                free.insert(Container::default());
                Ok(())
            }
        }
    }

    async fn delete_container(&self, _at: &Key) -> Result<()> {
        let mut containers = self.containers();
        let count = existing(containers.get_mut(&self.container))?.objects.len();
        if count > 0 {
            return Err(Error::new(
                ErrorKind::NotEmpty,
                format!("the container holds {count} objects"),
            )
            .with_errno(libc::ENOTEMPTY));
        }
        containers.remove(&self.container);
        Ok(())
    }
}

fn existing(container: Option<&mut Container>) -> Result<&mut Container> {
    container.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "the container does not exist").with_code("NoSuchBucket")
    })
}

fn check(options: &WriteOptions) -> Result<()> {
    if options.tier.is_some() {
        return Err(attributes::no_tiers());
    }
    attributes::check(options)
}

fn last_of(page: &Page) -> Option<String> {
    let key = page.entries.last().map(|entry| &entry.key);
    key.max(page.prefixes.last()).cloned()
}

fn replaced() -> Error {
    Error::new(ErrorKind::Precondition, "the object was replaced")
}

fn no_such_upload() -> Error {
    Error::new(ErrorKind::NotFound, "the upload does not exist").with_code("NoSuchUpload")
}
