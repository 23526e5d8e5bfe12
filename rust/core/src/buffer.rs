//! Memory of transfers: aligned blocks that are re-used, and the owned pieces of them that I/O fills.
//!
//! Faulting in fresh 4 KiB pages costs six times a copy of the same bytes, so blocks use huge pages and go back to a
//! [`Pool`] when the last piece of them is dropped. What nobody has used for [`IDLE`] goes back to the system. A piece
//! ([`IoBufMut`]) is passed to I/O by value: an abandoned operation keeps it until the last thread or socket that may
//! write into it has stopped, so no write ever lands in memory that somebody else has by then. The caller's own memory
//! takes the same path ([`IoBufMut::foreign`]).

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::backend::backoff::refill_budget;
use crate::error::{Error, ErrorKind, Result};
use crate::leftover;

/// O_DIRECT wants memory aligned to the logical block, which is 4 KiB at most on what we support.
pub const BLOCK_ALIGN: usize = 4096;
/// Frameworks alias CPU memory without a copy from 64-byte alignment on.
const SMALL_ALIGN: usize = 64;
/// Below this, the allocator's own free lists do better than a mapping.
const MAPPED_FROM: usize = 64 << 10;
const HUGE_PAGE: usize = 2 << 20;
/// Idle memory that a pool keeps for the next transfer.
const DEFAULT_RETAINED: usize = 1 << 30;
/// How long memory waits for another transfer, at most twice as long in all: longer than the pause between two steps of
/// a training loop, which would have to fault it in anew.
pub const IDLE: Duration = Duration::from_secs(15);

/// Counts forks on the child's side; blocks of an earlier generation must not touch locks that another thread of the
/// parent may have held.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// To be called once in a forked child, before anything else of this library.
pub fn after_fork_in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    leftover::forget();
    refill_budget();
}

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

    fn give_back(self: &Arc<Self>, mapping: Mapping) {
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

fn out_of_memory(len: usize) -> Error {
    Error::new(ErrorKind::LocalIo, format!("cannot allocate {len} bytes"))
        .with_code("ENOMEM")
        .with_errno(libc::ENOMEM)
}

/// Anonymous private memory, on huge pages where it is large enough.
struct Mapping {
    ptr: NonNull<u8>,
    size: usize,
}

// SAFETY: a mapping is plain memory owned by this value alone; no thread has a special claim on it.
unsafe impl Send for Mapping {}
// SAFETY: `&Mapping` gives out only the address; access to the bytes goes through `IoBufMut` and `Buffer`.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(size: usize) -> Result<Self> {
        let align = if size >= HUGE_PAGE {
            HUGE_PAGE
        } else {
            BLOCK_ALIGN
        };
        let reserve = if align == HUGE_PAGE {
            size + HUGE_PAGE
        } else {
            size
        };
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches no existing memory.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                reserve,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(out_of_memory(size));
        }
        let head = (base as usize).next_multiple_of(align) - base as usize;
        let tail = reserve - head - size;
        // SAFETY: head, the kept middle and tail lie within the mapping just made and do not overlap.
        let start = unsafe {
            let start = base.cast::<u8>().add(head);
            if head > 0 {
                libc::munmap(base, head);
            }
            if tail > 0 {
                libc::munmap(start.add(size).cast(), tail);
            }
            if align == HUGE_PAGE {
                // Advice only: where huge pages are off, small ones serve.
                libc::madvise(start.cast(), size, libc::MADV_HUGEPAGE);
            }
            start
        };
        let ptr = NonNull::new(start).expect("mmap succeeded, so the address is not null");
        Ok(Mapping { ptr, size })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping; every piece of it holds the region, so none is left.
        unsafe { libc::munmap(self.ptr.as_ptr().cast(), self.size) };
    }
}

/// A small block from the allocator.
struct Heap {
    ptr: NonNull<u8>,
    layout: Layout,
}

// SAFETY: as for `Mapping`.
unsafe impl Send for Heap {}
// SAFETY: as for `Mapping`.
unsafe impl Sync for Heap {}

impl Heap {
    fn zeroed(len: usize) -> Result<Self> {
        let align = if len >= BLOCK_ALIGN {
            BLOCK_ALIGN
        } else {
            SMALL_ALIGN
        };
        let layout = Layout::from_size_align(len.max(1), align).map_err(|_| out_of_memory(len))?;
        // SAFETY: the layout has a size above 0.
        let ptr =
            NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(|| out_of_memory(len))?;
        Ok(Heap { ptr, layout })
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this very layout, and freed once.
        unsafe { dealloc(self.ptr.as_ptr(), self.layout) };
    }
}

/// Memory that belongs to the caller, kept alive by `owner`.
struct Foreign {
    ptr: NonNull<u8>,
    _owner: Box<dyn Any + Send + Sync>,
}

// SAFETY: the maker of the foreign piece promised exclusive access to the memory for as long as `owner` lives.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}

enum Backing {
    Pooled {
        mapping: Option<Mapping>,
        pool: Weak<Pool>,
    },
    Heap(Heap),
    Foreign(Foreign),
}

