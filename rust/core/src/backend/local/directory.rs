//! Making, emptying and removing directories.

use std::ffi::OsStr;
use std::fs::{self, File, FileType, ReadDir};
use std::io;
use std::path::{Path, PathBuf};

use super::blocking::Cancelled;
use super::{Local, errors, path};
use crate::error::{Error, ErrorKind, Result};

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
    /// Makes a directory and what is missing above it. No name is durable yet.
    pub(super) fn make(&self, directory: &Path) -> Result<()> {
        match self.lasting.make(directory) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let parent = path::parent(directory);
                self.make(parent)?;
                match self.lasting.make(directory) {
                    Err(cause) if cause.kind() == io::ErrorKind::NotFound && parent.is_dir() => {
                        Err(errors::takes_nothing(parent))
                    }
                    Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                    result => result.map_err(errors::of_write),
                }
            }
            // By somebody else, or it was there. A file of that name shows when it is used.
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            result => result.map_err(errors::of_write),
        }
    }

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
        let parent = path::parent(directory);
        self.make(parent)?;
        self.lasting.make(directory).map_err(errors::of_write)?;
        if self.durable {
            let parent = File::open(parent)?;
            self.lasting.anchor(&parent)?;
            self.lasting.sync(&parent)?;
        }
        Ok(())
    }

    /// Removes a directory that holds no file; a tree of empty directories holds none. What listings hide is a file too:
    /// a transfer may be writing it.
    pub(super) fn delete_container(&self, directory: &Path, cancelled: &Cancelled) -> Result<()> {
        let found = fs::symlink_metadata(directory).map_err(errors::of_lookup)?;
        if !found.is_dir() {
            return Err(Error::invalid("the path is not a directory").with_errno(libc::ENOTDIR));
        }
        let (mut directories, mut hidden) = (Vec::new(), None);
        let mut walk = Walk::below(directory, cancelled)?;
        while let Some((kind, found)) = walk.next()? {
            let name = found.file_name().and_then(OsStr::to_str);
            if kind.is_dir() {
                directories.push(found);
            } else if name.is_some_and(path::is_reserved) {
                hidden.get_or_insert(found);
            } else {
                let detail = format!("the directory holds {}", found.display());
                return Err(not_empty(&detail));
            }
        }
        if let Some(hidden) = hidden {
            return Err(not_empty(&format!(
                "the directory holds {}, of a transfer that is under way or was cut off; if none is under way, remove \
                 the file",
                hidden.display()
            )));
        }
        remove_empty(&directories)?;
        match fs::remove_dir(directory) {
            Err(cause) if holds_something(&cause) => {
                return Err(not_empty("something is in the directory, or mounted on it"));
            }
            result => result?,
        }
        if self.durable {
            self.lasting.sync(&File::open(path::parent(directory))?)?;
        }
        Ok(())
    }
}

fn not_empty(detail: &str) -> Error {
    Error::new(ErrorKind::NotEmpty, detail).with_errno(libc::ENOTEMPTY)
}
