//! The retry loop: how often, how long between, until when.

use std::future::Future;
use std::time::{Duration, Instant};

use super::backoff::{Account, Budget, back_off};
use crate::config::RetryConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::gate;

/// A try that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// What the service asked for.
    pub(super) retry_after: Option<Duration>,
    /// The service may have done what was asked of it all the same.
    pub(super) unsure: bool,
}

/// What is known where no answer says more.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure {
            unsure: matches!(
                error.kind(),
                ErrorKind::Timeout | ErrorKind::ConnectionFailed | ErrorKind::Server
            ),
            error,
            retry_after: None,
        }
    }
}

/// Tries of one operation: requests, and the bodies that were cut short.
#[derive(Debug)]
pub(super) struct Attempts<'a> {
    limits: &'a RetryConfig,
    account: Account,
    started: Instant,
    count: u32,
    unsure: bool,
}

impl<'a> Attempts<'a> {
    /// Retries are paid from `budget`.
    pub(super) fn new(limits: &'a RetryConfig, budget: &'static Budget) -> Self {
        Attempts {
            limits,
            account: Account::new(budget),
            started: Instant::now(),
            count: 0,
            unsure: false,
        }
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Whether the service may have done what an earlier try asked for, although no answer said so.
    pub(super) fn unsure(&self) -> bool {
        self.unsure
    }

    /// Tries until it works, fails for good, or the limits are reached.
    pub(super) async fn run<T, F>(&mut self, send: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let reply = self.answer(send).await?;
        self.succeed();
        Ok(reply)
    }

    /// As [`Attempts::run`] up to an answer whose body is still to come: the operation succeeds with that.
    pub(super) async fn answer<T, F>(&mut self, mut send: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        loop {
            self.begin();
            match send().await {
                Ok(reply) => return Ok(reply),
                Err(failure) => self.pause(failure).await?,
            }
        }
    }

    /// Counts a try that is about to be made.
    pub(super) fn begin(&mut self) {
        self.count += 1;
    }

    /// All that was wanted has come.
    pub(super) fn succeed(&mut self) {
        self.account.succeed();
    }

    /// Waits until the next try may be made, or gives the error back if there is none.
    pub(super) async fn pause(&mut self, failure: Failure) -> Result<()> {
        let (wait, error) = self.next(failure)?;
        self.account.pay(&error)?;
        self.wait(wait, &error).await;
        Ok(())
    }

    /// As [`Attempts::pause`] after a try that got on: what is left to do is less, so this is no storm.
    pub(super) async fn go_on(&mut self, failure: Failure) -> Result<()> {
        let (wait, error) = self.next(failure)?;
        self.wait(wait, &error).await;
        Ok(())
    }

    /// How long to wait after this failure, if the limits leave another try.
    fn next(&mut self, failure: Failure) -> Result<(Duration, Error)> {
        self.unsure |= failure.unsure;
        let error = failure.error.with_attempts(self.count);
        if !error.retryable() && error.status().is_some() {
            // A refusal is an answer of a server that does its work.
            self.account.succeed();
        }
        if error.kind() == ErrorKind::Throttled {
            gate::throttled();
        }
        let wait = back_off(self.limits, self.count).max(failure.retry_after.unwrap_or_default());
        let over = self.count >= self.limits.max_attempts
            || self.started.elapsed() + wait >= self.limits.deadline;
        if over || !error.retryable() {
            return Err(error);
        }
        Ok((wait, error))
    }

    async fn wait(&self, wait: Duration, error: &Error) {
        tracing::info!(attempt = self.count, ?wait, %error, "trying again");
        gate::pause(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::backoff::tests::own_budget;

    fn limits(max_attempts: u32, deadline: Duration) -> RetryConfig {
        RetryConfig {
            max_attempts,
            base: Duration::from_micros(10),
            max: Duration::from_micros(50),
            deadline,
            connect_timeout: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(1),
        }
    }

    async fn always(limits: &RetryConfig, kind: ErrorKind, retry_after: Option<Duration>) -> Error {
        let mut attempts = Attempts::new(limits, own_budget());
        let fail = || async {
            Err::<(), _>(Failure {
                retry_after,
                ..Failure::from(Error::new(kind, "no"))
            })
        };
        attempts.run(fail).await.unwrap_err()
    }

    #[tokio::test]
    async fn tries_are_counted_and_bounded() {
        let limits = limits(5, Duration::from_mins(1));

        let passing = always(&limits, ErrorKind::Throttled, None).await;
        let definite = always(&limits, ErrorKind::AccessDenied, None).await;

        assert_eq!((passing.attempts(), passing.retryable()), (5, true));
        assert_eq!(definite.attempts(), 1);
    }

    #[tokio::test]
    async fn no_try_is_made_after_the_deadline() {
        let limits = limits(1000, Duration::from_mins(1));

        let error = always(&limits, ErrorKind::Throttled, Some(Duration::from_secs(61))).await;

        assert_eq!(error.attempts(), 1);
    }

    #[tokio::test]
    async fn a_lost_answer_is_remembered() {
        let limits = limits(3, Duration::from_mins(1));
        for (kind, unsure) in [
            (ErrorKind::ConnectionFailed, true),
            (ErrorKind::Throttled, false),
        ] {
            let mut attempts = Attempts::new(&limits, own_budget());

            attempts.begin();
            attempts.pause(Error::new(kind, "no").into()).await.unwrap();

            assert_eq!(attempts.unsure(), unsure, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn tries_are_paid_for_but_for_those_that_got_on() {
        let limits = limits(u32::MAX, Duration::from_mins(10));
        let budget = own_budget();
        let failed = || Failure::from(Error::new(ErrorKind::Timeout, "no"));
        let mut attempts = Attempts::new(&limits, budget);
        let mut account = Account::new(budget);
        while account.pay(&Error::new(ErrorKind::Timeout, "no")).is_ok() {}

        attempts.begin();
        attempts.go_on(failed()).await.unwrap();
        attempts.begin();
        let error = attempts.pause(failed()).await.unwrap_err();
        // One success pays for no try.
        attempts.succeed();
        attempts.pause(failed()).await.unwrap_err();

        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 2));
    }
}
