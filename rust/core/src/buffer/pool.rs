//! Blocks that wait to be used again, and the timer that gives them back to the system.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::memory::{Heap, Mapping, out_of_memory};
use super::{Backing, GENERATION, HUGE_PAGE, IoBufMut, MAPPED_FROM, Region};
use crate::error::Result;

/// Idle memory that a pool keeps for the next transfer.
const DEFAULT_RETAINED: usize = 1 << 30;
/// How long memory waits for another transfer, at most twice as long in all: longer than the pause between two steps of
/// a training loop, which would have to fault it in anew.
pub const IDLE: Duration = Duration::from_secs(15);

/// Blocks waiting to be used again. Shared by everything that belongs to one client.
pub struct Pool {
    free: Mutex<FreeBlocks>,
    retained_limit: usize,
    generation: u64,
}

/// A block with the count of blocks that came back before it, and the time it did.
struct Idle {
    serial: u64,
    since: Instant,
    mapping: Mapping,
}

#[derive(Default)]
struct FreeBlocks {
    /// Of each size, the longest idle first.
    by_size: BTreeMap<usize, VecDeque<Idle>>,
    retained: usize,
    returned: u64,
    /// Where blocks were taken last; it has the timer.
    runtime: Option<Handle>,
    trimmer: JoinSet<()>,
    /// The trimmer will look again.
    trimming: bool,
}

impl FreeBlocks {
    /// A block of `size` bytes or, before memory grows, one of up to twice that.
    fn pop(&mut self, size: usize) -> Option<Mapping> {
        let mut sizes = self.by_size.range_mut(size..=size.saturating_mul(2));
        let Idle { mapping, .. } = sizes.find_map(|(_, blocks)| blocks.pop_back())?;
        self.retained -= mapping.size;
        Some(mapping)
    }

    fn push(&mut self, mapping: Mapping, now: Instant) {
        let serial = self.returned;
        self.returned += 1;
        self.retained += mapping.size;
        self.by_size
            .entry(mapping.size)
            .or_default()
            .push_back(Idle {
                serial,
                since: now,
                mapping,
            });
    }

    /// Takes out the longest idle blocks as long as `more` asks for it, given how much is left and since when the next
    /// one is idle; to be dropped without the lock.
    fn evict(&mut self, more: impl Fn(usize, Instant) -> bool) -> Vec<Mapping> {
        let mut evicted = Vec::new();
        loop {
            let fronts = self
                .by_size
                .values_mut()
                .filter(|blocks| !blocks.is_empty());
            let oldest = fronts.min_by_key(|blocks| blocks.front().map(|block| block.serial));
            let Some(blocks) = oldest else { break };
            let Some(block) = blocks.pop_front_if(|block| more(self.retained, block.since)) else {
                break;
            };
            self.retained -= block.mapping.size;
            evicted.push(block.mapping);
        }
        evicted
    }

