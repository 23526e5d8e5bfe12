use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::super::blocking::Cancelled;
use super::*;
use crate::error::ErrorKind;
use crate::types::{Held, Page, PageRequest};

async fn list(place: &Place, name: &str, one_level: bool) -> Result<Page> {
    place
        .store
        .list(
            &place.key(name),
            &PageRequest {
                one_level,
                ..PageRequest::default()
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

/// All pages of a listing, each of at most `size`; with what is held between them, or from the tokens alone.
fn pages(place: &Place, name: &str, one_level: bool, size: usize, held: bool) -> Vec<Page> {
    let prefix = place.key(name);
    let mut request = PageRequest {
        one_level,
        ..PageRequest::default()
    };
    let mut pages: Vec<Page> = Vec::new();
    loop {
        let cancelled = Cancelled::default();
        let page = Local::list(prefix.as_str(), &request, size, &cancelled).unwrap();
        request.token.clone_from(&page.next);
        if !held {
            request.held = Held::default();
        }
        pages.push(page);
        assert!(pages.len() < 100, "the listing does not end");
        if request.token.is_none() {
            return pages;
        }
    }
}

fn joined(pages: Vec<Page>) -> Vec<String> {
    let named = |page: Page| {
        let entries = page.entries.into_iter().map(|entry| entry.key);
        let mut keys: Vec<String> = entries.chain(page.prefixes).collect();
        keys.sort();
        keys
    };
    pages.into_iter().flat_map(named).collect()
}

/// Keys as a listing of objects would have them.
fn model(keys: &BTreeSet<String>, prefix: &str, one_level: bool) -> Vec<String> {
    let below = keys.iter().filter_map(|key| key.strip_prefix(prefix));
    let shown: BTreeSet<String> = below
        .map(|rest| match rest.split_once('/') {
            Some((first, _)) if one_level => format!("{prefix}{first}/"),
            _ => format!("{prefix}{rest}"),
        })
        .collect();
    shown.into_iter().collect()
}

/// Names around `/` in the order of bytes, and beyond them.
fn any_key() -> impl Strategy<Value = String> {
    let names = ["a", "a-", "a.", "a0", "b", "ü", "-", "0"];
    let name = prop::sample::select(names.to_vec());
    prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_are_the_keys_in_order(
        wanted in prop::collection::vec(any_key(), 0..30),
        size in 1usize..8,
        one_level: bool,
        held: bool,
    ) {
        let place = Place::file();
        let mut keys = BTreeSet::new();
        for name in wanted {
            let path = place.path(&name);
            // A name cannot be a file and a directory; the first one wins.
            let made = fs::create_dir_all(path.parent().unwrap()).and_then(|()| fs::write(&path, b"x"));
            if made.is_ok() {
                keys.insert(place.key(&name).as_str().to_owned());
            }
        }
        for prefix in ["", "a/", "a/b/"] {
            let pages = pages(&place, prefix, one_level, size, held);
            let (last, full) = pages.split_last().unwrap();
            prop_assert!(last.entries.len() + last.prefixes.len() <= size);
            prop_assert!(full.iter().all(|page| page.entries.len() + page.prefixes.len() == size));
            prop_assert_eq!(joined(pages), model(&keys, place.key(prefix).as_str(), one_level));
        }
    }
}

#[tokio::test]
async fn a_listing_goes_on_over_what_changes_meanwhile() {
    for held in [true, false] {
        let place = Place::file();
        let all = ["a-", "a/1", "a/2", "a/3", "a0", "b/1", "b/2", "c"];
        for name in all {
            place.put(name, data(1)).await.unwrap();
        }
        let prefix = place.prefix();
        let mut request = PageRequest::default();
        let mut shown = Vec::new();
        loop {
            let cancelled = Cancelled::default();
            let page = Local::list(prefix.as_str(), &request, 2, &cancelled).unwrap();
            shown.extend(names(
                &place,
                page.entries.into_iter().map(|entry| entry.key),
            ));
            request.token = page.next;
            if !held {
                request.held = Held::default();
            }
            match shown.len() {
                // The last key given goes, with one that was to come, and the way back through its directory.
                2 => {
                    assert_eq!(shown, ["a-", "a/1"]);
                    fs::remove_file(place.path("a/1")).unwrap();
                    fs::remove_file(place.path("a/2")).unwrap();
                    fs::remove_dir_all(place.path("b")).unwrap();
                    symlink(&place.base, place.path("b")).unwrap();
                }
                // Nothing that was given comes again, whatever is made before it.
                4 => drop(place.put("a.new", data(1)).await.unwrap()),
                _ => {}
            }
            if request.token.is_none() {
                break;
            }
        }

        assert_eq!(shown, ["a-", "a/1", "a/3", "a0", "c"], "held: {held}");
    }
}

#[test]
fn what_is_held_serves_its_own_listing_only() {
    let place = Place::file();
    for name in ["a/1", "a/2", "a/3", "b/1", "b/2"] {
        fs::create_dir_all(place.path(name).parent().unwrap()).unwrap();
        fs::write(place.path(name), b"x").unwrap();
    }
    let (a, b) = (place.key("a/"), place.key("b/"));
    let cancelled = Cancelled::default();
    let mut request = PageRequest::default();
    Local::list(a.as_str(), &request, 1, &cancelled).unwrap();

    let other = Local::list(b.as_str(), &request, 1, &cancelled).unwrap();
    assert!(other.entries[0].key.ends_with("b/1"));
    request.token = Some(place.key("a/2").as_str().to_owned());
    let later = Local::list(a.as_str(), &request, 1, &cancelled).unwrap();
    assert!(later.entries[0].key.ends_with("a/3"));
    let foreign = Local::list(b.as_str(), &request, 1, &cancelled).unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::InvalidInput);
}
