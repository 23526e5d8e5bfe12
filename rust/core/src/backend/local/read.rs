//! Reads: a range of one version of a file, straight into the destination.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::Local;
use super::blocking::{BLOCK, CACHED_BLOCK, Cancelled};
use super::direct::{Alignment, DirectMode, SCRATCH, WORTH_A_REQUEST};
use super::meta;
use super::open::Access;
use crate::buffer::IoBufMut;
use crate::checksum::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{ByteRange, Destination, ReadOptions, ReadReply};

impl Local {
    pub(super) fn read(
        &self,
        path: &Path,
        range: ByteRange,
        into: Destination,
        options: &ReadOptions,
        cancelled: &Cancelled,
    ) -> Result<(IoBufMut, ReadReply)> {
        let opened = self.open(path, Access::Read)?;
        let before = opened.file.metadata()?;
        meta::require_file(&before)?;
        let etag = meta::etag(&before);
        if options.is_other(Some(&etag)) {
            return Err(Error::new(
                ErrorKind::Precondition,
                "the file was replaced or written to",
            ));
        }
        // A file system that takes direct reads tells sizes.
        if opened.direct.is_none() {
            meta::require_size(&opened.file, &before)?;
        }
        let size = before.len();
        let mut reply = ReadReply {
            size,
            etag: Some(etag),
            attempts: 1,
            ..ReadReply::default()
        };
        let (mut buf, filled) = into.open(range.len_in(size)?, &reply)?;

        let mut reader = Reader {
            file: &opened.file,
            at: range.offset(),
            rest: &mut buf[..filled],
            streamed: options.streamed,
            digest: options.digest(None),
        };
        while !reader.rest.is_empty() {
            cancelled.check()?;
            let got = match (opened.direct, &self.direct) {
                (Some(alignment), Some(mode)) => reader.direct(alignment, mode)?,
                _ => reader.cached()?,
            };
            if got == 0 {
                let detail = format!(
                    "the file was cut to {} of its {size} bytes while it was read",
                    reader.at
                );
                return Err(Error::new(ErrorKind::Integrity, detail));
            }
            options.span.first_byte();
            reader.advance(got);
        }

        // Somebody who writes in place could have mixed two versions.
        let after = meta::etag(&opened.file.metadata()?);
        if reply.etag.as_ref() != Some(&after) {
            return Err(Error::new(
                ErrorKind::Precondition,
                "the file was written to while it was read",
            ));
        }
        reply.taken = reader.digest.and_then(|digest| digest.of_all(filled));
        reply.filled = filled;
        Ok((buf, reply))
    }
}

/// What is still to be read, and where it goes.
struct Reader<'a> {
    file: &'a File,
    at: u64,
    rest: &'a mut [u8],
    /// What this read brings into the page cache is not to stay there.
    streamed: bool,
    /// Of all that was read.
    digest: Option<Digest>,
}

impl Reader<'_> {
    fn advance(&mut self, got: usize) {
        let (done, rest) = std::mem::take(&mut self.rest).split_at_mut(got);
        if let Some(digest) = &mut self.digest {
            digest.update(done);
        }
        self.at += got as u64;
        self.rest = rest;
    }

    /// Through the page cache. Gives the bytes read; 0 at the end of the file.
    fn cached(&mut self) -> Result<usize> {
        let want = self.rest.len().min(CACHED_BLOCK);
        let into = &mut self.rest[..want];
        if self.streamed {
            let passing = ReadWriteFlags::from_bits_retain(libc::RWF_DONTCACHE.cast_unsigned());
            match preadv2(self.file, &mut [IoSliceMut::new(into)], self.at, passing) {
                Err(Errno::INTR) => return self.cached(),
                // Older kernels and some file systems do not know the flag.
                Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => self.streamed = false,
                result => return Ok(result.map_err(io::Error::from)?),
            }
        }
        Ok(read_at(self.file, into, self.at)?)
    }

    /// Past the page cache: whole blocks straight into the destination where its address allows, else through scratch.
    fn direct(&mut self, alignment: Alignment, mode: &DirectMode) -> Result<usize> {
        let gap = alignment.to_next_block(self.at);
        let straight = straight(alignment, self.rest, gap);
        if gap == 0 && straight > 0 {
            let got = excused(self.file, &mut self.rest[..straight], self.at, mode)?;
            // A request cut short leaves off anywhere, but the next one must start at a block.
            return Ok(if got == straight {
                got
            } else {
                alignment.round_down(got)
            });
        }
        let mut scratch = mode.scratch()?;
        let skip = alignment.past_block(self.at);
        let want = if straight > 0 {
            gap
        } else {
            self.rest.len().min(SCRATCH - skip)
        };
        let block = &mut scratch[..alignment.round_up(skip + want)];
        let got = excused(self.file, block, self.at - skip as u64, mode)?;
        let got = got.saturating_sub(skip).min(want);
        self.rest[..got].copy_from_slice(&scratch[skip..skip + got]);
        Ok(got)
    }
}

/// How many bytes after the first `gap` of `rest` one request can take as they lie; 0 if that is not worth it.
fn straight(alignment: Alignment, rest: &[u8], gap: usize) -> usize {
    let Some(body) = rest.get(gap..).filter(|body| alignment.fits_memory(body)) else {
        return 0;
    };
    let whole = alignment.round_down(body.len().min(BLOCK));
    if whole == rest.len() || whole >= WORTH_A_REQUEST {
        whole
    } else {
        0
    }
}

fn excused(file: &File, into: &mut [u8], at: u64, mode: &DirectMode) -> Result<usize> {
    match read_at(file, into, at) {
        Ok(got) => Ok(got),
        Err(cause) => {
            mode.excuse(file, cause)?;
            Ok(read_at(file, into, at)?)
        }
    }
}

fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        match file.read_at(into, at) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
