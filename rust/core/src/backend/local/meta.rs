//! What the file system tells about a file, as an object's properties.

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};

use crate::error::{Error, ErrorKind, Result};
use crate::types::{Entry, ObjectMeta};

/// Changes whenever the file is replaced, written or cut: `"<inode>-<mtime ns>-<size>"`.
pub(super) fn etag(meta: &Metadata) -> String {
    let modified = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
    format!("\"{}-{modified}-{}\"", meta.ino(), meta.len())
}

pub(super) fn object(meta: &Metadata) -> ObjectMeta {
    ObjectMeta {
        size: meta.len(),
        last_modified: meta.modified().ok(),
        etag: Some(etag(meta)),
        ..ObjectMeta::default()
    }
}

pub(super) fn entry(key: String, meta: &Metadata) -> Entry {
    Entry {
        key,
        size: meta.len(),
        etag: Some(etag(meta)),
        last_modified: meta.modified().ok(),
    }
}

/// Only regular files are objects; a directory or a device at the key is none.
pub(super) fn require_file(meta: &Metadata) -> Result<()> {
    if meta.is_file() {
        return Ok(());
    }
    let what = if meta.is_dir() {
        "a directory"
    } else {
        "not a regular file"
    };
    Err(Error::new(
        ErrorKind::NotFound,
        format!("the path is {what}, so there is no object"),
    ))
}

/// Refuses a file that tells a size of 0 and has bytes, as those of `/proc` do: all that counts on sizes would take it for
/// empty. `meta` is that of `file`, which must allow reads of single bytes.
pub(super) fn require_size(file: &File, meta: &Metadata) -> Result<()> {
    // One that somebody begins to write has changed, which others tell.
    if meta.len() > 0 || file.read_at(&mut [0], 0)? == 0 || file.metadata()?.len() > 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        "the file tells a size of 0 and has bytes, as files of /proc do",
    ))
}
