//! What services tell about many objects.

use pyo3::prelude::*;
use s3dlio::{Client, Result, Uri};

use crate::arguments::{Targets, count};
use crate::options::OptionsArgument;
use crate::results::Stat;
use crate::{clients, runtime, twins};

/// Tells what the services know about many objects, asked at once.
///
/// Args:
///     uris: The objects; any iterable.
///     max_in_flight: Objects asked for at the same time, above 0.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A list of `(uri, dict)` in the order of `uris`, each dict as that of `stat`.
///
/// Raises:
///     NotFoundError: Of the first object that is not there, named in `.uri`; the others are given up.
///     InvalidInputError: A bad URI, or `max_in_flight` below 1.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-stat-many/")
///     >>> uris = [f"memory://doc-stat-many/{i}" for i in range(3)]
///     >>> _ = s3dlio.put_many((uri, bytes(10)) for uri in uris)
///     >>> sum(entry["size"] for _, entry in s3dlio.stat_many(uris))
///     30
#[pyfunction]
#[pyo3(signature = (uris, max_in_flight = 64, *, options = None))]
pub fn stat_many(
    py: Python<'_>,
    uris: Targets,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    options: Option<OptionsArgument>,
) -> PyResult<Vec<(String, Stat)>> {
    runtime::run(
        py,
        describe_all(clients::of(py, options.as_ref())?, uris.0, max_in_flight),
    )
}

#[pyfunction]
#[pyo3(signature = (uris, max_in_flight = 64, *, options = None))]
pub fn stat_many_async<'py>(
    py: Python<'py>,
    uris: Targets,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(
        py,
        describe_all(clients::of(py, options.as_ref())?, uris.0, max_in_flight),
    )
}

async fn describe_all(
    client: Client,
    uris: Vec<Uri>,
    max_in_flight: usize,
) -> Result<Vec<(String, Stat)>> {
    let found = client.stat_many(&uris, max_in_flight).await?;
    Ok(uris
        .iter()
        .zip(found)
        .map(|(uri, meta)| {
            let scheme = uri.scheme();
            (uri.to_string(), Stat { scheme, meta })
        })
        .collect())
}
