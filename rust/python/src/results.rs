//! What verbs give back beside bytes.

use std::time::SystemTime;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyNone, PyTuple};
use s3dlio::{Error, ObjectMeta, Scheme};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::errors;

/// None: the verb has been done, and there is nothing to tell.
pub struct Done;

impl<'py> IntoPyObject<'py> for Done {
    type Target = PyNone;
    type Output = Borrowed<'py, 'py, PyNone>;
    type Error = std::convert::Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        Ok(PyNone::get(py))
    }
}

/// A finished copy.
#[pyclass(frozen, eq, get_all, module = "s3dlio")]
#[derive(Debug, PartialEq, Eq)]
pub struct CopyResult {
    /// As the service sends it, with its quotes; None where it sends none.
    etag: Option<String>,
    /// Bytes copied.
    size: u64,
    /// CRC-32C (Castagnoli) of the bytes; None where the service copied them itself and tells none.
    crc32c: Option<u32>,
    /// Where the bucket keeps versions, else None.
    version_id: Option<String>,
}

impl From<s3dlio::CopyResult> for CopyResult {
    fn from(copy: s3dlio::CopyResult) -> Self {
        CopyResult {
            etag: copy.etag,
            size: copy.size,
            crc32c: copy.crc32c,
            version_id: copy.version_id,
        }
    }
}

#[pymethods]
impl CopyResult {
    #[new]
    fn new(
        etag: Option<String>,
        size: u64,
        crc32c: Option<u32>,
        version_id: Option<String>,
    ) -> Self {
        CopyResult {
            etag,
            size,
            crc32c,
            version_id,
        }
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str, &'static str) {
        ("etag", "size", "crc32c", "version_id")
    }

    /// For pickle.
    fn __getnewargs__(&self) -> (Option<&str>, u64, Option<u32>, Option<&str>) {
        (
            self.etag.as_deref(),
            self.size,
            self.crc32c,
            self.version_id.as_deref(),
        )
    }

    fn __repr__(&self) -> String {
        let crc32c = self
            .crc32c
            .map_or_else(|| "None".to_owned(), |sum| format!("{sum:#010x}"));
        format!(
            "CopyResult(etag={}, size={}, crc32c={crc32c}, version_id={})",
            python_text(self.etag.as_deref()),
            self.size,
            python_text(self.version_id.as_deref()),
        )
    }
}

/// A finished `generate`.
#[pyclass(frozen, eq, get_all, module = "s3dlio")]
#[derive(Debug, PartialEq)]
pub struct GenerateReport {
    /// Objects written.
    objects: u64,
    /// Their bytes in all.
    bytes: u64,
    /// Seconds from the first object's start to the last one's end.
    elapsed_s: f64,
    /// The seed that was given, or chosen: with it and the same arguments, the same bytes come again.
    seed: u64,
}

impl GenerateReport {
    pub fn of(written: s3dlio::datagen::Generated, seed: u64) -> Self {
        GenerateReport {
            objects: written.objects,
            bytes: written.bytes,
            elapsed_s: written.elapsed.as_secs_f64(),
            seed,
        }
    }
}

#[pymethods]
impl GenerateReport {
    #[new]
    fn new(objects: u64, bytes: u64, elapsed_s: f64, seed: u64) -> Self {
        GenerateReport {
            objects,
            bytes,
            elapsed_s,
            seed,
        }
    }

    /// For pickle.
    fn __getnewargs__(&self) -> (u64, u64, f64, u64) {
        (self.objects, self.bytes, self.elapsed_s, self.seed)
    }

    fn __repr__(&self) -> String {
        format!(
            "GenerateReport(objects={}, bytes={}, elapsed_s={:.3}, seed={})",
            self.objects, self.bytes, self.elapsed_s, self.seed,
        )
    }
}

