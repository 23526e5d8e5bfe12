//! Listings: what lies below a directory, page by page, in bytewise order of the keys.
//!
//! Shown are regular files and symlinks to them. Symlinks to directories are neither shown nor followed, so a listing
//! stays in its directory; symlinks to nothing, devices and files that are being written are not objects.
//!
//! A token is the last key that was given, so any page can be found from it alone. Between the pages of one listing, the
//! names that are left in the directories on the way are held: reading them anew for each page would cost the square.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::vec;

use super::blocking::Cancelled;
use super::{Local, errors, meta, path};
use crate::error::{Error, Result};
use crate::types::{Entry, Page, PageRequest};

/// Entries and prefixes of a page; as the services have it.
pub(super) const PAGE: usize = 1000;

impl Local {
    /// At most `size` entries and prefixes; a directory that does not exist holds nothing.
    pub(super) fn list(
        prefix: &str,
        request: &PageRequest,
        size: usize,
        cancelled: &Cancelled,
    ) -> Result<Page> {
        let held = request.held.take::<Walk>();
        let mut walk = match held.filter(|walk| walk.goes_on(prefix, request)) {
            Some(walk) => walk,
            None => Walk::begin(prefix, request, cancelled)?,
        };
        let page = walk.page(size, cancelled)?;
        if page.next.is_some() {
            request.held.keep(walk);
        }
        Ok(page)
    }
}

/// A listing between two pages.
struct Walk {
    prefix: String,
    one_level: bool,
    /// The last key that was given.
    after: Option<String>,
    /// From the prefix down to the directory at hand.
    levels: Vec<Level>,
}

/// A directory, and the names in it that are still to come.
struct Level {
    /// As a prefix.
    directory: String,
    names: vec::IntoIter<Box<str>>,
}

impl Walk {
    /// What comes after the token of `request`.
    fn begin(prefix: &str, request: &PageRequest, cancelled: &Cancelled) -> Result<Self> {
        if let Some(token) = &request.token
            && !token.starts_with(prefix)
        {
            return Err(Error::invalid("the token is of another listing"));
        }
        let mut walk = Walk {
            prefix: prefix.to_owned(),
            one_level: request.one_level,
            after: request.token.clone(),
            levels: Vec::new(),
        };
        walk.descend(prefix.to_owned(), cancelled)?;
        Ok(walk)
    }

    fn goes_on(&self, prefix: &str, request: &PageRequest) -> bool {
        self.prefix == prefix && self.one_level == request.one_level && self.after == request.token
    }

    fn page(&mut self, size: usize, cancelled: &Cancelled) -> Result<Page> {
        let mut page = Page::default();
        while let Some(level) = self.levels.last_mut() {
            cancelled.check()?;
            let Some(name) = level.names.as_slice().first() else {
                self.levels.pop();
                continue;
            };
            if page.entries.len() + page.prefixes.len() == size {
                page.next.clone_from(&self.after);
                break;
            }
            let key = format!("{}{name}", level.directory);
            level.names.next();
            if !key.ends_with('/') {
                if let Some(entry) = entry(&key)? {
                    page.entries.push(entry);
                    self.after = Some(key);
                }
            } else if self.one_level {
                page.prefixes.push(key.clone());
                self.after = Some(key);
            } else {
                self.descend(key, cancelled)?;
            }
        }
        Ok(page)
    }

    fn descend(&mut self, directory: String, cancelled: &Cancelled) -> Result<()> {
        let path = path_of(&directory);
        // The prefix itself may be a symlink; one that took the place of a directory since is not followed.
        let entered =
            self.levels.is_empty() || fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        let mut names = match entered {
            true => names(&path, cancelled)?,
            false => Vec::new(),
        };
        if let Some(after) = &self.after
            && let Some(after) = after.strip_prefix(&directory)
        {
            let inside = |name: &str| !self.one_level && after.starts_with(name);
            names.retain(|name| **name > *after || name.ends_with('/') && inside(name));
        }
        names.sort_unstable();
        self.levels.push(Level {
            directory,
            names: names.into_iter(),
        });
        Ok(())
    }
}

/// Without a final `/`, which would follow a symlink.
fn path_of(key: &str) -> PathBuf {
    Path::new("/").join(key.strip_suffix('/').unwrap_or(key))
}

/// What a directory holds. The name of a directory ends in `/`, so that it sorts where the keys below it do: `a.txt`
/// comes before `a/b`.
fn names(directory: &Path, cancelled: &Cancelled) -> Result<Vec<Box<str>>> {
    let entries = match fs::read_dir(directory) {
        Err(cause) if errors::is_gone(&cause) => return Ok(Vec::new()),
        entries => entries.map_err(errors::at(directory))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        cancelled.check()?;
        let entry = entry.map_err(errors::at(directory))?;
        names.extend(name(&entry)?);
    }
    Ok(names)
}

fn name(entry: &DirEntry) -> Result<Option<Box<str>>> {
    let kind = match entry.file_type() {
        Err(cause) if errors::is_gone(&cause) => return Ok(None),
        kind => kind.map_err(errors::at(&entry.path()))?,
    };
    let name = entry.file_name();
    let Some(name) = name.to_str() else {
        let path = entry.path();
        return match kind.is_dir() || stated(&path)?.is_some() {
            true => Err(Error::invalid(format!(
                "{}: the name is not UTF-8, so it is no key",
                path.display()
            ))),
            false => Ok(None),
        };
    };
    Ok(if kind.is_dir() {
        Some(format!("{name}/").into())
    } else if (kind.is_file() || kind.is_symlink()) && !path::is_reserved(name) {
        Some(name.into())
    } else {
        None
    })
}

/// `None` for what has gone since its name was read, or is no object.
fn entry(key: &str) -> Result<Option<Entry>> {
    let found = stated(&path_of(key))?;
    Ok(found.map(|meta| meta::entry(key.to_owned(), &meta)))
}

/// What is known of a file, or of the one that a symlink leads to; `None` for everything else.
fn stated(path: &Path) -> Result<Option<fs::Metadata>> {
    // The size is that of what a symlink points to.
    let found = match fs::symlink_metadata(path) {
        Ok(link) if link.is_symlink() => fs::metadata(path),
        found => found,
    };
    match found {
        Err(cause) if is_nowhere(&cause) => Ok(None),
        found => Ok(Some(found.map_err(errors::at(path))?).filter(fs::Metadata::is_file)),
    }
}

fn is_nowhere(cause: &io::Error) -> bool {
    errors::is_gone(cause) || cause.raw_os_error() == Some(libc::ELOOP)
}
