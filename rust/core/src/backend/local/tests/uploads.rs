use std::task::Poll;

use super::*;
use crate::checksum::{Algorithm, Checksum};
use crate::error::ErrorKind;
use crate::types::{Part, UploadId, WriteReply};

const PART: usize = 1 << 20;

async fn start(place: &Place, part_size: usize) -> UploadId {
    place
        .store
        .start_upload(&place.key("f"), part_size as u64, &WriteOptions::default())
        .await
        .unwrap()
}

async fn finish(place: &Place, upload: &UploadId, parts: &[Part]) -> Result<WriteReply> {
    place
        .store
        .finish_upload(&place.key("f"), upload, parts, &WriteOptions::default())
        .await
}

async fn put_all(place: &Place, upload: &UploadId, all: &Bytes) -> Vec<Part> {
    let size = upload.part_size as usize;
    let parts = (1..)
        .zip(all.chunks(size))
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .map(|(number, chunk)| async move {
            // Every other one at an address that O_DIRECT does not take.
            let body = shifted(chunk, number as usize % 2);
            place
                .store
                .put_part(&place.key("f"), upload, number, &body.into())
                .await
                .unwrap()
        });
    let mut parts = futures::future::join_all(parts).await;
    parts.sort_by_key(|part| part.number);
    parts
}

#[tokio::test]
async fn parts_in_any_order_become_the_file() {
    // Parts that start at whole blocks, and parts that do not.
    let (whole, odd) = (PART, PART + 1);
    for (place, part_size) in [
        (Place::file(), whole),
        (Place::direct(), whole),
        (Place::file(), odd),
        (Place::lenient(), odd),
    ] {
        for len in [1, PART, PART + 1, 3 * PART, 5 * PART - 3] {
            let all = data(len);
            let upload = start(&place, part_size).await;
            let parts = put_all(&place, &upload, &all).await;
            assert!(!place.path("f").exists() && place.temporaries() == 1);

            let reply = finish(&place, &upload, &parts).await.unwrap();

            assert_eq!(reply.checksum, Some(Checksum::of(Algorithm::Crc32c, &all)));
            assert!(
                fs::read(place.path("f")).unwrap() == all,
                "{len} bytes in parts of {part_size}"
            );
            assert_eq!(
                place.store.stat(&place.key("f")).await.unwrap().etag,
                reply.etag
            );
            assert_eq!(place.temporaries(), 0);
            fs::remove_file(place.path("f")).unwrap();
        }
    }
}

