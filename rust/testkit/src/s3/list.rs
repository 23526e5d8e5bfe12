//! ListObjectsV2 and its elder, ListObjects.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::S3;
use super::buckets::NAMESPACE;
use super::call::Call;
use super::error::{Result, S3Error};
use super::state::Summary;
use crate::checksum::Algorithm;
use crate::clock::iso_date;
use crate::http::Response;
use crate::listing::{ListRequest, Page, Start, collect};
use crate::xml::XmlWriter;

const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

/// What both forms share of the request.
struct Asked<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    limit: usize,
    encoded: bool,
}

pub(super) fn list_v2(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let head = &call.request.head;
    let asked = Asked::read(call)?;
    let token = head.query("continuation-token");
    let start = match (token, head.query("start-after")) {
        (Some(token), _) => Start::parse(token).ok_or_else(|| {
            S3Error::invalid_argument("The continuation token provided is incorrect")
        })?,
        (None, Some(key)) if !key.is_empty() => Start::AfterKey(key.to_owned()),
        _ => Start::Beginning,
    };
    let page = asked.collect(s3, call, start.clone())?;
    let next = if call.context.quirks.repeat_token {
        Some(start)
    } else {
        page.next.clone()
    };

    let xml = XmlWriter::new()
        .open(&format!("ListBucketResult {NAMESPACE}"))
        .text("Name", call.bucket)
        .text("KeyCount", page.entries.len() + page.prefixes.len())
        .maybe("ContinuationToken", token)
        .maybe("NextContinuationToken", next.as_ref().map(Start::to_token))
        .maybe(
            "StartAfter",
            head.query("start-after").map(|key| asked.encode(key)),
        )
        .text("IsTruncated", next.is_some());
    Ok(asked.finish(xml, page))
}

pub(super) fn list_v1(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let asked = Asked::read(call)?;
    let marker = call.request.head.query("marker").unwrap_or_default();
    // A marker that is a folder of the page before stands for all that is in it.
    let start = match asked.delimiter {
        _ if marker.is_empty() => Start::Beginning,
        Some(delimiter) if marker.ends_with(delimiter) => Start::AfterPrefix(marker.to_owned()),
        _ => Start::AfterKey(marker.to_owned()),
    };
    let page = asked.collect(s3, call, start)?;
    let next = match &page.next {
        Some(Start::AfterKey(last) | Start::AfterPrefix(last)) => Some(last.as_str()),
        _ => None,
    };
    let next = if call.context.quirks.repeat_token {
        Some(marker)
    } else {
        next
    };

    let xml = XmlWriter::new()
        .open(&format!("ListBucketResult {NAMESPACE}"))
        .text("Name", call.bucket)
        .text("Marker", asked.encode(marker))
        .maybe("NextMarker", next.map(|key| asked.encode(key)))
        .text("IsTruncated", next.is_some());
    Ok(asked.finish(xml, page))
}

impl<'a> Asked<'a> {
    fn read(call: &Call<'a>) -> Result<Self> {
        let head = &call.request.head;
        let page = call.context.options.page_size.unwrap_or(1000);
        Ok(Self {
            prefix: head.query("prefix").unwrap_or_default(),
            delimiter: head
                .query("delimiter")
                .filter(|delimiter| !delimiter.is_empty()),
            limit: call
                .number("max-keys")?
                .map_or(page, |asked| page.min(asked as usize)),
            encoded: match head.query("encoding-type") {
                None => false,
                Some("url") => true,
                Some(_) => {
                    let message = "Invalid Encoding Method specified in Request";
                    return Err(S3Error::invalid_argument(message));
                }
            },
        })
    }

    fn collect(&self, s3: &S3, call: &Call<'_>, start: Start) -> Result<Page<Summary>> {
        let mut state = s3.state();
        let bucket = state.bucket(call.bucket)?;
        let request = ListRequest {
            prefix: self.prefix,
            delimiter: self.delimiter,
            start,
            limit: self.limit,
        };
        Ok(collect(&request, |bound| bucket.next(bound)))
    }

    /// A key as this listing writes it. S3 writes a space as `+`.
    fn encode(&self, key: &str) -> String {
        if self.encoded {
            utf8_percent_encode(key, KEPT)
                .to_string()
                .replace("%20", "+")
        } else {
            key.to_owned()
        }
    }

    fn finish(&self, xml: XmlWriter, page: Page<Summary>) -> Response {
        let document = xml
            .text("Prefix", self.encode(self.prefix))
            .maybe(
                "Delimiter",
                self.delimiter.map(|delimiter| self.encode(delimiter)),
            )
            .text("MaxKeys", self.limit)
            .maybe("EncodingType", self.encoded.then_some("url"))
            .each(page.entries, |xml, (key, entry)| {
                xml.open("Contents")
                    .text("Key", self.encode(&key))
                    .text("LastModified", iso_date(entry.modified))
                    .text("ETag", &entry.etag)
                    .maybe("ChecksumAlgorithm", entry.algorithm.map(Algorithm::name))
                    .text("Size", entry.size)
                    .text("StorageClass", &entry.class)
                    .close("Contents")
            })
            .each(page.prefixes, |xml, prefix| {
                xml.open("CommonPrefixes")
                    .text("Prefix", self.encode(&prefix))
                    .close("CommonPrefixes")
            })
            .close("ListBucketResult")
            .finish();
        Response::new(200).xml(document)
    }
}
