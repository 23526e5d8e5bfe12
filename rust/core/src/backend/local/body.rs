//! Puts a payload into an open file, piece by piece from the caller's memory, and takes its checksum on the way.

use std::fs::File;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use super::Local;
use super::blocking::{BLOCK, CACHED_BLOCK, Cancelled};
use super::direct::{Alignment, DirectMode, SCRATCH, WORTH_A_REQUEST};
use super::open::Opened;
use crate::buffer::IoBufMut;
use crate::checksum::{Algorithm, Checksum, Crc32c};
use crate::error::Result;
use crate::payload::Payload;

/// Bytes that stay in a core's nearer cache between their copy and their checksum.
const COPIED: usize = 128 << 10;
/// Requests of one run that may end before their first block has been written.
const MAX_STALLS: u32 = 16;
/// Pieces that one `pwritev` takes.
const MAX_PIECES: usize = 1024;

impl Local {
    /// Writes `body` from `offset` on, and gives its CRC-32C. With `O_DIRECT` the last block is padded: the caller cuts
    /// the file to its length.
    pub(super) fn write_body(
        &self,
        to: &Opened,
        offset: u64,
        body: &Payload,
        cancelled: &Cancelled,
    ) -> Result<Checksum> {
        let mut blocks = Blocks::of(body);
        let crc = if let (Some(alignment), Some(mode)) = (to.direct, &self.direct) {
            let mut writer = DirectWriter {
                file: &to.file,
                alignment,
                mode,
                at: offset,
                scratch: None,
                held: 0,
                crc: Crc32c::default(),
            };
            while let Some(block) = blocks.next(BLOCK) {
                cancelled.check()?;
                for piece in block {
                    writer.push(&piece)?;
                }
            }
            writer.finish()?
        } else {
            let (mut at, mut crc, mut begun) = (offset, Crc32c::default(), offset);
            while let Some(mut block) = blocks.next(CACHED_BLOCK) {
                cancelled.check()?;
                for piece in &block {
                    crc.update(piece);
                }
                at = write_pieces(&to.file, &mut block, at)?;
                if self.durable && at - begun >= BLOCK as u64 {
                    start_writeback(&to.file, begun..at);
                    begun = at;
                }
            }
            crc
        };
        Ok(Checksum {
            algorithm: Algorithm::Crc32c,
            value: u64::from(crc.value()),
        })
    }
}

/// A payload in runs of bounded length.
struct Blocks<'a> {
    pieces: &'a [bytes::Bytes],
    /// Of the first piece, already given.
    given: usize,
}

impl<'a> Blocks<'a> {
    fn of(body: &'a Payload) -> Self {
        Blocks {
            pieces: body.pieces(),
            given: 0,
        }
    }

    fn next(&mut self, limit: usize) -> Option<Vec<IoSlice<'a>>> {
        let mut block = Vec::new();
        let mut room = limit;
        while room > 0
            && block.len() < MAX_PIECES
            && let Some(piece) = self.pieces.first()
        {
            let rest = &piece[self.given..];
            let take = rest.len().min(room);
            block.push(IoSlice::new(&rest[..take]));
            room -= take;
            self.given += take;
            if take == rest.len() {
                self.pieces = &self.pieces[1..];
                self.given = 0;
            }
        }
        (!block.is_empty()).then_some(block)
    }
}

