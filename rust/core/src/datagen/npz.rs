//! NPZ: a ZIP archive, not compressed, of one NumPy array of bytes.
//!
//! The array's checksum is known only after its last byte, so it stands behind the data, as the
//! [ZIP specification](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT) lets streams do it, and in the
//! central directory, which readers go by.

use bytes::Bytes;

use super::object::{NAME, data_offset};
use crate::checksum::{Algorithm, Checksum};
use crate::error::Result;

/// Where the array begins at the earliest: both headers fit.
const HEAD: u64 = 128;
/// An offset or length of 32 bits that stands elsewhere in 64.
const ELSEWHERE: u32 = u32::MAX;
/// Checksum and lengths follow the data.
const DESCRIPTOR_FOLLOWS: u16 = 1 << 3;
/// Features of the reader: of version 2.0; lengths of 64 bits.
const PLAIN_VERSION: u16 = 20;
const LARGE_VERSION: u16 = 45;
/// The writer is a Unix, so that attributes are permissions: those of a regular file.
const UNIX: u16 = 3 << 8;
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// The first day that ZIP knows, so that the same seed gives the same bytes on every day.
const TIME_AND_DATE: u32 = 1 << 21 | 1 << 16;

/// The archive around the array.
#[derive(Debug, Clone)]
pub(super) struct Archive {
    head: Bytes,
    /// Where the member begins: the header that NumPy reads.
    member_at: usize,
    /// Bytes of the array.
    pub payload: u64,
    large: bool,
}

impl Archive {
    /// Of `size` bytes.
    ///
    /// # Errors
    /// `InvalidInput` if `size` leaves no room for an array.
    pub fn new(size: u64) -> Result<Self> {
        let large = size >= u64::from(ELSEWHERE);
        let (at, payload) = data_offset("NPZ", size, HEAD, tail_len(large))?;
        let mut head = local_header(large);
        let member_at = head.len();
        // Fits: it is one page at most.
        head.extend(array_header(payload, at as usize - member_at));
        Ok(Archive {
            head: head.into(),
            member_at,
            payload,
            large,
        })
    }

    /// What stands before the array.
    pub fn head(&self) -> Bytes {
        self.head.clone()
    }

    /// The checksum of the member up to the array.
    pub fn checksum(&self) -> Checksum {
        Checksum::of(Algorithm::Crc32, &self.head[self.member_at..])
    }

    /// What follows the array, once the checksum of the whole member is known.
    pub fn tail(&self, member: Checksum) -> Bytes {
        // A 32-bit checksum kept in 64 bits.
        let crc = member.value as u32;
        let len = (self.head.len() - self.member_at) as u64 + self.payload;
        let mut tail = Record::new(*b"PK\x07\x08").u32(crc);
        tail = match self.large {
            true => tail.u64(len).u64(len),
            false => tail.u32(len as u32).u32(len as u32),
        };
        let directory_at = self.member_at as u64 + len + tail.0.len() as u64;
        let entry = self.directory_entry(crc, len);
        tail.0.extend(&entry);
        tail.0.extend(self.end(directory_at, entry.len() as u64));
        debug_assert_eq!(tail.0.len() as u64, tail_len(self.large));
        tail.0.into()
    }

    fn directory_entry(&self, crc: u32, len: u64) -> Vec<u8> {
        let (shown, extra) = match self.large {
            true => (ELSEWHERE, large_lengths(len)),
            false => (len as u32, Vec::new()),
        };
        let version = version(self.large);
        let record = Record::new(*b"PK\x01\x02")
            .u16(UNIX | version)
            .u16(version)
            .u16(DESCRIPTOR_FOLLOWS)
            // Stored.
            .u16(0)
            .u32(TIME_AND_DATE)
            .u32(crc)
            .u32(shown)
            .u32(shown)
            .u16(member_name().len() as u16)
            .u16(extra.len() as u16)
            // No comment, the first disk, no text.
            .u16(0)
            .u16(0)
            .u16(0)
            .u32(ATTRIBUTES)
            // Where the local header is.
            .u32(0);
        [record.0, member_name().into_bytes(), extra].concat()
    }

