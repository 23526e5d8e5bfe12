//! How often and how long one operation tries: exponential back-off within the attempts and the deadline.

use std::time::{Duration, Instant};

use crate::backend::backoff::{Account, Budget, back_off};
use crate::config::RetryConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::gate;

/// One try that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub error: Error,
    /// What the service asked for.
    pub retry_after: Option<Duration>,
    /// The service may have done what was asked of it all the same.
    pub unanswered: bool,
}

/// The tries of one operation, body resumption included.
#[derive(Debug)]
pub(super) struct Tries<'a> {
    settings: &'a RetryConfig,
    account: Account,
    started: Instant,
    made: u32,
    unanswered: bool,
}

impl<'a> Tries<'a> {
    /// Retries are paid from `budget`.
    pub fn new(settings: &'a RetryConfig, budget: &'static Budget) -> Self {
        Tries {
            settings,
            account: Account::new(budget),
            started: Instant::now(),
            made: 0,
            unanswered: false,
        }
    }

    /// Counts a request that is about to be sent.
    pub fn count(&mut self) {
        self.made += 1;
    }

    pub fn made(&self) -> u32 {
        self.made
    }

    /// Whether the outcome of some try is unknown.
    pub fn unanswered(&self) -> bool {
        self.unanswered
    }

    /// Takes note of an answer that was wanted.
    pub fn succeed(&mut self) {
        self.account.succeed();
    }

    /// Waits for the moment of the next try.
    ///
    /// # Errors
    /// The failure itself where another try makes no sense or is not allowed any more.
    pub async fn again(&mut self, failure: Failure) -> Result<()> {
        let (wait, error) = self.next(failure)?;
        self.account.pay(&error)?;
        self.wait(wait, &error).await;
        Ok(())
    }

    /// As [`Tries::again`] after a try that got on: what is left to do is less, so this is no storm.
    pub async fn go_on(&mut self, failure: Failure) -> Result<()> {
        let (wait, error) = self.next(failure)?;
        self.wait(wait, &error).await;
        Ok(())
    }

    fn next(&mut self, failure: Failure) -> Result<(Duration, Error)> {
        self.unanswered |= failure.unanswered;
        let error = failure.error.with_attempts(self.made);
        if !error.retryable() && error.status().is_some() {
            // A refusal is an answer of a server that does its work.
            self.account.succeed();
        }
        if error.kind() == ErrorKind::Throttled {
            gate::throttled();
        }
        if !error.retryable() || self.made >= self.settings.max_attempts {
            return Err(error);
        }
        let wait = back_off(self.settings, self.made).max(failure.retry_after.unwrap_or_default());
        if self.started.elapsed() + wait >= self.settings.deadline {
            return Err(error);
        }
        Ok((wait, error))
    }

    async fn wait(&self, wait: Duration, error: &Error) {
        tracing::info!(attempt = self.made, ?wait, %error, "trying again");
        gate::pause(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::backoff::tests::own_budget;

    fn settings() -> RetryConfig {
        RetryConfig {
            max_attempts: 3,
            base: Duration::from_millis(1),
            max: Duration::from_millis(4),
            deadline: Duration::from_mins(1),
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(30),
        }
    }

    fn failure(kind: ErrorKind) -> Failure {
        Failure {
            error: Error::new(kind, "no"),
            retry_after: None,
            unanswered: true,
        }
    }

    #[tokio::test]
    async fn attempts_are_bounded_and_told() {
        let settings = settings();
        let mut tries = Tries::new(&settings, own_budget());
        let error = loop {
            tries.count();
            if let Err(error) = tries.again(failure(ErrorKind::Throttled)).await {
                break error;
            }
        };

        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, 3));
        assert!(error.retryable() && tries.unanswered());
    }

    #[tokio::test]
    async fn a_definite_answer_ends_the_tries() {
        let settings = settings();
        let mut tries = Tries::new(&settings, own_budget());
        tries.count();

        let error = tries.again(failure(ErrorKind::NotFound)).await.unwrap_err();

        assert_eq!(error.attempts(), 1);
    }

    #[tokio::test]
    async fn no_wait_crosses_the_deadline() {
        let settings = settings();
        let mut tries = Tries::new(&settings, own_budget());
        tries.count();
        let asked = Failure {
            retry_after: Some(Duration::from_secs(61)),
            ..failure(ErrorKind::Throttled)
        };

        tries.again(asked).await.unwrap_err();
    }

    #[tokio::test]
    async fn tries_are_paid_for_but_for_those_that_got_on() {
        let settings = settings();
        let budget = own_budget();
        let mut account = Account::new(budget);
        while account.pay(&Error::new(ErrorKind::Timeout, "no")).is_ok() {}
        let mut tries = Tries::new(&settings, budget);

        tries.count();
        tries.go_on(failure(ErrorKind::Timeout)).await.unwrap();
        tries.count();
        let error = tries.again(failure(ErrorKind::Timeout)).await.unwrap_err();
        tries.succeed();
        tries.again(failure(ErrorKind::Timeout)).await.unwrap_err();

        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 2));
    }
}
