//! Files up, objects down, and whatever lies between two stores: many at once, resumable, verified.
//!
//! Every transfer is the same: find what the sources hold, refuse names that cannot be what they are, then move each
//! object from one store to another. Files are objects of the local store here.

mod budget;
mod copy;
mod expire;
mod found;
mod journal;
mod meter;
mod names;
mod object;
mod outcome;
mod parts;
mod places;
mod resume;
mod run;
mod stream;
mod sync;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use meter::{Meter, TransferProgress};
pub use outcome::Partial;
pub use sync::{Compare, SyncAction, SyncOptions, SyncReport};

use self::budget::Budget;
use self::found::{Finds, Found, Search};
use self::object::Item;
use self::outcome::outcome;
use self::places::Place;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::types::WriteOptions;
use crate::uri::Uri;

/// How [`Client::upload_files`], [`Client::download_files`] and [`Client::copy_files`] work.
#[derive(Debug, Clone)]
pub struct TransferOptions {
    /// Also what lies in directories below the sources.
    pub recursive: bool,
    /// Make the bucket of an upload if it does not exist.
    pub create_bucket: bool,
    /// Take symlinks below source directories for what they lead to; otherwise they are skipped.
    pub follow_symlinks: bool,
    /// Files under way at once, above 0.
    pub max_in_flight: usize,
    /// What the objects are written with. Of a copy from store to store, what is not given here is the source's.
    pub write: WriteOptions,
}

impl Default for TransferOptions {
    fn default() -> Self {
        TransferOptions {
            recursive: true,
            create_bucket: false,
            follow_symlinks: false,
            max_in_flight: 32,
            write: WriteOptions::default(),
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
    /// Of these, the symlinks.
    pub symlinks: u64,
    pub elapsed: Duration,
}

/// The verb that errors and spans name, how it works, and where it tells how far it is.
#[derive(Debug, Clone, Copy)]
struct Call<'a> {
    op: &'static str,
    options: &'a TransferOptions,
    meter: &'a Meter,
    began: Instant,
}

impl<'a> Call<'a> {
    fn begin(op: &'static str, options: &'a TransferOptions, meter: &'a Meter) -> Self {
        Call {
            op,
            options,
            meter,
            began: Instant::now(),
        }
    }

    fn end(
        self,
        target: impl Display,
        result: Result<TransferReport, Partial<TransferReport>>,
    ) -> Result<TransferReport, Partial<TransferReport>> {
        let named = |error: Error| error.at(self.op, target).after(self.began.elapsed());
        result.map_err(|partial| partial.map_error(named))
    }

    fn search(&self) -> Search {
        Search {
            op: self.op,
            recursive: self.options.recursive,
            follow_symlinks: self.options.follow_symlinks,
        }
    }

