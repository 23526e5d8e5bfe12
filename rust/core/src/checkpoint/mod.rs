//! Checkpoint shards: saved whole or not at all, verified on every load, on every scheme alike.
//!
//! A save writes the data under a name that was never used before and then replaces one small record that names it.
//! The record is the commit point, so a reader sees the shard before or after a save, never between. The layout is
//! written down in `docs/reference/checkpoint-format.md`.

#[cfg(feature = "bench")]
pub mod bench;
mod budget;
mod codec;
mod cut;
mod decode;
mod encode;
mod load;
mod name;
mod record;
mod save;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::buffer::Buffer;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::uri::Uri;
use budget::LoadPlan;
use encode::Compression;
use name::Location;

/// Levels that zstd knows and that are worth having; negative ones are not.
const LEVELS: std::ops::RangeInclusive<i32> = 1..=21;

/// Shards below one URI.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use s3dlio::{CheckpointStore, Client, Config, Options};
///
/// let client = Client::new(Config::load(&Options::default())?);
/// client.create_bucket(&"memory://bucket".parse()?).await?;
/// let store = CheckpointStore::new(client, "memory://bucket/checkpoints/".parse()?, Some(3))?;
/// let report = store.put_shard("model_weights", 0, vec![7; 100_000].into()).await?;
/// assert!(report.stored_size < 1_000);
/// assert_eq!(&*store.get_shard("model_weights", 0).await?, [7; 100_000]);
/// # Ok::<(), s3dlio::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct CheckpointStore {
    client: Client,
    base: Uri,
    compression: Option<Compression>,
    load: LoadPlan,
}

/// What a save wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardReport {
    /// The data object; the next save of the shard removes it.
    pub uri: Uri,
    /// Bytes given.
    pub raw_size: u64,
    /// Bytes stored.
    pub stored_size: u64,
    /// CRC-32C of the bytes given.
    pub raw_crc32c: u32,
    /// CRC-32C of the bytes stored.
    pub stored_crc32c: u32,
    /// From the call to the commit.
    pub elapsed: Duration,
}

impl ShardReport {
    /// Stored bytes for each byte given; 1 for an empty shard.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a ratio to be shown needs no more than 53 bits"
    )]
    pub fn ratio(&self) -> f64 {
        if self.raw_size == 0 {
            return 1.0;
        }
        self.stored_size as f64 / self.raw_size as f64
    }
}

impl CheckpointStore {
    /// Shards below `base`, with or without a final `/`; compressed with zstd at a level, or stored as they are.
    ///
    /// # Errors
    /// `InvalidInput` for a level outside 1 to 21, for a URI without a bucket, container or directory, and for a
    /// `memory_limit` that one compressing thread does not fit in.
    pub fn new(client: Client, base: Uri, compression_level: Option<i32>) -> Result<Self> {
        let checked = || {
            base.require_container()?;
            let Some(level) = compression_level else {
                return Ok(None);
            };
            if !LEVELS.contains(&level) {
                let (low, high) = (LEVELS.start(), LEVELS.end());
                return Err(Error::invalid(format!(
                    "compression_level={level}: expected {low} to {high}, or none to store shards raw"
                )));
            }
            Compression::new(level, Arc::clone(client.pool()), client.config()).map(Some)
        };
        let compression = checked().map_err(|error| error.at("checkpoint_store", &base))?;
        let load = LoadPlan::new(client.config(), budget::cores());
        Ok(CheckpointStore {
            client,
            base,
            compression,
            load,
        })
    }

    /// Saves a shard; the one saved before is replaced at once, when all of this one is durable.
    ///
    /// Raw bytes go to storage from the caller's memory; compression takes a bounded amount of memory beside it.
    ///
    /// # Errors
    /// `InvalidInput` for a bad name; what the storage says otherwise. The shard is then what it was before, unless
    /// only the answer to the commit was lost.
    pub async fn put_shard(&self, name: &str, rank: u32, data: Payload) -> Result<ShardReport> {
        let shard = self.locate("put_shard", name, rank)?;
        let open = self.client.begin("put_shard", shard.record());
        let work = async {
            let store = self.client.object(shard.record()).await?;
            let saved = save::save(&store, &shard, &data, self.compression.as_ref()).await?;
            Ok(ShardReport {
                uri: shard.data(&saved.data),
                raw_size: saved.raw_size,
                stored_size: saved.stored_size,
                raw_crc32c: saved.raw_crc32c,
                stored_crc32c: saved.stored_crc32c,
                elapsed: open.span().elapsed(),
            })
        };
        let result = work.await;
        open.end(result, |report| (report.raw_size, 1))
    }

    /// Loads a shard, whatever level it was saved with; every byte is verified, whatever `verify` is set to.
    ///
    /// # Errors
    /// `NotFound` if the shard was never saved; `CheckpointCorrupt` if record or data are not what was saved;
    /// `ManifestVersion` for a record of a later format.
    pub async fn get_shard(&self, name: &str, rank: u32) -> Result<Buffer> {
        let shard = self.locate("get_shard", name, rank)?;
        let open = self.client.begin("get_shard", shard.record());
        let work = async {
            let store = self.client.object(shard.record()).await?;
            load::load(&store, &shard, self.client.pool(), self.load, open.span()).await
        };
        let result = work.await;
        open.end(result, |buffer| (buffer.len() as u64, 1))
    }

    fn locate(&self, op: &'static str, name: &str, rank: u32) -> Result<Location> {
        Location::new(&self.base, name, rank).map_err(|error| error.at(op, self.base.join(name)))
    }
}
