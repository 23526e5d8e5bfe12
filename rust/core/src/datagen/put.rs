//! Sends a generated object piece by piece, the next piece being made while the last one is under way.

use std::ops::Range;

use futures::StreamExt;
use futures::stream;

use super::Raw;
use crate::buffer::Buffer;
use crate::client::Client;
use crate::error::Result;
use crate::types::PutResult;
use crate::uri::Uri;

/// Bytes made at a time; whole blocks.
const PIECE: u64 = 8 << 20;
/// Pieces made ahead of the one that is sent: two cores fill more than a network takes.
const AHEAD: usize = 2;
/// Below this, a piece is made sooner than another thread would begin with it.
const MADE_IN_PLACE: u64 = 256 << 10;

/// Writes `size` bytes of `raw` to `uri`; at most about `memory` bytes of them exist at once, but always one part of an
/// upload and the pieces made ahead. `progress` is told how many bytes have been handed on.
///
/// # Errors
/// As [`Client::put`].
pub async fn put(
    client: &Client,
    uri: &Uri,
    raw: Raw,
    size: u64,
    memory: u64,
    progress: impl Fn(u64),
) -> Result<PutResult> {
    let open = client.begin("put", uri);
    let work = async {
        let upload = client.upload(uri, Some(size)).await?;
        let mut upload = upload.with_memory(memory.saturating_sub(AHEAD as u64 * PIECE));
        let offsets = stream::iter((0..size).step_by(PIECE as usize));
        let pieces = offsets.map(|start| piece(client, raw, start..size.min(start + PIECE)));
        let mut pieces = std::pin::pin!(pieces.buffered(AHEAD));
        while let Some(piece) = pieces.next().await {
            let bytes = piece?.into_bytes();
            let len = bytes.len() as u64;
            upload.send(bytes).await?;
            progress(len);
        }
        upload.finish().await
    };
    let result = work.await;
    open.end(result, |put| (put.size, 1))
}

async fn piece(client: &Client, raw: Raw, range: Range<u64>) -> Result<Buffer> {
    // Fits: a piece at most.
    let len = (range.end - range.start) as usize;
    let pool = client.pool().clone();
    if (len as u64) < MADE_IN_PLACE {
        return raw.piece(&pool, range.start, len);
    }
    tokio::task::spawn_blocking(move || raw.piece(&pool, range.start, len)).await?
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::config::{Config, Options};

    #[tokio::test]
    async fn what_arrives_is_what_the_seed_says() {
        let mut options = Options::default();
        options.set("part_size", "5000000").unwrap();
        let client = Client::new(Config::load(&options).unwrap());
        let bucket: Uri = "memory://bucket/".parse().unwrap();
        client.create_bucket(&bucket).await.unwrap();

        for size in [0, 1, PIECE, 3 * PIECE + 5] {
            let uri = bucket.join(&size.to_string());
            let told = AtomicU64::new(0);
            let progress = |len| {
                told.fetch_add(len, Ordering::Relaxed);
            };
            let put = put(&client, &uri, Raw::new(1, size), size, 1 << 20, progress)
                .await
                .unwrap();

            let mut expected = vec![0; size as usize];
            Raw::new(1, size).fill(0, &mut expected);
            assert_eq!(*client.get(&uri).await.unwrap(), *expected);
            assert_eq!((put.size, told.into_inner()), (size, size));
        }
    }
}
