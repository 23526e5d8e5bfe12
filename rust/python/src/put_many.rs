//! Objects written as they are brought. The verbs that users see are `s3dlio.put_many` and its twin, in Python.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;
use s3dlio::Result;

use crate::arguments::{Target, count, parts, write_options};
use crate::buffer::Body;
use crate::options::OptionsArgument;
use crate::owned::{Owned, Shared};
use crate::results::PutResult;
use crate::{clients, errors, runtime, twins};

/// Writes under way; closing or dropping it stops them.
#[pyclass(frozen, module = "s3dlio._s3dlio")]
pub struct Writes {
    writes: Owned<s3dlio::Writes>,
    /// Objects so far, for messages.
    brought: AtomicUsize,
}

#[pymethods]
impl Writes {
    #[new]
    #[pyo3(signature = (max_in_flight, if_none_match, metadata, content_type, storage_class, tier, options))]
    #[expect(clippy::too_many_arguments, reason = "the words of the verb")]
    fn new(
        py: Python<'_>,
        #[pyo3(from_py_with = count)] max_in_flight: usize,
        if_none_match: bool,
        metadata: Option<BTreeMap<String, String>>,
        content_type: Option<String>,
        storage_class: Option<String>,
        tier: Option<String>,
        options: Option<OptionsArgument>,
    ) -> PyResult<Self> {
        let how = write_options(if_none_match, metadata, content_type, storage_class, tier);
        let client = clients::of(py, options.as_ref())?;
        let writes = client.write_many(max_in_flight, &how);
        Ok(Writes {
            writes: Owned::new(writes.map_err(errors::to_python)?),
            brought: AtomicUsize::new(0),
        })
    }

    /// Whether another object may be brought now.
    fn has_room(&self) -> PyResult<bool> {
        Ok(self
            .writes
            .now()?
            .as_ref()
            .is_some_and(s3dlio::Writes::has_room))
    }

    /// Has an object written: `(uri, data)`.
    fn push(&self, object: &Bound<'_, PyAny>) -> PyResult<()> {
        let index = self.brought.fetch_add(1, Ordering::Relaxed);
        let [uri, data] = parts(index, object, "(uri, data)")?;
        let (uri, body) = (uri.extract::<Target>()?.0, data.extract::<Body>()?.0);
        if let Some(writes) = self.writes.now()?.as_mut() {
            runtime::within(|| writes.push(uri, body));
        }
        Ok(())
    }

    /// Waits for room, unless there is some; an object that failed is told here.
    fn room(&self, py: Python<'_>) -> PyResult<()> {
        runtime::run(py, wait(self.writes.get()?))
    }

    fn room_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        twins::start(py, wait(self.writes.get()?))
    }

    /// Waits for all; their results in the order they were brought.
    fn finish(&self, py: Python<'_>) -> PyResult<Vec<PutResult>> {
        runtime::run(py, end(self.writes.get()?))
    }

    fn finish_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        twins::start(py, end(self.writes.get()?))
    }

    fn close(&self) {
        self.writes.close();
    }
}

async fn wait(writes: Shared<s3dlio::Writes>) -> Result<()> {
    match writes.lock().await.as_mut() {
        Some(writes) => writes.room().await,
        None => Ok(()),
    }
}

async fn end(writes: Shared<s3dlio::Writes>) -> Result<Vec<PutResult>> {
    let written = match writes.lock().await.as_mut() {
        Some(writes) => writes.finish().await?,
        None => Vec::new(),
    };
    Ok(written.into_iter().map(PutResult::from).collect())
}
