//! Bytes that neither compress nor repeat: a function of seed, object number and position alone.
//!
//! An object is a run of blocks, each from a generator of its own, so that any block can be made on any core at any
//! time. Three bijections carry (seed, object, block) into the generator's state: no two blocks ever start alike.

use std::sync::Arc;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use crate::buffer::{Buffer, Pool};
use crate::error::Result;

/// The content of one generated object.
///
/// ```
/// use s3dlio::datagen::Raw;
///
/// let (mut first, mut again, mut other) = ([0; 8], [0; 8], [0; 8]);
/// Raw::new(7, 0).fill(0, &mut first);
/// Raw::new(7, 0).fill(0, &mut again);
/// Raw::new(7, 1).fill(0, &mut other);
/// assert!(first == again && first != other);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw {
    seed: u64,
    object: u64,
}

impl Raw {
    /// Bytes that one generator makes: few enough to stay in a core's cache, enough to hide its start.
    pub const BLOCK: u64 = 64 << 10;

    /// Object number `object` of the run that `seed` names.
    #[must_use]
    pub fn new(seed: u64, object: u64) -> Self {
        Raw { seed, object }
    }

    /// Writes the bytes from `offset` on; the same ones however the object is cut.
    ///
    /// # Panics
    /// If `offset` is not a multiple of [`Raw::BLOCK`].
    pub fn fill(self, offset: u64, bytes: &mut [u8]) {
        assert!(
            offset.is_multiple_of(Self::BLOCK),
            "offset {offset} is within a block"
        );
        let first = offset / Self::BLOCK;
        for (block, piece) in (first..).zip(bytes.chunks_mut(Self::BLOCK as usize)) {
            self.generator(block).fill_bytes(piece);
        }
    }

    /// `len` bytes from `offset` on, in memory of the pool.
    ///
    /// # Errors
    /// `LocalIo` with `ENOMEM`.
    ///
    /// # Panics
    /// As [`Raw::fill`].
    pub fn piece(self, pool: &Arc<Pool>, offset: u64, len: usize) -> Result<Buffer> {
        let mut memory = pool.take(len)?;
        self.fill(offset, &mut memory);
        Ok(memory.freeze())
    }

    fn generator(self, block: u64) -> Xoshiro256PlusPlus {
        let seed = mix(self.seed);
        let object = mix(seed.wrapping_add(self.object));
        let block = mix(object.wrapping_add(block));
        let mut state = [0; 32];
        for (bytes, word) in
            state
                .as_chunks_mut()
                .0
                .iter_mut()
                .zip([seed, object, block, mix(block)])
        {
            *bytes = word.to_le_bytes();
        }
        Xoshiro256PlusPlus::from_seed(state)
    }
}

/// A bijection of 64-bit words in which each bit of the input changes half of the output: SplitMix64's step.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn bytes(seed: u64, object: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        Raw::new(seed, object).fill(0, &mut bytes);
        bytes
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_on_every_machine() {
        assert_eq!(bytes(1, 2, 8), [114, 150, 133, 247, 189, 111, 54, 48]);
    }

    #[test]
    fn an_object_is_the_same_however_it_is_cut() {
        let whole = bytes(5, 9, 200_001);
        let pool = Arc::new(Pool::default());
        let at = 2 * Raw::BLOCK as usize;

        let tail = Raw::new(5, 9)
            .piece(&pool, 2 * Raw::BLOCK, whole.len() - at)
            .unwrap();

        assert_eq!(*tail, whole[at..]);
    }

    #[test]
    fn no_piece_of_any_object_repeats() {
        let mut seen = HashSet::new();

        for (seed, object) in [(0, 0), (0, 1), (1, 0), (1, 1), (u64::MAX, u64::MAX)] {
            let object = bytes(seed, object, 1 << 20);
            for piece in object.as_chunks::<16>().0 {
                assert!(seen.insert(*piece));
            }
        }
    }

    #[test]
    fn nothing_compresses() {
        let object = bytes(3, 3, 1 << 20);

        let packed = zstd::bulk::compress(&object, 19).unwrap();

        assert!(
            packed.len() >= object.len(),
            "{} of {}",
            packed.len(),
            object.len()
        );
    }
}
