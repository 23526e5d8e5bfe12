//! One tree made like another.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use s3dlio::{Client, Compare, Meter, Result, SyncOptions};

use crate::arguments::{count, write_options};
use crate::files::Source;
use crate::options::OptionsArgument;
use crate::progress::{self, Shown};
use crate::reports::{Ended, SyncReport};
use crate::{clients, errors};

/// Makes a directory or prefix like another one: copies what is missing or different.
///
/// Both are listed to their end before anything is changed. Files are copied as `upload` and `download` do.
///
/// Args:
///     src: The tree to read: a directory (path, `file://` or `direct://`) or a prefix, with or without a final `/`.
///     dst: The tree to change, likewise.
///     delete: Remove below `dst` what `src` has not; only after all copies succeeded, and nothing where a part of `src`
///         could not be looked at or has a name that is no key.
///     dry_run: Only tell what would be done.
///     follow_symlinks: As for `upload`. Without it, what has the name of a symlink of `src` is left alone at `dst`.
///     compare: What two files of one name must have in common to be left alone, beside their size: `size` nothing;
///         `size+mtime` that `src` was not changed after `dst` was written; `etag` an MD5 (of S3 objects written by one
///         request; of files it is computed); `checksum` the checksum that the service stores, or that of the bytes.
///     if_none_match: Fail for each file whose target exists.
///     metadata: As for `put`, of each object that is written. Copies from store to store keep their own unless it is given.
///     content_type: Likewise.
///     storage_class: As for `put`.
///     tier: As for `put`.
///     max_in_flight: Files copied at the same time, above 0.
///     progress: As for `upload`.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A `SyncReport`: files and bytes copied, files deleted, files `skipped` (of which `alike` and `symlinks` are parts),
///     seconds, each step in `actions` as `("copy", source, target)` or `("delete", None, target)`, and in `kept` the URIs
///     that `delete` has left alone because `src` skips something of that name, or above it.
///
/// Raises:
///     NotFoundError: `src` is a directory that does not exist or a prefix without any key, or there is no such bucket.
///     InvalidInputError: `src` is one file or object or has wildcards, `src` and `dst` overlap, or `delete` would remove
///         everything because `src` is empty.
///     UnsafePathError: Keys that cannot be files below `dst`; the others are copied.
///     StorageError: Of a listing, with nothing changed; or of files that failed, which the message counts and names.
///         `failures` has each of them, and `report` tells what was done.
///
/// Example:
///     >>> import pathlib, tempfile, s3dlio
///     >>> s3dlio.create_bucket("memory://doc-sync/")
///     >>> with tempfile.TemporaryDirectory() as directory:
///     ...     _ = pathlib.Path(directory, "a").write_text("abc")
///     ...     first = s3dlio.sync(directory, "memory://doc-sync/p/")
///     ...     again = s3dlio.sync(directory, "memory://doc-sync/p/", dry_run=True)
///     >>> first.files, again.actions
///     (1, [])
#[pyfunction]
#[pyo3(signature = (src, dst, *, delete = false, dry_run = false, follow_symlinks = false, compare = "size+mtime", if_none_match = false, metadata = None, content_type = None, storage_class = None, tier = None, max_in_flight = 32, progress = Shown::No, options = None), text_signature = "(src, dst, *, delete=False, dry_run=False, follow_symlinks=False, compare='size+mtime', if_none_match=False, metadata=None, content_type=None, storage_class=None, tier=None, max_in_flight=32, progress=None, options=None)")]
#[expect(
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "the words of the verb, all but two by name only"
)]
pub fn sync(
    py: Python<'_>,
    src: Source,
    dst: Source,
    delete: bool,
    dry_run: bool,
    follow_symlinks: bool,
    compare: &str,
    if_none_match: bool,
    metadata: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    storage_class: Option<String>,
    tier: Option<String>,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    progress: Shown,
    options: Option<OptionsArgument>,
) -> PyResult<Ended<SyncReport>> {
    let write = write_options(if_none_match, metadata, content_type, storage_class, tier);
    let how = SyncOptions {
        delete,
        dry_run,
        follow_symlinks,
        compare: compare.parse::<Compare>().map_err(errors::to_python)?,
        max_in_flight,
        write,
    };
    let (client, meter) = (clients::of(py, options.as_ref())?, Meter::default());
    let work = make_alike(client, src.0, dst.0, how, meter.clone());
    progress::run(py, work, &meter, &progress)
}

#[pyfunction]
#[pyo3(signature = (src, dst, *, delete = false, dry_run = false, follow_symlinks = false, compare = "size+mtime", if_none_match = false, metadata = None, content_type = None, storage_class = None, tier = None, max_in_flight = 32, progress = Shown::No, options = None), text_signature = "(src, dst, *, delete=False, dry_run=False, follow_symlinks=False, compare='size+mtime', if_none_match=False, metadata=None, content_type=None, storage_class=None, tier=None, max_in_flight=32, progress=None, options=None)")]
#[expect(
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "as for sync"
)]
pub fn sync_async<'py>(
    py: Python<'py>,
    src: Source,
    dst: Source,
    delete: bool,
    dry_run: bool,
    follow_symlinks: bool,
    compare: &str,
    if_none_match: bool,
    metadata: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    storage_class: Option<String>,
    tier: Option<String>,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    progress: Shown,
    options: Option<OptionsArgument>,
) -> PyResult<(Bound<'py, PyAny>, progress::Meter)> {
    let write = write_options(if_none_match, metadata, content_type, storage_class, tier);
    let how = SyncOptions {
        delete,
        dry_run,
        follow_symlinks,
        compare: compare.parse::<Compare>().map_err(errors::to_python)?,
        max_in_flight,
        write,
    };
    let (client, meter) = (clients::of(py, options.as_ref())?, Meter::default());
    let work = make_alike(client, src.0, dst.0, how, meter.clone());
    progress::start(py, work, meter, &progress)
}

async fn make_alike(
    client: Client,
    source: String,
    target: String,
    how: SyncOptions,
    meter: Meter,
) -> Result<Ended<SyncReport>> {
    Ended::of(client.sync(&source, &target, &how, &meter).await, &meter)
}
