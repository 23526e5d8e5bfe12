//! What verbs on files give back.

use pyo3::prelude::*;
use s3dlio::{Error, Meter, Partial, Result, SyncAction};

use crate::errors;

/// A report, as the return value or, where files failed, in the exception.
pub struct Ended<R> {
    report: R,
    failed: Option<(Error, Vec<Error>)>,
}

impl<R> Ended<R> {
    /// # Errors
    /// Of a call that ended before its first file.
    pub fn of<T: Into<R>>(result: Result<T, Partial<T>>, meter: &Meter) -> Result<Self> {
        let (report, failed) = match result {
            Ok(report) => (report, None),
            Err(partial) => match partial.into_parts() {
                (error, Some(report)) => (report, Some((error, meter.take_failures()))),
                (error, None) => return Err(error),
            },
        };
        Ok(Ended {
            report: report.into(),
            failed,
        })
    }
}

impl<'py, R> IntoPyObject<'py> for Ended<R>
where
    R: IntoPyObject<'py, Output = Bound<'py, <R as IntoPyObject<'py>>::Target>, Error = PyErr>,
{
    type Target = R::Target;
    type Output = Bound<'py, R::Target>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let report = self.report.into_pyobject(py)?;
        match self.failed {
            None => Ok(report),
            Some((error, failures)) => {
                Err(errors::with_report(py, &error, report.as_any(), &failures)?)
            }
        }
    }
}

/// A finished upload or download of files.
#[pyclass(frozen, eq, get_all, module = "s3dlio")]
#[derive(Debug, PartialEq)]
pub struct TransferReport {
    /// Files moved.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// Of these bytes, what an earlier call had moved already.
    resumed: u64,
    /// Symlinks that are not followed, devices, empty objects that stand for directories.
    skipped: u64,
    /// Of the skipped, the symlinks.
    symlinks: u64,
    /// Seconds of the whole call.
    elapsed_s: f64,
}

impl From<s3dlio::TransferReport> for TransferReport {
    fn from(report: s3dlio::TransferReport) -> Self {
        TransferReport {
            files: report.files,
            bytes: report.bytes,
            resumed: report.resumed,
            skipped: report.skipped,
            symlinks: report.symlinks,
            elapsed_s: report.elapsed.as_secs_f64(),
        }
    }
}

#[pymethods]
impl TransferReport {
    #[new]
    fn new(
        files: u64,
        bytes: u64,
        resumed: u64,
        skipped: u64,
        symlinks: u64,
        elapsed_s: f64,
    ) -> Self {
        TransferReport {
            files,
            bytes,
            resumed,
            skipped,
            symlinks,
            elapsed_s,
        }
    }

    /// For pickle.
    fn __getnewargs__(&self) -> (u64, u64, u64, u64, u64, f64) {
        (
            self.files,
            self.bytes,
            self.resumed,
            self.skipped,
            self.symlinks,
            self.elapsed_s,
        )
    }

    fn __repr__(&self) -> String {
        format!(
            "TransferReport(files={}, bytes={}, resumed={}, skipped={}, symlinks={}, elapsed_s={:.3})",
            self.files, self.bytes, self.resumed, self.skipped, self.symlinks, self.elapsed_s
        )
    }
}

/// Verb, source (None for a delete) and target.
type Step = (String, Option<String>, String);

/// A finished sync, or what it would do.
#[pyclass(frozen, eq, get_all, module = "s3dlio")]
#[derive(Debug, PartialEq)]
pub struct SyncReport {
    /// Files copied.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// Files deleted.
    deleted: u64,
    /// Files left alone: they are alike, or symlinks, devices, empty objects that stand for directories.
    skipped: u64,
    /// Of the skipped, the files that were alike.
    alike: u64,
    /// Of the skipped, the symlinks of the source.
    symlinks: u64,
    /// URIs that `delete` has left alone, because the source skips something of that name, or above it.
    kept: Vec<String>,
    /// Seconds of the whole call.
    elapsed_s: f64,
    /// Each step that was done, or would be, as `("copy", source, target)` or `("delete", None, target)`.
    actions: Vec<Step>,
}

impl From<s3dlio::SyncReport> for SyncReport {
    fn from(report: s3dlio::SyncReport) -> Self {
        let actions = report.actions.iter().map(|action| match action {
            SyncAction::Copy { from, to, .. } => {
                ("copy".to_owned(), Some(from.to_string()), to.to_string())
            }
            SyncAction::Delete { uri } => ("delete".to_owned(), None, uri.to_string()),
        });
        SyncReport {
            files: report.files,
            bytes: report.bytes,
            deleted: report.deleted,
            skipped: report.skipped,
            alike: report.alike,
            symlinks: report.symlinks,
            kept: report.kept.iter().map(ToString::to_string).collect(),
            elapsed_s: report.elapsed.as_secs_f64(),
            actions: actions.collect(),
        }
    }
}

#[pymethods]
impl SyncReport {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "the fields, for pickle")]
    fn new(
        files: u64,
        bytes: u64,
        deleted: u64,
        skipped: u64,
        alike: u64,
        symlinks: u64,
        kept: Vec<String>,
        elapsed_s: f64,
        actions: Vec<Step>,
    ) -> Self {
        SyncReport {
            files,
            bytes,
            deleted,
            skipped,
            alike,
            symlinks,
            kept,
            elapsed_s,
            actions,
        }
    }

    /// For pickle.
    fn __getnewargs__(&self) -> (u64, u64, u64, u64, u64, u64, Vec<String>, f64, Vec<Step>) {
        (
            self.files,
            self.bytes,
            self.deleted,
            self.skipped,
            self.alike,
            self.symlinks,
            self.kept.clone(),
            self.elapsed_s,
            self.actions.clone(),
        )
    }

    fn __repr__(&self) -> String {
        format!(
            "SyncReport(files={}, bytes={}, deleted={}, skipped={}, alike={}, symlinks={}, elapsed_s={:.3}, {} kept, {} actions)",
            self.files,
            self.bytes,
            self.deleted,
            self.skipped,
            self.alike,
            self.symlinks,
            self.elapsed_s,
            self.kept.len(),
            self.actions.len()
        )
    }
}
