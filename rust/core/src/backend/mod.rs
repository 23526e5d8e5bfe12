//! One folder per service, and the table that names them.

mod attempts;
mod attributes;
mod az;
pub(crate) mod backoff;
pub(crate) mod local;
mod memory;
mod redirect;
pub(crate) mod s3;
mod words;

pub use memory::{Frozen, Memory};

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::config::Config;
use crate::error::Result;
use crate::store::Store;
use crate::uri::{Scheme, Uri};

/// What the stores of one service share within one client: connections, credentials.
#[async_trait]
pub(crate) trait Driver: Debug + Send + Sync {
    /// The store that holds `uri`. Cheap where it was opened before; sends no request.
    async fn open(&self, uri: &Uri) -> Result<Arc<dyn Store>>;
}

type MakeDriver = fn(&Arc<Config>) -> Arc<dyn Driver>;

/// Every back end. Adding one is a folder and a line here.
const DRIVERS: &[(Scheme, MakeDriver)] = &[
    (Scheme::Memory, memory::driver),
    (Scheme::File, local::file_driver),
    (Scheme::Direct, local::direct_driver),
    (Scheme::S3, s3::driver),
    (Scheme::Az, az::driver),
];

pub(crate) fn driver(scheme: Scheme, config: &Arc<Config>) -> Arc<dyn Driver> {
    let (_, make) = DRIVERS
        .iter()
        .find(|(known, _)| *known == scheme)
        .expect("every scheme has a line in DRIVERS");
    make(config)
}