#[tokio::test]
async fn a_part_may_be_sent_again() {
    for place in Place::both() {
        let all = data(2 * PART + 100);
        let upload = start(&place, PART).await;
        let wrong = Payload::from(vec![9u8; PART]);
        place
            .store
            .put_part(&place.key("f"), &upload, 2, &wrong)
            .await
            .unwrap();
        let parts = put_all(&place, &upload, &all).await;

        finish(&place, &upload, &parts).await.unwrap();

        assert!(fs::read(place.path("f")).unwrap() == all);
    }
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    for place in Place::both() {
        let upload = start(&place, PART).await;
        put_all(&place, &upload, &data(PART + 1)).await;

        place
            .store
            .abort_upload(&place.key("f"), &upload)
            .await
            .unwrap();
        place
            .store
            .abort_upload(&place.key("f"), &upload)
            .await
            .unwrap();

        assert_eq!(fs::read_dir(&place.base).unwrap().count(), 0);
        let late = place
            .store
            .put_part(&place.key("f"), &upload, 1, &data(1).into())
            .await
            .unwrap_err();
        assert_eq!(
            (late.kind(), late.code()),
            (ErrorKind::NotFound, Some("NoSuchUpload"))
        );
        assert_eq!(fs::read_dir(&place.base).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_start_that_nobody_waits_for_leaves_nothing() {
    for place in Place::both() {
        let (key, options) = (place.key("d/f"), WriteOptions::default());
        for _ in 0..50 {
            let mut started = place.store.start_upload(&key, PART as u64, &options);
            // The thread may be faster; then there is an upload, and somebody who knows it.
            if let Poll::Ready(upload) = futures::poll!(&mut started) {
                place
                    .store
                    .abort_upload(&key, &upload.unwrap())
                    .await
                    .unwrap();
            }
        }
        let upload = place
            .store
            .start_upload(&key, PART as u64, &options)
            .await
            .unwrap();

        wait_until("only the last one is left", || {
            temporaries(&place.path("d")) == 1
        });
        place.store.abort_upload(&key, &upload).await.unwrap();
    }
}

#[tokio::test]
async fn parts_that_do_not_add_up_are_refused() {
    for place in Place::both() {
        let upload = start(&place, PART).await;
        let parts = put_all(&place, &upload, &data(2 * PART + 5)).await;
        let refused =
            async |parts: &[Part]| finish(&place, &upload, parts).await.unwrap_err().kind();

        assert_eq!(refused(&parts[1..]).await, ErrorKind::InvalidInput);
        assert_eq!(
            refused(&[parts[0].clone(), parts[2].clone()]).await,
            ErrorKind::InvalidInput
        );
        let beyond = Part {
            number: 4,
            ..parts[2].clone()
        };
        let whole = Part {
            number: 3,
            ..parts[1].clone()
        };
        assert_eq!(
            refused(&[parts[0].clone(), parts[1].clone(), whole, beyond]).await,
            ErrorKind::Integrity
        );
        assert!(!place.path("f").exists());
    }
}

#[tokio::test]
async fn an_id_from_elsewhere_reaches_no_file() {
    let place = Place::file();
    place.put("victim", data(10)).await.unwrap();
    for id in ["victim", "../victim", ".s3dlio-/../victim.tmp", ""] {
        let upload = UploadId {
            id: id.into(),
            part_size: PART as u64,
        };
        let key = place.key("f");

        let put = place
            .store
            .put_part(&key, &upload, 1, &data(1).into())
            .await
            .unwrap_err();
        let abort = place.store.abort_upload(&key, &upload).await.unwrap_err();

        assert_eq!(
            (put.kind(), abort.kind()),
            (ErrorKind::InvalidInput, ErrorKind::InvalidInput),
            "{id}"
        );
    }
    assert_eq!(fs::read(place.path("victim")).unwrap(), data(10));
}

#[tokio::test]
async fn an_upload_that_must_not_replace_looks_again_at_the_end() {
    for place in Place::both() {
        let options = WriteOptions {
            if_none_match: true,
            ..WriteOptions::default()
        };
        let upload = place
            .store
            .start_upload(&place.key("f"), PART as u64, &options)
            .await
            .unwrap();
        let parts = put_all(&place, &upload, &data(10)).await;
        place.put("f", data(3)).await.unwrap();

        let error = place
            .store
            .finish_upload(&place.key("f"), &upload, &parts, &options)
            .await
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(place.path("f")).unwrap(), data(3));
        place
            .store
            .abort_upload(&place.key("f"), &upload)
            .await
            .unwrap();
        assert_eq!(place.temporaries(), 0);
    }
}

#[tokio::test]
async fn a_finish_that_was_given_up_leaves_the_parts_for_another() {
    for place in Place::both() {
        let all = data(PART + 5);
        let upload = start(&place, PART).await;
        let parts = put_all(&place, &upload, &all).await;
        let (local, target) = (Local::new(true, None), place.path("f"));
        let file = upload::file(&target, &upload).unwrap();
        let (started, has_started) = std::sync::mpsc::channel();
        let (done, was_done) = std::sync::mpsc::channel();
        let given = parts.clone();
        let mut given_up = Box::pin(blocking::run(move |cancelled| {
            started.send(()).unwrap();
            while cancelled.check().is_ok() {
                std::thread::yield_now();
            }
            let result = local.finish_upload(file, &target, PART as u64, &given, false, cancelled);
            done.send(result.is_err()).unwrap();
            Ok(())
        }));
        assert!(futures::poll!(&mut given_up).is_pending());
        has_started.recv().unwrap();

        drop(given_up);

        assert!(was_done.recv().unwrap());
        assert!(!place.path("f").exists());
        finish(&place, &upload, &parts).await.unwrap();
        assert!(fs::read(place.path("f")).unwrap() == all);
        assert_eq!(place.temporaries(), 0);
    }
}
