//! What lives between calls and has connections or tasks: it belongs to the process that made it.

use std::process;
use std::sync::Arc;

use pyo3::prelude::*;
use tokio::sync::Mutex;

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
