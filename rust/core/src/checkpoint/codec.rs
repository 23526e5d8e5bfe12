//! One zstd frame each way: compress a piece of the shard into pool memory, decompress into the destination.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use zstd_safe::{CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::record::corrupt;
use super::table::FrameSize;
use crate::buffer::{Buffer, Pool};
use crate::checksum::{Algorithm, Checksum, Crc32c};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;

/// Raw bytes of every frame but the last. The format allows any size; this one bounds what a thread holds.
pub(super) const FRAME: usize = 8 << 20;
/// A frame that came from elsewhere may ask for no larger window: 2^27 bytes, 128 MiB.
const WINDOW_LOG_MAX: u32 = 27;
/// Bytes decompressed at a time, so that their checksum is taken while they are in cache.
const STEP: usize = 128 << 10;

/// A compressed frame on its way to storage.
#[derive(Debug)]
pub(super) struct Frame {
    pub size: FrameSize,
    pub raw_crc32c: Checksum,
    pub stored: Bytes,
    pub stored_crc32c: Checksum,
}

/// A compression context and its tables, used for one frame after another.
pub(super) struct Compressor(CCtx<'static>);

impl Compressor {
    pub fn new(level: i32) -> Result<Self> {
        let mut context = CCtx::try_create().ok_or_else(out_of_memory)?;
        let mut set = |parameter| context.set_parameter(parameter).map_err(failed);
        set(CParameter::CompressionLevel(level))?;
        set(CParameter::ChecksumFlag(true))?;
        // From here on a level's own tables are sized for windows far above a frame and take up to 128 MiB a thread.
        // Smaller ones cost under 2 % of size on text and nothing on weights, and let all cores work within the memory
        // promised.
        if level >= 10 {
            set(CParameter::ChainLog(21))?;
            set(CParameter::HashLog(21))?;
        }
        Ok(Compressor(context))
    }

    /// Bytes that the context of a level comes to hold, rounded up.
    pub fn memory(level: i32) -> u64 {
        let mib = match level {
            ..=2 => 1,
            3..=8 => 6,
            9..=12 => 11,
            _ => 18,
        };
        mib << 20
    }

    pub fn compress(&mut self, raw: &Payload, pool: &Arc<Pool>) -> Result<Frame> {
        let raw_crc32c = raw.checksum(Algorithm::Crc32c);
        let raw = contiguous(raw, pool)?;
        let mut stored = pool.take(zstd_safe::compress_bound(raw.len()))?;
        let len = self.0.compress2(&mut stored[..], &raw).map_err(failed)?;
        stored.truncate(len);
        let stored_crc32c = Checksum::of(Algorithm::Crc32c, &stored);
        // A block that is mostly empty would be held until its part is sent; its bytes then move to one that fits.
        let stored = if len < raw.len() / 4 * 3 {
            let mut fitting = pool.take(len)?;
            fitting.copy_from_slice(&stored);
            fitting
        } else {
            stored
        };
        let stored = stored.freeze().into_bytes();
        Ok(Frame {
            size: size_of_frame(len, raw.len()),
            raw_crc32c,
            stored,
            stored_crc32c,
        })
    }

    #[cfg(test)]
    pub fn held(&self) -> u64 {
        self.0.sizeof() as u64
    }
}

fn size_of_frame(stored: usize, raw: usize) -> FrameSize {
    let fits = |len| u32::try_from(len).expect("a frame has a few MiB");
    FrameSize {
        stored: fits(stored),
        raw: fits(raw),
    }
}

/// zstd takes a frame from one place; pieces that the caller's memory is cut into are joined.
fn contiguous(raw: &Payload, pool: &Arc<Pool>) -> Result<Bytes> {
    let pieces = match raw.pieces() {
        [] => return Ok(Bytes::new()),
        [one] => return Ok(one.clone()),
        pieces => pieces,
    };
    let mut joined = pool.take(pieces.iter().map(Bytes::len).sum())?;
    let mut at = 0;
    for piece in pieces {
        joined[at..at + piece.len()].copy_from_slice(piece);
        at += piece.len();
    }
    Ok(joined.freeze().into_bytes())
}

/// A decompression context, used for one frame after another.
pub(super) struct Decompressor(DCtx<'static>);

impl Decompressor {
    pub fn new() -> Result<Self> {
        let mut context = DCtx::try_create().ok_or_else(out_of_memory)?;
        context
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
            .map_err(failed)?;
        // Frames go straight into the destination, which then is the window too.
        context
            .set_parameter(DParameter::StableOutBuffer(true))
            .map_err(failed)?;
        Ok(Decompressor(context))
    }

    /// Fills `raw` with one frame, which must have just its length, and tells the checksum of what came out.
    ///
    /// # Errors
    /// `CheckpointCorrupt` for anything that is not such a frame.
    pub fn decompress(&mut self, stored: &[Buffer], raw: &mut [u8]) -> Result<Checksum> {
        self.0.reset(ResetDirective::SessionOnly).map_err(failed)?;
        let mut crc32c = Crc32c::default();
        let mut filled = 0;
        let mut missing = 1;
        for piece in stored {
            let mut taken = 0;
            while taken < piece.len() {
                let mut input = InBuffer::around(&piece[..piece.len().min(taken + STEP)]);
                input.set_pos(taken);
                let mut output = OutBuffer::around_pos(&mut *raw, filled);
                missing = self
                    .0
                    .decompress_stream(&mut output, &mut input)
                    .map_err(damaged)?;
                let (now_taken, now_filled) = (input.pos(), output.pos());
                if (now_taken, now_filled) == (taken, filled) {
                    return Err(corrupt("zstd: the frame is longer than its size"));
                }
                crc32c.update(&raw[filled..now_filled]);
                (taken, filled) = (now_taken, now_filled);
            }
        }
        if missing != 0 || filled != raw.len() {
            return Err(corrupt(format!(
                "zstd: {filled} of {} bytes came out",
                raw.len()
            )));
        }
        Ok(Checksum {
            algorithm: Algorithm::Crc32c,
            value: u64::from(crc32c.value()),
        })
    }
}

/// Contexts that wait for the next frame; each thread takes one and brings it back.
#[derive(Debug)]
pub(super) struct Spare<T>(Mutex<Vec<T>>);

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Spare(Mutex::new(Vec::new()))
    }
}

