//! A cancelled transfer is over: its memory is nobody's but the caller's, its upload leaves nothing torn.
//!
//! A thousand in all: a hundred reads on each of five back ends, and five hundred puts on the four that do not keep the
//! caller's memory itself.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures::future::Either;
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
    let mut usual = shortest(async || drop(place.client.get(&uri).await.unwrap())).await;
    let mut random = SmallRng::seed_from_u64(7);
    let mut cancelled = 0;
    let mut watched = place.client.pool().take(size).unwrap();
    watched.fill(0x55);
    for round in 0..READS {
        let (began, wait) = (Instant::now(), usual.mul_f64(random.random()));
        match futures::future::select(pin!(place.client.get(&uri)), pin!(moment(wait))).await {
            Either::Left((got, _)) => {
                assert!(got.is_ok(), "{got:?}");
                usual = usual.min(began.elapsed());
            }
            Either::Right(_) => cancelled += 1,
        }
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
    let least = match place.target {
        // Its reads are over as soon as they are begun.
        Target::Memory => 1,
        _ => LEAST,
    };
    assert!(cancelled >= least, "{cancelled} reads were cancelled");
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
    let mut usual = shortest(async || place.put("object", &bodies[0]).await).await;
    let mut random = SmallRng::seed_from_u64(8);
    let mut cancelled = 0;
    for round in 0..puts {
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
        let (began, wait) = (Instant::now(), usual.mul_f64(random.random()));
        match futures::future::select(pin!(put), pin!(moment(wait))).await {
            Either::Left((put, _)) => {
                assert!(put.is_ok(), "{put:?}");
                usual = usual.min(began.elapsed());
            }
            Either::Right(_) => cancelled += 1,
        }

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
    assert!(
        cancelled >= LEAST || place.target == Target::Memory,
        "{cancelled} puts were cancelled"
    );
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

/// Waits more exactly than a timer does, whose tick is longer than some transfers take.
async fn moment(wait: Duration) {
    let began = Instant::now();
    while began.elapsed() < wait {
        tokio::task::yield_now().await;
    }
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
