//! GetObject and HeadObject.

use super::S3;
use super::call::Call;
use super::error::{Result, S3Error};
use super::state::Object;
use crate::clock::http_date;
use crate::condition::{Asked, Verdict, check_read, parse_range};
use crate::http::Response;

/// Answers GET and, as the writer leaves the body out, HEAD.
pub(super) fn get(s3: &S3, call: &Call<'_>) -> Result<Response> {
    let object = s3.find(call.bucket, call.key)?;
    let head = &call.request.head;
    match check_read(head, &object.etag, object.modified) {
        Verdict::Go => {}
        Verdict::Failed => return Err(S3Error::precondition_failed()),
        Verdict::NotModified => return Ok(Response::new(304).header("etag", &object.etag)),
    }
    let size = object.content.len();
    match parse_range(head.header("range"), size) {
        Asked::Whole => {
            let response = describe(Response::new(200), &object);
            let response = match head.header("x-amz-checksum-mode") {
                Some(mode) if mode.eq_ignore_ascii_case("enabled") => {
                    tell_checksum(response, &object)
                }
                _ => response,
            };
            Ok(response.body(object.content.clone()))
        }
        Asked::Part(range) => {
            let shown = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            Ok(describe(Response::new(206), &object)
                .header("content-range", shown)
                .body(object.content.slice(range)))
        }
        Asked::Unsatisfiable => {
            let message = "The requested range is not satisfiable";
            Err(S3Error::new(416, "InvalidRange", message)
                .with_header("content-range", format!("bytes */{size}")))
        }
    }
}

fn describe(response: Response, object: &Object) -> Response {
    let response = response
        .header("etag", &object.etag)
        .header("last-modified", http_date(object.modified))
        .header("accept-ranges", "bytes");
    object
        .headers
        .iter()
        .fold(response, |response, (name, value)| {
            response.header(name, value)
        })
}

pub(super) fn tell_checksum(response: Response, object: &Object) -> Response {
    match &object.checksum {
        Some(checksum) => response
            .header(checksum.algorithm.header(), &checksum.value)
            .header("x-amz-checksum-type", checksum.kind()),
        None => response,
    }
}
