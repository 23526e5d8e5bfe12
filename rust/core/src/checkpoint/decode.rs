//! Decompresses a shard: ranges are read ahead, frames go on all cores straight into the destination.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::budget::LoadPlan;
use super::codec::{Decompressor, Spare};
use super::cut::{Cut, Cutter};
use super::encode::Sum;
use super::record::{Record, corrupt};
use super::table::{self, FrameSize};
use crate::buffer::{Buffer, IoBufMut};
use crate::checksum::Checksum;
use crate::error::Result;
use crate::span::Span;
use crate::split::SplitStore;
use crate::uri::Key;

/// Fills `destination`, which has the raw size that the record tells, with the frames of the object `key`.
///
/// # Errors
/// `CheckpointCorrupt` or `Integrity` if object, frames, table or checksums are not those of the record.
pub(super) async fn read(
    store: &SplitStore,
    key: &Key,
    record: &Record,
    destination: IoBufMut,
    plan: LoadPlan,
    span: &Span,
) -> Result<IoBufMut> {
    let stored = record.stored_checksum();
    let mut download = store
        .stream_exact(key, record.stored_size, stored, plan.download, span)
        .await?;
    let mut frames = Frames::new(destination, plan.workers);
    let mut cutter = Cutter::new();
    let mut tail = Vec::new();
    while let Some(mut bytes) = download.next().await? {
        while !frames.complete()
            && let Some(frame) = cutter.cut(&mut bytes)?
        {
            frames.begin(frame).await?;
        }
        if frames.complete() {
            frames.check_tail(&mut tail, &bytes)?;
        }
    }
    frames.finish(&tail, record).await
}

/// A piece of the destination, filled, and its checksum.
type Filled = (usize, Result<(IoBufMut, Checksum)>);

struct Frames {
    /// The part of the destination that no frame has yet.
    rest: IoBufMut,
    workers: usize,
    contexts: Arc<Spare<Decompressor>>,
    tasks: JoinSet<Filled>,
    sizes: Vec<FrameSize>,
    filled: Vec<Option<(IoBufMut, Checksum)>>,
}

impl Frames {
    fn new(destination: IoBufMut, workers: usize) -> Self {
        Frames {
            rest: destination,
            workers,
            contexts: Arc::default(),
            tasks: JoinSet::new(),
            sizes: Vec::new(),
            filled: Vec::new(),
        }
    }

    /// Whether all of the destination has its frame; an empty one has an empty frame.
    fn complete(&self) -> bool {
        self.rest.is_empty() && !self.sizes.is_empty()
    }

    async fn begin(&mut self, frame: Cut) -> Result<()> {
        let index = self.sizes.len();
        let raw = usize::try_from(frame.raw).unwrap_or(usize::MAX);
        let left = self.rest.len();
        if raw > left || (raw == 0 && left > 0) {
            return Err(corrupt(format!(
                "frame {index} has {raw} bytes where {left} are left"
            )));
        }
        while self.tasks.len() >= self.workers {
            self.collect().await?;
        }
        let tail = self.rest.split_off(raw);
        let mut piece = std::mem::replace(&mut self.rest, tail);
        self.sizes.push(FrameSize {
            stored: frame.stored as u32,
            raw: frame.raw as u32,
        });
        self.filled.push(None);
        let contexts = Arc::clone(&self.contexts);
        self.tasks.spawn_blocking(move || {
            let stored: Vec<Buffer> = frame.pieces;
            let crc32c = contexts.with(Decompressor::new, |context| {
                context.decompress(&stored, &mut piece)
            });
            let named = |error: crate::Error| corrupt(format!("frame {index}: {}", error.detail()));
            (index, crc32c.map(|crc32c| (piece, crc32c)).map_err(named))
        });
        Ok(())
    }

    async fn collect(&mut self) -> Result<()> {
        if let Some(finished) = self.tasks.join_next().await {
            let (index, piece) = finished?;
            self.filled[index] = Some(piece?);
        }
        Ok(())
    }

    /// What follows the frames is their table; more of it than there can be is refused before it is kept.
    fn check_tail(&self, tail: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
        if (tail.len() + bytes.len()) as u64 > table::len(self.sizes.len() as u64) {
            return Err(corrupt(
                "bytes follow the last frame that are not its seek table",
            ));
        }
        tail.extend_from_slice(bytes);
        Ok(())
    }

    /// Joins the pieces once all of them are filled and right.
    async fn finish(mut self, tail: &[u8], record: &Record) -> Result<IoBufMut> {
        if !self.complete() {
            let (left, raw) = (self.rest.len(), record.raw_size);
            return Err(corrupt(format!(
                "the last {left} of {raw} bytes have no frame"
            )));
        }
        if tail != table::encode(&self.sizes) {
            return Err(corrupt("the seek table is not that of the frames"));
        }
        while !self.tasks.is_empty() {
            self.collect().await?;
        }
        let mut whole: Option<IoBufMut> = None;
        let mut sum = Sum::default();
        for (piece, crc32c) in self.filled.into_iter().flatten() {
            sum.add(crc32c, piece.len() as u64);
            whole = Some(match whole {
                Some(before) => before.unsplit(piece),
                None => piece,
            });
        }
        if sum.crc32c() != record.raw_crc32c {
            return Err(corrupt(format!(
                "the decompressed bytes have CRC-32C {:08x}, but {:08x} was saved",
                sum.crc32c(),
                record.raw_crc32c
            )));
        }
        Ok(whole.unwrap_or(self.rest))
    }
}
