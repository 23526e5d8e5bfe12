//! The memory that all files of one transfer share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What memory is counted in: a limit of terabytes still fits a number of permits.
const UNIT: u64 = 64 << 10;

/// Bytes that may be held at once. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    units: Arc<Semaphore>,
    total: u32,
}

impl Budget {
    pub fn new(limit: u64) -> Self {
        let total = u32::try_from(limit / UNIT).unwrap_or(u32::MAX).max(1);
        Budget {
            units: Arc::new(Semaphore::new(total as usize)),
            total,
        }
    }

    /// Waits until `len` bytes may be held; more than the limit may be held alone.
    ///
    /// Whoever holds memory must be able to finish without more of it, or all would wait for each other.
    pub async fn take(&self, len: u64) -> OwnedSemaphorePermit {
        let units = u32::try_from(len.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let units = units.clamp(1, self.total);
        Arc::clone(&self.units)
            .acquire_many_owned(units)
            .await
            .expect("the semaphore is never closed")
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_waits() {
        let budget = Budget::new(10 * UNIT);

        let most = budget.take(9 * UNIT - 5).await;
        assert!(budget.take(2 * UNIT).now_or_never().is_none());
        drop(most);

        let _alone = budget.take(1 << 40).await;
        assert!(budget.take(0).now_or_never().is_none());
    }
}
