//! Reads: one request up to a window, then parallel ranges pinned to the first answer's etag.

use std::future::Future;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;

use super::{First, PER_OBJECT, SplitStore, part_size};
use crate::buffer::{Buffer, IoBufMut};
use crate::checksum::{Algorithm, Checksum};
use crate::config::Verify;
use crate::error::{Error, ErrorKind, Result};
use crate::gate::Ask;
use crate::span::Span;
use crate::types::{ByteRange, Destination, Opened, ReadOptions, ReadReply, Reserve};
use crate::uri::Key;

/// What the first answer is held against before anything else is asked for.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// Part of an object, which has no stored checksum.
    Range,
    Whole,
    /// An object with at least `wanted` bytes from `offset` on, the first of them asked for by `range`.
    Bytes {
        offset: u64,
        wanted: u64,
        range: ByteRange,
    },
    /// A comparison of the caller's own.
    Exactly {
        size: u64,
        checksum: Checksum,
    },
}

impl Expected {
    /// Where the caller knows it better than the service.
    fn algorithm(self) -> Option<Algorithm> {
        match self {
            Expected::Exactly { checksum, .. } => Some(checksum.algorithm),
            _ => None,
        }
    }
}

/// All the bytes of a read, and the checksum of them if there is one to compare with.
struct Gathered {
    buf: IoBufMut,
    reply: ReadReply,
    sum: Option<Checksum>,
}

impl Gathered {
    fn verified(self) -> Result<IoBufMut> {
        verify(&self.reply, self.sum)?;
        Ok(self.buf)
    }

    /// With what follows.
    fn join(self, parts: Vec<(IoBufMut, Option<Checksum>)>) -> Self {
        let Gathered {
            mut buf,
            reply,
            mut sum,
        } = self;
        for (part, next) in parts {
            sum = match (sum, next) {
                (Some(before), Some(next)) => Some(before.then(next, part.len() as u64)),
                _ => None,
            };
            buf = buf.unsplit(part);
        }
        Gathered { buf, reply, sum }
    }
}

impl SplitStore {
    /// The bytes of `range` in one buffer from the pool.
    ///
    /// # Errors
    /// As [`crate::Store::read`]; `Integrity` if a whole object does not match its stored checksum; `Precondition` if it
    /// is replaced while its parts are read.
    pub async fn read(&self, key: &Key, range: ByteRange, span: &Span) -> Result<Buffer> {
        let into = Destination::Allocate {
            pool: self.pool.clone(),
            window: self.part_size,
        };
        let expected = match range {
            ByteRange::Whole => Expected::Whole,
            _ => Expected::Range,
        };
        let gathered = self.gather(key, range, into, expected, span).await?;
        Ok(gathered.verified()?.freeze())
    }

