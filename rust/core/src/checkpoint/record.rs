//! The record of a shard: one line of JSON that names its data and ends in a checksum of itself.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::checksum::{Algorithm, Checksum, Crc32c};
use crate::error::{Error, ErrorKind, Result};

/// The format that this code writes, and the latest it reads.
const VERSION: u32 = 1;
/// No record is longer; what is, is none.
pub(super) const MAX_LEN: u64 = 64 << 10;
/// Stands between the members that the checksum covers and the checksum.
const SEAL: &str = ",\"record_crc32c\":\"";
const END: &str = "\"}\n";
/// The best that zstd can do: 4 bytes for a block of 128 KiB.
const MAX_RATIO: u64 = 32 << 10;

/// How the bytes of a shard are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Codec {
    None,
    Zstd,
}

impl Codec {
    pub fn extension(self) -> &'static str {
        match self {
            Codec::None => ".bin",
            Codec::Zstd => ".bin.zst",
        }
    }
}

/// What was done to the bytes before the codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Filter {
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// The data object, which lies beside the record.
    pub data: String,
    pub codec: Codec,
    pub filter: Filter,
    /// Bytes.
    pub raw_size: u64,
    /// Bytes.
    pub stored_size: u64,
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub raw_crc32c: u32,
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub stored_crc32c: u32,
}

/// What a codec wrote, as the record has to tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub raw_size: u64,
    pub stored_size: u64,
    pub raw_crc32c: u32,
    pub stored_crc32c: u32,
}

impl Record {
    pub fn new(data: String, codec: Codec, written: Written) -> Self {
        Record {
            version: VERSION,
            data,
            codec,
            filter: Filter::None,
            raw_size: written.raw_size,
            stored_size: written.stored_size,
            raw_crc32c: written.raw_crc32c,
            stored_crc32c: written.stored_crc32c,
        }
    }

    /// The bytes to be stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_string(self).expect("plain members always serialize");
        let crc32c = crate::checksum::crc32c(text.as_bytes());
        text.pop();
        format!("{text}{SEAL}{crc32c:08x}{END}").into_bytes()
    }

    /// Reads what [`Record::to_bytes`] wrote.
    ///
    /// # Errors
    /// `CheckpointCorrupt` for anything else; `ManifestVersion` if a later format wrote it.
    pub fn parse(bytes: &[u8]) -> Result<Record> {
        let members = unseal(bytes)?;
        let version: Version = parse_json(&members)?;
        if version.version > VERSION {
            let found = version.version;
            return Err(Error::new(
                ErrorKind::ManifestVersion,
                format!(
                    "the record has format version {found}, this program reads up to {VERSION}"
                ),
            ));
        }
        let record: Record = parse_json(&members)?;
        record.check()?;
        Ok(record)
    }

    fn check(&self) -> Result<()> {
        let (raw, stored) = (self.raw_size, self.stored_size);
        let possible = match self.codec {
            Codec::None => raw == stored && self.raw_crc32c == self.stored_crc32c,
            Codec::Zstd => raw / MAX_RATIO <= stored,
        };
        if possible && self.version == VERSION {
            return Ok(());
        }
        Err(corrupt(format!(
            "the record contradicts itself: {raw} bytes in {stored}, {:?}",
            self.codec
        )))
    }

    pub fn raw_checksum(&self) -> Checksum {
        checksum(self.raw_crc32c)
    }

    pub fn stored_checksum(&self) -> Checksum {
        checksum(self.stored_crc32c)
    }
}

/// Any format version keeps this member.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

pub(super) fn corrupt(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::CheckpointCorrupt, detail)
}

fn checksum(crc32c: u32) -> Checksum {
    Checksum {
        algorithm: Algorithm::Crc32c,
        value: u64::from(crc32c),
    }
}

