//! Transfers of many files over a scripted server: failures that are each told.

use s3dlio::{Meter, SyncOptions, Uri};
use s3dlio_testkit::{Action, Fault};

use crate::rig::{Rig, rig};

#[tokio::test(flavor = "multi_thread")]
async fn each_object_that_a_sync_cannot_delete_is_named() {
    let rig = rig(1).await;
    rig.server.put("bucket", "from/kept", b"kept".to_vec());
    rig.server.put("bucket", "to/kept", b"kept".to_vec());
    for number in 0..2500 {
        let key = format!("to/{number:04}");
        rig.server.put("bucket", &key, b"".to_vec());
    }
    let denied = Action::fail(403, "AccessDenied");
    rig.server
        .fault(Fault::once(denied).op("DeleteObjects").nth(2));
    let options = SyncOptions {
        delete: true,
        max_in_flight: 1,
        ..SyncOptions::default()
    };
    let meter = Meter::default();

    let sync = rig
        .client
        .sync("s3://bucket/from/", "s3://bucket/to/", &options, &meter);
    let (error, report) = sync.await.unwrap_err().into_parts();

    assert_eq!(error.status(), None, "it sums up: {error}");
    let report = report.unwrap();
    assert_eq!(report.deleted, 1500);
    assert_eq!(report.actions.len(), 1500);
    let failures = meter.take_failures();
    assert_eq!(failures.len(), 1000);
    for (failure, number) in failures.iter().zip(1000..) {
        let uri = format!("s3://bucket/to/{number:04}");
        assert_eq!(failure.target(), Some(uri.as_str()));
    }
    assert_eq!(rig.server.keys("bucket").len(), 1000 + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_listing_finds_is_deleted_in_batches() {
    let rig = rig(1).await;
    for number in 0..2500 {
        let key = format!("p/{number:04}.{}", if number % 5 == 0 { "a" } else { "b" });
        rig.server.put("bucket", &key, b"".to_vec());
    }
    let (mut deleted, mut failed) = (0, 0);
    let uri: Uri = "s3://bucket/p/".parse().unwrap();

    let work = rig
        .client
        .delete_found(&uri, Some(r".*\.b"), 4, |gone, failures| {
            deleted += gone;
            failed += failures.len();
        });
    work.await.unwrap();

    assert_eq!((deleted, failed), (2000, 0));
    assert_eq!(rig.server.keys("bucket").len(), 500 + 1);
    assert_eq!(
        (rig.count("DeleteObjects"), rig.count("DeleteObject")),
        (2, 0)
    );
}

/// One object, and 2,500 below a prefix, of which the second page is denied once.
async fn rig_whose_listing_breaks_off() -> (Rig, Uri) {
    let rig = rig(1).await;
    for number in 0..2500 {
        let key = format!("p/{number:04}");
        rig.server.put("bucket", &key, b"".to_vec());
    }
    let denied = Action::fail(403, "AccessDenied");
    rig.server
        .fault(Fault::once(denied).op("ListObjectsV2").nth(2));
    let uri: Uri = "s3://bucket/p/".parse().unwrap();
    (rig, uri)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_off_ends_a_delete_with_its_error() {
    let (rig, uri) = rig_whose_listing_breaks_off().await;
    let mut deleted = 0;

    let work = rig
        .client
        .delete_found(&uri, None, 4, |gone, _| deleted += gone);
    let error = work.await.unwrap_err();

    assert_eq!(error.kind(), s3dlio::ErrorKind::AccessDenied, "{error}");
    assert_eq!(rig.server.keys("bucket").len() as u64, 2500 + 1 - deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_listing_found_before_it_broke_off_is_deleted() {
    let (rig, uri) = rig_whose_listing_breaks_off().await;
    let mut deleted = 0;

    // Less than a batch: the half of a page.
    let work = rig
        .client
        .delete_found(&uri, Some(".*[02468]"), 4, |gone, _| deleted += gone);
    let error = work.await.unwrap_err();

    assert_eq!(error.kind(), s3dlio::ErrorKind::AccessDenied, "{error}");
    assert_eq!(deleted, 500);
    assert_eq!(rig.server.keys("bucket").len(), 2500 + 1 - 500);
}
