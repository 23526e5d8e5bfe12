//! Copies that the service makes itself: whole up to its limit, and in parts.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>: a copy may fail after its answer has begun,
//! so a success counts only with its result in it.

use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::http::Slot;
use super::multipart::service_id;
use super::object::checksum_headers;
use super::store::S3Store;
use crate::backend::attempts::Failure;
use crate::checksum::{Algorithm, Checksum};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{CopySource, Part, UploadId, WriteReply};
use crate::uri::Key;

/// What the header of a source holds unescaped.
const IN_HEADER: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

impl S3Store {
    pub(super) async fn copy_object(&self, source: &CopySource, key: &Key) -> Result<WriteReply> {
        // The request under construction has several KiB, too much to move around in ours.
        let copy = || Box::pin(self.copy_once(source, key));
        self.service.attempts().run(copy).await
    }

    async fn copy_once(&self, source: &CopySource, key: &Key) -> Result<WriteReply, Failure> {
        let request = self
            .service
            .client()
            .await?
            .copy_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .copy_source(header(source))
            .set_copy_source_if_match(source.meta.etag.clone());
        // The service may take minutes for gigabytes.
        let slot = Slot::waiting(self.service.retry().deadline);
        let request = request.customize().mutate_request(slot.attach());
        let output = self.service.send(request.send()).await?;
        let result = output
            .copy_object_result
            .filter(|result| result.e_tag.is_some())
            .ok_or_else(no_result)?;
        Ok(WriteReply {
            checksum: checksum_headers!(result).full_object(),
            etag: result.e_tag,
            version_id: output.version_id,
        })
    }

    pub(super) async fn copy_range(
        &self,
        source: &CopySource,
        range: Range<u64>,
        key: &Key,
        upload: &UploadId,
        number: u32,
    ) -> Result<Part> {
        let copy = || Box::pin(self.copy_range_once(source, &range, key, upload, number));
        let (etag, checksum) = self.service.attempts().run(copy).await?;
        Ok(Part {
            number,
            size: range.end - range.start,
            etag: Some(etag),
            checksum,
        })
    }

    async fn copy_range_once(
        &self,
        source: &CopySource,
        range: &Range<u64>,
        key: &Key,
        upload: &UploadId,
        number: u32,
    ) -> Result<(String, Option<Checksum>), Failure> {
        let request = self
            .service
            .client()
            .await?
            .upload_part_copy()
            .bucket(&self.bucket)
            .key(key.as_str())
            .upload_id(service_id(upload))
            .part_number(number.cast_signed())
            .copy_source(header(source))
            .set_copy_source_if_match(source.meta.etag.clone())
            .copy_source_range(format!("bytes={}-{}", range.start, range.end - 1));
        let slot = Slot::waiting(self.service.retry().deadline);
        let request = request.customize().mutate_request(slot.attach());
        let output = self.service.send(request.send()).await?;
        let result = output.copy_part_result.ok_or_else(no_result)?;
        let checksum = result
            .checksum_crc32_c()
            .and_then(|text| Checksum::from_base64(Algorithm::Crc32c, text));
        Ok((result.e_tag.ok_or_else(no_result)?, checksum))
    }
}

/// `bucket/key`, escaped.
fn header(source: &CopySource) -> String {
    let key = utf8_percent_encode(source.key.as_str(), IN_HEADER);
    format!("{}/{key}", source.container)
}

fn no_result() -> Error {
    Error::new(ErrorKind::Server, "the answer to a copy tells no result")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ObjectMeta;

    #[test]
    fn a_source_is_escaped_once() {
        let source = CopySource {
            container: "bucket".into(),
            key: Key::new("a b/c+d%25?ü#\n"),
            meta: ObjectMeta::default(),
        };

        assert_eq!(header(&source), "bucket/a%20b/c%2Bd%2525%3F%C3%BC%23%0A");
    }
}
