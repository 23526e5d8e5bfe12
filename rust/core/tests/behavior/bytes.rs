//! Bytes come back as they were put: whole, in ranges, in parts.

use std::ptr::NonNull;

use bytes::Bytes;
use s3dlio::{Client, ErrorKind, IoBufMut, Payload, Uri, WriteOptions};

use crate::place::{PART, Place, Target, data, runs_in_full};

pub async fn objects_of_every_size_round_trip(place: Place) {
    for size in [
        0,
        1,
        4095,
        4096,
        4097,
        1_000_003,
        PART - 1,
        PART,
        PART + 1,
        2 * PART + 17,
    ] {
        let sent = data(size);

        place.put("object", &sent).await;

        assert!(place.get("object").await == sent, "{size} bytes");
    }
}

pub async fn an_object_of_many_parts_round_trips(place: Place) {
    let sent = data(64 << 20);

    let put = place
        .client
        .put(
            &place.uri("large"),
            Payload::from(sent.clone()),
            &WriteOptions::default(),
        )
        .await
        .unwrap();

    assert_eq!(put.size, sent.len() as u64);
    assert_eq!(put.crc32c, s3dlio::checksum::crc32c(&sent));
    assert!(place.get("large").await == sent);
    let (count, bytes) = place
        .client
        .get_many_stats(&[place.uri("large")], 4)
        .await
        .unwrap();
    assert_eq!((count, bytes), (1, sent.len() as u64));
}

/// The bytes from `start` on of a body in which no two words are alike.
fn fill_with_words(start: usize, memory: &mut [u8]) {
    for (index, word) in memory.chunks_exact_mut(8).enumerate() {
        let number = (start / 8 + index) as u64;
        word.copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    }
}

/// Every byte is compared, a piece at a time. Azurite is slow, and memory holds it twice: in a quick run they are given a
/// quarter of it.
pub async fn a_gibibyte_round_trips(place: Place) {
    const STEP: usize = 64 << 20;
    let size = match place.target {
        Target::Azurite | Target::Memory if !runs_in_full() => 256 << 20,
        _ => 1 << 30,
    };
    let mut sent = place.client.pool().take(size).unwrap();
    fill_with_words(0, &mut sent);
    let (uri, options) = (place.uri("large"), WriteOptions::default());

    let body = Payload::from(sent.freeze().into_bytes());
    let put = place.client.put(&uri, body, &options).await.unwrap();
    let got = place.client.get(&uri).await.unwrap();

    assert_eq!((got.len(), put.size), (size, size as u64));
    assert_eq!(put.crc32c, s3dlio::checksum::crc32c(&got));
    let mut expected = vec![0; STEP];
    for start in (0..size).step_by(STEP) {
        fill_with_words(start, &mut expected);
        assert!(got[start..start + STEP] == expected[..], "from {start}");
    }
}

pub async fn ranges_at_every_border(place: Place) {
    let size = 2 * PART + 5;
    let sent = data(size);
    place.put("object", &sent).await;
    let borders = [
        0,
        1,
        4095,
        4096,
        PART - 1,
        PART,
        PART + 1,
        2 * PART,
        size - 1,
    ];
    for start in borders {
        for len in [1, 2, 4096, PART - 1, PART, PART + 1] {
            let end = (start + len).min(size);
            let got = place
                .client
                .get_range(&place.uri("object"), start as u64, Some(len as u64))
                .await;
            assert!(
                *got.unwrap() == sent[start..end],
                "{len} bytes from {start}"
            );
        }
        let rest = place
            .client
            .get_range(&place.uri("object"), start as u64, None)
            .await
            .unwrap();
        assert!(*rest == sent[start..], "all from {start}");
    }
}

pub async fn a_range_past_the_end_gives_what_there_is(place: Place) {
    place.put("object", b"0123456789").await;

    let got = place
        .client
        .get_range(&place.uri("object"), 7, Some(100))
        .await
        .unwrap();

    assert_eq!(&*got, b"789");
}

pub async fn an_offset_past_the_end_is_refused(place: Place) {
    place.put("object", b"0123456789").await;
    for (offset, len) in [
        (10, Some(1)),
        (10, None),
        (11, Some(5)),
        (1 << 40, None),
        (10, Some(0)),
    ] {
        let error = place
            .client
            .get_range(&place.uri("object"), offset, len)
            .await
            .unwrap_err();

        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::InvalidInput, Some("InvalidRange")),
            "{error}"
        );
    }
    let nothing = place
        .client
        .get_range(&place.uri("object"), 3, Some(0))
        .await
        .unwrap();
    assert!(nothing.is_empty());
}

