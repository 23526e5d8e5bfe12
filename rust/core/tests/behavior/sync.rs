//! One tree made like another: what differs is copied, what is too much goes when told, and what was done is told.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use s3dlio::{Compare, Error, ErrorKind, Meter, SyncAction, SyncOptions, TransferOptions};

use crate::place::Place;
use crate::trees::{read, text, tree, write};

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

/// Names that an earlier `upload --follow-symlinks` has put there.
pub async fn a_sync_never_deletes_what_the_source_has_and_skips(place: Place) {
    let outer = tempfile::tempdir().unwrap();
    let source = outer.path().join("source");
    fs::create_dir_all(source.join("d")).unwrap();
    fs::create_dir(outer.path().join("elsewhere")).unwrap();
    fs::write(outer.path().join("elsewhere/file"), b"below").unwrap();
    fs::write(source.join("d/plain"), b"plain").unwrap();
    symlink("plain", source.join("d/model")).unwrap();
    symlink("../elsewhere", source.join("tree")).unwrap();
    symlink("nowhere", source.join("broken")).unwrap();
    let _socket = UnixListener::bind(source.join("socket")).unwrap();
    for name in [
        "p/broken",
        "p/d/model",
        "p/d/model2",
        "p/socket",
        "p/tree/file",
        "p/treeless",
    ] {
        place.put(name, b"precious").await;
    }
    let (here, there) = (text(&source), place.uri("p").to_string());
    let options = |dry_run| SyncOptions {
        delete: true,
        dry_run,
        ..SyncOptions::default()
    };
    let kept = ["p/broken", "p/d/model", "p/socket", "p/tree/file"];

    for dry_run in [true, false] {
        let meter = Meter::default();
        let options = options(dry_run);
        let sync = place.client.sync(&here, &there, &options, &meter);
        let report = sync.await.unwrap();

        assert_eq!(report.kept, kept.map(|name| place.uri(name)));
        assert_eq!(report.actions.len(), 3, "{report:?}");
        assert_eq!((report.skipped, report.alike, report.symlinks), (4, 0, 3));
    }

    let names = place.names().await;
    assert_eq!(
        names,
        [
            "p/broken",
            "p/d/model",
            "p/d/plain",
            "p/socket",
            "p/tree/file"
        ]
    );
    fs::remove_file(source.join("broken")).unwrap();
    let follow = SyncOptions {
        follow_symlinks: true,
        compare: Compare::Checksum,
        ..options(false)
    };
    let done = sync(&place, &here, &there, follow).await;
    assert_eq!(done, (2, 1, 2));
    assert_eq!(place.get("p/tree/file").await, b"below");

    // With nothing else in the source, there is nothing to delete either.
    fs::remove_dir_all(source.join("d")).unwrap();
    for name in ["p/d/model", "p/d/plain"] {
        place.client.delete(&place.uri(name)).await.unwrap();
    }
    assert_eq!(sync(&place, &here, &there, options(false)).await, (0, 0, 2));
}

fn no_key() -> OsString {
    OsString::from_vec(b"no\xffkey".to_vec())
}

pub async fn a_sync_goes_on_past_what_it_cannot_take(place: Place) {
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join(no_key()), b"file").unwrap();
    symlink("nowhere", source.path().join("z-broken")).unwrap();
    for name in ["p/old", "p/z-broken"] {
        place.put(name, b"precious").await;
    }
    let (here, there) = (text(source.path()), place.uri("p").to_string());
    let options = |dry_run| SyncOptions {
        delete: true,
        dry_run,
        follow_symlinks: true,
        ..SyncOptions::default()
    };

    // With nothing to copy, it is still not an empty source.
    for files in [&[][..], &["a", "d/b"]] {
        for name in files {
            fs::create_dir_all(source.path().join("d")).unwrap();
            fs::write(source.path().join(name), name).unwrap();
        }
        for dry_run in [true, false] {
            let meter = Meter::default();
            let options = options(dry_run);

            let sync = place.client.sync(&here, &there, &options, &meter);
            let (error, report) = sync.await.unwrap_err().into_parts();

            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let told = meter.take_failures();
            let kinds: Vec<ErrorKind> = told.iter().map(Error::kind).collect();
            assert_eq!(kinds, [ErrorKind::InvalidInput, ErrorKind::NotFound]);
            let name = fs::canonicalize(source.path()).unwrap().join(no_key());
            let (name, why) = (name.display(), "the name is not UTF-8, so it is no key");
            assert_eq!(told[0].to_string(), format!("sync {name}: {why}"));
            let report = report.expect("the others are synced");
            // Copies alone: what is too much stays where something failed.
            assert_eq!(report.actions.len(), files.len(), "{report:?}");
            assert_eq!(report.deleted, 0);
            assert_eq!(report.files, if dry_run { 0 } else { files.len() as u64 });
        }
    }
    assert_eq!(place.names().await, ["p/a", "p/d/b", "p/old", "p/z-broken"]);
}

pub async fn what_is_no_key_at_the_target_is_told_when_it_would_go(place: Place) {
    let target = tempfile::tempdir().unwrap();
    let stays = target.path().join(no_key());
    fs::write(&stays, b"file").unwrap();
    fs::write(target.path().join("old"), b"old").unwrap();
    place.put("p/a", b"a").await;
    let (there, here) = (place.uri("p/").to_string(), text(target.path()));

    let done = sync(&place, &there, &here, SyncOptions::default()).await;
    assert_eq!(done, (1, 0, 0));

    for dry_run in [true, false] {
        let options = SyncOptions {
            delete: true,
            dry_run,
            ..SyncOptions::default()
        };
        let meter = Meter::default();
        let sync = place.client.sync(&there, &here, &options, &meter);
        let (error, report) = sync.await.unwrap_err().into_parts();

        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert_eq!(meter.take_failures().len(), 1, "{error}");
        let report = report.expect("there was a plan");
        assert_eq!(report.actions.len(), 1, "{report:?}");
        assert_eq!(report.deleted, u64::from(!dry_run));
    }
    assert!(stays.exists() && !target.path().join("old").exists());
}

pub async fn what_is_mistyped_is_refused(place: Place) {
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("f"), b"f").unwrap();
    place.put("object", b"o").await;
    let here = text(source.path());
    let mut targets = vec![
        ("s3:/fresh/t".to_owned(), "s3://fresh/t"),
        ("file:/tmp/t".to_owned(), "file:///tmp/t"),
        (place.uri("object").to_string(), ""),
    ];
    if !place.target.is_local() {
        targets.push((place.uri("t*").to_string(), "t*"));
        targets.push((place.uri("t*/").to_string(), "t*"));
    }
    for (target, named) in targets {
        let meter = Meter::default();
        let options = SyncOptions::default();
        let error = place.client.sync(&here, &target, &options, &meter);
        let error = error.await.unwrap_err();
        assert!(error.to_string().contains(named), "{target}: {error}");

        if named.is_empty() {
            continue;
        }
        let options = TransferOptions::default();
        let source = [format!("{here}/f")];
        let error = place.client.copy_files(&source, &target, &options, &meter);
        let error = error.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{target}: {error}");
        assert!(error.to_string().contains(named), "{target}: {error}");
    }
    assert_eq!(place.names().await, ["object"]);

    // What has that very name is meant.
    if !place.target.is_local() {
        place.put("t*/a", b"a").await;
        let there = place.uri("t*").to_string();
        let options = SyncOptions::default();
        assert_eq!(sync(&place, &here, &there, options).await, (1, 0, 0));
    }
}
