//! Drops transfers that have stopped moving: under a byte a second for as long as the limit says.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::error::{Error, ErrorKind};

/// Counts what a request body has handed to the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<AtomicU64>);

impl Progress {
    pub(super) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Waits for an answer as long as the request body moves, and `limit` longer.
pub(super) async fn answer<T>(
    limit: Duration,
    progress: &Progress,
    send: impl Future<Output = T>,
) -> Result<T, Error> {
    tokio::pin!(send);
    let tick = limit / 8;
    let (mut seen, mut moved) = (progress.get(), Instant::now());
    loop {
        if let Ok(answer) = timeout(tick, &mut send).await {
            return Ok(answer);
        }
        let now = progress.get();
        if now > seen {
            (seen, moved) = (now, Instant::now());
        } else if moved.elapsed() >= limit {
            return Err(stalled("no answer", limit));
        }
    }
}

/// Watches the frames of an answer's body.
#[derive(Debug)]
pub(super) struct BodyWatch {
    limit: Duration,
    since: Instant,
    bytes: u64,
}

impl BodyWatch {
    pub(super) fn new(limit: Duration) -> Self {
        BodyWatch {
            limit,
            since: Instant::now(),
            bytes: 0,
        }
    }

    /// The next frame, unless it or the frames before it took too long.
    pub(super) async fn frame<T>(&mut self, next: impl Future<Output = T>) -> Result<T, Error> {
        let left = self.limit.saturating_sub(self.since.elapsed());
        timeout(left, next)
            .await
            .map_err(|_| stalled("the body stalled", self.limit))
    }

    /// Tells the size of the frame that came.
    pub(super) fn came(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        // A drip of single bytes does not count as movement.
        if Duration::from_secs(self.bytes) >= self.since.elapsed() {
            (self.since, self.bytes) = (Instant::now(), 0);
        }
    }
}

fn stalled(what: &str, limit: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!("{what} for {:.1} s", limit.as_secs_f64()),
    )
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_body_that_moves_is_waited_for() {
        let progress = Progress::default();
        let send = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                progress.add(1);
            }
        };
        answer(Duration::from_millis(150), &progress, send)
            .await
            .unwrap();

        let error = answer(Duration::from_millis(20), &progress, pending::<()>())
            .await
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    #[tokio::test]
    async fn a_drip_does_not_move_the_limit() {
        let mut watch = BodyWatch::new(Duration::from_secs(30));
        watch.since -= Duration::from_secs(31);

        watch.came(10);
        let stalled = watch.frame(pending::<()>()).await;
        watch.came(1000);
        let moving = watch.frame(std::future::ready(())).await;

        assert_eq!(stalled.unwrap_err().kind(), ErrorKind::Timeout);
        assert!(moving.is_ok());
    }
}
