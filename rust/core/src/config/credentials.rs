//! Keys for S3: given once, or handed out for a time by somebody who has newer ones when they end.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;

use super::Secret;
use crate::error::Result;

/// Who signs S3 requests.
#[derive(Debug, Clone)]
pub enum S3Identity {
    Keys(Credentials),
    /// Asked for keys at first use, and again before they end.
    Source(Arc<dyn CredentialSource>),
    /// The profile of the configuration, and nobody else.
    Profile,
    /// The first that the SDK's chain finds.
    Chain,
    /// Nobody; requests go unsigned.
    Anonymous,
}

#[derive(Debug, Clone)]
pub struct Credentials {
    pub access_key_id: Secret,
    pub secret_access_key: Secret,
    /// Of temporary credentials.
    pub session_token: Option<Secret>,
    /// `None` where nobody says; a source is then asked again every 15 minutes.
    pub expiry: Option<SystemTime>,
}

/// Hands out keys that end. One that takes longer than the stall timeout is given up and asked again.
#[async_trait]
pub trait CredentialSource: Debug + Send + Sync + 'static {
    /// Keys that are good from now on.
    ///
    /// # Errors
    /// Whatever the source says; the request that needed the keys fails with it and is not tried again.
    async fn credentials(&self) -> Result<Credentials>;
}
