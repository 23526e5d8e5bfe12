//! Operations on buckets themselves.

use super::S3;
use super::call::Call;
use super::error::{Result, S3Error};
use super::state::Bucket;
use crate::clock::iso_date;
use crate::http::Response;
use crate::xml::XmlWriter;

pub(super) const REGION: &str = "us-east-1";
pub(super) const NAMESPACE: &str = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

pub(super) fn create(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let named_well = (3..=63).contains(&call.bucket.len())
        && call
            .bucket
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
    if !named_well {
        let message = "The specified bucket is not valid.";
        return Err(S3Error::new(400, "InvalidBucketName", message));
    }
    let mut state = s3.state();
    if state.buckets.contains_key(call.bucket) {
        let message = "Your previous request to create the named bucket succeeded and you \
                       already own it.";
        return Err(S3Error::new(409, "BucketAlreadyOwnedByYou", message));
    }
    state.buckets.insert(call.bucket.to_owned(), Bucket::new());
    Ok(Response::new(200).header("location", format!("/{}", call.bucket)))
}

pub(super) fn delete(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let mut state = s3.state();
    if !state.bucket(call.bucket)?.is_empty() {
        let message = "The bucket you tried to delete is not empty";
        return Err(S3Error::new(409, "BucketNotEmpty", message));
    }
    state.buckets.remove(call.bucket);
    Ok(Response::new(204))
}

pub(super) fn head(s3: &S3, call: &Call<'_>) -> Result<Response> {
    s3.state().bucket(call.bucket)?;
    Ok(Response::new(200).header("x-amz-bucket-region", REGION))
}

pub(super) fn location(s3: &S3, call: &Call<'_>) -> Result<Response> {
    s3.state().bucket(call.bucket)?;
    // The first region is written as no region at all.
    let document = XmlWriter::new()
        .open(&format!("LocationConstraint {NAMESPACE}"))
        .close("LocationConstraint")
        .finish();
    Ok(Response::new(200).xml(document))
}

pub(super) fn list(s3: &S3) -> Response {
    let state = s3.state();
    let document = XmlWriter::new()
        .open(&format!("ListAllMyBucketsResult {NAMESPACE}"))
        .open("Owner")
        .text("ID", "testkit")
        .close("Owner")
        .open("Buckets")
        .each(&state.buckets, |xml, (name, bucket)| {
            xml.open("Bucket")
                .text("Name", name)
                .text("CreationDate", iso_date(bucket.created))
                .close("Bucket")
        })
        .close("Buckets")
        .close("ListAllMyBucketsResult")
        .finish();
    Response::new(200).xml(document)
}