    /// A whole object. Its first request takes memory for all of it if `reserve` agrees to its size, else for `window`
    /// bytes, and memory for all of it when what `room` gives for its size has come.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) async fn read_when<F>(
        &self,
        key: &Key,
        window: u64,
        reserve: Reserve,
        room: impl FnOnce(u64) -> F,
        span: &Span,
    ) -> Result<Buffer>
    where
        F: Future<Output = ()>,
    {
        let into = Destination::Head {
            pool: self.pool.clone(),
            window: window.min(self.part_size),
            reserve: Some(reserve),
        };
        let mut gathered = self
            .gather(key, ByteRange::Whole, into, Expected::Whole, span)
            .await?;
        let size = gathered.reply.size;
        room(size).await;
        let head = gathered.buf.len();
        if (head as u64) < size {
            let mut all = self.take_part(size)?;
            // The head came before there was room for the object.
            all[..head].copy_from_slice(&gathered.buf);
            let rest = self.cut(head as u64, all.split_off(head));
            gathered.buf = all;
            let parts = self.read_parts(key, rest, &gathered.reply, span).await?;
            gathered = gathered.join(parts);
        }
        Ok(gathered.verified()?.freeze())
    }

    /// Fills `destination` from `offset` on.
    ///
    /// # Errors
    /// As [`Self::read`]; `ShortRead` if the object ends before the destination does.
    pub async fn read_into(
        &self,
        key: &Key,
        offset: u64,
        destination: IoBufMut,
        span: &Span,
    ) -> Result<IoBufMut> {
        let wanted = destination.len() as u64;
        if wanted == 0 {
            let size = self.store.stat(key).await?.size;
            ByteRange::Bounded { offset, len: 0 }.len_in(size)?;
            return Ok(destination);
        }
        let window = self.part_size.min(wanted);
        let range = if offset == 0 && self.expects_whole(wanted) {
            ByteRange::Whole
        } else {
            ByteRange::Bounded {
                offset,
                len: window,
            }
        };
        let into = Destination::Window {
            buf: destination,
            window,
        };
        let expected = Expected::Bytes {
            offset,
            wanted,
            range,
        };
        let gathered = self.gather(key, range, into, expected, span).await?;
        gathered.verified()
    }

    /// Fills `destination` with a whole object that must have just its length and this checksum: a comparison of the
    /// caller's own, made whatever `verify` says.
    ///
    /// # Errors
    /// As [`Self::read`]; `Integrity` if length or checksum differ.
    pub(crate) async fn read_exact(
        &self,
        key: &Key,
        destination: IoBufMut,
        checksum: Checksum,
        span: &Span,
    ) -> Result<IoBufMut> {
        let size = destination.len() as u64;
        if size == 0 {
            same_size(self.store.stat(key).await?.size, 0)?;
            same_sum(checksum, Some(Checksum::of(checksum.algorithm, &[])))?;
            return Ok(destination);
        }
        let into = Destination::Window {
            buf: destination,
            window: self.part_size,
        };
        let expected = Expected::Exactly { size, checksum };
        let gathered = self
            .gather(key, ByteRange::Whole, into, expected, span)
            .await?;
        same_sum(checksum, gathered.sum)?;
        Ok(gathered.buf)
    }

    /// The first request and, from the moment on at which its answer tells of what, all that it leaves of its memory.
    async fn gather(
        &self,
        key: &Key,
        range: ByteRange,
        into: Destination,
        expected: Expected,
        span: &Span,
    ) -> Result<Gathered> {
        let first = First {
            key: key.clone(),
            range,
            etag: None,
            algorithm: expected.algorithm(),
            into,
            span: span.clone(),
        };
        let (opened, mut head) = self.begin(first).await?;
        let Opened {
            mut reply,
            fill,
            rest,
        } = opened;
        let offset = range.offset();
        let rest = async {
            self.settle(key, expected, &mut reply).await?;
            let parts = self.cut(offset + fill as u64, rest);
            match parts.is_empty() {
                true => Ok(Vec::new()),
                false => self.read_parts(key, parts, &reply, span).await,
            }
        };
        let ((), parts) = tokio::try_join!(head.come(), rest)?;
        let (buf, came) = head.bytes(fill, offset)?;
        let algorithm = reply.checksum.map(|stored| stored.algorithm);
        let sum = algorithm.map(|algorithm| came.sum(algorithm, &buf));
        Ok(Gathered { buf, reply, sum }.join(parts))
    }

    /// Whether `wanted` bytes from the start of an object are taken for all of it. Only an answer to a request without a
    /// range carries the stored checksum, but where the object is longer, its connection is lost. Programs that read
    /// headers do so over and over, as those do that read whole objects: it is what it was the last time.
    fn expects_whole(&self, wanted: u64) -> bool {
        let is_local = self.store.info().scheme.is_local();
        is_local || wanted > self.part_size || !self.fronts.load(Ordering::Relaxed)
    }

    /// Refuses an answer about another object than the caller expects, and sees to the checksum to compare with.
    async fn settle(&self, key: &Key, expected: Expected, reply: &mut ReadReply) -> Result<()> {
        match expected {
            Expected::Range => reply.checksum = None,
            Expected::Whole => self.ask_for_checksum(key, reply).await?,
            Expected::Bytes {
                offset,
                wanted,
                range,
            } => {
                let available = reply.size - offset;
                if available < wanted {
                    return Err(Error::new(
                        ErrorKind::ShortRead,
                        format!(
                            "{wanted} bytes were asked for from offset {offset} of an object of {} bytes",
                            reply.size
                        ),
                    ));
                }
                let whole = offset == 0 && available == wanted;
                if offset == 0 {
                    self.fronts.store(!whole, Ordering::Relaxed);
                }
                match whole {
                    // An answer to a range carries none.
                    true if range != ByteRange::Whole && self.verify != Verify::Off => {
                        self.stored_checksum(key, reply).await?;
                    }
                    true => self.ask_for_checksum(key, reply).await?,
                    // The service keeps none of a part.
                    false => reply.checksum = None,
                }
            }
            Expected::Exactly { size, checksum } => {
                same_size(reply.size, size)?;
                reply.checksum = Some(checksum);
            }
        }
        Ok(())
    }

    /// What starts at `offset`, as parts and where they start.
    pub(super) fn cut(&self, mut offset: u64, mut memory: IoBufMut) -> Vec<(u64, IoBufMut)> {
        let mut parts = Vec::new();
        let part_size = part_size::spread(memory.len() as u64, self.part_size);
        while !memory.is_empty() {
            let size = usize::try_from(part_size)
                .unwrap_or(usize::MAX)
                .min(memory.len());
            let next = memory.split_off(size);
            parts.push((offset, std::mem::replace(&mut memory, next)));
            offset += size as u64;
        }
        parts
    }

    pub(super) async fn read_parts(
        &self,
        key: &Key,
        parts: Vec<(u64, IoBufMut)>,
        reply: &ReadReply,
        span: &Span,
    ) -> Result<Vec<(IoBufMut, Option<Checksum>)>> {
        let mut done: Vec<Option<(IoBufMut, Option<Checksum>)>> = Vec::new();
        done.resize_with(parts.len(), || None);
        let mut waiting = parts.into_iter().enumerate();
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < PER_OBJECT
                && let Some((index, (offset, part))) = waiting.next()
            {
                let (store, key, reply, span) =
                    (self.clone(), key.clone(), reply.clone(), span.clone());
                tasks.spawn(async move {
                    (
                        index,
                        store.read_part(&key, offset, part, &reply, span).await,
                    )
                });
            }
            let Some(finished) = tasks.join_next().await else {
                break;
            };
            let (index, part) = finished?;
            done[index] = Some(part?);
        }
        Ok(done
            .into_iter()
            .map(|part| part.expect("every task was joined"))
            .collect())
    }

    /// One range of an object whose first answer is known, and its checksum in the stored one's algorithm.
    pub(crate) async fn read_part(
        &self,
        key: &Key,
        offset: u64,
        part: IoBufMut,
        first: &ReadReply,
        span: Span,
    ) -> Result<(IoBufMut, Option<Checksum>)> {
        let len = part.len() as u64;
        let algorithm = first.checksum.map(|stored| stored.algorithm);
        let options = ReadOptions {
            if_match: first.etag.clone(),
            want_checksum: false,
            algorithm,
            streamed: self.streamed,
            span,
        };
        let range = ByteRange::Bounded { offset, len };
        let work = self
            .store
            .read(key, range, Destination::Fill(part), &options);
        let (part, reply) = self.request(Ask::part(len), work).await?;
        require_filled(reply.filled, part.len(), offset)?;
        let sum = algorithm.map(|algorithm| reply.sum(algorithm, &part));
        Ok((part, sum))
    }

    /// With `verify=strong`, asks for the stored checksum of a whole object where its first answer carried none.
    ///
    /// # Errors
    /// `Integrity` where the service has none; `Precondition` if the object was replaced meanwhile.
    pub(crate) async fn ask_for_checksum(&self, key: &Key, reply: &mut ReadReply) -> Result<()> {
        if self.verify != Verify::Strong || reply.checksum.is_some() || reply.size == 0 {
            return Ok(());
        }
        self.stored_checksum(key, reply).await
    }

    /// Asks for the stored checksum of a whole object that is being read.
    async fn stored_checksum(&self, key: &Key, reply: &mut ReadReply) -> Result<()> {
        let meta = self.store.stat(key).await?;
        if meta.etag != reply.etag || meta.size != reply.size {
            return Err(Error::new(
                ErrorKind::Precondition,
                "the object was replaced while it was read",
            ));
        }
        reply.checksum = meta.checksum;
        if reply.checksum.is_none() && self.verify == Verify::Strong {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!(
                    "verify=strong, but of these {} bytes the service keeps no checksum that can be compared: CRC32, CRC32C or CRC64NVME of the whole object",
                    reply.size
                ),
            ));
        }
        Ok(())
    }
}

