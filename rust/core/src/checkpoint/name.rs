//! Where a shard lies: the key of its record, the keys of its data, and which names are names at all.

use super::record::Codec;
use crate::error::{Error, Result};
use crate::uri::Uri;

/// One shard of one base URI.
#[derive(Debug, Clone)]
pub(super) struct Location {
    directory: Uri,
    record: Uri,
    /// `shard-00000`: what all keys of the shard start with, below the directory.
    stem: String,
}

impl Location {
    /// # Errors
    /// `InvalidInput` for a name that is not made of parts of `A-Z a-z 0-9 . _ -`, joined by `/`.
    pub fn new(base: &Uri, name: &str, rank: u32) -> Result<Self> {
        check_name(name)?;
        let directory = base.join(name);
        let stem = format!("shard-{rank:05}");
        let record = directory.join(&format!("{stem}.json"));
        Ok(Location {
            directory,
            record,
            stem,
        })
    }

    pub fn record(&self) -> &Uri {
        &self.record
    }

    /// The data object of that name, which lies beside the record.
    pub fn data(&self, data_name: &str) -> Uri {
        self.directory.join(data_name)
    }

    /// A name that no data object of this shard has, or ever had.
    pub fn data_name(&self, codec: Codec, random: u128) -> String {
        format!("{}.{random:032x}{}", self.stem, codec.extension())
    }

    /// Whether a record of this shard may name that object; one from elsewhere could point anywhere.
    pub fn owns(&self, data_name: &str, codec: Codec) -> bool {
        let unique = data_name
            .strip_prefix(&self.stem)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.strip_suffix(codec.extension()));
        unique.is_some_and(|text| {
            text.len() == 32
                && text
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    }
}

fn check_name(name: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let valid = name
        .split('/')
        .all(|part| !matches!(part, "" | "." | "..") && part.bytes().all(plain));
    if valid {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "shard name {name:?}: expected parts of letters, digits, '.', '_' and '-', joined by '/', none of them '.' or '..'"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn at(base: &str, name: &str, rank: u32) -> Result<Location> {
        Location::new(&base.parse().unwrap(), name, rank)
    }

    #[test]
    fn keys_are_the_same_with_and_without_a_final_slash() {
        for base in ["s3://b/p", "s3://b/p/"] {
            let shard = at(base, "model/weights", 7).unwrap();

            assert_eq!(
                shard.record().to_string(),
                "s3://b/p/model/weights/shard-00007.json"
            );
            assert_eq!(shard.data("x").to_string(), "s3://b/p/model/weights/x");
        }
        assert_eq!(
            at("s3://b", "a", 123_456).unwrap().record().key().as_str(),
            "a/shard-123456.json"
        );
    }

    #[test]
    fn only_plain_names_are_taken() {
        for name in ["a", "A-z_0.9", "a/b/c", "...", ".hidden", "a..b"] {
            assert!(at("file:///t", name, 0).is_ok(), "{name:?}");
        }
        for name in [
            "", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a b", "a\\b", "a\0", "ä", "a\n",
            "a%2f",
        ] {
            let error = at("file:///t", name, 0).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}");
        }
    }

    #[test]
    fn a_record_names_only_its_own_data() {
        let shard = at("s3://b/p", "m", 3).unwrap();
        let name = shard.data_name(Codec::Zstd, 0xabc);

        assert_eq!(name, "shard-00003.00000000000000000000000000000abc.bin.zst");
        assert!(shard.owns(&name, Codec::Zstd));
        assert!(!shard.owns(&name, Codec::None));
        assert!(!shard.owns(&name.replace("00003", "00004"), Codec::Zstd));
        assert!(!shard.owns(&name.replace("abc", "../"), Codec::Zstd));
        assert!(!shard.owns(&name.replace("abc", "ABC"), Codec::Zstd));
        assert!(!shard.owns("shard-00003.json", Codec::None));
    }
}
