//! Verbs on many objects at once. The first failure ends the call and stops the rest.

use pyo3::prelude::*;
use s3dlio::{Client, Result, Uri};

use crate::arguments::{Targets, count};
use crate::buffer::Buffer;
use crate::options::OptionsArgument;
use crate::{clients, runtime, twins};

/// Reads many objects at once.
///
/// Args:
///     uris: The objects; any iterable.
///     max_in_flight: Objects read at the same time, above 0.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A list of `(uri, Buffer)` in the order of `uris`.
///
/// Raises:
///     StorageError: Of the first object that could not be read, named in `.uri`; the others are given up.
///     InvalidInputError: A bad URI, or `max_in_flight` below 1.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-many/")
///     >>> uris = [f"memory://doc-many/{i}" for i in range(3)]
///     >>> for uri in uris:
///     ...     _ = s3dlio.put(uri, uri[-1].encode())
///     >>> [(uri, data.tobytes()) for uri, data in s3dlio.get_many(uris)][2]
///     ('memory://doc-many/2', b'2')
#[pyfunction]
#[pyo3(signature = (uris, max_in_flight = 64, *, options = None))]
pub fn get_many(
    py: Python<'_>,
    uris: Targets,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    options: Option<OptionsArgument>,
) -> PyResult<Vec<(String, Buffer)>> {
    runtime::run(
        py,
        read_all(clients::of(py, options.as_ref())?, uris.0, max_in_flight),
    )
}

#[pyfunction]
#[pyo3(signature = (uris, max_in_flight = 64, *, options = None))]
pub fn get_many_async<'py>(
    py: Python<'py>,
    uris: Targets,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(
        py,
        read_all(clients::of(py, options.as_ref())?, uris.0, max_in_flight),
    )
}

async fn read_all(
    client: Client,
    uris: Vec<Uri>,
    max_in_flight: usize,
) -> Result<Vec<(String, Buffer)>> {
    let objects = client.get_many(&uris, max_in_flight).await?;
    Ok(uris
        .iter()
        .map(Uri::to_string)
        .zip(objects.into_iter().map(Buffer::from))
        .collect())
}

/// Reads many objects to their end and keeps nothing, in bounded memory.
///
/// Args:
///     uris: The objects; any iterable.
///     max_in_flight: Objects read at the same time, above 0.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     `(count, bytes)`: objects read, and their size in all.
///
/// Raises:
///     StorageError: Of the first object that could not be read, named in `.uri`.
///     InvalidInputError: A bad URI, or `max_in_flight` below 1.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-stats/")
///     >>> _ = s3dlio.put("memory://doc-stats/k", bytes(1000))
///     >>> s3dlio.get_many_stats(["memory://doc-stats/k"] * 3)
///     (3, 3000)
#[pyfunction]
#[pyo3(signature = (uris, max_in_flight = 64, *, options = None))]
pub fn get_many_stats(
    py: Python<'_>,
    uris: Targets,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    options: Option<OptionsArgument>,
) -> PyResult<(u64, u64)> {
    runtime::run(
        py,
        count_all(clients::of(py, options.as_ref())?, uris.0, max_in_flight),
    )
}

#[pyfunction]
#[pyo3(signature = (uris, max_in_flight = 64, *, options = None))]
pub fn get_many_stats_async<'py>(
    py: Python<'py>,
    uris: Targets,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(
        py,
        count_all(clients::of(py, options.as_ref())?, uris.0, max_in_flight),
    )
}

async fn count_all(client: Client, uris: Vec<Uri>, max_in_flight: usize) -> Result<(u64, u64)> {
    client.get_many_stats(&uris, max_in_flight).await
}
