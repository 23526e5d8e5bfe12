//! What must hold for shards, on the store in memory; other stores run the same cases in the behaviour suite.

mod commit;
mod damage;
mod faulty;
mod format;

use bytes::Bytes;
use proptest::prelude::*;

use super::codec::FRAME;
use super::*;
use crate::config::{Config, Options};
use crate::error::ErrorKind;
use crate::types::WriteOptions;

const BASE: &str = "memory://bucket/checkpoints/";

fn config(options: &[(&str, &str)]) -> Config {
    let mut given = Options::default();
    for (name, value) in options {
        given.set(name, *value).unwrap();
    }
    Config::load(&given).unwrap()
}

async fn client_with(options: &[(&str, &str)]) -> Client {
    let client = Client::new(config(options));
    let base: Uri = BASE.parse().unwrap();
    client.create_bucket(&base.root()).await.unwrap();
    client
}

async fn client() -> Client {
    client_with(&[]).await
}

fn shards(client: &Client, level: Option<i32>) -> CheckpointStore {
    CheckpointStore::new(client.clone(), BASE.parse().unwrap(), level).unwrap()
}

/// Bytes that shrink to about a half, the same for the same arguments.
fn bytes(len: usize, seed: u32) -> Bytes {
    let mut state = u64::from(seed) << 1 | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 60) as u8
    };
    (0..len).map(|_| byte()).collect::<Vec<u8>>().into()
}

async fn keys(client: &Client) -> Vec<String> {
    client
        .list(&BASE.parse().unwrap(), true, None)
        .await
        .unwrap()
}

#[tokio::test]
async fn shards_come_back_as_they_were() {
    let client = client().await;
    let sizes = [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME + 12_345];
    for level in [None, Some(1), Some(3)] {
        let store = shards(&client, level);
        for size in sizes {
            let data = bytes(size, 1);

            let report = store
                .put_shard("model", 3, data.clone().into())
                .await
                .unwrap();
            let loaded = store.get_shard("model", 3).await.unwrap();

            assert!(*loaded == data, "{size} bytes at {level:?}");
            assert_eq!(report.raw_size, size as u64);
            assert_eq!(report.raw_crc32c, crate::checksum::crc32c(&data));
            let stored = client.get(&report.uri).await.unwrap();
            assert_eq!(report.stored_size, stored.len() as u64);
            assert_eq!(report.stored_crc32c, crate::checksum::crc32c(&stored));
            assert_eq!(level.is_none(), report.uri.to_string().ends_with(".bin"));
        }
    }
}

#[tokio::test]
async fn every_level_round_trips_and_shrinks() {
    let client = client().await;
    // Regular, so that the slow levels are quick.
    let data: Bytes = (0..300_000u32)
        .map(|i| (i / 1000) as u8)
        .collect::<Vec<u8>>()
        .into();
    for level in LEVELS {
        let store = shards(&client, Some(level));

        let report = store
            .put_shard("a/b", 0, data.clone().into())
            .await
            .unwrap();

        assert!(report.ratio() < 0.05, "level {level}: {}", report.ratio());
        assert_eq!(*store.get_shard("a/b", 0).await.unwrap(), *data);
    }
}

