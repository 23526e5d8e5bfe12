//! Uploads in parts, with a checksum of the whole object that the service compares.

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, StorageClass};

use super::payload::{Sending, crc32c, outgoing, signed_as};
use super::store::S3Store;
use super::write::{metadata, new_token};
use crate::backend::attempts::Failure;
use crate::checksum::Checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::types::{Part, UploadId, WriteOptions};
use crate::uri::Key;

/// Between our token and the service's id of an upload.
const MARK: char = '#';

impl S3Store {
    /// With `summed`, each part has a checksum, and the object one that follows from them.
    pub(super) async fn create_upload(
        &self,
        key: &Key,
        part_size: u64,
        options: &WriteOptions,
        summed: bool,
    ) -> Result<UploadId> {
        let token = &new_token();
        let id = self
            .service
            .checksummed(|with_checksum| async move {
                let summed = summed && with_checksum;
                // The request under construction has several KiB, too much to move around in ours.
                let create = || Box::pin(self.create_once(key, options, token, summed));
                self.service.attempts().run(create).await
            })
            .await?;
        Ok(UploadId {
            id: join_id(token, &id),
            part_size,
        })
    }

    async fn create_once(
        &self,
        key: &Key,
        options: &WriteOptions,
        token: &str,
        with_checksum: bool,
    ) -> Result<String, Failure> {
        let client = self.service.client().await?;
        let request = client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key.as_str())
            .set_checksum_algorithm(with_checksum.then_some(ChecksumAlgorithm::Crc32C))
            .set_checksum_type(with_checksum.then_some(ChecksumType::FullObject))
            .set_metadata(metadata(options, Some(token)))
            .set_content_type(options.content_type.clone())
            .set_storage_class(options.storage_class.as_deref().map(StorageClass::from));
        let created = self.service.send(request.send()).await?;
        Ok(created
            .upload_id
            .ok_or_else(|| Error::new(ErrorKind::Server, "the answer names no upload"))?)
    }

    pub(super) async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: u32,
        body: &Payload,
    ) -> Result<Part> {
        let checksum = crc32c(body);
        let hash = signed_as(body, &self.service.config().s3).await?;
        let etag = self
            .service
            .checksummed(|with_checksum| {
                let sending = Sending {
                    body,
                    checksum: with_checksum.then_some(checksum),
                    hash: &hash,
                };
                async move {
                    let put = || self.put_part_once(key, upload, number, sending);
                    self.service.attempts().run(put).await
                }
            })
            .await?;
        Ok(Part {
            number,
            size: body.len(),
            etag,
            checksum: Some(checksum),
        })
    }

    async fn put_part_once(
        &self,
        key: &Key,
        upload: &UploadId,
        number: u32,
        sending: Sending<'_>,
    ) -> Result<Option<String>, Failure> {
        if let Some(road) = self.road().await? {
            let id = service_id(upload);
            return self.short_put_part(road, key, id, number, sending).await;
        }
        let Sending { body, checksum, .. } = sending;
        let (stream, slot) = outgoing(body, self.service.config());
        let request = self
            .service
            .client()
            .await?
            .upload_part()
            .bucket(&self.bucket)
            .key(key.as_str())
            .upload_id(service_id(upload))
            .part_number(number.cast_signed())
            .content_length(body.len().cast_signed())
            .set_checksum_crc32_c(checksum.map(Checksum::to_base64));
        let request = request
            .body(stream)
            .customize()
            .mutate_request(slot.attach());
        let request = match self.service.config().s3.sign_payload {
            true => request,
            false => request.disable_payload_signing(),
        };
        let output = self.service.send(request.send()).await?;
        Ok(output.e_tag)
    }

    pub(super) async fn drop_upload(&self, key: &Key, upload: &UploadId) -> Result<()> {
        let client = self.service.client().await?;
        let abort = || async {
            let request = client
                .abort_multipart_upload()
                .bucket(&self.bucket)
                .key(key.as_str())
                .upload_id(service_id(upload));
            self.service.send(request.send()).await.map(drop)
        };
        match self.service.attempts().run(abort).await {
            // Gone is what was wanted.
            Err(error) if error.code() == Some("NoSuchUpload") => Ok(()),
            result => result,
        }
    }
}

/// The token goes along, because `finish_upload` needs it to know its own object.
fn join_id(token: &str, id: &str) -> String {
    format!("{token}{MARK}{id}")
}

pub(super) fn service_id(upload: &UploadId) -> &str {
    upload.id.split_once(MARK).map_or(&upload.id, |(_, id)| id)
}

pub(super) fn token(upload: &UploadId) -> &str {
    upload.id.split_once(MARK).map_or("", |(token, _)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_travels_in_the_id() {
        let upload = UploadId {
            id: join_id("00ff", "up#load-1_"),
            part_size: 1,
        };

        assert_eq!(
            (service_id(&upload), token(&upload)),
            ("up#load-1_", "00ff")
        );
    }
}
