//! `az://`: Azure Blob Storage over `azure_core`'s pipeline, with block blobs throughout.

mod account;
mod auth;
mod connection;
mod digest;
mod error;
mod extent;
mod http;
mod keys;
mod list;
mod meta;
mod proxied;
mod read;
mod retry;
mod session;
mod shared_key;
mod store;
#[cfg(test)]
mod tests;
mod upload;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use self::account::Account;
use self::http::Http;
use self::session::Session;
use super::Driver;
use crate::checksum::Algorithm;
use crate::config::Config;
use crate::error::Result;
use crate::store::Store;
use crate::types::{Capability, PartLimits, StoreInfo};
use crate::uri::{Scheme, Uri};

/// Have the service verify each body. MD5 costs several times what sending the bytes costs.
const CONTENT_MD5: bool = true;

const PARTS: PartLimits = PartLimits {
    min_size: 1,
    max_size: 4000 << 20,
    max_count: 50_000,
    max_single: 5000 << 20,
};

const INFO: StoreInfo = StoreInfo {
    scheme: Scheme::Az,
    capability: Capability {
        parts: Some(PARTS),
        delete_batch: 256,
        checksum: Algorithm::Crc32c,
        conditional_write: true,
        metadata: true,
        // Empty components yes, dots no: see `keys::check`.
        any_key: false,
    },
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
        keys::check_container(uri.container())?;
        Ok(Arc::new(AzStore {
            session: self.session(uri.account())?,
            container: uri.container().to_owned(),
            content_md5: CONTENT_MD5,
            deletes: self.config.concurrency,
        }))
    }
}

impl AzDriver {
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
        let session = Arc::new(Session::new(&resolved, http, &self.config.retry)?);
        opened
            .sessions
            .insert(account.to_owned(), Arc::clone(&session));
        Ok(session)
    }
}

/// One container of one account.
#[derive(Debug)]
struct AzStore {
    session: Arc<Session>,
    container: String,
    content_md5: bool,
    /// Delete requests under way at once.
    deletes: usize,
}
