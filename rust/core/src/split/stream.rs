//! A whole object as buffers in order, with a bounded number of them under way.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::SplitStore;
use super::read::verify;
use crate::buffer::{Buffer, IoBufMut};
use crate::checksum::Checksum;
use crate::config::Verify;
use crate::error::Result;
use crate::span::Span;
use crate::types::{ByteRange, Destination, ReadReply};
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
    /// The first part, which came with the size.
    head: Option<IoBufMut>,
    sum: Option<Checksum>,
    tasks: JoinSet<(u64, PartResult)>,
    arrived: BTreeMap<u64, PartResult>,
    /// Where the next request starts, and the next buffer to hand out.
    requested: u64,
    delivered: u64,
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
        let into = Destination::Fill(self.take_part(self.part_size)?);
        let (mut head, mut reply) = self.first(key, ByteRange::Whole, etag, into, span).await?;
        self.ask_for_checksum(key, &mut reply).await?;
        head.truncate(reply.filled);
        let depth = usize::try_from(memory / self.part_size).unwrap_or(usize::MAX);
        Ok(Download::begin(self, key, span, depth, 0, head, reply))
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
        // The comparison is the caller's, so it is made in the clone even where the setting is off.
        let store = SplitStore {
            verify: Verify::Auto,
            ..self.clone()
        };
        let mut download = store.stream(key, memory, span).await?;
        super::read::same_size(download.size(), size)?;
        download.reply.checksum = Some(expected);
        Ok(download)
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
        // A part of an object has no stored checksum that it could be compared with.
        let store = SplitStore {
            verify: Verify::Off,
            ..self.clone()
        };
        let offset = range.offset();
        let len = match range {
            ByteRange::Bounded { len, .. } => len.min(self.part_size),
            ByteRange::Whole | ByteRange::From(_) => self.part_size,
        };
        let into = Destination::Fill(self.take_part(len)?);
        let window = ByteRange::Bounded { offset, len };
        let (mut head, mut reply) = store.first(key, window, None, into, span).await?;
        head.truncate(reply.filled);
        // For this download, the object ends where the range does.
        reply.size = offset + range.len_in(reply.size)?;
        let depth = usize::try_from(memory / self.part_size).unwrap_or(usize::MAX);
        Ok(Download::begin(
            &store, key, span, depth, offset, head, reply,
        ))
    }
}

impl Download {
    fn begin(
        store: &SplitStore,
        key: &Key,
        span: &Span,
        depth: usize,
        offset: u64,
        head: IoBufMut,
        reply: ReadReply,
    ) -> Self {
        Download {
            store: store.clone(),
            key: key.clone(),
            span: span.clone(),
            depth: depth.clamp(1, super::PER_OBJECT),
            requested: offset + reply.filled as u64,
            delivered: offset,
            sum: None,
            head: Some(head),
            reply,
            tasks: JoinSet::new(),
            arrived: BTreeMap::new(),
        }
    }

    /// Size of the object; bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.reply.size
    }

    /// The next bytes, `None` after the last one. The end comes only after the checksum was found right.
    ///
    /// # Errors
    /// As [`SplitStore::read`].
    pub async fn next(&mut self) -> Result<Option<Buffer>> {
        if let Some(head) = self.head.take() {
            let algorithm = self.reply.checksum.map(|stored| stored.algorithm);
            let sum = algorithm.map(|algorithm| Checksum::of(algorithm, &head));
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
        while self.tasks.len() + self.arrived.len() < self.depth && self.requested < self.reply.size
        {
            let offset = self.requested;
            let len = self.store.part_size.min(self.reply.size - offset);
            let part = self.store.take_part(len)?;
            self.requested += len;
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
