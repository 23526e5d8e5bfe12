//! URLs that carry their own signature, for whoever has no credentials.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;

use super::error::failure;
use super::store::S3Store;
use crate::config::{S3Identity, Secret};
use crate::error::{Error, ErrorKind, Result};
use crate::types::HttpMethod;
use crate::uri::Key;

impl S3Store {
    pub(super) async fn signed_url(
        &self,
        key: &Key,
        method: HttpMethod,
        lifetime: Duration,
    ) -> Result<Secret> {
        if matches!(self.service.config().s3.identity, S3Identity::Anonymous) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "an anonymous client has no key to sign with",
            ));
        }
        let config = PresigningConfig::expires_in(lifetime)
            .map_err(|cause| Error::invalid("expires_in").with_source(cause))?;
        let client = self.service.client().await?;
        let (bucket, key) = (self.bucket.as_str(), key.as_str());
        let signed = match method {
            HttpMethod::Get => {
                let request = client.get_object().bucket(bucket).key(key);
                request.presigned(config).await.map_err(failure)
            }
            HttpMethod::Put => {
                let request = client.put_object().bucket(bucket).key(key);
                request.presigned(config).await.map_err(failure)
            }
            HttpMethod::Head => {
                let request = client.head_object().bucket(bucket).key(key);
                request.presigned(config).await.map_err(failure)
            }
            HttpMethod::Delete => {
                let request = client.delete_object().bucket(bucket).key(key);
                request.presigned(config).await.map_err(failure)
            }
        };
        Ok(Secret::new(signed.map_err(|failed| failed.error)?.uri()))
    }
}
