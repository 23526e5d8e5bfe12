//! What goes into a store's methods and what comes out of them.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use crate::buffer::{IoBufMut, Pool};
use crate::checksum::{Algorithm, Checksum};
use crate::error::{Error, Result};
use crate::span::Span;
use crate::uri::{Key, Scheme};

/// Everything a service tells about one object; `None` where it has no such thing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObjectMeta {
    /// Bytes.
    pub size: u64,
    pub last_modified: Option<SystemTime>,
    /// As the service sends it, with its quotes.
    pub etag: Option<String>,
    pub content_type: Option<String>,
    pub content_language: Option<String>,
    pub storage_class: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub version_id: Option<String>,
    pub replication_status: Option<String>,
    pub server_side_encryption: Option<String>,
    pub ssekms_key_id: Option<String>,
    /// Azure's access tier.
    pub tier: Option<String>,
    /// Of the whole object, where the service keeps one and it was asked for.
    pub checksum: Option<Checksum>,
}

/// Which bytes of an object are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// All of it, by a request without a range: its answer carries the stored checksum.
    Whole,
    /// From an offset to the end.
    From(u64),
    /// At most `len` bytes from `offset` on; `len` is above 0.
    Bounded { offset: u64, len: u64 },
}

impl ByteRange {
    #[must_use]
    pub fn offset(self) -> u64 {
        match self {
            ByteRange::Whole => 0,
            ByteRange::From(offset) | ByteRange::Bounded { offset, .. } => offset,
        }
    }

    /// How many bytes an object of `size` bytes has in this range.
    ///
    /// # Errors
    /// `InvalidInput` with code `InvalidRange` if it starts past the end; offset 0 of an empty object is 0 bytes.
    pub fn len_in(self, size: u64) -> Result<u64> {
        let offset = self.offset();
        if offset > 0 && offset >= size {
            return Err(Error::invalid_range(offset, size));
        }
        let rest = size - offset;
        Ok(match self {
            ByteRange::Whole | ByteRange::From(_) => rest,
            ByteRange::Bounded { len, .. } => rest.min(len),
        })
    }
}

/// Where a read puts the bytes.
#[derive(Debug)]
pub enum Destination {
    /// This memory; a range that is shorter leaves its tail alone.
    Fill(IoBufMut),
    /// Memory for all of the range, taken from the pool once the answer tells its length; the read itself fills at
    /// most `window` bytes of it and leaves the rest to further requests.
    Allocate { pool: Arc<Pool>, window: u64 },
    /// Memory for at most `window` bytes of the range, taken from the pool once the answer tells its length.
    Head { pool: Arc<Pool>, window: u64 },
}

impl Destination {
    /// The memory to fill, and how many bytes of it this one request is to fill, now that `len` bytes are known to come.
    ///
    /// # Errors
    /// `LocalIo` with `ENOMEM`.
    pub fn open(self, len: u64) -> Result<(IoBufMut, usize)> {
        match self {
            Destination::Fill(buf) => {
                let fill = usize::try_from(len).unwrap_or(usize::MAX).min(buf.len());
                Ok((buf, fill))
            }
            Destination::Allocate { pool, window } => {
                let buf = pool.take(usize::try_from(len).unwrap_or(usize::MAX))?;
                // Fits: it is not above `len`, which fits.
                Ok((buf, len.min(window) as usize))
            }
            Destination::Head { pool, window } => {
                let fill = usize::try_from(len.min(window)).unwrap_or(usize::MAX);
                Ok((pool.take(fill)?, fill))
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Fail with `Precondition` if the object's etag is another one.
    pub if_match: Option<String>,
    /// Ask for the stored checksum of the whole object.
    pub want_checksum: bool,
    /// Told when the first byte arrives.
    pub span: Span,
}

/// What came with the bytes.
#[derive(Debug, Clone, Default)]
pub struct ReadReply {
    /// Bytes put into the destination, from its start on.
    pub filled: usize,
    /// Size of the whole object.
    pub size: u64,
    pub etag: Option<String>,
    /// Of the whole object; services send it only with answers to requests without a range.
    pub checksum: Option<Checksum>,
    pub attempts: u32,
}

/// Properties of an object to be written.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Fail with `AlreadyExists` if the key holds an object.
    pub if_none_match: bool,
    pub metadata: BTreeMap<String, String>,
    pub content_type: Option<String>,
    pub storage_class: Option<String>,
    pub tier: Option<String>,
}

/// What a signed URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    Get,
    Put,
    Head,
    Delete,
}

impl HttpMethod {
    const ALL: [HttpMethod; 4] = [
        HttpMethod::Get,
        HttpMethod::Put,
        HttpMethod::Head,
        HttpMethod::Delete,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            HttpMethod::Get => "GET",
            HttpMethod::Put => "PUT",
            HttpMethod::Head => "HEAD",
            HttpMethod::Delete => "DELETE",
        }
    }
}

