//! Writes in parts that must not replace anything, over scripted servers: refused, in conflict, and with a lost answer.

use s3dlio::{Client, Config, ErrorKind, Options, Payload, PutResult, Result, Uri, WriteOptions};
use s3dlio_testkit::{Action, AzureServer, Fault, seeded_bytes};

use crate::rig::{PART, rig, rig_with};

fn only_new() -> WriteOptions {
    WriteOptions {
        if_none_match: true,
        ..WriteOptions::default()
    }
}

async fn put(client: &Client, uri: &Uri, seed: u64) -> Result<PutResult> {
    let body = Payload::from(seeded_bytes(seed, 2 * PART + 1));
    client.put(uri, body, &only_new()).await
}

fn large() -> Uri {
    "s3://bucket/large".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_complete_aborts_its_upload() {
    let rig = rig(1000).await;

    let error = put(&rig.client, &rig.object, 5).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(error.status(), Some(412), "{error}");
    rig.abort_answered().await;
    assert!(rig.server.open_uploads("bucket").is_empty());
    assert!(rig.server.object("bucket", "object").unwrap() == rig.sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_in_conflict_is_tried_again() {
    let rig = rig(1000).await;
    let conflict = Action::fail(409, "ConditionalRequestConflict");
    rig.server
        .fault(Fault::once(conflict).op("CompleteMultipartUpload"));

    put(&rig.client, &large(), 5).await.unwrap();

    assert_eq!(rig.count("CompleteMultipartUpload"), 2);
    assert_eq!(
        rig.server.object("bucket", "large").unwrap().len(),
        2 * PART + 1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_without_end_aborts_the_upload() {
    let rig = rig_with(1000, &[("max_attempts", "2")]).await;
    let conflict = Action::fail(409, "ConditionalRequestConflict");
    rig.server
        .fault(Fault::always(conflict).op("CompleteMultipartUpload"));

    let error = put(&rig.client, &large(), 5).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
    assert!(error.retryable() && error.attempts() == 2, "{error}");
    rig.abort_answered().await;
    assert!(rig.server.open_uploads("bucket").is_empty());
    assert!(rig.server.object("bucket", "large").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_whose_answer_was_lost_is_known_again() {
    let rig = rig(1000).await;
    rig.server
        .fault(Fault::once(Action::LoseAnswer { reset: true }).op("CompleteMultipartUpload"));

    put(&rig.client, &large(), 5).await.unwrap();

    let error = put(&rig.client, &large(), 6).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
}

struct AzureRig {
    server: AzureServer,
    client: Client,
}

async fn azure(settings: &[(&str, &str)]) -> AzureRig {
    let server = AzureServer::start().await;
    server.create_container("container");
    let (endpoint, part) = (server.endpoint(), PART.to_string());
    let mut options = Options::default();
    for (name, value) in [
        ("endpoint_url", endpoint.as_str()),
        ("account_name", "devstoreaccount1"),
        ("account_key", "a2V5"),
        ("retry_base", "0.001"),
        ("retry_max", "0.01"),
        ("part_size", part.as_str()),
    ]
    .iter()
    .chain(settings)
    {
        options.set(name, *value).unwrap();
    }
    let client = Client::new(Config::load(&options).unwrap());
    AzureRig { server, client }
}

fn blob() -> Uri {
    "az:///container/blob".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_block_list_leaves_what_is_there() {
    let rig = azure(&[]).await;
    for (status, code) in [(409, "BlobAlreadyExists"), (412, "ConditionNotMet")] {
        rig.server.clear_faults();
        rig.server.put("container", "blob", "first");
        // The server itself says 409; some speak of the condition instead.
        rig.server
            .fault(Fault::always(Action::fail(status, code)).op("PutBlockList"));

        let error = put(&rig.client, &blob(), 5).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        assert_eq!(error.status(), Some(status), "{error}");
    }
    rig.server.clear_faults();

    let error = put(&rig.client, &blob(), 5).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert!(rig.server.blob("container", "blob").unwrap() == "first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_list_whose_answer_was_lost_is_known_again() {
    let rig = azure(&[]).await;
    rig.server
        .fault(Fault::once(Action::LoseAnswer { reset: true }).op("PutBlockList"));

    put(&rig.client, &blob(), 5).await.unwrap();

    let error = put(&rig.client, &blob(), 6).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_whose_answer_was_lost_is_known_again() {
    let rig = azure(&[]).await;
    let only_new = WriteOptions {
        if_none_match: true,
        ..WriteOptions::default()
    };
    let at = blob();
    let put = || {
        rig.client
            .put(&at, Payload::from(b"lock".to_vec()), &only_new)
    };
    rig.server
        .fault(Fault::once(Action::LoseAnswer { reset: true }).op("PutBlob"));

    put().await.unwrap();

    // The same bytes do not make it ours.
    rig.server
        .fault(Fault::once(Action::LoseRequest { reset: true }).op("PutBlob"));
    let error = put().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    let meta = rig.client.stat(&at).await.unwrap();
    assert!(meta.metadata.is_empty(), "{meta:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_verifies_the_checksum_that_was_chosen() {
    for (chosen, header, other) in [
        ("md5", "content-md5", "x-ms-content-crc64"),
        ("crc64", "x-ms-content-crc64", "content-md5"),
    ] {
        let rig = azure(&[("azure_checksum", chosen)]).await;
        for size in [0, 9, 300_000, 2 * PART + 1] {
            rig.server.clear_requests();
            let sent = seeded_bytes(3, size);
            let body = Payload::from(sent.clone());

            rig.client
                .put(&blob(), body, &WriteOptions::default())
                .await
                .unwrap();

            assert!(rig.server.blob("container", "blob").unwrap() == sent);
            let requests = rig.server.requests();
            let bodies: Vec<_> = requests
                .iter()
                .filter(|request| matches!(request.op, "PutBlob" | "PutBlock"))
                .collect();
            assert_eq!(bodies.len(), size.div_ceil(PART).max(1), "{size} bytes");
            for request in bodies {
                assert!(request.header(header).is_some(), "{request:?}");
                assert!(request.header(other).is_none(), "{request:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_that_does_not_hold_is_an_integrity_error() {
    for (chosen, code) in [("md5", "Md5Mismatch"), ("crc64", "Crc64Mismatch")] {
        let rig = azure(&[("azure_checksum", chosen)]).await;
        rig.server
            .fault(Fault::always(Action::fail(400, code)).op("PutBlock"));

        let error = put(&rig.client, &blob(), 5).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
        assert!(rig.server.blob("container", "blob").is_none());
    }
}
