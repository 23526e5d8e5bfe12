//! Objects in memory that several clients see.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, MutexGuard};

use super::{Container, MemoryDriver, Service, lock};
use crate::backend::Driver;

/// What `memory://` holds. A client has one of its own, unless it is given another's by [`Client::with_memory`].
///
/// [`Client::with_memory`]: crate::Client::with_memory
#[derive(Clone, Default)]
pub struct Memory(Arc<Service>);

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Memory {
    /// Lets nobody change anything until it is dropped: a process that forks meanwhile leaves its child no lock that
    /// is held for ever.
    #[must_use]
    pub fn freeze(&self) -> Frozen<'_> {
        Frozen(lock(&self.0))
    }

    pub(crate) fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(MemoryDriver {
            service: Arc::clone(&self.0),
        })
    }
}

/// Of [`Memory::freeze`].
#[expect(dead_code, reason = "held, not read")]
pub struct Frozen<'a>(MutexGuard<'a, HashMap<String, Container>>);

impl fmt::Debug for Frozen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frozen").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, Config, Options, WriteOptions};

    #[tokio::test]
    async fn clients_of_one_memory_see_the_same_and_others_do_not() {
        let config = || Config::load(&Options::default()).unwrap();
        let memory = Memory::default();
        let writer = Client::new(config()).with_memory(&memory);
        let reader = Client::new(config()).with_memory(&memory);
        let bucket: crate::Uri = "memory://bucket/".parse().unwrap();
        let uri = bucket.join("key");

        writer.create_bucket(&bucket).await.unwrap();
        let body = b"x".as_slice().into();
        let put = writer.put(&uri, body, &WriteOptions::default()).await;

        put.unwrap();
        assert_eq!(&*reader.get(&uri).await.unwrap(), b"x");
        assert!(!Client::new(config()).exists(&uri).await.unwrap_or(false));
    }
}
