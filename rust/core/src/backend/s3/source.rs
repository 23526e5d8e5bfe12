//! A source of credentials as the SDK asks for it.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};

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
