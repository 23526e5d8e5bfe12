//! Copies of files by the kernel: blocks are shared where the file system can, and moved without a visit here otherwise.

use std::fs::{File, Metadata};
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
        let from = Access::Read.open(source, 0).map_err(errors::of_lookup)?;
        let found = from.metadata().map_err(errors::at(source))?;
        meta::require_file(&found)?;
        same(&found, etag)?;
        let (temporary, opened) = self.stage(target, false)?;
        copy_bytes(&from, &opened.file, cancelled)?;
        // Somebody may have written into it meanwhile.
        same(&from.metadata().map_err(errors::at(source))?, etag)?;
        let publish = Publish {
            if_none_match: false,
            checksum: None,
            cancelled,
        };
        self.publish(temporary, &opened.file, target, publish)
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

fn same(found: &Metadata, etag: Option<&str>) -> Result<()> {
    if etag.is_some_and(|etag| etag != meta::etag(found)) {
        return Err(Error::new(ErrorKind::Precondition, "the file has changed"));
    }
    Ok(())
}
