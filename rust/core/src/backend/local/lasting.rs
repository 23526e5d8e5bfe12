//! Directories that last: a file is not acknowledged before the names of all directories above it are durable, whoever
//! made them.
//!
//! A directory that is found may have been made a moment ago, by a task, a process or a run before the last crash that
//! did not come to sync it. So the first time one is met, what is above it is synced, up to the root of its file system;
//! after that it is known, and costs nothing.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rustix::fs::{Mode, OFlags};

/// Directories that are remembered; beyond, they are met for the first time again.
const REMEMBERED: usize = 1 << 16;

/// Which directory it is, whatever its path. The time tells apart those that had the same number one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Identity {
    device: u64,
    inode: u64,
    made: Option<SystemTime>,
}

impl Identity {
    fn of(meta: &Metadata) -> Self {
        Identity {
            device: meta.dev(),
            inode: meta.ino(),
            made: meta.created().ok(),
        }
    }
}

/// The directories whose names are known to be durable, up to the root of their file system.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    known: Mutex<HashSet<Identity>>,
    /// What was synced, in order.
    #[cfg(test)]
    pub synced: Mutex<Vec<std::path::PathBuf>>,
}

impl Lasting {
    /// Makes one directory, whose name is not durable yet.
    pub fn make(&self, directory: &Path) -> io::Result<()> {
        // Held over both steps: nobody may find the directory and take it for one that had its number before.
        let mut known = self.known();
        DirBuilder::new().mode(0o777).create(directory)?;
        if let Ok(meta) = fs::symlink_metadata(directory) {
            known.remove(&Identity::of(&meta));
        }
        Ok(())
    }

    /// Makes the name of a directory durable, and those of all above it.
    pub fn anchor(&self, directory: &File) -> io::Result<()> {
        let mut anchored = Vec::new();
        let mut at = directory.try_clone()?;
        loop {
            let meta = at.metadata()?;
            let identity = Identity::of(&meta);
            if self.known().contains(&identity) {
                break;
            }
            anchored.push(identity);
            // Not by the path, which may lead through symlinks.
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let above: File = match rustix::fs::openat(&at, "..", flags, Mode::empty()) {
                Ok(above) => above.into(),
                // It may be searched but not read, so nothing can be asked of it alone.
                Err(rustix::io::Errno::ACCESS) => {
                    rustix::fs::syncfs(&at)?;
                    break;
                }
                Err(cause) => return Err(cause.into()),
            };
            let meta_above = above.metadata()?;
            if meta_above.dev() != meta.dev() || Identity::of(&meta_above) == identity {
                break;
            }
            self.sync(&above)?;
            at = above;
        }
        let mut known = self.known();
        if known.len() + anchored.len() > REMEMBERED {
            known.clear();
        }
        known.extend(anchored);
        Ok(())
    }

    /// Makes the names in a directory durable.
    pub fn sync(&self, directory: &File) -> io::Result<()> {
        self.note(directory);
        match directory.sync_all() {
            // A file system that keeps no directories of its own has nothing to write out.
            Err(cause) if cause.raw_os_error() == Some(libc::EINVAL) => Ok(()),
            result => result,
        }
    }

    /// Makes the bytes of a file durable.
    pub fn sync_file(&self, file: &File) -> io::Result<()> {
        self.note(file);
        file.sync_all()
    }

    #[cfg(test)]
    fn note(&self, file: &File) {
        use std::os::fd::AsRawFd as _;
        let link = format!("/proc/self/fd/{}", file.as_raw_fd());
        self.synced
            .lock()
            .unwrap()
            .push(fs::read_link(link).unwrap());
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests take note")]
    fn note(&self, _file: &File) {}

    fn known(&self) -> MutexGuard<'_, HashSet<Identity>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
