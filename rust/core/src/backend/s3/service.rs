//! What all buckets of one client share: the SDK client, made on first use, and what was learned about the endpoint.

use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use tokio::sync::OnceCell;

use super::connect::{Connected, connect};
use super::error::failure;
use super::peer::Peer;
use crate::backend::attempts::{Attempts, Failure};
use crate::backend::backoff::Budget;
use crate::config::{Config, RetryConfig};
use crate::error::{Error, Result};

#[derive(Debug)]
pub(super) struct Service {
    config: Arc<Config>,
    connected: OnceCell<Connected>,
    pub(super) peer: Arc<Peer>,
    /// Of the whole process; tests have their own.
    pub(super) budget: &'static Budget,
}

impl Service {
    pub(super) fn new(config: Arc<Config>) -> Self {
        let peer = Arc::new(Peer::new(config.s3.endpoint_url.as_deref()));
        Service {
            config,
            connected: OnceCell::new(),
            peer,
            budget: Budget::shared(),
        }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn retry(&self) -> &RetryConfig {
        &self.config.retry
    }

    pub(super) fn attempts(&self) -> Attempts<'_> {
        Attempts::new(&self.config.retry, self.budget)
    }

    pub(super) async fn client(&self) -> Result<&Client> {
        Ok(&self.connected().await?.client)
    }

    pub(super) async fn connected(&self) -> Result<&Connected> {
        self.connected
            .get_or_try_init(|| connect(&self.config, &self.peer))
            .await
    }

    /// Sends one request, once.
    pub(super) async fn send<T, E>(
        &self,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        // The SDK's futures have several KiB, too much to move around in ours.
        Box::pin(request)
            .await
            .map_err(failure)
            .map_err(|failure| self.learn(failure))
    }

    /// An endpoint that refuses buckets in the path gets them in the host name from now on.
    pub(super) fn learn(&self, failure: Failure) -> Failure {
        let refused = matches!(
            failure.error.code(),
            Some("SecondLevelDomainForbidden" | "PathStyleDomainForbidden")
        );
        if !refused
            || self.config.s3.path_style.is_some()
            || !self.peer.places.want_bucket_in_host()
        {
            return failure;
        }
        tracing::warn!(
            "the endpoint takes no buckets in the path; going on with addressing_style=virtual"
        );
        Failure {
            error: failure.error.with_retryable(true),
            ..failure
        }
    }

    /// Runs a request with checksum headers, and without them where the endpoint refuses those. That is found out once.
    pub(super) async fn checksummed<T, F>(&self, call: impl Fn(bool) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        if self.peer.refuses_checksums() {
            return call(false).await;
        }
        match call(true).await {
            Err(error) if is_checksum_refusal(&error) => {
                let reply = call(false).await?;
                tracing::warn!(%error, "the endpoint takes no checksum headers; going on without");
                self.peer.note_checksum_refusal();
                Ok(reply)
            }
            other => other,
        }
    }
}

/// A server that does not know the headers says so with one of these; a wrong checksum has other codes.
fn is_checksum_refusal(error: &Error) -> bool {
    let names_it = || error.detail().to_ascii_lowercase().contains("checksum");
    match (error.status(), error.code()) {
        (Some(501), _) | (Some(400), Some("NotImplemented")) => true,
        (Some(400), Some("InvalidArgument" | "InvalidRequest")) => names_it(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_mismatch_is_no_refusal() {
        let error = |status, code, text| {
            Error::new(ErrorKind::InvalidInput, text)
                .with_status(status)
                .with_code(code)
        };

        assert!(is_checksum_refusal(&error(
            501,
            "NotImplemented",
            "a header implies what is not there"
        )));
        assert!(is_checksum_refusal(&error(
            400,
            "InvalidArgument",
            "unknown x-amz-Checksum-crc32c"
        )));
        assert!(!is_checksum_refusal(&error(
            400,
            "InvalidArgument",
            "bad storage class"
        )));
        assert!(!is_checksum_refusal(&error(
            400,
            "BadDigest",
            "the checksum did not match"
        )));
        assert!(!is_checksum_refusal(&error(
            400,
            "XAmzContentChecksumMismatch",
            "checksum"
        )));
    }
}
