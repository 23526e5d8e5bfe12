//! One span per verb of `Client`: when it began, when its first byte came, when it ended and how.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::error::Error;

/// Shared by everything that works for one verb. Cheap to clone; the default one belongs to no verb.
#[derive(Clone, Default)]
pub struct Span(Option<Arc<Clock>>);

struct Clock {
    started: Instant,
    /// Nanoseconds after `started`, plus one; 0 while nothing has come.
    first_byte: AtomicU64,
}

impl Span {
    #[must_use]
    pub fn start() -> Self {
        Span(Some(Arc::new(Clock {
            started: Instant::now(),
            first_byte: AtomicU64::new(0),
        })))
    }

    /// Marks the arrival of payload; only the first call counts.
    pub fn first_byte(&self) {
        let Some(clock) = &self.0 else { return };
        if clock.first_byte.load(Ordering::Relaxed) == 0 {
            let nanos = clock.started.elapsed().as_nanos() as u64 + 1;
            // Whoever loses the race came later.
            let _ =
                clock
                    .first_byte
                    .compare_exchange(0, nanos, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0
            .as_ref()
            .map_or(Duration::ZERO, |clock| clock.started.elapsed())
    }

    /// Time from the start to the first byte, if one came.
    #[must_use]
    pub fn time_to_first_byte(&self) -> Option<Duration> {
        let nanos = self.0.as_ref()?.first_byte.load(Ordering::Relaxed);
        nanos.checked_sub(1).map(Duration::from_nanos)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span({:?})", self.elapsed())
    }
}

/// A finished operation.
#[derive(Debug)]
pub struct Operation<'a> {
    pub op: &'static str,
    /// The URI it was called with.
    pub target: &'a str,
    pub start: SystemTime,
    pub first_byte: Option<Duration>,
    pub elapsed: Duration,
    /// Payload bytes moved.
    pub bytes: u64,
    /// Objects dealt with.
    pub objects: u64,
    pub error: Option<&'a Error>,
}

/// Sees every operation of a `Client` once, when it has ended.
pub trait Observer: Send + Sync + 'static {
    fn finished(&self, operation: &Operation<'_>);
}
