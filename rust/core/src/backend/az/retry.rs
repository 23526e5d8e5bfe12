//! How often and how long one operation tries: exponential back-off within the attempts and the deadline.

use std::time::{Duration, Instant};

use crate::backend::backoff::back_off;
use crate::config::RetryConfig;
use crate::error::{Error, Result};

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
    started: Instant,
    made: u32,
    unanswered: bool,
}

impl<'a> Tries<'a> {
    pub fn new(settings: &'a RetryConfig) -> Self {
        Tries {
            settings,
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

    /// Waits for the moment of the next try.
    ///
    /// # Errors
    /// The failure itself where another try makes no sense or is not allowed any more.
    pub async fn again(&mut self, failure: Failure) -> Result<()> {
        self.unanswered |= failure.unanswered;
        let error = failure.error.with_attempts(self.made);
        if !error.retryable() || self.made >= self.settings.max_attempts {
            return Err(error);
        }
        let wait = back_off(self.settings, self.made).max(failure.retry_after.unwrap_or_default());
        if self.started.elapsed() + wait >= self.settings.deadline {
            return Err(error);
        }
        tracing::debug!(attempt = self.made, ?wait, %error, "trying again");
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

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
        let mut tries = Tries::new(&settings);
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
        let mut tries = Tries::new(&settings);
        tries.count();

        let error = tries.again(failure(ErrorKind::NotFound)).await.unwrap_err();

        assert_eq!(error.attempts(), 1);
    }

    #[tokio::test]
    async fn no_wait_crosses_the_deadline() {
        let settings = settings();
        let mut tries = Tries::new(&settings);
        tries.count();
        let asked = Failure {
            retry_after: Some(Duration::from_secs(61)),
            ..failure(ErrorKind::Throttled)
        };

        tries.again(asked).await.unwrap_err();
    }
}
