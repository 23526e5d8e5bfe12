//! Verbs on one object.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use s3dlio::{Client, IoBufMut, ObjectMeta, Payload, Result, Uri, WriteOptions};

use crate::arguments::{Target, optional_unsigned, unsigned, write_options};
use crate::buffer::{Body, Buffer, Destination};
use crate::options::OptionsArgument;
use crate::results::{PutResult, Stat};
use crate::{clients, runtime, twins};

/// Reads an object, or a part of it.
///
/// Args:
///     uri: `s3://bucket/key`, `az://account/container/key`, `file:///path` or `direct:///path`.
///     offset: First byte to read.
///     length: Bytes to read; None reads to the end. A range that runs past the end gives what there is.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A `Buffer` of the bytes: owned, writable, its address a multiple of 64.
///
/// Raises:
///     NotFoundError: There is no such object.
///     AccessDeniedError: The credentials do not allow it.
///     InvalidInputError: A bad URI, a negative number, or an offset past the end (`.code` is `InvalidRange`).
///     IntegrityError: The bytes are not those that the service stores.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-get/")
///     >>> _ = s3dlio.put("memory://doc-get/k", b"0123456789")
///     >>> s3dlio.get("memory://doc-get/k", offset=2, length=3).tobytes()
///     b'234'
#[pyfunction]
#[pyo3(signature = (uri, *, offset = 0, length = None, options = None))]
pub fn get(
    py: Python<'_>,
    uri: Target,
    #[pyo3(from_py_with = unsigned)] offset: u64,
    #[pyo3(from_py_with = optional_unsigned)] length: Option<u64>,
    options: Option<OptionsArgument>,
) -> PyResult<Buffer> {
    runtime::run(
        py,
        read(clients::of(py, options.as_ref())?, uri.0, offset, length),
    )
}

#[pyfunction]
#[pyo3(signature = (uri, *, offset = 0, length = None, options = None))]
pub fn get_async<'py>(
    py: Python<'py>,
    uri: Target,
    #[pyo3(from_py_with = unsigned)] offset: u64,
    #[pyo3(from_py_with = optional_unsigned)] length: Option<u64>,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(
        py,
        read(clients::of(py, options.as_ref())?, uri.0, offset, length),
    )
}

async fn read(client: Client, uri: Uri, offset: u64, length: Option<u64>) -> Result<Buffer> {
    let bytes = match (offset, length) {
        (0, None) => client.get(&uri).await?,
        (offset, length) => client.get_range(&uri, offset, length).await?,
    };
    Ok(Buffer::from(bytes))
}

/// Reads a part of an object.
///
/// Args:
///     uri: The object.
///     offset: First byte to read.
///     length: Bytes to read; None reads to the end. A range that runs past the end gives what there is.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A `Buffer` of the bytes; empty where `length` is 0.
///
/// Raises:
///     NotFoundError: There is no such object.
///     InvalidInputError: A negative number, or an offset past the end (`.code` is `InvalidRange`).
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-range/")
///     >>> _ = s3dlio.put("memory://doc-range/k", b"0123456789")
///     >>> s3dlio.get_range("memory://doc-range/k", 7).tobytes()
///     b'789'
#[pyfunction]
#[pyo3(signature = (uri, offset, length = None, *, options = None))]
pub fn get_range(
    py: Python<'_>,
    uri: Target,
    #[pyo3(from_py_with = unsigned)] offset: u64,
    #[pyo3(from_py_with = optional_unsigned)] length: Option<u64>,
    options: Option<OptionsArgument>,
) -> PyResult<Buffer> {
    runtime::run(
        py,
        read_range(clients::of(py, options.as_ref())?, uri.0, offset, length),
    )
}

#[pyfunction]
#[pyo3(signature = (uri, offset, length = None, *, options = None))]
pub fn get_range_async<'py>(
    py: Python<'py>,
    uri: Target,
    #[pyo3(from_py_with = unsigned)] offset: u64,
    #[pyo3(from_py_with = optional_unsigned)] length: Option<u64>,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(
        py,
        read_range(clients::of(py, options.as_ref())?, uri.0, offset, length),
    )
}

