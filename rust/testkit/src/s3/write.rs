//! PutObject, DeleteObject and DeleteObjects.

use super::call::Call;
use super::error::{Result, S3Error};
use super::read::tell_checksum;
use super::state::{Object, kept_headers};
use super::{S3, payload};
use crate::http::Response;
use crate::xml::{XmlWriter, element, elements};

pub(super) fn put(s3: &S3, call: &Call<'_>) -> Result<Response> {
    call.check_key()?;
    let payload = payload::read(call.request)?;
    let object = Object::new(
        payload.content,
        kept_headers(&call.request.head),
        payload.checksum,
        &call.context.options,
    );
    let response = tell_checksum(Response::new(200).header("etag", &object.etag), &object);
    s3.store(call, object)?;
    Ok(response)
}

pub(super) fn delete(s3: &S3, call: &Call<'_>) -> Result<Response> {
    s3.state().bucket(call.bucket)?.remove(call.key);
    Ok(Response::new(204))
}

pub(super) fn delete_many(s3: &S3, call: &Call<'_>) -> Result<Response> {
    const LIMIT: usize = 1000;
    let payload = payload::read(call.request)?;
    if payload.checksum.is_none() && call.request.head.header("content-md5").is_none() {
        let message = "Missing required header for this request: Content-MD5";
        return Err(S3Error::invalid_request(message));
    }
    let document = payload.content.to_text();
    let keys: Vec<String> = elements(&document, "Object")
        .into_iter()
        .filter_map(|object| element(object, "Key"))
        .collect();
    if keys.is_empty() || keys.len() > LIMIT {
        return Err(S3Error::malformed_xml());
    }
    let quiet = element(&document, "Quiet").as_deref() == Some("true");

    let mut state = s3.state();
    let bucket = state.bucket(call.bucket)?;
    let mut xml = XmlWriter::new().open("DeleteResult");
    for key in keys {
        let failure = call
            .context
            .quirks
            .fail_keys
            .iter()
            .find(|(failing, ..)| *failing == key);
        if let Some((_, code, message)) = failure {
            xml = xml
                .open("Error")
                .text("Key", &key)
                .text("Code", code)
                .text("Message", message)
                .close("Error");
            continue;
        }
        bucket.remove(&key);
        if !quiet {
            xml = xml.open("Deleted").text("Key", &key).close("Deleted");
        }
    }
    Ok(Response::new(200).xml(xml.close("DeleteResult").finish()))
}
