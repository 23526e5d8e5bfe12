//! Uploads in parts, up to their end: create, upload a part, abort, and what is there so far.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::buckets::NAMESPACE;
use super::call::Call;
use super::error::{Result, S3Error};
use super::state::{Checksum, Part, Upload, entity_digest, kept_headers};
use super::{S3, payload};
use crate::checksum::{Algorithm, hex};
use crate::clock::iso_date;
use crate::http::{Content, Response};
use crate::xml::XmlWriter;

pub(super) fn create(s3: &S3, call: &Call<'_>) -> Result<Response> {
    call.check_key()?;
    let head = &call.request.head;
    let algorithm = match head.header("x-amz-checksum-algorithm") {
        Some(name) => Some(Algorithm::from_name(name).ok_or_else(S3Error::not_implemented)?),
        None => None,
    };
    let composite = match (algorithm, head.header("x-amz-checksum-type")) {
        (None, None) => false,
        (None, Some(_)) => {
            return Err(S3Error::invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            ));
        }
        (Some(algorithm), None) => algorithm != Algorithm::Crc64Nvme,
        (Some(algorithm), Some("FULL_OBJECT")) if algorithm.is_linear() => false,
        (Some(algorithm), Some("COMPOSITE")) if algorithm != Algorithm::Crc64Nvme => true,
        (Some(algorithm), Some(kind)) => {
            let name = algorithm.name();
            let message = format!(
                "The {kind} checksum type cannot be used with the {name} checksum algorithm."
            );
            return Err(S3Error::invalid_request(&message));
        }
    };

    let mut state = s3.state();
    state.uploads_made += 1;
    let id = format!("upload-{:08}", state.uploads_made);
    let upload = Upload {
        key: call.key.to_owned(),
        headers: kept_headers(head),
        algorithm,
        composite,
        parts: BTreeMap::new(),
        started: SystemTime::now(),
    };
    state
        .bucket(call.bucket)?
        .uploads
        .insert(id.clone(), upload);
    drop(state);

    let document = XmlWriter::new()
        .open(&format!("InitiateMultipartUploadResult {NAMESPACE}"))
        .text("Bucket", call.bucket)
        .text("Key", call.key)
        .text("UploadId", &id)
        .close("InitiateMultipartUploadResult")
        .finish();
    let response = Response::new(200).xml(document);
    Ok(match algorithm {
        Some(algorithm) => response
            .header("x-amz-checksum-algorithm", algorithm.name())
            .header(
                "x-amz-checksum-type",
                if composite {
                    "COMPOSITE"
                } else {
                    "FULL_OBJECT"
                },
            ),
        None => response,
    })
}

pub(super) fn upload_part(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let payload = payload::read(call.request)?;
    let given = payload.checksum.clone();
    let part = store_part(s3, call, payload.content, payload.checksum)?;
    let response = Response::new(200).header("etag", &part.etag);
    Ok(match given {
        Some(checksum) => response.header(checksum.algorithm.header(), checksum.value),
        None => response,
    })
}

/// Keeps `content` as the part that the query names; `given` has been checked against it.
pub(super) fn store_part(
    s3: &S3,
    call: &Call<'_>,
    content: Content,
    given: Option<Checksum>,
) -> Result<Part> {
    let number = call
        .request
        .head
        .query("partNumber")
        .and_then(|text| text.parse().ok())
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| {
            S3Error::invalid_argument(
                "Part number must be an integer between 1 and 10000, inclusive",
            )
        })?;
    let algorithm = s3
        .state()
        .bucket(call.bucket)?
        .upload(call.key, call.upload_id())?
        .algorithm;
    if let Some(given) = &given
        && Some(given.algorithm) != algorithm
    {
        let message = format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            algorithm.map_or("null", Algorithm::name),
            given.algorithm.name()
        );
        return Err(S3Error::invalid_request(&message));
    }
    let part = Part {
        etag: format!(
            "\"{}\"",
            hex(&entity_digest(&content, &call.context.options))
        ),
        checksum: given
            .map(|given| given.value)
            .or_else(|| algorithm.map(|algorithm| algorithm.encoded(&content))),
        content,
        modified: SystemTime::now(),
    };
    // The upload may have ended while the part was summed.
    let mut state = s3.state();
    let upload = state
        .bucket(call.bucket)?
        .upload(call.key, call.upload_id())?;
    upload.parts.insert(number, part.clone());
    Ok(part)
}

