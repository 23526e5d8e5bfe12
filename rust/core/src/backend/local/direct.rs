//! `O_DIRECT`: what a file wants aligned, and what happens where its file system has no such thing.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, OFlags, StatxFlags};

use super::open::{Access, Opened};
use crate::buffer::{BLOCK_ALIGN, IoBufMut, Pool};
use crate::error::{Error, ErrorKind, Result};

/// Misaligned bytes go through memory of this size. On a huge page: to pin small ones costs ten times as much.
pub(super) const SCRATCH: usize = 2 << 20;
/// Below this, a copy costs less than a request of its own.
pub(super) const WORTH_A_REQUEST: usize = 256 << 10;
/// Idle scratch memory that is kept for the next transfer.
const SCRATCH_RETAINED: usize = 128 << 20;
/// Of linux/magic.h; libc has no name for it.
const RAMFS_MAGIC: i64 = 0x8584_58f6;

/// What `O_DIRECT` wants of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alignment {
    /// Of addresses.
    memory: usize,
    /// Of offsets and lengths.
    block: usize,
}

impl Alignment {
    /// Where the file system does not tell.
    const USUAL: Alignment = Alignment {
        memory: BLOCK_ALIGN,
        block: BLOCK_ALIGN,
    };

    /// `None` for what our own memory and requests would not meet.
    fn new(memory: usize, block: usize) -> Option<Self> {
        let fits = memory.is_power_of_two()
            && memory <= BLOCK_ALIGN
            && block.is_power_of_two()
            && block <= SCRATCH;
        fits.then_some(Alignment { memory, block })
    }

    pub fn fits_memory(self, bytes: &[u8]) -> bool {
        bytes.as_ptr().addr().is_multiple_of(self.memory)
    }

    pub fn fits_offset(self, offset: u64) -> bool {
        self.past_block(offset) == 0
    }

    /// How far `offset` is past the start of its block.
    pub fn past_block(self, offset: u64) -> usize {
        // Fits: it is less than a block.
        (offset % self.block as u64) as usize
    }

    /// How much is missing from `offset` to the next start of a block.
    pub fn to_next_block(self, offset: u64) -> usize {
        (self.block - self.past_block(offset)) % self.block
    }

    pub fn round_down(self, len: usize) -> usize {
        len - len % self.block
    }

    pub fn round_up(self, len: usize) -> usize {
        len.next_multiple_of(self.block)
    }
}

/// How the store behaves that passes the page cache by.
#[derive(Debug)]
pub(super) struct DirectMode {
    /// Fail where the file system cannot do it.
    strict: bool,
    scratch: Arc<Pool>,
    /// Device numbers of file systems that were warned about.
    warned: Mutex<HashSet<u64>>,
}

impl DirectMode {
    pub fn new(strict: bool) -> Self {
        let scratch = Arc::new(Pool::with_retained_limit(SCRATCH_RETAINED));
        DirectMode {
            strict,
            scratch,
            warned: Mutex::default(),
        }
    }

    /// Aligned memory to move misaligned bytes through.
    pub fn scratch(&self) -> Result<IoBufMut> {
        self.scratch.take(SCRATCH)
    }

    pub fn open(&self, path: &Path, access: Access) -> Result<Opened> {
        let file = match access.open(path, libc::O_DIRECT) {
            Ok(file) => {
                let direct = alignment(&file)?;
                if direct.is_some() {
                    return Ok(Opened { file, direct });
                }
                clear_flag(&file)?;
                file
            }
            Err(cause) if is_refusal(&cause) => {
                if access == Access::Create {
                    // The flag is looked at after the file was made.
                    let _ = fs::remove_file(path);
                }
                access.open(path, 0).map_err(|cause| access.error(cause))?
            }
            Err(cause) => return Err(access.error(cause)),
        };
        self.fall_back(&file)?;
        Ok(Opened { file, direct: None })
    }

    /// A request failed. Where the file system took the flag but not the request, it is to be tried again without:
    /// then this clears the flag and is `Ok`.
    pub fn excuse(&self, file: &File, cause: io::Error) -> Result<()> {
        if !is_refusal(&cause)
            || !rustix::fs::fcntl_getfl(file)
                .map_err(io::Error::from)?
                .contains(OFlags::DIRECT)
        {
            return Err(cause.into());
        }
        self.fall_back(file)?;
        clear_flag(file)
    }

    /// The page cache will be used; warns once for each file system.
    fn fall_back(&self, file: &File) -> Result<()> {
        let meta = file.metadata()?;
        if !meta.is_file() {
            // Not an object anyway; the caller will say so.
            return Ok(());
        }
        if self.strict {
            return self.refuse("the file system has no O_DIRECT");
        }
        let device = meta.dev();
        if self
            .warned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(device)
        {
            tracing::warn!(
                device,
                "direct:// on a file system without O_DIRECT: the page cache is used"
            );
        }
        Ok(())
    }

    /// `Ok` unless the mode is strict.
    pub fn refuse(&self, reason: &str) -> Result<()> {
        if self.strict {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("{reason}, and direct=strict"),
            ));
        }
        Ok(())
    }
}

fn is_refusal(cause: &io::Error) -> bool {
    matches!(cause.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}

fn clear_flag(file: &File) -> Result<()> {
    let flags = rustix::fs::fcntl_getfl(file).map_err(io::Error::from)?;
    Ok(rustix::fs::fcntl_setfl(file, flags - OFlags::DIRECT).map_err(io::Error::from)?)
}

/// `None` where `O_DIRECT` does nothing or cannot be used.
fn alignment(file: &File) -> io::Result<Option<Alignment>> {
    // Old kernels do not know the question, and most file systems do not answer it.
    if let Ok(told) = rustix::fs::statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN)
        && StatxFlags::from_bits_retain(told.stx_mask).contains(StatxFlags::DIOALIGN)
    {
        return Ok(Alignment::new(
            told.stx_dio_mem_align as usize,
            told.stx_dio_offset_align as usize,
        ));
    }
    // Files in memory take the flag and ignore it.
    let kind = rustix::fs::fstatfs(file)?.f_type;
    Ok(if kind == libc::TMPFS_MAGIC || kind == RAMFS_MAGIC {
        None
    } else {
        Some(Alignment::USUAL)
    })
}
