//! The memory itself: mappings of the system, small blocks of the allocator, what belongs to a caller.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::any::Any;
use std::ptr::NonNull;

use super::{BLOCK_ALIGN, HUGE_PAGE, SMALL_ALIGN, pages};
use crate::error::{Error, ErrorKind, Result};

pub(super) fn out_of_memory(len: usize) -> Error {
    Error::new(ErrorKind::LocalIo, format!("cannot allocate {len} bytes"))
        .with_code("ENOMEM")
        .with_errno(libc::ENOMEM)
}

/// Anonymous private memory, on huge pages where it is large enough and they are cheap.
pub(super) struct Mapping {
    pub ptr: NonNull<u8>,
    pub size: usize,
}

// SAFETY: a mapping is plain memory owned by this value alone; no thread has a special claim on it.
unsafe impl Send for Mapping {}
// SAFETY: `&Mapping` gives out only the address; access to the bytes goes through `IoBufMut` and `Buffer`.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub fn new(size: usize) -> Result<Self> {
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
            start
        };
        let ptr = NonNull::new(start).expect("mmap succeeded, so the address is not null");
        if align == HUGE_PAGE {
            // SAFETY: the mapping was just made.
            unsafe { pages::advise(ptr, size) };
        }
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
pub(super) struct Heap {
    pub ptr: NonNull<u8>,
    layout: Layout,
}

// SAFETY: as for `Mapping`.
unsafe impl Send for Heap {}
// SAFETY: as for `Mapping`.
unsafe impl Sync for Heap {}

impl Heap {
    pub fn zeroed(len: usize) -> Result<Self> {
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
pub(super) struct Foreign {
    pub ptr: NonNull<u8>,
    _owner: Box<dyn Any + Send + Sync>,
}

impl Foreign {
    pub fn new(ptr: NonNull<u8>, owner: Box<dyn Any + Send + Sync>) -> Self {
        Foreign { ptr, _owner: owner }
    }
}

// SAFETY: the maker of the foreign piece promised exclusive access to the memory for as long as `owner` lives.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}
