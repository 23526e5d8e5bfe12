//! Uploads in parts: each part is written at its place in one temporary file, which then gets its name.

use std::fs;
use std::path::{Path, PathBuf};

use super::blocking::Cancelled;
use super::open::{Access, Opened};
use super::write::{Publish, Temporary};
use super::{Local, path};
use crate::checksum::{Algorithm, Checksum};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::types::{Part, UploadId, WriteReply};

/// The file of an upload. The id comes from outside, so it must not lead to another file.
pub(super) fn file(target: &Path, upload: &UploadId) -> Result<PathBuf> {
    if !path::is_temporary(&upload.id) || upload.id.contains(['/', '\0']) {
        return Err(Error::invalid(format!("{:?} names no upload", upload.id)));
    }
    Ok(path::parent(target).join(&upload.id))
}

impl Local {
    pub(super) fn start_upload(
        &self,
        target: &Path,
        part_size: u64,
        if_none_match: bool,
    ) -> Result<Temporary> {
        let (temporary, opened) = self.stage(target, if_none_match)?;
        if let (Some(alignment), Some(mode)) = (opened.direct, &self.direct)
            && !alignment.fits_offset(part_size)
        {
            mode.refuse(&format!(
                "parts of {part_size} bytes do not start at whole blocks"
            ))?;
        }
        Ok(temporary)
    }

    pub(super) fn put_part(
        &self,
        file: &Path,
        part_size: u64,
        number: u32,
        body: &Payload,
        cancelled: &Cancelled,
    ) -> Result<Part> {
        let place = u64::from(number)
            .checked_sub(1)
            .and_then(|before| before.checked_mul(part_size));
        let Some(offset) = place.filter(|_| body.len() <= part_size) else {
            return Err(Error::invalid(format!(
                "part {number} of {} bytes has no place in an upload with parts of {part_size}",
                body.len()
            )));
        };
        let mut opened = self.open(file, Access::Write).map_err(unknown)?;
        if opened
            .direct
            .is_some_and(|alignment| !alignment.fits_offset(part_size))
        {
            // The padding of one part would overwrite the next one.
            opened = Opened {
                file: Access::Write.open(file, 0)?,
                direct: None,
            };
        }
        let checksum = self.write_body(&opened, offset, body, cancelled)?;
        Ok(Part {
            number,
            size: body.len(),
            etag: None,
            checksum: Some(checksum),
        })
    }

    pub(super) fn finish_upload(
        &self,
        file: PathBuf,
        target: &Path,
        part_size: u64,
        parts: &[Part],
        if_none_match: bool,
        cancelled: &Cancelled,
    ) -> Result<WriteReply> {
        let (size, checksum) = joined(parts, part_size)?;
        // Its own open without O_DIRECT: nothing is written any more.
        let held = Access::Write
            .open(&file, 0)
            .map_err(|cause| unknown(cause.into()))?;
        // Where this fails or is given up, the parts stay: the upload may be finished later, or aborted.
        let temporary = Temporary::of_upload(file);
        let written = held.metadata()?.len();
        if written < size {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!("the parts have {size} bytes, the file holds {written}"),
            ));
        }
        held.set_len(size)?;
        let publish = Publish {
            if_none_match,
            checksum,
            cancelled,
        };
        self.publish(temporary, &held, target, publish)
    }

    pub(super) fn abort_upload(file: &Path) -> Result<()> {
        match fs::remove_file(file) {
            Err(cause) if super::errors::is_gone(&cause) => Ok(()),
            result => Ok(result?),
        }
    }
}

/// Size and checksum of all parts, which must be numbered from 1 without a gap and be whole but for the last.
fn joined(parts: &[Part], part_size: u64) -> Result<(u64, Option<Checksum>)> {
    let mut size = 0;
    let mut checksum = Some(Checksum::of(Algorithm::Crc32c, &[]));
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        if part.number as usize != index + 1
            || part.size > part_size
            || (part.size < part_size && !last)
        {
            return Err(Error::invalid(format!(
                "part {} of {} bytes cannot be number {} of {} parts of {part_size} bytes",
                part.number,
                part.size,
                index + 1,
                parts.len()
            )));
        }
        size += part.size;
        checksum = match (checksum, part.checksum) {
            (Some(before), Some(next)) => Some(before.then(next, part.size)),
            _ => None,
        };
    }
    Ok((size, checksum))
}

fn unknown(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => error.with_code("NoSuchUpload"),
        _ => error,
    }
}
