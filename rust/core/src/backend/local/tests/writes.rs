use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::checksum::{Algorithm, Checksum};
use crate::error::ErrorKind;

fn if_none_match() -> WriteOptions {
    WriteOptions {
        if_none_match: true,
        ..WriteOptions::default()
    }
}

#[tokio::test]
async fn any_length_at_any_address_comes_back() {
    const MIB: usize = 1 << 20;
    for place in Place::both() {
        for len in [
            0,
            1,
            511,
            512,
            513,
            4095,
            4096,
            4097,
            MIB - 1,
            MIB,
            MIB + 1,
            3 * MIB + 777,
        ] {
            let bytes = data(len);
            for shift in [0, 1, 64, 512, 4095] {
                let body = Payload::from(shifted(&bytes, shift));
                let reply = place
                    .store
                    .write(&place.key("f"), &body, &WriteOptions::default())
                    .await
                    .unwrap();

                assert_eq!(
                    reply.checksum,
                    Some(Checksum::of(Algorithm::Crc32c, &bytes))
                );
                assert_eq!(
                    fs::read(place.path("f")).unwrap(),
                    bytes,
                    "{len} bytes at {shift}"
                );
                assert_eq!(
                    place.get("f", ByteRange::Whole).await.unwrap(),
                    bytes,
                    "{len} bytes at {shift}"
                );
                assert_eq!(
                    place.store.stat(&place.key("f")).await.unwrap().etag,
                    reply.etag
                );
            }
        }
    }
}

#[tokio::test]
async fn pieces_of_any_size_are_written_in_order() {
    let all = data(5 << 20);
    // Cut in a fixed but irregular way, between a byte and a MiB.
    let mut pieces = Vec::new();
    let (mut rest, mut step) = (all.clone(), 1usize);
    while !rest.is_empty() {
        step = step * 7919 % (1 << 20) + 1;
        pieces.push(rest.split_to(step.min(rest.len())));
    }
    // A header before aligned memory, and more pieces than one call takes.
    let aligned = shifted(&all, 0);
    let header = vec![all.slice(..100), aligned.slice(4096..), all.slice(100..)];
    let tiny: Vec<Bytes> = (0..5000).map(|i| all.slice(i * 3..i * 3 + 3)).collect();

    for place in Place::both() {
        for pieces in [&pieces, &header, &tiny] {
            let body = Payload::new(pieces.clone());
            let reply = place
                .store
                .write(&place.key("f"), &body, &WriteOptions::default())
                .await
                .unwrap();

            assert_eq!(reply.checksum, Some(body.checksum(Algorithm::Crc32c)));
            assert!(fs::read(place.path("f")).unwrap() == pieces.concat());
        }
    }
}

#[tokio::test]
async fn missing_parents_are_made_and_modes_follow_the_umask() {
    for place in Place::both() {
        place.put("a/b/c/f", data(1)).await.unwrap();
        place.put("a/b/c/g", data(1)).await.unwrap();

        let reference = place.path("reference");
        fs::write(&reference, b"").unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(place.path("a/b/c/f")), mode(reference));
        assert_eq!(temporaries(&place.path("a/b/c")), 0);
    }
}

#[tokio::test]
async fn readers_see_the_old_file_or_the_new_one() {
    for place in Place::both() {
        let bodies = [vec![1u8; 200_001], vec![2u8; 300_003]];
        place.put("f", bodies[0].clone()).await.unwrap();
        let write = async {
            for round in 0..60 {
                place.put("f", bodies[round % 2].clone()).await.unwrap();
            }
        };
        let read = async {
            for _ in 0..200 {
                let got = place.get("f", ByteRange::Whole).await.unwrap();
                assert!(bodies.contains(&got), "a mix of {} bytes", got.len());
            }
        };
        futures::join!(write, read);
        assert_eq!(place.temporaries(), 0);
    }
}

#[tokio::test]
async fn of_many_that_must_not_replace_one_wins() {
    for place in Place::both() {
        let (key, options) = (place.key("f"), if_none_match());
        let writes = (0..16u8).map(|i| {
            let (place, key, options) = (&place, &key, &options);
            async move {
                (
                    i,
                    place.store.write(key, &vec![i; 5000].into(), options).await,
                )
            }
        });
        let results = futures::future::join_all(writes).await;

        let winners: Vec<u8> = results
            .iter()
            .filter(|(_, result)| result.is_ok())
            .map(|(i, _)| *i)
            .collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(fs::read(place.path("f")).unwrap(), vec![winners[0]; 5000]);
        for (_, result) in results {
            assert!(result.map_or_else(|error| error.kind() == ErrorKind::AlreadyExists, |_| true));
        }
        assert_eq!(place.temporaries(), 0);
    }
}

#[tokio::test]
async fn a_directory_or_a_file_in_the_path_is_an_invalid_target() {
    for place in Place::both() {
        fs::create_dir(place.path("dir")).unwrap();
        place.put("f", data(10)).await.unwrap();

        for (name, errno) in [
            ("dir", None),
            ("f/below", Some(libc::ENOTDIR)),
            ("f/a/b", Some(libc::ENOTDIR)),
        ] {
            let error = place.put(name, data(5)).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.errno()),
                (ErrorKind::InvalidInput, errno),
                "{name}: {error}"
            );
        }
        for key in ["/a", "a//b", "a/../b", "a/", ""] {
            let error = place
                .store
                .write(&Key::new(key), &data(1).into(), &if_none_match())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{key:?}");
        }
        assert_eq!(place.temporaries(), 0);
    }
}

