//! Large reads and writes become concurrent ranges and parts; whole reads are compared with the stored checksum.

mod copy;
mod first;
mod read;
mod scatter;
mod stream;
mod upload;
mod version;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use read::verify;
pub use scatter::RangeInto;
pub use stream::Download;
pub use upload::Upload;
pub(crate) use upload::{abort_later, crc32c_of};

use crate::buffer::Pool;
use crate::config::{Config, Verify};
use crate::error::Result;
use crate::store::Store;
use crate::types::{DeleteFailure, ObjectMeta, Page, PageRequest};
use crate::uri::Key;

/// Requests that one large object has under way at once; more only adds memory and queueing.
pub(crate) const PER_OBJECT: usize = 16;

/// A store whose transfers may be larger than one request. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SplitStore {
    store: Arc<dyn Store>,
    pool: Arc<Pool>,
    /// Counts requests, over all stores of one client.
    requests: Arc<Semaphore>,
    part_size: u64,
    verify: Verify,
    /// The last read into memory from the start of an object was not of all of it.
    fronts: Arc<AtomicBool>,
}

impl SplitStore {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        pool: Arc<Pool>,
        requests: Arc<Semaphore>,
        fronts: Arc<AtomicBool>,
        config: &Config,
    ) -> Self {
        SplitStore {
            store,
            pool,
            requests,
            part_size: config.part_size,
            verify: config.verify,
            fronts,
        }
    }

    /// The store itself, for calls that are one request each.
    #[must_use]
    pub fn inner(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// As [`Store::stat`], counted as a request.
    ///
    /// # Errors
    /// As there.
    pub async fn stat(&self, key: &Key) -> Result<ObjectMeta> {
        let _permit = self.permit().await;
        self.store.stat(key).await
    }

    /// As [`Store::list`], counted as a request.
    ///
    /// # Errors
    /// As there.
    pub async fn list(&self, prefix: &Key, page: &PageRequest) -> Result<Page> {
        let _permit = self.permit().await;
        self.store.list(prefix, page).await
    }

    /// As [`Store::delete`], counted as a request.
    ///
    /// # Errors
    /// As there.
    pub async fn delete(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
        let _permit = self.permit().await;
        self.store.delete(keys).await
    }

    pub(crate) async fn permit(&self) -> OwnedSemaphorePermit {
        let requests = Arc::clone(&self.requests);
        requests
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }

    /// A pool block of one part.
    pub(crate) fn take_part(&self, len: u64) -> Result<crate::buffer::IoBufMut> {
        self.pool.take(usize::try_from(len).unwrap_or(usize::MAX))
    }
}
