//! Listings: what lies below a directory, in bytewise order of the keys.
//!
//! Shown are regular files and symlinks to them. Symlinks to directories are neither shown nor followed, so a listing
//! stays in its directory; symlinks to nothing, devices and files that are being written are not objects.

use std::fs::{self, DirEntry};
use std::path::Path;

use super::blocking::Cancelled;
use super::{Local, errors, meta, path};
use crate::error::{Error, Result};
use crate::types::{Entry, Page};

/// One thing in a directory, by its whole key.
enum Child {
    File(Entry),
    /// Its key ends in `/`, so that it sorts where the keys below it do: `a.txt` comes before `a/b`.
    Directory(String),
}

impl Child {
    fn key(&self) -> &str {
        match self {
            Child::File(entry) => &entry.key,
            Child::Directory(key) => key,
        }
    }
}

impl Local {
    /// All of it in one page; a directory that does not exist holds nothing.
    pub(super) fn list(prefix: &str, one_level: bool, cancelled: &Cancelled) -> Result<Page> {
        let mut page = Page::default();
        let mut levels = vec![children(prefix, cancelled)?.into_iter()];
        while let Some(level) = levels.last_mut() {
            match level.next() {
                None => {
                    levels.pop();
                }
                Some(Child::File(entry)) => page.entries.push(entry),
                Some(Child::Directory(key)) if one_level => page.prefixes.push(key),
                Some(Child::Directory(key)) => levels.push(children(&key, cancelled)?.into_iter()),
            }
        }
        Ok(page)
    }
}

/// What the directory `prefix` holds, in order.
fn children(prefix: &str, cancelled: &Cancelled) -> Result<Vec<Child>> {
    let directory = Path::new("/").join(prefix);
    let entries = match fs::read_dir(&directory) {
        Err(cause) if errors::is_gone(&cause) => return Ok(Vec::new()),
        entries => entries.map_err(errors::at(&directory))?,
    };
    let mut children = Vec::new();
    for entry in entries {
        cancelled.check()?;
        let entry = entry.map_err(errors::at(&directory))?;
        children.extend(child(prefix, &entry)?);
    }
    children.sort_unstable_by(|a, b| a.key().cmp(b.key()));
    Ok(children)
}

fn child(prefix: &str, entry: &DirEntry) -> Result<Option<Child>> {
    let stated = entry.file_type().and_then(|kind| {
        if kind.is_dir() {
            return Ok(None);
        }
        // The size is that of what a symlink points to.
        let meta = if kind.is_symlink() {
            fs::metadata(entry.path())
        } else {
            entry.metadata()
        };
        meta.map(Some)
    });
    let meta = match stated {
        Err(cause) if errors::is_gone(&cause) || cause.raw_os_error() == Some(libc::ELOOP) => {
            return Ok(None);
        }
        stated => stated.map_err(errors::at(&entry.path()))?,
    };
    if meta.as_ref().is_some_and(|meta| !meta.is_file()) {
        return Ok(None);
    }
    let name = entry.file_name();
    let Some(name) = name.to_str() else {
        return Err(Error::invalid(format!(
            "{}: the name is not UTF-8, so it is no key",
            entry.path().display()
        )));
    };
    Ok(match meta {
        None => Some(Child::Directory(format!("{prefix}{name}/"))),
        Some(_) if path::is_reserved(name) => None,
        Some(meta) => Some(Child::File(meta::entry(format!("{prefix}{name}"), &meta))),
    })
}
