//! Sources of credentials as the SDK asks for them.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_s3::config::SharedCredentialsProvider;

use crate::config::{self, CredentialSource};
use crate::error::{Error, ErrorKind, Result};

const NAME: &str = "s3dlio";

/// The SDK keeps what it was given until shortly before the expiry.
#[derive(Debug)]
pub(super) struct Source(pub(super) Arc<dyn CredentialSource>);

impl ProvideCredentials for Source {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let fresh = async { still_good(self.0.credentials().await?) };
            let given = fresh.await.map_err(CredentialsError::provider_error)?;
            Ok(for_sdk(&given))
        })
    }
}

/// A provider that was told a profile, and names it where it has nothing.
#[derive(Debug)]
pub(super) struct OfProfile {
    pub(super) name: String,
    pub(super) provider: SharedCredentialsProvider,
}

impl ProvideCredentials for OfProfile {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let answer = self.provider.provide_credentials().await;
            answer.map_err(|cause| match cause {
                CredentialsError::CredentialsNotLoaded(_)
                | CredentialsError::InvalidConfiguration(_) => {
                    CredentialsError::not_loaded(self.nothing().with_source(cause))
                }
                cause => cause,
            })
        })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.provider.fallback_on_interrupt()
    }
}

impl OfProfile {
    fn nothing(&self) -> Error {
        let detail = format!(
            "no credentials for profile {:?} in ~/.aws/config and ~/.aws/credentials, or where AWS_CONFIG_FILE and \
             AWS_SHARED_CREDENTIALS_FILE say",
            self.name
        );
        Error::new(ErrorKind::AccessDenied, detail)
    }
}

pub(super) fn for_sdk(given: &config::Credentials) -> Credentials {
    let token = given.session_token.as_ref();
    Credentials::new(
        given.access_key_id.reveal(),
        given.secret_access_key.reveal(),
        token.map(|token| token.reveal().to_owned()),
        given.expiry,
        NAME,
    )
}

/// Keys that have ended would be asked for at every request, and refused by the service in words that hide the reason.
fn still_good(given: config::Credentials) -> Result<config::Credentials> {
    match given.expiry {
        Some(expiry) if expiry <= SystemTime::now() => Err(Error::new(
            ErrorKind::AccessDenied,
            "the credentials that were handed out have expired already",
        )),
        _ => Ok(given),
    }
}
