//! What a body carries to be checked by: Content-MD5, the only sum that every Azure endpoint verifies, and our CRC-32C.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};

use crate::checksum::{Algorithm, Checksum, Crc32c};
use crate::error::Result;
use crate::payload::Payload;

/// Both sums run over this much at a time, while it is in cache.
const BLOCK: usize = 64 << 10;
/// Longer bodies are hashed off the I/O threads: MD5 takes more than a millisecond per MiB.
const INLINE: usize = 256 << 10;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sums {
    /// In base64, as the header takes it; where it was asked for.
    pub md5: Option<String>,
    pub crc32c: Checksum,
}

/// The CRC-32C, and with `md5` the Content-MD5, of a body.
pub(super) async fn sums(body: &Payload, md5: bool) -> Result<Sums> {
    if body.len() <= INLINE as u64 || !md5 {
        return Ok(compute(body, md5));
    }
    let body = body.clone();
    Ok(tokio::task::spawn_blocking(move || compute(&body, md5)).await?)
}

fn compute(body: &Payload, md5: bool) -> Sums {
    let mut md5 = md5.then(Md5::new);
    let mut crc32c = Crc32c::default();
    for block in body.pieces().iter().flat_map(|piece| piece.chunks(BLOCK)) {
        crc32c.update(block);
        if let Some(md5) = &mut md5 {
            md5.update(block);
        }
    }
    Sums {
        md5: md5.map(|md5| BASE64.encode(md5.finalize())),
        crc32c: Checksum {
            algorithm: Algorithm::Crc32c,
            value: u64::from(crc32c.value()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[tokio::test]
    async fn published_values_hold_across_pieces() {
        let body = Payload::new(vec![
            Bytes::from_static(b"1234"),
            Bytes::from_static(b"56789"),
        ]);

        let sums = sums(&body, true).await.unwrap();

        assert_eq!(sums.md5.as_deref(), Some("JfnnlDI7RTiF9RgfG2JNCw=="));
        assert_eq!(sums.crc32c.value, 0xe306_9283);
    }

    #[tokio::test]
    async fn long_bodies_give_the_same_as_short_ones() {
        let body = Payload::from(vec![3u8; INLINE + 77]);

        assert_eq!(sums(&body, true).await.unwrap(), compute(&body, true));
    }
}
