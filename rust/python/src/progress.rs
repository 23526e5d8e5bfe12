//! `progress=`: how far a transfer has come, told to a callable or shown as a bar.
//!
//! A callable runs where Python does: on the thread that called, between two turns of the transfer, or on the caller's
//! event loop. No task of a transfer waits for it.

use std::future::Future;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBool;
use s3dlio::Result;

use crate::{runtime, twins};

/// How far a transfer of files has come.
///
/// Attributes:
///     bytes_done: Bytes of all files together that are in their place, those of an earlier run included.
///     bytes_total: Bytes of all files, as far as known; it grows where sizes become known late.
///     files_done: Files that are done.
///     files_total: Files in all.
#[pyclass(frozen, eq, get_all, module = "s3dlio")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferProgress {
    bytes_done: u64,
    bytes_total: u64,
    files_done: u64,
    files_total: u64,
}

impl From<s3dlio::TransferProgress> for TransferProgress {
    fn from(now: s3dlio::TransferProgress) -> Self {
        TransferProgress {
            bytes_done: now.bytes_done,
            bytes_total: now.bytes_total,
            files_done: now.files_done,
            files_total: now.files_total,
        }
    }
}

#[pymethods]
impl TransferProgress {
    #[new]
    fn new(bytes_done: u64, bytes_total: u64, files_done: u64, files_total: u64) -> Self {
        TransferProgress {
            bytes_done,
            bytes_total,
            files_done,
            files_total,
        }
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str, &'static str) {
        ("bytes_done", "bytes_total", "files_done", "files_total")
    }

    /// For pickle.
    fn __getnewargs__(&self) -> (u64, u64, u64, u64) {
        (
            self.bytes_done,
            self.bytes_total,
            self.files_done,
            self.files_total,
        )
    }

    fn __repr__(&self) -> String {
        format!(
            "TransferProgress(bytes_done={}, bytes_total={}, files_done={}, files_total={})",
            self.bytes_done, self.bytes_total, self.files_done, self.files_total
        )
    }
}

/// A transfer under way, for the twins to look at.
#[pyclass(frozen)]
pub struct Meter(s3dlio::Meter);

#[pymethods]
impl Meter {
    fn now(&self) -> TransferProgress {
        self.0.now().into()
    }
}

/// The argument.
pub enum Shown {
    No,
    Bar,
    Told(Py<PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Shown {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_none() {
            return Ok(Shown::No);
        }
        if let Ok(switch) = object.cast::<PyBool>() {
            return Ok(match switch.is_true() {
                true => Shown::Bar,
                false => Shown::No,
            });
        }
        if object.is_callable() {
            return Ok(Shown::Told(object.to_owned().unbind()));
        }
        let given = object.get_type().name()?;
        Err(PyTypeError::new_err(format!(
            "progress must be a callable, True or None, not {given}"
        )))
    }
}

/// Runs a transfer that tells `meter` how far it is. An exception of the callable ends it.
pub fn run<T, F>(py: Python<'_>, work: F, meter: &s3dlio::Meter, shown: &Shown) -> PyResult<T>
where
    F: Future<Output = Result<T>> + Send,
    T: Send,
{
    match shown {
        Shown::No => runtime::run(py, work),
        Shown::Bar => runtime::run(py, s3dlio_cli::with_bar(meter, work)),
        Shown::Told(callable) => {
            let mut seen = s3dlio::TransferProgress::default();
            let mut tell = |py: Python<'_>| {
                let now = meter.now();
                if now != seen {
                    seen = now;
                    callable.call1(py, (TransferProgress::from(now),))?;
                }
                Ok(())
            };
            let result = runtime::run_watched(py, work, &mut tell)?;
            tell(py)?;
            Ok(result)
        }
    }
}

/// As [`run`] for asyncio, but a callable is the twin's to call: it gets the meter to look at.
pub fn start<'py, T, F>(
    py: Python<'py>,
    work: F,
    meter: s3dlio::Meter,
    shown: &Shown,
) -> PyResult<(Bound<'py, PyAny>, Meter)>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: for<'a> IntoPyObject<'a> + Send + 'static,
{
    let (bar, of_bar) = (matches!(shown, Shown::Bar), meter.clone());
    let work = async move {
        match bar {
            true => s3dlio_cli::with_bar(&of_bar, work).await,
            false => work.await,
        }
    };
    Ok((twins::start(py, work)?, Meter(meter)))
}
