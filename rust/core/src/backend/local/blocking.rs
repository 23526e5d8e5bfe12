//! File calls block, so they run on threads of their own, and stop soon after nobody waits for them any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// Bytes moved between two looks at [`Cancelled`].
pub(super) const BLOCK: usize = 8 << 20;

/// Set when the future that waits for the work has been dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Fails if the work is no longer wanted. Nobody sees the error.
    pub fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Timeout, "cancelled").with_retryable(false));
        }
        Ok(())
    }
}

struct CancelOnDrop(Cancelled);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` where it may block. A thread cannot be stopped from outside: dropping the future sets the flag that
/// `work` looks at between blocks, and whatever memory `work` owns stays with it until it has returned.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce(&Cancelled) -> Result<T> + Send + 'static,
) -> Result<T> {
    let cancelled = Cancelled::default();
    let _guard = CancelOnDrop(cancelled.clone());
    let task = tokio::task::spawn_blocking(move || {
        cancelled.check()?;
        work(&cancelled)
    });
    task.await?
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn dropping_the_future_tells_the_thread() {
        let (started, has_started) = mpsc::channel();
        let (seen, was_seen) = mpsc::channel();
        let work = run(move |cancelled| {
            started.send(()).unwrap();
            while cancelled.check().is_ok() {
                std::thread::yield_now();
            }
            seen.send(()).unwrap();
            Ok(())
        });

        let mut work = Box::pin(work);
        assert!(futures::poll!(&mut work).is_pending());
        has_started.recv().unwrap();
        drop(work);

        was_seen.recv().unwrap();
    }
}
