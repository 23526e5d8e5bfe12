//! The seek table that ends a compressed shard, in zstd's seekable format: a skippable frame of all frames' sizes.
//!
//! See <https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md>.

const SKIPPABLE_MAGIC: u32 = 0x184D_2A5E;
const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;
/// No checksums in the table: the frames carry their own.
const DESCRIPTOR: u8 = 0;
const HEADER: u64 = 8;
const ENTRY: u64 = 8;
const FOOTER: u64 = 9;

/// Bytes of one frame, as stored and as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameSize {
    pub stored: u32,
    pub raw: u32,
}

/// Bytes of the table of that many frames.
pub(super) fn len(frames: u64) -> u64 {
    HEADER + ENTRY * frames + FOOTER
}

/// The table as stored.
pub(super) fn encode(frames: &[FrameSize]) -> Vec<u8> {
    let count = frames.len() as u64;
    let content = len(count) - HEADER;
    let mut table = Vec::with_capacity(frames.len() * 8 + 17);
    table.extend_from_slice(&SKIPPABLE_MAGIC.to_le_bytes());
    table.extend_from_slice(&low_32(content).to_le_bytes());
    for frame in frames {
        table.extend_from_slice(&frame.stored.to_le_bytes());
        table.extend_from_slice(&frame.raw.to_le_bytes());
    }
    table.extend_from_slice(&low_32(count).to_le_bytes());
    table.push(DESCRIPTOR);
    table.extend_from_slice(&SEEKABLE_MAGIC.to_le_bytes());
    table
}

/// The format's own limit, 2^27 frames (1 PiB of data at 8 MiB a frame), keeps these within 32 bits.
fn low_32(value: u64) -> u32 {
    u32::try_from(value).expect("fewer frames than the format allows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let table = encode(&[FrameSize {
            stored: 0x0102,
            raw: 0x0304,
        }]);

        assert_eq!(
            table,
            [
                0x5e, 0x2a, 0x4d, 0x18, 17, 0, 0, 0, // a skippable frame of 17 bytes
                0x02, 0x01, 0, 0, 0x04, 0x03, 0, 0, // its one entry
                1, 0, 0, 0, 0, 0xb1, 0xea, 0x92,
                0x8f, // one frame, no checksums, the magic number
            ]
        );
        assert_eq!(table.len() as u64, len(1));
    }
}
