//! Large reads and writes become concurrent ranges and parts; whole reads are compared with the stored checksum.

mod copy;
mod first;
mod part_size;
mod read;
mod scatter;
mod stream;
mod upload;
mod version;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(crate) use first::First;
pub(crate) use read::verify;
pub use scatter::RangeInto;
pub use stream::Download;
pub use upload::Upload;
pub(crate) use upload::{abort_later, crc32c_of};

use crate::buffer::Pool;
use crate::config::{Config, Verify};
use crate::error::Result;
use crate::gate::{Ask, Gate};
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
    /// Of all stores of the service within one client.
    gate: Arc<Gate>,
    part_size: u64,
    verify: Verify,
    /// The last read into memory from the start of an object was not of all of it.
    fronts: Arc<AtomicBool>,
    streamed: bool,
}

impl SplitStore {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        pool: Arc<Pool>,
        gate: Arc<Gate>,
        fronts: Arc<AtomicBool>,
        config: &Config,
    ) -> Self {
        SplitStore {
            store,
            pool,
            gate,
            part_size: config.part_size,
            verify: config.verify,
            fronts,
            streamed: false,
        }
    }

    /// For reads of bytes that pass through once.
    #[must_use]
    pub(crate) fn streamed(self) -> Self {
        SplitStore {
            streamed: true,
            ..self
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
        self.request(Ask::single(0), self.store.stat(key)).await
    }

    /// As [`Store::list`], counted as a request.
    ///
    /// # Errors
    /// As there.
    pub async fn list(&self, prefix: &Key, page: &PageRequest) -> Result<Page> {
        self.request(Ask::single(0), self.store.list(prefix, page))
            .await
    }

    /// As [`Store::delete`], counted as a request.
    ///
    /// # Errors
    /// As there.
    pub async fn delete(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
        self.request(Ask::single(0), self.store.delete(keys)).await
    }

    /// Does one request to the store when it is its turn.
    pub(crate) async fn request<T>(&self, ask: Ask, work: impl Future<Output = T>) -> T {
        self.gate.pass(ask, work).await
    }

    /// A pool block of one part.
    pub(crate) fn take_part(&self, len: u64) -> Result<crate::buffer::IoBufMut> {
        self.pool.take(usize::try_from(len).unwrap_or(usize::MAX))
    }
}
