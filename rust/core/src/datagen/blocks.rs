//! The content of generated objects: bytes that repeat and compress as much as they are asked to, and no more.
//!
//! An object is a run of blocks, each from a generator of its own, so that any block can be made on any core at any
//! time. Three bijections carry (seed, object, block) into the generator's state: no two blocks ever start alike.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// Where the bytes of a set of equally long objects come from: a function of seed, object number and position alone.
///
/// What repeats are units of one or more blocks. The units of all objects are numbered through; the first of them are
/// new, and then they come again, round after round. So equal units are as far apart as they can be, which keeps them
/// out of a compressor's window, and each round begins one unit later, which keeps objects from being equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Blocks {
    seed: u64,
    /// Bytes of a block for each one that is random; the others are zeros.
    compress: f64,
    /// Blocks.
    unit: u64,
    /// Whole units of one object.
    units: u64,
    /// Of the units of all objects.
    distinct_units: u64,
    /// Of what the objects hold after their last whole unit.
    distinct_tails: u64,
}

/// How many units of which length a set of objects has, and how often each occurs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repeats {
    pub dedup: u64,
    pub objects: u64,
    /// Whole units of one object.
    pub units: u64,
    /// Blocks.
    pub unit: u64,
}

impl Blocks {
    /// Bytes that one generator makes: what storage systems compare when they look for duplicates.
    pub const SIZE: u64 = 4 << 10;

    /// `compress` is 1 or more; the numbers of `repeats` are above 0 but for `units`, and all units have a number.
    pub fn new(seed: u64, compress: f64, repeats: Repeats) -> Self {
        let Repeats {
            dedup,
            objects,
            units,
            unit,
        } = repeats;
        Blocks {
            seed,
            compress,
            unit,
            units,
            distinct_units: (objects * units).div_ceil(dedup),
            distinct_tails: objects.div_ceil(dedup),
        }
    }

    /// Writes the bytes of an object from `offset` on, which begins a block, up to the end of a block or of the object;
    /// the same ones however the object is cut.
    pub fn fill(&self, object: u64, offset: u64, bytes: &mut [u8]) {
        debug_assert!(
            offset.is_multiple_of(Self::SIZE),
            "offset {offset} is within a block"
        );
        let first = offset / Self::SIZE;
        for (block, piece) in (first..).zip(bytes.chunks_mut(Self::SIZE as usize)) {
            let (object, block) = self.origin(object, block);
            #[expect(clippy::cast_sign_loss, reason = "neither number has a sign")]
            let random = (piece.len() as f64 / self.compress).round() as usize;
            let (random, zeros) = piece.split_at_mut(random);
            self.generator(object, block).fill_bytes(random);
            zeros.fill(0);
        }
    }

    /// The object and block that was the first to have this block's bytes.
    fn origin(&self, object: u64, block: u64) -> (u64, u64) {
        let (unit, within) = (block / self.unit, block % self.unit);
        if unit >= self.units {
            return (object % self.distinct_tails, block);
        }
        let number = object * self.units + unit;
        let round = number / self.distinct_units;
        let origin = (number % self.distinct_units + round) % self.distinct_units;
        let (object, unit) = (origin / self.units, origin % self.units);
        (object, unit * self.unit + within)
    }

