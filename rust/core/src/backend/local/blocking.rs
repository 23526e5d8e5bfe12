//! File calls block, so they run on threads of their own, and stop soon after nobody waits for them any more.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::leftover::Leftover;

/// Bytes moved between two looks at [`Cancelled`].
pub(super) const BLOCK: usize = 8 << 20;
/// Bytes that one call moves from or into the page cache: they stay in a core's cache for their checksum, and more at
/// once costs more either way (decision 0036).
pub(super) const CACHED_BLOCK: usize = 256 << 10;

/// Set when the future that waits for the work has been dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Cancelled(Arc<Mutex<bool>>);

impl Cancelled {
    /// Fails if the work is no longer wanted. Nobody sees the error.
    pub fn check(&self) -> Result<()> {
        self.commit(|| Ok(()))
    }

    /// Does the one `step` that others can see, unless the work is no longer wanted. Whoever gives the work up waits for
    /// a step under way, so that none is seen later: it could undo what came after.
    pub fn commit<T>(&self, step: impl FnOnce() -> Result<T>) -> Result<T> {
        let cancelled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *cancelled {
            return Err(Error::new(ErrorKind::Timeout, "cancelled").with_retryable(false));
        }
        step()
    }
}

struct CancelOnDrop(Cancelled);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

/// Runs `work` where it may block. A thread cannot be stopped from outside: dropping the future sets the flag that
/// `work` looks at between blocks, and whatever memory `work` owns stays with it until it has returned.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce(&Cancelled) -> Result<T> + Send + 'static,
) -> Result<T> {
    let cancelled = Cancelled::default();
    let _guard = CancelOnDrop(cancelled.clone());
    let running = Leftover::default();
    let task = tokio::task::spawn_blocking(move || {
        let _running = running;
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

    #[tokio::test]
    async fn no_step_is_seen_after_the_work_was_given_up() {
        let (started, has_started) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let (ended, has_ended) = mpsc::channel();
        let work = run(move |cancelled| {
            started.send(()).unwrap();
            may_go_on.recv().unwrap();
            let mut seen = false;
            let result = cancelled.commit(|| {
                seen = true;
                Ok(())
            });
            ended.send((seen, result.is_ok())).unwrap();
            result
        });

        let mut work = Box::pin(work);
        assert!(futures::poll!(&mut work).is_pending());
        has_started.recv().unwrap();
        drop(work);
        go_on.send(()).unwrap();

        assert_eq!(has_ended.recv().unwrap(), (false, false));
    }

    #[tokio::test]
    async fn giving_up_waits_for_a_step_under_way() {
        let (started, has_started) = mpsc::channel();
        let done = Arc::new(Mutex::new(false));
        let by_thread = Arc::clone(&done);
        let work = run(move |cancelled| {
            cancelled.commit(|| {
                started.send(()).unwrap();
                std::thread::yield_now();
                *by_thread.lock().unwrap() = true;
                Ok(())
            })
        });

        let mut work = Box::pin(work);
        assert!(futures::poll!(&mut work).is_pending());
        has_started.recv().unwrap();
        drop(work);

        assert!(*done.lock().unwrap());
    }
}
