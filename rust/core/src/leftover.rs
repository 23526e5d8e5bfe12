//! Work that outlives its caller: a thread within a system call, an upload that is taken back.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Of this process; counts only, so a child that was forked while some ran may set it to nothing.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Counts one piece of work for as long as it lives.
#[derive(Debug)]
pub(crate) struct Leftover(());

impl Default for Leftover {
    fn default() -> Self {
        RUNNING.fetch_add(1, Ordering::Relaxed);
        Leftover(())
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Release);
    }
}

/// How many threads work on local files, and uploads are being aborted, at this moment. A program that is about to exit
/// waits, for a bounded time, until there are none: temporary files and open uploads would stay behind.
#[must_use]
pub fn leftovers() -> usize {
    RUNNING.load(Ordering::Acquire)
}

pub(crate) fn forget() {
    RUNNING.store(0, Ordering::Relaxed);
}
