//! Objects read ahead: each once, in bounded number and memory, and none after the last is taken.

use s3dlio::{Buffer, Client, ErrorKind, Reads, Uri};
use s3dlio_testkit::{Action, Fault, seeded_bytes};

use crate::place::{PART, Place, data};
use crate::rig::{rig, rig_with};

/// Feeds `reads` and takes the next; tells how many URIs were consumed.
async fn next(
    reads: &mut Reads,
    uris: &mut impl Iterator<Item = Uri>,
) -> s3dlio::Result<Option<(u64, Buffer)>> {
    while reads.has_room()
        && let Some(uri) = uris.next()
    {
        reads.push(uri);
    }
    reads.next().await
}

async fn all(client: &Client, uris: Vec<Uri>, ordered: bool) -> Vec<(u64, Buffer)> {
    let mut reads = client.iter_many(ordered, 7).unwrap();
    let mut uris = uris.into_iter();
    let mut got = Vec::new();
    while let Some(item) = next(&mut reads, &mut uris).await.unwrap() {
        got.push(item);
    }
    got
}

pub async fn every_object_is_given_once(place: Place) {
    let mut bodies: Vec<Vec<u8>> = (0..30).map(|i| data(1000 * i)).collect();
    bodies[3] = data(2 * PART + 1);
    for (i, body) in bodies.iter().enumerate() {
        place.put(&i.to_string(), body).await;
    }
    let uris: Vec<Uri> = (0..30).map(|i| place.uri(&i.to_string())).collect();

    let ordered = all(&place.client, uris.clone(), true).await;
    let mut arrived = all(&place.client, uris, false).await;

    assert!(ordered.iter().map(|(index, _)| *index).eq(0..30));
    arrived.sort_by_key(|(index, _)| *index);
    for got in [ordered, arrived] {
        assert_eq!(got.len(), 30);
        for ((_, got), sent) in got.iter().zip(&bodies) {
            assert!(**got == sent[..]);
        }
    }
    assert!(all(&place.client, Vec::new(), false).await.is_empty());
    let none = place.client.iter_many(true, 0).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::InvalidInput);
}

pub async fn a_missing_object_ends_it_in_its_turn(place: Place) {
    for name in ["0", "1", "3"] {
        place.put(name, b"x").await;
    }
    let mut uris = (0..4).map(|i| place.uri(&i.to_string()));
    let mut reads = place.client.iter_many(true, 4).unwrap();

    for index in 0..2 {
        let (got, _) = next(&mut reads, &mut uris).await.unwrap().unwrap();
        assert_eq!(got, index);
    }
    let error = next(&mut reads, &mut uris).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.target(), Some(place.uri("2").to_string().as_str()));
    assert!(reads.next().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_begun_than_asked_for() {
    let rig = rig(10).await;
    let mut consumed = 0;
    let mut uris = (0..100).map(|_| {
        consumed += 1;
        rig.object.clone()
    });
    let mut reads = rig.client.iter_many(true, 5).unwrap();

    for _ in 0..10 {
        next(&mut reads, &mut uris).await.unwrap().unwrap();
    }
    drop(reads);

    assert!(rig.server.statistics().peak_in_flight <= 5);
    drop(uris);
    // The tenth was asked for with five in hand.
    assert!((10..=14).contains(&consumed), "{consumed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_wait_for_room_and_still_all_come() {
    // Room for two parts; each object has four.
    let limit = (2 * PART).to_string();
    let rig = rig_with(4 * PART, &[("memory_limit", &limit)]).await;
    for ordered in [true, false] {
        rig.server.clear_requests();
        let mut reads = rig.client.iter_many(ordered, 8).unwrap();
        let mut uris = (0..6).map(|_| rig.object.clone());

        // All windows together fit the limit, and no second object goes on before the first is taken.
        let (_, first) = next(&mut reads, &mut uris).await.unwrap().unwrap();
        assert!(*first == rig.sent);
        let mut count = 1;
        while let Some((_, buffer)) = next(&mut reads, &mut uris).await.unwrap() {
            assert!(*buffer == rig.sent);
            count += 1;
        }

        assert_eq!(count, 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_it_stops_the_requests() {
    let rig = rig(1 << 20).await;
    rig.server
        .put("bucket", "stalled", seeded_bytes(1, 1 << 20));
    rig.server.fault(
        Fault::always(Action::Stall { after: Some(1000) })
            .op("GetObject")
            .path("stalled"),
    );
    let stalled: Uri = "s3://bucket/stalled".parse().unwrap();
    let mut reads = rig.client.iter_many(false, 4).unwrap();
    let mut uris = [rig.object.clone(), stalled.clone(), stalled].into_iter();
    next(&mut reads, &mut uris).await.unwrap().unwrap();
    rig.server.wait_until(|requests| requests.len() == 3).await;

    drop(reads);

    // A stalled answer ends when its client goes away.
    let asked = std::time::Instant::now();
    while rig.server.statistics().in_flight > 0 {
        assert!(asked.elapsed().as_secs() < 20, "requests go on");
        tokio::task::yield_now().await;
    }
}
