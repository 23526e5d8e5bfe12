//! Memory of transfers: aligned blocks that are re-used, and the owned pieces of them that I/O fills.
//!
//! Faulting in fresh 4 KiB pages costs six times a copy of the same bytes, so blocks use huge pages and go back to a
//! [`Pool`] when the last piece of them is dropped. What nobody has used for [`IDLE`] goes back to the system. A piece
//! ([`IoBufMut`]) is passed to I/O by value: an abandoned operation keeps it until the last thread or socket that may
//! write into it has stopped, so no write ever lands in memory that somebody else has by then. The caller's own memory
//! takes the same path ([`IoBufMut::foreign`]).

mod memory;
mod pages;
mod pool;

use std::any::Any;
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;

use self::memory::{Foreign, Heap, Mapping};
pub use self::pool::{IDLE, Pool};
use crate::backend::backoff::refill_budget;
use crate::leftover;

/// O_DIRECT wants memory aligned to the logical block, which is 4 KiB at most on what we support.
pub const BLOCK_ALIGN: usize = 4096;
/// Frameworks alias CPU memory without a copy from 64-byte alignment on.
const SMALL_ALIGN: usize = 64;
/// Below this, the allocator's own free lists do better than a mapping.
const MAPPED_FROM: usize = 64 << 10;
const HUGE_PAGE: usize = 2 << 20;

/// Counts forks on the child's side; blocks of an earlier generation must not touch locks that another thread of the
/// parent may have held.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// To be called once in a forked child, before anything else of this library.
pub fn after_fork_in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    leftover::forget();
    refill_budget();
}

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
        let region = Arc::new(Region {
            backing: Backing::Foreign(Foreign::new(ptr, owner)),
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
