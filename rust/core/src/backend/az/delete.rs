//! Deletes: one blob by itself, many by batches that answer for each.

use azure_core::http::Method;
use futures::{StreamExt as _, stream};

use super::{AzStore, keys};
use crate::error::{Error, ErrorKind, Result};
use crate::types::DeleteFailure;
use crate::uri::Key;

impl AzStore {
    pub(super) async fn delete_blobs(&self, all: &[Key]) -> Result<Vec<DeleteFailure>> {
        let mut failures = Vec::new();
        let mut plain = Vec::with_capacity(all.len());
        for key in all {
            match keys::check(key) {
                Ok(()) => plain.push(key),
                Err(error) => failures.push(failed(key, error)),
            }
        }
        let rest = if plain.len() == 1 {
            self.delete_singly(&plain).await
        } else {
            match self.delete_in_batch(plain.clone()).await {
                // Some endpoints know no batches, and some signatures allow none.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::Unsupported | ErrorKind::InvalidInput | ErrorKind::AccessDenied
                    ) =>
                {
                    tracing::info!(%error, "no batch; deleting one by one");
                    self.delete_singly(&plain).await
                }
                result => result?,
            }
        };
        failures.extend(rest);
        Ok(failures)
    }

    /// Keys that fail for a passing reason are tried again with the next batch.
    async fn delete_in_batch(&self, mut left: Vec<&Key>) -> Result<Vec<DeleteFailure>> {
        let mut attempts = self.session.attempts();
        let mut failures = Vec::new();
        while !left.is_empty() {
            let outcomes = self.delete_batch(&left, &mut attempts).await?;
            let mut passing = None;
            let mut again = Vec::new();
            for (key, outcome) in left.into_iter().zip(outcomes) {
                match outcome {
                    Err(failure) if failure.error.retryable() => {
                        again.push(key);
                        passing = Some(failure);
                    }
                    Err(failure) if is_gone(&failure.error) => {}
                    Err(failure) => failures.push(failed(key, failure.error)),
                    Ok(()) => {}
                }
            }
            left = again;
            if let Some(failure) = passing
                && let Err(error) = attempts.pause(failure).await
            {
                let (kind, detail) = (error.kind(), error.detail());
                let code = error.code().map(str::to_owned);
                failures.extend(left.drain(..).map(|key| {
                    let error = Error::new(kind, detail.clone()).with_attempts(attempts.count());
                    let error = match &code {
                        Some(code) => error.with_code(code),
                        None => error,
                    };
                    failed(key, error)
                }));
            }
        }
        Ok(failures)
    }

    async fn delete_singly(&self, keys: &[&Key]) -> Vec<DeleteFailure> {
        let keys: Vec<Key> = keys.iter().map(|key| (*key).clone()).collect();
        stream::iter(keys)
            .map(|key| self.try_one(key))
            .buffer_unordered(self.deletes)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    async fn try_one(&self, key: Key) -> Option<DeleteFailure> {
        let error = self.delete_one(&key).await.err()?;
        Some(failed(&key, error))
    }

    async fn delete_one(&self, key: &Key) -> Result<()> {
        let call = self
            .session
            .blob(Method::Delete, &self.container, key)?
            .header("x-ms-delete-snapshots", "include");
        let answer = self
            .session
            .ask(&call, 202, &mut self.session.attempts())
            .await;
        match answer {
            Err(error) if is_gone(&error) => Ok(()),
            answer => answer.map(drop),
        }
    }
}

/// A missing container is an error, a missing blob is what was wanted.
fn is_gone(error: &Error) -> bool {
    error.code() == Some("BlobNotFound")
}

fn failed(key: &Key, error: Error) -> DeleteFailure {
    DeleteFailure {
        key: key.as_str().to_owned(),
        error,
    }
}