/// Writes all pieces from `at` on, and gives where they end.
fn write_pieces(file: &File, mut pieces: &mut [IoSlice<'_>], mut at: u64) -> io::Result<u64> {
    while !pieces.is_empty() {
        match rustix::io::pwritev(file, pieces, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(put) => {
                at += put as u64;
                IoSlice::advance_slices(&mut pieces, put);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(cause) => return Err(cause.into()),
        }
    }
    Ok(at)
}

/// Lets the disk begin, so that the sync at the end finds little left to wait for. It neither waits itself nor takes an
/// error away from that sync.
#[expect(unsafe_code, reason = "no crate of ours wraps the call")]
fn start_writeback(file: &File, range: Range<u64>) {
    let start = range.start.cast_signed();
    let len = (range.end - range.start).cast_signed();
    // SAFETY: the call takes numbers only, and the descriptor is open.
    unsafe { libc::sync_file_range(file.as_raw_fd(), start, len, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Writes whole blocks past the page cache: from the caller's memory where its address allows, else through scratch.
struct DirectWriter<'a> {
    file: &'a File,
    alignment: Alignment,
    mode: &'a DirectMode,
    /// Where the next request goes; always the start of a block.
    at: u64,
    scratch: Option<IoBufMut>,
    /// Bytes in `scratch`, to be written at `at`.
    held: usize,
    /// Of all that was pushed.
    crc: Crc32c,
}

impl DirectWriter<'_> {
    fn push(&mut self, mut piece: &[u8]) -> Result<()> {
        while !piece.is_empty() {
            let gap = self.alignment.to_next_block(self.held as u64);
            let straight = self.straight(piece, gap);
            if straight == 0 {
                piece = self.hold(piece, SCRATCH)?;
                continue;
            }
            let body = self.hold(piece, self.held + gap)?;
            self.flush()?;
            let (body, rest) = body.split_at(straight);
            self.crc.update(body);
            self.write(body)?;
            piece = rest;
        }
        Ok(())
    }

    /// Writes what is held, its last block padded with zeros.
    fn finish(mut self) -> Result<Crc32c> {
        let padded = self.alignment.round_up(self.held);
        if let Some(scratch) = &mut self.scratch {
            scratch[self.held..padded].fill(0);
        }
        self.held = padded;
        self.flush()?;
        Ok(self.crc)
    }

    /// How many bytes after the first `gap` of `piece` can be written as they lie; 0 if that is not worth a request.
    fn straight(&self, piece: &[u8], gap: usize) -> usize {
        let Some(body) = piece
            .get(gap..)
            .filter(|body| self.alignment.fits_memory(body))
        else {
            return 0;
        };
        let whole = self.alignment.round_down(body.len());
        if whole >= WORTH_A_REQUEST { whole } else { 0 }
    }

    /// Copies from `piece` until `limit` bytes are held, and gives what is left of it. Full scratch is written.
    fn hold<'p>(&mut self, piece: &'p [u8], limit: usize) -> Result<&'p [u8]> {
        let (now, later) = piece.split_at(piece.len().min(limit - self.held));
        if now.is_empty() {
            return Ok(later);
        }
        let scratch = match &mut self.scratch {
            Some(scratch) => scratch,
            None => self.scratch.insert(self.mode.scratch()?),
        };
        for bytes in now.chunks(COPIED) {
            let copy = &mut scratch[self.held..self.held + bytes.len()];
            copy.copy_from_slice(bytes);
            self.crc.update(copy);
            self.held += bytes.len();
        }
        if self.held == SCRATCH {
            self.flush()?;
        }
        Ok(later)
    }

    fn flush(&mut self) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        let Some(scratch) = self.scratch.take() else {
            return Ok(());
        };
        self.write(&scratch[..held])?;
        self.scratch = Some(scratch);
        Ok(())
    }

    /// Whole blocks at an aligned address.
    fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        let mut stalls = 0;
        while !bytes.is_empty() {
            let put = match self.file.write_at(bytes, self.at) {
                // A request cut short leaves off anywhere, but the next one must start at a block.
                Ok(put) if put < self.alignment.round_up(1) => {
                    stalls += 1;
                    if stalls > MAX_STALLS {
                        return Err(io::Error::from(io::ErrorKind::WriteZero).into());
                    }
                    0
                }
                Ok(put) => self.alignment.round_down(put),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => 0,
                Err(cause) => {
                    self.mode.excuse(self.file, cause)?;
                    0
                }
            };
            self.at += put as u64;
            bytes = &bytes[put..];
        }
        Ok(())
    }
}
