//! Each verb opens one operation and closes it once, however it ends.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::span::{Observer, Operation, Span};
use crate::uri::Uri;

/// An operation under way. Dropped before [`Open::end`], it is told as cancelled.
pub(crate) struct Open {
    op: &'static str,
    target: String,
    start: SystemTime,
    clock: Instant,
    span: Span,
    observer: Option<Arc<dyn Observer>>,
}

impl Client {
    pub(crate) fn begin(&self, op: &'static str, uri: &Uri) -> Open {
        Open {
            op,
            target: uri.to_string(),
            start: SystemTime::now(),
            clock: Instant::now(),
            span: Span::start(),
            observer: self.inner.observer.clone(),
        }
    }
}

impl Open {
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Closes the operation: names verb, target and elapsed time in an error, and shows it to the observer with the
    /// bytes and objects that `count` reads off a success.
    pub fn end<T>(mut self, result: Result<T>, count: impl FnOnce(&T) -> (u64, u64)) -> Result<T> {
        let result =
            result.map_err(|error| error.at(self.op, &self.target).after(self.clock.elapsed()));
        let (bytes, objects) = result.as_ref().map_or((0, 1), count);
        self.tell(bytes, objects, result.as_ref().err());
        result
    }

    fn tell(&mut self, bytes: u64, objects: u64, error: Option<&Error>) {
        let elapsed = self.clock.elapsed();
        tracing::debug!(
            op = self.op,
            target = self.target,
            bytes,
            ?elapsed,
            failed = error.is_some()
        );
        if let Some(observer) = self.observer.take() {
            observer.finished(&Operation {
                op: self.op,
                target: &self.target,
                start: self.start,
                first_byte: self.span.time_to_first_byte(),
                elapsed,
                bytes,
                objects,
                error,
            });
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.observer.is_some() {
            let cancelled = Error::new(ErrorKind::Timeout, "cancelled").with_retryable(false);
            self.tell(0, 1, Some(&cancelled));
        }
    }
}
