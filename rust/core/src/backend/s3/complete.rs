//! The end of an upload in parts: what the service made of them is compared with what was sent, and a lost answer is
//! asked for.

use aws_sdk_s3::types::{ChecksumType, CompletedMultipartUpload, CompletedPart};

use super::http::Slot;
use super::multipart::{service_id, token};
use super::object::{checksum_headers, meta};
use super::store::S3Store;
use super::write::{has_token, unknown};
use crate::backend::attempts::Failure;
use crate::checksum::Checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Part, UploadId, WriteOptions, WriteReply};
use crate::uri::Key;

impl S3Store {
    pub(super) async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[Part],
        options: &WriteOptions,
    ) -> Result<WriteReply> {
        let whole = Whole::of(parts)?;
        let mut attempts = self.service.attempts();
        let complete = || self.complete_once(key, upload, parts, options, &whole);
        match attempts.run(complete).await {
            Ok(done) => self.check_completed(key, done, &whole).await,
            Err(error) => {
                // A lost answer is asked for: the object may be there although no try said so.
                if attempts.unsure() {
                    match self.find_completed(key, upload, &whole).await {
                        Ok(Some(reply)) => return Ok(reply),
                        // The upload ended, and may have become an object that is gone again.
                        Ok(None) if error.code() == Some("NoSuchUpload") => {
                            let lost = error.with_kind(ErrorKind::ConnectionFailed);
                            return Err(unknown(lost).with_retryable(true));
                        }
                        Ok(None) => {}
                        Err(unasked) => return Err(open(error, unasked)),
                    }
                }
                let met_object = options.if_none_match && error.status() == Some(412);
                Err(if met_object {
                    error.with_kind(ErrorKind::AlreadyExists)
                } else {
                    error
                })
            }
        }
    }

    async fn complete_once(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[Part],
        options: &WriteOptions,
        whole: &Whole,
    ) -> Result<Completed, Failure> {
        let with_checksum = whole.checksum.is_some() && !self.service.peer.refuses_checksums();
        let encode = |checksum: Option<Checksum>| {
            checksum.filter(|_| with_checksum).map(Checksum::to_base64)
        };
        let listed = parts.iter().map(|part| {
            CompletedPart::builder()
                .part_number(part.number.cast_signed())
                .set_e_tag(part.etag.clone())
                .set_checksum_crc32_c(encode(part.checksum))
                .build()
        });
        let request = self
            .service
            .client()
            .await?
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key.as_str())
            .upload_id(service_id(upload))
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(listed.collect()))
                    .build(),
            )
            .set_checksum_crc32_c(encode(whole.checksum))
            .set_checksum_type(with_checksum.then_some(ChecksumType::FullObject))
            .set_mpu_object_size(with_checksum.then_some(whole.size.cast_signed()))
            .set_if_none_match(options.if_none_match.then(|| "*".to_owned()));
        // The service may take minutes to join many parts.
        let slot = Slot::waiting(self.service.retry().deadline);
        let request = request.customize().mutate_request(slot.attach());
        let output = self.service.send(request.send()).await?;
        let checksum = checksum_headers!(output).full_object();
        Ok(Completed {
            etag: output.e_tag,
            version_id: output.version_id,
            checksum,
        })
    }

    /// Compares what the service says with what was sent; where it says too little, asks once more.
    async fn check_completed(
        &self,
        key: &Key,
        done: Completed,
        whole: &Whole,
    ) -> Result<WriteReply> {
        whole.check_etag(done.etag.as_deref())?;
        let mut told = done.checksum;
        if done
            .checksum
            .is_none_or(|checksum| !whole.compares(checksum))
        {
            let now = match self.head(key).await {
                // Who may only write cannot ask, and another may have deleted it since; the service has checked the parts.
                Err(error)
                    if matches!(error.kind(), ErrorKind::AccessDenied | ErrorKind::NotFound) =>
                {
                    None
                }
                head => Some(meta(head?)?),
            };
            // Another writer may have come since; its object is not ours to judge.
            if let Some(now) = now.filter(|now| now.etag == done.etag) {
                whole.check(Some(now.size), now.checksum)?;
                told = told.or(now.checksum);
            }
        } else {
            whole.check(None, done.checksum)?;
        }
        Ok(WriteReply {
            etag: done.etag,
            version_id: done.version_id,
            checksum: whole.checksum.or(told),
        })
    }

    /// The object that an unanswered Complete was to make, if it is there.
    ///
    /// # Errors
    /// Where that cannot be found out; `Integrity` if it is there and is not what was sent.
    async fn find_completed(
        &self,
        key: &Key,
        upload: &UploadId,
        whole: &Whole,
    ) -> Result<Option<WriteReply>> {
        let head = match self.head(key).await {
            Ok(head) => head,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !has_token(&head, token(upload)) {
            return Ok(None);
        }
        let found = meta(head)?;
        whole.check_etag(found.etag.as_deref())?;
        whole.check(Some(found.size), found.checksum)?;
        Ok(Some(WriteReply {
            etag: found.etag,
            version_id: found.version_id,
            checksum: whole.checksum,
        }))
    }
}

