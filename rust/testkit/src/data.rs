//! Seeded bytes that no compressor can shrink, the same on every machine.

/// `length` bytes that depend on `seed` alone.
///
/// Each 8-byte word is a hash of its own index (the splitmix64 sequence), so a shorter result is
/// always a prefix of a longer one with the same seed.
///
/// ```
/// use s3dlio_testkit::seeded_bytes;
/// assert_eq!(seeded_bytes(7, 10), seeded_bytes(7, 1000)[..10]);
/// assert_ne!(seeded_bytes(7, 10), seeded_bytes(8, 10));
/// ```
#[must_use]
pub fn seeded_bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    // Seeds 1, 2, 3 must not give the same sequence shifted by a word, so the seed is mixed first.
    let mut state = mix(seed ^ 0x5851_f42d_4c95_7f2d);
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        bytes.extend_from_slice(&mix(state).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
