//! Copies of files by the kernel: blocks are shared where the file system can, and moved without a visit here otherwise.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::blocking::{BLOCK, Cancelled};
use super::open::Access;
use super::write::Publish;
use super::{Local, errors, meta};
use crate::error::{Error, ErrorKind, Result};
use crate::types::WriteReply;

impl Local {
    /// Copies the file that has this etag, as atomically as any other write.
    pub(super) fn copy(
        &self,
        source: &Path,
        etag: Option<&str>,
        target: &Path,
        cancelled: &Cancelled,
    ) -> Result<WriteReply> {
        let (unread, unwritten) = (errors::cannot_read(source), errors::cannot_write(target));
        let from = open(source, etag).map_err(&unread)?;
        let (temporary, opened) = self.stage(target, false).map_err(&unwritten)?;
        // The kernel does not say which of them it was.
        copy_bytes(&from, &opened.file, cancelled)?;
        // Somebody may have written into it meanwhile.
        same(&from, etag).map_err(&unread)?;
        let publish = Publish {
            if_none_match: false,
            checksum: None,
            cancelled,
        };
        self.publish(temporary, &opened.file, target, publish)
            .map_err(&unwritten)
    }
}

/// `io::copy` between files is `copy_file_range` where that works, and reads and writes where it does not.
fn copy_bytes(from: &File, mut to: &File, cancelled: &Cancelled) -> Result<()> {
    loop {
        cancelled.check()?;
        if io::copy(&mut from.take(BLOCK as u64), &mut to)? == 0 {
            return Ok(());
        }
    }
}

fn open(source: &Path, etag: Option<&str>) -> Result<File> {
    let from = Access::Read.open(source, 0).map_err(errors::of_lookup)?;
    let found = from.metadata()?;
    meta::require_file(&found)?;
    meta::require_size(&from, &found)?;
    same(&from, etag)?;
    Ok(from)
}

fn same(file: &File, etag: Option<&str>) -> Result<()> {
    let found = file.metadata()?;
    if etag.is_some_and(|etag| etag != meta::etag(&found)) {
        return Err(Error::new(ErrorKind::Precondition, "the file has changed"));
    }
    Ok(())
}
