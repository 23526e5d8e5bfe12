//! `az://`: Azure Blob Storage over `azure_core`'s pipeline, with block blobs throughout.

mod account;
mod auth;
mod batch;
mod connection;
mod copy;
mod delete;
mod digest;
mod error;
mod extent;
mod http;
mod keys;
mod list;
mod meta;
mod presign;
mod proxied;
mod read;
mod sas;
mod session;
mod shared_key;
mod store;
#[cfg(test)]
mod tests;
mod tier;
mod upload;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use self::account::Account;
use self::auth::Authority;
use self::http::Http;
use self::session::Session;
use super::Driver;
use crate::checksum::Algorithm;
use crate::config::{AzureChecksum, Config};
use crate::error::Result;
use crate::store::Store;
use crate::types::{Capability, CopyLimits, PartLimits, StoreInfo};
use crate::uri::{Scheme, Uri};

const PARTS: PartLimits = PartLimits {
    min_size: 1,
    max_size: 4000 << 20,
    max_count: 50_000,
    max_single: 5000 << 20,
    any_size: true,
};

/// Copies that are answered when they are done; larger ones would show as empty blobs until then.
const COPIES: CopyLimits = CopyLimits {
    max_single: 256 << 20,
    part_size: 256 << 20,
};

const CAPABILITY: Capability = Capability {
    parts: Some(PARTS),
    copies: Some(COPIES),
    delete_batch: 256,
    checksum: Algorithm::Crc32c,
    conditional_write: true,
    metadata: true,
    // Empty components yes, dots no: see `keys::check`.
    any_key: false,
};

pub(super) fn driver(config: &Arc<Config>) -> Arc<dyn Driver> {
    Arc::new(AzDriver {
        config: Arc::clone(config),
        opened: Mutex::default(),
    })
}

#[derive(Debug)]
struct AzDriver {
    config: Arc<Config>,
    opened: Mutex<Opened>,
}

/// One connection pool for everything, one session per account; made at first use, so that none is made in vain.
#[derive(Debug, Default)]
struct Opened {
    http: Option<Arc<Http>>,
    /// By the account as the URI names it.
    sessions: HashMap<String, Arc<Session>>,
}

#[async_trait]
impl Driver for AzDriver {
    async fn open(&self, uri: &Uri) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(self.store(uri)?))
    }
}

impl AzDriver {
    fn store(&self, uri: &Uri) -> Result<AzStore> {
        keys::check_container(uri.container())?;
        let session = self.session(uri.account())?;
        let info = StoreInfo {
            scheme: Scheme::Az,
            service: format!("{}:{}", Scheme::Az, session.name),
            capability: CAPABILITY,
        };
        Ok(AzStore {
            info,
            session,
            container: uri.container().to_owned(),
            checksum: self.config.az.checksum,
            deletes: self.config.concurrency,
        })
    }

    fn session(&self, account: &str) -> Result<Arc<Session>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = opened.sessions.get(account) {
            return Ok(Arc::clone(session));
        }
        let resolved = Account::resolve(&self.config.az, account)?;
        let http = match &opened.http {
            Some(http) => Arc::clone(http),
            None => Arc::clone(opened.http.insert(Arc::new(Http::new(&self.config)?))),
        };
        let authority = Authority::of(&resolved)?;
        tracing::info!(
            endpoint = resolved.endpoint,
            account = resolved.name,
            credential = ?resolved.credential,
            "requests to Azure"
        );
        let session = Session::new(&resolved, authority, http, &self.config.retry);
        let session = Arc::new(session);
        opened
            .sessions
            .insert(account.to_owned(), Arc::clone(&session));
        Ok(session)
    }
}

/// One container of one account.
#[derive(Debug)]
struct AzStore {
    info: StoreInfo,
    session: Arc<Session>,
    container: String,
    checksum: AzureChecksum,
    /// Delete requests under way at once.
    deletes: usize,
}
