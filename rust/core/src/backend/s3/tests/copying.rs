//! Copies above the limit of one request, which the tests set low: against the test kit's server, and a real MinIO.

use std::sync::Arc;

use s3dlio_testkit::{Action, Fault, S3Server, seeded_bytes};

use super::{key, live, store};
use crate::backend::s3::store::S3Store;
use crate::buffer::Pool;
use crate::gate::Gate;
use crate::split::SplitStore;
use crate::types::{ByteRange, CopyLimits, CopyResult, CopySource, WriteOptions};
use crate::{ErrorKind, Payload, Result, Span};

const PART: usize = 5 << 20;
const SIZE: usize = 2 * PART + 17;

/// Copies of more than a part are made in parts.
fn cutting(mut store: S3Store) -> SplitStore {
    store.info.capability.copies = Some(CopyLimits {
        max_single: PART as u64,
        part_size: PART as u64,
    });
    let mut config = store.service.config().clone();
    config.part_size = PART as u64;
    let gate = Gate::fixed(8, u64::MAX);
    SplitStore::new(
        Arc::new(store),
        Arc::new(Pool::default()),
        gate,
        Arc::default(),
        &config,
    )
}

async fn copy(store: &SplitStore, bucket: &str) -> Result<CopyResult> {
    let source = CopySource {
        container: bucket.to_owned(),
        key: key("source"),
        meta: store.inner().stat(&key("source")).await?,
    };
    store
        .copy(&source, &key("copy"), &WriteOptions::default())
        .await
}

async fn put(store: &SplitStore) -> Vec<u8> {
    let sent = seeded_bytes(7, SIZE);
    let options = WriteOptions {
        metadata: [("epoch".to_owned(), "7".to_owned())].into(),
        content_type: Some("text/x-test".to_owned()),
        ..WriteOptions::default()
    };
    store
        .write(&key("source"), &Payload::from(sent.clone()), &options)
        .await
        .unwrap();
    sent
}

/// A server that holds the source, a store on it, and the bytes.
async fn rig() -> (S3Server, SplitStore, Vec<u8>) {
    let server = S3Server::start().await;
    server.create_bucket("bucket");
    let store = cutting(store(&server.endpoint(), &[]));
    let sent = put(&store).await;
    server.clear_requests();
    (server, store, sent)
}

fn count(server: &S3Server, op: &str) -> usize {
    let requests = server.requests();
    requests.iter().filter(|request| request.op == op).count()
}

/// The upload is dropped with the failure, and aborted by a task of its own.
async fn aborted(server: &S3Server) {
    let answered = |request: &s3dlio_testkit::RequestRecord| {
        request.op == "AbortMultipartUpload" && request.status.is_some()
    };
    server
        .wait_until(|requests| requests.iter().any(answered))
        .await;
    assert!(server.open_uploads("bucket").is_empty());
    assert!(server.object("bucket", "copy").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_copy_is_made_in_pinned_parts() {
    let (server, store, sent) = rig().await;

    let copied = copy(&store, "bucket").await.unwrap();

    assert!(server.object("bucket", "copy").unwrap() == sent);
    assert_eq!(copied.size, SIZE as u64);
    assert_eq!(copied.crc32c, Some(crate::checksum::crc32c(&sent)));
    let requests = server.requests();
    let parts: Vec<_> = requests
        .iter()
        .filter(|request| request.op == "UploadPartCopy")
        .collect();
    assert_eq!(parts.len(), 3);
    for part in parts {
        assert!(part.header("x-amz-copy-source-if-match").is_some());
    }
    assert_eq!(count(&server, "GetObject"), 0);
    let meta = store.inner().stat(&key("copy")).await.unwrap();
    assert_eq!(meta.metadata["epoch"], "7");
    assert_eq!(meta.content_type.as_deref(), Some("text/x-test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_the_200_of_a_part_is_tried_again() {
    let (server, store, sent) = rig().await;
    let late = Action::ErrorIn200 {
        code: "SlowDown".into(),
        message: "later".into(),
        work: false,
    };
    server.fault(Fault::times(2, late).op("UploadPartCopy"));

    copy(&store, "bucket").await.unwrap();

    assert_eq!(count(&server, "UploadPartCopy"), 5);
    assert!(server.object("bucket", "copy").unwrap() == sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_replaced_between_parts_is_never_spliced() {
    let (server, store, _) = rig().await;
    let replaced = Action::ReplaceObject {
        seed: 9,
        size: None,
    };
    server.fault(Fault::once(replaced).op("HeadObject"));

    let error = copy(&store, "bucket").await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
    aborted(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_dropped_by_the_service_is_noticed() {
    let (server, store, _) = rig().await;
    let drop = Action::DropPart {
        number: 2,
        hidden: false,
    };
    server.fault(Fault::once(drop).op("CompleteMultipartUpload"));

    let error = copy(&store, "bucket").await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn minio_copies_in_parts() {
    let name = live::unique("copies");
    let Some(bucket) = live::bucket(&name).await else {
        return;
    };
    let store = cutting(live::open(&name, &[]));
    let sent = put(&store).await;

    let copied = copy(&store, &name).await.unwrap();

    println!("{copied:?}");
    let span = Span::default();
    let got = store
        .read(&key("copy"), ByteRange::Whole, &span)
        .await
        .unwrap();
    assert!(*got == sent);
    let meta = store.inner().stat(&key("copy")).await.unwrap();
    println!("{meta:?}");
    assert_eq!((meta.size, &meta.etag), (SIZE as u64, &copied.etag));
    assert_eq!(meta.metadata["epoch"], "7");
    assert_eq!(meta.content_type.as_deref(), Some("text/x-test"));
    live::clear(&bucket).await;
}
