//! The size of pages: huge ones, except where the machine has none at hand.
//!
//! A guest's kernel cannot tell whether its host has backed a huge page with memory; hosts that take idle memory back
//! back it piece by piece as it is touched, which costs far more than small pages that were in use a moment ago. What
//! the first page of a stretch has cost tells: decision 0025 has the figures.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How much memory one page speaks for.
const STRETCH: usize = 16 << 20;
/// How much gets small pages after a huge one that was dear.
const PAUSE: usize = 128 << 20;
/// CPU time from which on a huge page is dear: ten times that of one at hand, 1.5 times that of 512 small ones, and a
/// quarter of that of one which the host had to back.
const DEAR: Duration = Duration::from_millis(1);

static EXPERIENCE: Experience = Experience::new();

/// Asks for the pages of a fresh mapping that starts at a huge page's border.
///
/// # Safety
/// `start..start + size` must be a private anonymous mapping that nobody else knows of yet.
pub(super) unsafe fn advise(start: NonNull<u8>, size: usize) {
    // Advice only: where the kernel does not take it, its own choice serves.
    let advise = |range: Range<usize>, advice| {
        // SAFETY: `range` lies within the caller's mapping, and neither advice changes its content.
        unsafe { libc::madvise(start.add(range.start).as_ptr().cast(), range.len(), advice) };
    };
    for at in (0..size).step_by(STRETCH) {
        let end = size.min(at + STRETCH);
        let is_huge = EXPERIENCE.huge(end - at, || {
            advise(at..end, libc::MADV_HUGEPAGE);
            let before = thread_time();
            // SAFETY: the byte lies within the mapping, which is writable and of zeros.
            unsafe { start.add(at).write_volatile(0) };
            thread_time().saturating_sub(before)
        });
        if !is_huge {
            advise(at..end, libc::MADV_NOHUGEPAGE);
        }
    }
}

/// What huge pages have cost this process.
struct Experience {
    /// Bytes that still get small pages before a huge one is tried.
    small: AtomicUsize,
}

impl Experience {
    const fn new() -> Self {
        Experience {
            small: AtomicUsize::new(0),
        }
    }

    /// Whether the next `len` bytes are to have huge pages. `touch` asks for them and takes the time of the first one.
    fn huge(&self, len: usize, touch: impl FnOnce() -> Duration) -> bool {
        // Threads that come at once may try one page more or less.
        let small = self.small.load(Ordering::Relaxed);
        if small > 0 {
            self.small
                .store(small.saturating_sub(len), Ordering::Relaxed);
            return false;
        }
        if touch() < DEAR {
            return true;
        }
        self.small.store(PAUSE, Ordering::Relaxed);
        false
    }
}

/// CPU time of this thread: others that run meanwhile do not count.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn pages_at_hand_are_huge() {
        let experience = Experience::new();

        for _ in 0..100 {
            assert!(experience.huge(STRETCH, || DEAR / 10));
        }
    }

    #[test]
    fn after_a_dear_page_small_ones_serve_for_a_while() {
        let (experience, tried) = (Experience::new(), Cell::new(0));
        let dear = || {
            tried.set(tried.get() + 1);
            DEAR
        };

        let paused = (0..=PAUSE / STRETCH).map(|_| experience.huge(STRETCH, dear));

        assert!(paused.into_iter().all(|is_huge| !is_huge));
        assert_eq!(tried.get(), 1);
        assert!(experience.huge(STRETCH, || DEAR / 10), "then one is tried");
    }
}