    fn report(&self, done: &run::Done, (skipped, symlinks): (u64, u64)) -> TransferReport {
        TransferReport {
            files: done.files,
            bytes: done.moved.bytes,
            resumed: done.moved.resumed,
            skipped,
            symlinks,
            elapsed: self.began.elapsed(),
        }
    }
}

/// The URI of the one file or object that `text` names: a URI, or a path of this machine, absolute or not.
///
/// # Errors
/// `InvalidInput` for what is neither, and for a directory or a prefix; `LocalIo` where a directory above the file
/// cannot be looked at.
pub async fn locate(text: &str) -> Result<Uri> {
    let (place, text) = (Place::parse(text)?, text.to_owned());
    blocking(move || match text.ends_with('/') || copy::is_tree(&place) {
        true => Err(Error::invalid(format!(
            "{text} is a directory or a prefix: name the file or object itself, as {}/NAME",
            text.trim_end_matches('/')
        ))),
        false => copy::object(place),
    })
    .await
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
    /// Of all files that failed, each of which was told to `meter`, with the report of the others, which are there.
    /// `NotFound` where a source holds nothing; `InvalidInput` for more than one file and a target that is no prefix.
    pub async fn upload_files(
        &self,
        sources: &[String],
        target: &Uri,
        options: &TransferOptions,
        meter: &Meter,
    ) -> Result<TransferReport, Partial<TransferReport>> {
        let call = Call::begin("upload", options, meter);
        let work = async {
            found::refuse_pattern(self, &Place::Remote(target.clone())).await?;
            self.send(call, sources, target).await
        };
        let result = work.await;
        call.end(target, result)
    }

    /// Reads objects into files below `directory`, a path or a `file://` or `direct://` URI, and makes it. A source is
    /// the URI of an object, a prefix that ends in `/`, whose tree is kept, or a key with wildcards, which mean any
    /// characters of the key, `/` among them if the call is recursive.
    ///
    /// Each file is replaced whole or not at all, after its bytes were compared with the stored checksum. A large one
    /// that was stopped goes on where it was, if the object is still the same.
    ///
    /// # Errors
    /// Of all objects that failed, each of which was told to `meter`, with the report of the others, which are there.
    /// Among them `UnsafePath` for keys that would leave the directory or be the same file. `NotFound` where a source
    /// holds nothing.
    pub async fn download_files(
        &self,
        sources: &[String],
        directory: &str,
        options: &TransferOptions,
        meter: &Meter,
    ) -> Result<TransferReport, Partial<TransferReport>> {
        let call = Call::begin("download", options, meter);
        let work = async {
            match Place::parse(directory)? {
                place @ Place::Local { .. } => self.fetch(call, sources, place).await,
                Place::Remote(_) => {
                    let detail = "the target must be a directory of this machine";
                    Err(Error::invalid(detail).into())
                }
            }
        };
        let result = work.await;
        call.end(directory, result)
    }

    /// Copies to another place: up, down, or between two stores. One file or object goes to `target`, or below it, under
    /// its own name, if that ends in `/` or is a directory. Several, or what wildcards select, go below `target`; so do
    /// whole directories and prefixes, which only a recursive call copies.
    ///
    /// # Errors
    /// As [`Client::upload_files`] and [`Client::download_files`]; `InvalidInput` for a source that is a directory or a
    /// prefix where the call is not recursive.
    pub async fn copy_files(
        &self,
        sources: &[String],
        target: &str,
        options: &TransferOptions,
        meter: &Meter,
    ) -> Result<TransferReport, Partial<TransferReport>> {
        let trees = TransferOptions {
            recursive: true,
            ..options.clone()
        };
        let call = Call::begin("copy", &trees, meter);
        let work = async {
            let mut places = Vec::with_capacity(sources.len());
            for source in sources {
                places.push(Place::parse(source).map_err(|error| error.at(call.op, source))?);
            }
            let to = Place::parse(target)?;
            found::refuse_pattern(self, &to).await?;
            if !options.recursive {
                let (checked, texts) = (places.clone(), sources.to_vec());
                blocking(move || copy::refuse_trees(&checked, &texts)).await?;
            }
            if let ([from], [source]) = (&places[..], sources)
                && self.is_one(from).await?
            {
                let from = from.clone();
                let item = blocking(move || copy::item(from, to)).await;
                let item = item.map_err(|error| error.at(call.op, source))?;
                return Ok(self.copy_one(call, &item).await?);
            }
            match to {
                place @ Place::Local { .. } => self.fetch(call, sources, place).await,
                Place::Remote(uri) => self.send(call, sources, &uri).await,
            }
        };
        let result = work.await;
        call.end(target, result)
    }

    /// Whether a source is a single file or object, whatever becomes of it.
    async fn is_one(&self, place: &Place) -> Result<bool> {
        let looked_at = place.clone();
        let is_tree = blocking(move || Ok(copy::is_tree(&looked_at))).await?;
        Ok(!is_tree && !found::is_pattern(self, place).await?)
    }

    /// As [`Client::copy_files`] of one file or object.
    ///
    /// # Errors
    /// As there; `NotFound` for a missing source.
    pub async fn copy_file(
        &self,
        source: &str,
        target: &str,
        meter: &Meter,
    ) -> Result<TransferReport> {
        let options = TransferOptions {
            recursive: false,
            ..TransferOptions::default()
        };
        let sources = [source.to_owned()];
        Ok(self.copy_files(&sources, target, &options, meter).await?)
    }

    async fn send(
        &self,
        call: Call<'_>,
        sources: &[String],
        target: &Uri,
    ) -> Result<TransferReport, Partial<TransferReport>> {
        let Call {
            op, options, meter, ..
        } = call;
        target.require_container()?;
        let mut finds = found::find(self, sources, call.search()).await?;
        let doubles = names::refuse_doubles(&mut finds.files, op);
        if !target.key().is_prefix() {
            only_one(&finds)?;
        }
        for failure in doubles.into_iter().chain(finds.failures) {
            meter.fail(failure);
        }
        let items = items(op, finds.files, |name| match target.key().is_prefix() {
            true => target.join(name),
            false => target.clone(),
        });
        if options.create_bucket && !target.scheme().is_local() {
            self.ensure_bucket(target).await?;
        }
        let done = run::all(self, items, &options.write, options.max_in_flight, meter).await?;
        let failed = run::summed_up(meter, op, target);
        outcome(call.report(&done, (finds.skipped, finds.symlinks)), failed)
    }

    async fn fetch(
        &self,
        call: Call<'_>,
        sources: &[String],
        directory: Place,
    ) -> Result<TransferReport, Partial<TransferReport>> {
        let Call {
            op, options, meter, ..
        } = call;
        let base = blocking(move || directory.directory()).await?;
        let finds = found::find(self, sources, call.search()).await?;
        let path = PathBuf::from(format!("/{}", base.key()));
        let (files, refused) = names::checked(finds.files, path, op).await?;
        for failure in refused.into_iter().chain(finds.failures) {
            meter.fail(failure);
        }
        let items = items(op, files, |name| base.join(name));
        let done = run::all(self, items, &options.write, options.max_in_flight, meter).await?;
        let failed = run::summed_up(meter, op, &base);
        outcome(call.report(&done, (finds.skipped, finds.symlinks)), failed)
    }

    async fn copy_one(&self, call: Call<'_>, item: &Item) -> Result<TransferReport> {
        let Call { options, meter, .. } = call;
        expire::before(self, std::slice::from_ref(item)).await;
        meter.plan(1, item.size.unwrap_or_default());
        let budget = Budget::new(self.config().memory_limit);
        let write = Arc::new(options.write.clone());
        let moved = run::one(self, item, write, budget, meter.clone()).await?;
        meter.file_done();
        let done = run::Done {
            files: 1,
            moved,
            which: vec![true],
        };
        Ok(call.report(&done, (0, 0)))
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

/// Each file, and where its name leads.
fn items(op: &'static str, files: Vec<Found>, to: impl Fn(&str) -> Uri) -> Vec<Item> {
    let item = |found: Found| Item {
        op,
        to: to(&found.name),
        from: found.uri,
        size: found.size,
        etag: found.etag,
    };
    files.into_iter().map(item).collect()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}