#[tokio::test]
async fn a_level_outside_is_refused_by_name() {
    let client = client().await;
    for level in [0, 22, 99, -1, i32::MIN] {
        let error =
            CheckpointStore::new(client.clone(), BASE.parse().unwrap(), Some(level)).unwrap_err();

        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(
            error
                .to_string()
                .contains(&format!("compression_level={level}:")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_bad_name_writes_nothing() {
    let client = client().await;
    let store = shards(&client, None);
    for name in ["", "..", "a/../../b", "a//b", "/a", "a b"] {
        let put = store.put_shard(name, 0, vec![1].into()).await.unwrap_err();
        let get = store.get_shard(name, 0).await.unwrap_err();

        assert_eq!(
            (put.kind(), put.op()),
            (ErrorKind::InvalidInput, Some("put_shard"))
        );
        assert_eq!(
            (get.kind(), get.op()),
            (ErrorKind::InvalidInput, Some("get_shard"))
        );
    }
    assert!(keys(&client).await.is_empty());
}

#[tokio::test]
async fn a_shard_never_saved_is_not_found() {
    let store = shards(&client().await, Some(3));

    let error = store.get_shard("model", 7).await.unwrap_err();

    assert_eq!(
        (error.kind(), error.op()),
        (ErrorKind::NotFound, Some("get_shard"))
    );
    assert_eq!(
        error.target(),
        Some("memory://bucket/checkpoints/model/shard-00007.json")
    );
}

#[tokio::test]
async fn base_with_and_without_slash_is_one_store() {
    let client = client().await;
    let without = BASE.trim_end_matches('/').parse().unwrap();
    let without = CheckpointStore::new(client.clone(), without, None).unwrap();

    without.put_shard("m", 0, vec![1, 2].into()).await.unwrap();

    assert_eq!(
        *shards(&client, Some(21)).get_shard("m", 0).await.unwrap(),
        [1, 2]
    );
}

#[tokio::test]
async fn loads_are_verified_whatever_verify_says() {
    for verify in ["off", "auto", "strong"] {
        let client = client_with(&[("verify", verify)]).await;
        for level in [None, Some(1)] {
            let store = shards(&client, level);
            let report = store
                .put_shard("m", 0, bytes(100_000, 1).into())
                .await
                .unwrap();
            assert_eq!(*store.get_shard("m", 0).await.unwrap(), *bytes(100_000, 1));

            let mut stored = client.get(&report.uri).await.unwrap().to_vec();
            stored[50] ^= 1;
            client
                .put(&report.uri, stored.into(), &WriteOptions::default())
                .await
                .unwrap();

            let error = store.get_shard("m", 0).await.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::CheckpointCorrupt,
                "{verify} {level:?}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn small_parts_and_windows_make_no_difference() {
    let client = client_with(&[("part_size", "100000")]).await;
    let data = bytes(FRAME + 700_000, 5);
    for level in [None, Some(1)] {
        let store = shards(&client, level);
        store.put_shard("m", 0, data.clone().into()).await.unwrap();
        assert!(*store.get_shard("m", 0).await.unwrap() == data);
    }
}

#[tokio::test]
async fn files_keep_the_same_layout() {
    let directory = tempfile::tempdir().unwrap();
    for scheme in ["file", "direct"] {
        let base = format!("{scheme}://{}/{scheme}", directory.path().display())
            .parse()
            .unwrap();
        for level in [None, Some(1)] {
            let store = CheckpointStore::new(client().await, Uri::clone(&base), level).unwrap();
            let data = bytes(FRAME + 1, 6);

            let report = store
                .put_shard("a/m", 12, data.clone().into())
                .await
                .unwrap();

            assert!(*store.get_shard("a/m", 12).await.unwrap() == data);
            let mut names: Vec<_> = std::fs::read_dir(directory.path().join(scheme).join("a/m"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            let data_name = report
                .uri
                .to_string()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned();
            assert_eq!(names, [data_name, "shard-00012.json".to_owned()]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pieces_of_any_size_are_one_shard(
        lens in prop::collection::vec(prop_oneof![0usize..100, 0usize..100_000, (FRAME - 5)..(FRAME + 5)], 0..6),
        level in prop_oneof![Just(None), Just(Some(1)), Just(Some(4))],
    ) {
        let pieces: Vec<Bytes> = lens.iter().enumerate().map(|(i, len)| bytes(*len, i as u32)).collect();
        let whole = pieces.concat();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let loaded = runtime.block_on(async {
            let store = shards(&client().await, level);
            let report = store.put_shard("m", 0, Payload::new(pieces)).await.unwrap();
            assert_eq!(report.raw_crc32c, crate::checksum::crc32c(&whole));
            store.get_shard("m", 0).await.unwrap()
        });
        prop_assert!(*loaded == whole);
    }
}
