//! A copy is the same bytes with the same properties, whichever way they went; its source stays as it is.

use s3dlio::{CopyResult, ErrorKind, Meter, Payload, SyncOptions, Uri, WriteOptions};

use crate::place::{PART, Place, Target, data};

const SIZES: [usize; 4] = [0, 3, PART + 1, 2 * PART + 17];

fn described(place: &Place) -> WriteOptions {
    if place.target.is_local() {
        return WriteOptions::default();
    }
    WriteOptions {
        metadata: [("epoch".to_owned(), "7".to_owned())].into(),
        content_type: Some("text/x-test".into()),
        ..WriteOptions::default()
    }
}

async fn copied(place: &Place, source: &Uri, target: &Uri, sent: &[u8]) -> CopyResult {
    let copy = place.client.copy(source, target).await.unwrap();
    assert_eq!(copy.size, sent.len() as u64);
    let crc32c = s3dlio::checksum::crc32c(sent);
    assert!(copy.crc32c.is_none_or(|told| told == crc32c), "{copy:?}");
    assert!(*place.client.get(target).await.unwrap() == *sent);
    assert_eq!(
        place.client.stat(target).await.unwrap().etag,
        copy.etag,
        "{target}"
    );
    copy
}

pub async fn a_copy_has_the_bytes_and_properties_of_its_source(place: Place) {
    for size in SIZES {
        let (source, target) = (place.uri("a b+%/source"), place.uri("to/ü%20target"));
        let sent = data(size);
        let body = Payload::from(sent.clone());
        place
            .client
            .put(&source, body, &described(&place))
            .await
            .unwrap();
        let before = place.client.stat(&source).await.unwrap();
        // The second copy replaces the first one.
        for _ in 0..2 {
            copied(&place, &source, &target, &sent).await;
        }

        let after = place.client.stat(&target).await.unwrap();
        assert_eq!(after.metadata, before.metadata);
        assert_eq!(after.content_type, before.content_type);
        assert_eq!(place.client.stat(&source).await.unwrap().etag, before.etag);
        assert!(place.get("a b+%/source").await == sent);
    }
}

pub async fn a_copy_goes_to_another_bucket(place: Place) {
    let other: Uri = format!("{}-other/", place.base.to_string().trim_end_matches('/'))
        .parse()
        .unwrap();
    let sent = data(1000);
    place.put("source", &sent).await;
    if !place.target.is_local() {
        let error = place
            .client
            .copy(&place.uri("source"), &other.join("target"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    place.client.create_bucket(&other).await.unwrap();

    copied(&place, &place.uri("source"), &other.join("target"), &sent).await;

    place.client.delete(&other).await.unwrap();
    place.client.delete_bucket(&other).await.unwrap();
}

pub async fn a_copy_goes_to_another_service_and_back(place: Place) {
    let memory: Uri = format!("memory://copies-{:016x}/object", rand::random::<u64>())
        .parse()
        .unwrap();
    place.client.create_bucket(&memory.root()).await.unwrap();
    for size in SIZES {
        let (source, back) = (place.uri("source"), place.uri("back"));
        let sent = data(size);
        let body = Payload::from(sent.clone());
        place
            .client
            .put(&source, body, &described(&place))
            .await
            .unwrap();

        copied(&place, &source, &memory, &sent).await;
        copied(&place, &memory, &back, &sent).await;

        let found = place.client.stat(&back).await.unwrap();
        let described = described(&place);
        assert_eq!(found.metadata, described.metadata);
        if !place.target.is_local() {
            assert_eq!(found.content_type, described.content_type);
        }
    }
}

pub async fn an_object_is_not_copied_onto_itself(place: Place) {
    place.put("object", b"bytes").await;
    let uri = place.uri("object");
    let mut targets = vec![uri.clone()];
    if place.target.is_local() {
        let path = uri.to_string().split_once("://").unwrap().1.to_owned();
        targets
            .extend(["file", "direct"].map(|scheme| format!("{scheme}://{path}").parse().unwrap()));
    }
    if place.target == Target::Azurite {
        let path = uri.to_string().split_off("az://".len());
        targets.push(format!("az://devstoreaccount1{path}").parse().unwrap());
    }

    for target in targets {
        let error = place.client.copy(&uri, &target).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.detail().contains("same object"), "{error}");
    }
    assert_eq!(place.get("object").await, b"bytes");
}

pub async fn a_missing_source_is_named(place: Place) {
    place.put("target", b"stays").await;
    let missing = place.uri("missing");

    let error = place
        .client
        .copy(&missing, &place.uri("target"))
        .await
        .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(
        (error.op(), error.target()),
        (Some("copy"), Some(missing.to_string().as_str()))
    );
    assert_eq!(place.get("target").await, b"stays");
}

/// Whichever verb copies, and whether or not both ends are one service.
pub async fn cp_and_sync_keep_what_copy_keeps(place: Place) {
    let memory = format!("memory://copies-{:016x}/", rand::random::<u64>());
    let there: Uri = memory.parse().unwrap();
    place.client.create_bucket(&there).await.unwrap();
    let sent = data(PART + 7);
    let body = Payload::from(sent.clone());
    let source = place.uri("from/source");
    place
        .client
        .put(&source, body, &described(&place))
        .await
        .unwrap();
    let within = (place.uri("to/cp"), place.uri("to/synced/source"));
    let across = (there.join("cp"), there.join("synced/source"));

    for (cp, synced) in [within, across] {
        let meter = Meter::default();
        let (from, to) = (source.to_string(), cp.to_string());
        let report = place.client.copy_file(&from, &to, &meter).await.unwrap();
        assert_eq!(report.bytes, sent.len() as u64);
        assert_eq!(meter.now().bytes_done, sent.len() as u64);
        let trees = ["from/source", "source"]
            .into_iter()
            .zip([&source, &synced]);
        let trees: Vec<String> = trees
            .map(|(name, uri)| uri.to_string().strip_suffix(name).unwrap().to_owned())
            .collect();
        let below = format!("{}from/", trees[0]);
        let report = place
            .client
            .sync(
                &below,
                &trees[1],
                &SyncOptions::default(),
                &Meter::default(),
            )
            .await
            .unwrap();
        assert_eq!((report.files, report.bytes), (1, sent.len() as u64));

        for copy in [cp, synced] {
            assert!(*place.client.get(&copy).await.unwrap() == *sent);
            let found = place.client.stat(&copy).await.unwrap();
            assert_eq!(found.metadata, described(&place).metadata, "{copy}");
            if !place.target.is_local() {
                assert_eq!(found.content_type.as_deref(), Some("text/x-test"), "{copy}");
            }
        }
    }
}
