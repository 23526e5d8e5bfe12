//! `file://` and `direct://`: files of this machine, through the page cache or past it.
//!
//! One service with a mode. Keys are absolute paths without their first `/`; a write is a temporary file that is made
//! durable and then renamed, so an overwrite is old or new, never torn.

mod blocking;
mod body;
mod copy;
mod delete;
mod direct;
mod directory;
mod errors;
mod lasting;
mod list;
mod meta;
mod open;
mod path;
mod read;
mod store;
#[cfg(test)]
mod tests;
mod upload;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use self::direct::DirectMode;
pub(crate) use self::errors::{cannot_read, cannot_write};
use self::lasting::Lasting;
pub(crate) use self::path::{is_journal, is_reserved, journal_name, object as file_of};
use self::store::LocalStore;
use super::Driver;
use crate::config::Config;
use crate::error::Result;
use crate::store::Store;
use crate::types::UploadId;
use crate::uri::{Key, Scheme, Uri};

pub(super) fn file_driver(config: &Arc<Config>) -> Arc<dyn Driver> {
    Arc::new(LocalDriver {
        store: Arc::new(LocalStore::new(
            Scheme::File,
            Local::new(config.durable, None),
        )),
    })
}

pub(super) fn direct_driver(config: &Arc<Config>) -> Arc<dyn Driver> {
    let direct = Some(DirectMode::new(config.direct_strict));
    Arc::new(LocalDriver {
        store: Arc::new(LocalStore::new(
            Scheme::Direct,
            Local::new(config.durable, direct),
        )),
    })
}

#[derive(Debug)]
struct LocalDriver {
    /// There is one machine, so one store holds every URI.
    store: Arc<LocalStore>,
}

#[async_trait]
impl Driver for LocalDriver {
    async fn open(&self, _uri: &Uri) -> Result<Arc<dyn Store>> {
        Ok(Arc::clone(&self.store) as Arc<dyn Store>)
    }
}

/// The file that the parts of an upload to `key` are written into.
pub(crate) fn part_file(key: &Key, upload: &UploadId) -> Result<PathBuf> {
    upload::file(&path::object(key)?, upload)
}

/// How files are to be treated. Its methods block; each file of this folder adds those of one job.
#[derive(Debug)]
struct Local {
    /// Sync files and directories before a write is acknowledged.
    durable: bool,
    direct: Option<DirectMode>,
    lasting: Lasting,
}

impl Local {
    fn new(durable: bool, direct: Option<DirectMode>) -> Self {
        Local {
            durable,
            direct,
            lasting: Lasting::default(),
        }
    }
}
