//! How long to wait before the next try.

use std::time::Duration;

use crate::config::RetryConfig;

/// After `tries` tries: doubled with each, half of it certain and half at random. Clients that failed together come back
/// apart, and none of them has used up its tries before a short outage is over.
pub(super) fn back_off(limits: &RetryConfig, tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(30);
    let bound = limits.base.saturating_mul(1 << doublings).min(limits.max);
    bound.mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
