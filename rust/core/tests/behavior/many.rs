//! Verbs on many objects answer for each of them.

use s3dlio::{ErrorKind, Payload, Uri, WriteOptions};
use s3dlio_testkit::{Action, Fault};

use crate::place::Place;
use crate::rig::{rig, rig_with};

async fn put_numbered(place: &Place, count: usize) -> Vec<Uri> {
    let uris: Vec<Uri> = (0..count).map(|i| place.uri(&format!("n/{i}"))).collect();
    let objects = uris
        .iter()
        .enumerate()
        .map(|(i, uri)| (uri.clone(), Payload::from(vec![b'x'; i % 10])));
    place
        .client
        .put_many(objects, 32, &WriteOptions::default())
        .await
        .unwrap();
    uris
}

pub async fn stats_come_in_order(place: Place) {
    let mut uris = put_numbered(&place, 40).await;

    let found = place.client.stat_many(&uris, 8).await.unwrap();

    let sizes: Vec<u64> = found.iter().map(|meta| meta.size).collect();
    assert_eq!(sizes, (0..40).map(|i| i % 10).collect::<Vec<u64>>());
    uris.push(place.uri("missing"));
    let error = place.client.stat_many(&uris, 8).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.target(), Some(uris[40].to_string().as_str()));
    let none = place.client.stat_many(&uris, 0).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::InvalidInput);
}

pub async fn delete_many_removes_exactly_what_was_named(place: Place) {
    let uris = put_numbered(&place, 1100).await;
    let (kept, mut named) = (uris[7].clone(), uris);
    named.remove(7);
    named.push(place.uri("missing"));

    let failures = place.client.delete_many(named, 4).await.unwrap();

    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(place.names().await, ["n/7"]);
    assert!(place.client.exists(&kept).await.unwrap());
}

pub async fn delete_many_names_each_key_that_is_left(place: Place) {
    let uris = put_numbered(&place, 3).await;
    let nowhere: Uri = match place.target.is_local() {
        true => place.uri("n"),
        false => {
            let text = place.base.to_string();
            let missing = format!("{}-missing/x", text.trim_end_matches('/'));
            missing.parse().unwrap()
        }
    };
    let named = vec![
        uris[0].clone(),
        nowhere.clone(),
        place.base.root(),
        uris[1].clone(),
    ];

    let failures = place.client.delete_many(named, 4).await.unwrap();

    let mut targets: Vec<&str> = failures.iter().filter_map(|error| error.target()).collect();
    targets.sort_unstable();
    let mut expected = [nowhere.to_string(), place.base.root().to_string()];
    expected.sort();
    assert_eq!(targets, expected, "{failures:?}");
    assert!(failures.iter().all(|error| error.op() == Some("delete")));
    assert!(place.client.exists(&uris[2]).await.unwrap());
    assert!(!place.client.exists(&uris[0]).await.unwrap());
    assert!(!place.client.exists(&uris[1]).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_of_one_bucket_share_requests() {
    let rig = rig(10).await;
    rig.server.synthetic_listing("many", 2500, 1, "k");
    rig.server.create_bucket("other");
    let uris = (0..2500).map(|i| format!("s3://many/k{i:08}").parse().unwrap());
    let others = (0..3).map(|i| format!("s3://other/{i}").parse().unwrap());

    let failures = rig.client.delete_many(uris.chain(others), 8).await.unwrap();

    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(rig.count("DeleteObjects"), 3 + 1);
    let uri: Uri = "s3://many/".parse().unwrap();
    assert!(rig.client.list(&uri, true, None).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_service_refuses_is_reported_alone() {
    let rig = rig(10).await;
    rig.server.synthetic_listing("many", 5, 1, "k");
    for number in [1, 3] {
        rig.server.fault(
            Fault::once(Action::FailKey {
                key: format!("k{number:08}"),
                code: "AccessDenied".into(),
                message: "locked".into(),
            })
            .op("DeleteObjects"),
        );
    }
    let uris: Vec<Uri> = (0..5)
        .map(|i| format!("s3://many/k{i:08}").parse().unwrap())
        .collect();

    let failures = rig.client.delete_many(uris[..2].to_vec(), 2).await.unwrap();

    let [error] = &failures[..] else {
        panic!("{failures:?}")
    };
    assert_eq!(
        (error.kind(), error.target(), error.code()),
        (
            ErrorKind::AccessDenied,
            Some("s3://many/k00000001"),
            Some("AccessDenied")
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_cannot_be_reached_is_not_asked_again_and_again() {
    let rig = rig_with(10, &[("max_attempts", "2")]).await;
    rig.server
        .fault(Fault::always(Action::slow_down()).op("DeleteObjects"));
    let uris = (0..5000).map(|i| format!("s3://bucket/{i}").parse().unwrap());

    let failures = rig.client.delete_many(uris, 1).await.unwrap();

    assert_eq!(failures.len(), 5000);
    assert_eq!(rig.count("DeleteObjects"), 2);
    let kinds = failures.iter().map(s3dlio::Error::kind);
    assert!(kinds.clone().all(|kind| kind == ErrorKind::Throttled));
    assert_eq!(failures[4999].target(), Some("s3://bucket/4999"));
}
