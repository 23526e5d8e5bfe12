//! PUT, uploads in parts and deletes, when answers are lost or odd.

use super::script::{Answer, Request, Script, answer, http, refusal};
use super::{key, store, ways};
use crate::types::{Part, UploadId, WriteOptions};
use crate::{ErrorKind, Payload, Store as _};
use bytes::Bytes;

const ETAG: (&str, &str) = ("etag", "\"e1\"");

fn digits() -> Payload {
    Payload::new(vec![
        Bytes::from_static(b"1234"),
        Bytes::from_static(b"56789"),
    ])
}

fn only_once() -> WriteOptions {
    WriteOptions {
        if_none_match: true,
        ..WriteOptions::default()
    }
}

/// A HEAD of an object that carries the mark of the write that the first request began.
fn head_with_mark(size: usize) -> Answer {
    Answer::Computed(Box::new(move |requests: &[Request]| {
        let mark = requests[0]
            .header("x-amz-meta-s3dlio-write")
            .expect("the write was marked");
        let headers = [
            ETAG,
            ("x-amz-meta-s3dlio-write", mark),
            ("x-amz-checksum-crc32c", "4waSgw=="),
        ];
        http(200, size, &headers, "")
    }))
}

fn without_mark(size: usize) -> Answer {
    Answer::Text(http(200, size, &[ETAG], ""))
}

#[tokio::test]
async fn a_put_carries_its_checksum_and_no_payload_hash() {
    for way in ways() {
        let script = Script::start([Answer::Nothing, answer(200, &[ETAG], "")]).await;
        let options = WriteOptions {
            metadata: [("epoch".to_owned(), "3".to_owned())].into(),
            content_type: Some("text/plain".into()),
            storage_class: Some("STANDARD_IA".into()),
            ..WriteOptions::default()
        };

        let reply = way(store(&script.endpoint, &[]))
            .write(&key("a b"), &digits(), &options)
            .await
            .unwrap();

        assert_eq!(
            (reply.etag.as_deref(), reply.checksum.unwrap().value),
            (Some("\"e1\""), 0xe306_9283)
        );
        for request in script.requests() {
            assert_eq!(request.body, b"123456789");
            for (name, value) in [
                ("content-length", "9"),
                ("x-amz-checksum-crc32c", "4waSgw=="),
                ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
                ("x-amz-meta-epoch", "3"),
                ("content-type", "text/plain"),
                ("x-amz-storage-class", "STANDARD_IA"),
            ] {
                assert_eq!(
                    request.header(name),
                    Some(value),
                    "{name} in {}",
                    request.head
                );
            }
            assert!(
                request.line().starts_with("PUT /bucket/a%20b"),
                "{}",
                request.line()
            );
        }
    }
}

#[tokio::test]
async fn a_payload_is_hashed_when_asked() {
    for way in ways() {
        let script = Script::start([answer(200, &[ETAG], "")]).await;

        let store = way(store(&script.endpoint, &[("sign_payload", "always")]));
        store
            .write(&key("key"), &digits(), &WriteOptions::default())
            .await
            .unwrap();

        let request = &script.requests()[0];
        let sha256 = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225";
        assert_eq!(
            (request.header("x-amz-content-sha256"), &request.body[..]),
            (Some(sha256), &b"123456789"[..])
        );
    }
}

#[tokio::test]
async fn refused_checksums_are_found_out_once() {
    for way in ways() {
        let ok = || answer(200, &[ETAG], "");
        let script = Script::start([refusal(501, "NotImplemented"), ok(), ok()]).await;
        let store = way(store(&script.endpoint, &[]));

        for _ in 0..2 {
            store
                .write(&key("key"), &digits(), &WriteOptions::default())
                .await
                .unwrap();
        }

        let sums: Vec<_> = script
            .requests()
            .iter()
            .map(|request| request.header("x-amz-checksum-crc32c").is_some())
            .collect();
        assert_eq!(sums, [true, false, false]);
    }
}