impl<T> Spare<T> {
    /// Runs `act` with a spare context, or a new one where none waits.
    pub fn with<R>(
        &self,
        make: impl FnOnce() -> Result<T>,
        act: impl FnOnce(&mut T) -> Result<R>,
    ) -> Result<R> {
        let waiting = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spare = waiting().pop();
        let mut context = spare.map_or_else(make, Ok)?;
        let result = act(&mut context)?;
        waiting().push(context);
        Ok(result)
    }
}

fn failed(code: usize) -> Error {
    Error::new(
        ErrorKind::Checkpoint,
        format!("zstd: {}", zstd_safe::get_error_name(code)),
    )
}

fn damaged(code: usize) -> Error {
    corrupt(format!("zstd: {}", zstd_safe::get_error_name(code)))
}

fn out_of_memory() -> Error {
    Error::new(ErrorKind::LocalIo, "cannot allocate a zstd context")
        .with_code("ENOMEM")
        .with_errno(libc::ENOMEM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_hold_no_more_than_was_counted() {
        let pool = Arc::new(Pool::default());
        // Regular enough that the slow levels are quick, and a whole frame so that tables are not cut.
        let raw = Payload::from((0..FRAME).map(|i| (i / 512) as u8).collect::<Vec<u8>>());
        for level in 1..=21 {
            let mut compressor = Compressor::new(level).unwrap();

            compressor.compress(&raw, &pool).unwrap();

            let (held, counted) = (compressor.held(), Compressor::memory(level));
            assert!(
                held <= counted && counted <= held.max(1 << 20) * 6,
                "level {level}: {held} of {counted}"
            );
        }
    }
}