    /// Sees to it that somebody looks after idle memory.
    fn watch(&mut self, pool: &Arc<Pool>) {
        // One that has ended early did so with its runtime.
        while self.trimmer.try_join_next().is_some() {}
        if self.trimming && !self.trimmer.is_empty() {
            return;
        }
        if let Some(runtime) = &self.runtime {
            self.trimmer
                .spawn_on(Pool::trim_when_idle(Arc::downgrade(pool)), runtime);
            self.trimming = true;
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Pool::with_retained_limit(DEFAULT_RETAINED)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("retained", &self.retained())
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool that keeps at most `limit` idle bytes.
    #[must_use]
    pub fn with_retained_limit(limit: usize) -> Self {
        Pool {
            free: Mutex::default(),
            retained_limit: limit,
            generation: GENERATION.load(Ordering::Relaxed),
        }
    }

    /// `len` bytes that nobody else has. Their content is unspecified (zeros, or what an earlier transfer left).
    ///
    /// # Errors
    /// `LocalIo` with `ENOMEM` where the system has no such memory.
    pub fn take(self: &Arc<Self>, len: usize) -> Result<IoBufMut> {
        let region = if len < MAPPED_FROM {
            Region {
                backing: Backing::Heap(Heap::zeroed(len)?),
            }
        } else {
            let size = size_class(len)?;
            let mapping = match self.reuse(size) {
                Some(mapping) => mapping,
                None => {
                    // What is idle makes room, so that the two together stay within the limit.
                    let room = self.retained_limit.saturating_sub(size);
                    let evicted = self.lock().evict(|retained, _| retained > room);
                    drop(evicted);
                    Mapping::new(size)?
                }
            };
            let pool = Arc::downgrade(self);
            Region {
                backing: Backing::Pooled {
                    mapping: Some(mapping),
                    pool,
                },
            }
        };
        Ok(IoBufMut {
            region: Arc::new(region),
            start: 0,
            len,
        })
    }

    /// Bytes held idle at this moment.
    #[must_use]
    pub fn retained(&self) -> usize {
        self.lock().retained
    }

    fn reuse(&self, size: usize) -> Option<Mapping> {
        let here = Handle::try_current().ok();
        let mut free = self.lock();
        if let Some(here) = here {
            free.runtime = Some(here);
        }
        free.pop(size)
    }

    pub(super) fn give_back(self: &Arc<Self>, mapping: Mapping) {
        if self.is_of_a_parent() {
            return;
        }
        let mut free = self.lock();
        free.push(mapping, Instant::now());
        let evicted = free.evict(|retained, _| retained > self.retained_limit);
        free.watch(self);
        drop(free);
        drop(evicted);
    }

    async fn trim_when_idle(pool: Weak<Pool>) {
        loop {
            tokio::time::sleep(IDLE).await;
            let Some(pool) = pool.upgrade() else { return };
            if !pool.trim(Instant::now()) {
                return;
            }
        }
    }

    /// Gives back to the system what has been idle for [`IDLE`] by `now`; whether anything is left.
    fn trim(&self, now: Instant) -> bool {
        let mut free = self.lock();
        let evicted = free.evict(|_, since| now.saturating_duration_since(since) >= IDLE);
        free.trimming = free.retained > 0;
        let goes_on = free.trimming;
        drop(free);
        drop(evicted);
        goes_on
    }

    fn is_of_a_parent(&self) -> bool {
        self.generation != GENERATION.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, FreeBlocks> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.is_of_a_parent() {
            // To stop a task takes locks of a runtime that a fork may have left locked.
            let free = self.free.get_mut().unwrap_or_else(PoisonError::into_inner);
            free.trimmer.detach_all();
        }
    }
}

/// Rounds up so that transfers of similar length share blocks: powers of two up to 2 MiB, then eighths of them.
fn size_class(len: usize) -> Result<usize> {
    let power = len
        .checked_next_power_of_two()
        .filter(|power| *power <= isize::MAX as usize / 2);
    let Some(power) = power else {
        return Err(out_of_memory(len));
    };
    if power <= HUGE_PAGE {
        return Ok(power);
    }
    Ok(len.next_multiple_of((power / 8).max(HUGE_PAGE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::{BLOCK_ALIGN, SMALL_ALIGN};

    fn pool() -> Arc<Pool> {
        Arc::new(Pool::default())
    }

    #[test]
    fn a_dropped_block_is_used_again() {
        let pool = pool();
        let first = pool.take(3 << 20).unwrap();
        let address = first.as_ptr();

        drop(first.freeze());
        let second = pool.take((3 << 20) - 5).unwrap();

        assert_eq!(second.as_ptr(), address);
        assert_eq!(pool.retained(), 0);
    }

    #[test]
    fn a_block_stays_out_of_the_pool_while_a_piece_lives() {
        let pool = pool();
        let mut head = pool.take(HUGE_PAGE).unwrap();
        let tail = head.split_off(100);

        drop(head);

        assert_eq!(pool.retained(), 0);
        drop(tail);
        assert_eq!(pool.retained(), HUGE_PAGE);
    }

    #[test]
    fn the_pool_keeps_no_more_than_its_limit() {
        let pool = Arc::new(Pool::with_retained_limit(HUGE_PAGE));
        let (a, b) = (pool.take(HUGE_PAGE).unwrap(), pool.take(HUGE_PAGE).unwrap());

        drop((a, b));

        assert_eq!(pool.retained(), HUGE_PAGE);
    }

    #[test]
    fn the_longest_idle_blocks_make_room() {
        let pool = Arc::new(Pool::with_retained_limit(4 * HUGE_PAGE));
        drop(pool.take(4 * HUGE_PAGE).unwrap());

        let small = pool.take(HUGE_PAGE).unwrap();
        let address = small.as_ptr();
        assert_eq!(pool.retained(), 0, "idle and taken stay within the limit");
        drop(small);

        assert_eq!(pool.take(HUGE_PAGE).unwrap().as_ptr(), address);
    }

    #[test]
    fn a_larger_block_serves_before_memory_grows() {
        let pool = pool();
        drop(pool.take(4 * HUGE_PAGE).unwrap());

        let far_smaller = pool.take(HUGE_PAGE).unwrap();
        assert_eq!(pool.retained(), 4 * HUGE_PAGE);
        let smaller = pool.take(3 * HUGE_PAGE).unwrap();
        assert_eq!(pool.retained(), 0);

        drop(smaller);
        drop(far_smaller);
        assert_eq!(pool.retained(), 5 * HUGE_PAGE, "each is as large as before");
    }

    #[test]
    fn only_idle_memory_goes_back_to_the_system() {
        let pool = pool();
        drop(pool.take(HUGE_PAGE).unwrap());
        let used = pool.take(2 * HUGE_PAGE).unwrap();
        let later = Instant::now() + IDLE;

        assert!(pool.trim(later.checked_sub(IDLE).unwrap()));
        assert_eq!(pool.retained(), HUGE_PAGE);
        assert!(!pool.trim(later));
        assert_eq!(pool.retained(), 0);

        drop(used);
        assert_eq!(pool.retained(), 2 * HUGE_PAGE);
    }

    #[tokio::test]
    async fn the_pool_is_watched_while_it_keeps_anything() {
        let pool = pool();
        let watched = |pool: &Pool| {
            let mut free = pool.lock();
            while free.trimmer.try_join_next().is_some() {}
            (free.trimming, free.trimmer.len())
        };
        let (one, other) = (pool.take(HUGE_PAGE).unwrap(), pool.take(HUGE_PAGE).unwrap());
        assert_eq!(watched(&pool), (false, 0));

        // As a thread without a runtime does.
        std::thread::spawn(move || drop(one)).join().unwrap();
        assert_eq!(watched(&pool), (true, 1));
        drop(other);
        assert_eq!(watched(&pool), (true, 1), "one is enough");

        pool.lock().trimmer.abort_all();
        while watched(&pool).1 > 0 {
            tokio::task::yield_now().await;
        }
        drop(pool.take(HUGE_PAGE).unwrap());
        assert_eq!(watched(&pool), (true, 1), "the next runtime takes over");

        assert!(!pool.trim(Instant::now() + IDLE));
        drop(pool.take(HUGE_PAGE).unwrap());
        assert!(
            watched(&pool).0,
            "it does not rely on one that is about to end"
        );
    }

    #[test]
    fn impossible_sizes_are_an_error() {
        let error = pool().take(isize::MAX as usize / 4).unwrap_err();

        assert_eq!(error.errno(), Some(libc::ENOMEM));
    }

    #[test]
    fn every_piece_is_aligned() {
        let pool = pool();
        for len in [0, 1, 63, 4095, 4096, MAPPED_FROM, HUGE_PAGE + 1, 9 << 20] {
            let buf = pool.take(len).unwrap();
            let align = if len >= BLOCK_ALIGN {
                BLOCK_ALIGN
            } else {
                SMALL_ALIGN
            };
            assert_eq!(buf.as_ptr() as usize % align, 0, "{len} bytes");
            assert_eq!(buf.len(), len);
        }
    }
}
