//! Copies over a scripted server: a success that is none, a source that changes, an endpoint that copies nothing.

use s3dlio::{ErrorKind, Meter, SyncOptions, Uri};
use s3dlio_testkit::{Action, Fault, FlipOrigin};

use crate::rig::{PART, Rig, rig, rig_with};

fn target() -> Uri {
    "s3://bucket/copy".parse().unwrap()
}

async fn memory(rig: &Rig) -> Uri {
    let uri: Uri = "memory://copies/object".parse().unwrap();
    rig.client.create_bucket(&uri.root()).await.unwrap();
    uri
}

fn failed_late() -> Action {
    Action::ErrorIn200 {
        code: "InternalError".into(),
        message: "try again".into(),
        work: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_within_a_service_moves_no_bytes() {
    let rig = rig(1000).await;

    let copy = rig.client.copy(&rig.object, &target()).await.unwrap();

    let ops: Vec<&str> = rig.server.requests().iter().map(|r| r.op).collect();
    assert_eq!(ops, ["HeadObject", "CopyObject"]);
    assert!(rig.server.object("bucket", "copy").unwrap() == rig.sent);
    assert_eq!(copy.crc32c, Some(s3dlio::checksum::crc32c(&rig.sent)));
}

#[tokio::test(flavor = "multi_thread")]
async fn cp_and_sync_within_a_service_move_no_bytes() {
    let rig = rig(1000).await;
    rig.server.put("bucket", "from/a", rig.sent.clone());
    let meter = Meter::default();

    let (from, to) = (rig.object.to_string(), target().to_string());
    rig.client.copy_file(&from, &to, &meter).await.unwrap();
    let ops: Vec<&str> = rig.server.requests().iter().map(|r| r.op).collect();
    assert_eq!(ops, ["HeadObject", "CopyObject"]);

    rig.server.clear_requests();
    let (from, to) = ("s3://bucket/from/", "s3://bucket/to/");
    let options = SyncOptions::default();
    rig.client.sync(from, to, &options, &meter).await.unwrap();
    let mut ops: Vec<&str> = rig.server.requests().iter().map(|r| r.op).collect();
    ops.sort_unstable();
    let lists = ["ListObjectsV2", "ListObjectsV2"];
    assert_eq!(ops, [&["CopyObject", "HeadObject"][..], &lists].concat());
    assert!(rig.server.object("bucket", "to/a").unwrap() == rig.sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_a_200_is_tried_again() {
    let rig = rig(1000).await;
    rig.server
        .fault(Fault::once(failed_late()).op("CopyObject"));

    rig.client.copy(&rig.object, &target()).await.unwrap();

    assert_eq!(rig.count("CopyObject"), 2);
    assert!(rig.server.object("bucket", "copy").unwrap() == rig.sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_every_200_is_an_error() {
    let rig = rig_with(1000, &[("max_attempts", "2")]).await;
    rig.server
        .fault(Fault::always(failed_late()).op("CopyObject"));

    let error = rig.client.copy(&rig.object, &target()).await.unwrap_err();

    assert_eq!(
        (error.kind(), error.code(), error.attempts()),
        (ErrorKind::Server, Some("InternalError"), 2),
        "{error}"
    );
    assert!(rig.server.object("bucket", "copy").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_without_a_result_is_none() {
    let rig = rig_with(1000, &[("max_attempts", "2")]).await;
    let empty = Action::MalformedXml {
        body: Some(String::new()),
    };
    rig.server.fault(Fault::always(empty).op("CopyObject"));

    let error = rig.client.copy(&rig.object, &target()).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Server, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_replaced_meanwhile_is_not_copied() {
    let rig = rig(3 * PART).await;
    let memory = memory(&rig).await;
    for (seed, to) in [(98, target()), (99, memory)] {
        let replaced = Action::ReplaceObject { seed, size: None };
        rig.server.fault(Fault::once(replaced).op("HeadObject"));

        let error = rig.client.copy(&rig.object, &to).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Precondition, "{to}: {error}");
        assert!(!rig.client.exists(&to).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_copies_nothing_is_read_and_written() {
    let rig = rig(2 * PART + 1).await;
    rig.server
        .fault(Fault::always(Action::fail(501, "NotImplemented")).op("CopyObject"));

    let copy = rig.client.copy(&rig.object, &target()).await.unwrap();

    assert_eq!(copy.crc32c, Some(s3dlio::checksum::crc32c(&rig.sent)));
    assert!(rig.server.object("bucket", "copy").unwrap() == rig.sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_flipped_under_way_makes_no_copy() {
    let rig = rig(3 * PART).await;
    let to = memory(&rig).await;
    for offset in [0, PART as u64, 3 * PART as u64 - 1] {
        rig.server.clear_faults();
        let flip = Action::FlipBit {
            offset,
            bit: 3,
            of: FlipOrigin::Object,
        };
        rig.server.fault(Fault::always(flip).op("GetObject"));

        let error = rig.client.copy(&rig.object, &to).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Integrity, "byte {offset}: {error}");
        assert_eq!(error.target(), Some("s3://bucket/object"));
        assert!(!rig.client.exists(&to).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_with_another_checksum_is_refused() {
    let rig = rig(1000).await;
    // What the copy will be told to have, the source does not have.
    let wrong = Action::SetHeader {
        name: "x-amz-checksum-crc32c".into(),
        value: Some("AAAAAA==".into()),
    };
    rig.server.fault(Fault::once(wrong).op("HeadObject"));

    let error = rig.client.copy(&rig.object, &target()).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
}
