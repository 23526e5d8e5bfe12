//! Deleting files by key.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::blocking::Cancelled;
use super::{Local, errors, path};
use crate::error::{Error, Result};
use crate::types::DeleteFailure;
use crate::uri::Key;

impl Local {
    /// Unlinks each key; a symlink goes itself, not what it points to. A missing file is success.
    pub(super) fn delete(&self, keys: &[Key], cancelled: &Cancelled) -> Result<Vec<DeleteFailure>> {
        let mut failures = Vec::new();
        let mut changed = BTreeSet::new();
        for key in keys {
            cancelled.check()?;
            match path::object(key)
                .and_then(|file| unlink(&file).map(|removed| removed.then_some(file)))
            {
                Ok(Some(file)) => {
                    changed.insert(path::parent(&file).to_owned());
                }
                Ok(None) => {}
                Err(error) => failures.push(DeleteFailure {
                    key: key.as_str().to_owned(),
                    error,
                }),
            }
        }
        if self.durable {
            self.sync_all(&changed)?;
        }
        Ok(failures)
    }

    /// Once for each directory, however many files it lost.
    fn sync_all(&self, directories: &BTreeSet<PathBuf>) -> Result<()> {
        for path in directories {
            match File::open(path) {
                // Removed since, with all it held.
                Err(cause) if errors::is_gone(&cause) => {}
                opened => self.lasting.sync(&opened?).map_err(errors::at(path))?,
            }
        }
        Ok(())
    }
}

/// Whether there was something to remove.
fn unlink(file: &Path) -> Result<bool> {
    match fs::remove_file(file) {
        Ok(()) => Ok(true),
        Err(cause) if errors::is_gone(&cause) => Ok(false),
        Err(cause) if cause.raw_os_error() == Some(libc::EISDIR) => Err(Error::invalid(
            "the path is a directory; end it in `/` to delete what is below",
        )
        .with_errno(libc::EISDIR)),
        Err(cause) => Err(cause.into()),
    }
}
