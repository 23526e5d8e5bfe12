//! Objects read ahead. The iterators that users see are `s3dlio.iter_many` and `s3dlio.iter_many_async`, in Python.

use pyo3::prelude::*;
use s3dlio::Result;

use crate::arguments::{Target, count};
use crate::buffer::Buffer;
use crate::options::OptionsArgument;
use crate::owned::{Owned, Shared};
use crate::{clients, errors, runtime, twins};

/// Reads under way; closing or dropping it stops them.
#[pyclass(frozen, module = "s3dlio._s3dlio")]
pub struct Reads(Owned<s3dlio::Reads>);

#[pymethods]
impl Reads {
    #[new]
    #[pyo3(signature = (ordered, max_in_flight, options))]
    fn new(
        py: Python<'_>,
        ordered: bool,
        #[pyo3(from_py_with = count)] max_in_flight: usize,
        options: Option<OptionsArgument>,
    ) -> PyResult<Self> {
        let client = clients::of(py, options.as_ref())?;
        let reads = client.iter_many(ordered, max_in_flight);
        Ok(Reads(Owned::new(reads.map_err(errors::to_python)?)))
    }

    /// Whether another object can be begun.
    fn has_room(&self) -> PyResult<bool> {
        Ok(self.0.now()?.as_ref().is_some_and(s3dlio::Reads::has_room))
    }

    /// Has an object read.
    fn push(&self, uri: Target) -> PyResult<()> {
        if let Some(reads) = self.0.now()?.as_mut() {
            reads.push(uri.0);
        }
        Ok(())
    }

    /// `(index, Buffer)`; None when all have been taken.
    fn next(&self, py: Python<'_>) -> PyResult<Option<(u64, Buffer)>> {
        runtime::run(py, take(self.0.get()?))
    }

    fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        twins::start(py, take(self.0.get()?))
    }

    fn close(&self) {
        self.0.close();
    }
}

async fn take(reads: Shared<s3dlio::Reads>) -> Result<Option<(u64, Buffer)>> {
    let mut reads = reads.lock().await;
    let Some(reads) = reads.as_mut() else {
        return Ok(None);
    };
    let next = reads.next().await?;
    Ok(next.map(|(index, buffer)| (index, Buffer::from(buffer))))
}