/// One line of a listing.
#[pyclass(frozen, eq, get_all, module = "s3dlio")]
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Without the bucket. A level that was not listed shows once, as a key that ends in `/`.
    key: String,
    /// Bytes.
    size: u64,
    /// As the service sends it, with its quotes; None where it sends none.
    etag: Option<String>,
    /// `YYYY-MM-DDTHH:MM:SSZ`; None where the service tells no time.
    last_modified: Option<String>,
}

impl TryFrom<s3dlio::Entry> for Entry {
    type Error = s3dlio::Error;

    fn try_from(entry: s3dlio::Entry) -> s3dlio::Result<Self> {
        Ok(Entry {
            last_modified: entry.last_modified.map(timestamp).transpose()?,
            key: entry.key,
            size: entry.size,
            etag: entry.etag,
        })
    }
}

#[pymethods]
impl Entry {
    #[new]
    fn new(key: String, size: u64, etag: Option<String>, last_modified: Option<String>) -> Self {
        Entry {
            key,
            size,
            etag,
            last_modified,
        }
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str, &'static str) {
        ("key", "size", "etag", "last_modified")
    }

    /// For pickle.
    fn __getnewargs__(&self) -> (&str, u64, Option<&str>, Option<&str>) {
        (
            &self.key,
            self.size,
            self.etag.as_deref(),
            self.last_modified.as_deref(),
        )
    }

    fn __repr__(&self) -> String {
        format!(
            "Entry(key={}, size={}, etag={}, last_modified={})",
            python_text(Some(&self.key)),
            self.size,
            python_text(self.etag.as_deref()),
            python_text(self.last_modified.as_deref()),
        )
    }
}

/// A finished put.
#[pyclass(frozen, eq, module = "s3dlio")]
#[derive(Debug, PartialEq, Eq)]
pub struct PutResult {
    /// As the service sends it, with its quotes; None where it sends none.
    #[pyo3(get)]
    etag: Option<String>,
    /// Bytes written.
    #[pyo3(get)]
    size: u64,
    /// CRC-32C (Castagnoli) of the bytes sent.
    #[pyo3(get)]
    crc32c: u32,
    /// Where the bucket keeps versions, else None.
    #[pyo3(get)]
    version_id: Option<String>,
    span_crc32c: Vec<u32>,
}

impl From<s3dlio::PutResult> for PutResult {
    fn from(put: s3dlio::PutResult) -> Self {
        PutResult {
            etag: put.etag,
            size: put.size,
            crc32c: put.crc32c,
            version_id: put.version_id,
            span_crc32c: put.span_crc32c,
        }
    }
}

#[pymethods]
impl PutResult {
    #[new]
    #[pyo3(signature = (etag, size, crc32c, version_id, span_crc32c = Vec::new()))]
    fn new(
        etag: Option<String>,
        size: u64,
        crc32c: u32,
        version_id: Option<String>,
        span_crc32c: Vec<u32>,
    ) -> Self {
        PutResult {
            etag,
            size,
            crc32c,
            version_id,
            span_crc32c,
        }
    }

    /// CRC-32C of each span that `put_vectored` was given, a tuple of ints.
    #[getter]
    fn span_crc32c<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.span_crc32c)
    }

    #[classattr]
    fn __match_args__() -> (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
    ) {
        ("etag", "size", "crc32c", "version_id", "span_crc32c")
    }

    /// For pickle.
    fn __getnewargs__(&self) -> (Option<&str>, u64, u32, Option<&str>, &[u32]) {
        (
            self.etag.as_deref(),
            self.size,
            self.crc32c,
            self.version_id.as_deref(),
            &self.span_crc32c,
        )
    }

    fn __repr__(&self) -> String {
        let spans = match &self.span_crc32c[..] {
            [] => String::new(),
            spans => {
                let sums: Vec<String> = spans.iter().map(|sum| format!("{sum:#010x}")).collect();
                format!(", span_crc32c=[{}]", sums.join(", "))
            }
        };
        format!(
            "PutResult(etag={}, size={}, crc32c={:#010x}, version_id={}{spans})",
            python_text(self.etag.as_deref()),
            self.size,
            self.crc32c,
            python_text(self.version_id.as_deref()),
        )
    }
}

