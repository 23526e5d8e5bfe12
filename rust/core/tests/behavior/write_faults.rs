//! Uploads whose parts or answers are lost, or that are given up.

use s3dlio::{ErrorKind, Payload, Uri, WriteOptions};
use s3dlio_testkit::{Action, Fault, seeded_bytes};

use crate::rig::{PART, Way, by_both_ways, rig_by};

by_both_ways! {
    an_error_inside_a_200_is_an_error,
    a_lost_answer_to_complete_is_resolved_by_asking,
    a_lost_answer_to_complete_that_stays_lost_is_told_as_such,
    a_part_that_the_service_drops_is_noticed,
    a_dropped_put_aborts_its_upload,
}

async fn an_error_inside_a_200_is_an_error(way: Way) {
    let rig = rig_by(way, 1000, &[("max_attempts", "2")]).await;
    let large = Payload::from(seeded_bytes(4, 2 * PART));
    let uri: Uri = "s3://bucket/large".parse().unwrap();
    let fault = Action::ErrorIn200 {
        code: "InternalError".into(),
        message: "try again".into(),
        work: false,
    };
    rig.server
        .fault(Fault::always(fault).op("CompleteMultipartUpload"));

    let error = rig
        .client
        .put(&uri, large, &WriteOptions::default())
        .await
        .unwrap_err();

    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Server, Some("InternalError")),
        "{error}"
    );
    assert!(rig.server.object("bucket", "large").is_none());
    rig.abort_answered().await;
    assert!(rig.server.open_uploads("bucket").is_empty());
}

async fn a_lost_answer_to_complete_is_resolved_by_asking(way: Way) {
    let rig = rig_by(way, 1000, &[]).await;
    let sent = seeded_bytes(5, 2 * PART + 1);
    let uri: Uri = "s3://bucket/large".parse().unwrap();
    rig.server
        .fault(Fault::once(Action::LoseAnswer { reset: true }).op("CompleteMultipartUpload"));

    rig.client
        .put(&uri, Payload::from(sent.clone()), &WriteOptions::default())
        .await
        .unwrap();

    assert!(rig.server.object("bucket", "large").unwrap() == sent);
}

async fn a_lost_answer_to_complete_that_stays_lost_is_told_as_such(way: Way) {
    for (status, code, kind) in [
        (403, "AccessDenied", ErrorKind::AccessDenied),
        (500, "InternalError", ErrorKind::Server),
    ] {
        let rig = rig_by(way, 1000, &[]).await;
        let uri: Uri = "s3://bucket/large".parse().unwrap();
        let complete = |action| Fault::once(action).op("CompleteMultipartUpload");
        rig.server
            .fault(complete(Action::LoseAnswer { reset: true }));
        rig.server
            .fault(complete(Action::fail(404, "NoSuchUpload")).nth(2));
        rig.server
            .fault(Fault::always(Action::fail(status, code)).op("HeadObject"));

        let body = Payload::from(seeded_bytes(5, 2 * PART + 1));
        let options = WriteOptions::default();
        let error = rig.client.put(&uri, body, &options).await.unwrap_err();

        assert_eq!(error.kind(), kind, "{error}");
        let told = error.to_string();
        assert!(
            told.contains("whether the object was written is not known"),
            "{told}"
        );
    }
}

async fn a_part_that_the_service_drops_is_noticed(way: Way) {
    let rig = rig_by(way, 1000, &[]).await;
    let uri: Uri = "s3://bucket/large".parse().unwrap();
    rig.server.fault(
        Fault::once(Action::DropPart {
            number: 2,
            hidden: false,
        })
        .op("CompleteMultipartUpload"),
    );

    let body = Payload::from(seeded_bytes(5, 3 * PART));
    let error = rig
        .client
        .put(&uri, body, &WriteOptions::default())
        .await
        .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
}

async fn a_dropped_put_aborts_its_upload(way: Way) {
    let rig = rig_by(way, 1000, &[]).await;
    rig.server.fault(
        Fault::once(Action::StallUpload { after: 1000 })
            .op("UploadPart")
            .nth(2),
    );
    let uri: Uri = "s3://bucket/large".parse().unwrap();
    let client = rig.client.clone();
    let body = Payload::from(seeded_bytes(6, 4 * PART));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { client.put(&uri, body, &WriteOptions::default()).await });
    rig.server
        .wait_until(|requests| requests.iter().any(|request| request.op == "UploadPart"))
        .await;

    tasks.shutdown().await;

    rig.abort_answered().await;
    assert!(rig.server.object("bucket", "large").is_none());
    assert!(rig.server.open_uploads("bucket").is_empty());
}
