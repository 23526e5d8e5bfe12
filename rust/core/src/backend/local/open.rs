//! Opening files, with `O_DIRECT` where that is wanted and can be had.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Local;
use super::direct::Alignment;
use super::errors;
use crate::error::{Error, Result};

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    /// An existing file; not what a symlink points to.
    Write,
    /// A file that nobody has made before.
    Create,
}

impl Access {
    pub fn open(self, path: &Path, flags: i32) -> io::Result<File> {
        let mut options = OpenOptions::new();
        match self {
            Access::Read => {
                // A named pipe would block until somebody writes.
                let found = options
                    .read(true)
                    .custom_flags(flags | libc::O_NONBLOCK)
                    .open(path);
                match found {
                    // Another process holds a lease on the file and is told to give it up by an open that waits.
                    Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {
                        options.custom_flags(flags).open(path)
                    }
                    found => found,
                }
            }
            Access::Write => options
                .write(true)
                .custom_flags(flags | libc::O_NOFOLLOW)
                .open(path),
            Access::Create => {
                options.write(true).create_new(true).mode(0o666);
                options.custom_flags(flags | libc::O_NOFOLLOW).open(path)
            }
        }
    }

    pub fn error(self, cause: io::Error) -> Error {
        match self {
            Access::Read => errors::of_lookup(cause),
            Access::Write | Access::Create => errors::of_write(cause),
        }
    }
}

/// A file that is open, and how its bytes are to be moved.
#[derive(Debug)]
pub(super) struct Opened {
    pub file: File,
    /// `None` goes through the page cache.
    pub direct: Option<Alignment>,
}

impl Local {
    pub(super) fn open(&self, path: &Path, access: Access) -> Result<Opened> {
        let Some(mode) = &self.direct else {
            let file = access.open(path, 0).map_err(|cause| access.error(cause))?;
            return Ok(Opened { file, direct: None });
        };
        let opened = mode.open(path, access);
        if opened.is_err() && access == Access::Create {
            // An open that is refused for O_DIRECT may have made the file all the same. Its name is ours alone.
            let _ = fs::remove_file(path);
        }
        opened
    }
}
