//! Files up and down: trees, patterns, names that cannot be files, properties.

use std::fs;

use s3dlio::{ErrorKind, Meter, SyncOptions, TransferOptions, TransferProgress, WriteOptions};

use crate::place::{PART, Place, data};
use crate::trees::{Files, download, read, text, tree, upload, write};

pub async fn a_tree_goes_up_and_comes_down(place: Place) {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = tree();
    write(source.path(), &files);
    let bytes: u64 = files.values().map(|bytes| bytes.len() as u64).sum();
    let meter = Meter::default();

    let up = place
        .client
        .upload_files(
            &[text(source.path())],
            &place.uri("p/"),
            &TransferOptions::default(),
            &meter,
        )
        .await
        .unwrap();
    let names: Vec<String> = files.keys().map(|name| format!("p/{name}")).collect();
    assert_eq!(place.names().await, names);
    let down = download(&place.client, &place.uri("p/"), &target.path().join("new")).await;

    assert!(read(&target.path().join("new")) == files);
    for report in [up, down] {
        assert_eq!((report.files, report.bytes), (files.len() as u64, bytes));
        assert_eq!((report.resumed, report.skipped), (0, 0));
    }
    let all = TransferProgress {
        bytes_done: bytes,
        bytes_total: bytes,
        files_done: up.files,
        files_total: up.files,
    };
    assert_eq!(meter.now(), all);
}

pub async fn one_file_goes_to_its_key(place: Place) {
    let source = tempfile::tempdir().unwrap();
    let path = source.path().join("file");
    fs::write(&path, b"bytes").unwrap();
    let options = TransferOptions::default();

    upload(&place.client, &[text(&path)], &place.uri("named")).await;
    upload(&place.client, &[text(&path)], &place.uri("below/")).await;
    let whole_directory = place
        .client
        .upload_files(
            &[text(source.path())],
            &place.uri("p"),
            &options,
            &Meter::default(),
        )
        .await
        .unwrap_err();

    assert_eq!(place.names().await, ["below/file", "named"]);
    assert_eq!(place.get("named").await, b"bytes");
    assert_eq!(whole_directory.kind(), ErrorKind::InvalidInput);
}

pub async fn one_level_is_all_if_asked(place: Place) {
    let target = tempfile::tempdir().unwrap();
    for name in ["p/a", "p/b.txt", "p/q/c", "p/q/r/d"] {
        place.put(name, name.as_bytes()).await;
    }
    let options = TransferOptions {
        recursive: false,
        ..TransferOptions::default()
    };

    let report = place
        .client
        .download_files(
            &[place.uri("p/").to_string()],
            &text(target.path()),
            &options,
            &Meter::default(),
        )
        .await
        .unwrap();

    assert_eq!(
        read(target.path()).into_keys().collect::<Vec<_>>(),
        ["a", "b.txt"]
    );
    assert_eq!(report.files, 2);
}

pub async fn wildcards_select_keys(place: Place) {
    for name in [
        "p/a1.csv",
        "p/a2.csv",
        "p/b.txt",
        "p/q/a3.csv",
        "p/a[1].csv",
    ] {
        place.put(name, name.as_bytes()).await;
    }
    let names_of = async |pattern: &str| {
        let target = tempfile::tempdir().unwrap();
        // Not join: that is no pattern's business.
        let uri = place.uri(pattern);
        download(&place.client, &uri, target.path()).await;
        read(target.path()).into_keys().collect::<Vec<_>>()
    };

    assert_eq!(names_of("p/a?.csv").await, ["a1.csv", "a2.csv"]);
    // A path has directories; a key has not.
    match place.target.is_local() {
        true => assert_eq!(names_of("p/b*t").await, ["b.txt"]),
        false => assert_eq!(names_of("p/*3.csv").await, ["q/a3.csv"]),
    }
    assert_eq!(
        names_of("p/**/*.csv").await,
        ["a1.csv", "a2.csv", "a[1].csv", "q/a3.csv"]
    );
    assert_eq!(names_of("p/q*").await, ["q/a3.csv"]);
    // A key that is there is meant, whatever it would match.
    assert_eq!(names_of("p/a[1].csv").await, ["a[1].csv"]);
    let target = tempfile::tempdir().unwrap();
    for missing in ["p/*.nothing", "nothing/", "nothing"] {
        let error = place
            .client
            .download_files(
                &[place.uri(missing).to_string()],
                &text(target.path()),
                &TransferOptions::default(),
                &Meter::default(),
            )
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{missing}: {error}");
    }
}

