//! URLs that carry a service signature, for whoever has no credentials.

use std::time::Duration;

use super::AzStore;
use super::auth::Authority;
use super::sas::Grant;
use crate::config::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::types::HttpMethod;
use crate::uri::Key;

impl AzStore {
    pub(super) fn signed_url(
        &self,
        key: &Key,
        method: HttpMethod,
        lifetime: Duration,
    ) -> Result<Secret> {
        let Authority::Key(account_key) = &self.session.authority else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "only an account_key can sign URLs",
            ));
        };
        let permissions = match method {
            HttpMethod::Get | HttpMethod::Head => "r",
            // To write over a blob is another right than to make one.
            HttpMethod::Put => "cw",
            HttpMethod::Delete => "d",
        };
        let endpoint = &self.session.endpoint;
        let grant = Grant::new(&self.container, key, permissions, lifetime, endpoint);
        let url = self.session.url(&self.container, key);
        Ok(Secret::new(format!(
            "{url}?{}",
            grant.sign(account_key).reveal()
        )))
    }
}