/// A finished `put_shard`.
#[pyclass(frozen, eq, get_all, module = "s3dlio")]
#[derive(Debug, PartialEq)]
pub struct ShardReport {
    /// The data object; the next save of the shard removes it.
    uri: String,
    /// Bytes given.
    raw_size: u64,
    /// Bytes stored.
    stored_size: u64,
    /// Stored bytes for each byte given; 1.0 for an empty shard.
    ratio: f64,
    /// CRC-32C (Castagnoli) of the bytes given.
    raw_crc32c: u32,
    /// CRC-32C of the bytes stored.
    stored_crc32c: u32,
    /// Seconds from the call to the commit.
    elapsed_s: f64,
}

impl From<s3dlio::ShardReport> for ShardReport {
    fn from(report: s3dlio::ShardReport) -> Self {
        ShardReport {
            uri: report.uri.to_string(),
            raw_size: report.raw_size,
            stored_size: report.stored_size,
            ratio: report.ratio(),
            raw_crc32c: report.raw_crc32c,
            stored_crc32c: report.stored_crc32c,
            elapsed_s: report.elapsed.as_secs_f64(),
        }
    }
}

#[pymethods]
impl ShardReport {
    #[new]
    fn new(
        uri: String,
        raw_size: u64,
        stored_size: u64,
        ratio: f64,
        raw_crc32c: u32,
        stored_crc32c: u32,
        elapsed_s: f64,
    ) -> Self {
        ShardReport {
            uri,
            raw_size,
            stored_size,
            ratio,
            raw_crc32c,
            stored_crc32c,
            elapsed_s,
        }
    }

    /// For pickle.
    fn __getnewargs__(&self) -> (&str, u64, u64, f64, u32, u32, f64) {
        let (raw, stored) = (self.raw_crc32c, self.stored_crc32c);
        (
            &self.uri,
            self.raw_size,
            self.stored_size,
            self.ratio,
            raw,
            stored,
            self.elapsed_s,
        )
    }

    fn __repr__(&self) -> String {
        format!(
            "ShardReport(uri={}, raw_size={}, stored_size={}, ratio={:.3}, raw_crc32c={:#010x}, \
             stored_crc32c={:#010x}, elapsed_s={:.3})",
            python_text(Some(&self.uri)),
            self.raw_size,
            self.stored_size,
            self.ratio,
            self.raw_crc32c,
            self.stored_crc32c,
            self.elapsed_s,
        )
    }
}

fn python_text(text: Option<&str>) -> String {
    text.map_or_else(
        || "None".to_owned(),
        |text| {
            format!(
                "'{}'",
                text.escape_default().to_string().replace("\\\"", "\"")
            )
        },
    )
}

/// What is known about an object, as the dict of `stat`.
pub struct Stat {
    pub scheme: Scheme,
    pub meta: ObjectMeta,
}

impl<'py> IntoPyObject<'py> for Stat {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let meta = self.meta;
        let row = PyDict::new(py);
        row.set_item("size", meta.size)?;
        let modified = meta.last_modified.map(timestamp).transpose();
        row.set_item("last_modified", modified.map_err(errors::to_python)?)?;
        row.set_item("etag", meta.etag)?;
        row.set_item("content_type", meta.content_type)?;
        row.set_item("content_language", meta.content_language)?;
        row.set_item("storage_class", meta.storage_class)?;
        row.set_item("metadata", meta.metadata)?;
        row.set_item("version_id", meta.version_id)?;
        row.set_item("replication_status", meta.replication_status)?;
        row.set_item("server_side_encryption", meta.server_side_encryption)?;
        row.set_item("ssekms_key_id", meta.ssekms_key_id)?;
        if self.scheme == Scheme::Az {
            row.set_item("tier", meta.tier)?;
        }
        Ok(row)
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`, UTC.
fn timestamp(time: SystemTime) -> s3dlio::Result<String> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    OffsetDateTime::from(time)
        .format(format)
        .map_err(|cause| Error::invalid(cause.to_string()))
}
