//! CompleteMultipartUpload: parts are checked, joined, summed and put in place.

use std::time::SystemTime;

use super::buckets::NAMESPACE;
use super::call::Call;
use super::error::{Result, S3Error};
use super::state::{Checksum, Object, Part, Upload};
use super::{S3, payload};
use crate::checksum::{Algorithm, decode, encode, hex, md5};
use crate::http::{Content, Response};
use crate::xml::{XmlWriter, element, elements};

pub(super) fn complete(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let id = call.upload_id();
    let upload = s3
        .state()
        .bucket(call.bucket)?
        .upload(call.key, id)?
        .clone();
    let parts = chosen_parts(call, &upload)?;
    let object = join(call, &upload, &parts)?;

    let document = XmlWriter::new()
        .open(&format!("CompleteMultipartUploadResult {NAMESPACE}"))
        .text("Location", format!("/{}/{}", call.bucket, call.key))
        .text("Bucket", call.bucket)
        .text("Key", call.key)
        .text("ETag", &object.etag)
        .each(object.checksum.as_ref(), |xml, checksum| {
            checksum.write(xml)
        })
        .close("CompleteMultipartUploadResult")
        .finish();
    s3.store(call, object)?;
    if let Ok(bucket) = s3.state().bucket(call.bucket) {
        bucket.uploads.remove(id);
    }
    Ok(Response::new(200).xml(document))
}

/// The parts that the request names, each checked against what was uploaded.
fn chosen_parts(call: &Call<'_>, upload: &Upload) -> Result<Vec<Part>> {
    let document = call.request.body.to_text();
    let named = elements(&document, "Part");
    if named.is_empty() {
        return Err(S3Error::malformed_xml());
    }
    let mut parts = Vec::with_capacity(named.len());
    let mut last = 0;
    for (index, text) in named.iter().enumerate() {
        let number: u32 = element(text, "PartNumber")
            .and_then(|number| number.parse().ok())
            .ok_or_else(S3Error::malformed_xml)?;
        if number <= last {
            let message = "The list of parts was not in ascending order.";
            return Err(S3Error::new(400, "InvalidPartOrder", message));
        }
        last = number;
        let etag = element(text, "ETag").ok_or_else(S3Error::malformed_xml)?;
        let part = upload
            .parts
            .get(&number)
            .filter(|part| part.etag.trim_matches('"') == etag.trim_matches('"'))
            .ok_or_else(invalid_part)?;
        check_part_checksum(upload, part, number, text)?;
        if index + 1 < named.len() && part.content.len() < call.context.options.min_part_size {
            let message = "Your proposed upload is smaller than the minimum allowed size";
            return Err(S3Error::new(400, "EntityTooSmall", message));
        }
        parts.push(part.clone());
    }
    Ok(parts)
}

fn check_part_checksum(upload: &Upload, part: &Part, number: u32, text: &str) -> Result<()> {
    let Some(algorithm) = upload.algorithm else {
        return Ok(());
    };
    match element(text, &format!("Checksum{}", algorithm.name())) {
        Some(given) if Some(&given) != part.checksum.as_ref() => Err(invalid_part()),
        None if upload.composite => {
            let message = format!(
                "The upload was created using a {} checksum. The complete request must include \
                 the checksum for each part. It was missing for part {number} in the request.",
                algorithm.name()
            );
            Err(S3Error::invalid_request(&message))
        }
        _ => Ok(()),
    }
}

/// The object of `parts`, or of all but one where a fault drops it.
fn join(call: &Call<'_>, upload: &Upload, parts: &[Part]) -> Result<Object> {
    let kept = match call.context.quirks.drop_part {
        Some((number, _)) => {
            let others = parts
                .iter()
                .enumerate()
                .filter(|(index, _)| index + 1 != number);
            others.map(|(_, part)| part.clone()).collect()
        }
        None => parts.to_vec(),
    };
    let claimed = match call.context.quirks.drop_part {
        Some((_, false)) => kept.as_slice(),
        _ => parts,
    };
    let whole = content(claimed);
    let checksum = upload.checksum(claimed, &whole, call.context.options.default_checksum);
    if call.context.quirks.drop_part.is_none() {
        check_request(call, upload, &whole)?;
    }
    Ok(Object {
        content: content(&kept),
        etag: format!("\"{}-{}\"", hex(&md5_of_etags(claimed)), claimed.len()),
        checksum,
        headers: upload.headers.clone(),
        modified: SystemTime::now(),
    })
}

/// What the request says of the whole object must be so.
fn check_request(call: &Call<'_>, upload: &Upload, whole: &Content) -> Result<()> {
    let head = &call.request.head;
    if let Some(size) = head.header("x-amz-mp-object-size")
        && size.parse() != Ok(whole.len())
    {
        let message = format!(
            "The provided 'x-amz-mp-object-size' header value {size} does not match what was \
             computed: {}",
            whole.len()
        );
        return Err(S3Error::invalid_request(&message));
    }
    if let Some(kind) = head.header("x-amz-checksum-type")
        && (kind == "COMPOSITE") != upload.composite
    {
        let message = "The x-amz-checksum-type differs from that of the upload.";
        return Err(S3Error::invalid_request(message));
    }
    for (name, value) in head
        .headers
        .iter()
        .filter(|(name, _)| payload::is_value(name))
    {
        let algorithm = upload.algorithm.unwrap_or(Algorithm::Crc64Nvme);
        if name != algorithm.header() {
            let message = format!("The upload was not created with the algorithm of {name}.");
            return Err(S3Error::invalid_request(&message));
        }
        if !upload.composite {
            payload::verify(algorithm, value, whole)?;
        }
    }
    Ok(())
}

impl Upload {
    fn checksum(&self, parts: &[Part], whole: &Content, by_default: bool) -> Option<Checksum> {
        let algorithm = match self.algorithm {
            Some(algorithm) => algorithm,
            None if by_default => Algorithm::Crc64Nvme,
            None => return None,
        };
        let value = if self.composite {
            let sums = parts
                .iter()
                .filter_map(|part| decode(part.checksum.as_ref()?));
            let joined = Content::from(sums.flatten().collect::<Vec<u8>>());
            format!("{}-{}", encode(&algorithm.digest(&joined)), parts.len())
        } else {
            algorithm.encoded(whole)
        };
        Some(Checksum {
            algorithm,
            value,
            composite: self.composite,
        })
    }
}

fn content(parts: &[Part]) -> Content {
    let mut whole = Content::default();
    for part in parts {
        whole.append(&part.content);
    }
    whole
}

/// S3's rule for objects in parts: the MD5 of the parts' binary MD5 values.
fn md5_of_etags(parts: &[Part]) -> Vec<u8> {
    let bytes = parts.iter().flat_map(|part| {
        let digits = part.etag.trim_matches('"').as_bytes().chunks_exact(2);
        digits.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
    });
    md5(&Content::from(bytes.collect::<Vec<u8>>()))
}

fn invalid_part() -> S3Error {
    let message = "One or more of the specified parts could not be found. The part may not have \
                   been uploaded, or the specified entity tag may not match the part's entity tag.";
    S3Error::new(400, "InvalidPart", message)
}
