//! The small steps of every transfer, by the clock: `make bench-micro`.
//!
//! Their times move with the machine; `make bench-guard` counts instructions, which do not.

#![expect(clippy::unwrap_used, reason = "nothing here is made to fail")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use s3dlio::bench::{Codec, read_listing};
use s3dlio::checksum::{Algorithm, Checksum};
use s3dlio::{IoBufMut, Payload, Pool, Uri};

const MIB: usize = 1 << 20;
/// Raw bytes of a frame, and of a part.
const FRAME: usize = 8 * MIB;
/// Keys on a page of a listing.
const KEYS: usize = 1000;

fn buffer(criterion: &mut Criterion) {
    let pool = Arc::new(Pool::default());
    let mut group = criterion.benchmark_group("buffer");
    for (name, len) in [("4 KiB", 4 << 10), ("8 MiB", FRAME)] {
        group.bench_function(format!("take and give back {name}"), |bencher| {
            bencher.iter(|| pool.take(black_box(len)).unwrap());
        });
    }
    group.bench_function("cut in 16 and join", |bencher| {
        bencher.iter(|| {
            let mut rest = pool.take(FRAME).unwrap();
            let mut parts = Vec::with_capacity(16);
            while !rest.is_empty() {
                let next = rest.split_off(FRAME / 16);
                parts.push(std::mem::replace(&mut rest, next));
            }
            let joined = parts.into_iter().reduce(IoBufMut::unsplit);
            joined.unwrap().freeze()
        });
    });
    group.finish();
}

fn crc(criterion: &mut Criterion) {
    let data = weights(MIB);
    let mut group = criterion.benchmark_group("crc");
    for algorithm in [Algorithm::Crc32c, Algorithm::Crc64Nvme] {
        let sum = Checksum::of(algorithm, &data);
        group.throughput(Throughput::Bytes(MIB as u64));
        group.bench_function(format!("{algorithm:?} of 1 MiB"), |bencher| {
            bencher.iter(|| Checksum::of(algorithm, black_box(&data)));
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{algorithm:?} joined"), |bencher| {
            bencher.iter(|| black_box(sum).then(black_box(sum), black_box(MIB as u64)));
        });
    }
    group.finish();
}

fn codec(criterion: &mut Criterion) {
    let raw = Payload::from(weights(FRAME));
    let mut group = criterion.benchmark_group("codec");
    group
        .throughput(Throughput::Bytes(FRAME as u64))
        .sample_size(10);
    for level in [1, 3] {
        let mut codec = Codec::new(level).unwrap();
        let frame = codec.compress(&raw).unwrap();
        group.bench_function(format!("compress at level {level}"), |bencher| {
            bencher.iter(|| codec.compress(black_box(&raw)).unwrap());
        });
        let mut stored = Arc::new(Pool::default()).take(frame.len()).unwrap();
        stored.copy_from_slice(&frame);
        let stored = [stored.freeze()];
        let mut back = vec![0; FRAME];
        group.bench_function(format!("decompress from level {level}"), |bencher| {
            bencher.iter(|| codec.decompress(black_box(&stored), &mut back).unwrap());
        });
    }
    group.finish();
}

fn uri(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("uri");
    for uri in [
        "s3://bucket/train/shard-000001.tar",
        "az://account/container/train/shard-000001.tar",
        "file:///data/train/shard-000001.tar",
    ] {
        let scheme = uri.split(':').next().unwrap();
        group.bench_function(scheme, |bencher| {
            bencher.iter(|| black_box(uri).parse::<Uri>().unwrap());
        });
    }
    group.finish();
}

fn xml(criterion: &mut Criterion) {
    let document = listing();
    let mut group = criterion.benchmark_group("xml");
    group.throughput(Throughput::Elements(KEYS as u64));
    group.bench_function("a page of a listing", |bencher| {
        bencher.iter(|| read_listing(black_box(document.as_bytes())).unwrap());
    });
    group.finish();
}

/// Bytes of small floats that follow no rule, as those of a model.
fn weights(len: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let words = std::iter::repeat_with(|| {
        // Xorshift.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        // Between -0.05 and 0.05.
        (state as f32 / u32::MAX as f32 - 0.5) * 0.1
    });
    words.take(len / 4).flat_map(f32::to_le_bytes).collect()
}

/// A page as S3 answers it.
fn listing() -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</Name>\
         <Prefix>train/</Prefix><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>\
         <IsTruncated>false</IsTruncated>",
    );
    for number in 0..KEYS {
        xml.push_str(&format!(
            "<Contents><Key>train/shard-{number:06}.tar</Key>\
             <LastModified>2026-01-02T03:04:05.000Z</LastModified>\
             <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>8388608</Size>\
             <StorageClass>STANDARD</StorageClass></Contents>"
        ));
    }
    xml.push_str("</ListBucketResult>");
    xml
}

/// A minute for all of them.
fn short() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = micro;
    config = short();
    targets = buffer, crc, codec, uri, xml
}
criterion_main!(micro);
