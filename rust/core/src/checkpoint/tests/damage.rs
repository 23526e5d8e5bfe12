//! Nothing but the bytes that were saved is ever returned.

use rand::{RngExt as _, SeedableRng as _};

use super::*;

const SEED: u64 = 7;

async fn replace(client: &Client, uri: &Uri, bytes: Vec<u8>) {
    client
        .put(uri, bytes.into(), &WriteOptions::default())
        .await
        .unwrap();
}

/// A store with one shard, and the URIs of its record and data.
async fn saved(level: Option<i32>, data: &Bytes) -> (Client, CheckpointStore, [Uri; 2]) {
    let client = client().await;
    let store = shards(&client, level);
    let report = store.put_shard("m", 0, data.clone().into()).await.unwrap();
    let record = format!("{BASE}m/shard-00000.json").parse().unwrap();
    (client, store, [record, report.uri])
}

#[tokio::test]
async fn every_flipped_byte_is_refused() {
    let mut random = rand::rngs::StdRng::seed_from_u64(SEED);
    for level in [None, Some(3)] {
        let (client, store, objects) = saved(level, &bytes(20_000, 2)).await;
        for uri in objects {
            let good = client.get(&uri).await.unwrap().to_vec();
            for flip in 0..2_000 {
                let (at, mask) = (
                    random.random_range(0..good.len()),
                    random.random_range(1..=255u8),
                );
                let mut bad = good.clone();
                bad[at] ^= mask;
                replace(&client, &uri, bad).await;

                let error = store
                    .get_shard("m", 0)
                    .await
                    .expect_err("damage is refused");

                let seen = format!("seed {SEED}, flip {flip}: {uri} byte {at} ^ {mask}: {error}");
                assert_eq!(error.kind(), ErrorKind::CheckpointCorrupt, "{seen}");
            }
            replace(&client, &uri, good).await;
        }
        assert_eq!(*store.get_shard("m", 0).await.unwrap(), *bytes(20_000, 2));
    }
}

#[tokio::test]
async fn other_lengths_are_refused() {
    for level in [None, Some(3)] {
        let data = bytes(FRAME + 1000, 3);
        let (client, store, [_, uri]) = saved(level, &data).await;
        let good = client.get(&uri).await.unwrap().to_vec();
        for len in [0, 1, 17, good.len() / 2, good.len() - 1] {
            replace(&client, &uri, good[..len].to_vec()).await;
            let error = store.get_shard("m", 0).await.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::CheckpointCorrupt,
                "cut to {len}: {error}"
            );
        }
        for more in [vec![0], good.clone()] {
            replace(&client, &uri, [&good[..], &more].concat()).await;
            let error = store.get_shard("m", 0).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CheckpointCorrupt, "{error}");
            assert!(
                error
                    .detail()
                    .contains(&format!("instead of {}", good.len())),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn an_empty_shard_cannot_grow() {
    for level in [None, Some(1)] {
        let (client, store, [_, uri]) = saved(level, &Bytes::new()).await;
        assert!(store.get_shard("m", 0).await.unwrap().is_empty());

        replace(&client, &uri, vec![9]).await;

        assert_eq!(
            store.get_shard("m", 0).await.unwrap_err().kind(),
            ErrorKind::CheckpointCorrupt
        );
    }
}

#[tokio::test]
async fn data_that_is_gone_is_damage_not_absence() {
    let (client, store, [_, uri]) = saved(Some(3), &bytes(10, 1)).await;
    client.delete(&uri).await.unwrap();

    let error = store.get_shard("m", 0).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::CheckpointCorrupt);
    assert!(error.to_string().contains("does not exist"), "{error}");
}

/// Frames and table as zstd itself writes them, with a record that agrees: only the format can tell.
#[tokio::test]
async fn well_made_objects_of_another_shape_are_refused() {
    use super::super::record::{Codec, Record, Written};
    use super::super::table::{FrameSize, encode};

    let raw = bytes(1000, 1);
    let frame = zstd::bulk::compress(&raw, 3).unwrap();
    let table = |stored: usize, raw: usize| {
        encode(&[FrameSize {
            stored: stored as u32,
            raw: raw as u32,
        }])
    };
    let good = [&frame[..], &table(frame.len(), 1000)].concat();
    let cases: [(&str, Vec<u8>, u64, bool); 7] = [
        ("as documented", good.clone(), 1000, true),
        ("no table", frame.clone(), 1000, false),
        (
            "a table of other sizes",
            [&frame[..], &table(frame.len(), 999)].concat(),
            1000,
            false,
        ),
        (
            "bytes after the table",
            [&good[..], b"x"].concat(),
            1000,
            false,
        ),
        ("more raw bytes claimed", good.clone(), 1001, false),
        ("fewer raw bytes claimed", good.clone(), 999, false),
        ("a huge claim", good.clone(), 1 << 40, false),
    ];
    for (case, stored, raw_size, fine) in cases {
        let (client, store, [record_uri, uri]) = saved(Some(3), &raw).await;
        let written = Written {
            raw_size,
            stored_size: stored.len() as u64,
            raw_crc32c: crate::checksum::crc32c(&raw),
            stored_crc32c: crate::checksum::crc32c(&stored),
        };
        let name = uri.key().as_str().rsplit('/').next().unwrap().to_owned();
        replace(
            &client,
            &record_uri,
            Record::new(name, Codec::Zstd, written).to_bytes(),
        )
        .await;
        replace(&client, &uri, stored).await;

        match store.get_shard("m", 0).await {
            Ok(loaded) => assert!(fine && *loaded == raw, "{case}"),
            Err(error) => {
                assert!(!fine, "{case}: {error}");
                assert_eq!(
                    error.kind(),
                    ErrorKind::CheckpointCorrupt,
                    "{case}: {error}"
                );
            }
        }
    }
}
