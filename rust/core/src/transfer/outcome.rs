//! How a call on many files ends: with a report, or with an error that has the report of what was done.

use std::fmt;
use std::ops::Deref;

use crate::error::{Error, Result};

/// Why a call on many files has not done all of it, and what it has done. It is used like the [`Error`] it holds.
#[derive(Debug, Clone)]
pub struct Partial<R> {
    error: Error,
    report: Option<R>,
}

impl<R> Partial<R> {
    /// What was done; `None` where the call ended before its first file.
    #[must_use]
    pub fn report(&self) -> Option<&R> {
        self.report.as_ref()
    }

    #[must_use]
    pub fn into_parts(self) -> (Error, Option<R>) {
        (self.error, self.report)
    }

    pub(super) fn map_error(self, map: impl FnOnce(Error) -> Error) -> Self {
        Partial {
            error: map(self.error),
            report: self.report,
        }
    }
}

/// `report`, unless `failed` tells that something is missing.
pub(super) fn outcome<R>(report: R, failed: Result<()>) -> Result<R, Partial<R>> {
    match failed {
        Ok(()) => Ok(report),
        Err(error) => Err(Partial {
            error,
            report: Some(report),
        }),
    }
}

impl<R> From<Error> for Partial<R> {
    fn from(error: Error) -> Self {
        Partial {
            error,
            report: None,
        }
    }
}

impl<R> From<Partial<R>> for Error {
    fn from(partial: Partial<R>) -> Self {
        partial.error
    }
}

impl<R> Deref for Partial<R> {
    type Target = Error;

    fn deref(&self) -> &Error {
        &self.error
    }
}

impl<R> fmt::Display for Partial<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<R: fmt::Debug> std::error::Error for Partial<R> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
