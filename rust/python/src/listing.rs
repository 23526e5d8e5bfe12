//! Verbs on what lies below a prefix.

use pyo3::prelude::*;
use s3dlio::{Client, Key, Result, Uri};

use crate::arguments::Target;
use crate::options::OptionsArgument;
use crate::{clients, runtime, twins};

/// Lists keys.
///
/// The URI is cut at its last `/`. What follows is a regular expression that must match the whole rest of the key when
/// `recursive`, else its first component; empty means all. A URI is not a URL: `%`, `#` and `?` stand for themselves.
///
/// Args:
///     uri: A prefix ending in `/`, or a prefix and a regular expression.
///     recursive: Also what lies below further `/`. If not, each such level shows once, with its `/`.
///     pattern: The regular expression beside a URI that is taken literally and must end in `/`.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     Keys without the bucket, in bytewise order; on `file://` and `direct://` absolute paths without their first `/`. A
///     missing directory gives `[]`.
///
/// Raises:
///     NotFoundError: There is no such bucket.
///     InvalidInputError: No regular expression, or two of them.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-list/")
///     >>> for key in ("a.csv", "b.txt", "d/c.csv"):
///     ...     _ = s3dlio.put("memory://doc-list/" + key, b"")
///     >>> s3dlio.list("memory://doc-list/")
///     ['a.csv', 'b.txt', 'd/']
///     >>> s3dlio.list("memory://doc-list/", recursive=True, pattern=r".*\.csv")
///     ['a.csv', 'd/c.csv']
#[pyfunction]
#[pyo3(signature = (uri, recursive = false, pattern = None, *, options = None))]
pub fn list(
    py: Python<'_>,
    uri: Target,
    recursive: bool,
    pattern: Option<String>,
    options: Option<OptionsArgument>,
) -> PyResult<Vec<String>> {
    runtime::run(
        py,
        keys(
            clients::of(py, options.as_ref())?,
            uri.0,
            recursive,
            pattern,
        ),
    )
}

#[pyfunction]
#[pyo3(signature = (uri, recursive = false, pattern = None, *, options = None))]
pub fn list_async<'py>(
    py: Python<'py>,
    uri: Target,
    recursive: bool,
    pattern: Option<String>,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(
        py,
        keys(
            clients::of(py, options.as_ref())?,
            uri.0,
            recursive,
            pattern,
        ),
    )
}

async fn keys(
    client: Client,
    uri: Uri,
    recursive: bool,
    pattern: Option<String>,
) -> Result<Vec<String>> {
    client.list(&uri, recursive, pattern.as_deref()).await
}

/// Lists URIs, ready for the other verbs.
///
/// Args:
///     uri: As for `list`.
///     recursive: As for `list`.
///     pattern: As for `list`.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     What `list` gives, each as a whole URI.
///
/// Raises:
///     NotFoundError: There is no such bucket.
///     InvalidInputError: No regular expression, or two of them.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-uris/")
///     >>> _ = s3dlio.put("memory://doc-uris/x/a", b"")
///     >>> s3dlio.list_uris("memory://doc-uris/", recursive=True)
///     ['memory://doc-uris/x/a']
#[pyfunction]
#[pyo3(signature = (uri, recursive = false, pattern = None, *, options = None))]
pub fn list_uris(
    py: Python<'_>,
    uri: Target,
    recursive: bool,
    pattern: Option<String>,
    options: Option<OptionsArgument>,
) -> PyResult<Vec<String>> {
    runtime::run(
        py,
        uris(
            clients::of(py, options.as_ref())?,
            uri.0,
            recursive,
            pattern,
        ),
    )
}

#[pyfunction]
#[pyo3(signature = (uri, recursive = false, pattern = None, *, options = None))]
pub fn list_uris_async<'py>(
    py: Python<'py>,
    uri: Target,
    recursive: bool,
    pattern: Option<String>,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(
        py,
        uris(
            clients::of(py, options.as_ref())?,
            uri.0,
            recursive,
            pattern,
        ),
    )
}

async fn uris(
    client: Client,
    uri: Uri,
    recursive: bool,
    pattern: Option<String>,
) -> Result<Vec<String>> {
    let keys = client.list(&uri, recursive, pattern.as_deref()).await?;
    Ok(keys
        .into_iter()
        .map(|key| uri.with_key(Key::new(key)).to_string())
        .collect())
}

/// Deletes one object, or everything below a URI that ends in `/`.
///
/// Args:
///     uri: The object, or the prefix with its `/`. `obj_1` leaves `obj_10` alone.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     Keys that were named; 1 for one object, there or not.
///
/// Raises:
///     InvalidInputError: The URI names no bucket or directory.
///     StorageError: Keys that could not be deleted; the others are.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-delete/")
///     >>> for i in range(3):
///     ...     _ = s3dlio.put(f"memory://doc-delete/x/{i}", b"")
///     >>> s3dlio.delete("memory://doc-delete/x/")
///     3
#[pyfunction]
#[pyo3(signature = (uri, *, options = None))]
pub fn delete(py: Python<'_>, uri: Target, options: Option<OptionsArgument>) -> PyResult<u64> {
    runtime::run(py, remove(clients::of(py, options.as_ref())?, uri.0))
}

#[pyfunction]
#[pyo3(signature = (uri, *, options = None))]
pub fn delete_async<'py>(
    py: Python<'py>,
    uri: Target,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(py, remove(clients::of(py, options.as_ref())?, uri.0))
}

async fn remove(client: Client, uri: Uri) -> Result<u64> {
    client.delete(&uri).await
}
