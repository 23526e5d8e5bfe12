//! How far a transfer has come: counters that its tasks move, and that whoever shows them looks at.
//!
//! Nobody is called back, so no task of a transfer ever waits for a terminal or an interpreter.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::error::Error;

/// How far a transfer of many files has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransferProgress {
    /// Of all files together, those of an earlier run included.
    pub bytes_done: u64,
    /// As far as known; grows where sizes become known late.
    pub bytes_total: u64,
    pub files_done: u64,
    pub files_total: u64,
}

/// Where a transfer tells how far it has come, and which files failed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    progress: watch::Sender<TransferProgress>,
    failures: Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    waiting: Vec<Error>,
    summary: Summary,
}

/// What the one error of a call says about all its failures.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub count: u64,
    /// The texts of the first ones.
    pub named: Vec<String>,
    /// Of the failure that tells most: one beside unsafe paths, if there is any.
    pub kind: Option<crate::error::ErrorKind>,
}

/// Failures that the one error of a call names; the rest are counted.
const NAMED: usize = 5;

impl Meter {
    #[must_use]
    pub fn now(&self) -> TransferProgress {
        *self.0.progress.borrow()
    }

    /// Waits until the progress is another one than `seen`.
    pub async fn changed(&self, seen: TransferProgress) -> TransferProgress {
        let mut progress = self.0.progress.subscribe();
        let changed = progress.wait_for(|now| *now != seen).await;
        changed.map_or(seen, |now| *now)
    }

    /// The failures since the last look, each naming its file.
    #[must_use]
    pub fn take_failures(&self) -> Vec<Error> {
        std::mem::take(&mut self.lock().waiting)
    }

    pub(super) fn plan(&self, files: u64, bytes: u64) {
        self.change(|now| {
            now.files_total += files;
            now.bytes_total += bytes;
        });
    }

    pub(super) fn file_done(&self) {
        self.change(|now| now.files_done += 1);
    }

    pub(super) fn fail(&self, error: Error) {
        use crate::error::ErrorKind::UnsafePath;

        let mut failures = self.lock();
        let summary = &mut failures.summary;
        summary.count += 1;
        if summary.named.len() < NAMED {
            summary.named.push(error.to_string());
        }
        if summary.kind.is_none_or(|kind| kind == UnsafePath) {
            summary.kind = Some(error.kind());
        }
        failures.waiting.push(error);
    }

    /// What has failed so far; forgotten with this, so that a meter can serve another call.
    pub(super) fn take_summary(&self) -> Summary {
        std::mem::take(&mut self.lock().summary)
    }

    fn change(&self, change: impl FnOnce(&mut TransferProgress)) {
        self.0.progress.send_modify(change);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Failures> {
        self.0
            .failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The share of one file.
#[derive(Debug)]
pub(super) struct FileMeter {
    meter: Meter,
    /// As counted in the total.
    size: u64,
    done: u64,
}

impl FileMeter {
    /// `size` is what the plan counted.
    pub fn new(meter: Meter, size: u64) -> Self {
        FileMeter {
            meter,
            size,
            done: 0,
        }
    }

    /// The file turns out to have that many bytes.
    pub fn resize(&mut self, size: u64) {
        if size != self.size {
            let before = std::mem::replace(&mut self.size, size);
            self.meter
                .change(|now| now.bytes_total = now.bytes_total - before + size);
        }
    }

    pub fn add(&mut self, bytes: u64) {
        self.done += bytes;
        self.meter.change(|now| now.bytes_done += bytes);
    }

    /// The file starts over.
    pub fn restart(&mut self) {
        let done = std::mem::take(&mut self.done);
        if done > 0 {
            self.meter.change(|now| now.bytes_done -= done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[tokio::test]
    async fn a_change_is_seen_once() {
        let meter = Meter::default();
        let start = meter.now();
        meter.plan(2, 100);
        let mut file = FileMeter::new(meter.clone(), 60);
        file.add(30);
        file.resize(50);

        let seen = meter.changed(start).await;

        assert_eq!((seen.bytes_done, seen.bytes_total), (30, 90));
        assert_eq!((seen.files_done, seen.files_total), (0, 2));
        file.restart();
        assert_eq!(meter.now().bytes_done, 0);
    }

    #[test]
    fn a_failure_beside_unsafe_paths_gives_the_kind() {
        let meter = Meter::default();
        for kind in [
            ErrorKind::UnsafePath,
            ErrorKind::AccessDenied,
            ErrorKind::Server,
        ] {
            meter.fail(Error::new(kind, "on purpose"));
        }

        assert_eq!(meter.take_failures().len(), 3);
        let summary = meter.take_summary();
        assert_eq!(
            (summary.count, summary.kind),
            (3, Some(ErrorKind::AccessDenied))
        );
        assert_eq!(meter.take_summary().count, 0);
    }
}
