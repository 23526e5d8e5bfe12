//! Compresses a shard: frames on all cores, sent in order, in bounded memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::budget::{self, SavePlan};
use super::codec::{Compressor, FRAME, Frame, Spare};
use super::record::Written;
use super::table;
use crate::buffer::Pool;
use crate::checksum::{Algorithm, Checksum};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::split::SplitStore;
use crate::types::WriteOptions;
use crate::uri::Key;

/// A level, and the memory that its work may take.
#[derive(Debug, Clone)]
pub(super) struct Compression {
    level: i32,
    pool: Arc<Pool>,
    /// For a shard in one piece of memory, and in several.
    plan: SavePlan,
    plan_joined: SavePlan,
}

impl Compression {
    /// # Errors
    /// `InvalidInput` if one worker needs more than the memory limit.
    pub fn new(level: i32, pool: Arc<Pool>, config: &Config) -> Result<Self> {
        let plan = |joined| SavePlan::new(level, joined, config, budget::cores());
        Ok(Compression {
            level,
            pool,
            plan: plan(false)?,
            plan_joined: plan(true)?,
        })
    }

    /// Writes `data` as the object `key`: zstd frames and their seek table.
    ///
    /// # Errors
    /// Of the upload; nothing is visible then.
    pub async fn write(&self, store: &SplitStore, key: &Key, data: &Payload) -> Result<Written> {
        let plan = if data.pieces().len() > 1 {
            self.plan_joined
        } else {
            self.plan
        };
        let bound = data.len() + data.len() / 128 + table::len(frames_of(data.len()));
        let mut upload = store
            .upload(key, WriteOptions::default(), Some(bound))
            .with_memory(plan.upload);
        let mut frames = Frames::new(data, self.level, plan, &self.pool);
        let (mut sizes, mut totals) = (Vec::new(), Totals::default());
        while let Some(frame) = frames.next().await? {
            totals.raw.add(frame.raw_crc32c, u64::from(frame.size.raw));
            totals
                .stored
                .add(frame.stored_crc32c, u64::from(frame.size.stored));
            sizes.push(frame.size);
            upload.send(frame.stored).await?;
        }
        let table = table::encode(&sizes);
        totals
            .stored
            .add(Checksum::of(Algorithm::Crc32c, &table), table.len() as u64);
        upload.send(Bytes::from(table)).await?;
        let put = upload.finish().await?;
        let written = totals.written();
        if (put.size, put.crc32c) != (written.stored_size, written.stored_crc32c) {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!(
                    "{} bytes with CRC-32C {:08x} were compressed, {} with {:08x} were sent",
                    written.stored_size, written.stored_crc32c, put.size, put.crc32c
                ),
            ));
        }
        Ok(written)
    }
}

/// An empty shard is one empty frame.
fn frames_of(len: u64) -> u64 {
    len.div_ceil(FRAME as u64).max(1)
}

/// The frames of a shard in order. Dropping it stops the work that has not begun; what has, ends with its frame.
struct Frames<'a> {
    data: &'a Payload,
    level: i32,
    plan: SavePlan,
    pool: Arc<Pool>,
    contexts: Arc<Spare<Compressor>>,
    tasks: JoinSet<(u64, Result<Frame>)>,
    done: BTreeMap<u64, Result<Frame>>,
    /// Numbers of the next frame to begin, and to hand out.
    begun: u64,
    delivered: u64,
}

impl<'a> Frames<'a> {
    fn new(data: &'a Payload, level: i32, plan: SavePlan, pool: &Arc<Pool>) -> Self {
        Frames {
            data,
            level,
            plan,
            pool: Arc::clone(pool),
            contexts: Arc::default(),
            tasks: JoinSet::new(),
            done: BTreeMap::new(),
            begun: 0,
            delivered: 0,
        }
    }

    async fn next(&mut self) -> Result<Option<Frame>> {
        loop {
            self.begin();
            if let Some(frame) = self.done.remove(&self.delivered) {
                self.delivered += 1;
                // Its place is free, so the next one can begin while this one is sent.
                self.begin();
                return frame.map(Some);
            }
            let Some(finished) = self.tasks.join_next().await else {
                return Ok(None);
            };
            let (index, frame) = finished?;
            self.done.insert(index, frame);
        }
    }

    fn begin(&mut self) {
        while self.tasks.len() < self.plan.workers
            && self.tasks.len() + self.done.len() < self.plan.frames
            && self.begun < frames_of(self.data.len())
        {
            let index = self.begun;
            self.begun += 1;
            let raw = self.data.slice(index * FRAME as u64, FRAME as u64);
            let (contexts, pool, level) = (
                Arc::clone(&self.contexts),
                Arc::clone(&self.pool),
                self.level,
            );
            self.tasks.spawn_blocking(move || {
                let new = || Compressor::new(level);
                (
                    index,
                    contexts.with(new, |context| context.compress(&raw, &pool)),
                )
            });
        }
    }
}

/// Length and checksum of bytes that come piece by piece.
#[derive(Debug)]
pub(super) struct Sum {
    len: u64,
    crc32c: Checksum,
}

impl Default for Sum {
    fn default() -> Self {
        Sum {
            len: 0,
            crc32c: Checksum::of(Algorithm::Crc32c, &[]),
        }
    }
}

impl Sum {
    pub fn add(&mut self, crc32c: Checksum, len: u64) {
        self.len += len;
        self.crc32c = self.crc32c.then(crc32c, len);
    }

    pub fn crc32c(&self) -> u32 {
        // A 32-bit checksum kept in 64 bits.
        self.crc32c.value as u32
    }
}

#[derive(Debug, Default)]
struct Totals {
    raw: Sum,
    stored: Sum,
}

impl Totals {
    fn written(&self) -> Written {
        Written {
            raw_size: self.raw.len,
            stored_size: self.stored.len,
            raw_crc32c: self.raw.crc32c(),
            stored_crc32c: self.stored.crc32c(),
        }
    }
}