impl FromStr for HttpMethod {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        HttpMethod::ALL
            .into_iter()
            .find(|method| method.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                Error::invalid(format!(
                    "unknown method {text:?}: expected GET, PUT, HEAD or DELETE"
                ))
            })
    }
}

/// What a service said to a write.
#[derive(Debug, Clone, Default)]
pub struct WriteReply {
    pub etag: Option<String>,
    pub version_id: Option<String>,
    /// Of all bytes written, where the store had to compute it anyway.
    pub checksum: Option<Checksum>,
}

/// A finished put.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PutResult {
    pub etag: Option<String>,
    /// Bytes.
    pub size: u64,
    /// CRC-32C of the bytes sent.
    pub crc32c: u32,
    pub version_id: Option<String>,
    /// CRC-32C of each span that was asked for.
    pub span_crc32c: Vec<u32>,
}

/// A finished copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyResult {
    pub etag: Option<String>,
    /// Bytes.
    pub size: u64,
    /// CRC-32C of the bytes; `None` where the service moved them itself and tells none.
    pub crc32c: Option<u32>,
    pub version_id: Option<String>,
}

/// An object that its own service is to copy.
#[derive(Debug, Clone)]
pub struct CopySource {
    pub container: String,
    pub key: Key,
    /// What the service told about it. The copy must be of this etag, and fails with `Precondition` otherwise.
    pub meta: ObjectMeta,
}

/// The service's name for an upload in parts, and the size every part but the last one has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadId {
    pub id: String,
    pub part_size: u64,
}

/// One part that the service holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u32,
    pub size: u64,
    pub etag: Option<String>,
    /// `None` where the service made the part itself and tells none.
    pub checksum: Option<Checksum>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    /// Bytes.
    pub size: u64,
    pub etag: Option<String>,
    pub last_modified: Option<SystemTime>,
}

#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Only the first level below the prefix; what lies deeper shows as common prefixes.
    pub one_level: bool,
    /// From the page before.
    pub token: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In bytewise order of their keys.
    pub entries: Vec<Entry>,
    /// Common prefixes, each with its final `/`.
    pub prefixes: Vec<String>,
    /// Asks for the next page; `None` on the last one.
    pub next: Option<String>,
}

/// A key that a batch delete could not remove.
#[derive(Debug)]
pub struct DeleteFailure {
    pub key: String,
    pub error: Error,
}

/// What a store is and what its service can do.
#[derive(Debug, Clone)]
pub struct StoreInfo {
    pub scheme: Scheme,
    /// Which service and account: where two stores of one client have the same, one can copy from the other.
    pub service: String,
    pub capability: Capability,
}

#[derive(Debug, Clone, Copy)]
pub struct Capability {
    /// The service takes uploads in parts; otherwise `write` takes any length.
    pub parts: Option<PartLimits>,
    /// The service copies objects by itself.
    pub copies: Option<CopyLimits>,
    /// Keys one delete request takes.
    pub delete_batch: usize,
    /// The checksum that each part and each whole write carries on the wire.
    pub checksum: Algorithm,
    /// Honours `if_none_match`.
    pub conditional_write: bool,
    /// Keeps user metadata and content types.
    pub metadata: bool,
    /// Holds keys with empty, `.` and `..` components as they are.
    pub any_key: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct CopyLimits {
    /// The largest object that one `copy` takes; bytes.
    pub max_single: u64,
    /// Of larger ones, all parts but the last; bytes.
    pub part_size: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct PartLimits {
    /// Of all parts but the last; bytes.
    pub min_size: u64,
    pub max_size: u64,
    pub max_count: u32,
    /// The largest object that one `write` takes; bytes.
    pub max_single: u64,
}
