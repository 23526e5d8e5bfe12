//! Copies from anywhere to anywhere, and streams of unknown length.

use std::fs;

use s3dlio::{ErrorKind, Meter, TransferOptions, WriteOptions};

use crate::place::{PART, Place, data};
use crate::trees::{Files, read, text, write};

pub async fn several_files_and_patterns_are_copied_below_a_place(place: Place) {
    let local = tempfile::tempdir().unwrap();
    let files: Files = ["a.csv", "b.csv", "d/c.csv"]
        .map(|name| (name.to_owned(), name.as_bytes().to_vec()))
        .into();
    write(local.path(), &files);
    let path = |name: &str| text(&local.path().join(name));
    let uri = |name: &str| place.uri(name).to_string();
    let client = &place.client;
    let cp = async |sources: &[String], target: &str, recursive| {
        let options = TransferOptions {
            recursive,
            ..TransferOptions::default()
        };
        let meter = Meter::default();
        let copied = client.copy_files(sources, target, &options, &meter).await;
        copied.map(|report| report.files)
    };

    assert_eq!(cp(&[path("*.csv")], &uri("up/"), false).await.unwrap(), 2);
    let two = [path("a.csv"), path("d/c.csv")];
    assert_eq!(cp(&two, &uri("two/"), false).await.unwrap(), 2);
    assert_eq!(cp(&[path("")], &uri("tree/"), true).await.unwrap(), 3);
    assert_eq!(
        cp(&[uri("tree/**/c*")], &uri("c/"), false).await.unwrap(),
        1
    );
    assert_eq!(cp(&[uri("up/*")], &path("down"), false).await.unwrap(), 2);
    assert_eq!(cp(&[uri("two/")], &path("down"), true).await.unwrap(), 2);

    let names = [
        "c/d/c.csv",
        "tree/a.csv",
        "tree/b.csv",
        "tree/d/c.csv",
        "two/a.csv",
        "two/c.csv",
        "up/a.csv",
        "up/b.csv",
    ];
    assert_eq!(place.names().await, names);
    let down = read(&local.path().join("down"));
    assert_eq!(down.keys().collect::<Vec<_>>(), ["a.csv", "b.csv", "c.csv"]);
    let mut refused = vec![(vec![path("d")], uri("x/")), (vec![uri("up/")], path("x"))];
    if !place.target.is_local() {
        // A directory is made where files are to go; a key cannot hold others.
        refused.push((two.to_vec(), uri("no-slash")));
    }
    for (sources, target) in refused {
        let error = cp(&sources, &target, false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{sources:?}");
    }
    let error = cp(&[uri("*.nothing")], &path("x"), false).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
}

pub async fn one_file_is_copied_any_way(place: Place) {
    let local = tempfile::tempdir().unwrap();
    let bytes = data(PART + 3);
    let file = local.path().join("file");
    fs::write(&file, &bytes).unwrap();
    let uri = |name: &str| place.uri(name).to_string();
    let back = local.path().join("back");
    let steps = [
        (text(&file), uri("a")),
        (text(&file), uri("in/")),
        (uri("a"), uri("b")),
        (uri("b"), text(&back)),
        (
            uri("in/file"),
            format!("{}/", text(&local.path().join("new"))),
        ),
    ];

    for (from, to) in &steps {
        let report = place.client.copy_file(from, to, &Meter::default()).await;
        assert_eq!(report.unwrap().bytes, bytes.len() as u64, "{from} {to}");
    }

    assert_eq!(fs::read(back).unwrap(), bytes);
    assert_eq!(fs::read(local.path().join("new/file")).unwrap(), bytes);
    for (from, to) in [(uri("in/"), uri("c")), (text(local.path()), uri("c"))] {
        let error = place.client.copy_file(&from, &to, &Meter::default()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

pub async fn streams_of_unknown_length_go_both_ways(place: Place) {
    let bytes = data(2 * PART + 9);
    let written = WriteOptions::default();

    let put = place
        .client
        .put_from(&place.uri("k"), &bytes[..], &written)
        .await;
    let mut back = Vec::new();
    let size = place.client.get_to(&place.uri("k"), &mut back).await;

    assert_eq!(put.unwrap().size, bytes.len() as u64);
    assert_eq!(size.unwrap(), bytes.len() as u64);
    assert!(back == bytes);
    place
        .client
        .put_from(&place.uri("empty"), &b""[..], &written)
        .await
        .unwrap();
    assert_eq!(place.get("empty").await, b"");
}
