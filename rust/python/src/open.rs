//! Objects read and written piece by piece. The files that users see are in `s3dlio.file`, in Python.

use std::collections::BTreeMap;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use s3dlio::Result;

use crate::arguments::{Target, unsigned, write_options};
use crate::buffer::{Destination, Loan};
use crate::options::OptionsArgument;
use crate::owned::{Owned, Shared};
use crate::results::{Done, PutResult};
use crate::{clients, runtime};

/// From this size on, holding `bytes` until they are sent costs less than a copy.
const WORTH_HOLDING: usize = 64 << 10;

/// One version of an object, read from any place in it.
#[pyclass(frozen, module = "s3dlio._s3dlio")]
pub struct Reader(Owned<s3dlio::Reader>);

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (uri, options))]
    fn new(py: Python<'_>, uri: Target, options: Option<OptionsArgument>) -> PyResult<Self> {
        let client = clients::of(py, options.as_ref())?;
        let reader = runtime::run(py, async { client.reader(&uri.0).await })?;
        Ok(Reader(Owned::new(reader)))
    }

    /// Bytes of the object.
    fn size(&self, py: Python<'_>) -> PyResult<u64> {
        runtime::run(py, size(self.0.get()?))
    }

    /// Fills `dst` from `offset` on, or a part of it; gives the bytes filled, 0 at the end of the object.
    fn readinto(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = unsigned)] offset: u64,
        dst: &Bound<'_, PyAny>,
    ) -> PyResult<usize> {
        let reader = self.0.get()?;
        let (memory, released) = dst.extract::<Destination>()?.split();
        let work = async move {
            let mut reader = reader.lock().await;
            match reader.as_mut() {
                Some(reader) => Ok(reader.read_at(offset, memory).await?.len()),
                None => Err(closed()),
            }
        };
        runtime::run_until(py, work, released)
    }

    fn close(&self) {
        self.0.close();
    }
}

async fn size(reader: Shared<s3dlio::Reader>) -> Result<u64> {
    match reader.lock().await.as_mut() {
        Some(reader) => reader.size().await,
        None => Err(closed()),
    }
}

fn closed() -> s3dlio::Error {
    s3dlio::Error::invalid("the file is closed")
}

/// An object on its way.
#[pyclass(frozen, module = "s3dlio._s3dlio")]
pub struct Writer(Owned<s3dlio::Writer>);

#[pymethods]
impl Writer {
    #[new]
    #[pyo3(signature = (uri, if_none_match, metadata, content_type, storage_class, tier, options))]
    #[expect(clippy::too_many_arguments, reason = "the words of put")]
    fn new(
        py: Python<'_>,
        uri: Target,
        if_none_match: bool,
        metadata: Option<BTreeMap<String, String>>,
        content_type: Option<String>,
        storage_class: Option<String>,
        tier: Option<String>,
        options: Option<OptionsArgument>,
    ) -> PyResult<Self> {
        let how = write_options(if_none_match, metadata, content_type, storage_class, tier);
        let client = clients::of(py, options.as_ref())?;
        let writer = runtime::run(py, async { client.writer(&uri.0, &how).await })?;
        Ok(Writer(Owned::new(writer)))
    }

    /// Appends bytes; gives how many.
    fn write(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<usize> {
        let writer = self.0.get()?;
        let loan = Loan::of(data, false)?;
        let len = loan.as_ref().len();
        if data.is_instance_of::<PyBytes>() && len >= WORTH_HOLDING {
            // Nobody can change them.
            runtime::run(py, send(writer, Bytes::from_owner(loan)))?;
            return Ok(len);
        }
        let work = async {
            let mut writer = writer.lock().await;
            match writer.as_mut() {
                Some(writer) => writer.write(loan.as_ref()).await.map(|()| Done),
                None => Err(closed()),
            }
        };
        let done = runtime::run(py, work);
        loan.give_back(py);
        done.map(|_| len)
    }

    /// Makes the object visible.
    fn finish(&self, py: Python<'_>) -> PyResult<PutResult> {
        runtime::run(py, finish(self.0.get()?))
    }

    /// Leaves what was there before, and returns when the service has been told.
    fn abort(&self, py: Python<'_>) -> PyResult<Done> {
        runtime::run(py, abort(self.0.get()?))
    }

    /// As `abort`, without waiting.
    fn close(&self) {
        self.0.close();
    }
}

async fn send(writer: Shared<s3dlio::Writer>, data: Bytes) -> Result<Done> {
    match writer.lock().await.as_mut() {
        Some(writer) => writer.send(data).await.map(|()| Done),
        None => Err(closed()),
    }
}

async fn finish(writer: Shared<s3dlio::Writer>) -> Result<PutResult> {
    match writer.lock().await.as_mut() {
        Some(writer) => writer.finish().await.map(PutResult::from),
        None => Err(closed()),
    }
}

async fn abort(writer: Shared<s3dlio::Writer>) -> Result<Done> {
    if let Some(writer) = writer.lock().await.as_mut() {
        writer.abort().await;
    }
    Ok(Done)
}
