//! One zstd frame each way, as the benchmarks outside of this crate reach it.

use std::sync::Arc;

use bytes::Bytes;

use super::codec::{Compressor, Decompressor};
use crate::buffer::{Buffer, Pool};
use crate::checksum::Checksum;
use crate::error::Result;
use crate::payload::Payload;

/// Contexts that have their tables after the first frame.
#[expect(missing_debug_implementations, reason = "nobody looks at it")]
pub struct Codec {
    compressor: Compressor,
    decompressor: Decompressor,
    pool: Arc<Pool>,
}

impl Codec {
    pub fn new(level: i32) -> Result<Self> {
        Ok(Codec {
            compressor: Compressor::new(level)?,
            decompressor: Decompressor::new()?,
            pool: Arc::default(),
        })
    }

    /// The frame of `raw`; both get their checksums on the way.
    pub fn compress(&mut self, raw: &Payload) -> Result<Bytes> {
        Ok(self.compressor.compress(raw, &self.pool)?.stored)
    }

    /// Fills `raw` with what a frame holds, and tells the checksum of it.
    pub fn decompress(&mut self, frame: &[Buffer], raw: &mut [u8]) -> Result<Checksum> {
        self.decompressor.decompress(frame, raw)
    }
}