    fn generator(&self, object: u64, block: u64) -> Xoshiro256PlusPlus {
        let seed = mix(self.seed);
        let object = mix(seed.wrapping_add(object));
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

    const BLOCK: usize = Blocks::SIZE as usize;

    fn blocks(seed: u64, compress: f64, dedup: u64, objects: u64, size: usize) -> Blocks {
        let repeats = Repeats {
            dedup,
            objects,
            units: (size / BLOCK) as u64,
            unit: 1,
        };
        Blocks::new(seed, compress, repeats)
    }

    fn bytes(blocks: Blocks, object: u64, size: usize) -> Vec<u8> {
        let mut bytes = vec![1; size];
        blocks.fill(object, 0, &mut bytes);
        bytes
    }

    fn random(seed: u64, object: u64, size: usize) -> Vec<u8> {
        bytes(blocks(seed, 1.0, 1, object + 1, size), object, size)
    }

    /// All blocks of a set, and how many of them differ.
    fn count(dedup: u64, objects: u64, size: usize) -> (usize, usize) {
        let source = blocks(8, 1.0, dedup, objects, size);
        let set: Vec<Vec<u8>> = (0..objects)
            .map(|object| bytes(source, object, size))
            .collect();
        let all: Vec<&[u8]> = set.iter().flat_map(|object| object.chunks(BLOCK)).collect();
        (all.len(), all.iter().collect::<HashSet<_>>().len())
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_on_every_machine() {
        assert_eq!(random(1, 2, 8), [114, 150, 133, 247, 189, 111, 54, 48]);
    }

    #[test]
    fn an_object_is_the_same_however_it_is_cut() {
        for (compress, dedup) in [(1.0, 1), (3.0, 2)] {
            let source = blocks(5, compress, dedup, 3, 200_001);
            let whole = bytes(source, 2, 200_001);
            let at = 17 * BLOCK;

            let mut tail = vec![0; whole.len() - at];
            source.fill(2, at as u64, &mut tail);

            assert!(tail == whole[at..], "{compress} {dedup}");
        }
    }

    #[test]
    fn nothing_repeats_unasked() {
        let mut seen = HashSet::new();

        for (seed, object) in [(0, 0), (0, 1), (1, 0), (1, 1), (u64::MAX, 7)] {
            let object = random(seed, object, 1 << 20);
            for piece in object.as_chunks::<16>().0 {
                assert!(seen.insert(*piece));
            }
        }
    }

    #[test]
    fn each_block_occurs_as_often_as_asked() {
        for dedup in [1, 2, 3, 4, 7, 16] {
            let (all, distinct) = count(dedup, 8, 64 * BLOCK);
            assert_eq!(
                (all, distinct),
                (512, 512usize.div_ceil(dedup as usize)),
                "{dedup}"
            );
        }
        // Ends of objects repeat like whole blocks.
        assert_eq!(count(4, 8, 5 * BLOCK + 100), (48, 12));
        assert_eq!(count(4, 8, 100), (8, 2));
        // No more than there is.
        assert_eq!(count(1000, 2, 5 * BLOCK), (10, 1));
    }

    #[test]
    fn repeats_are_far_apart_and_make_no_two_objects_equal() {
        let source = blocks(8, 1.0, 4, 16, 64 * BLOCK);
        let set: Vec<Vec<u8>> = (0..16)
            .map(|object| bytes(source, object, 64 * BLOCK))
            .collect();

        assert_eq!(set.iter().collect::<HashSet<_>>().len(), 16);
        for object in &set {
            assert_eq!(object.chunks(BLOCK).collect::<HashSet<_>>().len(), 64);
        }
    }

    #[test]
    fn an_object_compresses_as_much_as_asked() {
        for compress in [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0] {
            for level in [1, 3] {
                let object = bytes(blocks(3, compress, 1, 1, 4 << 20), 0, 4 << 20);
                let packed = zstd::bulk::compress(&object, level).unwrap();
                let found = object.len() as f64 / packed.len() as f64;
                println!("asked for {compress}, level {level} gave {found:.3}");

                assert!((found / compress - 1.0).abs() < 0.1, "{compress}: {found}");
            }
        }
    }

    #[test]
    fn nothing_compresses_unasked() {
        let object = random(3, 3, 1 << 20);

        let packed = zstd::bulk::compress(&object, 19).unwrap();

        assert!(
            packed.len() >= object.len(),
            "{} of {}",
            packed.len(),
            object.len()
        );
    }

    #[test]
    fn factors_do_not_disturb_each_other() {
        let size = 16 << 20;
        let source = blocks(4, 2.0, 2, 1, size);
        let object = bytes(source, 0, size);

        let packed = zstd::bulk::compress(&object, 3).unwrap();
        let distinct = object.chunks(BLOCK).collect::<HashSet<_>>().len();

        let found = size as f64 / packed.len() as f64;
        assert!((found / 2.0 - 1.0).abs() < 0.1, "{found}");
        assert_eq!(distinct, size / BLOCK / 2);
    }
}
