//! The pages of a listing. The iterators that users see are `s3dlio.scan` and `s3dlio.scan_async`, in Python.

use pyo3::prelude::*;
use s3dlio::{Result, Scan};

use crate::arguments::Target;
use crate::options::OptionsArgument;
use crate::owned::{Owned, Shared};
use crate::results::Entry;
use crate::{clients, runtime, twins};

/// A listing under way: memory for one page, no request between two.
#[pyclass(frozen, module = "s3dlio._s3dlio")]
pub struct Pages(Owned<Scan>);

#[pymethods]
impl Pages {
    #[new]
    #[pyo3(signature = (uri, recursive, pattern, options))]
    fn new(
        py: Python<'_>,
        uri: Target,
        recursive: bool,
        pattern: Option<String>,
        options: Option<OptionsArgument>,
    ) -> PyResult<Self> {
        let client = clients::of(py, options.as_ref())?;
        let scan = runtime::run(py, async {
            client.scan(&uri.0, recursive, pattern.as_deref()).await
        })?;
        Ok(Pages(Owned::new(scan)))
    }

    /// The next page; empty after the last one.
    fn next(&self, py: Python<'_>) -> PyResult<Vec<Entry>> {
        runtime::run(py, page(self.0.get()?))
    }

    fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        twins::start(py, page(self.0.get()?))
    }
}

async fn page(scan: Shared<Scan>) -> Result<Vec<Entry>> {
    let mut scan = scan.lock().await;
    let Some(scan) = scan.as_mut() else {
        return Ok(Vec::new());
    };
    let page = scan.next_page().await?;
    page.into_iter().map(Entry::try_from).collect()
}
