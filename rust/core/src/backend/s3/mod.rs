//! `s3://`: Amazon S3 and the services that speak its protocol.
//!
//! The SDK finds credentials, resolves endpoints and reads XML; the requests that come by the thousand are signed here
//! (see `road`). Retries, stall limits and checksums are ours: one loop counts the tries of a request and of the body
//! that follows it, and one deadline bounds both.

#[cfg(feature = "bench")]
pub mod bench;
mod bucket;
mod complete;
mod connect;
mod copy;
mod delete;
mod error;
mod http;
mod identity;
mod list;
mod listing;
mod multipart;
mod object;
mod payload;
mod peer;
mod place;
mod presign;
mod range;
mod read;
mod road;
mod service;
mod short;
mod sign;
mod source;
mod stall;
mod store;
#[cfg(test)]
mod tests;
mod write;
mod xml;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use self::service::Service;
use self::store::S3Store;
use super::Driver;
use crate::config::Config;
use crate::error::Result;
use crate::store::Store;
use crate::uri::Uri;

/// Buckets whose stores are kept. Who walks through more of them finds the way to each anew.
const KEPT: usize = 256;

pub(super) fn driver(config: &Arc<Config>) -> Arc<dyn Driver> {
    Arc::new(S3Driver {
        service: Arc::new(Service::new(Arc::clone(config))),
        stores: Mutex::default(),
    })
}

/// One SDK client, with its connections and credentials, for all buckets.
#[derive(Debug)]
struct S3Driver {
    service: Arc<Service>,
    /// By bucket. Each knows the way to its own, and has the key that signs there.
    stores: Mutex<HashMap<String, Arc<S3Store>>>,
}

#[async_trait]
impl Driver for S3Driver {
    async fn open(&self, uri: &Uri) -> Result<Arc<dyn Store>> {
        let bucket = uri.container();
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores.get(bucket) {
            return Ok(Arc::clone(store) as Arc<dyn Store>);
        }
        if stores.len() >= KEPT {
            stores.clear();
        }
        let store = Arc::new(S3Store::new(Arc::clone(&self.service), bucket));
        stores.insert(bucket.to_owned(), Arc::clone(&store));
        Ok(store)
    }
}
