//! One tree made like another: what is missing or different is copied, and what is too much goes if asked for.

mod compare;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use compare::Compare;

use super::found::{self, Finds, Found, Search};
use super::meter::Meter;
use super::object::Item;
use super::places::Place;
use super::{blocking, names, run};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::uri::{Key, Uri};

/// How [`Client::sync`] works.
#[derive(Debug, Clone, Copy)]
pub struct SyncOptions {
    /// Remove below the target what the source has not.
    pub delete: bool,
    /// Only tell what would be done.
    pub dry_run: bool,
    pub compare: Compare,
    /// Files under way at once, above 0.
    pub max_in_flight: usize,
}

impl Default for SyncOptions {
    fn default() -> Self {
        SyncOptions {
            delete: false,
            dry_run: false,
            compare: Compare::default(),
            max_in_flight: 32,
        }
    }
}

/// One step of a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncAction {
    Copy { from: Uri, to: Uri, size: u64 },
    Delete { uri: Uri },
}

/// A finished sync, or what it would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Copied.
    pub files: u64,
    /// Of these files.
    pub bytes: u64,
    pub deleted: u64,
    /// Files that were alike, symlinks, devices, empty objects that stand for directories.
    pub skipped: u64,
    pub elapsed: Duration,
    /// In the order of names, copies first.
    pub actions: Vec<SyncAction>,
}

impl Client {
    /// Makes the tree at `target` like the one at `source`; each is a directory or a prefix, with or without a final
    /// `/`. Nothing is changed before both have been listed to their end.
    ///
    /// # Errors
    /// Of either listing, with nothing changed; of all files that failed, each of which was told to `meter`, and then
    /// nothing is removed. `NotFound` for a source directory that does not exist; `InvalidInput` where everything at
    /// the target would have to go, because the source is empty.
    pub async fn sync(
        &self,
        source: &str,
        target: &str,
        options: &SyncOptions,
        meter: &Meter,
    ) -> Result<SyncReport> {
        let began = Instant::now();
        let work = async {
            let mut plan = self.plan(source, target, options).await?;
            for failure in plan.refused.drain(..) {
                meter.fail(failure);
            }
            let mut report = SyncReport {
                skipped: plan.skipped,
                actions: plan.actions(),
                ..SyncReport::default()
            };
            if !options.dry_run {
                let done = run::all(self, plan.copies, options.max_in_flight, meter).await?;
                (report.files, report.bytes) = (done.files, done.moved.bytes);
            }
            run::summed_up(meter, "sync", source)?;
            if !options.dry_run {
                report.deleted = self.remove(&plan.deletes).await?;
            }
            report.elapsed = began.elapsed();
            Ok(report)
        };
        let result: Result<SyncReport> = work.await;
        result.map_err(|error| error.at("sync", source).after(began.elapsed()))
    }

    async fn plan(&self, source: &str, target: &str, options: &SyncOptions) -> Result<Plan> {
        let (from, to) = (Place::parse(source)?, Place::parse(target)?);
        let base = tree(to.clone()).await?;
        apart(&tree(from.clone()).await?, &base)?;
        let left = list(self, from)
            .await
            .map_err(|error| error.at("sync", source))?;
        let right = match list(self, to).await {
            // A directory that is not there holds nothing; a bucket must be there.
            Err(error) if error.kind() == ErrorKind::NotFound && base.scheme().is_local() => {
                Finds::default()
            }
            right => right.map_err(|error| error.at("sync", target))?,
        };
        if options.delete && left.files.is_empty() && !right.files.is_empty() {
            return Err(Error::invalid(format!(
                "the source holds nothing, so all {} files at {base} would be deleted; delete them by name if that is meant",
                right.files.len()
            )));
        }
        let mut there: HashMap<String, Found> = right
            .files
            .into_iter()
            .map(|found| (found.name.clone(), found))
            .collect();
        let mut differing = Vec::new();
        let mut alike = Vec::new();
        for file in left.files {
            match there.remove(&file.name) {
                Some(other) => alike.push((file, other)),
                None => differing.push(file),
            }
        }
        let pairs = alike.len();
        let changed = compare::different(self, alike, options).await?;
        let skipped = left.skipped + (pairs - changed.len()) as u64;
        differing.extend(changed);
        differing.sort_by(|one, other| one.name.cmp(&other.name));
        let (files, refused) = match base.scheme().is_local() {
            true => {
                let path = PathBuf::from(format!("/{}", base.key()));
                names::checked(differing, path, "sync").await?
            }
            false => (differing, Vec::new()),
        };
        let copies = super::items("sync", &files, |found| below(&base, &found.name));
        let mut deletes: Vec<Uri> = match options.delete {
            true => there.into_values().map(|found| found.uri).collect(),
            false => Vec::new(),
        };
        deletes.sort_by(|one, other| one.key().cmp(other.key()));
        Ok(Plan {
            copies,
            deletes,
            refused,
            skipped,
        })
    }

    /// Removes exactly these objects of one store.
    async fn remove(&self, uris: &[Uri]) -> Result<u64> {
        let Some(first) = uris.first() else {
            return Ok(0);
        };
        let store = self.store(first).await?;
        let batch = store.inner().info().capability.delete_batch;
        for uris in uris.chunks(batch) {
            let keys: Vec<Key> = uris.iter().map(|uri| uri.key().clone()).collect();
            let failures = store.delete(&keys).await?;
            if let Some(failure) = failures.into_iter().next() {
                let uri = first.with_key(Key::new(failure.key));
                return Err(failure.error.at("delete", uri));
            }
        }
        Ok(uris.len() as u64)
    }
}

/// What is to be done.
struct Plan {
    copies: Vec<Item>,
    deletes: Vec<Uri>,
    /// Names that cannot be files below the target.
    refused: Vec<Error>,
    skipped: u64,
}

impl Plan {
    fn actions(&self) -> Vec<SyncAction> {
        let copies = self.copies.iter().map(|item| SyncAction::Copy {
            from: item.from.clone(),
            to: item.to.clone(),
            size: item.size.unwrap_or_default(),
        });
        let deletes = self
            .deletes
            .iter()
            .map(|uri| SyncAction::Delete { uri: uri.clone() });
        copies.chain(deletes).collect()
    }
}

async fn tree(place: Place) -> Result<Uri> {
    blocking(move || place.directory()).await
}

/// A tree within the other would grow, or be deleted, while it is read.
fn apart(from: &Uri, to: &Uri) -> Result<()> {
    let within = |outer: &Uri, inner: &Uri| {
        let local = outer.scheme().is_local() && inner.scheme().is_local();
        (local || outer.root() == inner.root())
            && inner.key().as_str().starts_with(outer.key().as_str())
    };
    if within(from, to) || within(to, from) {
        return Err(Error::invalid(format!(
            "{from} and {to} are not two separate trees"
        )));
    }
    Ok(())
}

fn below(base: &Uri, name: &str) -> Uri {
    base.with_key(Key::new(format!("{}{name}", base.key())))
}

/// A whole tree; what cannot be looked at is an error, because nobody knows what it holds.
async fn list(client: &Client, place: Place) -> Result<Finds> {
    let search = Search {
        op: "sync",
        recursive: true,
        follow_symlinks: false,
    };
    let mut finds = match place {
        Place::Local { scheme, path } => {
            let root = blocking(move || super::places::real_path(&path)).await?;
            found::files_below(scheme, root, search).await?
        }
        Place::Remote(_) => found::objects_below(client, &place.directory()?, true).await?,
    };
    match finds.failures.pop() {
        Some(failure) => Err(failure),
        None => Ok(finds),
    }
}
