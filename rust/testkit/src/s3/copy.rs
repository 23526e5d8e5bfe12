//! CopyObject and UploadPartCopy.

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::S3;
use super::call::Call;
use super::error::{Result, S3Error};
use super::multipart;
use super::state::{Object, kept_headers};
use crate::clock::iso_date;
use crate::condition::{Asked, names, parse_range};
use crate::http::Response;
use crate::xml::XmlWriter;

pub(super) fn copy_object(s3: &S3, call: &Call<'_>) -> Result<Response> {
    call.check_key()?;
    let head = &call.request.head;
    let replaces = head
        .header("x-amz-metadata-directive")
        .is_some_and(|directive| directive.eq_ignore_ascii_case("replace"));
    let (source, at_itself) = source(s3, call)?;
    if at_itself && !replaces {
        return Err(S3Error::invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself \
             without changing the object's metadata.",
        ));
    }
    let headers = if replaces {
        kept_headers(head)
    } else {
        source.headers.clone()
    };
    // The copy is one piece, whatever the source was made of: a composite sum does not hold.
    let checksum = source
        .checksum
        .clone()
        .filter(|checksum| !checksum.composite);
    let object = Object::new(
        source.content.clone(),
        headers,
        checksum,
        &call.context.options,
    );
    let document = XmlWriter::new()
        .open("CopyObjectResult")
        .text("LastModified", iso_date(object.modified))
        .text("ETag", &object.etag)
        .each(object.checksum.as_ref(), |xml, checksum| {
            checksum.write(xml)
        })
        .close("CopyObjectResult")
        .finish();
    s3.store(call, object)?;
    Ok(Response::new(200).xml(document))
}

pub(super) fn copy_part(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let (source, _) = source(s3, call)?;
    let header = call.request.head.header("x-amz-copy-source-range");
    let size = source.content.len();
    let content = match parse_range(header, size) {
        Asked::Whole => source.content.clone(),
        Asked::Part(range) => source.content.slice(range),
        Asked::Unsatisfiable => {
            let message = format!("Range specified is not valid for source object of size: {size}");
            return Err(S3Error::invalid_argument(&message));
        }
    };
    let algorithm = s3
        .state()
        .bucket(call.bucket)?
        .upload(call.key, call.upload_id())?
        .algorithm;
    let part = multipart::store_part(s3, call, content, None)?;
    let told = algorithm.zip(part.checksum.as_ref());
    let document = XmlWriter::new()
        .open("CopyPartResult")
        .text("LastModified", iso_date(part.modified))
        .text("ETag", &part.etag)
        .each(told, |xml, (algorithm, value)| {
            xml.text(&format!("Checksum{}", algorithm.name()), value)
        })
        .close("CopyPartResult")
        .finish();
    Ok(Response::new(200).xml(document))
}

/// The object to copy from, and whether it is the one to copy to.
fn source(s3: &S3, call: &Call<'_>) -> Result<(Arc<Object>, bool)> {
    let head = &call.request.head;
    let header = head.header("x-amz-copy-source").unwrap_or_default();
    let path = header
        .split_once("?versionId=")
        .map_or(header, |(path, _)| path);
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let (bucket, key) = path
        .trim_start_matches('/')
        .split_once('/')
        .ok_or_else(|| {
            S3Error::invalid_argument("Copy Source must mention the source bucket and key")
        })?;
    let object = s3.find(bucket, key)?;
    let wanted = head.header("x-amz-copy-source-if-match");
    let unwanted = head.header("x-amz-copy-source-if-none-match");
    if wanted.is_some_and(|list| !names(list, &object.etag))
        || unwanted.is_some_and(|list| names(list, &object.etag))
    {
        return Err(S3Error::precondition_failed());
    }
    Ok((object, bucket == call.bucket && key == call.key))
}
