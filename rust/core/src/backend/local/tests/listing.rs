use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::error::ErrorKind;
use crate::types::{Page, PageRequest};

async fn list(place: &Place, name: &str, one_level: bool) -> Result<Page> {
    place
        .store
        .list(
            &place.key(name),
            &PageRequest {
                one_level,
                token: None,
            },
        )
        .await
}

fn names(place: &Place, keys: impl IntoIterator<Item = String>) -> Vec<String> {
    let prefix = place.prefix();
    keys.into_iter()
        .map(|key| key.strip_prefix(prefix.as_str()).unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn keys_come_in_bytewise_order() {
    let place = Place::file();
    for name in [
        "b", "a.txt", "a/b.c/d", "a/b/c", "a0", "a-", "ü", "Z", "a b",
    ] {
        place.put(name, data(3)).await.unwrap();
    }

    let page = list(&place, "", false).await.unwrap();

    let keys: Vec<String> = page.entries.iter().map(|entry| entry.key.clone()).collect();
    assert!(keys.is_sorted() && page.prefixes.is_empty() && page.next.is_none());
    assert_eq!(
        names(&place, keys),
        [
            "Z", "a b", "a-", "a.txt", "a/b.c/d", "a/b/c", "a0", "b", "ü"
        ]
    );

    let page = list(&place, "", true).await.unwrap();
    let keys = page.entries.into_iter().map(|entry| entry.key);
    assert_eq!(
        names(&place, keys),
        ["Z", "a b", "a-", "a.txt", "a0", "b", "ü"]
    );
    assert_eq!(names(&place, page.prefixes), ["a/"]);
    let page = list(&place, "a/", true).await.unwrap();
    assert_eq!(names(&place, page.prefixes), ["a/b.c/", "a/b/"]);
}

#[tokio::test]
async fn an_entry_tells_what_stat_tells() {
    let place = Place::direct();
    place.put("f", data(5000)).await.unwrap();

    let entry = list(&place, "", false).await.unwrap().entries.remove(0);

    let stat = place.store.stat(&place.key("f")).await.unwrap();
    assert_eq!(
        (entry.size, entry.etag, entry.last_modified),
        (5000, stat.etag, stat.last_modified)
    );
}

#[tokio::test]
async fn only_files_and_links_to_files_show() {
    let place = Place::file();
    place.put("dir/inside", data(3)).await.unwrap();
    symlink("dir/inside", place.path("to_file")).unwrap();
    symlink("dir", place.path("to_dir")).unwrap();
    symlink("nowhere", place.path("broken")).unwrap();
    symlink("loop", place.path("loop")).unwrap();
    fs::create_dir(place.path("empty")).unwrap();
    let pipe = place.path("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    fs::write(place.path(".s3dlio-0123.tmp"), b"unfinished").unwrap();

    let deep = list(&place, "", false).await.unwrap();
    let flat = list(&place, "", true).await.unwrap();

    let sizes: Vec<u64> = deep.entries.iter().map(|entry| entry.size).collect();
    assert_eq!(sizes, [3, 3]);
    assert_eq!(
        names(&place, deep.entries.into_iter().map(|entry| entry.key)),
        ["dir/inside", "to_file"]
    );
    assert_eq!(
        names(&place, flat.entries.into_iter().map(|entry| entry.key)),
        ["to_file"]
    );
    assert_eq!(names(&place, flat.prefixes), ["dir/", "empty/"]);
}

#[tokio::test]
async fn what_does_not_exist_is_empty() {
    let place = Place::file();
    place.put("f", data(1)).await.unwrap();

    for name in ["missing/", "f/", "missing/deeper/"] {
        let page = list(&place, name, false).await.unwrap();
        assert!(
            page.entries.is_empty() && page.prefixes.is_empty(),
            "{name}"
        );
    }
    assert_eq!(
        list(&place, "f", false).await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}

#[tokio::test]
async fn a_name_that_is_no_text_is_an_error() {
    let place = Place::file();
    fs::write(place.base.join(OsStr::from_bytes(b"bad\xff")), b"").unwrap();

    let error = list(&place, "", false).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("bad\u{fffd}"), "{error}");
}

#[test]
fn files_that_come_and_go_do_not_disturb() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = Place::file();
    runtime.block_on(place.put("keep", data(1))).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fs::create_dir_all(place.path("d/e")).unwrap();
                fs::write(place.path("d/e/f"), b"x").unwrap();
                fs::remove_dir_all(place.path("d")).unwrap();
            }
        });
        let pages: Vec<_> = (0..300)
            .map(|_| runtime.block_on(list(&place, "", false)))
            .collect();
        done.store(true, Ordering::Relaxed);
        for page in pages {
            assert!(
                page.unwrap()
                    .entries
                    .iter()
                    .any(|entry| entry.key.ends_with("/keep"))
            );
        }
    });
}
