//! What a body carries to be checked by, and our CRC-32C.
//!
//! Content-MD5 is the sum that every endpoint verifies, but it costs ten times what sending the bytes costs. The
//! service's own CRC-64 costs about as much as sending them; emulators refuse it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};

use super::session::Call;
use crate::checksum::{Algorithm, Checksum, Crc32c};
use crate::config::AzureChecksum;
use crate::error::Result;
use crate::payload::Payload;

/// Both sums run over this much at a time, while it is in cache.
const BLOCK: usize = 64 << 10;
/// Longer bodies are hashed off the I/O threads: MD5 takes more than a millisecond per MiB.
const INLINE: usize = 256 << 10;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sums {
    pub crc32c: Checksum,
    /// The header that the service compares, and its value.
    header: (&'static str, String),
}

impl Sums {
    /// Has the service verify the body of `call`.
    pub fn verify(&self, call: Call) -> Call {
        let (name, value) = &self.header;
        call.header(name, value)
    }
}

/// The CRC-32C of a body, and the sum that goes with it.
pub(super) async fn sums(body: &Payload, checksum: AzureChecksum) -> Result<Sums> {
    if checksum == AzureChecksum::Crc64 {
        return Ok(Sums {
            crc32c: body.checksum(Algorithm::Crc32c),
            header: ("x-ms-content-crc64", crc64(body)),
        });
    }
    let (crc32c, md5) = both(body).await?;
    Ok(Sums {
        crc32c,
        header: ("content-md5", md5),
    })
}

/// As Azure writes it: in little-endian order.
fn crc64(body: &Payload) -> String {
    BASE64.encode(body.checksum(Algorithm::Crc64Nvme).value.to_le_bytes())
}

async fn both(body: &Payload) -> Result<(Checksum, String)> {
    if body.len() <= INLINE as u64 {
        return Ok(compute(body));
    }
    let body = body.clone();
    Ok(tokio::task::spawn_blocking(move || compute(&body)).await?)
}

fn compute(body: &Payload) -> (Checksum, String) {
    let mut md5 = Md5::new();
    let mut crc32c = Crc32c::default();
    for block in body.pieces().iter().flat_map(|piece| piece.chunks(BLOCK)) {
        crc32c.update(block);
        md5.update(block);
    }
    let crc32c = Checksum {
        algorithm: Algorithm::Crc32c,
        value: u64::from(crc32c.value()),
    };
    (crc32c, BASE64.encode(md5.finalize()))
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
        for (checksum, name, value) in [
            (
                AzureChecksum::Md5,
                "content-md5",
                "JfnnlDI7RTiF9RgfG2JNCw==",
            ),
            // ae8b14860a799888, its last byte first.
            (AzureChecksum::Crc64, "x-ms-content-crc64", "iJh5CoYUi64="),
        ] {
            let sums = sums(&body, checksum).await.unwrap();

            assert_eq!(sums.header, (name, value.to_owned()));
            assert_eq!(sums.crc32c.value, 0xe306_9283);
        }
    }

    #[tokio::test]
    async fn long_bodies_give_the_same_as_short_ones() {
        let body = Payload::from(vec![3u8; INLINE + 77]);

        assert_eq!(both(&body).await.unwrap(), compute(&body));
    }
}
