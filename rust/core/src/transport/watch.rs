//! Drops exchanges that have stopped moving: under a byte a second for as long as the limit says.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::{Error, ErrorKind, Result};

/// Stands for "never" where a limit cannot be added to the clock.
const FAR: Duration = Duration::from_hours(24 * 365);

/// Runs only while its connection can neither be read nor written. The alarm is set again when it goes off, not with
/// every byte, so that a moving transfer pays nothing for it.
#[derive(Debug)]
pub(super) struct Watch {
    limit: Duration,
    since: Instant,
    bytes: u64,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    pub(super) fn new(limit: Duration) -> Self {
        Watch {
            limit,
            since: Instant::now(),
            bytes: 0,
            alarm: None,
        }
    }

    /// Begins anew: what came before (a caller who took its time) does not count.
    pub(super) fn restart(&mut self, limit: Duration) {
        (self.limit, self.since, self.bytes) = (limit, Instant::now(), 0);
    }

    pub(super) fn moved(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        let now = Instant::now();
        // A drip of single bytes does not count as movement.
        if Duration::from_secs(self.bytes) >= now - self.since {
            (self.since, self.bytes) = (now, 0);
        }
    }

    /// Ready with the error to give up with.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        let due = self
            .since
            .checked_add(self.limit)
            .unwrap_or_else(|| self.since + FAR);
        loop {
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if alarm.deadline() > due {
                alarm.as_mut().reset(due);
            }
            ready!(alarm.as_mut().poll(context));
            if Instant::now() >= due {
                self.alarm = None;
                return Poll::Ready(self.stalled());
            }
            alarm.as_mut().reset(due);
        }
    }

    /// Waits for a step that moves bytes.
    pub(super) async fn over(
        &mut self,
        step: impl Future<Output = io::Result<usize>>,
    ) -> Result<usize> {
        let mut step = pin!(step);
        poll_fn(|context| match step.as_mut().poll(context) {
            Poll::Ready(Ok(bytes)) => {
                self.moved(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(cause)) => Poll::Ready(Err(broken(cause))),
            Poll::Pending => self.poll(context).map(Err),
        })
        .await
    }

    fn stalled(&self) -> Error {
        let seconds = self.limit.as_secs_f64();
        Error::new(
            ErrorKind::Timeout,
            format!("nothing moved for {seconds:.1} s"),
        )
    }
}

pub(super) fn broken(cause: io::Error) -> Error {
    Error::new(ErrorKind::ConnectionFailed, "the connection broke").with_source(cause)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn only_silence_ends_it() {
        let mut watch = Watch::new(LIMIT);
        watch.over(ready(Ok(1000))).await.unwrap();
        let began = Instant::now();

        let error = watch.over(pending()).await.unwrap_err();

        println!("gave up after {:?}", began.elapsed());
        assert_eq!(
            (error.kind(), error.retryable()),
            (ErrorKind::Timeout, true)
        );
    }

    #[tokio::test]
    async fn a_drip_is_silence() {
        let mut watch = Watch::new(Duration::from_secs(30));
        watch.since -= Duration::from_secs(31);

        let mut context = Context::from_waker(std::task::Waker::noop());
        watch.over(ready(Ok(10))).await.unwrap();
        let dripping = watch.poll(&mut context);
        watch.over(ready(Ok(1000))).await.unwrap();
        let moving = watch.poll(&mut context);

        assert!(dripping.is_ready() && moving.is_pending());
    }

    #[tokio::test]
    async fn a_shorter_limit_replaces_a_longer_one() {
        let mut watch = Watch::new(Duration::MAX);
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(watch.poll(&mut context).is_pending());

        watch.restart(LIMIT);
        let error = watch.over(pending()).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
}
