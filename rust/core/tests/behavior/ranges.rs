//! Ranges into many destinations: the right bytes of one version, by as few requests as the gaps allow.

use s3dlio::{Client, ErrorKind, RangeInto, Result, Uri};
use s3dlio_testkit::{Action, Fault};

use crate::lent::lend;
use crate::place::{PART, Place, data};
use crate::rig::{Rig, ranges, rig};

/// What each range of `(object, offset, length)` gives.
async fn read(
    client: &Client,
    wanted: &[(&Uri, usize, usize)],
    max_gap: u64,
) -> Result<Vec<Vec<u8>>> {
    let (mut reads, mut memory) = (Vec::new(), Vec::new());
    for (uri, offset, len) in wanted {
        let (destination, lent) = lend(*len);
        let offset = *offset as u64;
        reads.push((
            (*uri).clone(),
            RangeInto {
                offset,
                destination,
            },
        ));
        memory.push(lent);
    }
    let total = client.read_into_many(reads, max_gap).await;
    let mut filled = Vec::new();
    // Also where it failed: every destination is let go of.
    for lent in memory {
        filled.push(lent.back().await);
    }
    assert!(total? as usize == filled.iter().map(Vec::len).sum::<usize>());
    Ok(filled)
}

pub async fn each_destination_gets_its_range(place: Place) {
    let (a, b) = (data(3 * PART + 11), data(5000));
    place.put("a", &a).await;
    place.put("b", &b).await;
    let (one, two) = (&place.uri("a"), &place.uri("b"));
    let wanted = [
        (one, 3 * PART, 11),
        (one, 0, 5),
        (two, 0, 5000),
        (one, 100, 2 * PART),
        // Overlaps the one before.
        (one, 2 * PART, 4096),
        (one, 7, 0),
        (one, 2 * PART + 4200, 1),
    ];

    for max_gap in [0, 1000, 1 << 30] {
        let got = read(&place.client, &wanted, max_gap).await.unwrap();

        for ((uri, offset, len), got) in wanted.iter().zip(got) {
            let body = if *uri == one { &a } else { &b };
            assert!(
                got == body[*offset..offset + len],
                "{len} bytes from {offset}"
            );
        }
    }
    assert!(read(&place.client, &[], 0).await.unwrap().is_empty());
    let nothing = [(one, 0, 0), (one, 9, 0)];
    let got = read(&place.client, &nothing, 0).await.unwrap();
    assert!(got.iter().all(Vec::is_empty));
}

pub async fn a_range_behind_the_end_is_named(place: Place) {
    place.put("a", &data(100)).await;
    place.put("empty", b"").await;
    let (uri, empty) = (&place.uri("a"), &place.uri("empty"));
    let missing = place.uri("missing");
    let kinds = [
        (vec![(uri, 0, 10), (uri, 95, 6)], ErrorKind::ShortRead),
        (vec![(uri, 0, 10), (uri, 100, 1)], ErrorKind::InvalidInput),
        (vec![(uri, 200, 1), (uri, 300, 1)], ErrorKind::InvalidInput),
        (vec![(uri, 95, 6)], ErrorKind::ShortRead),
        (vec![(empty, 0, 1), (empty, 0, 2)], ErrorKind::ShortRead),
        (vec![(uri, 0, 1), (&missing, 0, 1)], ErrorKind::NotFound),
        (
            vec![(&missing, 0, 0), (&missing, 1, 0)],
            ErrorKind::NotFound,
        ),
    ];
    for (wanted, kind) in kinds {
        let error = read(&place.client, &wanted, 1 << 20).await.unwrap_err();

        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.op(), Some("read_into"));
        let last = wanted[wanted.len() - 1].0.to_string();
        assert_eq!(error.target(), Some(last.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn destinations_may_be_neighbours() {
    let rig = rig(100).await;
    let mut head = rig.client.pool().take(10).unwrap();
    let tail = head.split_off(5);
    let neighbours = vec![
        (
            rig.object.clone(),
            RangeInto {
                offset: 0,
                destination: head,
            },
        ),
        (
            rig.object.clone(),
            RangeInto {
                offset: 5,
                destination: tail,
            },
        ),
    ];
    assert_eq!(rig.client.read_into_many(neighbours, 0).await.unwrap(), 10);
}

async fn asked(rig: &Rig, wanted: &[(usize, usize)], max_gap: u64) -> Vec<String> {
    rig.server.clear_requests();
    let wanted: Vec<(&Uri, usize, usize)> = wanted
        .iter()
        .map(|(offset, len)| (&rig.object, *offset, *len))
        .collect();
    let got = read(&rig.client, &wanted, max_gap).await.unwrap();
    for ((_, offset, len), got) in wanted.iter().zip(got) {
        assert!(got == rig.sent[*offset..offset + len]);
    }
    let requests = rig.server.requests();
    assert!(requests.iter().all(|request| request.op == "GetObject"));
    let pinned = |at: usize| requests[at].header("if-match").is_some();
    assert!((1..requests.len()).all(pinned));
    let mut asked: Vec<String> = ranges(&requests).into_iter().flatten().collect();
    asked.sort_by_key(|range| (range.len(), range.clone()));
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn near_ranges_share_a_request() {
    let rig = rig(3 * PART).await;
    let rows: Vec<(usize, usize)> = (0..100).map(|i| (i * 2000, 1000)).collect();

    assert_eq!(asked(&rig, &rows, 1000).await, ["bytes=0-198999"]);
    assert_eq!(asked(&rig, &rows, 999).await.len(), 100);
    // Small ones and a large one between them: as many requests as its parts.
    let tensors = [(0, 100), (100, 2 * PART), (2 * PART + 100, 100)];
    assert_eq!(asked(&rig, &tensors, 0).await.len(), 3);
    // What lies between far ones is not read.
    let far = [(0, 10), (2 * PART, 10)];
    assert_eq!(
        asked(&rig, &far, 1 << 20).await,
        ["bytes=0-9", "bytes=10485760-10485769"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_never_mix_two_versions() {
    for conditions in [true, false] {
        let rig = rig(2 * PART).await;
        rig.server.fault(
            Fault::once(Action::ReplaceObject {
                seed: 9,
                size: None,
            })
            .op("GetObject"),
        );
        if !conditions {
            rig.server
                .fault(Fault::always(Action::ignore("if-match")).op("GetObject"));
        }
        let wanted = [(&rig.object, 0, 10), (&rig.object, PART + 5, 10)];

        let error = read(&rig.client, &wanted, 0).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_that_no_object_can_have_are_refused() {
    let rig = rig(100).await;
    let wanted = [(&rig.object, usize::MAX - 5, 10), (&rig.object, 0, 10)];

    let error = read(&rig.client, &wanted, 0).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(error.code(), Some("InvalidRange"));
}
