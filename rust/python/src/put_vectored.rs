//! One object of many buffers.

use std::collections::BTreeMap;
use std::ops::Range;

use pyo3::prelude::*;
use s3dlio::{Client, Payload, Result, Uri, WriteOptions};

use crate::arguments::{Target, each, unsigned, write_options};
use crate::buffer::Body;
use crate::options::OptionsArgument;
use crate::results::PutResult;
use crate::{clients, errors, runtime, twins};

/// The memory of many buffers, one after the other.
pub struct Bodies(Payload);

impl<'py> FromPyObject<'_, 'py> for Bodies {
    type Error = PyErr;

    fn extract(buffers: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let mut pieces = Vec::new();
        for buffer in buffers.try_iter()? {
            let body = buffer?.extract::<Body>()?;
            pieces.extend_from_slice(body.0.pieces());
        }
        Ok(Bodies(Payload::new(pieces)))
    }
}

/// `(offset, length)` pairs of any iterable; None is none of them.
fn spans(pairs: &Bound<'_, PyAny>) -> PyResult<Option<Vec<Range<u64>>>> {
    if pairs.is_none() {
        return Ok(None);
    }
    let ranges = each(pairs, "(offset, length)", |[offset, length]| {
        let (start, length) = (unsigned(&offset)?, unsigned(&length)?);
        let end = start.checked_add(length);
        let end = end.ok_or_else(|| errors::invalid("a span ends beyond 2**64"))?;
        Ok(start..end)
    });
    ranges.map(Some)
}

/// Writes one object of many buffers, atomically, without joining or copying them.
///
/// Args:
///     uri: The object. On `file://` and `direct://`, missing directories are made.
///     buffers: The memory, in order: an iterable of what `put` takes as `data`. Each is held until the last byte is
///         answered.
///     if_none_match: As for `put`.
///     metadata: As for `put`.
///     content_type: As for `put`.
///     storage_class: As for `put`.
///     tier: As for `put`.
///     crc_spans: Ranges of the object, as `(offset, length)` pairs in bytes, whose CRC-32C is wanted; they may overlap,
///         and need not be those of the buffers.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A `PutResult`; its `span_crc32c` has the CRC-32C of each of `crc_spans`.
///
/// Raises:
///     AlreadyExistsError: `if_none_match` met an object.
///     NotFoundError: There is no such bucket.
///     InvalidInputError: A buffer is not contiguous, a span leaves the object, or the store cannot hold the key.
///     TypeError: A buffer has no memory to send.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-vectored/")
///     >>> parts = [b"head", b"123456789"]
///     >>> result = s3dlio.put_vectored("memory://doc-vectored/k", parts, crc_spans=[(4, 9)])
///     >>> result.size, hex(result.span_crc32c[0])
///     (13, '0xe3069283')
#[pyfunction]
#[pyo3(signature = (uri, buffers, *, if_none_match = false, metadata = None, content_type = None, storage_class = None, tier = None, crc_spans = None, options = None))]
#[expect(
    clippy::too_many_arguments,
    reason = "the words of the verb, all but two by name only"
)]
pub fn put_vectored(
    py: Python<'_>,
    uri: Target,
    buffers: Bodies,
    if_none_match: bool,
    metadata: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    storage_class: Option<String>,
    tier: Option<String>,
    #[pyo3(from_py_with = spans)] crc_spans: Option<Vec<Range<u64>>>,
    options: Option<OptionsArgument>,
) -> PyResult<PutResult> {
    let how = write_options(if_none_match, metadata, content_type, storage_class, tier);
    let client = clients::of(py, options.as_ref())?;
    runtime::run(py, write(client, uri.0, buffers, crc_spans, how))
}

#[pyfunction]
#[pyo3(signature = (uri, buffers, *, if_none_match = false, metadata = None, content_type = None, storage_class = None, tier = None, crc_spans = None, options = None))]
#[expect(clippy::too_many_arguments, reason = "as for put_vectored")]
pub fn put_vectored_async<'py>(
    py: Python<'py>,
    uri: Target,
    buffers: Bodies,
    if_none_match: bool,
    metadata: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    storage_class: Option<String>,
    tier: Option<String>,
    #[pyo3(from_py_with = spans)] crc_spans: Option<Vec<Range<u64>>>,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    let how = write_options(if_none_match, metadata, content_type, storage_class, tier);
    let client = clients::of(py, options.as_ref())?;
    twins::start(py, write(client, uri.0, buffers, crc_spans, how))
}

async fn write(
    client: Client,
    uri: Uri,
    buffers: Bodies,
    spans: Option<Vec<Range<u64>>>,
    how: WriteOptions,
) -> Result<PutResult> {
    let spans = spans.unwrap_or_default();
    let put = client.put_vectored(&uri, buffers.0, &spans, &how).await?;
    Ok(PutResult::from(put))
}