async fn read_range(client: Client, uri: Uri, offset: u64, length: Option<u64>) -> Result<Buffer> {
    Ok(Buffer::from(client.get_range(&uri, offset, length).await?))
}

/// Reads straight into the caller's memory, all of it.
///
/// The memory is held until nothing can write into it any more: once the call has returned, raised or been interrupted,
/// no byte of it changes. Leave it alone until then.
///
/// Args:
///     uri: The object.
///     dst: Any writable C-contiguous buffer (`bytearray`, numpy array, `Buffer`) or CPU tensor.
///     offset: First byte to read.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     The bytes read, which is the size of `dst` in bytes.
///
/// Raises:
///     ShortReadError: The object ends before `dst` is full; what `dst` then holds is unspecified.
///     InvalidInputError: `dst` is read-only or not contiguous; a negative offset, or one past the end.
///     NotFoundError: There is no such object.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-into/")
///     >>> _ = s3dlio.put("memory://doc-into/k", b"0123456789")
///     >>> row = bytearray(4)
///     >>> s3dlio.read_into("memory://doc-into/k", row, offset=3), bytes(row)
///     (4, b'3456')
#[pyfunction]
#[pyo3(signature = (uri, dst, *, offset = 0, options = None))]
pub fn read_into(
    py: Python<'_>,
    uri: Target,
    dst: Destination,
    #[pyo3(from_py_with = unsigned)] offset: u64,
    options: Option<OptionsArgument>,
) -> PyResult<usize> {
    let (memory, released) = dst.split();
    runtime::run_until(
        py,
        fill(clients::of(py, options.as_ref())?, uri.0, offset, memory),
        released,
    )
}

/// Gives the future and what stops it: the future ends only when nothing can write into `dst` any more, so it must not
/// be cancelled itself.
#[pyfunction]
#[pyo3(signature = (uri, dst, *, offset = 0, options = None))]
pub fn read_into_async<'py>(
    py: Python<'py>,
    uri: Target,
    dst: Destination,
    #[pyo3(from_py_with = unsigned)] offset: u64,
    options: Option<OptionsArgument>,
) -> PyResult<(Bound<'py, PyAny>, twins::Stop)> {
    let (memory, released) = dst.split();
    twins::start_until(
        py,
        fill(clients::of(py, options.as_ref())?, uri.0, offset, memory),
        released,
    )
}

async fn fill(client: Client, uri: Uri, offset: u64, memory: IoBufMut) -> Result<usize> {
    Ok(client.read_into(&uri, offset, memory).await?.len())
}

/// Writes an object, atomically: readers see what was there before, or all of it.
///
/// Args:
///     uri: The object. On `file://` and `direct://`, missing directories are made.
///     data: Any C-contiguous buffer (`bytes`, `memoryview`, numpy array, `Buffer`) or CPU tensor. It is not copied, and
///         held until the last byte is answered.
///     if_none_match: Fail if the object exists.
///     metadata: User metadata, str to str, in printable ASCII; names come back in lower case. Not for files.
///     content_type: MIME type; the default is the service's. Not for files.
///     storage_class: S3 storage class. Only for `s3://`.
///     tier: Azure access tier: `Hot`, `Cool`, `Cold` or `Archive`, in any case. Only for `az://`.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A `PutResult`: etag, size in bytes, CRC-32C of the bytes, version id.
///
/// Raises:
///     AlreadyExistsError: `if_none_match` met an object.
///     NotFoundError: There is no such bucket.
///     UnsupportedError: The store has no such thing as an option asks for; the option is named.
///     InvalidInputError: `data` is not contiguous, the store cannot hold the key, or an option has a value that it does not
///         take.
///     TypeError: `data` has no memory to send.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-put/")
///     >>> hex(s3dlio.put("memory://doc-put/k", b"123456789").crc32c)
///     '0xe3069283'
#[pyfunction]
#[pyo3(signature = (uri, data, *, if_none_match = false, metadata = None, content_type = None, storage_class = None, tier = None, options = None))]
#[expect(
    clippy::too_many_arguments,
    reason = "the words of the verb, all but two by name only"
)]
pub fn put(
    py: Python<'_>,
    uri: Target,
    data: Body,
    if_none_match: bool,
    metadata: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    storage_class: Option<String>,
    tier: Option<String>,
    options: Option<OptionsArgument>,
) -> PyResult<PutResult> {
    let how = write_options(if_none_match, metadata, content_type, storage_class, tier);
    runtime::run(
        py,
        write(clients::of(py, options.as_ref())?, uri.0, data.0, how),
    )
}