/// One block; lives until its last piece is gone, then goes back where it came from.
struct Region {
    backing: Backing,
}

impl Region {
    fn ptr(&self) -> *mut u8 {
        match &self.backing {
            Backing::Pooled { mapping, .. } => mapping
                .as_ref()
                .expect("taken out only by drop")
                .ptr
                .as_ptr(),
            Backing::Heap(heap) => heap.ptr.as_ptr(),
            Backing::Foreign(foreign) => foreign.ptr.as_ptr(),
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Backing::Pooled { mapping, pool } = &mut self.backing
            && let (Some(mapping), Some(pool)) = (mapping.take(), pool.upgrade())
        {
            pool.give_back(mapping);
        }
    }
}

/// An owned, exclusive, writable piece of a block: what a read fills.
///
/// ```
/// use std::sync::Arc;
/// use s3dlio::buffer::Pool;
///
/// let pool = Arc::new(Pool::default());
/// let mut head = pool.take(10)?;
/// let tail = head.split_off(4);
/// head.copy_from_slice(b"abcd");
/// assert_eq!(head.unsplit(tail).len(), 10);
/// # Ok::<(), s3dlio::Error>(())
/// ```
pub struct IoBufMut {
    region: Arc<Region>,
    start: usize,
    len: usize,
}

impl IoBufMut {
    /// The caller's own memory as a destination; `owner` is dropped with the last piece of it.
    ///
    /// # Safety
    /// `ptr..ptr + len` must be valid for reads and writes, and nothing else may access it, for as long as `owner` lives.
    pub unsafe fn foreign(ptr: NonNull<u8>, len: usize, owner: Box<dyn Any + Send + Sync>) -> Self {
        let foreign = Foreign { ptr, _owner: owner };
        let region = Arc::new(Region {
            backing: Backing::Foreign(foreign),
        });
        IoBufMut {
            region,
            start: 0,
            len,
        }
    }

    /// Cuts at `at`; `self` keeps the head, the tail is returned.
    ///
    /// # Panics
    /// If `at` is past the end.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> IoBufMut {
        assert!(at <= self.len, "split at {at} of {} bytes", self.len);
        let tail = IoBufMut {
            region: Arc::clone(&self.region),
            start: self.start + at,
            len: self.len - at,
        };
        self.len = at;
        tail
    }

    /// Joins the piece that follows this one in the same block.
    ///
    /// # Panics
    /// If `next` does not start where this piece ends.
    #[must_use]
    pub fn unsplit(mut self, next: IoBufMut) -> IoBufMut {
        assert!(
            Arc::ptr_eq(&self.region, &next.region) && self.start + self.len == next.start,
            "only neighbours join"
        );
        self.len += next.len;
        self
    }

    /// Drops what follows `len`; a longer `len` changes nothing.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Ends writing: the bytes can now be shared.
    #[must_use]
    pub fn freeze(self) -> Buffer {
        Buffer {
            region: self.region,
            start: self.start,
            len: self.len,
        }
    }
}

impl Deref for IoBufMut {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: pieces are disjoint by construction (`split_off` only) and this one keeps its block alive.
        unsafe { std::slice::from_raw_parts(self.region.ptr().add(self.start), self.len) }
    }
}

impl DerefMut for IoBufMut {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `deref`; `&mut self` excludes every other access to this piece.
        unsafe { std::slice::from_raw_parts_mut(self.region.ptr().add(self.start), self.len) }
    }
}

impl fmt::Debug for IoBufMut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IoBufMut({} bytes)", self.len)
    }
}

/// Bytes that a transfer delivered, shared without a copy.
#[derive(Clone)]
pub struct Buffer {
    region: Arc<Region>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// Part of this buffer; shares its memory.
    ///
    /// # Panics
    /// If the range leaves the buffer.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Buffer {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "slice out of bounds"
        );
        Buffer {
            region: Arc::clone(&self.region),
            start: self.start + range.start,
            len: range.end - range.start,
        }
    }

    /// The address of the first byte; valid while this value lives.
    #[must_use]
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.region.ptr().wrapping_add(self.start)
    }

    /// The same bytes as a payload for a write, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the buffer keeps its block alive. Whoever writes through `as_mut_ptr` answers for races with readers,
        // as with Python's bytearray.
        unsafe { std::slice::from_raw_parts(self.as_mut_ptr(), self.len) }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Arc<Pool> {
        Arc::new(Pool::default())
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
    fn a_caller_is_told_when_its_memory_is_free() {
        let mut memory = vec![0u8; 8];
        let ptr = NonNull::new(memory.as_mut_ptr()).unwrap();
        let owner = Arc::new(());
        // SAFETY: `memory` outlives the pieces, which are dropped before it is read.
        let mut head = unsafe { IoBufMut::foreign(ptr, 8, Box::new(Arc::clone(&owner))) };
        let mut tail = head.split_off(4);

        head.fill(1);
        tail.fill(2);
        drop(head);
        assert_eq!(Arc::strong_count(&owner), 2);
        drop(tail);

        assert_eq!(Arc::strong_count(&owner), 1);
        assert_eq!(memory, [1, 1, 1, 1, 2, 2, 2, 2]);
    }
}
