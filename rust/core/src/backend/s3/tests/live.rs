//! Against a real MinIO: `S3DLIO_TEST_SERVERS=1` with `AWS_ENDPOINT_URL` and credentials in the environment.

use std::sync::Arc;

use bytes::Bytes;

use crate::backend::s3::service::Service;
use crate::backend::s3::store::S3Store;
use crate::config::{Config, Options};
use crate::types::{ByteRange, PageRequest, ReadOptions, WriteOptions};
use crate::{ErrorKind, Payload, Store as _};

use super::{key, read};

/// A store of a bucket that the test has to itself, or `None` where there is no server.
pub(super) async fn bucket(name: &str) -> Option<S3Store> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch of the test run, not a setting"
    )]
    if std::env::var_os("S3DLIO_TEST_SERVERS").is_none() {
        println!("skipped: S3DLIO_TEST_SERVERS is not set");
        return None;
    }
    let store = open(name, &[]);
    store.create_container(&key("")).await.unwrap();
    Some(store)
}

pub(super) fn open(name: &str, given: &[(&str, &str)]) -> S3Store {
    let mut options = Options::default();
    for (name, value) in given {
        options.set(name, *value).unwrap();
    }
    let config = Config::load(&options).unwrap();
    S3Store::new(Arc::new(Service::new(Arc::new(config))), name)
}

pub(super) fn unique(name: &str) -> String {
    format!("{name}-{:016x}", rand::random::<u64>())
}

pub(super) async fn clear(store: &S3Store) {
    let page = store.list(&key(""), &PageRequest::default()).await.unwrap();
    let keys: Vec<_> = page.entries.iter().map(|entry| key(&entry.key)).collect();
    if !keys.is_empty() {
        assert!(store.delete(&keys).await.unwrap().is_empty());
    }
    store.delete_container(&key("")).await.unwrap();
}