/// The answer to Complete was lost, and the question whether the object is there came to nothing. What the last try said
/// is no verdict: an upload that is not found may have become the object, and that is what a condition meets.
fn open(last: Error, unasked: Error) -> Error {
    if unasked.kind() == ErrorKind::Integrity {
        return unasked;
    }
    match last.kind() {
        ErrorKind::NotFound | ErrorKind::Precondition => unknown(unasked),
        _ => unknown(last),
    }
}

/// What a successful Complete said.
#[derive(Debug)]
struct Completed {
    etag: Option<String>,
    version_id: Option<String>,
    checksum: Option<Checksum>,
}

/// The object that the parts make.
#[derive(Debug)]
struct Whole {
    parts: usize,
    size: u64,
    /// `None` where the service has made a part and told none.
    checksum: Option<Checksum>,
}

impl Whole {
    fn of(parts: &[Part]) -> Result<Self> {
        let [first, rest @ ..] = parts else {
            return Err(Error::invalid("an upload needs at least one part"));
        };
        let checksum = rest.iter().fold(first.checksum, |sum, part| {
            Some(sum?.then(part.checksum?, part.size))
        });
        Ok(Whole {
            parts: parts.len(),
            size: parts.iter().map(|part| part.size).sum(),
            checksum,
        })
    }

    /// Whether both are of one algorithm.
    fn compares(&self, stored: Checksum) -> bool {
        self.checksum
            .is_some_and(|sent| sent.algorithm == stored.algorithm)
    }

    fn check(&self, size: Option<u64>, checksum: Option<Checksum>) -> Result<()> {
        if let Some(size) = size.filter(|size| *size != self.size) {
            let detail = format!("{} bytes were sent, but the object has {size}", self.size);
            return Err(Error::new(ErrorKind::Integrity, detail));
        }
        match (checksum, self.checksum) {
            (Some(stored), Some(sent)) if self.compares(stored) && stored != sent => {
                let (stored, sent) = (stored.to_base64(), sent.to_base64());
                let detail =
                    format!("the service has checksum {stored} for parts that have {sent}");
                Err(Error::new(ErrorKind::Integrity, detail))
            }
            _ => Ok(()),
        }
    }

    /// The etag of an upload in parts ends in their number; one of another form tells nothing.
    fn check_etag(&self, etag: Option<&str>) -> Result<()> {
        let suffix = etag.and_then(|etag| etag.trim_matches('"').rsplit_once('-'));
        match suffix.and_then(|(_, count)| count.parse::<usize>().ok()) {
            Some(count) if count != self.parts => {
                let detail = format!("{} parts were sent, but the object has {count}", self.parts);
                Err(Error::new(ErrorKind::Integrity, detail))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::Algorithm;

    fn part(number: u32, data: &[u8], etag: &str) -> Part {
        let checksum = Checksum::of(Algorithm::Crc32c, data);
        Part {
            number,
            size: data.len() as u64,
            etag: Some(etag.to_owned()),
            checksum: Some(checksum),
        }
    }

    #[test]
    fn parts_make_the_whole() {
        let whole = Whole::of(&[part(1, b"1234", "a"), part(2, b"56789", "b")]).unwrap();

        let sum = whole.checksum.unwrap();
        assert_eq!((whole.size, sum.value), (9, 0xe306_9283));
        assert!(whole.check(Some(9), Some(sum)).is_ok());
        assert!(whole.check(Some(8), None).is_err());
        assert!(
            whole
                .check(None, Some(Checksum { value: 1, ..sum }))
                .is_err()
        );
        assert!(whole.check_etag(Some("\"0123-2\"")).is_ok());
        assert!(whole.check_etag(Some("\"opaque\"")).is_ok());
        assert_eq!(
            whole.check_etag(Some("\"0123-3\"")).unwrap_err().kind(),
            ErrorKind::Integrity
        );
        assert_eq!(Whole::of(&[]).unwrap_err().kind(), ErrorKind::InvalidInput);
        let untold = Part {
            checksum: None,
            ..part(2, b"56789", "b")
        };
        let whole = Whole::of(&[part(1, b"1234", "a"), untold]).unwrap();
        assert_eq!((whole.size, whole.checksum), (9, None));
        assert!(whole.check(Some(9), Some(sum)).is_ok());
    }
}
