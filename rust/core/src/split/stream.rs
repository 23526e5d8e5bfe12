//! A whole object as buffers in order, with a bounded number of them under way.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::first::Head;
use super::read::{same_size, verify};
use super::{First, SplitStore};
use crate::buffer::{Buffer, IoBufMut};
use crate::checksum::Checksum;
use crate::error::{Error, Result};
use crate::span::Span;
use crate::types::{ByteRange, Destination, Opened, ReadReply};
use crate::uri::Key;

type PartResult = Result<(IoBufMut, Option<Checksum>)>;

/// The parts of one object, read ahead. Dropping it stops the requests.
#[derive(Debug)]
pub struct Download {
    store: SplitStore,
    key: Key,
    span: Span,
    reply: ReadReply,
    /// Parts held or under way at once.
    depth: usize,
    /// The first part, whose answer told the size, and its length.
    head: Option<(Head, usize)>,
    sum: Option<Checksum>,
    tasks: JoinSet<(u64, PartResult)>,
    arrived: BTreeMap<u64, PartResult>,
    /// Why there is no more to come.
    failed: Option<Error>,
    /// Where the next request starts, and the next buffer to hand out.
    requested: u64,
    delivered: u64,
}

/// What the first answer of a download has to be about.
#[derive(Debug, Clone, Default)]
struct Wanted {
    etag: Option<String>,
    /// A comparison of the caller's own.
    exactly: Option<(u64, Checksum)>,
}

impl SplitStore {
    /// Starts to read all of an object; at most `memory` bytes of it are held at once, but always one part.
    ///
    /// # Errors
    /// As [`SplitStore::read`]; errors of later parts come from [`Download::next`].
    pub async fn stream(&self, key: &Key, memory: u64, span: &Span) -> Result<Download> {
        self.stream_of(key, None, memory, span).await
    }

    /// As [`SplitStore::stream`], of the object that has this etag, if one is given.
    ///
    /// # Errors
    /// As there; `Precondition` if the object has another one.
    pub(crate) async fn stream_of(
        &self,
        key: &Key,
        etag: Option<String>,
        memory: u64,
        span: &Span,
    ) -> Result<Download> {
        let wanted = Wanted {
            etag,
            exactly: None,
        };
        self.open(key, ByteRange::Whole, wanted, memory, span).await
    }

    /// As [`SplitStore::stream`], of an object that must have this size and checksum, whatever `verify` says; the last
    /// buffer comes only after both were compared.
    ///
    /// # Errors
    /// As there; `Integrity` if size or checksum differ.
    pub(crate) async fn stream_exact(
        &self,
        key: &Key,
        size: u64,
        expected: Checksum,
        memory: u64,
        span: &Span,
    ) -> Result<Download> {
        let wanted = Wanted {
            etag: None,
            exactly: Some((size, expected)),
        };
        self.open(key, ByteRange::Whole, wanted, memory, span).await
    }

    /// As [`SplitStore::stream`], of the bytes of a range, which is not empty.
    ///
    /// # Errors
    /// As there; `InvalidInput` with code `InvalidRange` for an offset that is not in the object.
    pub(crate) async fn stream_range(
        &self,
        key: &Key,
        range: ByteRange,
        memory: u64,
        span: &Span,
    ) -> Result<Download> {
        let len = match range {
            ByteRange::Bounded { len, .. } => len.min(self.part_size),
            ByteRange::Whole | ByteRange::From(_) => self.part_size,
        };
        let window = ByteRange::Bounded {
            offset: range.offset(),
            len,
        };
        let mut download = self
            .open(key, window, Wanted::default(), memory, span)
            .await?;
        // For this download, the object ends where the range does.
        download.reply.size = range.offset() + range.len_in(download.reply.size)?;
        Ok(download)
    }

