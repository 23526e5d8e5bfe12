//! One tree made like another: what is missing or different is copied, and what is too much goes if asked for.

mod compare;

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use compare::Compare;

use super::found::{self, Finds, Found, Search};
use super::meter::Meter;
use super::object::Item;
use super::outcome::{Partial, outcome};
use super::places::{Place, Wildcards};
use super::{blocking, names, run};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::types::WriteOptions;
use crate::uri::Uri;

/// How [`Client::sync`] works.
#[derive(Debug, Clone)]
pub struct SyncOptions {
    /// Remove below the target what the source has not. What it has, and is skipped, is not removed.
    pub delete: bool,
    /// Only tell what would be done.
    pub dry_run: bool,
    /// Take symlinks below a source directory for what they lead to; otherwise they are skipped.
    pub follow_symlinks: bool,
    pub compare: Compare,
    /// Files under way at once, above 0.
    pub max_in_flight: usize,
    /// What copies are written with. From store to store, what is not given here is the source's.
    pub write: WriteOptions,
}

impl Default for SyncOptions {
    fn default() -> Self {
        SyncOptions {
            delete: false,
            dry_run: false,
            follow_symlinks: false,
            compare: Compare::default(),
            max_in_flight: 32,
            write: WriteOptions::default(),
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
    /// Of these, the files that were alike.
    pub alike: u64,
    /// Of these, the symlinks of the source.
    pub symlinks: u64,
    /// What would have been deleted, were there not something of that name, or above it, that was skipped in the source.
    pub kept: Vec<Uri>,
    pub elapsed: Duration,
    /// What was done, or would be: in the order of names, copies first.
    pub actions: Vec<SyncAction>,
}

impl Client {
    /// Makes the tree at `target` like the one at `source`; each is a directory or a prefix, with or without a final
    /// `/`. Nothing is changed before both have been listed to their end.
    ///
    /// # Errors
    /// Of either listing, with nothing changed; of all files that failed, each of which was told to `meter`, with the
    /// report of the others. Nothing is removed if a copy failed, or if a part of the source could not be looked at or
    /// has a name that is no key. `NotFound` for a source directory that does not exist, or a prefix without any key;
    /// `InvalidInput` for a source that is one file or object or has wildcards, and where everything at the target would
    /// have to go, because the source is empty.
    pub async fn sync(
        &self,
        source: &str,
        target: &str,
        options: &SyncOptions,
        meter: &Meter,
    ) -> Result<SyncReport, Partial<SyncReport>> {
        let began = Instant::now();
        let named = |error: Error| error.at("sync", source).after(began.elapsed());
        let work = async {
            let mut plan = self.plan(source, target, options).await?;
            for failure in plan.refused.drain(..) {
                meter.fail(failure);
            }
            let mut report = SyncReport {
                skipped: plan.skipped,
                alike: plan.alike,
                symlinks: plan.symlinks,
                kept: std::mem::take(&mut plan.kept),
                actions: plan.actions(),
                ..SyncReport::default()
            };
            let failed = match options.dry_run {
                true => {
                    for failure in plan.stuck {
                        meter.fail(failure);
                    }
                    run::summed_up(meter, "sync", source)
                }
                false => {
                    self.carry_out(plan, source, options, meter, &mut report)
                        .await
                }
            };
            report.elapsed = began.elapsed();
            outcome(report, failed)
        };
        let result: Result<SyncReport, Partial<SyncReport>> = work.await;
        result.map_err(|partial| partial.map_error(named))
    }

    /// Copies, and then deletes if all that could be copied.
    async fn carry_out(
        &self,
        plan: Plan,
        source: &str,
        options: &SyncOptions,
        meter: &Meter,
        report: &mut SyncReport,
    ) -> Result<()> {
        let at_once = options.max_in_flight;
        let done = run::all(self, plan.copies, &options.write, at_once, meter).await?;
        (report.files, report.bytes) = (done.files, done.moved.bytes);
        let copied = run::summed_up(meter, "sync", source);
        let mut which = done.which;
        which.resize(report.actions.len(), copied.is_ok());
        if copied.is_ok() {
            let failures = self.delete_many(plan.deletes, at_once).await?;
            let failed: HashSet<&str> = failures.iter().filter_map(Error::target).collect();
            for (done, action) in which.iter_mut().zip(&report.actions) {
                if let SyncAction::Delete { uri } = action {
                    *done = failed.is_empty() || !failed.contains(uri.to_string().as_str());
                    report.deleted += u64::from(*done);
                }
            }
            for failure in failures.into_iter().chain(plan.stuck) {
                meter.fail(failure);
            }
        }
        let mut which = which.into_iter();
        report.actions.retain(|_| which.next().unwrap_or_default());
        copied?;
        run::summed_up(meter, "sync", source)
    }

    async fn plan(&self, source: &str, target: &str, options: &SyncOptions) -> Result<Plan> {
        let (from, to) = (Place::parse(source)?, Place::parse(target)?);
        let base = tree(to.clone()).await?;
        refuse_target(self, &to)
            .await
            .map_err(|error| error.at("sync", target))?;
        apart(&tree(from.clone()).await?, &base)?;
        let left = list_source(self, from, options.follow_symlinks)
            .await
            .map_err(|error| error.at("sync", source))?;
        let mut right = match list(self, to, false).await {
            // A directory that is not there holds nothing; a bucket must be there.
            Err(error) if error.kind() == ErrorKind::NotFound && base.scheme().is_local() => {
                Finds::default()
            }
            right => right.map_err(|error| error.at("sync", target))?,
        };
        let stuck = no_keys(std::mem::take(&mut right.failures))?;
        let mut refused = left.failures;
        let empty = left.files.is_empty() && refused.is_empty();
        let Matched {
            mut missing,
            both,
            superfluous,
        } = matched(left.files, right.files);
        let (kept, superfluous) = match options.delete {
            true => covered(&left.passed, superfluous),
            false => Default::default(),
        };
        if empty && !superfluous.is_empty() {
            return Err(Error::invalid(format!(
                "the source holds nothing, so all {} files at {base} would be deleted; delete them by name if that is meant",
                superfluous.len()
            )));
        }
        let pairs = both.len();
        let changed = compare::different(self, both, options).await?;
        let alike = (pairs - changed.len()) as u64;
        missing.extend(changed);
        missing.sort_by(|one, other| one.name.cmp(&other.name));
        let files = match base.scheme().is_local() {
            true => {
                let path = PathBuf::from(format!("/{}", base.key()));
                let (files, unsafe_names) = names::checked(missing, path, "sync").await?;
                refused.extend(unsafe_names);
                files
            }
            false => missing,
        };
        let copies = super::items("sync", files, |name| base.join(name));
        // Nobody knows whether what could not be looked at has the name of what is too much.
        let (deletes, stuck) = match options.delete && refused.is_empty() {
            true => (superfluous, stuck),
            false => Default::default(),
        };
        Ok(Plan {
            copies,
            deletes,
            stuck,
            kept,
            refused,
            skipped: left.skipped + alike,
            alike,
            symlinks: left.symlinks,
        })
    }
}

/// Which names are on one side or on both, in order.
struct Matched {
    missing: Vec<Found>,
    both: Vec<(Found, Found)>,
    superfluous: Vec<Found>,
}

fn matched(mut left: Vec<Found>, mut right: Vec<Found>) -> Matched {
    left.sort_by(|one, other| one.name.cmp(&other.name));
    right.sort_by(|one, other| one.name.cmp(&other.name));
    let mut matched = Matched {
        missing: Vec::new(),
        both: Vec::new(),
        superfluous: Vec::new(),
    };
    let mut right = right.into_iter().peekable();
    for file in left {
        while let Some(other) = right.next_if(|other| other.name < file.name) {
            matched.superfluous.push(other);
        }
        match right.next_if(|other| other.name == file.name) {
            Some(other) => matched.both.push((file, other)),
            None => matched.missing.push(file),
        }
    }
    matched.superfluous.extend(right);
    matched
}

/// Which files have the name of something that was passed over, or a name below it, and the others.
fn covered(passed: &[String], files: Vec<Found>) -> (Vec<Uri>, Vec<Uri>) {
    let passed: HashSet<&str> = passed.iter().map(String::as_str).collect();
    let (mut under, mut free) = (Vec::new(), Vec::new());
    for file in files {
        let mut above = file.name.match_indices('/');
        let is_under = passed.contains(file.name.as_str())
            || above.any(|(slash, _)| passed.contains(&file.name[..slash]));
        let side = if is_under { &mut under } else { &mut free };
        side.push(file.uri);
    }
    (under, free)
}

/// What is to be done.
struct Plan {
    copies: Vec<Item>,
    deletes: Vec<Uri>,
    /// What would go as well, but cannot be named.
    stuck: Vec<Error>,
    kept: Vec<Uri>,
    /// What could not be looked at, is no key, or cannot be a file below the target.
    refused: Vec<Error>,
    skipped: u64,
    alike: u64,
    symlinks: u64,
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

/// Refuses a target that is meant as something else than a tree.
async fn refuse_target(client: &Client, target: &Place) -> Result<()> {
    found::refuse_pattern(client, target).await?;
    let Place::Remote(uri) = target else {
        // The listing of a file that is taken for a directory fails by itself.
        return Ok(());
    };
    // Who may not look goes on: the listing tells what is wrong, if anything is.
    if is_object(client, uri).await {
        return Err(Error::invalid(format!(
            "the target is an object: the prefix of that name is {uri}/"
        )));
    }
    Ok(())
}

/// The tree to read. A directory or a bucket is there by itself, a prefix only by its keys.
async fn list_source(client: &Client, place: Place, follow_symlinks: bool) -> Result<Finds> {
    let found = list(client, place.clone(), follow_symlinks).await;
    let is_there = match (&place, &found) {
        (Place::Local { path, .. }, _) => is(path, Metadata::is_dir).await,
        (Place::Remote(uri), Ok(finds)) => uri.key().is_empty() || !finds.is_empty(),
        (Place::Remote(_), Err(_)) => true,
    };
    if is_there {
        return found;
    }
    match no_tree(client, &place).await {
        Some(why) => Err(Error::invalid(why)),
        None => found.and(Err(Error::new(
            ErrorKind::NotFound,
            "there is nothing below this prefix",
        ))),
    }
}

/// What was meant by a source that is no tree, and what takes it.
async fn no_tree(client: &Client, place: &Place) -> Option<&'static str> {
    let (text, single) = match place {
        Place::Local { path, .. } => (
            path.to_str().unwrap_or_default(),
            is(path, Metadata::is_file).await,
        ),
        Place::Remote(uri) => (uri.key().as_str(), is_object(client, uri).await),
    };
    if single {
        return Some(
            "the source is one file or object, and sync takes whole trees: copy it by cp, upload or download",
        );
    }
    let wildcards = Wildcards::in_path(text).is_ok_and(|found| found.is_some());
    wildcards.then_some(
        "the source has wildcards, and sync takes whole trees: copy what they select by cp, upload or download",
    )
}

/// Only after a definite answer.
async fn is_object(client: &Client, uri: &Uri) -> bool {
    !uri.key().is_prefix() && client.exists(uri).await.is_ok_and(|exists| exists)
}

async fn is(path: &Path, what: fn(&Metadata) -> bool) -> bool {
    let meta = tokio::fs::metadata(path).await;
    meta.is_ok_and(|meta| what(&meta))
}

/// Failures of a target's listing, if all of them are names that are no keys, as nothing else is when links are not
/// followed. What cannot be looked at is an error, because nobody knows what it holds.
fn no_keys(failures: Vec<Error>) -> Result<Vec<Error>> {
    let (no_keys, unseen): (Vec<_>, Vec<_>) =
        (failures.into_iter()).partition(|failure| failure.kind() == ErrorKind::InvalidInput);
    match unseen.into_iter().next() {
        Some(failure) => Err(failure),
        None => Ok(no_keys),
    }
}

/// A whole tree.
async fn list(client: &Client, place: Place, follow_symlinks: bool) -> Result<Finds> {
    let search = Search {
        op: "sync",
        recursive: true,
        follow_symlinks,
    };
    match place {
        Place::Local { scheme, path } => {
            let root = blocking(move || super::places::real_path(&path)).await?;
            found::files_below(scheme, root, search).await
        }
        Place::Remote(_) => found::objects_below(client, &place.directory()?, true).await,
    }
}
