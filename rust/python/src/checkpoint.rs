//! Checkpoint shards. The class that users see is `s3dlio.CheckpointStore`, in Python.

use pyo3::prelude::*;
use s3dlio::{CheckpointStore, Payload, Result};

use crate::arguments::{Target, level, rank};
use crate::buffer::{Body, Buffer};
use crate::options::OptionsArgument;
use crate::results::ShardReport;
use crate::{clients, runtime, twins};

/// Where shards are and how they are stored. Holds no connection, so that a forked child makes its own.
#[pyclass(frozen, module = "s3dlio._s3dlio")]
pub struct Shards {
    base: Target,
    level: Option<i32>,
    options: OptionsArgument,
}

#[pymethods]
impl Shards {
    #[new]
    #[pyo3(signature = (uri, compression_level, options))]
    fn new(
        py: Python<'_>,
        uri: Target,
        #[pyo3(from_py_with = level)] compression_level: Option<i32>,
        options: Option<OptionsArgument>,
    ) -> PyResult<Self> {
        let options = options.unwrap_or_default();
        let shards = Shards {
            base: uri,
            level: compression_level,
            options,
        };
        shards.store(py)?;
        Ok(shards)
    }

    fn put_shard(
        &self,
        py: Python<'_>,
        name: String,
        #[pyo3(from_py_with = rank)] rank: u32,
        data: Body,
    ) -> PyResult<ShardReport> {
        runtime::run(py, save(self.store(py)?, name, rank, data.0))
    }

    fn put_shard_async<'py>(
        &self,
        py: Python<'py>,
        name: String,
        #[pyo3(from_py_with = rank)] rank: u32,
        data: Body,
    ) -> PyResult<Bound<'py, PyAny>> {
        twins::start(py, save(self.store(py)?, name, rank, data.0))
    }

    fn get_shard(
        &self,
        py: Python<'_>,
        name: String,
        #[pyo3(from_py_with = rank)] rank: u32,
    ) -> PyResult<Buffer> {
        runtime::run(py, load(self.store(py)?, name, rank))
    }

    fn get_shard_async<'py>(
        &self,
        py: Python<'py>,
        name: String,
        #[pyo3(from_py_with = rank)] rank: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        twins::start(py, load(self.store(py)?, name, rank))
    }
}

impl Shards {
    fn store(&self, py: Python<'_>) -> PyResult<CheckpointStore> {
        let client = clients::of(py, Some(&self.options))?;
        let store = CheckpointStore::new(client, self.base.0.clone(), self.level);
        store.map_err(crate::errors::to_python)
    }
}

async fn save(
    store: CheckpointStore,
    name: String,
    rank: u32,
    data: Payload,
) -> Result<ShardReport> {
    Ok(ShardReport::from(store.put_shard(&name, rank, data).await?))
}

async fn load(store: CheckpointStore, name: String, rank: u32) -> Result<Buffer> {
    Ok(Buffer::from(store.get_shard(&name, rank).await?))
}
