//! The stored object is an ordinary zstd file.

use std::process::{Command, Output};

use super::*;

/// Runs the zstd command on `stored`; `None` where there is no such command.
fn zstd(arguments: &[&str], stored: &[u8]) -> Option<Output> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shard.bin.zst");
    std::fs::write(&file, stored).unwrap();
    Command::new("zstd")
        .args(arguments)
        .arg(&file)
        .output()
        .ok()
}

#[tokio::test]
async fn the_zstd_command_reads_it() {
    let client = client().await;
    let store = shards(&client, Some(3));
    for size in [0, 1, 1000, 2 * FRAME + 77] {
        let data = bytes(size, 4);
        let report = store.put_shard("m", 0, data.clone().into()).await.unwrap();
        let stored = client.get(&report.uri).await.unwrap();

        let Some(tested) = zstd(&["-t", "-q"], &stored) else {
            println!("skipped: there is no zstd command on this machine");
            return;
        };
        let plain = zstd(&["-d", "-c", "-q"], &stored).unwrap();

        assert!(
            tested.status.success(),
            "{size}: {}",
            String::from_utf8_lossy(&tested.stderr)
        );
        assert!(plain.stdout == data, "{size}");
    }
}

#[tokio::test]
async fn frames_tell_size_and_checksum_and_stand_alone() {
    let client = client().await;
    let data = bytes(FRAME + 10, 4);
    let report = shards(&client, Some(3))
        .put_shard("m", 0, data.clone().into())
        .await
        .unwrap();
    let stored = client.get(&report.uri).await.unwrap();

    let first = zstd_safe::find_frame_compressed_size(&stored).unwrap();
    let second = zstd_safe::find_frame_compressed_size(&stored[first..]).unwrap();

    assert_eq!(
        zstd_safe::get_frame_content_size(&stored).unwrap(),
        Some(FRAME as u64)
    );
    assert_eq!(
        zstd_safe::get_frame_content_size(&stored[first..]).unwrap(),
        Some(10)
    );
    assert_eq!(stored[4] & 4, 4, "the checksum flag of RFC 8878");
    let alone = zstd::bulk::decompress(&stored[first..first + second], 10).unwrap();
    assert_eq!(alone, data[FRAME..]);
    assert_eq!(
        stored.len() as u64,
        (first + second) as u64 + super::super::table::len(2)
    );
}

#[tokio::test]
async fn bytes_that_do_not_shrink_hardly_grow() {
    let client = client().await;
    let mut noise = vec![0; FRAME + 5];
    rand::fill(&mut noise[..]);

    let report = shards(&client, Some(1))
        .put_shard("m", 0, noise.into())
        .await
        .unwrap();

    assert!(report.ratio() < 1.0002, "{}", report.ratio());
}