pub async fn names_that_are_no_files_are_refused_and_the_rest_comes(place: Place) {
    if !place.target.holds_any_key() {
        println!("skipped: {:?} refuses such keys itself", place.target);
        return;
    }
    let outer = tempfile::tempdir().unwrap();
    let target = outer.path().join("target");
    let bad = ["../up", "a/../../up", "//abs", "x//y", "dir"];
    let good = ["a/b", "dir/file", "z"];
    for name in bad.iter().chain(&good) {
        place.put(&format!("p/{name}"), name.as_bytes()).await;
    }
    place.put("p/marker/", b"").await;
    let meter = Meter::default();

    let error = place
        .client
        .download_files(
            &[place.uri("p/").to_string()],
            &text(&target),
            &TransferOptions::default(),
            &meter,
        )
        .await
        .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
    let report = error.report().expect("the others came");
    assert_eq!(
        (report.files, report.skipped),
        (good.len() as u64, 1),
        "{report:?}"
    );
    let mut named: Vec<String> = meter
        .take_failures()
        .iter()
        .map(|failure| failure.target().unwrap().to_owned())
        .collect();
    named.sort();
    let mut expected: Vec<String> = bad
        .iter()
        .map(|name| place.uri(&format!("p/{name}")).to_string())
        .collect();
    expected.sort();
    assert_eq!(named, expected);
    assert_eq!(read(outer.path()).len(), good.len());
    for name in good {
        assert_eq!(fs::read(target.join(name)).unwrap(), name.as_bytes());
    }
}

