//! The bytes a write carries, checked against the sums given with them.

use super::error::{AzureError, Result};
use crate::checksum::{azure_crc64, decode, md5};
use crate::http::{Content, Head, Request, Response};

/// The body of `request`, if it is what its headers say.
pub(super) fn read(request: &Request) -> Result<&Content> {
    verify(&request.head, "content-md5", "Md5Mismatch", 16, || {
        md5(&request.body)
    })?;
    verify(
        &request.head,
        "x-ms-content-crc64",
        "Crc64Mismatch",
        8,
        || azure_crc64(&request.body),
    )?;
    Ok(&request.body)
}

fn verify(
    head: &Head,
    header: &str,
    code: &str,
    width: usize,
    compute: impl Fn() -> Vec<u8>,
) -> Result<()> {
    let Some(text) = head.header(header) else {
        return Ok(());
    };
    let given = decode(text)
        .filter(|bytes| bytes.len() == width)
        .ok_or_else(|| AzureError::invalid_header(header))?;
    if given == compute() {
        return Ok(());
    }
    let message =
        "The checksum specified in the request did not match the one computed by the server.";
    Err(AzureError::new(400, code, message))
}

/// Repeats the sums that were verified, as the service does.
pub(super) fn repeat_sums(response: Response, head: &Head) -> Response {
    ["content-md5", "x-ms-content-crc64"]
        .iter()
        .filter_map(|name| Some((name, head.header(name)?)))
        .fold(response, |response, (name, value)| {
            response.header(name, value)
        })
}
