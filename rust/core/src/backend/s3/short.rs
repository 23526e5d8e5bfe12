//! The requests about one object that take the short way.

use std::borrow::Cow;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types::{ChecksumType, ReplicationStatus, ServerSideEncryption, StorageClass};
use http::Method;

use super::error::refusal;
use super::object::ChecksumHeaders;
use super::payload::Sending;
use super::range::{Head, Location, header};
use super::read::{Answer, measure};
use super::road::{Ask, Road};
use super::sign::{EMPTY, encode};
use super::store::S3Store;
use crate::backend::attempts::Failure;
use crate::checksum::Checksum;
use crate::error::{Error, Result};
use crate::transport::{Headers, Response};
use crate::types::{ByteRange, WriteReply};
use crate::uri::Key;

const META: &str = "x-amz-meta-";
/// Bytes of the answer to a write, which should have none.
const MAX_DOCUMENT: usize = 1 << 20;

impl S3Store {
    /// The short way, if this bucket has one and no redirect leads away from it.
    pub(super) async fn road(&self) -> Result<Option<&Road>> {
        if self.service.config().s3.sdk_only {
            return Ok(None);
        }
        let places = &self.service.peer.places;
        let in_host = places.bucket_in_host();
        let road = self.roads[usize::from(in_host)].get_or_try_init(|| async {
            let connected = self.service.connected().await?;
            let rules = match in_host {
                true => connected.rules.clone().force_path_style(false),
                false => connected.rules.clone(),
            };
            let road = Road::to(&self.bucket, rules, &connected.transport).await;
            if road.is_none() {
                tracing::info!(bucket = self.bucket, "all its requests go through the SDK");
            }
            Ok::<_, Error>(road)
        });
        let road = road.await?.as_ref();
        Ok(road.filter(|road| road.leads_on(places)))
    }

    pub(super) async fn short_get(
        &self,
        road: &Road,
        key: &Key,
        range: ByteRange,
        if_match: Option<&str>,
        want_checksum: bool,
    ) -> Result<(Answer, Location), Failure> {
        let mut headers = Vec::with_capacity(3);
        headers.extend(header(range).map(|range| ("range".into(), range)));
        headers.extend(if_match.map(|etag| ("if-match".into(), etag.to_owned())));
        if want_checksum {
            headers.push(("x-amz-checksum-mode".into(), "ENABLED".to_owned()));
        }
        let ask = ask(Method::GET, key, headers, None);
        let Response {
            status,
            headers,
            body,
        } = road.send(&self.service, ask).await?;
        let head = Head {
            status,
            content_range: headers.get("content-range"),
            content_length: headers
                .get("content-length")
                .and_then(|length| length.parse().ok()),
        };
        let (body, location) = measure(body, range, head).await?;
        let answer = Answer {
            etag: headers.get("etag").map(str::to_owned),
            checksum: checksum(&headers),
            body,
        };
        Ok((answer, location))
    }

    pub(super) async fn short_head(
        &self,
        road: &Road,
        key: &Key,
    ) -> Result<HeadObjectOutput, Failure> {
        let headers = vec![("x-amz-checksum-mode".into(), "ENABLED".to_owned())];
        let ask = ask(Method::HEAD, key, headers, None);
        let headers = road.send(&self.service, ask).await?.headers;
        let text = |name| headers.get(name).map(str::to_owned);
        let mut output = HeadObjectOutput::builder()
            .set_content_length(text("content-length").and_then(|length| length.parse().ok()))
            .set_last_modified(headers.get("last-modified").and_then(date))
            .set_e_tag(text("etag"))
            .set_content_type(text("content-type"))
            .set_content_language(text("content-language"))
            .set_storage_class(headers.get("x-amz-storage-class").map(StorageClass::from))
            .set_version_id(text("x-amz-version-id"))
            .set_replication_status(
                headers
                    .get("x-amz-replication-status")
                    .map(ReplicationStatus::from),
            )
            .set_server_side_encryption(
                headers
                    .get("x-amz-server-side-encryption")
                    .map(ServerSideEncryption::from),
            )
            .set_ssekms_key_id(text("x-amz-server-side-encryption-aws-kms-key-id"))
            .set_checksum_type(headers.get("x-amz-checksum-type").map(ChecksumType::from))
            .set_checksum_crc32_c(text("x-amz-checksum-crc32c"))
            .set_checksum_crc64_nvme(text("x-amz-checksum-crc64nvme"))
            .set_checksum_crc32(text("x-amz-checksum-crc32"));
        for (name, value) in headers.iter() {
            let name = name.to_ascii_lowercase();
            if let Some(name) = name.strip_prefix(META) {
                output = output.metadata(name, String::from_utf8_lossy(value));
            }
        }
        Ok(output.build())
    }

