//! Conversions of arguments that pyo3 has no word for.

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use s3dlio::Uri;

use crate::errors;

/// A URI, parsed.
pub struct Target(pub Uri);

impl<'py> FromPyObject<'_, 'py> for Target {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = object.cast::<PyString>()?.to_cow()?.into_owned();
        text.parse().map(Target).map_err(errors::to_python)
    }
}

/// URIs of any iterable but a single `str`, in order.
pub struct Targets(pub Vec<Uri>);

impl<'py> FromPyObject<'_, 'py> for Targets {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(
                "an iterable of URIs is required, not one str",
            ));
        }
        let uris = object
            .try_iter()?
            .map(|uri| Ok(uri?.extract::<Target>()?.0));
        Ok(Targets(uris.collect::<PyResult<_>>()?))
    }
}

/// Bytes or a position: 0 or more.
pub fn unsigned(object: &Bound<'_, PyAny>) -> PyResult<u64> {
    integer(
        object,
        "a number of bytes must be 0 or more and below 2**64",
    )
}

pub fn optional_unsigned(object: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    if object.is_none() {
        return Ok(None);
    }
    unsigned(object).map(Some)
}

/// How many at once; the core refuses 0.
pub fn count(object: &Bound<'_, PyAny>) -> PyResult<usize> {
    integer(object, "max_in_flight must be above 0")
}

/// Seconds that something holds; the core knows the bounds.
pub fn lifetime(object: &Bound<'_, PyAny>) -> PyResult<u64> {
    integer(object, "expires_in must be from 1 to 604800 seconds")
}

/// A rank of a distributed program.
pub fn rank(object: &Bound<'_, PyAny>) -> PyResult<u32> {
    integer(object, "rank must be 0 or more and below 2**32")
}

/// A zstd level, checked by the core; None stores raw.
pub fn level(object: &Bound<'_, PyAny>) -> PyResult<Option<i32>> {
    if object.is_none() {
        return Ok(None);
    }
    integer(
        object,
        "compression_level must be from 1 to 21, or None to store raw",
    )
    .map(Some)
}

/// An integer that fits `T`; one that does not is refused by telling what is expected.
fn integer<'a, 'py, T>(object: &'a Bound<'py, PyAny>, expected: &str) -> PyResult<T>
where
    T: FromPyObject<'a, 'py, Error = PyErr>,
{
    object.extract::<T>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(object.py()) {
            return errors::invalid(format!("{expected}, not {object}"));
        }
        error
    })
}
