//! Whole blobs: put, get, delete, copy, tier.

use std::sync::Arc;
use std::time::SystemTime;

use percent_encoding::percent_decode_str;

use super::error::{AzureError, Result};
use super::state::{Blob, kept_headers};
use super::{Azure, Call, payload, route};
use crate::checksum::{azure_crc64, encode, md5};
use crate::clock::http_date;
use crate::condition::{Asked, Verdict, check_read, names, parse_range};
use crate::http::{Content, Response};

pub(super) fn put(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let head = &call.request.head;
    if head.header("x-ms-blob-type") != Some("BlockBlob") {
        return Err(AzureError::invalid_header("x-ms-blob-type"));
    }
    let content = payload::read(call.request)?.clone();
    let sum = encode(&md5(&content));
    let stored = head
        .header("x-ms-blob-content-md5")
        .map_or(sum.clone(), str::to_owned);
    let blob = azure.store(call, draft(call, content, Some(stored)))?;
    let mut response = payload::repeat_sums(written(201, &blob), head);
    response.replace("content-md5", Some(&sum));
    Ok(response)
}

/// A blob as the request describes it, before it has its ETag.
pub(super) fn draft(call: &Call<'_>, content: Content, md5: Option<String>) -> Blob {
    let head = &call.request.head;
    Blob {
        content,
        etag: String::new(),
        md5,
        headers: kept_headers(head),
        tier: head.header("x-ms-access-tier").map(str::to_owned),
        blocks: Vec::new(),
        modified: SystemTime::now(),
    }
}

pub(super) fn written(status: u16, blob: &Blob) -> Response {
    Response::new(status)
        .header("etag", &blob.etag)
        .header("last-modified", http_date(blob.modified))
        .header("x-ms-request-server-encrypted", true)
}

/// Answers GET and, as the writer leaves the body out, HEAD.
pub(super) fn get(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    const SUMMED_RANGE: u64 = 4 * 1024 * 1024;
    let head = &call.request.head;
    let blob = azure.find(call.container, call.blob)?;
    match check_read(head, &blob.etag, blob.modified) {
        Verdict::Go => {}
        Verdict::Failed => return Err(AzureError::condition_not_met()),
        Verdict::NotModified => {
            let response = Response::new(304).header("etag", &blob.etag);
            return Ok(response.header("x-ms-error-code", "ConditionNotMet"));
        }
    }
    if head.method == "GET" && blob.tier.as_deref() == Some("Archive") {
        let message = "This operation is not permitted on an archived blob.";
        return Err(AzureError::new(409, "BlobArchived", message));
    }
    let size = blob.content.len();
    let range = head.header("x-ms-range").or_else(|| head.header("range"));
    // Azure has no ranges that count from the end.
    if range.is_some_and(|range| range.starts_with("bytes=-")) {
        return Err(AzureError::invalid_header("x-ms-range"));
    }
    match parse_range(range.filter(|_| head.method == "GET"), size) {
        Asked::Whole => {
            let mut response = describe(Response::new(200), &blob);
            response.replace("content-md5", blob.md5.as_deref());
            Ok(response.body(blob.content.clone()))
        }
        Asked::Part(range) => {
            let asks = |name| {
                head.header(name)
                    .is_some_and(|value| value.eq_ignore_ascii_case("true"))
            };
            let (sums_md5, sums_crc) = (
                asks("x-ms-range-get-content-md5"),
                asks("x-ms-range-get-content-crc64"),
            );
            if (sums_md5 || sums_crc) && range.end - range.start > SUMMED_RANGE {
                return Err(AzureError::invalid_header("x-ms-range"));
            }
            let shown = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            let part = blob.content.slice(range);
            let mut response = describe(Response::new(206), &blob).header("content-range", shown);
            response.replace("x-ms-blob-content-md5", blob.md5.as_deref());
            if sums_md5 {
                response = response.header("content-md5", encode(&md5(&part)));
            }
            if sums_crc {
                response = response.header("x-ms-content-crc64", encode(&azure_crc64(&part)));
            }
            Ok(response.body(part))
        }
        Asked::Unsatisfiable => {
            let message = "The range specified is invalid for the current size of the resource.";
            Err(AzureError::new(416, "InvalidRange", message)
                .with_header("content-range", format!("bytes */{size}")))
        }
    }
}

