//! Verbs on buckets, containers and directories.

use pyo3::prelude::*;
use s3dlio::{Client, Result, Uri};

use crate::arguments::Target;
use crate::options::OptionsArgument;
use crate::results::Done;
use crate::{clients, runtime, twins};

/// Makes a bucket, an Azure container or a directory.
///
/// Args:
///     uri: `s3://bucket`, `az://account/container`, `file:///directory` or `direct:///directory`.
///     options: Settings of this call, as a dict or `Options`.
///
/// Raises:
///     AlreadyExistsError: It exists.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-create/")
#[pyfunction]
#[pyo3(signature = (uri, *, options = None))]
pub fn create_bucket(
    py: Python<'_>,
    uri: Target,
    options: Option<OptionsArgument>,
) -> PyResult<Done> {
    runtime::run(py, create(clients::of(py, options.as_ref())?, uri.0))
}

#[pyfunction]
#[pyo3(signature = (uri, *, options = None))]
pub fn create_bucket_async<'py>(
    py: Python<'py>,
    uri: Target,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(py, create(clients::of(py, options.as_ref())?, uri.0))
}

async fn create(client: Client, uri: Uri) -> Result<Done> {
    client.create_bucket(&uri).await.map(|()| Done)
}

/// Removes a bucket, an Azure container or a directory that holds nothing.
///
/// Args:
///     uri: The bucket. A directory may hold empty directories.
///     options: Settings of this call, as a dict or `Options`.
///
/// Raises:
///     NotEmptyError: It holds something.
///     NotFoundError: There is no such bucket.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-remove/")
///     >>> s3dlio.delete_bucket("memory://doc-remove/")
#[pyfunction]
#[pyo3(signature = (uri, *, options = None))]
pub fn delete_bucket(
    py: Python<'_>,
    uri: Target,
    options: Option<OptionsArgument>,
) -> PyResult<Done> {
    runtime::run(py, remove(clients::of(py, options.as_ref())?, uri.0))
}

#[pyfunction]
#[pyo3(signature = (uri, *, options = None))]
pub fn delete_bucket_async<'py>(
    py: Python<'py>,
    uri: Target,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(py, remove(clients::of(py, options.as_ref())?, uri.0))
}

async fn remove(client: Client, uri: Uri) -> Result<Done> {
    client.delete_bucket(&uri).await.map(|()| Done)
}