pub async fn links_lead_nowhere_they_should_not(place: Place) {
    let (outside, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(outside.path(), target.path().join("out")).unwrap();
    fs::write(outside.path().join("kept"), b"old").unwrap();
    std::os::unix::fs::symlink(outside.path().join("kept"), target.path().join("file")).unwrap();
    for name in ["p/out/x", "p/file", "p/fine"] {
        place.put(name, b"new").await;
    }

    let error = place
        .client
        .download_files(
            &[place.uri("p/").to_string()],
            &text(target.path()),
            &TransferOptions::default(),
            &Meter::default(),
        )
        .await
        .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
    assert!(error.to_string().contains("p/out/x"), "{error}");
    assert_eq!(fs::read(target.path().join("fine")).unwrap(), b"new");
    // A link at the target itself is replaced, not followed.
    assert_eq!(fs::read(target.path().join("file")).unwrap(), b"new");
    assert_eq!(fs::read(outside.path().join("kept")).unwrap(), b"old");
    assert_eq!(read(outside.path()).len(), 1);

    // And upwards: only when told.
    let linked = tempfile::tempdir().unwrap();
    fs::write(linked.path().join("real"), b"bytes").unwrap();
    std::os::unix::fs::symlink("real", linked.path().join("link")).unwrap();
    let report = upload(&place.client, &[text(linked.path())], &place.uri("up/")).await;
    assert_eq!((report.files, report.skipped), (1, 1));
    let follow = TransferOptions {
        follow_symlinks: true,
        ..TransferOptions::default()
    };
    place
        .client
        .upload_files(
            &[text(linked.path())],
            &place.uri("up/"),
            &follow,
            &Meter::default(),
        )
        .await
        .unwrap();
    assert_eq!(place.get("up/link").await, b"bytes");
}

pub async fn two_sources_of_one_name_are_both_refused(place: Place) {
    let source = tempfile::tempdir().unwrap();
    let mut files = Files::new();
    for name in ["x/same", "y/same", "x/own"] {
        files.insert(name.to_owned(), name.as_bytes().to_vec());
    }
    write(source.path(), &files);
    let paths: Vec<String> = files
        .keys()
        .map(|name| text(&source.path().join(name)))
        .collect();

    let error = place
        .client
        .upload_files(
            &paths,
            &place.uri("p/"),
            &TransferOptions::default(),
            &Meter::default(),
        )
        .await
        .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
    assert_eq!(place.names().await, ["p/own"]);
}

fn described() -> WriteOptions {
    WriteOptions {
        metadata: [("epoch".to_owned(), "7".to_owned())].into(),
        content_type: Some("text/x-test".into()),
        ..WriteOptions::default()
    }
}

/// Small ones and large ones, from files, from a stream and from another object.
pub async fn what_is_written_has_the_properties_that_are_asked_for(place: Place) {
    let source = tempfile::tempdir().unwrap();
    write(source.path(), &tree());
    let local = text(source.path());
    let (client, meter) = (&place.client, &Meter::default());
    let asked = TransferOptions {
        write: described(),
        ..TransferOptions::default()
    };
    let sources = std::slice::from_ref(&local);
    let uploaded = client
        .upload_files(sources, &place.uri("up/"), &asked, meter)
        .await;
    if place.target.is_local() {
        let error = uploaded.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        return;
    }
    uploaded.unwrap();
    let options = SyncOptions {
        write: described(),
        ..SyncOptions::default()
    };
    let synced = place.uri("synced/").to_string();
    client.sync(&local, &synced, &options, meter).await.unwrap();
    let stream = &data(2 * PART + 9)[..];
    client
        .put_from(&place.uri("piped"), stream, &described())
        .await
        .unwrap();

    let mut names: Vec<String> = vec!["piped".to_owned()];
    for below in ["up", "synced"] {
        names.extend(tree().keys().map(|name| format!("{below}/{name}")));
    }
    for name in &names {
        let found = client.stat(&place.uri(name)).await.unwrap();
        assert_eq!(found.metadata, described().metadata, "{name}");
        assert_eq!(found.content_type, described().content_type, "{name}");
    }

    // A copy takes over what is not asked for.
    let other = TransferOptions {
        write: WriteOptions {
            content_type: Some("text/x-other".into()),
            ..WriteOptions::default()
        },
        ..TransferOptions::default()
    };
    for name in ["up/empty", "up/one", "up/large.bin"] {
        let (from, to) = (place.uri(name).to_string(), place.uri("copy").to_string());
        client
            .copy_files(&[from], &to, &other, meter)
            .await
            .unwrap();
        let found = client.stat(&place.uri("copy")).await.unwrap();
        assert_eq!(found.metadata, described().metadata, "{name}");
        assert_eq!(found.content_type.as_deref(), Some("text/x-other"));
        let sent = client.get(&place.uri(name)).await.unwrap();
        assert!(*client.get(&place.uri("copy")).await.unwrap() == *sent);
    }
}

pub async fn what_is_there_stays_if_asked(place: Place) {
    let source = tempfile::tempdir().unwrap();
    let files: Files = [("small", 7), ("large", PART + 9)]
        .map(|(name, size)| (name.to_owned(), data(size)))
        .into();
    write(source.path(), &files);
    place.put("p/small", b"old").await;
    place.put("p/large", b"old").await;
    let options = TransferOptions {
        write: WriteOptions {
            if_none_match: true,
            ..WriteOptions::default()
        },
        ..TransferOptions::default()
    };
    let (sources, meter) = ([text(source.path())], Meter::default());
    let (prefix, small) = (place.uri("p/"), [place.uri("p/small").to_string()]);
    let large = place.uri("p/large").to_string();

    let upload = place
        .client
        .upload_files(&sources, &prefix, &options, &meter);
    let (error, report) = upload.await.unwrap_err().into_parts();
    let copy = place.client.copy_files(&small, &large, &options, &meter);
    let copied = copy.await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(report.unwrap().files, 0);
    assert_eq!(copied.kind(), ErrorKind::AlreadyExists, "{copied}");
    assert_eq!(place.get("p/small").await, b"old");
    assert_eq!(place.get("p/large").await, b"old");
}
