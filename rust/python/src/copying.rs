//! `copy`: one object made of another.

use pyo3::prelude::*;
use s3dlio::{Client, Result, Uri};

use crate::arguments::Target;
use crate::options::OptionsArgument;
use crate::results::CopyResult;
use crate::{clients, runtime, twins};

/// Copies an object, atomically, with its metadata and content type where the target keeps such.
///
/// Within one service (two keys of S3, of one Azure account, of `file://`, of `memory://`) the service itself does it, and
/// no byte passes through this process. Otherwise the bytes are read and written, within `memory_limit`. Either way the
/// copy is of the source as it was when the call began, or there is none. Storage class and tier are the target's default.
///
/// Args:
///     src: The object to copy.
///     dst: The object to make, or to replace.
///     options: Settings of this call, as a dict or `Options`; they hold for both.
///
/// Returns:
///     A `CopyResult`: etag, size in bytes, CRC-32C of the bytes (None where the service copied and tells none), version id.
///
/// Raises:
///     NotFoundError: There is no such source, or no bucket for the target; `.uri` names it.
///     PreconditionError: The source was replaced meanwhile.
///     InvalidInputError: Source and target are the same object, or the target cannot keep a name of the metadata.
///     IntegrityError: The bytes are not those that are stored.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-copy/")
///     >>> _ = s3dlio.put("memory://doc-copy/a", b"123", metadata={"epoch": "7"})
///     >>> s3dlio.copy("memory://doc-copy/a", "memory://doc-copy/b").size
///     3
///     >>> s3dlio.stat("memory://doc-copy/b")["metadata"]
///     {'epoch': '7'}
#[pyfunction]
#[pyo3(signature = (src, dst, *, options = None))]
pub fn copy(
    py: Python<'_>,
    src: Target,
    dst: Target,
    options: Option<OptionsArgument>,
) -> PyResult<CopyResult> {
    runtime::run(
        py,
        copy_object(clients::of(py, options.as_ref())?, src.0, dst.0),
    )
}

#[pyfunction]
#[pyo3(signature = (src, dst, *, options = None))]
pub fn copy_async<'py>(
    py: Python<'py>,
    src: Target,
    dst: Target,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(
        py,
        copy_object(clients::of(py, options.as_ref())?, src.0, dst.0),
    )
}

async fn copy_object(client: Client, src: Uri, dst: Uri) -> Result<CopyResult> {
    Ok(CopyResult::from(client.copy(&src, &dst).await?))
}
