//! The door: verbs on URIs, for every scheme and every face.

mod bulk;
mod conditional;
mod copy;
mod delete_many;
mod iter_many;
mod listing;
mod objects;
mod operation;
mod pieces;
mod presign;
mod put_many;
mod put_vectored;
mod read_into_many;
mod reader;
mod scan;
mod writer;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use copy::{Copying, described};
pub use iter_many::Reads;
pub use pieces::Pieces;
pub use put_many::Writes;
pub use reader::Reader;
pub use scan::Scan;
pub use writer::Writer;

use crate::backend::{self, Driver, Memory};
use crate::buffer::Pool;
use crate::config::Config;
use crate::error::Result;
use crate::gate::Gate;
use crate::span::Observer;
use crate::split::SplitStore;
use crate::types::StoreInfo;
use crate::uri::{Scheme, Uri};

/// Verbs on URIs. Cheap to clone; clones share memory, connections and limits.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use s3dlio::{Client, Config, Options, WriteOptions};
///
/// let client = Client::new(Config::load(&Options::default())?);
/// client.create_bucket(&"memory://bucket/".parse()?).await?;
/// let uri = "memory://bucket/key".parse()?;
/// client.put(&uri, b"bytes".as_slice().into(), &WriteOptions::default()).await?;
/// assert_eq!(&*client.get(&uri).await?, b"bytes");
/// # Ok::<(), s3dlio::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: Arc<Config>,
    pool: Arc<Pool>,
    fronts: Arc<AtomicBool>,
    drivers: Mutex<HashMap<Scheme, Arc<dyn Driver>>>,
    /// By service.
    gates: Mutex<HashMap<String, Arc<Gate>>>,
    /// Whether a service, by scheme and account, honours conditional writes.
    conditions: Mutex<HashMap<(Scheme, String), bool>>,
    observer: Option<Arc<dyn Observer>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}

impl Client {
    #[must_use]
    pub fn new(config: Config) -> Self {
        Client::with_observer(config, None)
    }

    /// A client whose operations are all shown to `observer`.
    #[must_use]
    pub fn with_observer(config: Config, observer: Option<Arc<dyn Observer>>) -> Self {
        // Idle memory counts as that of streams does.
        let retained = usize::try_from(config.memory_limit).unwrap_or(usize::MAX);
        Client {
            inner: Arc::new(Inner {
                config: Arc::new(config),
                pool: Arc::new(Pool::with_retained_limit(retained)),
                fronts: Arc::default(),
                drivers: Mutex::default(),
                gates: Mutex::default(),
                conditions: Mutex::default(),
                observer,
            }),
        }
    }

    /// Has this client, and its clones, see `memory`, which others may see too.
    #[must_use]
    pub fn with_memory(self, memory: &Memory) -> Self {
        self.drivers().insert(Scheme::Memory, memory.driver());
        self
    }

    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The memory that this client's reads come from.
    #[must_use]
    pub fn pool(&self) -> &Arc<Pool> {
        &self.inner.pool
    }

    /// The store that holds `uri`; sends no request.
    pub(crate) async fn store(&self, uri: &Uri) -> Result<SplitStore> {
        uri.require_container()?;
        let driver = {
            let mut drivers = self.drivers();
            let driver = drivers
                .entry(uri.scheme())
                .or_insert_with(|| backend::driver(uri.scheme(), &self.inner.config));
            Arc::clone(driver)
        };
        let store = driver.open(uri).await?;
        let inner = &self.inner;
        Ok(SplitStore::new(
            Arc::clone(&store),
            Arc::clone(&inner.pool),
            self.gate(store.info()),
            Arc::clone(&inner.fronts),
            &inner.config,
        ))
    }

    fn drivers(&self) -> MutexGuard<'_, HashMap<Scheme, Arc<dyn Driver>>> {
        let drivers = self.inner.drivers.lock();
        drivers.unwrap_or_else(PoisonError::into_inner)
    }

    /// The gate of a service, which all its stores share.
    fn gate(&self, info: &StoreInfo) -> Arc<Gate> {
        let mut gates = self
            .inner
            .gates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(&info.service) {
            return Arc::clone(gate);
        }
        let (most, bytes) = (self.config().concurrency, self.config().memory_limit);
        let gate = match info.scheme {
            Scheme::S3 | Scheme::Az => Gate::new(most, bytes),
            Scheme::File | Scheme::Direct | Scheme::Memory => Gate::fixed(most, bytes),
        };
        gates.insert(info.service.clone(), Arc::clone(&gate));
        gate
    }

    /// The store of one object, whose key it can hold.
    pub(crate) async fn object(&self, uri: &Uri) -> Result<SplitStore> {
        uri.require_object()?;
        let store = self.store(uri).await?;
        store.inner().check_key(uri.key())?;
        Ok(store)
    }
}
