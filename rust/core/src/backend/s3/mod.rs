//! `s3://`: Amazon S3 and the services that speak its protocol.
//!
//! The SDK finds credentials, resolves endpoints and reads XML; the requests that come by the thousand are signed here
//! (see `road`). Retries, stall limits and checksums are ours: one loop counts the tries of a request and of the body
//! that follows it, and one deadline bounds both.

mod attempts;
mod bucket;
mod complete;
mod connect;
mod copy;
mod delete;
mod error;
mod http;
mod identity;
mod list;
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

use std::sync::Arc;

use async_trait::async_trait;

use self::service::Service;
use self::store::S3Store;
use super::Driver;
use crate::config::Config;
use crate::error::Result;
use crate::store::Store;
use crate::uri::Uri;

pub(super) fn driver(config: &Arc<Config>) -> Arc<dyn Driver> {
    Arc::new(S3Driver {
        service: Arc::new(Service::new(Arc::clone(config))),
    })
}

/// One SDK client, with its connections and credentials, for all buckets.
#[derive(Debug)]
struct S3Driver {
    service: Arc<Service>,
}

#[async_trait]
impl Driver for S3Driver {
    async fn open(&self, uri: &Uri) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(S3Store::new(
            Arc::clone(&self.service),
            uri.container(),
        )))
    }
}
