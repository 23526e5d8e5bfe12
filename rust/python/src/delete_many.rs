//! Deletes of many objects. The verb that users see, which takes any number of them, is `s3dlio.delete_many`, in Python.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use s3dlio::{Client, Error, Result, Uri};

use crate::arguments::{Targets, count};
use crate::options::OptionsArgument;
use crate::{clients, errors, runtime, twins};

/// `(count, failures)`: how many URIs there were, and the exceptions of those that are still there.
#[pyfunction]
#[pyo3(signature = (uris, max_in_flight, options))]
pub fn delete_many(
    py: Python<'_>,
    uris: Targets,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    options: Option<OptionsArgument>,
) -> PyResult<Outcome> {
    runtime::run(
        py,
        remove_all(clients::of(py, options.as_ref())?, uris.0, max_in_flight),
    )
}

#[pyfunction]
#[pyo3(signature = (uris, max_in_flight, options))]
pub fn delete_many_async<'py>(
    py: Python<'py>,
    uris: Targets,
    #[pyo3(from_py_with = count)] max_in_flight: usize,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(
        py,
        remove_all(clients::of(py, options.as_ref())?, uris.0, max_in_flight),
    )
}

async fn remove_all(client: Client, uris: Vec<Uri>, max_in_flight: usize) -> Result<Outcome> {
    let count = uris.len();
    let failures = client.delete_many(uris, max_in_flight).await?;
    Ok(Outcome { count, failures })
}

pub struct Outcome {
    count: usize,
    failures: Vec<Error>,
}

impl<'py> IntoPyObject<'py> for Outcome {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let failures = self.failures.into_iter();
        let exceptions: Vec<_> = failures
            .map(|error| errors::to_python(error).into_value(py))
            .collect();
        (self.count, exceptions).into_pyobject(py)
    }
}
