//! `presign`: URLs that let others in, for a while.

use pyo3::prelude::*;
use s3dlio::{Client, HttpMethod, Result, Uri};

use crate::arguments::{Target, lifetime};
use crate::options::OptionsArgument;
use crate::{clients, errors, runtime, twins};

/// Makes a URL with which anybody can do one thing with one object, without credentials, until it expires.
///
/// It is as secret as the object: keep it out of logs. A URL of temporary credentials ends with them, if that is sooner. The
/// object need not exist, and no request is sent about it. Who puts to Azure must send the header
/// `x-ms-blob-type: BlockBlob`.
///
/// Args:
///     uri: The object: `s3://bucket/key` or `az://account/container/key`.
///     method: `GET`, `PUT`, `HEAD` or `DELETE`, in any case.
///     expires_in: Seconds from now, from 1 to 604800 (a week).
///     options: Settings of this call, as a dict or `Options`.
///
/// Returns:
///     The URL.
///
/// Raises:
///     UnsupportedError: Objects of this scheme have no URL, or there is no key to sign with: an anonymous client of S3, a
///         shared access signature or an Entra token of Azure.
///     InvalidInputError: Another method, or a time out of bounds.
///
/// Example:
///     >>> import s3dlio
///     >>> where = {"endpoint_url": "http://127.0.0.1:9000", "region": "us-east-1"}
///     >>> keys = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "x"}
///     >>> url = s3dlio.presign("s3://bucket/key", expires_in=60, options=where | keys)
///     >>> url.partition("?")[0]
///     'http://127.0.0.1:9000/bucket/key'
#[pyfunction]
#[pyo3(signature = (uri, *, method = "GET", expires_in = 3600, options = None))]
pub fn presign(
    py: Python<'_>,
    uri: Target,
    method: &str,
    #[pyo3(from_py_with = lifetime)] expires_in: u64,
    options: Option<OptionsArgument>,
) -> PyResult<String> {
    let method = method.parse().map_err(errors::to_python)?;
    let client = clients::of(py, options.as_ref())?;
    runtime::run(py, sign(client, uri.0, method, expires_in))
}

#[pyfunction]
#[pyo3(signature = (uri, *, method = "GET", expires_in = 3600, options = None))]
pub fn presign_async<'py>(
    py: Python<'py>,
    uri: Target,
    method: &str,
    #[pyo3(from_py_with = lifetime)] expires_in: u64,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    let method = method.parse().map_err(errors::to_python)?;
    let client = clients::of(py, options.as_ref())?;
    twins::start(py, sign(client, uri.0, method, expires_in))
}

async fn sign(client: Client, uri: Uri, method: HttpMethod, expires_in: u64) -> Result<String> {
    let url = client.presign(&uri, method, expires_in).await?;
    Ok(url.reveal().to_owned())
}
