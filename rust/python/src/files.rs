//! Verbs on files of this machine and trees of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use s3dlio::{Client, Meter, Result, TransferOptions, Uri};

use crate::arguments::{Target, count, write_options};
use crate::options::OptionsArgument;
use crate::progress::{self, Shown};
use crate::reports::{Ended, TransferReport};
use crate::{clients, errors};

/// One path or URI, as text.
pub struct Source(pub String);

impl<'py> FromPyObject<'_, 'py> for Source {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let path: PathBuf = object.extract()?;
        let text = path.into_os_string().into_string();
        text.map(Source).map_err(|path| {
            let path = path.display();
            errors::invalid(format!("{path}: the name is not UTF-8, so it is no key"))
        })
    }
}

/// One of them, or any iterable.
pub struct Sources(Vec<String>);

impl<'py> FromPyObject<'_, 'py> for Sources {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.extract::<Source>() {
            Ok(one) => return Ok(Sources(vec![one.0])),
            Err(error) if !error.is_instance_of::<PyTypeError>(object.py()) => return Err(error),
            Err(_) => {}
        }
        let sources = object
            .try_iter()?
            .map(|source| Ok(source?.extract::<Source>()?.0));
        Ok(Sources(sources.collect::<PyResult<_>>()?))
    }
}

/// Writes files and directories to a store, many at once.
///
/// A directory keeps its tree: the file `x/y` of the directory `src` becomes `<dest>x/y`. With a pattern, names begin
/// where its first wildcard stands. Symlinks below a directory are skipped unless told otherwise.
///
/// A large file is sent in parts. If the process dies, the same call goes on with the parts that are missing; the others
/// are compared with the file first. What is needed for that is kept in the directory of the option `journal_dir`.
///
/// Args:
///     src: A path or `file://` URI, or an iterable of them: a file, a directory, or a pattern with `*` and `?` (within a
///         name), `[...]` and `**` (across directories). What exists by that very name is never taken for a pattern.
///     dest: A URI. One that ends in `/` is a prefix; otherwise it is the object of the one file that `src` must be.
///     recursive: Also what lies in directories below.
///     create_bucket: Make the bucket if it does not exist.
///     follow_symlinks: Take symlinks below a directory for what they lead to.
///     if_none_match: Fail for each file whose object exists.
///     metadata: As for `put`, of each object.
///     content_type: As for `put`.
///     storage_class: As for `put`.
///     tier: As for `put`.
///     max_in_flight: Files sent at the same time, above 0.
///     progress: A callable that is given a `TransferProgress` every now and then, and at the end; what it raises ends
///         the call. True shows a bar on stderr if that is a terminal.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A `TransferReport`: files, bytes, what of them an earlier call had sent, files skipped and how many of them are symlinks,
///     seconds.
///
/// Raises:
///     NotFoundError: A source that does not exist, or no such bucket.
///     InvalidInputError: Several files, and `dest` does not end in `/`.
///     UnsafePathError: Two files would become one object; those two are not sent.
///     StorageError: Files that failed, by the class of the first; the message counts and names them, `failures` has
///         each. The others have been sent: `report` tells.
///
/// Example:
///     >>> import pathlib, tempfile, s3dlio
///     >>> s3dlio.create_bucket("memory://doc-upload/")
///     >>> with tempfile.TemporaryDirectory() as directory:
///     ...     _ = pathlib.Path(directory, "a.txt").write_text("abc")
///     ...     report = s3dlio.upload(directory, "memory://doc-upload/p/")
///     >>> report.files, report.bytes, s3dlio.list("memory://doc-upload/p/")
///     (1, 3, ['p/a.txt'])
#[pyfunction]
#[pyo3(signature = (src, dest, *, recursive = true, create_bucket = false, follow_symlinks = false, if_none_match = false, metadata = None, content_type = None, storage_class = None, tier = None, max_in_flight = 32, progress = Shown::No, options = None), text_signature = "(src, dest, *, recursive=True, create_bucket=False, follow_symlinks=False, if_none_match=False, metadata=None, content_type=None, storage_class=None, tier=None, max_in_flight=32, progress=None, options=None)")]
#[expect(
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "the words of the verb, all but two by name only"
)]
pub fn upload(
    py: Python<'_>,
    src: Sources,
    dest: Target,
    recursive: bool,
    create_bucket: bool,
    follow_symlinks: bool,
    if_none_match: bool,
    metadata: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    storage_class: Option<String>,
    tier: Option<String>,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    progress: Shown,
    options: Option<OptionsArgument>,
) -> PyResult<Ended<TransferReport>> {
    let how = TransferOptions {
        recursive,
        create_bucket,
        follow_symlinks,
        max_in_flight,
        write: write_options(if_none_match, metadata, content_type, storage_class, tier),
    };
    let (client, meter) = (clients::of(py, options.as_ref())?, Meter::default());
    let work = send(client, src.0, dest.0, how, meter.clone());
    progress::run(py, work, &meter, &progress)
}

