//! A server that asks to slow down, refuses, or answers without end: waited out, or told.

use s3dlio::{ErrorKind, Uri};
use s3dlio_testkit::{Action, Fault};

use crate::rig::{Way, by_both_ways, rig_by};

by_both_ways! {
    two_slow_downs_are_waited_out,
    throttling_without_end_is_told_with_its_attempts,
    a_listing_that_fails_or_repeats_raises,
}

async fn two_slow_downs_are_waited_out(way: Way) {
    let rig = rig_by(way, 1000, &[]).await;
    for op in ["GetObject", "PutObject", "HeadObject"] {
        rig.server.clear_requests();
        rig.server
            .fault(Fault::times(2, Action::slow_down()).op(op));

        match op {
            "GetObject" => drop(rig.client.get(&rig.object).await.unwrap()),
            "PutObject" => rig.put().await.unwrap(),
            _ => drop(rig.client.stat(&rig.object).await.unwrap()),
        }

        assert_eq!(rig.count(op), 3, "{op}");
    }
}

async fn throttling_without_end_is_told_with_its_attempts(way: Way) {
    let rig = rig_by(way, 1000, &[("max_attempts", "4")]).await;
    rig.server.fault(Fault::always(Action::slow_down()));

    let error = rig.client.get(&rig.object).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
    assert_eq!(
        (error.attempts(), error.status(), error.code()),
        (4, Some(503), Some("SlowDown"))
    );
    assert!(error.request_id().is_some() && error.retryable());
    assert!(error.to_string().contains("4 attempts in"), "{error}");
}

async fn a_listing_that_fails_or_repeats_raises(way: Way) {
    let rig = rig_by(way, 10, &[]).await;
    rig.server.synthetic_listing("many", 3000, 1, "k");
    let uri: Uri = "s3://many/".parse().unwrap();
    assert_eq!(rig.client.list(&uri, true, None).await.unwrap().len(), 3000);

    rig.server.fault(
        Fault::always(Action::fail(403, "AccessDenied"))
            .op("ListObjectsV2")
            .nth(2),
    );
    let denied = rig.client.list(&uri, true, None).await.unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::AccessDenied, "{denied}");

    rig.server.clear_faults();
    rig.server
        .fault(Fault::always(Action::RepeatToken).op("ListObjectsV2"));
    let repeated = rig.client.list(&uri, true, None).await.unwrap_err();
    assert_eq!(repeated.kind(), ErrorKind::Server, "{repeated}");

    rig.server.clear_faults();
    rig.server
        .fault(Fault::always(Action::MalformedXml { body: None }).op("ListObjectsV2"));
    rig.client.list(&uri, true, None).await.unwrap_err();
}
