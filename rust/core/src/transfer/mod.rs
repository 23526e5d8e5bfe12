//! Files up, objects down, and whatever lies between two stores: many at once, resumable, verified.
//!
//! Every transfer is the same: find what the sources hold, refuse names that cannot be what they are, then move each
//! object from one store to another. Files are objects of the local store here.

mod budget;
mod copy;
mod found;
mod journal;
mod meter;
mod names;
mod object;
mod parts;
mod places;
mod resume;
mod run;
mod stream;
mod sync;

use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use meter::{Meter, TransferProgress};
pub use sync::{Compare, SyncAction, SyncOptions, SyncReport};

use self::budget::Budget;
use self::found::{Finds, Found, Search};
use self::object::Item;
use self::places::Place;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::uri::{Key, Uri};

/// How [`Client::upload_files`] and [`Client::download_files`] work.
#[derive(Debug, Clone, Copy)]
pub struct TransferOptions {
    /// Also what lies in directories below the sources.
    pub recursive: bool,
    /// Make the bucket of an upload if it does not exist.
    pub create_bucket: bool,
    /// Take symlinks below the sources of an upload for what they lead to; otherwise they are skipped.
    pub follow_symlinks: bool,
    /// Files under way at once, above 0.
    pub max_in_flight: usize,
}

impl Default for TransferOptions {
    fn default() -> Self {
        TransferOptions {
            recursive: true,
            create_bucket: false,
            follow_symlinks: false,
            max_in_flight: 32,
        }
    }
}

impl TransferOptions {
    fn search(&self, op: &'static str) -> Search {
        Search {
            op,
            recursive: self.recursive,
            follow_symlinks: self.follow_symlinks,
        }
    }
}

/// A finished transfer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransferReport {
    pub files: u64,
    /// Of these files.
    pub bytes: u64,
    /// Of these bytes, what an earlier run had moved already.
    pub resumed: u64,
    /// Symlinks that are not followed, devices, empty objects that stand for directories.
    pub skipped: u64,
    pub elapsed: Duration,
}

impl Client {
    /// Writes files to a store. A source is a path or a `file://` URI of a file, of a directory, whose tree is kept, or
    /// with wildcards: `*` and `?` within a name, `[...]`, and `**` across directories. The names of objects are the
    /// files' below their directory, or below what stands before the first wildcard.
    ///
    /// A `target` that ends in `/` is a prefix; otherwise it is the key of the one file that the sources must be. A
    /// large file that was stopped goes on where it was, if its journal is found.
    ///
    /// # Errors
    /// Of all files that failed, each of which was told to `meter`; the others are there. `NotFound` where a source
    /// holds nothing; `InvalidInput` for more than one file and a target that is no prefix.
    pub async fn upload_files(
        &self,
        sources: &[String],
        target: &Uri,
        options: &TransferOptions,
        meter: &Meter,
    ) -> Result<TransferReport> {
        let began = Instant::now();
        let named = |error: Error| error.at("upload", target).after(began.elapsed());
        let work = async {
            target.require_container()?;
            let mut finds = found::find(self, sources, options.search("upload")).await?;
            let doubles = names::refuse_doubles(&mut finds.files, "upload");
            if !target.key().is_prefix() {
                only_one(&finds)?;
            }
            let items = items("upload", &finds.files, |found| {
                if target.key().is_prefix() {
                    target.with_key(Key::new(format!("{}{}", target.key(), found.name)))
                } else {
                    target.clone()
                }
            });
            for failure in doubles.into_iter().chain(finds.failures) {
                meter.fail(failure);
            }
            if options.create_bucket && !target.scheme().is_local() {
                self.ensure_bucket(target).await?;
            }
            let done = run::all(self, items, options.max_in_flight, meter).await?;
            run::summed_up(meter, "upload", &target.to_string())?;
            Ok(report(done, finds.skipped, began))
        };
        work.await.map_err(named)
    }

    /// Reads objects into files below `directory`, a path or a `file://` or `direct://` URI, and makes it. A source is
    /// the URI of an object, a prefix that ends in `/`, whose tree is kept, or a key with wildcards as those of
    /// [`Client::upload_files`].
    ///
    /// Each file is replaced whole or not at all, after its bytes were compared with the stored checksum. A large one
    /// that was stopped goes on where it was, if the object is still the same.
    ///
    /// # Errors
    /// Of all objects that failed, each of which was told to `meter`; the others are there. Among them `UnsafePath` for
    /// keys that would leave the directory or be the same file. `NotFound` where a source holds nothing.
    pub async fn download_files(
        &self,
        sources: &[String],
        directory: &str,
        options: &TransferOptions,
        meter: &Meter,
    ) -> Result<TransferReport> {
        let began = Instant::now();
        let named = |error: Error| error.at("download", directory).after(began.elapsed());
        let work = async {
            let place = Place::parse(directory)?;
            let Place::Local { .. } = place else {
                return Err(Error::invalid(
                    "the target must be a directory of this machine",
                ));
            };
            let base = blocking(move || place.directory()).await?;
            let finds = found::find(self, sources, options.search("download")).await?;
            let path = PathBuf::from(format!("/{}", base.key()));
            let (files, refused) = names::checked(finds.files, path, "download").await?;
            for failure in refused.into_iter().chain(finds.failures) {
                meter.fail(failure);
            }
            let items = items("download", &files, |found| {
                base.with_key(Key::new(format!("{}{}", base.key(), found.name)))
            });
            let done = run::all(self, items, options.max_in_flight, meter).await?;
            run::summed_up(meter, "download", directory)?;
            Ok(report(done, finds.skipped, began))
        };
        work.await.map_err(named)
    }

    /// Copies one file or object to another place: up, down, or between two stores. A `target` that ends in `/`, or is a
    /// directory, takes it under its own name.
    ///
    /// # Errors
    /// `NotFound` for a missing source; `InvalidInput` for a source that is a directory or a prefix.
    pub async fn copy_file(
        &self,
        source: &str,
        target: &str,
        meter: &Meter,
    ) -> Result<TransferReport> {
        let began = Instant::now();
        let named = |error: Error| error.at("copy", source).after(began.elapsed());
        let work = async {
            let (from, to) = (Place::parse(source)?, Place::parse(target)?);
            let item = blocking(move || copy::item(from, to)).await?;
            meter.plan(1, item.size.unwrap_or_default());
            let budget = Budget::new(self.config().memory_limit);
            let moved = run::one(self, &item, budget, meter.clone()).await?;
            meter.file_done();
            Ok(report(run::Done { files: 1, moved }, 0, began))
        };
        work.await.map_err(named)
    }
}

fn only_one(finds: &Finds) -> Result<()> {
    let what = match finds.files.len() {
        _ if finds.tree => "a directory".to_owned(),
        1 => return Ok(()),
        count => format!("{count} files"),
    };
    Err(Error::invalid(format!(
        "the source is {what}, so the target must be a prefix that ends in `/`"
    )))
}

fn items(op: &'static str, files: &[Found], to: impl Fn(&Found) -> Uri) -> Vec<Item> {
    let item = |found: &Found| Item {
        op,
        from: found.uri.clone(),
        to: to(found),
        size: found.size,
        etag: found.etag.clone(),
    };
    files.iter().map(item).collect()
}

fn report(done: run::Done, skipped: u64, began: Instant) -> TransferReport {
    TransferReport {
        files: done.files,
        bytes: done.moved.bytes,
        resumed: done.moved.resumed,
        skipped,
        elapsed: began.elapsed(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}
