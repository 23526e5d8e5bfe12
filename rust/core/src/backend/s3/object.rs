//! What answers tell about an object: properties, times, checksums.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::ChecksumType;

use crate::backend::attributes;
use crate::checksum::{Algorithm, Checksum};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{ObjectMeta, WriteOptions};

/// Marks a conditional write as ours, so that its lost answer can be told from somebody else's object.
pub(super) const WRITE_TOKEN: &str = "s3dlio-write";

/// The checksum values of one answer, as the SDK hands them out.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChecksumHeaders<'a> {
    pub(super) kind: Option<&'a ChecksumType>,
    pub(super) crc32c: Option<&'a str>,
    pub(super) crc64nvme: Option<&'a str>,
    pub(super) crc32: Option<&'a str>,
}

impl ChecksumHeaders<'_> {
    /// The checksum of the whole object, if there is one. A composite value, made of the parts' checksums, is none.
    pub(super) fn full_object(self) -> Option<Checksum> {
        if self
            .kind
            .is_some_and(|kind| *kind != ChecksumType::FullObject)
        {
            return None;
        }
        let read = |algorithm, text: Option<&str>| Checksum::from_base64(algorithm, text?);
        read(Algorithm::Crc32c, self.crc32c)
            .or_else(|| read(Algorithm::Crc64Nvme, self.crc64nvme))
            .or_else(|| read(Algorithm::Crc32, self.crc32))
    }
}

/// `ChecksumHeaders` of any SDK output that has the getters.
macro_rules! checksum_headers {
    ($output:expr) => {
        $crate::backend::s3::object::ChecksumHeaders {
            kind: $output.checksum_type(),
            crc32c: $output.checksum_crc32_c(),
            crc64nvme: $output.checksum_crc64_nvme(),
            crc32: $output.checksum_crc32(),
        }
    };
}
pub(super) use checksum_headers;

/// # Errors
/// `Server` if the answer has no length.
pub(super) fn meta(head: HeadObjectOutput) -> Result<ObjectMeta> {
    let checksum = checksum_headers!(head).full_object();
    let Some(size) = head
        .content_length
        .and_then(|size| u64::try_from(size).ok())
    else {
        return Err(Error::new(
            ErrorKind::Server,
            "the answer tells no object size",
        ));
    };
    Ok(ObjectMeta {
        size,
        last_modified: head.last_modified.and_then(system_time),
        etag: head.e_tag,
        content_type: head.content_type,
        content_language: head.content_language,
        storage_class: head.storage_class.map(|class| class.as_str().to_owned()),
        metadata: user_metadata(head.metadata),
        version_id: head.version_id,
        replication_status: head
            .replication_status
            .map(|status| status.as_str().to_owned()),
        server_side_encryption: head
            .server_side_encryption
            .map(|kind| kind.as_str().to_owned()),
        ssekms_key_id: head.ssekms_key_id,
        tier: None,
        checksum,
    })
}

/// Refuses what S3 cannot keep, before any byte is sent.
pub(super) fn check(options: &WriteOptions) -> Result<()> {
    if options.tier.is_some() {
        return Err(attributes::no_tiers());
    }
    attributes::check(options)?;
    if options
        .metadata
        .keys()
        .any(|name| name.eq_ignore_ascii_case(WRITE_TOKEN))
    {
        return Err(Error::invalid(format!(
            "metadata name {WRITE_TOKEN:?}: it marks our own writes"
        )));
    }
    Ok(())
}

fn user_metadata(all: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    all.unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| name != WRITE_TOKEN)
        .collect()
}

pub(super) fn system_time(time: DateTime) -> Option<SystemTime> {
    SystemTime::try_from(time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers<'a>(kind: Option<&'a ChecksumType>, crc32c: &'a str) -> ChecksumHeaders<'a> {
        ChecksumHeaders {
            kind,
            crc32c: Some(crc32c),
            crc64nvme: None,
            crc32: None,
        }
    }

    #[test]
    fn only_whole_objects_have_a_checksum() {
        let full = Checksum {
            algorithm: Algorithm::Crc32c,
            value: 0xe306_9283,
        };

        assert_eq!(headers(None, "4waSgw==").full_object(), Some(full));
        assert_eq!(
            headers(Some(&ChecksumType::FullObject), "4waSgw==").full_object(),
            Some(full)
        );
        assert_eq!(
            headers(Some(&ChecksumType::Composite), "4waSgw==").full_object(),
            None
        );
        assert_eq!(headers(None, "4waSgw==-2").full_object(), None);
    }

    #[test]
    fn our_mark_is_not_the_users_metadata() {
        let all = HashMap::from([
            (WRITE_TOKEN.to_owned(), "x".to_owned()),
            ("epoch".to_owned(), "3".to_owned()),
        ]);

        assert_eq!(
            user_metadata(Some(all)).into_iter().collect::<Vec<_>>(),
            [("epoch".to_owned(), "3".to_owned())]
        );
    }
}
