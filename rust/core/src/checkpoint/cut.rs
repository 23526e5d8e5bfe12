//! Cuts a stream of zstd frames at their borders, without decompressing: the blocks tell their own lengths.
//!
//! Finding frames this way needs no second request for the seek table and no memory but the pieces themselves. What
//! it finds in damaged data is bounded and is refused later, by zstd or by the checksums.
//! The format is RFC 8878, section 3.1.1.

use super::codec::FRAME;
use super::record::corrupt;
use crate::buffer::Buffer;
use crate::error::Result;

const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// Larger frames would need more memory than a thread is given.
const MAX_RAW: u64 = FRAME as u64;
/// zstd adds 3 bytes to each block of 128 KiB that it cannot compress, and a header; no frame of a shard is longer.
const MAX_STORED: u64 = MAX_RAW + (MAX_RAW >> 8);
const BLOCK_HEADER: usize = 3;
const CHECKSUM: u64 = 4;

/// A whole frame, as it lies in the buffers that were read.
#[derive(Debug, Default)]
pub(super) struct Cut {
    pub pieces: Vec<Buffer>,
    pub stored: u64,
    pub raw: u64,
}

#[derive(Debug)]
pub(super) struct Cutter {
    /// The header under way: what of it has come, and how long it is.
    header: Vec<u8>,
    wanted: usize,
    /// Bytes to pass over before the next header.
    skip: u64,
    part: Part,
    has_checksum: bool,
    frame: Cut,
}

/// What the header under way belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Magic and descriptor, which tell how long the frame's header is.
    Start,
    Frame,
    Block,
    /// No header; the frame ends after `skip`.
    End,
}

impl Cutter {
    pub fn new() -> Self {
        Cutter {
            header: Vec::with_capacity(18),
            wanted: MAGIC.len() + 1,
            skip: 0,
            part: Part::Start,
            has_checksum: false,
            frame: Cut::default(),
        }
    }

    /// Takes from the front of `bytes`, up to the end of a frame; `None` when it needs more.
    ///
    /// # Errors
    /// `CheckpointCorrupt` for what cannot be a frame of a shard.
    pub fn cut(&mut self, bytes: &mut Buffer) -> Result<Option<Cut>> {
        let mut at = 0;
        while self.part != Part::End || self.skip > 0 {
            let left = bytes.len() - at;
            if left == 0 {
                self.keep(bytes, at)?;
                return Ok(None);
            }
            if self.skip > 0 {
                let step = usize::try_from(self.skip).unwrap_or(usize::MAX).min(left);
                self.skip -= step as u64;
                at += step;
                continue;
            }
            let step = (self.wanted - self.header.len()).min(left);
            self.header.extend_from_slice(&bytes[at..at + step]);
            at += step;
            if self.header.len() == self.wanted {
                self.take_header()?;
            }
        }
        self.keep(bytes, at)?;
        let whole = std::mem::replace(self, Cutter::new());
        Ok(Some(whole.frame))
    }

    /// Moves the first `len` bytes to the frame.
    fn keep(&mut self, bytes: &mut Buffer, len: usize) -> Result<()> {
        if len > 0 {
            self.frame.pieces.push(bytes.slice(0..len));
            self.frame.stored += len as u64;
            *bytes = bytes.slice(len..bytes.len());
        }
        if self.frame.stored > MAX_STORED {
            return Err(corrupt("a frame has no end"));
        }
        Ok(())
    }

    fn take_header(&mut self) -> Result<()> {
        match self.part {
            Part::Start => {
                let descriptor = self.header[MAGIC.len()];
                if !self.header.starts_with(&MAGIC) || size_width(descriptor).is_none() {
                    return Err(corrupt(
                        "a frame does not start as zstd frames of a shard do",
                    ));
                }
                self.part = Part::Frame;
                self.has_checksum = descriptor & 4 != 0;
                self.wanted += header_width(descriptor);
            }
            Part::Frame => {
                let descriptor = self.header[MAGIC.len()];
                let width = size_width(descriptor).unwrap_or(0);
                let field = &self.header[self.header.len() - width..];
                let size = field
                    .iter()
                    .rev()
                    .fold(0, |size, byte| size << 8 | u64::from(*byte));
                // A field of two bytes counts from 256, as smaller sizes fit one.
                self.frame.raw = if width == 2 { size + 256 } else { size };
                if self.frame.raw > MAX_RAW {
                    return Err(corrupt(format!(
                        "a frame tells a size of {} bytes",
                        self.frame.raw
                    )));
                }
                self.next_block();
            }
            Part::Block => {
                let word = self
                    .header
                    .iter()
                    .rev()
                    .fold(0, |word, byte| word << 8 | u64::from(*byte));
                let (last, kind, size) = (word & 1 != 0, word >> 1 & 3, word >> 3);
                // A run is one byte, however often it is repeated.
                self.skip = if kind == 1 { 1 } else { size };
                if last {
                    self.part = Part::End;
                    self.skip += if self.has_checksum { CHECKSUM } else { 0 };
                } else {
                    self.next_block();
                }
            }
            Part::End => {}
        }
        Ok(())
    }

    fn next_block(&mut self) {
        self.part = Part::Block;
        self.header.clear();
        self.wanted = BLOCK_HEADER;
    }
}

/// Bytes of the content size; `None` where the frame does not tell it.
fn size_width(descriptor: u8) -> Option<usize> {
    match descriptor >> 6 {
        0 => (descriptor & 0x20 != 0).then_some(1),
        flag => Some(1 << flag),
    }
}

/// Bytes of a frame's header that follow the descriptor.
fn header_width(descriptor: u8) -> usize {
    let window = usize::from(descriptor & 0x20 == 0);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    window + dictionary + size_width(descriptor).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::buffer::Pool;

    fn buffer(bytes: &[u8]) -> Buffer {
        let mut memory = Arc::new(Pool::default()).take(bytes.len()).unwrap();
        memory.copy_from_slice(bytes);
        memory.freeze()
    }

    proptest! {
        #[test]
        fn frames_are_cut_where_zstd_ended_them(
            sizes in prop::collection::vec(prop_oneof![0usize..600, 60_000usize..300_000], 1..5),
            noise in any::<bool>(),
            level in 1..4,
            step in 1usize..70_000,
        ) {
            let mut stream = Vec::new();
            let mut expected = Vec::new();
            for size in &sizes {
                let raw: Vec<u8> = (0..*size as u32).map(|i| if noise { (i.wrapping_mul(2_654_435_761) >> 13) as u8 } else { 7 }).collect();
                let frame = zstd::bulk::compress(&raw, level).unwrap();
                expected.push((frame.len() as u64, *size as u64));
                stream.extend(frame);
            }

            let mut cutter = Cutter::new();
            let mut found = Vec::new();
            let mut joined = Vec::new();
            for piece in stream.chunks(step) {
                let mut piece = buffer(piece);
                while let Some(cut) = cutter.cut(&mut piece).unwrap() {
                    found.push((cut.stored, cut.raw));
                    joined.extend(cut.pieces.iter().flat_map(|piece| piece.to_vec()));
                }
            }

            prop_assert_eq!(found, expected);
            prop_assert_eq!(joined, stream);
            prop_assert_eq!(cutter.frame.stored, 0);
        }

        #[test]
        fn noise_is_no_frame(bytes in prop::collection::vec(any::<u8>(), 5..64)) {
            prop_assume!(!bytes.starts_with(&MAGIC));
            prop_assert!(Cutter::new().cut(&mut buffer(&bytes)).is_err());
        }
    }
}
