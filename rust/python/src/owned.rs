//! What lives between calls and has connections or tasks: it belongs to the process that made it.

use std::process;
use std::sync::Arc;

use pyo3::prelude::*;
use tokio::sync::{Mutex, MutexGuard};

use crate::{errors, runtime};

/// Used by one call at a time. A forked child can neither use it nor drop it: its sockets and locks are the parent's.
pub struct Owned<T> {
    pid: u32,
    /// Taken out by drop.
    thing: Option<Shared<T>>,
}

/// The thing, until it is closed.
pub type Shared<T> = Arc<Mutex<Option<T>>>;

impl<T> Owned<T> {
    pub fn new(thing: T) -> Self {
        Owned {
            pid: process::id(),
            thing: Some(Arc::new(Mutex::new(Some(thing)))),
        }
    }

    /// For a call, which locks it.
    ///
    /// # Errors
    /// `InvalidInputError` in another process than the one that made it.
    pub fn get(&self) -> PyResult<Shared<T>> {
        self.shared().cloned()
    }

    /// The thing itself, for what needs no waiting.
    ///
    /// # Errors
    /// As [`Owned::get`]; `InvalidInputError` while another thread is in a call.
    pub fn now(&self) -> PyResult<MutexGuard<'_, Option<T>>> {
        let free = self.shared()?.try_lock();
        free.map_err(|_| errors::invalid("another thread is using this object"))
    }

    /// Drops the thing. A call under way keeps it until it ends.
    pub fn close(&self) {
        if let Ok(shared) = self.shared()
            && let Ok(mut free) = shared.try_lock()
        {
            let thing = free.take();
            runtime::within(|| drop(thing));
        }
    }

    fn shared(&self) -> PyResult<&Shared<T>> {
        let here = process::id();
        if self.pid != here {
            return Err(errors::invalid(format!(
                "this object belongs to process {}, and this is process {here}: make it anew after a fork",
                self.pid
            )));
        }
        Ok(self.thing.as_ref().expect("taken out only by drop"))
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        let thing = self.thing.take();
        if self.pid == process::id() {
            runtime::within(|| drop(thing));
        } else {
            #[expect(
                clippy::mem_forget,
                reason = "dropping it would touch what is the parent's"
            )]
            std::mem::forget(thing);
        }
    }
}
