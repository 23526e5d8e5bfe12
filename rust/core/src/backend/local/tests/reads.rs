use std::io::IoSliceMut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use rustix::fs::Advice;
use rustix::io::{ReadWriteFlags, preadv2};

use super::*;
use crate::checksum::{Algorithm, Checksum};
use crate::error::ErrorKind;

#[tokio::test]
async fn every_range_gives_its_bytes() {
    for place in Place::both() {
        let all = data(3 * 4096 + 17);
        let size = all.len() as u64;
        place.put("f", all.clone()).await.unwrap();
        for offset in [0, 1, 511, 512, 4095, 4096, 4097, 8192, size - 1] {
            let tail = &all[offset as usize..];
            assert_eq!(place.get("f", ByteRange::From(offset)).await.unwrap(), tail);
            for len in [1, 2, 511, 512, 513, 4096, 8192, size, u64::MAX] {
                let got = place
                    .get("f", ByteRange::Bounded { offset, len })
                    .await
                    .unwrap();
                assert_eq!(
                    got,
                    tail[..tail.len().min(len.min(size) as usize)],
                    "{len} bytes from {offset}"
                );
            }
        }
        assert_eq!(place.get("f", ByteRange::Whole).await.unwrap(), all);
    }
}

#[tokio::test]
async fn a_range_past_the_end_is_invalid() {
    for place in Place::both() {
        place.put("empty", Bytes::new()).await.unwrap();
        place.put("f", data(10)).await.unwrap();

        assert_eq!(place.get("empty", ByteRange::Whole).await.unwrap(), b"");
        assert_eq!(place.get("empty", ByteRange::From(0)).await.unwrap(), b"");
        for (name, offset) in [("empty", 1), ("f", 10), ("f", 11)] {
            let error = place.get(name, ByteRange::From(offset)).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.code()),
                (ErrorKind::InvalidInput, Some("InvalidRange"))
            );
        }
    }
}

#[tokio::test]
async fn a_checksum_is_taken_of_just_what_is_read() {
    for place in Place::both() {
        // More than one call reads, and blocks that are cut on both sides.
        let all = data((9 << 20) + 17);
        let key = place.key("f");
        place.put("f", all.clone()).await.unwrap();
        let options = ReadOptions {
            algorithm: Some(Algorithm::Crc32c),
            ..ReadOptions::default()
        };
        for (offset, len) in [(0, all.len()), (0, 1), (4096, 1 << 20), (513, 3 << 20)] {
            let range = ByteRange::Bounded {
                offset: offset as u64,
                len: len as u64,
            };
            let into = Destination::Allocate {
                pool: Arc::default(),
                window: u64::MAX,
            };

            let (_, reply) = place.store.read(&key, range, into, &options).await.unwrap();

            let expected = Checksum::of(Algorithm::Crc32c, &all[offset..][..len]);
            assert_eq!(reply.taken, Some(expected), "{len} bytes from {offset}");
        }
    }
}

#[tokio::test]
async fn a_read_fills_its_window_and_leaves_the_rest_alone() {
    for place in Place::both() {
        let all = data(10_000);
        place.put("f", all.clone()).await.unwrap();
        let pool: Arc<Pool> = Arc::default();

        let into = Destination::Allocate {
            pool: pool.clone(),
            window: 6000,
        };
        let (buf, reply) = place.read("f", ByteRange::Whole, into).await.unwrap();
        assert_eq!(
            (buf.len(), reply.filled, reply.size),
            (10_000, 6000, 10_000)
        );
        assert_eq!(buf[..6000], all[..6000]);

        let mut longer = pool.take(10_100).unwrap();
        longer.fill(0xEE);
        let into = Destination::Fill(longer);
        let (buf, reply) = place.read("f", ByteRange::Whole, into).await.unwrap();
        assert_eq!((buf.len(), reply.filled), (10_100, 10_000));
        assert_eq!(buf[..10_000], all);
        assert!(buf[10_000..].iter().all(|byte| *byte == 0xEE));
    }
}

#[tokio::test]
async fn a_streamed_read_leaves_the_page_cache_as_it_was() {
    let place = Place::file();
    let all = data(3 << 20);
    place.put("f", all.clone()).await.unwrap();
    let file = fs::File::open(place.path("f")).unwrap();
    let forget = || rustix::fs::fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    let holds = |flags: ReadWriteFlags| {
        let mut byte = [0];
        preadv2(&file, &mut [IoSliceMut::new(&mut byte)], 4096, flags).is_ok()
    };
    let is_cached = || holds(ReadWriteFlags::NOWAIT);
    forget();
    if is_cached() || !holds(ReadWriteFlags::from_bits_retain(0x80)) {
        println!(
            "skipped: {} keeps no page cache of its own, or this kernel reads nothing past it",
            place.base.display()
        );
        return;
    }

    for (streamed, stays) in [(true, false), (false, true)] {
        forget();
        let options = ReadOptions {
            streamed,
            ..ReadOptions::default()
        };
        let into = Destination::Allocate {
            pool: Arc::default(),
            window: u64::MAX,
        };
        let key = place.key("f");
        let read = place.store.read(&key, ByteRange::Whole, into, &options);
        assert_eq!(read.await.unwrap().0[..], all);

        assert_eq!(is_cached(), stays, "streamed: {streamed}");
    }
}