#[pyfunction]
#[pyo3(signature = (uri, data, *, if_none_match = false, metadata = None, content_type = None, storage_class = None, tier = None, options = None))]
#[expect(clippy::too_many_arguments, reason = "as for put")]
pub fn put_async<'py>(
    py: Python<'py>,
    uri: Target,
    data: Body,
    if_none_match: bool,
    metadata: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    storage_class: Option<String>,
    tier: Option<String>,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    let how = write_options(if_none_match, metadata, content_type, storage_class, tier);
    twins::start(
        py,
        write(clients::of(py, options.as_ref())?, uri.0, data.0, how),
    )
}

async fn write(client: Client, uri: Uri, body: Payload, how: WriteOptions) -> Result<PutResult> {
    Ok(PutResult::from(client.put(&uri, body, &how).await?))
}

/// Tells what the service knows about an object.
///
/// Args:
///     uri: The object.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     A dict, None where the service has no such thing: `size` (bytes), `last_modified` (`YYYY-MM-DDTHH:MM:SSZ`), `etag`
///     (with its quotes), `content_type`, `content_language`, `storage_class`, `metadata` (dict of str), `version_id`,
///     `replication_status`, `server_side_encryption`, `ssekms_key_id`; on `az://` also `tier`.
///
/// Raises:
///     NotFoundError: There is no such object.
///     AccessDeniedError: The credentials do not allow it.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-stat/")
///     >>> _ = s3dlio.put("memory://doc-stat/k", b"abc", metadata={"epoch": "7"})
///     >>> entry = s3dlio.stat("memory://doc-stat/k")
///     >>> entry["size"], entry["metadata"]
///     (3, {'epoch': '7'})
#[pyfunction]
#[pyo3(signature = (uri, *, options = None))]
pub fn stat(py: Python<'_>, uri: Target, options: Option<OptionsArgument>) -> PyResult<Stat> {
    runtime::run(py, describe(clients::of(py, options.as_ref())?, uri.0))
}

#[pyfunction]
#[pyo3(signature = (uri, *, options = None))]
pub fn stat_async<'py>(
    py: Python<'py>,
    uri: Target,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(py, describe(clients::of(py, options.as_ref())?, uri.0))
}

async fn describe(client: Client, uri: Uri) -> Result<Stat> {
    let meta: ObjectMeta = client.stat(&uri).await?;
    Ok(Stat {
        scheme: uri.scheme(),
        meta,
    })
}

/// Tells whether there is an object of exactly that key.
///
/// A directory or a prefix is none, whatever lies below it. A key that ends in `/` is one only where the service holds an
/// object of that name; a file never has such a name.
///
/// Args:
///     uri: The object.
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     True or False, each only after a definite answer.
///
/// Raises:
///     InvalidInputError: The URI names no key.
///     AccessDeniedError: The credentials do not allow to ask.
///     StorageError: No definite answer came.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-exists/")
///     >>> s3dlio.exists("memory://doc-exists/k")
///     False
#[pyfunction]
#[pyo3(signature = (uri, *, options = None))]
pub fn exists(py: Python<'_>, uri: Target, options: Option<OptionsArgument>) -> PyResult<bool> {
    runtime::run(py, is_there(clients::of(py, options.as_ref())?, uri.0))
}

#[pyfunction]
#[pyo3(signature = (uri, *, options = None))]
pub fn exists_async<'py>(
    py: Python<'py>,
    uri: Target,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(py, is_there(clients::of(py, options.as_ref())?, uri.0))
}

async fn is_there(client: Client, uri: Uri) -> Result<bool> {
    client.exists(&uri).await
}