#[tokio::test]
async fn where_no_file_can_be_made_is_denied() {
    for place in Place::both() {
        for key in ["proc/x", "proc/x/y"] {
            let body = Payload::from(data(10));
            let result = place
                .store
                .write(&Key::new(key), &body, &WriteOptions::default())
                .await;

            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied, "{key}: {error}");
            assert_eq!(error.errno(), Some(libc::EACCES), "{key}: {error}");
            assert!(error.detail().contains("in /proc"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_symlink_is_replaced_and_its_target_left_alone() {
    for place in Place::both() {
        place.put("target", data(10)).await.unwrap();
        std::os::unix::fs::symlink("target", place.path("link")).unwrap();

        place.put("link", data(20)).await.unwrap();

        assert!(
            !fs::symlink_metadata(place.path("link"))
                .unwrap()
                .is_symlink()
        );
        assert_eq!(fs::read(place.path("target")).unwrap(), data(10));
        let error = place
            .store
            .write(&place.key("link"), &data(1).into(), &if_none_match())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }
}

#[tokio::test]
async fn what_is_no_file_is_never_replaced() {
    for place in Place::both() {
        let node = place.node("f");
        place.put("source", data(10)).await.unwrap();
        std::os::unix::fs::symlink("f", place.path("link")).unwrap();
        std::os::unix::fs::symlink("/dev/null", place.path("null")).unwrap();
        std::os::unix::fs::symlink("/proc/self/fd/1", place.path("stdout")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();

        for (name, what) in [
            ("f", "a FIFO"),
            ("link", "a symlink to a FIFO"),
            ("null", "a symlink to a device"),
            ("stdout", "a symlink to "),
            ("socket", "a socket"),
        ] {
            let put = place.put(name, data(5)).await.map(drop);
            let key = place.key(name);
            let started = place
                .store
                .start_upload(&key, 1 << 20, &WriteOptions::default())
                .await;
            let source = place.source("source").await;
            let copied = place.store.copy(&source, &key).await;
            for result in [put, started.map(drop), copied.map(drop)] {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}: {error}");
                let told = error.to_string();
                assert!(told.contains(&format!("the target is {what}")), "{told}");
            }
        }
        assert_eq!(place.path("f").symlink_metadata().unwrap().ino(), node);
        for name in ["link", "null", "stdout"] {
            assert!(place.path(name).symlink_metadata().unwrap().is_symlink());
        }
        assert_eq!(place.temporaries(), 0);
    }
}

#[tokio::test]
async fn what_became_no_file_meanwhile_is_not_replaced() {
    for place in Place::both() {
        let id = upload(&place, 1 << 20).await;
        let key = place.key("f");
        let body = data(8192).into();
        let part = place.store.put_part(&key, &id, 1, &body).await.unwrap();
        let node = place.node("f");

        let (parts, options) = ([part], WriteOptions::default());
        let finished = place.store.finish_upload(&key, &id, &parts, &options);

        let error = finished.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert_eq!(place.path("f").symlink_metadata().unwrap().ino(), node);
        place.store.abort_upload(&key, &id).await.unwrap();
        assert_eq!(place.temporaries(), 0);
    }
}

#[tokio::test]
async fn a_cancelled_write_leaves_nothing_behind() {
    for place in Place::both() {
        place.put("f", data(10)).await.unwrap();
        let block = shifted(&data(8 << 20), 0);
        // Long enough to be under way when it is cancelled.
        let body = Payload::new(vec![block; 128]);
        let (key, options) = (place.key("f"), WriteOptions::default());

        let mut write = place.store.write(&key, &body, &options);
        assert!(futures::poll!(&mut write).is_pending());
        wait_until("the temporary file is there", || place.temporaries() == 1);
        drop(write);

        wait_until("the temporary file is gone", || place.temporaries() == 0);
        assert_eq!(fs::read(place.path("f")).unwrap(), data(10));
    }
}

#[tokio::test]
async fn a_full_disk_keeps_its_errno_and_the_old_file() {
    for place in Place::both() {
        place.put("f", data(10)).await.unwrap();
        // More than any file may have: refused by the kernel as a full disk would be, at the first byte past it.
        let error = place
            .store
            .put_part(
                &place.key("f"),
                &upload(&place, 1 << 40).await,
                1_000_000,
                &data(8192).into(),
            )
            .await
            .unwrap_err();

        assert_eq!(
            (error.kind(), error.errno()),
            (ErrorKind::LocalIo, Some(libc::EFBIG)),
            "{error}"
        );
        assert_eq!(fs::read(place.path("f")).unwrap(), data(10));
    }
}

async fn upload(place: &Place, part_size: u64) -> crate::types::UploadId {
    place
        .store
        .start_upload(&place.key("f"), part_size, &WriteOptions::default())
        .await
        .unwrap()
}

#[tokio::test]
async fn what_a_file_cannot_keep_is_refused() {
    let place = Place::file();
    let options = WriteOptions {
        content_type: Some("text/plain".into()),
        ..WriteOptions::default()
    };

    let error = place
        .store
        .write(&place.key("f"), &data(1).into(), &options)
        .await
        .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_replaced_file_passes_its_mode_on() {
    for place in Place::both() {
        for mode in [0o600, 0o640, 0o444] {
            fs::write(place.path("f"), b"private").unwrap();
            fs::set_permissions(place.path("f"), fs::Permissions::from_mode(mode)).unwrap();

            let body = Payload::from(data(5000));
            let options = WriteOptions::default();
            place
                .store
                .write(&place.key("f"), &body, &options)
                .await
                .unwrap();

            let found = fs::metadata(place.path("f")).unwrap();
            assert_eq!(
                (found.len(), found.permissions().mode() & 0o777),
                (5000, mode)
            );
            fs::remove_file(place.path("f")).unwrap();
        }
    }
}