/// The members of a record whose checksum is right, as JSON text.
fn unseal(bytes: &[u8]) -> Result<Vec<u8>> {
    let damaged = || corrupt("the record does not end in its checksum");
    let rest = bytes.strip_suffix(END.as_bytes()).ok_or_else(damaged)?;
    let (rest, digits) = rest.split_last_chunk::<8>().ok_or_else(damaged)?;
    let members = rest.strip_suffix(SEAL.as_bytes()).ok_or_else(damaged)?;
    let told = std::str::from_utf8(digits)
        .ok()
        .and_then(parse_hex)
        .ok_or_else(damaged)?;
    let mut text = members.to_vec();
    text.push(b'}');
    let mut crc = Crc32c::default();
    crc.update(&text);
    if crc.value() != told {
        return Err(corrupt(format!(
            "the record has CRC-32C {:08x}, but tells {told:08x}",
            crc.value()
        )));
    }
    Ok(text)
}

fn parse_json<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T> {
    serde_json::from_slice(text)
        .map_err(|cause| corrupt("the record is not what this program writes").with_source(cause))
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn to_hex<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{value:08x}"))
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    let expected = || serde::de::Error::custom("expected 8 hexadecimal digits");
    parse_hex(&text).ok_or_else(expected)
}

fn parse_hex(text: &str) -> Option<u32> {
    let plain = text.len() == 8
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let written = Written {
            raw_size: 9,
            stored_size: 9,
            raw_crc32c: 0xe306_9283,
            stored_crc32c: 0xe306_9283,
        };
        Record::new("shard-00000.0.bin".into(), Codec::None, written)
    }

    /// `text` as a record whose checksum is right.
    fn sealed(members: &str) -> Vec<u8> {
        let crc32c = crate::checksum::crc32c(members.as_bytes());
        format!(
            "{}{SEAL}{crc32c:08x}{END}",
            members.strip_suffix('}').unwrap()
        )
        .into_bytes()
    }

    #[test]
    fn the_text_is_the_documented_one() {
        let text = String::from_utf8(record().to_bytes()).unwrap();

        assert_eq!(
            text,
            "{\"version\":1,\"data\":\"shard-00000.0.bin\",\"codec\":\"none\",\"filter\":\"none\",\
             \"raw_size\":9,\"stored_size\":9,\"raw_crc32c\":\"e3069283\",\"stored_crc32c\":\"e3069283\",\
             \"record_crc32c\":\"9c6f4f35\"}\n"
        );
        assert_eq!(Record::parse(text.as_bytes()).unwrap(), record());
    }

    #[test]
    fn every_altered_byte_is_refused() {
        let bytes = record().to_bytes();
        for at in 0..bytes.len() {
            for mask in 1..=255 {
                let mut altered = bytes.clone();
                altered[at] ^= mask;
                let error = Record::parse(&altered).unwrap_err();
                assert_eq!(
                    error.kind(),
                    ErrorKind::CheckpointCorrupt,
                    "byte {at} ^ {mask}"
                );
            }
        }
        for len in 0..bytes.len() {
            assert!(Record::parse(&bytes[..len]).is_err());
        }
        assert!(Record::parse(&[&bytes[..], b"\n"].concat()).is_err());
    }

    #[test]
    fn a_later_format_is_told_from_damage() {
        let later = sealed("{\"version\":2,\"shape\":[]}");

        let error = Record::parse(&later).unwrap_err();

        assert_eq!(error.kind(), ErrorKind::ManifestVersion);
        assert!(error.to_string().contains("version 2"), "{error}");
    }

    #[test]
    fn impossible_claims_are_refused() {
        let text = String::from_utf8(record().to_bytes()).unwrap();
        let (members, _) = text.split_once(SEAL).unwrap();
        let members = format!("{members}}}");
        assert!(Record::parse(&sealed(&members)).is_ok());
        for (from, to) in [
            ("\"version\":1", "\"version\":0"),
            ("\"raw_size\":9", "\"raw_size\":10"),
            ("\"raw_size\":9", "\"raw_size\":-9"),
            ("\"raw_crc32c\":\"e3", "\"raw_crc32c\":\"E3"),
            ("\"codec\":\"none\"", "\"codec\":\"lz4\""),
            (
                "\"codec\":\"none\",\"filter\":\"none\",\"raw_size\":9",
                "\"codec\":\"zstd\",\"filter\":\"none\",\"raw_size\":18446744073709551615",
            ),
        ] {
            let altered = members.replace(from, to);
            assert_ne!(altered, members);
            let error = Record::parse(&sealed(&altered)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CheckpointCorrupt, "{altered}");
        }
    }
}
