//! Reads: one request up to a window, then parallel ranges pinned to the first answer's etag.

use std::future::Future;

use tokio::task::JoinSet;

use super::{PER_OBJECT, SplitStore};
use crate::buffer::{Buffer, IoBufMut};
use crate::checksum::Checksum;
use crate::config::Verify;
use crate::error::{Error, ErrorKind, Result};
use crate::span::Span;
use crate::types::{ByteRange, Destination, ReadOptions, ReadReply};
use crate::uri::Key;

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
        let (buf, mut reply) = self.first(key, range, None, into, span).await?;
        if range == ByteRange::Whole {
            self.ask_for_checksum(key, &mut reply).await?;
        }
        let (buf, checksum) = self.rest(key, range, buf, &reply, span).await?;
        verify(&reply, checksum)?;
        Ok(buf.freeze())
    }

    /// A whole object, of which the first request takes memory for `window` bytes; memory for all of it is taken when
    /// what `room` gives for its size has come.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) async fn read_when<F>(
        &self,
        key: &Key,
        window: u64,
        room: impl FnOnce(u64) -> F,
        span: &Span,
    ) -> Result<Buffer>
    where
        F: Future<Output = ()>,
    {
        let range = ByteRange::Whole;
        let into = Destination::Head {
            pool: self.pool.clone(),
            window: window.min(self.part_size),
        };
        let (mut buf, mut reply) = self.first(key, range, None, into, span).await?;
        self.ask_for_checksum(key, &mut reply).await?;
        room(reply.size).await;
        if (buf.len() as u64) < reply.size {
            let mut all = self.take_part(reply.size)?;
            // The head came before there was room for the object.
            all[..reply.filled].copy_from_slice(&buf[..reply.filled]);
            buf = all;
        }
        let (buf, checksum) = self.rest(key, range, buf, &reply, span).await?;
        verify(&reply, checksum)?;
        Ok(buf.freeze())
    }

    /// Fills `destination` from `offset` on.
    ///
    /// # Errors
    /// As [`Self::read`]; `ShortRead` if the object ends before the destination does.
    pub async fn read_into(
        &self,
        key: &Key,
        offset: u64,
        mut destination: IoBufMut,
        span: &Span,
    ) -> Result<IoBufMut> {
        let wanted = destination.len();
        if wanted == 0 {
            let size = self.store.stat(key).await?.size;
            ByteRange::Bounded { offset, len: 0 }.len_in(size)?;
            return Ok(destination);
        }
        // Window by window even for the first request: what it fills is known before its answer.
        let window = usize::try_from(self.part_size)
            .unwrap_or(usize::MAX)
            .min(wanted);
        let tail = destination.split_off(window);
        let range = match offset {
            0 => ByteRange::Whole,
            offset => ByteRange::Bounded {
                offset,
                len: window as u64,
            },
        };
        let (head, mut reply) = self
            .first(key, range, None, Destination::Fill(destination), span)
            .await?;
        let available = reply.size - offset;
        if available < wanted as u64 {
            return Err(Error::new(
                ErrorKind::ShortRead,
                format!(
                    "{wanted} bytes were asked for from offset {offset} of an object of {} bytes",
                    reply.size
                ),
            ));
        }
        if offset == 0 && available == wanted as u64 {
            self.ask_for_checksum(key, &mut reply).await?;
        } else {
            // The service keeps none of a part.
            reply.checksum = None;
        }
        let (buf, checksum) = self
            .rest(key, range, head.unsplit(tail), &reply, span)
            .await?;
        verify(&reply, checksum)?;
        Ok(buf)
    }

    /// Fills `destination` with a whole object that must have just its length and this checksum: a comparison of the
    /// caller's own, made whatever `verify` says.
    ///
    /// # Errors
    /// As [`Self::read`]; `Integrity` if length or checksum differ.
    pub(crate) async fn read_exact(
        &self,
        key: &Key,
        mut destination: IoBufMut,
        expected: Checksum,
        span: &Span,
    ) -> Result<IoBufMut> {
        let size = destination.len() as u64;
        if size == 0 {
            same_size(self.store.stat(key).await?.size, 0)?;
            same_sum(expected, Some(Checksum::of(expected.algorithm, &[])))?;
            return Ok(destination);
        }
        let window = usize::try_from(self.part_size)
            .unwrap_or(usize::MAX)
            .min(destination.len());
        let tail = destination.split_off(window);
        let into = Destination::Fill(destination);
        let (head, mut reply) = self.first(key, ByteRange::Whole, None, into, span).await?;
        same_size(reply.size, size)?;
        reply.checksum = Some(expected);
        let (buf, read) = self
            .rest(key, ByteRange::Whole, head.unsplit(tail), &reply, span)
            .await?;
        same_sum(expected, read)?;
        Ok(buf)
    }

    /// The first request; its answer tells size, etag and checksum. Later ones ask for that etag, this one for `etag`.
    pub(crate) async fn first(
        &self,
        key: &Key,
        range: ByteRange,
        etag: Option<String>,
        into: Destination,
        span: &Span,
    ) -> Result<(IoBufMut, ReadReply)> {
        let options = ReadOptions {
            if_match: etag,
            want_checksum: self.verify != Verify::Off && range == ByteRange::Whole,
            span: span.clone(),
        };
        let _permit = self.permit().await;
        self.store.read(key, range, into, &options).await
    }

    /// Reads what the first request left, and the checksum of it all if there is one to compare with.
    async fn rest(
        &self,
        key: &Key,
        range: ByteRange,
        mut buf: IoBufMut,
        reply: &ReadReply,
        span: &Span,
    ) -> Result<(IoBufMut, Option<Checksum>)> {
        let algorithm = reply.checksum.map(|stored| stored.algorithm);
        let tail = buf.split_off(reply.filled);
        let mut sum = algorithm.map(|algorithm| Checksum::of(algorithm, &buf));
        if tail.is_empty() {
            return Ok((buf.unsplit(tail), sum));
        }
        let parts = self.cut(range.offset() + reply.filled as u64, tail);
        for (part, part_sum) in self.read_parts(key, parts, reply, span).await? {
            sum = match (sum, part_sum) {
                (Some(sum), Some(next)) => Some(sum.then(next, part.len() as u64)),
                _ => None,
            };
            buf = buf.unsplit(part);
        }
        Ok((buf, sum))
    }

    /// What starts at `offset`, as parts and where they start.
    pub(super) fn cut(&self, mut offset: u64, mut memory: IoBufMut) -> Vec<(u64, IoBufMut)> {
        let mut parts = Vec::new();
        while !memory.is_empty() {
            let size = usize::try_from(self.part_size)
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
        let options = ReadOptions {
            if_match: first.etag.clone(),
            want_checksum: false,
            span,
        };
        let permit = self.permit().await;
        let range = ByteRange::Bounded { offset, len };
        let (part, reply) = self
            .store
            .read(key, range, Destination::Fill(part), &options)
            .await?;
        drop(permit);
        if reply.filled as u64 != len {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!("{} of {len} bytes came from offset {offset}", reply.filled),
            ));
        }
        let sum = first
            .checksum
            .map(|stored| Checksum::of(stored.algorithm, &part));
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
        let meta = self.store.stat(key).await?;
        if meta.etag != reply.etag || meta.size != reply.size {
            return Err(Error::new(
                ErrorKind::Precondition,
                "the object was replaced while it was read",
            ));
        }
        reply.checksum = meta.checksum;
        if reply.checksum.is_none() {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!(
                    "verify=strong, but the service keeps no checksum of these {} bytes",
                    reply.size
                ),
            ));
        }
        Ok(())
    }
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
