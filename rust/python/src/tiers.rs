//! `set_tier`: what an object costs to keep, and to read.

use pyo3::prelude::*;
use s3dlio::{Client, Result, Uri};

use crate::arguments::Target;
use crate::options::OptionsArgument;
use crate::results::Done;
use crate::{clients, runtime, twins};

/// Moves an object of Azure to another access tier.
///
/// Leaving `Archive` takes the service hours; the call returns when that has begun.
///
/// Args:
///     uri: `az://account/container/key`.
///     tier: `Hot`, `Cool`, `Cold` or `Archive`, in any case.
///     options: Settings of this call, as a dict or `Options`.
///
/// Raises:
///     NotFoundError: There is no such object.
///     InvalidInputError: There is no such tier; it is named.
///     UnsupportedError: The scheme has no tiers.
///
/// Example:
///     >>> import s3dlio
///     >>> try:
///     ...     s3dlio.set_tier("memory://doc-tier/k", "Cool")
///     ... except s3dlio.UnsupportedError as error:
///     ...     print(error.op)
///     set_tier
#[pyfunction]
#[pyo3(signature = (uri, tier, *, options = None))]
pub fn set_tier(
    py: Python<'_>,
    uri: Target,
    tier: String,
    options: Option<OptionsArgument>,
) -> PyResult<Done> {
    runtime::run(py, change(clients::of(py, options.as_ref())?, uri.0, tier))
}

#[pyfunction]
#[pyo3(signature = (uri, tier, *, options = None))]
pub fn set_tier_async<'py>(
    py: Python<'py>,
    uri: Target,
    tier: String,
    options: Option<OptionsArgument>,
) -> PyResult<Bound<'py, PyAny>> {
    twins::start(py, change(clients::of(py, options.as_ref())?, uri.0, tier))
}

async fn change(client: Client, uri: Uri, tier: String) -> Result<Done> {
    client.set_tier(&uri, &tier).await.map(|()| Done)
}
