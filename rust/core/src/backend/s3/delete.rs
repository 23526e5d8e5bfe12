//! Deletes: one key by itself, many by a batch request that answers for each.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};

use super::error::classify;
use super::store::S3Store;
use crate::backend::attempts::Failure;
use crate::error::{Error, Result};
use crate::types::DeleteFailure;
use crate::uri::Key;

impl S3Store {
    pub(super) async fn delete_objects(&self, keys: Vec<&Key>) -> Result<Vec<DeleteFailure>> {
        if let [only] = keys[..] {
            self.delete_one(only).await?;
            return Ok(Vec::new());
        }
        let (batch, singles): (Vec<&Key>, Vec<&Key>) =
            keys.into_iter().partition(|key| fits_xml(key.as_str()));
        let mut failures = self.delete_batch(batch).await?;
        // Rare: one by one will do.
        for key in singles {
            let answer = self.delete_one(key).await;
            failures.extend(answer.err().map(|error| DeleteFailure {
                key: key.as_str().to_owned(),
                error,
            }));
        }
        Ok(failures)
    }

    async fn delete_one(&self, key: &Key) -> Result<()> {
        let delete = || async {
            if let Some(road) = self.road().await? {
                return self.short_delete(road, key).await;
            }
            let client = self.service.client().await?;
            let request = client
                .delete_object()
                .bucket(&self.bucket)
                .key(key.as_str());
            self.service.send(request.send()).await.map(drop)
        };
        match self.service.attempts().run(delete).await {
            Err(error) if error.code() == Some("NoSuchKey") => Ok(()),
            result => result,
        }
    }

    /// Keys that fail for a passing reason are tried again with the next request.
    async fn delete_batch(&self, keys: Vec<&Key>) -> Result<Vec<DeleteFailure>> {
        let mut attempts = self.service.attempts();
        let mut failures = Vec::new();
        let mut left: Vec<String> = keys
            .into_iter()
            .map(|key| key.as_str().to_owned())
            .collect();
        while !left.is_empty() {
            let refused = attempts.run(|| self.delete_request(&left)).await?;
            left.clear();
            let mut passing = None;
            for failure in refused {
                if failure.error.retryable() {
                    left.push(failure.key);
                    passing = Some(failure.error);
                } else {
                    failures.push(failure);
                }
            }
            if let Some(error) = passing
                && let Err(error) = attempts.pause(error.into()).await
            {
                let kind = error.kind();
                let (code, detail) = (error.code().unwrap_or_default().to_owned(), error.detail());
                failures.extend(left.drain(..).map(|key| {
                    let error = Error::new(kind, detail.clone()).with_code(code.clone());
                    DeleteFailure {
                        key,
                        error: error.with_attempts(attempts.count()),
                    }
                }));
            }
        }
        Ok(failures)
    }

    async fn delete_request(&self, keys: &[String]) -> Result<Vec<DeleteFailure>, Failure> {
        let invalid = |cause| Error::invalid("the keys make no request").with_source(cause);
        let ids = keys
            .iter()
            .map(|key| ObjectIdentifier::builder().key(key).build());
        let ids = ids.collect::<Result<Vec<_>, _>>().map_err(invalid)?;
        let delete = Delete::builder()
            .set_objects(Some(ids))
            .quiet(true)
            .build()
            .map_err(invalid)?;
        let request = self
            .service
            .client()
            .await?
            .delete_objects()
            .bucket(&self.bucket)
            .delete(delete)
            .customize()
            .mutate_request(|request| {
                // The SDK's own checksum header is newer than many servers, which insist on this one.
                if let Some(md5) = request
                    .body()
                    .bytes()
                    .map(|body| BASE64.encode(Md5::digest(body)))
                {
                    request.headers_mut().insert("content-md5", md5);
                }
            });
        let refused = self
            .service
            .send(request.send())
            .await?
            .errors
            .unwrap_or_default();
        let named = refused
            .into_iter()
            .filter(|error| error.code() != Some("NoSuchKey"));
        Ok(named
            .map(|refused| {
                let (kind, retryable) = classify(200, refused.code());
                let mut error =
                    Error::new(kind, refused.message.unwrap_or_default()).with_retryable(retryable);
                if let Some(code) = refused.code {
                    error = error.with_code(code);
                }
                DeleteFailure {
                    key: refused.key.unwrap_or_default(),
                    error,
                }
            })
            .collect())
    }
}

/// XML 1.0 has no way to write most control characters.
fn fits_xml(key: &str) -> bool {
    !key.chars().any(|c| {
        (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_fit_xml() {
        assert!(fits_xml("a b\t\n\r&<>\u{85}\u{2028}"));
        assert!(!fits_xml("a\u{1}"));
        assert!(!fits_xml("\u{ffff}"));
    }
}
