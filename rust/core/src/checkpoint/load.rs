//! The load: the record, then the data it names; again if a save replaced them meanwhile.

use std::sync::Arc;

use super::budget::LoadPlan;
use super::decode;
use super::name::Location;
use super::record::{Codec, MAX_LEN, Record, corrupt};
use crate::buffer::{Buffer, IoBufMut, Pool};
use crate::error::{Error, ErrorKind, Result};
use crate::span::Span;
use crate::split::SplitStore;
use crate::types::ByteRange;

/// Saves that may overtake one load.
const REPLACED: usize = 5;

pub(super) async fn load(
    store: &SplitStore,
    shard: &Location,
    pool: &Arc<Pool>,
    plan: LoadPlan,
    span: &Span,
) -> Result<Buffer> {
    let mut record = read_record(store, shard).await?;
    for _ in 0..=REPLACED {
        let size = usize::try_from(record.raw_size).unwrap_or(usize::MAX);
        let destination = pool.take(size)?;
        let error = match read_data(store, shard, &record, destination, plan, span).await {
            Ok(raw) => return Ok(raw.freeze()),
            Err(error) => error,
        };
        if error.kind() != ErrorKind::NotFound {
            return Err(named(&record, error));
        }
        // A save that commits removes the data of the record before; the record read now tells whether one did.
        let now = read_record(store, shard).await?;
        if now.data == record.data {
            return Err(corrupt(format!(
                "data object {}: it does not exist",
                record.data
            )));
        }
        record = now;
    }
    let detail = format!("the shard was replaced {REPLACED} times while it was read");
    Err(Error::new(ErrorKind::Checkpoint, detail).with_retryable(true))
}

/// The record of a shard.
///
/// # Errors
/// `NotFound` if there is none; `CheckpointCorrupt` and `ManifestVersion` as [`Record::parse`].
pub(super) async fn read_record(store: &SplitStore, shard: &Location) -> Result<Record> {
    // One byte more than a record can have tells those that are too long, whatever their length.
    let range = ByteRange::Bounded {
        offset: 0,
        len: MAX_LEN + 1,
    };
    let bytes = store
        .read(shard.record().key(), range, &Span::default())
        .await
        .map_err(as_damage)?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(corrupt(format!(
            "the record is longer than {MAX_LEN} bytes"
        )));
    }
    let record = Record::parse(&bytes)?;
    if !shard.owns(&record.data, record.codec) {
        return Err(corrupt(format!(
            "the record names {:?}, which is not data of this shard",
            record.data
        )));
    }
    Ok(record)
}

/// The raw bytes that the record describes, verified.
async fn read_data(
    store: &SplitStore,
    shard: &Location,
    record: &Record,
    destination: IoBufMut,
    plan: LoadPlan,
    span: &Span,
) -> Result<IoBufMut> {
    let uri = shard.data(&record.data);
    match record.codec {
        Codec::None => {
            store
                .read_exact(uri.key(), destination, record.raw_checksum(), span)
                .await
        }
        Codec::Zstd => decode::read(store, uri.key(), record, destination, plan, span).await,
    }
}

/// Says which object is damaged, where that is what the error tells.
fn named(record: &Record, error: Error) -> Error {
    let error = as_damage(error);
    if error.kind() != ErrorKind::CheckpointCorrupt {
        return error;
    }
    corrupt(format!("data object {}: {}", record.data, error.detail()))
}

fn as_damage(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Integrity => error.with_kind(ErrorKind::CheckpointCorrupt),
        _ => error,
    }
}
