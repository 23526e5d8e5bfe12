//! How long to wait before the next try, and whether the process can afford one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::config::RetryConfig;
use crate::error::{Error, ErrorKind};

/// Enough for 64 requests, as many as a client has under way, to use up all their tries against a server that is away.
const FULL: u32 = 5000;
const RETRY: u32 = 5;
/// A try that timed out has cost the server more, and will again.
const TIMEOUT: u32 = 10;
const SUCCESS: u32 = 1;

/// After `tries` tries: doubled with each, half of it certain and half at random. Clients that failed together come back
/// apart, and none of them has used up its tries before a short outage is over.
pub(super) fn back_off(limits: &RetryConfig, tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(30);
    let bound = limits.base.saturating_mul(1 << doublings).min(limits.max);
    bound.mul_f64(rand::random_range(0.5..=1.0))
}

/// To be called in a forked child: what its parent has spent is not its own debt.
pub(crate) fn refill_budget() {
    Budget::shared().refill();
}

/// What all retries of a process are paid from, so that hundreds of tasks do not storm a server that can take no more:
/// when it is empty, failures are final. Successes fill it again.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU32,
}

impl Budget {
    pub(super) const fn full() -> Self {
        Budget {
            left: AtomicU32::new(FULL),
        }
    }

    /// The one of this process.
    pub(super) fn shared() -> &'static Budget {
        static SHARED: Budget = Budget::full();
        &SHARED
    }

    fn take(&self, price: u32) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(price)
            })
            .is_ok()
    }

    fn give(&self, tokens: u32) {
        // Nearly always it is full, and then nobody needs to write to it.
        if self.left.load(Ordering::Relaxed) < FULL {
            let _ = self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    Some(left.saturating_add(tokens).min(FULL))
                });
        }
    }

    #[cfg(test)]
    pub(super) fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }

    fn refill(&self) {
        self.left.store(FULL, Ordering::Relaxed);
    }
}

/// What one operation has taken from a [`Budget`].
#[derive(Debug)]
pub(super) struct Account {
    budget: &'static Budget,
    /// What its retries have cost; it comes back if one succeeds.
    owed: u32,
}

impl Account {
    pub(super) fn new(budget: &'static Budget) -> Self {
        Account { budget, owed: 0 }
    }

    /// Pays for another try after `error`.
    ///
    /// # Errors
    /// `error`, where the budget has too little left.
    pub(super) fn pay(&mut self, error: &Error) -> Result<(), Error> {
        let price = match error.kind() {
            ErrorKind::Timeout => TIMEOUT,
            _ => RETRY,
        };
        if self.budget.take(price) {
            self.owed += price;
            return Ok(());
        }
        let detail = format!(
            "{}: not tried again, because too many requests of this process fail",
            error.detail()
        );
        Err(error.clone().with_detail(detail))
    }

    /// A try succeeded. A server that gets its work done, at whatever pace, needs no sparing.
    pub(super) fn succeed(&mut self) {
        self.budget.give(self.owed.max(SUCCESS));
        self.owed = 0;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One that no other test spends from.
    pub(in crate::backend) fn own_budget() -> &'static Budget {
        Box::leak(Box::new(Budget::full()))
    }

    #[test]
    fn the_default_tries_outlast_a_server_that_restarts() {
        let limits = RetryConfig {
            max_attempts: 8,
            base: Duration::from_millis(100),
            max: Duration::from_secs(15),
            deadline: Duration::from_mins(3),
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(30),
        };

        let waited: Duration = (1..limits.max_attempts)
            .map(|tries| back_off(&limits, tries))
            .sum();

        assert!(waited > Duration::from_secs(6), "{waited:?}");
        assert!(back_off(&limits, 31) <= limits.max);
    }

    #[test]
    fn the_default_concurrency_can_use_all_its_tries() {
        let budget = own_budget();
        let late = Error::new(ErrorKind::Timeout, "no");

        for _ in 0..64 * 7 {
            Account::new(budget).pay(&late).unwrap();
        }
    }

    #[test]
    fn a_budget_is_spent_and_filled_again() {
        let budget = own_budget();
        let throttled = Error::new(ErrorKind::Throttled, "no");
        let late = Error::new(ErrorKind::Timeout, "no");
        let left = || budget.left();
        let mut account = Account::new(budget);

        account.pay(&throttled).unwrap();
        account.pay(&late).unwrap();
        assert_eq!(left(), FULL - RETRY - TIMEOUT);
        account.succeed();
        assert_eq!(left(), FULL, "all that it paid comes back");

        Account::new(budget).pay(&throttled).unwrap();
        account.succeed();
        assert_eq!(left(), FULL - RETRY + SUCCESS);

        while account.pay(&throttled).is_ok() {}
        assert!(left() < RETRY);
        let error = account.pay(&throttled).unwrap_err();
        assert_eq!(
            (error.kind(), error.retryable()),
            (ErrorKind::Throttled, true)
        );
        assert!(error.detail().starts_with("no: not tried again"), "{error}");

        budget.refill();
        account.succeed();
        assert_eq!(left(), FULL, "never more");
    }
}