pub(super) fn require_filled(filled: usize, wanted: usize, offset: u64) -> Result<()> {
    if filled == wanted {
        return Ok(());
    }
    let detail = format!("{filled} of {wanted} bytes came from offset {offset}");
    Err(Error::new(ErrorKind::Integrity, detail))
}

/// Compares what was read with what the service stores, where there is something to compare.
pub(crate) fn verify(reply: &ReadReply, read: Option<Checksum>) -> Result<()> {
    match (reply.checksum, read) {
        (Some(stored), Some(read)) => same_sum(stored, Some(read)),
        _ => Ok(()),
    }
}

/// Refuses an object of another length than the caller knows it to have.
pub(super) fn same_size(found: u64, expected: u64) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let detail = format!("the object has {found} bytes instead of {expected}");
    Err(Error::new(ErrorKind::Integrity, detail))
}

fn same_sum(stored: Checksum, read: Option<Checksum>) -> Result<()> {
    if read == Some(stored) {
        return Ok(());
    }
    let read = read.map_or_else(|| "none".to_owned(), |read| format!("{:08x}", read.value));
    let detail = format!(
        "the bytes read have {:?} {read}, but {:08x} was stored",
        stored.algorithm, stored.value
    );
    Err(Error::new(ErrorKind::Integrity, detail))
}
