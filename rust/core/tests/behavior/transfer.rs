//! Files up and down: trees, patterns, names that cannot be files, syncs, copies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use s3dlio::{
    Client, Compare, ErrorKind, Meter, SyncAction, SyncOptions, TransferOptions, TransferProgress,
    TransferReport, Uri, WriteOptions,
};

use crate::place::{PART, Place, data};

type Files = BTreeMap<String, Vec<u8>>;

fn tree() -> Files {
    let sized = [
        ("empty", 0),
        ("one", 1),
        ("deep/er/a b+c%20#", 4096),
        ("deep/part", PART),
        ("deep/ü", 70_000),
        ("large.bin", 2 * PART + 7),
    ];
    sized
        .into_iter()
        .map(|(name, size)| (name.to_owned(), data(size)))
        .collect()
}

fn write(root: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// All files below a directory; nothing is left of what a transfer needs under way.
fn read(root: &Path) -> Files {
    let mut files = Files::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.insert(name.to_owned(), fs::read(&path).unwrap());
        }
    }
    files
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

async fn upload(client: &Client, sources: &[String], target: &Uri) -> TransferReport {
    let options = TransferOptions::default();
    client
        .upload_files(sources, target, &options, &Meter::default())
        .await
        .unwrap()
}

async fn download(client: &Client, source: &Uri, directory: &Path) -> TransferReport {
    let options = TransferOptions::default();
    client
        .download_files(
            &[source.to_string()],
            &text(directory),
            &options,
            &Meter::default(),
        )
        .await
        .unwrap()
}

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

async fn sync(place: &Place, from: &str, to: &str, options: SyncOptions) -> (u64, u64, u64) {
    let report = place
        .client
        .sync(from, to, &options, &Meter::default())
        .await
        .unwrap();
    (report.files, report.deleted, report.skipped)
}

pub async fn a_sync_copies_what_differs_and_deletes_when_told(place: Place) {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let there = place.uri("p").to_string();
    let mut files = tree();
    write(source.path(), &files);
    let by_sum = |delete| SyncOptions {
        delete,
        compare: Compare::Checksum,
        ..SyncOptions::default()
    };
    let local = text(source.path());

    let count = files.len() as u64;
    assert_eq!(
        sync(&place, &local, &there, by_sum(false)).await,
        (count, 0, 0)
    );
    assert_eq!(
        sync(&place, &local, &there, by_sum(false)).await,
        (0, 0, count)
    );
    // Same size, other bytes; one more; one less.
    files.insert("one".into(), vec![files["one"][0] ^ 1]);
    files.insert("more".into(), b"more".to_vec());
    write(source.path(), &files);
    fs::remove_file(source.path().join("deep/part")).unwrap();
    files.remove("deep/part");
    let planned = SyncOptions {
        dry_run: true,
        ..by_sum(true)
    };
    let plan = place
        .client
        .sync(&local, &there, &planned, &Meter::default())
        .await
        .unwrap();
    assert_eq!(plan.files, 0);
    let targets: Vec<String> = plan
        .actions
        .iter()
        .map(|action| match action {
            SyncAction::Copy { to, .. } => format!("copy {to}"),
            SyncAction::Delete { uri } => format!("delete {uri}"),
        })
        .collect();
    let base = place.uri("p/");
    assert_eq!(
        targets,
        [
            format!("copy {base}more"),
            format!("copy {base}one"),
            format!("delete {base}deep/part"),
        ]
    );
    assert_eq!(sync(&place, &local, &there, by_sum(false)).await.1, 0);
    assert_eq!(sync(&place, &local, &there, by_sum(true)).await.1, 1);

    let down = text(target.path());
    sync(&place, &there, &down, SyncOptions::default()).await;
    assert!(read(target.path()) == files);
    let again = sync(&place, &there, &down, SyncOptions::default()).await;
    assert_eq!((again.0, again.2), (0, files.len() as u64));

    // From one prefix to another.
    let other = place.uri("other/").to_string();
    sync(&place, &there, &other, SyncOptions::default()).await;
    assert_eq!(place.get("other/large.bin").await, files["large.bin"]);
}

