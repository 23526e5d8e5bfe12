//! The save: data under a fresh name, then the record that names it, then the former data goes.

use super::encode::Compression;
use super::load::read_record;
use super::name::Location;
use super::record::{Codec, Record, Written};
use crate::error::{ErrorKind, Result};
use crate::payload::Payload;
use crate::split::SplitStore;
use crate::types::WriteOptions;

/// Writes `data` and commits it. When this fails before the commit the shard is what it was before; data that was
/// written by then stays behind under its own name, which nothing refers to.
pub(super) async fn save(
    store: &SplitStore,
    shard: &Location,
    data: &Payload,
    compression: Option<&Compression>,
) -> Result<Record> {
    let codec = if compression.is_some() {
        Codec::Zstd
    } else {
        Codec::None
    };
    let data_name = shard.data_name(codec, rand::random());
    let key = shard.data(&data_name);
    store.inner().check_key(key.key())?;
    let written = match compression {
        Some(compression) => compression.write(store, key.key(), data).await?,
        None => {
            let put = store
                .write(key.key(), data, &WriteOptions::default())
                .await?;
            // The checksum was taken of what was sent, part by part; the bytes are not passed over again.
            Written {
                raw_size: put.size,
                stored_size: put.size,
                raw_crc32c: put.crc32c,
                stored_crc32c: put.crc32c,
            }
        }
    };
    let record = Record::new(data_name, codec, written);
    let former = former(store, shard).await;
    commit(store, shard, &record).await?;
    if let Some(former) = former {
        remove(store, shard, &former).await;
    }
    Ok(record)
}

/// The record about to be replaced. One that cannot be read must not stop the save; its data stays behind.
async fn former(store: &SplitStore, shard: &Location) -> Option<Record> {
    match read_record(store, shard).await {
        Ok(record) => Some(record),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(record = %shard.record(), %error, "the former record cannot be read; its data stays behind");
            None
        }
    }
}

async fn commit(store: &SplitStore, shard: &Location, record: &Record) -> Result<()> {
    let body = Payload::from(record.to_bytes());
    let Err(error) = store
        .write(shard.record().key(), &body, &WriteOptions::default())
        .await
    else {
        return Ok(());
    };
    // The answer may have been lost after the record was replaced, so the store is asked which record it holds.
    if error.retryable()
        && read_record(store, shard)
            .await
            .is_ok_and(|found| found == *record)
    {
        return Ok(());
    }
    Err(error)
}

async fn remove(store: &SplitStore, shard: &Location, former: &Record) {
    let data = shard.data(&former.data);
    let result = store.delete(std::slice::from_ref(data.key())).await;
    let failure = match result {
        Ok(failures) => failures.into_iter().next().map(|failure| failure.error),
        Err(error) => Some(error),
    };
    if let Some(error) = failure {
        tracing::warn!(%data, %error, "the data that a save replaced could not be deleted");
    }
}
