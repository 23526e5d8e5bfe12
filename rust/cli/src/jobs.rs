//! One job per object, a bounded number of them under way, failures named and counted.

use std::future::Future;

use s3dlio::{Error, Result};
use tokio::task::JoinSet;

use crate::exit::{self, Failure};
use crate::progress::Progress;

/// So many failures without a success between them, and the rest would fail as well.
const GIVE_UP_AFTER: u64 = 32;

/// How many objects a command has dealt with, and how.
#[derive(Debug, Default)]
pub struct Tally {
    pub objects: u64,
    pub bytes: u64,
    pub failed: u64,
    /// Since the last success.
    failed_in_a_row: u64,
    /// Of the failures, while they all have the same.
    code: Option<u8>,
    /// Why what was to come is not known.
    cut_short: Option<Error>,
}

impl Tally {
    fn count(&mut self, result: &Result<u64>) {
        match result {
            Ok(bytes) => {
                self.bytes += bytes;
                self.succeeded(1);
            }
            Err(error) => self.failed(error),
        }
    }

    pub fn succeeded(&mut self, objects: u64) {
        self.objects += objects;
        self.failed_in_a_row = 0;
    }

    pub fn failed(&mut self, error: &Error) {
        let code = exit::code_of(error.kind());
        let same = self.failed == 0 || self.code == Some(code);
        self.code = same.then_some(code);
        self.failed += 1;
        self.failed_in_a_row += 1;
    }

    /// There may have been more objects.
    pub fn cut_short(&mut self, error: Error) {
        self.cut_short = Some(error);
    }

    fn hopeless(&self) -> bool {
        self.failed_in_a_row >= GIVE_UP_AFTER
    }

    /// A failure if there was one. Its code tells what kind only if nothing else happened.
    pub fn end(self) -> Result<(), Failure> {
        if let Some(error) = self.cut_short {
            return Err(error.into());
        }
        if self.failed == 0 {
            return Ok(());
        }
        let code = self
            .code
            .filter(|_| self.objects == 0)
            .unwrap_or(exit::FAILED);
        Err(Failure::Objects {
            code,
            failed: self.failed,
            gave_up: self.hopeless(),
        })
    }
}

/// Runs the jobs that `next` gives, each of which gives the bytes it moved, and names each failure. Memory is that of the
/// jobs under way.
pub async fn run<F>(
    mut next: impl AsyncFnMut() -> Result<Option<F>>,
    at_once: u32,
    progress: &Progress,
    name: impl Fn(&Error),
) -> Tally
where
    F: Future<Output = Result<u64>> + Send + 'static,
{
    let mut tally = Tally::default();
    let mut tasks = JoinSet::new();
    let mut more = true;
    loop {
        while more && tasks.len() < at_once as usize {
            match next().await {
                Ok(Some(job)) => drop(tasks.spawn(job)),
                Ok(None) => more = false,
                Err(error) => {
                    tally.cut_short(error);
                    more = false;
                }
            }
        }
        let Some(finished) = tasks.join_next().await else {
            break;
        };
        let result = finished.map_err(Error::from).flatten();
        tally.count(&result);
        progress.object();
        if let Err(error) = &result {
            progress.suspend(|| name(error));
        }
        if tally.hopeless() {
            tasks.shutdown().await;
            break;
        }
    }
    progress.end();
    tally
}

#[cfg(test)]
mod tests {
    use s3dlio::ErrorKind;

    use super::*;

    async fn tally_of(jobs: Vec<Result<u64>>) -> Tally {
        let mut work = jobs.into_iter().map(|result| async move { result });
        run(async || Ok(work.next()), 4, &Progress::default(), |_| ()).await
    }

    fn failure(kind: ErrorKind) -> Result<u64> {
        Err(Error::new(kind, "on purpose"))
    }

    fn code(tally: Tally) -> u8 {
        tally
            .end()
            .err()
            .map_or(exit::DONE, |failure| failure.exit_code())
    }

    #[tokio::test]
    async fn successes_are_summed() {
        let tally = tally_of(vec![Ok(3), Ok(4), Ok(0)]).await;

        assert_eq!((tally.objects, tally.bytes, tally.failed), (3, 7, 0));
        assert_eq!(code(tally), 0);
    }

    #[tokio::test]
    async fn a_failure_does_not_stop_the_others() {
        let mut jobs = vec![failure(ErrorKind::NotFound)];
        jobs.extend((0..100).map(Ok));

        let tally = tally_of(jobs).await;

        assert_eq!((tally.objects, tally.failed), (100, 1));
        assert_eq!(code(tally), 1);
    }

    #[tokio::test]
    async fn the_code_tells_the_kind_if_all_failed_alike() {
        let denied = || failure(ErrorKind::AccessDenied);

        assert_eq!(code(tally_of(vec![denied(), denied()]).await), 4);
        assert_eq!(
            code(tally_of(vec![denied(), failure(ErrorKind::Server)]).await),
            1
        );
        assert_eq!(
            code(tally_of(vec![denied(), failure(ErrorKind::Server), denied()]).await),
            1
        );
        assert_eq!(code(tally_of(vec![denied(), Ok(1)]).await), 1);
    }

    #[tokio::test]
    async fn what_ends_before_its_end_is_an_error() {
        let mut given = 0;
        let next = async || {
            given += 1;
            match given {
                1..=10 => Ok(Some(async { Ok(5) })),
                _ => Err(Error::new(ErrorKind::AccessDenied, "on purpose")),
            }
        };

        let tally = run(next, 4, &Progress::default(), |_| ()).await;

        assert_eq!((tally.objects, tally.bytes), (10, 50));
        assert_eq!(code(tally), 4);
    }

    #[tokio::test]
    async fn nothing_but_failures_ends_early() {
        let tally = tally_of(
            (0..1000)
                .map(|_| failure(ErrorKind::ConnectionFailed))
                .collect(),
        )
        .await;

        assert_eq!(tally.failed, GIVE_UP_AFTER);
        assert_eq!(code(tally), 5);
    }
}
