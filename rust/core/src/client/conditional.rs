//! Whether a service honours `If-None-Match` on writes, which some only say that they do.

use std::sync::PoisonError;

use super::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::types::WriteOptions;
use crate::uri::{Key, Scheme, Uri};

impl Client {
    /// Whether the service of `base` refuses to overwrite with `if_none_match`. Found out once per service and account
    /// by putting a small object twice, under `base/.s3dlio/`; it is deleted again.
    ///
    /// # Errors
    /// What the service says to a put or a delete of that object.
    pub async fn honours_if_none_match(&self, base: &Uri) -> Result<bool> {
        let open = self.begin("honours_if_none_match", base);
        let result = self.ask_if_none_match(base).await;
        open.end(result, |_| (0, 1))
    }

    async fn ask_if_none_match(&self, base: &Uri) -> Result<bool> {
        if !matches!(base.scheme(), Scheme::S3 | Scheme::Az) {
            return Ok(true);
        }
        let service = (base.scheme(), base.account().to_owned());
        let known = self.known_conditions().get(&service).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let honoured = self.probe(base).await?;
        if !honoured {
            tracing::warn!("the service of {base} does not honour If-None-Match on writes");
        }
        self.known_conditions().insert(service, honoured);
        Ok(honoured)
    }

    async fn probe(&self, base: &Uri) -> Result<bool> {
        let name = format!(".s3dlio/probe-{:016x}", rand::random::<u64>());
        let uri = base.join(&name);
        let store = self.object(&uri).await?;
        let once = WriteOptions {
            if_none_match: true,
            ..WriteOptions::default()
        };
        let body = Payload::from(&b"probe"[..]);
        let put = || store.write(uri.key(), &body, &once);
        match put().await {
            Ok(_) => {}
            Err(error) if is_unknown(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
        let second = put().await;
        let key: &Key = uri.key();
        if let Some(left) = store.delete(std::slice::from_ref(key)).await?.pop() {
            return Err(left.error);
        }
        match second {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(true),
            Err(error) if is_unknown(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn known_conditions(
        &self,
    ) -> std::sync::MutexGuard<'_, std::collections::HashMap<(Scheme, String), bool>> {
        self.inner
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A service that has no such header may say so.
fn is_unknown(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported
        || (error.status() == Some(400) && error.code() == Some("InvalidArgument"))
}