    fn end(&self, directory_at: u64, len: u64) -> Vec<u8> {
        let mut end = Vec::new();
        if self.large {
            let record = Record::new(*b"PK\x06\x06")
                // Bytes that follow this number.
                .u64(44)
                .u16(UNIX | LARGE_VERSION)
                .u16(LARGE_VERSION)
                // Both disks are the first one.
                .u32(0)
                .u32(0)
                // Entries of this disk, and of all.
                .u64(1)
                .u64(1)
                .u64(len)
                .u64(directory_at);
            let locator = Record::new(*b"PK\x06\x07")
                .u32(0)
                .u64(directory_at + len)
                // Disks.
                .u32(1);
            end = [record.0, locator.0].concat();
        }
        let shown = match self.large {
            true => ELSEWHERE,
            false => directory_at as u32,
        };
        let record = Record::new(*b"PK\x05\x06")
            .u16(0)
            .u16(0)
            .u16(1)
            .u16(1)
            .u32(len as u32)
            .u32(shown)
            // No comment.
            .u16(0);
        end.extend(record.0);
        end
    }
}

fn member_name() -> String {
    format!("{NAME}.npy")
}

fn local_header(large: bool) -> Vec<u8> {
    let (shown, extra) = match large {
        true => (ELSEWHERE, large_lengths(0)),
        false => (0, Vec::new()),
    };
    let record = Record::new(*b"PK\x03\x04")
        .u16(version(large))
        .u16(DESCRIPTOR_FOLLOWS)
        // Stored.
        .u16(0)
        .u32(TIME_AND_DATE)
        // The checksum is not known yet.
        .u32(0)
        .u32(shown)
        .u32(shown)
        .u16(member_name().len() as u16)
        .u16(extra.len() as u16);
    [record.0, member_name().into_bytes(), extra].concat()
}

fn version(large: bool) -> u16 {
    match large {
        true => LARGE_VERSION,
        false => PLAIN_VERSION,
    }
}

/// The extra field for lengths of 64 bits: stored and raw ones are the same.
fn large_lengths(len: u64) -> Vec<u8> {
    Record(Vec::new()).u16(1).u16(16).u64(len).u64(len).0
}

fn tail_len(large: bool) -> u64 {
    let entry = 46 + member_name().len() as u64;
    match large {
        true => 24 + entry + 20 + 56 + 20 + 22,
        false => 16 + entry + 22,
    }
}

/// The header of the [NPY format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), filled up
/// with spaces to `len` bytes.
fn array_header(items: u64, len: usize) -> Vec<u8> {
    let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({items},), }}");
    let mut header = Record::new(*b"\x93NUM").0;
    header.extend(b"PY\x01\x00");
    let rest = len - header.len() - 2;
    header.extend((rest as u16).to_le_bytes());
    header.extend(text.as_bytes());
    debug_assert!(header.len() < len, "the text fits");
    header.resize(len - 1, b' ');
    header.push(b'\n');
    header
}

/// Little-endian numbers, one after the other.
struct Record(Vec<u8>);

impl Record {
    fn new(signature: [u8; 4]) -> Self {
        Record(signature.to_vec())
    }

    fn u16(mut self, number: u16) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn u32(mut self, number: u32) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn u64(mut self, number: u64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(archive: &Archive) -> Bytes {
        archive.tail(archive.checksum())
    }

    #[test]
    fn the_parts_add_up_to_the_size() {
        for size in [
            221,
            65_535,
            65_536,
            u64::from(ELSEWHERE) - 1,
            u64::from(ELSEWHERE),
            1 << 50,
        ] {
            let archive = Archive::new(size).unwrap();
            let sum = archive.head().len() as u64 + archive.payload + tail(&archive).len() as u64;
            assert_eq!(sum, size);
        }
        let error = Archive::new(220).unwrap_err();
        assert!(error.to_string().contains("221"), "{error}");
    }

    #[test]
    fn arrays_of_large_objects_begin_a_page() {
        assert_eq!(Archive::new(65_535).unwrap().head().len(), 128);
        assert_eq!(Archive::new(65_536).unwrap().head().len(), 4096);
        assert_eq!(Archive::new(1 << 33).unwrap().head().len(), 4096);
    }

    #[test]
    fn lengths_take_64_bits_where_32_do_not_do() {
        let has = |bytes: &[u8], signature: &[u8; 4]| bytes.windows(4).any(|at| at == signature);
        let plain = Archive::new(u64::from(ELSEWHERE) - 1).unwrap();
        let large = Archive::new(u64::from(ELSEWHERE)).unwrap();

        assert!(!has(&tail(&plain), b"PK\x06\x06"));
        assert!(has(&tail(&large), b"PK\x06\x06") && has(&tail(&large), b"PK\x06\x07"));
    }
}
