//! What a write sends: pieces of memory in order, never joined, cheap to cut and to send again.

use bytes::Bytes;

use crate::checksum::{Algorithm, Checksum, Digest};

/// Pieces of memory that form one body.
#[derive(Debug, Clone, Default)]
pub struct Payload {
    pieces: Vec<Bytes>,
    len: u64,
}

impl Payload {
    #[must_use]
    pub fn new(pieces: Vec<Bytes>) -> Self {
        let pieces: Vec<Bytes> = pieces
            .into_iter()
            .filter(|piece| !piece.is_empty())
            .collect();
        let len = pieces.iter().map(|piece| piece.len() as u64).sum();
        Payload { pieces, len }
    }

    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[must_use]
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Of all the bytes, in order.
    #[must_use]
    pub fn checksum(&self, algorithm: Algorithm) -> Checksum {
        let mut digest = Digest::new(algorithm);
        for piece in &self.pieces {
            digest.update(piece);
        }
        digest.checksum()
    }

    /// The bytes from `offset` on, at most `len` of them; shares the memory.
    #[must_use]
    pub fn slice(&self, offset: u64, len: u64) -> Payload {
        let mut skip = offset;
        let mut want = len;
        let mut pieces = Vec::new();
        for piece in &self.pieces {
            let size = piece.len() as u64;
            if skip >= size {
                skip -= size;
                continue;
            }
            if want == 0 {
                break;
            }
            let take = want.min(size - skip);
            // Both fit `usize`: they lie within the piece.
            pieces.push(piece.slice(skip as usize..(skip + take) as usize));
            want -= take;
            skip = 0;
        }
        Payload::new(pieces)
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Payload::new(vec![bytes])
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Payload::from(Bytes::from(bytes))
    }
}

impl From<&'static [u8]> for Payload {
    fn from(bytes: &'static [u8]) -> Self {
        Payload::from(Bytes::from_static(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_crosses_pieces_without_a_copy() {
        let first = Bytes::from_static(b"abcd");
        let address = first.as_ptr();
        let payload = Payload::new(vec![first, Bytes::new(), Bytes::from_static(b"efg")]);

        let cut = payload.slice(2, 4);

        assert_eq!(cut.pieces(), [&b"cd"[..], &b"ef"[..]]);
        assert_eq!(cut.pieces()[0].as_ptr(), address.wrapping_add(2));
        assert_eq!(payload.slice(7, 1).len(), 0);
        assert_eq!(payload.slice(0, 99).len(), 7);
    }
}
