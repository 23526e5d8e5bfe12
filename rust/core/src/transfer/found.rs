//! What the sources of a transfer hold: files of this machine, or objects.

mod local;
mod remote;

use std::time::SystemTime;

pub(super) use local::below as files_below;
pub(super) use remote::below as objects_below;

use super::places::{Place, Wildcards};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::uri::Uri;

/// One file or object, and its name below the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// With `/` between its parts.
    pub name: String,
    pub uri: Uri,
    /// Where it was learnt without asking.
    pub size: Option<u64>,
    pub etag: Option<String>,
    pub modified: Option<SystemTime>,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Finds {
    pub files: Vec<Found>,
    /// Symlinks that are not followed, devices, empty objects that stand for directories.
    pub skipped: u64,
    /// Of these, the symlinks.
    pub symlinks: u64,
    /// Names of what was passed over: skipped, or under way.
    pub passed: Vec<String>,
    /// What could not be looked at, each naming its path.
    pub failures: Vec<Error>,
    /// A directory or a prefix was named, so that even one file is a tree.
    pub tree: bool,
}

impl Finds {
    /// Not even an empty object that stands for a directory.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.skipped == 0
    }

    fn add(&mut self, other: Finds) {
        self.files.extend(other.files);
        self.skipped += other.skipped;
        self.symlinks += other.symlinks;
        self.passed.extend(other.passed);
        self.failures.extend(other.failures);
        self.tree |= other.tree;
    }
}

/// How sources are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    /// As errors name it.
    pub op: &'static str,
    /// Also what lies in directories below.
    pub recursive: bool,
    pub follow_symlinks: bool,
}

/// Whether wildcards select what `place` means: what exists by that very name is meant itself.
pub(super) async fn is_pattern(client: &Client, place: &Place) -> Result<bool> {
    match place {
        Place::Local { path, .. } => {
            let text = path.to_str().unwrap_or_default();
            Ok(Wildcards::in_path(text)?.is_some() && !tokio::fs::try_exists(path).await?)
        }
        Place::Remote(uri) => {
            let wildcards = Wildcards::in_key(uri.key().as_str(), true)?;
            Ok(wildcards.is_some() && !client.exists(uri).await?)
        }
    }
}

/// Refuses a target that is meant as a pattern: no one has to name what it would make.
///
/// # Errors
/// `InvalidInput` for a key with a `*`, unless there is an object of that very name, or one below it.
pub(super) async fn refuse_pattern(client: &Client, target: &Place) -> Result<()> {
    let Place::Remote(uri) = target else {
        return Ok(());
    };
    let key = uri.key();
    if !key.as_str().contains('*') {
        return Ok(());
    }
    let is_there = async {
        if !key.is_prefix() && client.exists(uri).await? {
            return Ok::<_, Error>(true);
        }
        let mut below = client.scan(&target.directory()?, true, None).await?;
        Ok(below.next().await?.is_some())
    };
    match is_there.await {
        Ok(true) => Ok(()),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Err(Error::invalid(format!(
            "a target takes no wildcards, and nothing is named {:?} there",
            key.as_str()
        ))),
    }
}

/// Everything that `sources` name.
///
/// # Errors
/// `NotFound` for a source that holds nothing; those of a listing. Each names its source.
pub(super) async fn find(client: &Client, sources: &[String], search: Search) -> Result<Finds> {
    if sources.is_empty() {
        return Err(Error::invalid("there is no source"));
    }
    let mut all = Finds::default();
    for source in sources {
        let found = match Place::parse(source)? {
            Place::Local { scheme, path } => local::find(scheme, path, search).await,
            Place::Remote(uri) => remote::find(client, &uri, search).await,
        };
        all.add(found?);
    }
    Ok(all)
}
