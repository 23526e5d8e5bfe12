//! What both modes of the store promise, on real files.

mod copies;
mod denied;
mod direct;
mod directories;
mod lasting;
mod listing;
mod reads;
mod uploads;
mod writes;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::fs::{CWD, FileType, Mode};
use tempfile::TempDir;

use super::direct::DirectMode;
use super::open::Access;
use super::path::is_temporary;
use super::store::LocalStore;
use super::{Local, blocking, upload};
use crate::buffer::{IoBufMut, Pool};
use crate::error::Result;
use crate::payload::Payload;
use crate::store::Store;
use crate::types::{ByteRange, Destination, ReadOptions, ReadReply, WriteOptions};
use crate::uri::{Key, Scheme};

/// A store and a directory of its own.
struct Place {
    store: LocalStore,
    base: PathBuf,
    _dir: TempDir,
}

impl Place {
    fn file() -> Self {
        Place::with(Scheme::File, None)
    }

    /// Strict where it can be, so that a request which is not aligned shows.
    fn direct() -> Self {
        let strict = Place::lenient().takes_direct();
        Place::with(Scheme::Direct, Some(DirectMode::new(strict)))
    }

    /// Falls back to the page cache.
    fn lenient() -> Self {
        Place::with(Scheme::Direct, Some(DirectMode::new(false)))
    }

    /// Whether files of this place can be read and written past the page cache.
    fn takes_direct(&self) -> bool {
        let probe = self.path("probe");
        let mode = DirectMode::new(false);
        let takes = mode.open(&probe, Access::Create).unwrap().direct.is_some();
        fs::remove_file(probe).unwrap();
        if !takes {
            println!("skipped: {} has no O_DIRECT", self.base.display());
        }
        takes
    }

    /// One of each mode.
    fn both() -> [Self; 2] {
        [Place::file(), Place::direct()]
    }

    fn with(scheme: Scheme, direct: Option<DirectMode>) -> Self {
        Place::within(tempfile::tempdir().unwrap(), scheme, direct)
    }

    fn within(dir: TempDir, scheme: Scheme, direct: Option<DirectMode>) -> Self {
        let store = LocalStore::new(scheme, Local::new(true, direct));
        Place {
            store,
            base: dir.path().to_owned(),
            _dir: dir,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    fn key(&self, name: &str) -> Key {
        Key::new(self.path(name).to_str().unwrap().trim_start_matches('/'))
    }

    /// The directory as a prefix.
    fn prefix(&self) -> Key {
        self.key("")
    }

    async fn put(&self, name: &str, body: impl Into<Payload>) -> Result<String> {
        let reply = self
            .store
            .write(&self.key(name), &body.into(), &WriteOptions::default())
            .await?;
        Ok(reply.etag.unwrap())
    }

    async fn read(
        &self,
        name: &str,
        range: ByteRange,
        into: Destination,
    ) -> Result<(IoBufMut, ReadReply)> {
        self.store
            .read(&self.key(name), range, into, &ReadOptions::default())
            .await
    }

    async fn get(&self, name: &str, range: ByteRange) -> Result<Vec<u8>> {
        let into = Destination::Allocate {
            pool: Arc::default(),
            window: u64::MAX,
        };
        let (buf, reply) = self.read(name, range, into).await?;
        assert_eq!(reply.filled, buf.len());
        Ok(buf.to_vec())
    }

    fn temporaries(&self) -> usize {
        temporaries(&self.base)
    }

    /// Makes a FIFO and tells its inode.
    fn node(&self, name: &str) -> u64 {
        let (path, mode) = (self.path(name), Mode::RUSR | Mode::WUSR);
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, mode, 0).unwrap();
        fs::symlink_metadata(path).unwrap().ino()
    }
}

fn temporaries(dir: &Path) -> usize {
    fs::read_dir(dir)
        .unwrap()
        .filter(|entry| is_temporary(entry.as_ref().unwrap().file_name().to_str().unwrap()))
        .count()
}

/// Bytes that differ from block to block.
fn data(len: usize) -> Bytes {
    (0..len as u64)
        .map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8)
        .collect::<Vec<_>>()
        .into()
}

/// The same bytes at an address that ends in `shift`.
fn shifted(bytes: &[u8], shift: usize) -> Bytes {
    let mut memory = Arc::new(Pool::default()).take(bytes.len() + 8192).unwrap();
    let mut memory = memory.split_off(shift);
    memory[..bytes.len()].copy_from_slice(bytes);
    memory.truncate(bytes.len());
    memory.freeze().into_bytes()
}

/// Waits for something that another thread does.
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "still not after a minute: {what}"
        );
        std::thread::yield_now();
    }
}
