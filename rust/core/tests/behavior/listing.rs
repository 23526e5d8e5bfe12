//! Listings are complete and in order; deletes remove exactly what was named.

use s3dlio::{ErrorKind, Payload, WriteOptions};

use crate::place::{Place, Target};

async fn put_all(place: &Place, names: &[String]) {
    let objects = names
        .iter()
        .map(|name| (place.uri(name), Payload::from(b"x".to_vec())));
    place
        .client
        .put_many(objects, 32, &WriteOptions::default())
        .await
        .unwrap();
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub async fn thousands_of_keys_list_in_order(place: Place) {
    // More than two pages of a thousand, below several prefixes; fsync per file is not what is tested.
    let mut names: Vec<String> = (0..2500).map(|i| format!("d{}/k{i}", i % 7)).collect();
    put_all(&place, &names).await;
    names.sort();

    assert_eq!(place.names().await, names);
    let flat = place
        .client
        .list(&place.uri("d3/"), false, None)
        .await
        .unwrap();
    let expected: Vec<String> = names
        .iter()
        .filter(|name| name.starts_with("d3/"))
        .map(|name| format!("{}{name}", place.base.key()))
        .collect();
    assert_eq!(flat, expected);
    let mut scan = place.client.scan(&place.base, true, None).await.unwrap();
    let mut count = 0;
    while let Some(entry) = scan.next().await.unwrap() {
        assert_eq!(entry.size, 1);
        count += 1;
    }
    assert_eq!(count, 2500);
    assert_eq!(place.client.delete(&place.base).await.unwrap(), 2500);
    assert!(place.names().await.is_empty());
}

pub async fn one_level_shows_prefixes(place: Place) {
    put_all(&place, &owned(&["a.txt", "a/1", "a/2/3", "a0", "b/1", "z"])).await;

    let level = place.client.list(&place.base, false, None).await.unwrap();

    let base = place.base.key();
    let expected: Vec<String> = ["a.txt", "a/", "a0", "b/", "z"]
        .iter()
        .map(|name| format!("{base}{name}"))
        .collect();
    assert_eq!(level, expected);
}

pub async fn the_last_part_is_a_pattern(place: Place) {
    put_all(
        &place,
        &owned(&[
            "data/a.csv",
            "data/b.csv",
            "data/b.csv.gz",
            "data/sub/c.csv",
            "data/x",
        ]),
    )
    .await;
    let base = format!("{}data/", place.base.key());
    let select = async |pattern: &str, recursive: bool| -> Vec<String> {
        let uri = place
            .base
            .with_key(s3dlio::Key::new(format!("{base}{pattern}")));
        let keys = place.client.list(&uri, recursive, None).await.unwrap();
        keys.iter()
            .map(|key| key.strip_prefix(base.as_str()).unwrap().to_owned())
            .collect()
    };

    assert_eq!(select(r".*\.csv", false).await, ["a.csv", "b.csv"]);
    assert_eq!(
        select(r".*\.csv", true).await,
        ["a.csv", "b.csv", "sub/c.csv"]
    );
    assert_eq!(select("s.b", false).await, ["sub/"]);
    let beside = place
        .client
        .list(&place.uri("data/"), true, Some("x"))
        .await
        .unwrap();
    assert_eq!(beside, [format!("{base}x")]);
    let both = place
        .client
        .list(&place.uri("data/x"), true, Some("x"))
        .await
        .unwrap_err();
    assert_eq!(both.kind(), ErrorKind::InvalidInput);
}

pub async fn delete_removes_exactly_what_was_named(place: Place) {
    put_all(&place, &owned(&["obj_1", "obj_10", "xobj_1", "obj_1.bak"])).await;

    assert_eq!(place.client.delete(&place.uri("obj_1")).await.unwrap(), 1);

    assert_eq!(place.names().await, ["obj_1.bak", "obj_10", "xobj_1"]);
    // Again: a missing key is success.
    place.client.delete(&place.uri("obj_1")).await.unwrap();
}

pub async fn without_its_slash_a_container_is_no_prefix(place: Place) {
    put_all(&place, &owned(&["kept", "p/kept"])).await;
    for base in [place.base.clone(), place.uri("p/")] {
        let text = base.to_string();
        let bare = text.trim_end_matches('/').parse().unwrap();

        let refused = place.client.delete(&bare).await;

        // A key without its slash is just another key; it need not exist.
        if base.key().is_empty() {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains("final /"), "{error}");
        }
        assert_eq!(place.names().await, ["kept", "p/kept"]);
    }
}

pub async fn a_prefix_delete_leaves_its_neighbours(place: Place) {
    put_all(&place, &owned(&["p/1", "p/q/2", "p.txt", "pq/1", "r"])).await;

    assert_eq!(place.client.delete(&place.uri("p/")).await.unwrap(), 2);

    assert_eq!(place.names().await, ["p.txt", "pq/1", "r"]);
    assert_eq!(
        place
            .client
            .delete(&place.uri("nothing/here/"))
            .await
            .unwrap(),
        0
    );
}

pub async fn buckets_are_made_and_removed_once(place: Place) {
    let again = place.client.create_bucket(&place.base).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists, "{again}");

    place.put("object", b"x").await;
    let full = place.client.delete_bucket(&place.base).await.unwrap_err();
    assert_eq!(full.kind(), ErrorKind::NotEmpty, "{full}");

    place.client.delete(&place.base).await.unwrap();
    place.client.delete_bucket(&place.base).await.unwrap();
    let gone = place.client.delete_bucket(&place.base).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound, "{gone}");

    // Containers of the real service take a while to come back; the emulator does not.
    if place.target != Target::Azurite || place.client.create_bucket(&place.base).await.is_err() {
        let _ = place.client.create_bucket(&place.base).await;
    }
}
