//! A cancelled transfer is over: its memory is nobody's but the caller's, its upload leaves nothing torn.

use std::time::Duration;

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use s3dlio::{Buffer, ErrorKind, Payload, Uri, WriteOptions};

use crate::place::{PART, Place, data};

const TRANSFERS: usize = 200;

/// Five back ends make a thousand. Blocks come back to the pool when a read is dropped, so a late write would land in
/// the block that the next reader has by then; that reader fills it with a pattern and looks again.
pub async fn no_cancelled_read_writes_later(place: Place) {
    let size = 2 * PART + 11;
    place.put("object", &vec![0xAA; size]).await;
    let mut random = SmallRng::seed_from_u64(7);
    let mut cancelled = 0;
    for _ in 0..TRANSFERS {
        let wait = Duration::from_micros(random.random_range(0..8000));
        let uri = place.uri("object");
        let read = place.client.get(&uri);
        if tokio::time::timeout(wait, read).await.is_err() {
            cancelled += 1;
        }
        // Whatever block the dropped read gave back is taken again and watched.
        let mut block = place.client.pool().take(size).unwrap();
        block.fill(0x55);
        tokio::task::yield_now().await;
        assert!(
            block.iter().all(|byte| *byte == 0x55),
            "a cancelled read wrote into memory that was given back"
        );
    }
    println!("{cancelled} of {TRANSFERS} reads were cancelled under way");
    assert!(
        cancelled > 0,
        "no read was cancelled; the case proves nothing"
    );
    assert_eq!(place.get("object").await.len(), size);
}

pub async fn a_cancelled_put_leaves_nothing_or_everything(place: Place) {
    let mut random = SmallRng::seed_from_u64(8);
    let bodies: Vec<Vec<u8>> = (0..4).map(|_| data(PART + 4096)).collect();
    for round in 0..40 {
        let wait = Duration::from_micros(random.random_range(0..40_000));
        let body = Payload::from(bodies[round % bodies.len()].clone());
        let uri = place.uri("object");
        let options = WriteOptions::default();
        let put = place.client.put(&uri, body, &options);
        // Cancelled or done: both are asked for.
        let _ = tokio::time::timeout(wait, put).await;
        if place.client.exists(&uri).await.unwrap() {
            let got = settled(&place, &uri).await;
            assert!(
                bodies.iter().any(|body| *body == *got),
                "round {round}: torn object of {} bytes",
                got.len()
            );
        }
    }
}

/// What the object holds. A put that was cancelled when its last step was under way may still replace it, and a read
/// that sees this happen says so.
async fn settled(place: &Place, uri: &Uri) -> Buffer {
    for _ in 0..100 {
        match place.client.get(uri).await {
            Err(error) if error.kind() == ErrorKind::Precondition => {}
            got => return got.unwrap(),
        }
    }
    panic!("the object is replaced without end");
}
