use std::io::IoSliceMut;

use rustix::io::{Errno, ReadWriteFlags};

use super::*;
use crate::error::ErrorKind;

/// Whether the page cache holds the start of a file. Asking may fill it, so ask once.
fn is_cached(path: &Path) -> bool {
    let file = fs::File::open(path).unwrap();
    let mut block = [0u8; 512];
    let now = ReadWriteFlags::NOWAIT;
    match rustix::io::preadv2(&file, &mut [IoSliceMut::new(&mut block)], 0, now) {
        Ok(_) => true,
        Err(Errno::AGAIN) => false,
        Err(other) => panic!("{other}"),
    }
}

fn in_memory(strict: bool) -> Option<Place> {
    match tempfile::tempdir_in("/dev/shm") {
        Ok(dir) => Some(Place::within(
            dir,
            Scheme::Direct,
            Some(DirectMode::new(strict)),
        )),
        Err(error) => {
            println!("skipped: no /dev/shm: {error}");
            None
        }
    }
}

#[tokio::test]
async fn the_page_cache_is_left_alone() {
    let (cached, direct) = (Place::file(), Place::direct());
    if !direct.takes_direct() {
        return;
    }
    let bytes = data((2 << 20) + 5);

    cached.put("f", bytes.clone()).await.unwrap();
    direct.put("written", bytes.clone()).await.unwrap();
    direct.put("read", bytes.clone()).await.unwrap();
    assert_eq!(direct.get("read", ByteRange::Whole).await.unwrap(), bytes);

    assert!(is_cached(&cached.path("f")));
    assert!(!is_cached(&direct.path("written")));
    assert!(!is_cached(&direct.path("read")));
}

#[tokio::test]
async fn any_range_reaches_memory_at_any_address() {
    let place = Place::direct();
    let all = data((3 << 20) + 777);
    place.put("f", all.clone()).await.unwrap();
    let pool: Arc<Pool> = Arc::default();
    for offset in [0, 1, 100, 512, 4096, 4097, (1 << 20) - 1] {
        for len in [
            1,
            512,
            4096,
            200_000,
            256 << 10,
            (256 << 10) + 1,
            1 << 20,
            (2 << 20) + 3,
            3 << 20,
        ] {
            for shift in [0, 4, 64, 412, 512, 4095] {
                let mut block = pool.take(len + 8192).unwrap();
                block.fill(0xEE);
                let mut into = block.split_off(shift);
                let after = into.split_off(len);
                let range = ByteRange::Bounded {
                    offset,
                    len: len as u64,
                };
                let into = Destination::Fill(into);

                let (got, reply) = place.read("f", range, into).await.unwrap();

                let expected = &all[offset as usize..all.len().min(offset as usize + len)];
                assert_eq!(reply.filled, expected.len());
                assert!(
                    got[..reply.filled] == *expected,
                    "{len} bytes from {offset} to {shift}"
                );
                assert!(
                    block
                        .iter()
                        .chain(&got[reply.filled..])
                        .chain(&*after)
                        .all(|byte| *byte == 0xEE)
                );
            }
        }
    }
}

#[tokio::test]
async fn files_in_memory_go_through_the_cache() {
    let Some(place) = in_memory(false) else {
        return;
    };
    for len in [0, 1, 4096, (1 << 20) + 1] {
        place.put("f", data(len)).await.unwrap();
        assert_eq!(place.get("f", ByteRange::Whole).await.unwrap(), data(len));
    }
    assert_eq!(place.temporaries(), 0);
}

#[tokio::test]
async fn strict_refuses_files_in_memory() {
    let Some(place) = in_memory(true) else { return };
    fs::write(place.path("f"), b"old").unwrap();

    let put = place.put("f", data(10)).await.unwrap_err();
    let get = place.get("f", ByteRange::Whole).await.unwrap_err();

    assert_eq!(
        (put.kind(), get.kind()),
        (ErrorKind::Unsupported, ErrorKind::Unsupported)
    );
    assert_eq!(fs::read(place.path("f")).unwrap(), b"old");
    assert_eq!(place.temporaries(), 0);
    let missing = place.get("missing", ByteRange::Whole).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn strict_refuses_parts_that_are_no_blocks() {
    let place = Place::with(Scheme::Direct, Some(DirectMode::new(true)));
    if !place.takes_direct() {
        return;
    }

    let upload = place
        .store
        .start_upload(&place.key("f"), 5_000_001, &WriteOptions::default())
        .await;

    assert_eq!(upload.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(place.temporaries(), 0);
}

#[tokio::test]
async fn a_request_that_the_file_system_refuses_is_tried_through_the_cache() {
    let refusal = || std::io::Error::from_raw_os_error(libc::EINVAL);
    let place = Place::direct();
    if !place.takes_direct() {
        return;
    }
    place.put("f", data(1)).await.unwrap();
    for strict in [false, true] {
        let mode = DirectMode::new(strict);
        let opened = mode.open(&place.path("f"), Access::Read).unwrap();

        let other = mode.excuse(&opened.file, std::io::Error::from_raw_os_error(libc::EIO));
        assert_eq!(other.unwrap_err().errno(), Some(libc::EIO));
        let first = mode.excuse(&opened.file, refusal());
        assert_eq!(
            first.err().map(|error| error.kind()),
            strict.then_some(ErrorKind::Unsupported)
        );
        if !strict {
            let flags = rustix::fs::fcntl_getfl(&opened.file).unwrap();
            assert!(!flags.contains(rustix::fs::OFlags::DIRECT));
            // It was not the flag, so the error stands.
            assert!(mode.excuse(&opened.file, refusal()).is_err());
        }
    }
}