pub async fn ranges_of_an_empty_object(place: Place) {
    place.put("empty", b"").await;
    for len in [None, Some(0), Some(1)] {
        assert!(
            place
                .client
                .get_range(&place.uri("empty"), 0, len)
                .await
                .unwrap()
                .is_empty(),
            "{len:?}"
        );
    }
    let error = place
        .client
        .get_range(&place.uri("empty"), 1, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

pub async fn an_overwrite_replaces_everything(place: Place) {
    place.put("object", &data(PART + 1)).await;
    let before = place.client.stat(&place.uri("object")).await.unwrap();

    place.put("object", b"short").await;

    let after = place.client.stat(&place.uri("object")).await.unwrap();
    assert_eq!(place.get("object").await, b"short");
    assert_eq!(after.size, 5);
    assert_ne!(before.etag, after.etag);
}

pub async fn an_existing_object_is_kept_when_asked(place: Place) {
    let only_new = WriteOptions {
        if_none_match: true,
        ..WriteOptions::default()
    };
    for size in [3, PART + 1] {
        let name = format!("object-{size}");
        let first = data(size);
        let uri = place.uri(&name);

        place
            .client
            .put(&uri, Payload::from(first.clone()), &only_new)
            .await
            .unwrap();
        let error = place
            .client
            .put(&uri, Payload::from(data(size)), &only_new)
            .await
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        assert!(place.get(&name).await == first);
    }
}

pub async fn pieces_are_joined_in_order(place: Place) {
    let sent = data(2 * PART + 100);
    let cuts = [0, 1, 5000, PART - 3, PART + 3, 2 * PART, sent.len()];
    let pieces = cuts
        .windows(2)
        .map(|cut| Bytes::copy_from_slice(&sent[cut[0]..cut[1]]))
        .collect();

    place
        .client
        .put(
            &place.uri("object"),
            Payload::new(pieces),
            &WriteOptions::default(),
        )
        .await
        .unwrap();

    assert!(place.get("object").await == sent);
}

pub async fn reads_fill_the_callers_memory(place: Place) {
    let sent = data(2 * PART + 3);
    place.put("object", &sent).await;
    for (offset, len) in [(0, sent.len()), (0, 10), (1, PART), (PART, PART + 3)] {
        let mut memory = vec![0u8; len];

        read_into(&place, offset, &mut memory).await.unwrap();

        assert!(
            memory == sent[offset..offset + len],
            "{len} bytes from {offset}"
        );
    }
    let mut longer = vec![0u8; sent.len() + 1];
    let error = read_into(&place, 0, &mut longer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShortRead);
}

async fn read_into(place: &Place, offset: usize, memory: &mut [u8]) -> s3dlio::Result<()> {
    fill(&place.client, &place.uri("object"), offset, memory).await
}

#[expect(unsafe_code, reason = "lends a vector as the destination")]
pub async fn fill(
    client: &Client,
    uri: &Uri,
    offset: usize,
    memory: &mut [u8],
) -> s3dlio::Result<()> {
    let ptr = NonNull::new(memory.as_mut_ptr()).unwrap();
    let (owner, released) = tokio::sync::oneshot::channel::<()>();
    // SAFETY: `memory` is borrowed for all of this function, which waits until every piece is gone.
    let buf = unsafe { IoBufMut::foreign(ptr, memory.len(), Box::new(owner)) };
    let result = client.read_into(uri, offset as u64, buf).await.map(drop);
    released.await.unwrap_err();
    result
}

pub async fn many_objects_come_in_order(place: Place) {
    let objects: Vec<(String, Vec<u8>)> = (0..40)
        .map(|i| (format!("many/{i}"), data(1000 + i)))
        .collect();
    let puts = objects
        .iter()
        .map(|(name, body)| (place.uri(name), Payload::from(body.clone())));
    let uris: Vec<_> = objects.iter().map(|(name, _)| place.uri(name)).collect();

    let results = place
        .client
        .put_many(puts, 8, &WriteOptions::default())
        .await
        .unwrap();
    let got = place.client.get_many(&uris, 8).await.unwrap();
    let stats = place.client.get_many_stats(&uris, 8).await.unwrap();

    assert_eq!(results.len(), 40);
    for ((buffer, (name, body)), put) in got.iter().zip(&objects).zip(&results) {
        assert!(**buffer == body[..], "{name}");
        assert_eq!(put.size, body.len() as u64);
    }
    assert_eq!(
        stats,
        (40, objects.iter().map(|(_, body)| body.len() as u64).sum())
    );
}

pub async fn stat_tells_size_etag_and_time(place: Place) {
    place.put("object", b"12345").await;

    let meta = place.client.stat(&place.uri("object")).await.unwrap();

    let etag = meta.etag.unwrap();
    assert_eq!(meta.size, 5);
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let age = meta.last_modified.unwrap().elapsed().unwrap_or_default();
    assert!(age.as_secs() < 3600, "{age:?}");
    assert!(place.client.exists(&place.uri("object")).await.unwrap());
}