fn pattern(len: usize) -> Payload {
    let bytes: Vec<u8> = (0..len as u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect();
    Payload::from(bytes)
}

#[tokio::test]
async fn parts_have_a_checksum_of_the_whole() {
    let Some(store) = bucket(&unique("parts")).await else {
        return;
    };
    let size = 5 << 20;
    let body = pattern(size + 12_345);
    let target = key("key");

    let upload = store
        .start_upload(&target, size as u64, &WriteOptions::default())
        .await
        .unwrap();
    let mut parts = Vec::new();
    for (number, offset) in [(1, 0), (2, size as u64)] {
        parts.push(
            store
                .put_part(&target, &upload, number, &body.slice(offset, size as u64))
                .await
                .unwrap(),
        );
    }
    let done = store
        .finish_upload(&target, &upload, &parts, &WriteOptions::default())
        .await
        .unwrap();
    let meta = store.stat(&target).await.unwrap();
    let options = ReadOptions {
        want_checksum: true,
        ..ReadOptions::default()
    };
    let (bytes, reply) = read(&store, ByteRange::Whole, &options).await.unwrap();

    assert!(done.etag.as_deref().unwrap().ends_with("-2\""), "{done:?}");
    assert_eq!((meta.checksum, meta.size), (done.checksum, body.len()));
    assert_eq!((reply.checksum, reply.etag), (done.checksum, done.etag));
    assert!(meta.metadata.is_empty(), "{meta:?}");
    assert_eq!(bytes, body.pieces()[0]);
    clear(&store).await;
}

#[tokio::test]
async fn a_conditional_upload_leaves_what_is_there() {
    let Some(store) = bucket(&unique("once")).await else {
        return;
    };
    let once = WriteOptions {
        if_none_match: true,
        ..WriteOptions::default()
    };
    let target = key("key");

    store.write(&target, &pattern(3), &once).await.unwrap();
    let put = store.write(&target, &pattern(4), &once).await;
    let upload = store.start_upload(&target, 5 << 20, &once).await.unwrap();
    let part = store
        .put_part(&target, &upload, 1, &pattern(5))
        .await
        .unwrap();
    let complete = store.finish_upload(&target, &upload, &[part], &once).await;
    store.abort_upload(&target, &upload).await.unwrap();
    store.abort_upload(&target, &upload).await.unwrap();

    assert_eq!(put.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(complete.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(store.stat(&target).await.unwrap().size, 3);
    clear(&store).await;
}

#[tokio::test]
async fn every_plain_key_comes_back_as_it_is() {
    let Some(store) = bucket(&unique("keys")).await else {
        return;
    };
    let mut keys = [
        "a b",
        "a+b",
        "a%2Bb",
        "a%",
        "a#b",
        "a?b=c",
        "ä€😀",
        "new\nline",
        "cr\rlf",
        "a&<>\"'",
        "d/e f/g+h",
        "back\\slash",
        "\u{1}",
    ];
    keys.sort_unstable();

    for name in keys {
        store
            .write(&key(name), &pattern(1), &WriteOptions::default())
            .await
            .unwrap_or_else(|e| panic!("{name:?}: {e}"));
        assert_eq!(store.stat(&key(name)).await.unwrap().size, 1, "{name:?}");
    }
    let all = store.list(&key(""), &PageRequest::default()).await.unwrap();
    let level = store
        .list(
            &key("d/"),
            &PageRequest {
                one_level: true,
                ..PageRequest::default()
            },
        )
        .await
        .unwrap();

    assert_eq!(
        all.entries
            .iter()
            .map(|entry| entry.key.as_str())
            .collect::<Vec<_>>(),
        keys
    );
    assert_eq!(level.prefixes, ["d/e f/"]);
    clear(&store).await;
}

#[tokio::test]
async fn keys_that_minio_would_change_are_refused() {
    let Some(store) = bucket(&unique("odd")).await else {
        return;
    };
    let name = store.bucket.clone();

    for odd in ["/lead", "a//b", "a/../b", "./a"] {
        // A client that has not yet seen an answer.
        let fresh = open(&name, &[]);
        for error in [
            fresh
                .write(&key(odd), &pattern(1), &WriteOptions::default())
                .await
                .unwrap_err(),
            fresh.stat(&key(odd)).await.unwrap_err(),
            fresh
                .delete(&[key(odd), key("x")])
                .await
                .unwrap()
                .remove(0)
                .error,
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{odd}");
            assert!(error.to_string().contains("MinIO"), "{error}");
        }
    }
    assert!(
        store
            .list(&key(""), &PageRequest::default())
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    clear(&store).await;
}

#[tokio::test]
async fn denials_have_their_kind() {
    let Some(store) = bucket(&unique("denied")).await else {
        return;
    };
    let target = key("key");
    store
        .write(&target, &pattern(3), &WriteOptions::default())
        .await
        .unwrap();
    let wrong_key = [
        ("access_key_id", "nobody"),
        ("secret_access_key", "not-the-secret"),
    ];

    for given in [&[("anonymous", "1")][..], &wrong_key] {
        let other = open(&store.bucket, given);
        for error in [
            other.stat(&target).await.unwrap_err(),
            read(&other, ByteRange::Whole, &ReadOptions::default())
                .await
                .unwrap_err(),
            other
                .write(&target, &pattern(1), &WriteOptions::default())
                .await
                .unwrap_err(),
            other
                .list(&key(""), &PageRequest::default())
                .await
                .unwrap_err(),
        ] {
            println!("{error}");
            assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
        }
    }
    clear(&store).await;
}

#[tokio::test]
async fn what_is_missing_or_wrong_has_its_kind_and_code() {
    let Some(store) = bucket(&unique("kinds")).await else {
        return;
    };
    let none = open(&unique("none"), &[]);
    let target = key("key");
    let options = ReadOptions::default();

    let made_again = store.create_container(&key("")).await.unwrap_err();
    let no_key = read(&store, ByteRange::Whole, &options).await.unwrap_err();
    let no_stat = store.stat(&target).await.unwrap_err();
    let no_bucket = none.stat(&target).await.unwrap_err();
    let no_listing = none
        .list(&key(""), &PageRequest::default())
        .await
        .unwrap_err();
    let bad_bucket = open("Not_A_Bucket", &[])
        .create_container(&key(""))
        .await
        .unwrap_err();
    store
        .write(&target, &Payload::default(), &WriteOptions::default())
        .await
        .unwrap();
    let empty = read(&store, ByteRange::From(0), &options).await.unwrap();
    store
        .write(&target, &pattern(10), &WriteOptions::default())
        .await
        .unwrap();
    let past = read(&store, ByteRange::From(10), &options)
        .await
        .unwrap_err();
    let full = store.delete_container(&key("")).await.unwrap_err();
    let other = ReadOptions {
        if_match: Some("\"x\"".to_owned()),
        ..ReadOptions::default()
    };
    let unmatched = read(&store, ByteRange::Whole, &other).await.unwrap_err();
    let tail = read(&store, ByteRange::Bounded { offset: 8, len: 99 }, &options)
        .await
        .unwrap();

    for (error, kind, code) in [
        (
            made_again,
            ErrorKind::AlreadyExists,
            Some("BucketAlreadyOwnedByYou"),
        ),
        (no_key, ErrorKind::NotFound, Some("NoSuchKey")),
        (no_stat, ErrorKind::NotFound, Some("NoSuchKey")),
        (no_bucket, ErrorKind::NotFound, Some("NoSuchBucket")),
        (no_listing, ErrorKind::NotFound, Some("NoSuchBucket")),
        (
            bad_bucket,
            ErrorKind::InvalidInput,
            Some("InvalidBucketName"),
        ),
        (past, ErrorKind::InvalidInput, Some("InvalidRange")),
        (full, ErrorKind::NotEmpty, Some("BucketNotEmpty")),
        (
            unmatched,
            ErrorKind::Precondition,
            Some("PreconditionFailed"),
        ),
    ] {
        println!("{error}");
        assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
    }
    assert_eq!(
        (empty.0.len(), tail.0.as_slice()),
        (0, &pattern(10).pieces()[0][8..])
    );
    clear(&store).await;
}

#[tokio::test]
async fn properties_come_back() {
    let Some(store) = bucket(&unique("meta")).await else {
        return;
    };
    let options = WriteOptions {
        metadata: [("epoch".to_owned(), "3".to_owned())].into(),
        content_type: Some("text/plain".to_owned()),
        storage_class: Some("REDUCED_REDUNDANCY".to_owned()),
        ..WriteOptions::default()
    };
    let body = Payload::new(vec![
        Bytes::from_static(b"1234"),
        Bytes::from_static(b"56789"),
    ]);

    let written = store.write(&key("key"), &body, &options).await.unwrap();
    let meta = store.stat(&key("key")).await.unwrap();

    assert_eq!(
        (meta.size, &meta.etag, meta.checksum),
        (9, &written.etag, written.checksum)
    );
    assert_eq!(
        (meta.content_type, meta.storage_class),
        (options.content_type, options.storage_class)
    );
    assert_eq!(meta.metadata, options.metadata);
    assert!(meta.last_modified.is_some());
    clear(&store).await;
}

#[tokio::test]
async fn signed_payloads_are_accepted() {
    let Some(store) = bucket(&unique("signed")).await else {
        return;
    };
    let signing = open(&store.bucket, &[("sign_payload", "always")]);

    let written = signing
        .write(&key("key"), &pattern(100_000), &WriteOptions::default())
        .await
        .unwrap();

    assert_eq!(
        store.stat(&key("key")).await.unwrap().checksum,
        written.checksum
    );
    clear(&store).await;
}
