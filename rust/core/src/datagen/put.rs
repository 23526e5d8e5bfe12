//! Sends a generated object piece by piece, the next piece being made while the last one is under way.

use std::ops::Range;

use futures::StreamExt;
use futures::stream;

use super::object::{Object, Piece};
use crate::client::Client;
use crate::error::Result;
use crate::types::{PutResult, WriteOptions};
use crate::uri::Uri;

/// Pieces made ahead of the one that is sent: two cores fill more than a network takes.
const AHEAD: usize = 2;
/// What they take, so that the rest is for the parts of the upload; bytes.
const AHEAD_MEMORY: u64 = 16 << 20;
/// Below this, a piece is made sooner than another thread would begin with it.
const MADE_IN_PLACE: u64 = 256 << 10;

/// Writes `object` to `uri`, with what `options` ask for; at most about `memory` bytes of it exist at once, but always one part of an upload and the
/// pieces made ahead. `progress` is told how many bytes have been handed on.
///
/// # Errors
/// As [`Client::put`].
pub async fn put(
    client: &Client,
    uri: &Uri,
    object: &Object,
    options: &WriteOptions,
    memory: u64,
    progress: impl Fn(u64),
) -> Result<PutResult> {
    let open = client.begin("put", uri);
    let work = async {
        let upload = client.upload(uri, options, Some(object.size())).await?;
        let mut upload = upload.with_memory(memory.saturating_sub(AHEAD_MEMORY));
        let head = object.head();
        progress(head.len() as u64);
        upload.send(head).await?;

        let mut seen = object.seen();
        let pieces = stream::iter(object.pieces()).map(|range| piece(client, object, range));
        let mut pieces = std::pin::pin!(pieces.buffered(AHEAD));
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            seen = seen.then(&piece);
            let len = piece.bytes.len() as u64;
            upload.send(piece.bytes).await?;
            progress(len);
        }

        let tail = object.tail(seen);
        progress(tail.len() as u64);
        upload.send(tail).await?;
        upload.finish().await
    };
    let result = work.await;
    open.end(result, |put| (put.size, 1))
}

async fn piece(client: &Client, object: &Object, range: Range<u64>) -> Result<Piece> {
    let pool = client.pool().clone();
    if range.end - range.start < MADE_IN_PLACE {
        return object.piece(&pool, range);
    }
    let object = object.clone();
    tokio::task::spawn_blocking(move || object.piece(&pool, range)).await?
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::{GenerateOptions, ObjectType, Objects};
    use super::*;
    use crate::config::{Config, Options};

    #[tokio::test]
    async fn what_arrives_is_the_same_in_parts_and_whole() {
        let client = |part_size| {
            let mut options = Options::default();
            options.set("part_size", part_size).unwrap();
            Client::new(Config::load(&options).unwrap())
        };
        let (whole, parts) = (client("1GiB"), client("5000000"));
        let uri: Uri = "memory://bucket/k".parse().unwrap();

        for object_type in ObjectType::ALL {
            for size in [300, 8 << 20, (24 << 20) + 5] {
                let options = GenerateOptions {
                    size,
                    object_type,
                    ..GenerateOptions::default()
                };
                let object = Objects::new(&options).unwrap().object(0);
                let mut seen = Vec::new();
                for client in [&whole, &parts] {
                    let _made_before = client.create_bucket(&uri.root()).await;
                    let told = AtomicU64::new(0);
                    let progress = |len| {
                        told.fetch_add(len, Ordering::Relaxed);
                    };
                    let how = WriteOptions::default();
                    let put = put(client, &uri, &object, &how, 1 << 20, progress);
                    let put = put.await.unwrap();
                    assert_eq!((put.size, told.into_inner()), (size, size));
                    seen.push(client.get(&uri).await.unwrap());
                }
                assert!(*seen[0] == *seen[1], "{object_type} {size}");
            }
        }
    }
}
