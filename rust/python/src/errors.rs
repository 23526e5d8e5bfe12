//! The core's error as the exception class of its kind.

use std::error::Error as StdError;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};
use s3dlio::{Error, ErrorKind};

use crate::credentials::Raised;

const CLASSES: [(ErrorKind, &str); 20] = [
    (ErrorKind::NotFound, "NotFoundError"),
    (ErrorKind::AlreadyExists, "AlreadyExistsError"),
    (ErrorKind::Precondition, "PreconditionError"),
    (ErrorKind::NotEmpty, "NotEmptyError"),
    (ErrorKind::ShortRead, "ShortReadError"),
    (ErrorKind::Unsupported, "UnsupportedError"),
    (ErrorKind::AccessDenied, "AccessDeniedError"),
    (ErrorKind::InvalidInput, "InvalidInputError"),
    (ErrorKind::UnsafePath, "UnsafePathError"),
    (ErrorKind::Timeout, "StorageTimeoutError"),
    (ErrorKind::ConnectionFailed, "ConnectionFailedError"),
    (ErrorKind::Throttled, "ThrottledError"),
    (ErrorKind::Server, "ServerError"),
    (ErrorKind::Integrity, "IntegrityError"),
    (ErrorKind::LocalIo, "LocalIOError"),
    (ErrorKind::Checkpoint, "CheckpointError"),
    (ErrorKind::CheckpointIncomplete, "CheckpointIncompleteError"),
    (ErrorKind::CheckpointConflict, "CheckpointConflictError"),
    (ErrorKind::CheckpointCorrupt, "CheckpointCorruptError"),
    (ErrorKind::ManifestVersion, "ManifestVersionError"),
];

/// The class of each kind, and the root for a kind that has none yet.
struct Classes {
    by_kind: Vec<(ErrorKind, Py<PyType>)>,
    root: Py<PyType>,
}

/// Filled while the module is imported, so that no thread ever waits for it (one that forks meanwhile would not return).
static LOADED: PyOnceLock<Classes> = PyOnceLock::new();

pub fn load_classes(py: Python<'_>) -> PyResult<()> {
    let module = py.import("s3dlio.exceptions")?;
    let class = |name: &str| -> PyResult<Py<PyType>> {
        Ok(module.getattr(name)?.cast_into::<PyType>()?.unbind())
    };
    let by_kind = CLASSES
        .iter()
        .map(|(kind, name)| Ok((*kind, class(name)?)))
        .collect::<PyResult<_>>()?;
    let _already = LOADED.set(
        py,
        Classes {
            by_kind,
            root: class("StorageError")?,
        },
    );
    Ok(())
}

/// The exception for `error`. Attaches to the interpreter, so it is for threads of Python only.
pub fn to_python(error: Error) -> PyErr {
    Python::attach(|py| build(py, &error).unwrap_or_else(|failure| failure))
}

/// An `InvalidInputError` that a conversion found.
pub fn invalid(detail: impl Into<String>) -> PyErr {
    to_python(Error::invalid(detail))
}

/// As [`to_python`], of a call on many files: with what it did all the same, and the exception of each file that failed.
pub fn with_report<'py>(
    py: Python<'py>,
    error: &Error,
    report: &Bound<'py, PyAny>,
    failures: &[Error],
) -> PyResult<PyErr> {
    let exception = build(py, error)?;
    let value = exception.value(py);
    value.setattr("report", report)?;
    let mut named = Vec::with_capacity(failures.len());
    for failure in failures {
        let of_file = build(py, failure)?.into_value(py);
        named.push((failure.target().unwrap_or_default(), of_file));
    }
    value.setattr("failures", named)?;
    Ok(exception)
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let Some(classes) = LOADED.get(py) else {
        return Ok(PyRuntimeError::new_err(error.to_string()));
    };
    let class = classes
        .by_kind
        .iter()
        .find(|(kind, _)| *kind == error.kind());
    let class = class.map_or(&classes.root, |(_, class)| class).bind(py);
    let facts = PyDict::new(py);
    facts.set_item("op", error.op())?;
    facts.set_item("uri", error.target())?;
    facts.set_item("code", error.code())?;
    facts.set_item("status", error.status())?;
    facts.set_item("request_id", error.request_id())?;
    facts.set_item("attempts", error.attempts())?;
    facts.set_item(
        "elapsed_s",
        error.elapsed().map(|elapsed| elapsed.as_secs_f64()),
    )?;
    facts.set_item("retryable", error.retryable())?;
    if let Some(errno) = error.errno() {
        facts.set_item("errno", errno)?;
    }
    let exception = PyErr::from_value(class.call((error.to_string(),), Some(&facts))?);
    if let Some(raised) = raised(error) {
        exception.set_cause(py, Some(raised.exception.clone_ref(py)));
    }
    Ok(exception)
}

/// The exception of a callable of the user's that an error goes back to.
fn raised(error: &Error) -> Option<&Raised> {
    let mut cause = StdError::source(error);
    while let Some(step) = cause {
        if let Some(raised) = step.downcast_ref() {
            return Some(raised);
        }
        cause = step.source();
    }
    None
}

/// Whether `exception` is an `InvalidInputError`.
pub fn is_invalid_input(py: Python<'_>, exception: &PyErr) -> bool {
    let classes = LOADED.get(py).map(|classes| classes.by_kind.iter());
    classes.into_iter().flatten().any(|(kind, class)| {
        *kind == ErrorKind::InvalidInput && exception.is_instance(py, class.bind(py))
    })
}
