//! A key is bytes: what a service can hold comes back as it went in, what it cannot is refused before any I/O.

use s3dlio::{ErrorKind, Payload, WriteOptions};

use crate::place::{Place, Target};

const ODD: &[&str] = &[
    "with space",
    "plus+plus",
    "per%cent",
    "per%20cent",
    "ha#sh",
    "que?ry=1&b=2",
    "ünïcödé-日本-🙂",
    "line\nbreak",
    "tab\there",
    "quote\"and'apostrophe",
    "a=b;c,d:e@f!g$h*i(j)k[l]m{n}o|p~q`r^s<t>u",
    "back\\slash",
    "deep/er/and/deeper",
    "trailing.",
];

pub async fn odd_keys_round_trip(place: Place) {
    for key in ODD {
        // Azure drops a final dot and takes `\` for `/`: such names are refused, as they could not be kept.
        if place.target == Target::Azurite && (key.ends_with('.') || key.contains('\\')) {
            let body = Payload::from(b"x".to_vec());
            let put = place
                .client
                .put(&place.uri(key), body, &WriteOptions::default())
                .await;
            assert_eq!(put.unwrap_err().kind(), ErrorKind::InvalidInput, "{key:?}");
            continue;
        }
        place.put(key, key.as_bytes()).await;

        assert_eq!(place.get(key).await, key.as_bytes(), "{key:?}");
        assert!(
            place.names().await.contains(&(*key).to_owned()),
            "{key:?} is not listed as it is"
        );
        assert_eq!(place.client.delete(&place.uri(key)).await.unwrap(), 1);
        assert!(
            !place.client.exists(&place.uri(key)).await.unwrap(),
            "{key:?}"
        );
    }
}

pub async fn a_directory_is_no_object(place: Place) {
    place.put("dir/file", b"x").await;
    for name in ["dir", "dir/", "none/"] {
        let exists = place.client.exists(&place.uri(name)).await;
        assert!(!exists.unwrap(), "{name}");
    }
    if place.target.is_local() {
        return;
    }
    place.put("dir/", b"").await;
    assert!(place.client.exists(&place.uri("dir/")).await.unwrap());
}

/// What a service does with each key that is more than names between single slashes: memory keeps all of them, Azure
/// those without dot components, a local directory and MinIO none.
fn keeps(target: Target, key: &str) -> bool {
    match target {
        Target::Memory => true,
        Target::Azurite => !key.split('/').any(|part| part == "." || part == ".."),
        Target::File | Target::Direct | Target::Minio | Target::MinioBySdk => false,
    }
}

pub async fn slashes_and_dots_are_kept_or_refused(place: Place) {
    for key in ["/leading", "double//slash", "a/./b", "a/../b", "."] {
        let uri = place
            .base
            .with_key(s3dlio::Key::new(format!("{}{key}", place.base.key())));

        let put = place
            .client
            .put(
                &uri,
                Payload::from(key.as_bytes().to_vec()),
                &WriteOptions::default(),
            )
            .await;

        if keeps(place.target, key) {
            put.unwrap();
            assert_eq!(
                &*place.client.get(&uri).await.unwrap(),
                key.as_bytes(),
                "{key:?}"
            );
            assert_eq!(place.names().await, [key], "listed as it is");
            place.client.delete(&uri).await.unwrap();
        } else {
            let error = put.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{key:?}: {error}");
        }
        assert!(
            place.names().await.is_empty(),
            "{key:?} left something behind"
        );
    }
    if place.target.is_local() {
        let error = place.client.get(&place.uri("a/../b")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
