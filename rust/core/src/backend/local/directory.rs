//! Making, emptying and removing directories.

use std::fs::{self, File, FileType, ReadDir};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::blocking::Cancelled;
use super::{Local, errors, path};
use crate::error::{Error, ErrorKind, Result};

/// Makes a directory and what is missing above it; each new name is durable when this returns.
pub(super) fn make(directory: &Path, durable: bool) -> Result<()> {
    match create(directory, durable) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            make(path::parent(directory), durable)?;
            match create(directory, durable) {
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                result => result.map_err(errors::of_write),
            }
        }
        // By somebody else, or it was there. A file of that name shows when it is used.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map_err(errors::of_write),
    }
}

fn create(directory: &Path, durable: bool) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o777).create(directory)?;
    if durable {
        sync(&File::open(path::parent(directory))?)?;
    }
    Ok(())
}

/// Makes the names in a directory durable.
pub(super) fn sync(directory: &File) -> io::Result<()> {
    match directory.sync_all() {
        // A file system that keeps no directories of its own has nothing to write out.
        Err(cause) if cause.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        result => result,
    }
}

/// Everything below a directory, each directory before what it holds. Symlinks are not followed.
struct Walk<'a> {
    directory: PathBuf,
    entries: ReadDir,
    waiting: Vec<PathBuf>,
    cancelled: &'a Cancelled,
}

impl<'a> Walk<'a> {
    fn below(root: &Path, cancelled: &'a Cancelled) -> Result<Self> {
        let entries = fs::read_dir(root).map_err(errors::at(root))?;
        Ok(Walk {
            directory: root.to_owned(),
            entries,
            waiting: Vec::new(),
            cancelled,
        })
    }

    fn next(&mut self) -> Result<Option<(FileType, PathBuf)>> {
        loop {
            self.cancelled.check()?;
            if let Some(entry) = self.entries.next() {
                let entry = entry.map_err(errors::at(&self.directory))?;
                let kind = match entry.file_type() {
                    Err(cause) if errors::is_gone(&cause) => continue,
                    kind => kind.map_err(errors::at(&self.directory))?,
                };
                if kind.is_dir() {
                    self.waiting.push(entry.path());
                }
                return Ok(Some((kind, entry.path())));
            }
            let Some(directory) = self.waiting.pop() else {
                return Ok(None);
            };
            match fs::read_dir(&directory) {
                Err(cause) if errors::is_gone(&cause) => {}
                entries => {
                    self.entries = entries.map_err(errors::at(&directory))?;
                    self.directory = directory;
                }
            }
        }
    }
}

/// Removes the directories that hold nothing; parents stand before what they hold.
fn remove_empty(directories: &[PathBuf]) -> Result<()> {
    for directory in directories.iter().rev() {
        match fs::remove_dir(directory) {
            Err(cause) if errors::is_gone(&cause) || holds_something(&cause) => {}
            result => result.map_err(errors::at(directory))?,
        }
    }
    Ok(())
}

/// Something is in it, or mounted on it.
fn holds_something(cause: &io::Error) -> bool {
    matches!(
        cause.raw_os_error(),
        Some(libc::ENOTEMPTY | libc::EEXIST | libc::EBUSY)
    )
}

/// Whether listings do not show a symlink: it leads to a directory, or nowhere.
fn is_hidden(link: &Path) -> bool {
    match fs::metadata(link) {
        Ok(target) => target.is_dir(),
        Err(cause) => errors::is_gone(&cause) || cause.raw_os_error() == Some(libc::ELOOP),
    }
}

impl Local {
    /// After everything that listings show below a directory was deleted: removes the symlinks that they do not show
    /// and the directories that hold nothing, but not the directory itself.
    pub(super) fn prune(root: &Path, cancelled: &Cancelled) -> Result<()> {
        let mut walk = match Walk::below(root, cancelled) {
            Err(error) if matches!(error.errno(), Some(libc::ENOENT | libc::ENOTDIR)) => {
                return Ok(());
            }
            walk => walk?,
        };
        let mut directories = Vec::new();
        while let Some((kind, found)) = walk.next()? {
            if kind.is_dir() {
                directories.push(found);
            } else if kind.is_symlink() && is_hidden(&found) {
                match fs::remove_file(&found) {
                    Err(cause) if errors::is_gone(&cause) => {}
                    result => result.map_err(errors::at(&found))?,
                }
            }
        }
        remove_empty(&directories)
    }

    pub(super) fn create_container(&self, directory: &Path) -> Result<()> {
        make(path::parent(directory), self.durable)?;
        create(directory, self.durable).map_err(errors::of_write)
    }

    /// Removes a directory that holds no file; a tree of empty directories holds none.
    pub(super) fn delete_container(&self, directory: &Path, cancelled: &Cancelled) -> Result<()> {
        let found = fs::symlink_metadata(directory).map_err(errors::of_lookup)?;
        if !found.is_dir() {
            return Err(Error::invalid("the path is not a directory").with_errno(libc::ENOTDIR));
        }
        let mut directories = Vec::new();
        let mut walk = Walk::below(directory, cancelled)?;
        while let Some((kind, found)) = walk.next()? {
            if !kind.is_dir() {
                return Err(not_empty(&format!(
                    "the directory holds {}",
                    found.display()
                )));
            }
            directories.push(found);
        }
        remove_empty(&directories)?;
        match fs::remove_dir(directory) {
            Err(cause) if holds_something(&cause) => {
                return Err(not_empty("something is in the directory, or mounted on it"));
            }
            result => result?,
        }
        if self.durable {
            sync(&File::open(path::parent(directory))?)?;
        }
        Ok(())
    }
}

fn not_empty(detail: &str) -> Error {
    Error::new(ErrorKind::NotEmpty, detail).with_errno(libc::ENOTEMPTY)
}
