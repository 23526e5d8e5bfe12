//! Verbs on many objects at once. The first failure ends the call and stops the rest.

use std::collections::BTreeMap;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use s3dlio::{Client, Payload, Result, Uri, WriteOptions};

use crate::arguments::{Target, Targets, count, each, write_options};
use crate::buffer::{Body, Buffer};
use crate::options::OptionsArgument;
use crate::results::PutResult;
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

/// `(uri, data)` pairs of any iterable.
pub struct Objects(Vec<(Uri, Payload)>);

impl<'py> FromPyObject<'_, 'py> for Objects {
    type Error = PyErr;

    fn extract(pairs: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if pairs.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(
                "an iterable of (uri, data) pairs is required, not one str",
            ));
        }
        let objects = each(&pairs, "(uri, data)", |[uri, data]| {
            Ok((uri.extract::<Target>()?.0, data.extract::<Body>()?.0))
        });
        objects.map(Objects)
    }
}

/// Writes many objects at once.
///
/// They are written in no particular order: where `objects` names a URI twice, it is not determined which data stay.
///
/// Args:
///     objects: `(uri, data)` pairs, any iterable; `data` as for `put`, not copied.
///     max_in_flight: Objects written at the same time, above 0.
///     if_none_match: Fail where an object exists.
///     metadata: User metadata of each object, str to str.
///     content_type: MIME type of each object; the default is the service's.
///     storage_class: S3 storage class of each object.
///     tier: Azure access tier of each object: `Hot`, `Cool`, `Cold` or `Archive`.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A list of `PutResult` in the order of `objects`.
///
/// Raises:
///     StorageError: Of the first object that could not be written, named in `.uri`; others may have been written.
///     UnsupportedError: The store has no such thing as an option asks for; the option is named.
///     InvalidInputError: A bad URI, `max_in_flight` below 1, or an option's value that the store does not take.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-put-many/")
///     >>> results = s3dlio.put_many((f"memory://doc-put-many/{i}", bytes(i)) for i in range(3))
///     >>> [result.size for result in results]
///     [0, 1, 2]
#[pyfunction]
#[pyo3(signature = (objects, max_in_flight = 32, *, if_none_match = false, metadata = None, content_type = None, storage_class = None, tier = None, options = None))]
#[expect(
    clippy::too_many_arguments,
    reason = "the words of the verb, all but two by name only"
)]
pub fn put_many(
    py: Python<'_>,
    objects: Objects,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    if_none_match: bool,
    metadata: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    storage_class: Option<String>,
    tier: Option<String>,
    options: Option<OptionsArgument>,
) -> PyResult<Vec<PutResult>> {
    let how = write_options(if_none_match, metadata, content_type, storage_class, tier);
    let client = clients::of(py, options.as_ref())?;
    runtime::run(py, write_all(client, objects, max_in_flight, how))
}

#[pyfunction]
#[pyo3(signature = (objects, max_in_flight = 32, *, if_none_match = false, metadata = None, content_type = None, storage_class = None, tier = None, options = None))]
#[expect(clippy::too_many_arguments, reason = "as for put_many")]
pub fn put_many_async<'py>(
    py: Python<'py>,
    objects: Objects,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    if_none_match: bool,
    metadata: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    storage_class: Option<String>,
    tier: Option<String>,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    let how = write_options(if_none_match, metadata, content_type, storage_class, tier);
    let client = clients::of(py, options.as_ref())?;
    twins::start(py, write_all(client, objects, max_in_flight, how))
}

async fn write_all(
    client: Client,
    objects: Objects,
    max_in_flight: usize,
    how: WriteOptions,
) -> Result<Vec<PutResult>> {
    let written = client.put_many(objects.0, max_in_flight, &how).await?;
    Ok(written.into_iter().map(PutResult::from).collect())
}
