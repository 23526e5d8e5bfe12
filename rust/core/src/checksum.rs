//! CRC-32C and CRC-64/NVME, and how to combine the checksums of parts into that of the whole.
//!
//! Both are linear: the checksum of `a ++ b` follows from those of `a` and `b` and the length of `b`, so parallel
//! ranges are verified against the stored value of the whole object without a second pass over the bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::CrcAlgorithm;

use shift::Shift;

mod shift;

/// A checksum that storage services keep for whole objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Castagnoli; `123456789` gives `e3069283`.
    Crc32c,
    /// As NVM Express defines it; `123456789` gives `ae8b14860a799888`.
    Crc64Nvme,
    /// IEEE 802.3; `123456789` gives `cbf43926`. ZIP archives hold it, and S3 may for objects of other writers.
    Crc32,
}

impl Algorithm {
    fn engine(self) -> CrcAlgorithm {
        match self {
            Algorithm::Crc32c => CrcAlgorithm::Crc32Iscsi,
            Algorithm::Crc64Nvme => CrcAlgorithm::Crc64Nvme,
            Algorithm::Crc32 => CrcAlgorithm::Crc32IsoHdlc,
        }
    }

    fn shift(self) -> &'static Shift {
        match self {
            Algorithm::Crc32c => &shift::CRC32C,
            Algorithm::Crc64Nvme => &shift::CRC64_NVME,
            Algorithm::Crc32 => &shift::CRC32,
        }
    }

    /// Bytes of the value on the wire.
    fn width(self) -> usize {
        match self {
            Algorithm::Crc64Nvme => 8,
            Algorithm::Crc32c | Algorithm::Crc32 => 4,
        }
    }
}

/// The checksum of a run of bytes whose length is known, ready to be combined or compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checksum {
    pub algorithm: Algorithm,
    pub value: u64,
}

impl Checksum {
    #[must_use]
    pub fn of(algorithm: Algorithm, data: &[u8]) -> Self {
        Checksum {
            algorithm,
            value: crc_fast::checksum(algorithm.engine(), data),
        }
    }

    /// Of these bytes followed by `len` others whose checksum is `next`. Takes 0.1 microseconds for each bit set in `len`.
    #[must_use]
    pub fn then(self, next: Checksum, len: u64) -> Self {
        debug_assert_eq!(
            self.algorithm, next.algorithm,
            "only like checksums combine"
        );
        let value = self.algorithm.shift().over(self.value, len) ^ next.value;
        Checksum { value, ..self }
    }

    /// Big-endian base64, as the `x-amz-checksum-*` headers carry it.
    #[must_use]
    pub fn to_base64(self) -> String {
        let bytes = self.value.to_be_bytes();
        BASE64.encode(&bytes[8 - self.algorithm.width()..])
    }

    /// Reads the header form; `None` if it is not base64 of the right length (a composite value has a `-N` suffix).
    #[must_use]
    pub fn from_base64(algorithm: Algorithm, text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        if bytes.len() != algorithm.width() {
            return None;
        }
        let value = bytes
            .iter()
            .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        Some(Checksum { algorithm, value })
    }
}

/// CRC-32C of `data` (Castagnoli).
#[must_use]
pub fn crc32c(data: &[u8]) -> u32 {
    // The engine returns 32-bit values in 64 bits.
    Checksum::of(Algorithm::Crc32c, data).value as u32
}

/// A checksum taken over several pieces in order.
#[derive(Clone)]
pub struct Digest {
    algorithm: Algorithm,
    engine: crc_fast::Digest,
    len: u64,
}

impl Digest {
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Digest {
            algorithm,
            engine: crc_fast::Digest::new(algorithm.engine()),
            len: 0,
        }
    }

    pub fn update(&mut self, data: &[u8]) {
        self.engine.update(data);
        self.len += data.len() as u64;
    }

    /// The checksum, if just `len` bytes were taken.
    #[must_use]
    pub fn of_all(&self, len: usize) -> Option<Checksum> {
        (self.len == len as u64).then(|| self.checksum())
    }

    #[must_use]
    pub fn checksum(&self) -> Checksum {
        Checksum {
            algorithm: self.algorithm,
            value: self.engine.finalize(),
        }
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({:?} of {} bytes)", self.checksum(), self.len)
    }
}

/// A CRC-32C taken over several pieces in order, as a number of its own width.
#[derive(Clone, Debug)]
pub struct Crc32c(Digest);

impl Default for Crc32c {
    fn default() -> Self {
        Crc32c(Digest::new(Algorithm::Crc32c))
    }
}

impl Crc32c {
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    #[must_use]
    pub fn value(&self) -> u32 {
        self.0.checksum().value as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_check_values_hold() {
        let of = |algorithm| Checksum::of(algorithm, b"123456789").value;

        assert_eq!(of(Algorithm::Crc32c), 0xe306_9283);
        assert_eq!(of(Algorithm::Crc64Nvme), 0xae8b_1486_0a79_9888);
        assert_eq!(of(Algorithm::Crc32), 0xcbf4_3926);
    }

    #[test]
    fn parts_combine_to_the_whole() {
        let data: Vec<u8> = (0..100_000u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        for algorithm in [Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Crc32] {
            for cut in [0, 1, 4095, 50_000, 100_000] {
                let (head, tail) = data.split_at(cut);
                let joined = Checksum::of(algorithm, head)
                    .then(Checksum::of(algorithm, tail), tail.len() as u64);
                assert_eq!(
                    joined,
                    Checksum::of(algorithm, &data),
                    "{algorithm:?} cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn lengths_that_no_test_could_read_combine_too() {
        let (one, other) = (b"123456789", b"another");
        for algorithm in [Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Crc32] {
            let (one, other) = (Checksum::of(algorithm, one), Checksum::of(algorithm, other));
            for len in [1, 7, 8 << 20, (8 << 20) + 1, (5 << 40) - 3, u64::MAX] {
                let theirs =
                    crc_fast::checksum_combine(algorithm.engine(), one.value, other.value, len);

                assert_eq!(
                    one.then(other, len).value,
                    theirs,
                    "{algorithm:?} over {len} bytes"
                );
            }
        }
    }

    #[test]
    fn pieces_give_the_checksum_of_the_whole() {
        for algorithm in [Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Crc32] {
            let mut digest = Digest::new(algorithm);

            for piece in [&b"123"[..], b"", b"456789"] {
                digest.update(piece);
            }

            assert_eq!(digest.checksum(), Checksum::of(algorithm, b"123456789"));
            assert_eq!(digest.of_all(9), Some(digest.checksum()));
            assert_eq!(digest.of_all(8), None);
        }
    }

    #[test]
    fn header_form_round_trips_and_refuses_composites() {
        let sum = Checksum::of(Algorithm::Crc32c, b"123456789");

        assert_eq!(sum.to_base64(), "4waSgw==");
        assert_eq!(
            Checksum::from_base64(Algorithm::Crc32c, "4waSgw=="),
            Some(sum)
        );
        assert_eq!(Checksum::from_base64(Algorithm::Crc32c, "4waSgw==-3"), None);
    }
}
