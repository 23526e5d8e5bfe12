//! A scan gives entries as their pages arrive, asks for no page before it is needed, and holds one at a time.

use s3dlio::{ErrorKind, Uri};
use s3dlio_testkit::{Action, Fault};

use crate::place::Place;
use crate::rig::rig;

pub async fn entries_tell_size_etag_and_time(place: Place) {
    place.put("a", b"12345").await;
    place.put("d/b", b"").await;
    let meta = place.client.stat(&place.uri("a")).await.unwrap();

    let mut scan = place.client.scan(&place.base, false, None).await.unwrap();
    let page = scan.next_page().await.unwrap();

    let base = place.base.key();
    let keys: Vec<&str> = page.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, [format!("{base}a"), format!("{base}d/")]);
    assert_eq!((page[0].size, &page[0].etag), (5, &meta.etag));
    assert!(page[0].last_modified.is_some());
    assert_eq!((page[1].size, &page[1].etag), (0, &None));
    assert!(scan.next_page().await.unwrap().is_empty());
    assert!(scan.next().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_asked_for_when_the_last_one_is_used_up() {
    let rig = rig(10).await;
    rig.server.synthetic_listing("many", 3500, 1, "k");
    let uri: Uri = "s3://many/".parse().unwrap();

    let mut scan = rig.client.scan(&uri, true, None).await.unwrap();
    assert_eq!(rig.count("ListObjectsV2"), 0);
    for _ in 0..1000 {
        scan.next().await.unwrap().unwrap();
    }
    assert_eq!(rig.count("ListObjectsV2"), 1);
    assert_eq!(scan.next_page().await.unwrap().len(), 1000);
    assert_eq!(rig.count("ListObjectsV2"), 2);
    drop(scan);

    // A pattern that selects nothing needs no memory for what it passes over.
    let mut none = rig.client.scan(&uri, true, Some("x")).await.unwrap();
    assert!(none.next().await.unwrap().is_none());
    assert_eq!(rig.count("ListObjectsV2"), 2 + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_is_an_error_and_can_be_tried_again() {
    let rig = rig(10).await;
    rig.server.synthetic_listing("many", 2500, 1, "k");
    let uri: Uri = "s3://many/".parse().unwrap();
    rig.server.fault(
        Fault::once(Action::fail(403, "AccessDenied"))
            .op("ListObjectsV2")
            .nth(2),
    );

    let mut scan = rig.client.scan(&uri, true, None).await.unwrap();
    assert_eq!(scan.next_page().await.unwrap().len(), 1000);
    let error = scan.next().await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(
        error.to_string().starts_with("list s3://many/: "),
        "{error}"
    );
    assert_eq!(scan.next().await.unwrap().unwrap().key, "k00001000");
}
