//! The checksums that the services verify, computed over a body in pieces.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::http::Content;

/// A checksum algorithm that S3 headers can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 4] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha256];

    /// The name in `x-amz-checksum-algorithm` and, after `Checksum`, in XML.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Whether the value of a whole object follows from the values of its parts.
    pub(crate) fn is_linear(self) -> bool {
        self != Self::Sha256
    }

    pub(crate) fn width(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha256 => 32,
        }
    }

    /// The value in network byte order.
    pub(crate) fn digest(self, content: &Content) -> Vec<u8> {
        let algorithm = match self {
            Self::Crc32 => CrcAlgorithm::Crc32IsoHdlc,
            Self::Crc32c => CrcAlgorithm::Crc32Iscsi,
            Self::Crc64Nvme => CrcAlgorithm::Crc64Nvme,
            Self::Sha256 => return sha256(content),
        };
        crc(algorithm, content).to_be_bytes()[8 - self.width()..].to_vec()
    }

    /// The value as headers carry it.
    pub(crate) fn encoded(self, content: &Content) -> String {
        encode(&self.digest(content))
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn sha256(content: &Content) -> Vec<u8> {
    let mut digest = Sha256::new();
    content
        .pieces()
        .iter()
        .for_each(|piece| digest.update(piece));
    digest.finalize().to_vec()
}

pub(crate) fn md5(content: &Content) -> Vec<u8> {
    let mut digest = Md5::new();
    content
        .pieces()
        .iter()
        .for_each(|piece| digest.update(piece));
    digest.finalize().to_vec()
}

/// Azure's CRC-64: the polynomial of CRC64NVME, but the bytes in little-endian order.
pub(crate) fn azure_crc64(content: &Content) -> Vec<u8> {
    crc(CrcAlgorithm::Crc64Nvme, content).to_le_bytes().to_vec()
}

fn crc(algorithm: CrcAlgorithm, content: &Content) -> u64 {
    let mut digest = crc_fast::Digest::new(algorithm);
    content
        .pieces()
        .iter()
        .for_each(|piece| digest.update(piece));
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, azure_crc64, encode};
    use crate::http::Content;

    /// The check values of the CRC catalogue, for the text "123456789".
    #[test]
    fn catalogue_values_are_met() {
        let content = Content::from(b"123456789".to_vec());

        assert_eq!(
            Algorithm::Crc32.digest(&content),
            0xcbf4_3926_u32.to_be_bytes()
        );
        assert_eq!(
            Algorithm::Crc32c.digest(&content),
            0xe306_9283_u32.to_be_bytes()
        );
        assert_eq!(
            Algorithm::Crc64Nvme.digest(&content),
            0xae8b_1486_0a79_9888_u64.to_be_bytes()
        );
        assert_eq!(
            azure_crc64(&content),
            0xae8b_1486_0a79_9888_u64.to_le_bytes()
        );
        assert_eq!(encode(&Algorithm::Sha256.digest(&content)).len(), 44);
    }
}