pub async fn a_sync_never_deletes_for_want_of_a_source(place: Place) {
    place.put("p/a", b"a").await;
    let empty = tempfile::tempdir().unwrap();
    let there = place.uri("p/").to_string();
    let delete = SyncOptions {
        delete: true,
        ..SyncOptions::default()
    };
    let missing = text(&empty.path().join("missing"));
    let same = place.uri("p/below/").to_string();
    for (source, kind) in [
        (text(empty.path()), ErrorKind::InvalidInput),
        (missing, ErrorKind::NotFound),
        (same, ErrorKind::InvalidInput),
    ] {
        let error = place
            .client
            .sync(&source, &there, &delete, &Meter::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{source}: {error}");
    }

    assert_eq!(place.names().await, ["p/a"]);
}

/// With a typing slip for a source, or what other commands take, everything at the target would seem to be too much.
pub async fn a_sync_takes_whole_trees_alone(place: Place) {
    let outer = tempfile::tempdir().unwrap();
    let target = outer.path().join("target");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("old"), b"old").unwrap();
    fs::write(outer.path().join("a.csv"), b"a").unwrap();
    for name in ["p/a.csv", "p/b.csv"] {
        place.put(name, b"new").await;
    }
    let uri = |name: &str| place.uri(name).to_string();
    let path = |name: &str| text(&outer.path().join(name));
    let here = text(&target);
    let (invalid, not_found) = (ErrorKind::InvalidInput, ErrorKind::NotFound);
    for (source, kind, why) in [
        (uri("p/a.csv"), invalid, "one file or object"),
        (uri("p/*.csv"), invalid, "wildcards"),
        (uri("p/*"), invalid, "wildcards"),
        (uri("p/missing"), not_found, ""),
        (uri("missing/"), not_found, ""),
        (path("a.csv"), invalid, "one file or object"),
        (path("*.csv"), invalid, "wildcards"),
        (path("missing"), not_found, ""),
    ] {
        for delete in [false, true] {
            let options = SyncOptions {
                delete,
                ..SyncOptions::default()
            };
            let meter = Meter::default();

            let sync = place.client.sync(&source, &here, &options, &meter);
            let error = sync.await.unwrap_err();

            assert_eq!(error.kind(), kind, "{source}: {error}");
            assert_eq!(error.target(), Some(source.as_str()));
            assert!(error.to_string().contains(why), "{error}");
        }
    }
    assert_eq!(read(&target).into_keys().collect::<Vec<_>>(), ["old"]);

    // Names that only look like patterns.
    place.put("[p]/a", b"a").await;
    let options = SyncOptions::default();
    let synced = sync(&place, &uri("[p]"), &here, options).await;
    assert_eq!(synced, (1, 0, 0));
}

pub async fn an_empty_bucket_or_directory_is_an_empty_tree(place: Place) {
    let target = tempfile::tempdir().unwrap();
    let (there, here) = (place.base.to_string(), text(target.path()));
    let options = || SyncOptions {
        delete: true,
        ..SyncOptions::default()
    };

    assert_eq!(sync(&place, &there, &here, options()).await, (0, 0, 0));
    assert_eq!(sync(&place, &here, &there, options()).await, (0, 0, 0));
}

pub async fn a_sync_that_leaves_something_out_tells_what_it_does(place: Place) {
    if !place.target.holds_any_key() {
        println!("skipped: {:?} refuses such keys itself", place.target);
        return;
    }
    for name in ["p/../up", "p/a", "p/b"] {
        place.put(name, name.as_bytes()).await;
    }
    let target = tempfile::tempdir().unwrap();
    let (there, here) = (place.uri("p/").to_string(), text(target.path()));
    for dry_run in [true, false] {
        let options = SyncOptions {
            dry_run,
            ..SyncOptions::default()
        };
        let meter = Meter::default();

        let sync = place.client.sync(&there, &here, &options, &meter);
        let (error, report) = sync.await.unwrap_err().into_parts();

        assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
        assert_eq!(meter.take_failures().len(), 1);
        let report = report.expect("there was a plan");
        assert_eq!(report.actions.len(), 2, "{report:?}");
        assert_eq!(report.files, if dry_run { 0 } else { 2 });
    }
    assert_eq!(read(target.path()).len(), 2);
}

pub async fn what_failed_is_not_told_as_done(place: Place) {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["a", "b", "c"] {
        place.put(&format!("p/{name}"), b"bytes").await;
    }
    // A directory stands where one of them is to go, so nothing is deleted either.
    fs::create_dir_all(target.path().join("b/inside")).unwrap();
    fs::write(target.path().join("b/inside/file"), b"more").unwrap();
    drop(source);
    let meter = Meter::default();
    let options = SyncOptions {
        delete: true,
        ..SyncOptions::default()
    };
    let (there, here) = (place.uri("p/").to_string(), text(target.path()));

    let sync = place.client.sync(&there, &here, &options, &meter);
    let (error, report) = sync.await.unwrap_err().into_parts();

    let report = report.expect("the others came");
    assert_eq!((report.files, report.deleted), (2, 0), "{error}");
    let copied: Vec<String> = report
        .actions
        .iter()
        .map(|action| match action {
            SyncAction::Copy { from, .. } => from.to_string(),
            SyncAction::Delete { uri } => panic!("{uri} was not to go"),
        })
        .collect();
    assert_eq!(copied, ["a", "c"].map(|name| format!("{there}{name}")));
    assert!(target.path().join("b/inside/file").exists());
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