    /// Sends the first request, which asks for `range`, and waits for what its answer tells.
    async fn open(
        &self,
        key: &Key,
        range: ByteRange,
        wanted: Wanted,
        memory: u64,
        span: &Span,
    ) -> Result<Download> {
        let into = Destination::Head {
            pool: self.pool.clone(),
            window: self.part_size,
            reserve: None,
        };
        let first = First {
            key: key.clone(),
            range,
            etag: wanted.etag,
            algorithm: wanted.exactly.map(|(_, checksum)| checksum.algorithm),
            into,
            span: span.clone(),
        };
        let (opened, head) = self.begin(first).await?;
        let Opened {
            mut reply, fill, ..
        } = opened;
        match wanted.exactly {
            Some((size, checksum)) => {
                same_size(reply.size, size)?;
                reply.checksum = Some(checksum);
            }
            None if range == ByteRange::Whole => self.ask_for_checksum(key, &mut reply).await?,
            // A part of an object has no stored checksum that it could be compared with.
            None => reply.checksum = None,
        }
        let depth = usize::try_from(memory / self.part_size).unwrap_or(usize::MAX);
        Ok(Download {
            store: self.clone(),
            key: key.clone(),
            span: span.clone(),
            depth: depth.clamp(1, super::PER_OBJECT),
            requested: range.offset() + fill as u64,
            delivered: range.offset(),
            sum: None,
            head: Some((head, fill)),
            reply,
            tasks: JoinSet::new(),
            arrived: BTreeMap::new(),
            failed: None,
        })
    }
}

impl Download {
    /// Size of the object; bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.reply.size
    }

    /// The next bytes, `None` after the last one. The end comes only after the checksum was found right.
    ///
    /// # Errors
    /// As [`SplitStore::read`]; the same again at every later call.
    pub async fn next(&mut self) -> Result<Option<Buffer>> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.advance().await;
        self.failed = result.as_ref().err().cloned();
        result
    }

    async fn advance(&mut self) -> Result<Option<Buffer>> {
        if self.head.is_some() {
            self.read_ahead()?;
            let (head, sum) = self.first().await?;
            self.deliver(head, sum)
        } else if self.delivered == self.reply.size {
            Ok(None)
        } else {
            self.read_ahead()?;
            let part = loop {
                if let Some(part) = self.arrived.remove(&self.delivered) {
                    break part;
                }
                let finished = self
                    .tasks
                    .join_next()
                    .await
                    .expect("a request for it is under way");
                let (offset, part) = finished?;
                self.arrived.insert(offset, part);
            };
            let (part, sum) = part?;
            self.deliver(part, sum)
        }
    }

    /// The first part, and its checksum if there is one to compare with.
    async fn first(&mut self) -> PartResult {
        let Some((head, _)) = &mut self.head else {
            unreachable!("asked for once");
        };
        head.come().await?;
        let (head, fill) = self.head.take().expect("it has just come");
        let (buf, came) = head.bytes(fill, self.delivered)?;
        let algorithm = self.reply.checksum.map(|stored| stored.algorithm);
        let sum = algorithm.map(|algorithm| came.sum(algorithm, &buf));
        Ok((buf, sum))
    }

    fn deliver(&mut self, part: IoBufMut, sum: Option<Checksum>) -> Result<Option<Buffer>> {
        self.delivered += part.len() as u64;
        self.sum = match (self.sum, sum) {
            (Some(before), Some(sum)) => Some(before.then(sum, part.len() as u64)),
            (None, sum) => sum,
            (before, None) => before,
        };
        if self.delivered == self.reply.size {
            verify(&self.reply, self.sum)?;
            if part.is_empty() {
                return Ok(None);
            }
        }
        self.read_ahead()?;
        Ok(Some(part.freeze()))
    }

    fn read_ahead(&mut self) -> Result<()> {
        // The first part is not among the tasks.
        let held = usize::from(self.head.is_some()) + self.tasks.len() + self.arrived.len();
        let mut room = self.depth.saturating_sub(held);
        while room > 0 && self.requested < self.reply.size {
            let offset = self.requested;
            let len = self.store.part_size.min(self.reply.size - offset);
            let part = self.store.take_part(len)?;
            self.requested += len;
            room -= 1;
            let (store, key, reply, span) = (
                self.store.clone(),
                self.key.clone(),
                self.reply.clone(),
                self.span.clone(),
            );
            self.tasks.spawn(async move {
                (
                    offset,
                    store.read_part(&key, offset, part, &reply, span).await,
                )
            });
        }
        Ok(())
    }
}