#[tokio::test]
async fn a_refused_checksum_is_an_integrity_error() {
    for way in ways() {
        let script = Script::start([refusal(400, "BadDigest")]).await;

        let written = way(store(&script.endpoint, &[]))
            .write(&key("key"), &digits(), &WriteOptions::default())
            .await;

        assert_eq!(written.unwrap_err().kind(), ErrorKind::Integrity);
    }
}

#[tokio::test]
async fn a_conditional_put_knows_its_own_object() {
    let met = || refusal(412, "PreconditionFailed");
    let write = async |answers: Vec<Answer>| {
        let script = Script::start(answers).await;
        store(&script.endpoint, &[])
            .write(&key("key"), &digits(), &only_once())
            .await
    };

    let ours = write(vec![Answer::Nothing, met(), head_with_mark(9)]).await;
    let theirs = write(vec![Answer::Nothing, met(), without_mark(9)]).await;
    let simply_there = write(vec![met()]).await;

    assert_eq!(ours.unwrap().etag.as_deref(), Some("\"e1\""));
    assert_eq!(theirs.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(simply_there.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

const CREATED: &str =
    "<InitiateMultipartUploadResult><UploadId>up-1</UploadId></InitiateMultipartUploadResult>";
const COMPLETED: &str = "<CompleteMultipartUploadResult><ETag>\"e1-1\"</ETag><ChecksumCRC32C>4waSgw==</ChecksumCRC32C>\
     <ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>";

/// An upload of one part, ended by these answers to Complete and what follows.
async fn upload(
    ending: impl IntoIterator<Item = Answer>,
    options: &WriteOptions,
) -> (crate::Result<Option<String>>, Vec<Request>) {
    let beginning = [answer(200, &[], CREATED), answer(200, &[ETAG], "")];
    let script = Script::start(beginning.into_iter().chain(ending)).await;
    let store = store(&script.endpoint, &[]);
    let upload = store.start_upload(&key("key"), 9, options).await.unwrap();
    let part = store
        .put_part(&key("key"), &upload, 1, &digits())
        .await
        .unwrap();
    let done = store
        .finish_upload(&key("key"), &upload, &[part], options)
        .await;
    (done.map(|reply| reply.etag), script.requests())
}

#[tokio::test]
async fn an_upload_asks_for_a_checksum_of_the_whole() {
    let (done, requests) = upload([answer(200, &[], COMPLETED)], &WriteOptions::default()).await;

    assert_eq!(done.unwrap().as_deref(), Some("\"e1-1\""));
    assert_eq!(
        requests[0].header("x-amz-checksum-type"),
        Some("FULL_OBJECT")
    );
    assert_eq!(
        requests[0].header("x-amz-checksum-algorithm"),
        Some("CRC32C")
    );
    assert_eq!(
        requests[1].header("x-amz-checksum-crc32c"),
        Some("4waSgw==")
    );
    assert!(
        requests[1].line().contains("uploadId=up-1"),
        "{}",
        requests[1].line()
    );
    assert_eq!(
        requests[2].header("x-amz-checksum-crc32c"),
        Some("4waSgw==")
    );
    assert_eq!(requests[2].header("x-amz-mp-object-size"), Some("9"));
}

#[tokio::test]
async fn an_error_inside_a_success_is_an_error() {
    let error = |code: &str| {
        answer(
            200,
            &[],
            &format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code></Error>"),
        )
    };

    let (passing, _) = upload(
        [error("InternalError"), answer(200, &[], COMPLETED)],
        &WriteOptions::default(),
    )
    .await;
    let (lasting, _) = upload([error("InvalidPart")], &WriteOptions::default()).await;

    assert!(passing.is_ok());
    assert_eq!(lasting.unwrap_err().kind(), ErrorKind::Integrity);
}

#[tokio::test]
async fn what_complete_says_is_compared() {
    for (was, is) in [("e1-1", "e1-2"), ("4waSgw==", "AAAAAA==")] {
        let odd = answer(200, &[], &COMPLETED.replace(was, is));

        let (done, _) = upload([odd], &WriteOptions::default()).await;

        assert_eq!(done.unwrap_err().kind(), ErrorKind::Integrity, "{is}");
    }
}

#[tokio::test]
async fn a_complete_upload_that_cannot_be_asked_for_is_complete() {
    let silent =
        "<CompleteMultipartUploadResult><ETag>\"e1-1\"</ETag></CompleteMultipartUploadResult>";
    for (status, expected) in [
        (403, None),
        (404, None),
        (400, Some(ErrorKind::InvalidInput)),
    ] {
        let ending = [answer(200, &[], silent), answer(status, &[], "")];

        let (done, requests) = upload(ending, &WriteOptions::default()).await;

        assert_eq!(done.err().map(|error| error.kind()), expected, "{status}");
        assert!(requests[3].line().starts_with("HEAD "));
    }
}

#[tokio::test]
async fn a_lost_answer_to_complete_is_asked_for() {
    let gone = || refusal(404, "NoSuchUpload");
    for options in [WriteOptions::default(), only_once()] {
        let (ours, _) = upload([Answer::Nothing, gone(), head_with_mark(9)], &options).await;
        let (theirs, _) = upload([Answer::Nothing, gone(), without_mark(9)], &options).await;
        let (short, _) = upload([Answer::Nothing, gone(), head_with_mark(8)], &options).await;
        let (nothing, _) = upload([Answer::Nothing, gone(), answer(404, &[], "")], &options).await;

        assert_eq!(ours.unwrap().as_deref(), Some("\"e1\""));
        assert_eq!(short.unwrap_err().kind(), ErrorKind::Integrity);
        for lost in [theirs, nothing] {
            let error = lost.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionFailed, "{error}");
            assert!(error.to_string().contains("is not known"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_complete_that_met_an_object_is_refused() {
    let (done, _) = upload([refusal(412, "PreconditionFailed")], &only_once()).await;

    assert_eq!(done.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_forgotten_upload_is_aborted_already() {
    let script = Script::start([refusal(404, "NoSuchUpload")]).await;
    let upload = UploadId {
        id: "token#up-1".to_owned(),
        part_size: 9,
    };

    store(&script.endpoint, &[])
        .abort_upload(&key("key"), &upload)
        .await
        .unwrap();

    assert!(script.requests()[0].line().contains("uploadId=up-1"));
}

#[tokio::test]
async fn no_parts_are_no_upload() {
    let upload = UploadId {
        id: "token#up-1".to_owned(),
        part_size: 9,
    };
    let none: &[Part] = &[];

    let done = store("http://127.0.0.1:9", &[])
        .finish_upload(&key("key"), &upload, none, &only_once())
        .await;

    assert_eq!(done.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn keys_that_fail_for_now_are_deleted_again() {
    let refused = "<DeleteResult><Error><Key>b</Key><Code>SlowDown</Code></Error>\
         <Error><Key>c</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>";
    let script = Script::start([
        answer(200, &[], refused),
        answer(200, &[], "<DeleteResult/>"),
    ])
    .await;

    let failures = store(&script.endpoint, &[])
        .delete(&[key("a"), key("b"), key("c")])
        .await
        .unwrap();

    let failed: Vec<_> = failures
        .iter()
        .map(|failure| (failure.key.as_str(), failure.error.kind()))
        .collect();
    assert_eq!(failed, [("c", ErrorKind::AccessDenied)]);
    let second = String::from_utf8(script.requests()[1].body.clone()).unwrap();
    assert!(
        second.contains("<Key>b</Key>") && !second.contains("<Key>a</Key>"),
        "{second}"
    );
    assert!(script.requests()[0].header("content-md5").is_some());
}

#[tokio::test]
async fn a_bucket_made_or_removed_unheard_is_made_or_removed() {
    let script = Script::start([
        Answer::Nothing,
        refusal(409, "BucketAlreadyOwnedByYou"),
        refusal(409, "BucketAlreadyOwnedByYou"),
        Answer::Nothing,
        refusal(404, "NoSuchBucket"),
        refusal(409, "BucketNotEmpty"),
    ])
    .await;
    let store = store(&script.endpoint, &[]);

    store.create_container(&key("")).await.unwrap();
    assert_eq!(
        store.create_container(&key("")).await.unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    store.delete_container(&key("")).await.unwrap();
    assert_eq!(
        store.delete_container(&key("")).await.unwrap_err().kind(),
        ErrorKind::NotEmpty
    );
}
