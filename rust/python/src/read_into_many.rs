//! Ranges of many objects, each into memory of the caller.

use std::future::Future;

use futures::future::join_all;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use s3dlio::{Client, RangeInto, Result, Uri};

use crate::arguments::{Target, each, unsigned};
use crate::buffer::Destination;
use crate::options::OptionsArgument;
use crate::{clients, runtime, twins};

/// `(uri, offset, dst)` triples of any iterable.
pub struct Triples(Vec<(Uri, u64, Destination)>);

impl<'py> FromPyObject<'_, 'py> for Triples {
    type Error = PyErr;

    fn extract(triples: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if triples.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(
                "an iterable of (uri, offset, dst) is required, not one str",
            ));
        }
        let reads = each(
            &triples,
            "(uri, offset, dst)",
            |[uri, offset, destination]| {
                let uri = uri.extract::<Target>()?.0;
                Ok((uri, unsigned(&offset)?, destination.extract()?))
            },
        );
        reads.map(Triples)
    }
}

impl Triples {
    /// What to read, and a future that ends when nothing can write into any destination any more.
    fn split(
        self,
    ) -> (
        Vec<(Uri, RangeInto)>,
        impl Future<Output = ()> + Send + 'static,
    ) {
        let mut released = Vec::with_capacity(self.0.len());
        let reads = self.0.into_iter().map(|(uri, offset, destination)| {
            let (destination, free) = destination.split();
            released.push(free);
            let range = RangeInto {
                offset,
                destination,
            };
            (uri, range)
        });
        let reads = reads.collect();
        (reads, async move {
            join_all(released).await;
        })
    }
}

/// Reads ranges of objects straight into memory of the caller, near ones of an object by one request.
///
/// All ranges of one object come from one version of it. The memory is held until nothing can write into it any more:
/// once the call has returned, raised or been interrupted, no byte of it changes. Leave it alone until then.
///
/// Args:
///     reads: `(uri, offset, dst)` triples, any iterable; `dst` as for `read_into`, and no two of them may overlap. Each
///         is filled from `offset` of its object on.
///     max_gap: Bytes between two ranges of an object that are rather read and dropped than left out by another request.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     The bytes read, which is the size of all destinations.
///
/// Raises:
///     ShortReadError: An object, named in `.uri`, ends before a `dst` is full.
///     PreconditionError: An object was replaced while its ranges were read.
///     InvalidInputError: A `dst` is read-only, not contiguous or overlaps another; a bad offset or gap.
///     NotFoundError: There is no such object.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-into-many/")
///     >>> _ = s3dlio.put("memory://doc-into-many/k", b"0123456789")
///     >>> a, b = bytearray(2), bytearray(3)
///     >>> uri = "memory://doc-into-many/k"
///     >>> s3dlio.read_into_many([(uri, 6, b), (uri, 1, a)]), bytes(a), bytes(b)
///     (5, b'12', b'678')
#[pyfunction]
#[pyo3(signature = (reads, *, max_gap = 1_048_576, options = None))]
pub fn read_into_many(
    py: Python<'_>,
    reads: Triples,
    #[pyo3(from_py_with = unsigned)] max_gap: u64,
    options: Option<OptionsArgument>,
) -> PyResult<u64> {
    let (reads, released) = reads.split();
    let client = clients::of(py, options.as_ref())?;
    runtime::run_until(py, fill(client, reads, max_gap), released)
}

/// Gives the future and what stops it, as `read_into_async`.
#[pyfunction]
#[pyo3(signature = (reads, *, max_gap = 1_048_576, options = None))]
pub fn read_into_many_async<'py>(
    py: Python<'py>,
    reads: Triples,
    #[pyo3(from_py_with = unsigned)] max_gap: u64,
    options: Option<OptionsArgument>,
) -> PyResult<(Bound<'py, PyAny>, twins::Stop)> {
    let (reads, released) = reads.split();
    let client = clients::of(py, options.as_ref())?;
    twins::start_until(py, fill(client, reads, max_gap), released)
}

async fn fill(client: Client, reads: Vec<(Uri, RangeInto)>, max_gap: u64) -> Result<u64> {
    client.read_into_many(reads, max_gap).await
}
