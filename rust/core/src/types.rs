//! What goes into a store's methods and what comes out of them.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::buffer::{IoBufMut, Pool};
use crate::checksum::{Algorithm, Checksum, Digest};
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
    /// As `Fill`, but the read itself fills at most `window` bytes of it.
    Window { buf: IoBufMut, window: u64 },
    /// Memory for all of the range, taken from the pool once the answer tells its length; the read itself fills at
    /// most `window` bytes of it and leaves the rest to further requests.
    Allocate { pool: Arc<Pool>, window: u64 },
    /// As `Allocate` if `reserve` agrees to the length; else, and without it, memory for at most `window` bytes of the
    /// range.
    Head {
        pool: Arc<Pool>,
        window: u64,
        reserve: Option<Reserve>,
    },
    /// As the other one, but the read keeps only what it fills itself: the memory behind that is for whoever listens,
    /// who can have it filled meanwhile.
    Shared {
        into: Box<Destination>,
        opened: oneshot::Sender<Opened>,
    },
}

/// Says whether memory for so many bytes may be taken, and counts them if so.
pub struct Reserve(pub Box<dyn FnOnce(u64) -> bool + Send>);

impl fmt::Debug for Reserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reserve")
    }
}

/// What is known of a read before its bytes are there.
#[derive(Debug)]
pub struct Opened {
    /// With nothing filled.
    pub reply: ReadReply,
    /// Bytes that the read itself is to fill.
    pub fill: usize,
    /// The memory behind them.
    pub rest: IoBufMut,
}

impl Destination {
    /// Bytes of memory that are there before the answer; 0 where only the answer tells how many it takes.
    #[must_use]
    pub fn held(&self) -> u64 {
        match self {
            Destination::Fill(buf) => buf.len() as u64,
            Destination::Window { window, .. } => *window,
            Destination::Allocate { .. } | Destination::Head { .. } => 0,
            Destination::Shared { into, .. } => into.held(),
        }
    }

    /// The memory to fill, and how many bytes of it this one request is to fill, now that `len` bytes are known to come
    /// and `reply` tells of what.
    ///
    /// # Errors
    /// `LocalIo` with `ENOMEM`.
    pub fn open(self, len: u64, reply: &ReadReply) -> Result<(IoBufMut, usize)> {
        let length = usize::try_from(len).unwrap_or(usize::MAX);
        let capped = |window: u64| usize::try_from(window).unwrap_or(usize::MAX).min(length);
        match self {
            Destination::Fill(buf) => {
                let fill = length.min(buf.len());
                Ok((buf, fill))
            }
            Destination::Window { buf, window } => {
                let fill = capped(window).min(buf.len());
                Ok((buf, fill))
            }
            Destination::Allocate { pool, window } => Ok((pool.take(length)?, capped(window))),
            Destination::Head {
                pool,
                window,
                reserve,
            } => {
                let fill = capped(window);
                let all = reserve.is_some_and(|Reserve(agrees)| agrees(len));
                let buf = pool.take(if all { length } else { fill })?;
                Ok((buf, fill))
            }
            Destination::Shared { into, opened } => {
                let (mut buf, fill) = into.open(len, reply)?;
                let rest = buf.split_off(fill);
                let reply = reply.clone();
                // Who does not listen has given the read up.
                let _ = opened.send(Opened { reply, fill, rest });
                Ok((buf, fill))
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
    /// Take the checksum of what is filled in this algorithm; by default in that of the stored checksum, if one comes.
    pub algorithm: Option<Algorithm>,
    /// The bytes pass through once: no cache need keep them.
    pub streamed: bool,
    /// Told when the first byte arrives.
    pub span: Span,
}

impl ReadOptions {
    /// Whether what has this etag is another version than the one that is wanted.
    #[must_use]
    pub fn is_other(&self, etag: Option<&str>) -> bool {
        self.if_match.is_some() && self.if_match.as_deref() != etag
    }

    /// Takes the checksum that this read is to tell, now that the stored one is known.
    #[must_use]
    pub fn digest(&self, stored: Option<Checksum>) -> Option<Digest> {
        let algorithm = self.algorithm.or(stored.map(|stored| stored.algorithm));
        algorithm.map(Digest::new)
    }
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
    /// Of the bytes put into the destination, where the store took it while it had them in its hands.
    pub taken: Option<Checksum>,
    pub attempts: u32,
}

impl ReadReply {
    /// The checksum of `filled`, which are the bytes of this reply: as the store has taken it, else taken now.
    #[must_use]
    pub fn sum(&self, algorithm: Algorithm, filled: &[u8]) -> Checksum {
        match self.taken {
            Some(taken) if taken.algorithm == algorithm => taken,
            _ => Checksum::of(algorithm, filled),
        }
    }
}

/// Properties of an object to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// From the request for the page before, where there is one.
    pub held: Held,
}

/// What a store holds between two pages of one listing. The token alone says where to go on; this only saves the way.
#[derive(Clone, Default)]
pub struct Held(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl Held {
    /// What was kept, if it is a `T`.
    pub fn take<T: 'static>(&self) -> Option<T> {
        let kept = self.lock().take()?;
        kept.downcast().ok().map(|kept| *kept)
    }

    pub fn keep(&self, what: impl Any + Send) {
        *self.lock() = Some(Box::new(what));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
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
    /// Parts need not be of one size.
    pub any_size: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(agrees: bool) -> Destination {
        Destination::Head {
            pool: Arc::default(),
            window: 10,
            reserve: Some(Reserve(Box::new(move |_| agrees))),
        }
    }

    #[test]
    fn a_head_takes_memory_for_all_where_there_is_room() {
        let reply = ReadReply::default();

        for (agrees, len, taken, fill) in
            [(true, 25, 25, 10), (false, 25, 10, 10), (false, 4, 4, 4)]
        {
            let (buf, filled) = head(agrees).open(len, &reply).unwrap();

            assert_eq!((buf.len(), filled), (taken, fill), "{agrees} for {len}");
        }
    }

    #[test]
    fn a_shared_destination_gives_away_what_the_read_does_not_fill() {
        let (opened, mut known) = oneshot::channel();
        let into = Destination::Shared {
            into: Box::new(head(true)),
            opened,
        };
        let reply = ReadReply {
            size: 25,
            ..ReadReply::default()
        };

        let (buf, fill) = into.open(25, &reply).unwrap();

        let opened = known.try_recv().unwrap();
        assert_eq!((buf.len(), fill), (10, 10));
        assert_eq!((opened.reply.size, opened.fill), (25, 10));
        assert_eq!(buf.unsplit(opened.rest).len(), 25);
    }
}