#[pyfunction]
#[pyo3(signature = (src, dest, *, recursive = true, create_bucket = false, follow_symlinks = false, if_none_match = false, metadata = None, content_type = None, storage_class = None, tier = None, max_in_flight = 32, progress = Shown::No, options = None), text_signature = "(src, dest, *, recursive=True, create_bucket=False, follow_symlinks=False, if_none_match=False, metadata=None, content_type=None, storage_class=None, tier=None, max_in_flight=32, progress=None, options=None)")]
#[expect(
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "as for upload"
)]
pub fn upload_async<'py>(
    py: Python<'py>,
    src: Sources,
    dest: Target,
    recursive: bool,
    create_bucket: bool,
    follow_symlinks: bool,
    if_none_match: bool,
    metadata: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    storage_class: Option<String>,
    tier: Option<String>,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    progress: Shown,
    options: Option<OptionsArgument>,
) -> PyResult<(Bound<'py, PyAny>, progress::Meter)> {
    let how = TransferOptions {
        recursive,
        create_bucket,
        follow_symlinks,
        max_in_flight,
        write: write_options(if_none_match, metadata, content_type, storage_class, tier),
    };
    let (client, meter) = (clients::of(py, options.as_ref())?, Meter::default());
    let work = send(client, src.0, dest.0, how, meter.clone());
    progress::start(py, work, meter, &progress)
}

async fn send(
    client: Client,
    sources: Vec<String>,
    target: Uri,
    how: TransferOptions,
    meter: Meter,
) -> Result<Ended<TransferReport>> {
    Ended::of(
        client.upload_files(&sources, &target, &how, &meter).await,
        &meter,
    )
}

/// Reads objects into files below a directory, many at once.
///
/// Below a prefix the tree is kept: `<src>x/y` becomes `<dest_dir>/x/y`. With a pattern, names begin where its first
/// wildcard stands; a single object is put under the last part of its key. Each file is replaced whole or not at all,
/// after its bytes were compared with the checksum of the whole that the service stores, where it has one, as S3 does.
///
/// A large object is read in parts. If the process dies, the same call goes on with the parts that are missing, unless
/// the object has changed; what is there is compared first. Until then it lies beside its place under a hidden name.
///
/// Args:
///     src: A URI, or an iterable of them: an object, a prefix that ends in `/`, or a key with `*`, `?` and `[...]`, which
///         stand for any characters, `/` among them. The key of an object that exists is never taken for a pattern.
///     dest_dir: A path, or a `file://` or `direct://` URI; the directory is made if it does not exist.
///     recursive: Also what lies deeper; if not, only the first level below a prefix, and wildcards stop at a `/`.
///     max_in_flight: Objects read at the same time, above 0.
///     progress: A callable that is given a `TransferProgress` every now and then, and at the end; what it raises ends
///         the call. True shows a bar on stderr if that is a terminal.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A `TransferReport`: files, bytes, what of them an earlier call had read, objects skipped, seconds.
///
/// Raises:
///     NotFoundError: A source that holds nothing.
///     UnsafePathError: Keys that would leave the directory (`..`, absolute, through a symlink), that cannot be files, or
///         that would be the same file. They are found before the first byte is read, and not read.
///     StorageError: Objects that failed, by the class of the first; the message counts and names them, `failures` has
///         each. The others are there: `report` tells.
///
/// Example:
///     >>> import pathlib, tempfile, s3dlio
///     >>> s3dlio.create_bucket("memory://doc-download/")
///     >>> _ = s3dlio.put("memory://doc-download/p/x/y", b"abc")
///     >>> with tempfile.TemporaryDirectory() as directory:
///     ...     report = s3dlio.download("memory://doc-download/p/", directory)
///     ...     print(report.files, pathlib.Path(directory, "x/y").read_text())
///     1 abc
#[pyfunction]
#[pyo3(signature = (src, dest_dir, *, recursive = true, max_in_flight = 64, progress = Shown::No, options = None), text_signature = "(src, dest_dir, *, recursive=True, max_in_flight=64, progress=None, options=None)")]
pub fn download(
    py: Python<'_>,
    src: Sources,
    dest_dir: Source,
    recursive: bool,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    progress: Shown,
    options: Option<OptionsArgument>,
) -> PyResult<Ended<TransferReport>> {
    let how = TransferOptions {
        recursive,
        max_in_flight,
        ..TransferOptions::default()
    };
    let (client, meter) = (clients::of(py, options.as_ref())?, Meter::default());
    let work = fetch(client, src.0, dest_dir.0, how, meter.clone());
    progress::run(py, work, &meter, &progress)
}

#[pyfunction]
#[pyo3(signature = (src, dest_dir, *, recursive = true, max_in_flight = 64, progress = Shown::No, options = None), text_signature = "(src, dest_dir, *, recursive=True, max_in_flight=64, progress=None, options=None)")]
pub fn download_async<'py>(
    py: Python<'py>,
    src: Sources,
    dest_dir: Source,
    recursive: bool,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    progress: Shown,
    options: Option<OptionsArgument>,
) -> PyResult<(Bound<'py, PyAny>, progress::Meter)> {
    let how = TransferOptions {
        recursive,
        max_in_flight,
        ..TransferOptions::default()
    };
    let (client, meter) = (clients::of(py, options.as_ref())?, Meter::default());
    let work = fetch(client, src.0, dest_dir.0, how, meter.clone());
    progress::start(py, work, meter, &progress)
}

async fn fetch(
    client: Client,
    sources: Vec<String>,
    directory: String,
    how: TransferOptions,
    meter: Meter,
) -> Result<Ended<TransferReport>> {
    let downloaded = client.download_files(&sources, &directory, &how, &meter);
    Ended::of(downloaded.await, &meter)
}