fn describe(response: Response, blob: &Blob) -> Response {
    let response = response
        .header("etag", &blob.etag)
        .header("last-modified", http_date(blob.modified))
        .header("x-ms-creation-time", http_date(blob.modified))
        .header("accept-ranges", "bytes")
        .header("x-ms-blob-type", "BlockBlob")
        .header("x-ms-access-tier", blob.tier.as_deref().unwrap_or("Hot"))
        .header("x-ms-access-tier-inferred", blob.tier.is_none())
        .header("x-ms-server-encrypted", true);
    blob.headers
        .iter()
        .fold(response, |response, (name, value)| {
            response.header(name, value)
        })
}

pub(super) fn delete(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let mut state = azure.state();
    let container = state.container(call.container)?;
    if let Some(blob) = container.find(call.blob)
        && check_read(&call.request.head, &blob.etag, blob.modified) != Verdict::Go
    {
        return Err(AzureError::condition_not_met());
    }
    if container.remove(call.blob) {
        Ok(Response::new(202).header("x-ms-delete-type-permanent", true))
    } else {
        Err(AzureError::blob_not_found())
    }
}

pub(super) fn set_tier(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let tier = call
        .request
        .head
        .header("x-ms-access-tier")
        .unwrap_or_default();
    if !["Hot", "Cool", "Cold", "Archive"].contains(&tier) {
        return Err(AzureError::invalid_header("x-ms-access-tier"));
    }
    let mut state = azure.state();
    let container = state.container(call.container)?;
    let blob = container
        .blobs
        .get_mut(call.blob)
        .ok_or_else(AzureError::blob_not_found)?;
    // Waking an archived blob takes hours, which the status tells.
    let wakes = blob.tier.as_deref() == Some("Archive") && tier != "Archive";
    Arc::make_mut(blob).tier = Some(tier.to_owned());
    Ok(Response::new(if wakes { 202 } else { 200 }))
}

/// Copy Blob and Put Blob From URL, both done at once.
pub(super) fn copy(azure: &Azure, call: &Call<'_>, status: u16) -> Result<Response> {
    let source = source(azure, call)?;
    let mut blob = draft(call, source.content.clone(), source.md5.clone());
    if !call
        .request
        .head
        .headers
        .iter()
        .any(|(name, _)| name.starts_with("x-ms-meta-"))
    {
        blob.headers.clone_from(&source.headers);
    }
    let outcome = [
        ("x-ms-copy-id", call.request.head.request_id.as_str()),
        ("x-ms-copy-status", "success"),
    ];
    // Copy Blob leaves a trace on the blob; Put Blob From URL answers with one only.
    if status == 202 {
        blob.headers
            .retain(|(name, _)| !name.starts_with("x-ms-copy-"));
        let kept = outcome.map(|(name, value)| (name.to_owned(), value.to_owned()));
        blob.headers.extend(kept);
    }
    let blob = azure.store(call, blob)?;
    Ok(outcome
        .into_iter()
        .fold(written(status, &blob), |response, (name, value)| {
            response.header(name, value)
        }))
}

/// The blob that x-ms-copy-source names; it must be of this server.
pub(super) fn source(azure: &Azure, call: &Call<'_>) -> Result<Arc<Blob>> {
    let url = call
        .request
        .head
        .header("x-ms-copy-source")
        .unwrap_or_default();
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| Some(&rest[rest.find('/')?..]))
        .ok_or_else(|| AzureError::invalid_header("x-ms-copy-source"))?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let path = percent_decode_str(path).decode_utf8_lossy();
    let (_, container, blob) = route::split(&path);
    let found = azure.find(container, blob)?;
    let wanted = call.request.head.header("x-ms-source-if-match");
    if wanted.is_some_and(|list| !names(list, &found.etag)) {
        let message = "The source condition specified using HTTP conditional header(s) is not met.";
        return Err(AzureError::new(412, "SourceConditionNotMet", message));
    }
    Ok(found)
}
