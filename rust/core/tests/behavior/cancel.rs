//! A cancelled transfer is over: its memory is nobody's but the caller's, its upload leaves nothing torn.
//!
//! A thousand in all: a hundred reads on each of five back ends, and five hundred puts on the four that do not keep the
//! caller's memory itself.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use s3dlio::{Buffer, ErrorKind, Payload, Uri, WriteOptions};

use crate::lent::lend;
use crate::place::{PART, Place, Target, data};

const READS: usize = 100;
/// Fewer that were really under way prove nothing.
const LEAST: usize = 20;
const OVERWRITTEN: u8 = 0xEE;

/// Blocks come back to the pool when a read is dropped, so a late write would land in the block that the next one has by
/// then: it is filled with a pattern, and looked at before and after the read that follows.
pub async fn no_cancelled_read_writes_later(place: Place) {
    let size = 2 * PART + 11;
    place.put("object", &vec![0xAA; size]).await;
    let uri = place.uri("object");
    let pattern = vec![0x55; size];
    let usual = shortest(async || drop(place.client.get(&uri).await.unwrap())).await;
    let mut random = SmallRng::seed_from_u64(7);
    let mut cancelled = 0;
    let mut watched = place.client.pool().take(size).unwrap();
    watched.fill(0x55);
    for round in 0..READS {
        let wait = usual.mul_f64(random.random());
        cancelled += usize::from(is_cancelled(place.client.get(&uri), wait).await);
        // Whatever block the dropped read gave back is taken again.
        let mut next = place.client.pool().take(size).unwrap();
        next.fill(0x55);
        tokio::task::yield_now().await;
        for block in [&watched, &next] {
            assert!(
                block[..] == pattern[..],
                "round {round}: a cancelled read wrote into memory that was given back"
            );
        }
        watched = next;
    }
    println!("{cancelled} of {READS} reads were cancelled under way, within {usual:?} each");
    assert!(cancelled >= LEAST, "{cancelled} reads were cancelled");
    assert!(place.get("object").await == vec![0xAA; size]);
    assert!(watched[..] == pattern[..], "a write came at last");
}

/// The memory of a put that was given up is overwritten as soon as it is the caller's again.
pub async fn a_cancelled_put_leaves_nothing_or_everything(place: Place) {
    let uri = place.uri("object");
    let options = WriteOptions::default();
    let puts = match place.target {
        Target::File | Target::Direct | Target::Minio | Target::MinioBySdk => 150,
        // The emulator is slow, and memory is not counted.
        Target::Azurite | Target::Memory => 50,
    };
    let bodies: Vec<Vec<u8>> = (0..4).map(|_| data(PART + 4096)).collect();
    let usual = shortest(async || place.put("object", &bodies[0]).await).await;
    let mut random = SmallRng::seed_from_u64(8);
    let mut cancelled = 0;
    for round in 0..puts {
        let wait = usual.mul_f64(random.random());
        let body = &bodies[round % bodies.len()];
        let (payload, lent) = match place.target {
            // It keeps the memory itself, which never comes back while the object is there.
            Target::Memory => (Payload::from(body.clone()), None),
            _ => {
                let (mut memory, lent) = lend(body.len());
                memory.copy_from_slice(body);
                (Payload::from(memory.freeze().into_bytes()), Some(lent))
            }
        };

        let put = place.client.put(&uri, payload, &options);
        cancelled += usize::from(is_cancelled(put, wait).await);

        let mut overwritten = Vec::new();
        if let Some(lent) = lent {
            overwritten = lent.back().await;
            overwritten.fill(OVERWRITTEN);
        }
        if let Some(got) = settled(&place, &uri).await {
            assert!(
                bodies.iter().any(|body| *body == *got),
                "round {round}: torn object of {} bytes",
                got.len()
            );
        }
        drop(overwritten);
    }
    println!("{cancelled} of {puts} puts were cancelled under way, within {usual:?} each");
    assert!(cancelled >= LEAST, "{cancelled} puts were cancelled");
}

/// Gives up `transfer` when the time is over; whether it was under way then. The runtime's own timer is as coarse as some
/// reads are long.
async fn is_cancelled(transfer: impl Future, after: Duration) -> bool {
    let began = Instant::now();
    let over = async {
        while began.elapsed() < after {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = transfer => false,
        () = over => true,
    }
}

/// How long a transfer takes at best: one that is cancelled within it is under way.
async fn shortest(transfer: impl AsyncFn()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        transfer().await;
        best = best.min(began.elapsed());
    }
    best
}

/// What the object holds, if it exists. A put that was cancelled when its last step was under way may still replace it,
/// and a read that sees this happen says so.
async fn settled(place: &Place, uri: &Uri) -> Option<Buffer> {
    for _ in 0..100 {
        match place.client.get(uri).await {
            Err(error) if error.kind() == ErrorKind::Precondition => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            got => return Some(got.unwrap()),
        }
    }
    panic!("the object is replaced without end");
}
