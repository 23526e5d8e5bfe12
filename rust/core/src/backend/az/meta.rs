//! Object properties as Azure writes them in headers, both ways.

use std::time::SystemTime;

use azure_core::http::headers::Headers;
use azure_core::time::parse_rfc7231;

use super::session::{Call, header};
use crate::backend::attributes;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{ObjectMeta, WriteOptions, WriteReply};

const METADATA: &str = "x-ms-meta-";
/// Marks our own conditional writes, so that one whose answer was lost is known again. Never shown.
pub(super) const WRITE_TOKEN: &str = "x-ms-meta-s3dlio_write";
const TIERS: [&str; 4] = ["Hot", "Cool", "Cold", "Archive"];

/// What Get Blob Properties tells.
pub(super) fn read(headers: &Headers) -> Result<ObjectMeta> {
    let text = |name| header(headers, name).map(str::to_owned);
    let size = header(headers, "content-length").and_then(|length| length.parse().ok());
    let Some(size) = size else {
        return Err(
            Error::new(ErrorKind::Server, "the service's answer tells no size")
                .with_retryable(false),
        );
    };
    let metadata = headers
        .iter()
        .filter(|(name, _)| name.as_str() != WRITE_TOKEN)
        .filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix(METADATA)?;
            Some((name.to_owned(), value.as_str().to_owned()))
        })
        .collect();
    // `x-ms-or-<policy>_<rule>` on the source of a replication.
    let replication = headers.iter().find_map(|(name, value)| {
        let rule = name.as_str().strip_prefix("x-ms-or-")?;
        (rule != "policy-id").then(|| value.as_str().to_owned())
    });
    Ok(ObjectMeta {
        size,
        last_modified: header(headers, "last-modified").and_then(parse_time),
        etag: text("etag"),
        content_type: text("content-type"),
        content_language: text("content-language"),
        storage_class: None,
        metadata,
        version_id: text("x-ms-version-id"),
        replication_status: replication,
        // The one cipher that the service has.
        server_side_encryption: (header(headers, "x-ms-server-encrypted") == Some("true"))
            .then(|| "AES256".to_owned()),
        ssekms_key_id: None,
        tier: text("x-ms-access-tier"),
        checksum: None,
    })
}

pub(super) fn parse_time(text: &str) -> Option<SystemTime> {
    parse_rfc7231(text).ok().map(SystemTime::from)
}

/// Listings leave out the quotes that headers have.
pub(super) fn quoted(etag: String) -> String {
    if etag.starts_with('"') || etag.starts_with("W/") {
        etag
    } else {
        format!("\"{etag}\"")
    }
}

pub(super) fn write_reply(headers: &Headers) -> WriteReply {
    WriteReply {
        etag: header(headers, "etag").map(str::to_owned),
        version_id: header(headers, "x-ms-version-id").map(str::to_owned),
        checksum: None,
    }
}

/// Refuses what Azure cannot keep, before any byte is sent.
pub(super) fn check(options: &WriteOptions) -> Result<()> {
    if options.storage_class.is_some() {
        return Err(attributes::unsupported(
            "storage_class",
            "Azure has tiers (tier) instead",
        ));
    }
    attributes::check(options)?;
    if let Some(tier) = &options.tier {
        tier_name(tier)?;
    }
    for name in options.metadata.keys() {
        let identifier = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.as_bytes()[0].is_ascii_digit();
        if !identifier {
            return Err(Error::invalid(format!(
                "metadata name {name:?}: Azure takes letters, digits and _"
            )));
        }
    }
    Ok(())
}

/// The options as headers of the request that makes the blob; they have been checked.
pub(super) fn write(mut call: Call, options: &WriteOptions) -> Result<Call> {
    if options.if_none_match {
        call = call.header("if-none-match", "*");
    }
    if let Some(content_type) = &options.content_type {
        call = call.header("x-ms-blob-content-type", content_type);
    }
    if let Some(tier) = &options.tier {
        call = call.header("x-ms-access-tier", tier_name(tier)?);
    }
    for (name, value) in &options.metadata {
        call = call.named_header(format!("{METADATA}{}", name.to_ascii_lowercase()), value);
    }
    Ok(call)
}

pub(super) fn new_token() -> String {
    format!("{:032x}", rand::random::<u128>())
}

pub(super) fn tier_name(tier: &str) -> Result<&'static str> {
    TIERS
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(tier))
        .ok_or_else(|| {
            Error::invalid(format!(
                "unknown tier {tier:?}: expected hot, cool, cold or archive"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_properties() {
        let mut headers = Headers::new();
        for (name, value) in [
            ("content-length", "5"),
            ("etag", "\"0x8D\""),
            ("last-modified", "Mon, 23 Nov 2026 08:00:00 GMT"),
            ("x-ms-meta-step", "7"),
            ("x-ms-access-tier", "Hot"),
            ("x-ms-server-encrypted", "true"),
            ("x-ms-or-policy-id", "p"),
        ] {
            headers.insert(name, value);
        }

        let meta = read(&headers).unwrap();

        assert_eq!(
            (meta.size, meta.etag.as_deref(), meta.tier.as_deref()),
            (5, Some("\"0x8D\""), Some("Hot"))
        );
        assert_eq!(meta.metadata["step"], "7");
        assert!(meta.last_modified.is_some() && meta.replication_status.is_none());
        read(&Headers::new()).unwrap_err();
    }

    #[test]
    fn what_azure_cannot_keep_is_refused() {
        let metadata = |name: &str, value: &str| WriteOptions {
            metadata: [(name.to_owned(), value.to_owned())].into(),
            ..WriteOptions::default()
        };
        check(&metadata("step", "7")).unwrap();
        for options in [
            metadata("a-b", "x"),
            metadata("1a", "x"),
            metadata("a", "ü"),
            metadata("a", "x\r\ny: z"),
            WriteOptions {
                tier: Some("warm".into()),
                ..WriteOptions::default()
            },
            WriteOptions {
                content_type: Some("a\nb".into()),
                ..WriteOptions::default()
            },
        ] {
            assert_eq!(check(&options).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}