    /// A whole object; `headers` tell its properties.
    pub(super) async fn short_put(
        &self,
        road: &Road,
        key: &Key,
        sending: Sending<'_>,
        mut headers: Vec<(Cow<'static, str>, String)>,
    ) -> Result<WriteReply, Failure> {
        headers.extend(sum(sending));
        let ask = ask(Method::PUT, key, headers, Some(sending));
        let headers = self.write_by(road, ask).await?;
        Ok(WriteReply {
            etag: headers.get("etag").map(str::to_owned),
            version_id: headers.get("x-amz-version-id").map(str::to_owned),
            checksum: None,
        })
    }

    /// A part; what comes back is its etag.
    pub(super) async fn short_put_part(
        &self,
        road: &Road,
        key: &Key,
        upload: &str,
        number: u32,
        sending: Sending<'_>,
    ) -> Result<Option<String>, Failure> {
        let headers = sum(sending).into_iter().collect();
        let mut ask = ask(Method::PUT, key, headers, Some(sending));
        ask.query = format!("partNumber={number}&uploadId=");
        encode(upload, false, &mut ask.query);
        let headers = self.write_by(road, ask).await?;
        Ok(headers.get("etag").map(str::to_owned))
    }

    pub(super) async fn short_delete(&self, road: &Road, key: &Key) -> Result<(), Failure> {
        let ask = ask(Method::DELETE, key, Vec::new(), None);
        self.write_by(road, ask).await.map(drop)
    }

    async fn write_by(&self, road: &Road, ask: Ask<'_>) -> Result<Headers, Failure> {
        let Response {
            status,
            headers,
            body,
        } = road.send(&self.service, ask).await?;
        let document = body.collect(MAX_DOCUMENT).await?;
        if document.is_empty() {
            return Ok(headers);
        }
        // A success says nothing; this is an error that came late.
        Err(refusal(status, &|name| headers.get(name), &document))
    }
}

fn ask<'a>(
    method: Method,
    key: &'a Key,
    headers: Vec<(Cow<'static, str>, String)>,
    sending: Option<Sending<'a>>,
) -> Ask<'a> {
    Ask {
        method,
        key,
        query: String::new(),
        headers,
        body: sending.map(|sending| sending.body),
        hash: sending.map_or(EMPTY, |sending| sending.hash),
    }
}

fn sum(sending: Sending<'_>) -> Option<(Cow<'static, str>, String)> {
    let checksum = sending.checksum?;
    Some(("x-amz-checksum-crc32c".into(), checksum.to_base64()))
}

fn checksum(headers: &Headers) -> Option<Checksum> {
    let kind = headers.get("x-amz-checksum-type").map(ChecksumType::from);
    let sums = ChecksumHeaders {
        kind: kind.as_ref(),
        crc32c: headers.get("x-amz-checksum-crc32c"),
        crc64nvme: headers.get("x-amz-checksum-crc64nvme"),
        crc32: headers.get("x-amz-checksum-crc32"),
    };
    sums.full_object()
}

fn date(text: &str) -> Option<DateTime> {
    DateTime::from_str(text, DateTimeFormat::HttpDate).ok()
}