#[tokio::test]
async fn a_replaced_file_fails_its_condition() {
    for place in Place::both() {
        let first = place.put("f", data(10)).await.unwrap();
        assert_eq!(
            place.store.stat(&place.key("f")).await.unwrap().etag,
            Some(first.clone())
        );
        let second = place.put("f", data(10)).await.unwrap();
        assert_ne!(first, second);

        let read = async |etag: &str| {
            let options = ReadOptions {
                if_match: Some(etag.to_owned()),
                ..ReadOptions::default()
            };
            let into = Destination::Allocate {
                pool: Arc::default(),
                window: u64::MAX,
            };
            place
                .store
                .read(&place.key("f"), ByteRange::Whole, into, &options)
                .await
        };
        assert_eq!(
            read(&first).await.unwrap_err().kind(),
            ErrorKind::Precondition
        );
        assert_eq!(read(&second).await.unwrap().1.etag, Some(second));
    }
}

#[tokio::test]
async fn what_is_no_regular_file_is_not_found() {
    for place in Place::both() {
        fs::create_dir(place.path("dir")).unwrap();
        place.put("f", data(10)).await.unwrap();
        let pipe = place.path("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        std::os::unix::fs::symlink("nowhere", place.path("broken")).unwrap();

        for name in ["missing", "dir", "f/below", "pipe", "broken", "no/such/dir"] {
            let get = place.get(name, ByteRange::Whole).await.unwrap_err();
            assert_eq!(get.kind(), ErrorKind::NotFound, "get {name}: {get}");
            let stat = place.store.stat(&place.key(name)).await.unwrap_err();
            assert_eq!(stat.kind(), ErrorKind::NotFound, "stat {name}: {stat}");
        }
    }
}

#[tokio::test]
async fn a_symlink_reads_as_its_target() {
    for place in Place::both() {
        place.put("f", data(5000)).await.unwrap();
        std::os::unix::fs::symlink("f", place.path("link")).unwrap();

        assert_eq!(
            place.get("link", ByteRange::Whole).await.unwrap(),
            data(5000)
        );
        assert_eq!(
            place.store.stat(&place.key("link")).await.unwrap().size,
            5000
        );
    }
}

#[tokio::test]
async fn an_abandoned_read_gives_its_memory_back() {
    const SIZE: usize = 64 << 20;
    for place in Place::both() {
        fs::File::create(place.path("f"))
            .unwrap()
            .set_len(SIZE as u64)
            .unwrap();
        let pool: Arc<Pool> = Arc::default();
        let into = Destination::Fill(pool.take(SIZE).unwrap());
        let (key, options) = (place.key("f"), ReadOptions::default());

        let mut read = place.store.read(&key, ByteRange::Whole, into, &options);
        assert!(futures::poll!(&mut read).is_pending());
        drop(read);

        wait_until("the block is idle", || pool.retained() >= SIZE);
    }
}

#[tokio::test]
async fn the_first_byte_is_told() {
    for place in Place::both() {
        place.put("f", data(10)).await.unwrap();
        let options = ReadOptions {
            span: crate::span::Span::start(),
            ..ReadOptions::default()
        };
        let into = Destination::Allocate {
            pool: Arc::default(),
            window: u64::MAX,
        };

        place
            .store
            .read(&place.key("f"), ByteRange::Whole, into, &options)
            .await
            .unwrap();

        assert!(options.span.time_to_first_byte().is_some());
    }
}

#[tokio::test]
async fn a_file_shorter_than_it_says_is_damaged() {
    // The kernel says 4096 bytes and gives a line; a file that is cut while it is read looks the same.
    let file = "sys/kernel/mm/transparent_hugepage/enabled";
    if !Path::new("/").join(file).exists() {
        println!("skipped: no /{file}");
        return;
    }
    for place in [Place::file(), Place::lenient()] {
        let into = Destination::Allocate {
            pool: Arc::default(),
            window: u64::MAX,
        };
        let (key, options) = (Key::new(file), ReadOptions::default());

        let read = place.store.read(&key, ByteRange::Whole, into, &options);

        assert_eq!(read.await.unwrap_err().kind(), ErrorKind::Integrity);
    }
}

/// Stops the other thread also when this one panics.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_file_written_to_meanwhile_is_not_given() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for place in Place::both() {
        let file = fs::File::create(place.path("f")).unwrap();
        file.set_len(32 << 20).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut time = SystemTime::UNIX_EPOCH;
                while !done.load(Ordering::Relaxed) {
                    time += Duration::from_secs(1);
                    file.set_modified(time).unwrap();
                }
            });
            let _stop = SetOnDrop(&done);
            // Reads that the writer happened not to meet are right.
            wait_until("a read meets the writer", || {
                match runtime.block_on(place.get("f", ByteRange::Whole)) {
                    Ok(_) => false,
                    Err(error) => error.kind() == ErrorKind::Precondition,
                }
            });
        });
    }
}

#[tokio::test]
async fn a_file_that_tells_no_size_and_has_bytes_is_refused() {
    let key = Key::new("proc/cpuinfo");
    for place in [Place::file(), Place::lenient()] {
        assert_eq!(place.store.stat(&key).await.unwrap().size, 0);
        for range in [ByteRange::Whole, ByteRange::From(100)] {
            let into = Destination::Allocate {
                pool: Arc::new(Pool::default()),
                window: u64::MAX,
            };
            let options = ReadOptions::default();

            let read = place.store.read(&key, range, into, &options).await;

            let error = read.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }
}