pub(super) fn abort(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let mut state = s3.state();
    let bucket = state.bucket(call.bucket)?;
    bucket.upload(call.key, call.upload_id())?;
    bucket.uploads.remove(call.upload_id());
    Ok(Response::new(204))
}

pub(super) fn list_parts(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let after = call.number("part-number-marker")?.unwrap_or(0);
    let page = call.context.options.page_size.unwrap_or(1000);
    let limit = call
        .number("max-parts")?
        .map_or(page, |asked| page.min(asked as usize));
    let mut state = s3.state();
    let upload = state
        .bucket(call.bucket)?
        .upload(call.key, call.upload_id())?;
    let mut following = upload
        .parts
        .iter()
        .filter(|(number, _)| u64::from(**number) > after);
    let shown: Vec<_> = following.by_ref().take(limit).collect();
    let more = following.next().is_some();

    let mut xml = XmlWriter::new()
        .open(&format!("ListPartsResult {NAMESPACE}"))
        .text("Bucket", call.bucket)
        .text("Key", call.key)
        .text("UploadId", call.upload_id())
        .text("PartNumberMarker", after)
        .maybe(
            "NextPartNumberMarker",
            shown.last().map(|(number, _)| number),
        )
        .text("MaxParts", limit)
        .text("IsTruncated", more)
        .maybe("ChecksumAlgorithm", upload.algorithm.map(Algorithm::name));
    for (number, part) in shown {
        xml = xml
            .open("Part")
            .text("PartNumber", number)
            .text("LastModified", iso_date(part.modified))
            .text("ETag", &part.etag)
            .text("Size", part.content.len());
        if let (Some(algorithm), Some(value)) = (upload.algorithm, &part.checksum) {
            xml = xml.text(&format!("Checksum{}", algorithm.name()), value);
        }
        xml = xml.close("Part");
    }
    Ok(Response::new(200).xml(xml.close("ListPartsResult").finish()))
}

pub(super) fn list_uploads(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let head = &call.request.head;
    let prefix = head.query("prefix").unwrap_or_default();
    let marker = (
        head.query("key-marker").unwrap_or_default(),
        head.query("upload-id-marker").unwrap_or_default(),
    );
    let page = call.context.options.page_size.unwrap_or(1000);
    let limit = call
        .number("max-uploads")?
        .map_or(page, |asked| page.min(asked as usize));
    let mut state = s3.state();
    let bucket = state.bucket(call.bucket)?;
    let mut uploads: Vec<_> = bucket
        .uploads
        .iter()
        .map(|(id, upload)| (upload.key.as_str(), id.as_str(), upload.started))
        .filter(|(key, id, _)| key.starts_with(prefix) && (*key, *id) > marker)
        .collect();
    uploads.sort_unstable();
    let more = uploads.len() > limit;
    uploads.truncate(limit);
    let last = uploads.last().filter(|_| more);

    let document = XmlWriter::new()
        .open(&format!("ListMultipartUploadsResult {NAMESPACE}"))
        .text("Bucket", call.bucket)
        .text("Prefix", prefix)
        .text("MaxUploads", limit)
        .text("IsTruncated", more)
        .maybe("NextKeyMarker", last.map(|(key, ..)| key))
        .maybe("NextUploadIdMarker", last.map(|(_, id, _)| id))
        .each(&uploads, |xml, (key, id, started)| {
            xml.open("Upload")
                .text("Key", key)
                .text("UploadId", id)
                .text("Initiated", iso_date(*started))
                .text("StorageClass", "STANDARD")
                .close("Upload")
        })
        .close("ListMultipartUploadsResult")
        .finish();
    Ok(Response::new(200).xml(document))
}
