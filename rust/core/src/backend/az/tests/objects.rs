//! Odd keys, ranges, parts, conditions and tiers, against a real service.

use std::sync::Arc;

use super::{fresh, get, key, keys, names, put};
use crate::buffer::Pool;
use crate::error::ErrorKind;
use crate::payload::Payload;
use crate::types::{ByteRange, Destination, Part, ReadOptions, UploadId, WriteOptions};
use crate::uri::Key;

#[tokio::test]
async fn keys_are_held_byte_for_byte() {
    let Some(store) = fresh().await else { return };
    let mut odd = vec![
        "/lead",
        "//two",
        "a//b",
        "trail/",
        " ",
        " space ",
        "a+b",
        "100%",
        "%41",
        "a#b",
        "a?b=c",
        "nl\nend",
        "tab\t",
        "a\rb",
        "ü/日本/🦀",
        "semi;colon",
        "q\"uote",
        "<x>&amp;",
        "a..b",
        ".hidden",
        "~t",
        "c:d",
        "[x]",
        "{}|^`",
        "*",
        "'",
    ];
    for name in &odd {
        put(&*store, name, b"x").await;
    }

    let page = keys(&*store, "", false).await;

    odd.sort_unstable();
    assert_eq!(names(&page), odd);
    for name in &odd {
        assert_eq!(
            get(&*store, name, ByteRange::Whole).await.unwrap(),
            b"x",
            "{name:?}"
        );
        assert_eq!(store.stat(&key(name)).await.unwrap().size, 1);
    }
    let page = keys(&*store, "a//", false).await;
    assert_eq!(names(&page), ["a//b"]);
    let page = keys(&*store, "", true).await;
    assert_eq!(page.prefixes, ["/", "a/", "trail/", "ü/"]);
    let all: Vec<Key> = odd.iter().map(|name| key(name)).collect();
    assert!(store.delete(&all).await.unwrap().is_empty());
    assert!(names(&keys(&*store, "", false).await).is_empty());
}

#[tokio::test]
async fn ranges_hold_at_every_border() {
    let Some(store) = fresh().await else { return };
    put(&*store, "ten", b"0123456789").await;
    put(&*store, "empty", b"").await;
    let bounded = |offset, len| ByteRange::Bounded { offset, len };
    for (range, expected) in [
        (ByteRange::From(0), "0123456789"),
        (ByteRange::From(9), "9"),
        (bounded(0, 1), "0"),
        (bounded(3, 4), "3456"),
        (bounded(8, 100), "89"),
        (bounded(0, u64::MAX), "0123456789"),
    ] {
        assert_eq!(
            get(&*store, "ten", range).await.unwrap(),
            expected.as_bytes(),
            "{range:?}"
        );
    }
    for range in [ByteRange::From(10), ByteRange::From(11), bounded(10, 1)] {
        let error = get(&*store, "ten", range).await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidRange"), "{range:?}: {error}");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    for range in [ByteRange::Whole, ByteRange::From(0), bounded(0, 5)] {
        assert!(
            get(&*store, "empty", range).await.unwrap().is_empty(),
            "{range:?}"
        );
    }
    get(&*store, "empty", bounded(1, 1)).await.unwrap_err();
}

#[tokio::test]
async fn a_window_and_a_replaced_object_are_seen() {
    let Some(store) = fresh().await else { return };
    let etag = store
        .write(
            &key("k"),
            &Payload::from(&b"0123456789"[..]),
            &WriteOptions::default(),
        )
        .await
        .unwrap()
        .etag;
    let into = Destination::Allocate {
        pool: Arc::new(Pool::default()),
        window: 4,
    };

    let (buf, reply) = store
        .read(&key("k"), ByteRange::Whole, into, &ReadOptions::default())
        .await
        .unwrap();

    assert_eq!((buf.len(), reply.filled, reply.size), (10, 4, 10));
    assert_eq!(&buf[..4], b"0123");
    assert_eq!((reply.etag, reply.attempts), (etag.clone(), 1));
    put(&*store, "k", b"other").await;
    let options = ReadOptions {
        if_match: etag,
        ..ReadOptions::default()
    };
    let into = Destination::Allocate {
        pool: Arc::new(Pool::default()),
        window: 4,
    };
    let error = store
        .read(&key("k"), ByteRange::Whole, into, &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Precondition);
}

#[tokio::test]
async fn parts_become_one_object_in_order() {
    let Some(store) = fresh().await else { return };
    let options = WriteOptions {
        if_none_match: true,
        tier: Some("cool".into()),
        ..WriteOptions::default()
    };
    let upload = store.start_upload(&key("k"), 3, &options).await.unwrap();
    let mut parts = Vec::new();
    for (number, body) in [(3, "g"), (1, "abc"), (2, "xxx"), (2, "def")] {
        let part = store
            .put_part(
                &key("k"),
                &upload,
                number,
                &Payload::from(body.as_bytes().to_vec()),
            )
            .await
            .unwrap();
        parts.retain(|other: &Part| other.number != number);
        parts.push(part);
    }
    parts.sort_by_key(|part| part.number);
    assert_eq!(
        store.stat(&key("k")).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );

    let reply = store
        .finish_upload(&key("k"), &upload, &parts, &options)
        .await
        .unwrap();

    assert_eq!(
        get(&*store, "k", ByteRange::Whole).await.unwrap(),
        b"abcdefg"
    );
    let meta = store.stat(&key("k")).await.unwrap();
    assert_eq!(
        (meta.etag, meta.tier.as_deref()),
        (reply.etag, Some("Cool"))
    );
    let error = store
        .finish_upload(&key("k"), &upload, &parts, &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let unknown = UploadId {
        id: "0000000000000000".into(),
        part_size: 3,
    };
    let error = store
        .finish_upload(&key("k"), &unknown, &parts, &WriteOptions::default())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::InvalidInput, Some("InvalidBlockList"))
    );
    assert_eq!(
        get(&*store, "k", ByteRange::Whole).await.unwrap(),
        b"abcdefg"
    );
}

#[tokio::test]
async fn conditions_and_tiers_are_honoured() {
    let Some(store) = fresh().await else { return };
    let once = WriteOptions {
        if_none_match: true,
        ..WriteOptions::default()
    };
    let write = async |options: &WriteOptions| {
        store
            .write(&key("k"), &Payload::from(&b"1"[..]), options)
            .await
    };

    write(&once).await.unwrap();

    assert_eq!(
        write(&once).await.unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    for (tier, shown) in [
        ("hot", "Hot"),
        ("Cool", "Cool"),
        ("COLD", "Cold"),
        ("archive", "Archive"),
    ] {
        write(&WriteOptions {
            tier: Some(tier.into()),
            ..WriteOptions::default()
        })
        .await
        .unwrap();
        assert_eq!(
            store.stat(&key("k")).await.unwrap().tier.as_deref(),
            Some(shown)
        );
    }
    let archived = get(&*store, "k", ByteRange::Whole).await.unwrap_err();
    println!("an archived blob: {archived}");
}
