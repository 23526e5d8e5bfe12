//! One object of many buffers: no byte is copied or out of place, and every span has its checksum.

use std::ops::Range;

use bytes::Bytes;
use s3dlio::checksum::crc32c;
use s3dlio::{ErrorKind, Payload, WriteOptions};

use crate::place::{PART, Place, data};

pub async fn spans_are_summed_whatever_the_buffers(place: Place) {
    let sent = data(2 * PART + 100);
    let cuts = [0, 1, 1, 5000, PART - 3, PART + 3, 2 * PART, sent.len()];
    let pieces = cuts
        .windows(2)
        .map(|cut| Bytes::copy_from_slice(&sent[cut[0]..cut[1]]))
        .collect();
    let all = sent.len() as u64;
    let spans: [Range<u64>; 6] = [
        0..all,
        0..1,
        4999..PART as u64 + 7,
        all..all,
        3..3,
        PART as u64..all,
    ];
    let options = WriteOptions::default();

    let put = place
        .client
        .put_vectored(&place.uri("object"), Payload::new(pieces), &spans, &options)
        .await
        .unwrap();

    assert!(place.get("object").await == sent);
    assert_eq!((put.size, put.crc32c), (all, crc32c(&sent)));
    let expected: Vec<u32> = spans
        .iter()
        .map(|span| crc32c(&sent[span.start as usize..span.end as usize]))
        .collect();
    assert_eq!(put.span_crc32c, expected);
    let outside = [0..1, all - 1..all + 1];
    let error = place
        .client
        .put_vectored(&place.uri("other"), Payload::from(sent), &outside, &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(!place.client.exists(&place.uri("other")).await.unwrap());
}
