//! A body as a list of shared pieces, so that joining parts and cutting ranges copy nothing.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pieces: Vec<Bytes>,
    length: u64,
}

impl Content {
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    pub(crate) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.length += piece.len() as u64;
            self.pieces.push(piece);
        }
    }

    pub(crate) fn append(&mut self, other: &Self) {
        other
            .pieces
            .iter()
            .cloned()
            .for_each(|piece| self.push(piece));
    }

    /// The bytes of `range`, which is cut to what there is.
    pub(crate) fn slice(&self, range: Range<u64>) -> Self {
        let mut part = Self::default();
        let mut start = 0;
        for piece in &self.pieces {
            let end = start + piece.len() as u64;
            let from = range.start.clamp(start, end) - start;
            let to = range.end.clamp(start, end) - start;
            if from < to {
                // Both are within the piece, which is addressed by usize.
                part.push(piece.slice(from as usize..to as usize));
            }
            start = end;
        }
        part
    }

    /// One piece; a copy only where there are several.
    pub(crate) fn to_bytes(&self) -> Bytes {
        match self.pieces.as_slice() {
            [] => Bytes::new(),
            [only] => only.clone(),
            several => {
                let mut joined = BytesMut::with_capacity(several.iter().map(Bytes::len).sum());
                for piece in several {
                    joined.extend_from_slice(piece);
                }
                joined.freeze()
            }
        }
    }

    /// Text for parsing; what is not UTF-8 becomes a replacement character.
    pub(crate) fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.to_bytes()).into_owned()
    }

    /// Flips `bit` of the byte at `offset`, if there is such a byte. Other holders see no change.
    pub(crate) fn flip(&mut self, offset: u64, bit: u8) {
        let mut start = 0;
        for piece in &mut self.pieces {
            let end = start + piece.len() as u64;
            if (start..end).contains(&offset) {
                // The piece is shared with the stored object, which must stay whole.
                let mut changed = BytesMut::from(&piece[..]);
                changed[(offset - start) as usize] ^= 1 << (bit & 7);
                *piece = changed.freeze();
                return;
            }
            start = end;
        }
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        let mut content = Self::default();
        content.push(bytes);
        content
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Content;

    #[test]
    fn slices_cross_pieces_and_flips_stay_local() {
        let mut content = Content::from(Bytes::from_static(b"abc"));
        content.append(&Content::from(Bytes::from_static(b"defg")));

        let mut part = content.slice(2..5);
        part.flip(1, 0);

        assert_eq!(part.to_bytes(), "cee");
        assert_eq!(content.to_bytes(), "abcdefg");
        assert_eq!(content.slice(5..99).to_bytes(), "fg");
        assert_eq!(content.slice(9..99).len(), 0);
    }
}
