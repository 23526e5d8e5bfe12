//! Verbs on what lies below a prefix: list and delete.

use super::Client;
use crate::error::{Error, Result};
use crate::types::DeleteFailure;
use crate::uri::{Key, Uri};

/// Failed keys that a message names; the rest are counted.
const NAMED_FAILURES: usize = 3;

impl Client {
    /// Keys (without the bucket) below the URI's last `/`, in bytewise order; what follows that `/`, or `pattern`, is a
    /// regular expression that must match the whole rest of the key, or, when not recursive, its first component.
    ///
    /// # Errors
    /// `NotFound` for a missing bucket; a missing directory is an empty list.
    pub async fn list(
        &self,
        uri: &Uri,
        recursive: bool,
        pattern: Option<&str>,
    ) -> Result<Vec<String>> {
        let open = self.begin("list", uri);
        let work = async {
            let mut pages = self.pages(uri, recursive, pattern).await?;
            let mut keys = Vec::new();
            while let Some(page) = pages.next().await? {
                open.span().first_byte();
                keys.extend(page.into_iter().map(|entry| entry.key));
            }
            // Pages come in order, but a common prefix may repeat across them.
            keys.sort_unstable();
            keys.dedup();
            Ok(keys)
        };
        let result = work.await;
        open.end(result, |keys: &Vec<String>| (0, keys.len() as u64))
    }

    /// Removes one object, or everything below a URI that ends in `/`. A missing key is success.
    /// Gives the number of keys that were named.
    ///
    /// # Errors
    /// The first failure, with the number of keys that could not be removed; the others are.
    pub async fn delete(&self, uri: &Uri) -> Result<u64> {
        let open = self.begin("delete", uri);
        let work = async {
            match uri.is_prefix() {
                true => self.delete_prefix(uri).await,
                false => {
                    let store = self.object(uri).await?;
                    let failures = store.delete(std::slice::from_ref(uri.key())).await?;
                    failures
                        .into_iter()
                        .next()
                        .map_or(Ok(1), |failure| Err(failure.error))
                }
            }
        };
        let result = work.await;
        open.end(result, |count| (0, *count))
    }

    async fn delete_prefix(&self, uri: &Uri) -> Result<u64> {
        let mut pages = self.pages(uri, true, None).await?;
        let store = pages.store().clone();
        let batch_size = store.inner().info().capability.delete_batch;
        let (mut count, mut failures) = (0, Vec::new());
        while let Some(page) = pages.next().await? {
            let keys: Vec<Key> = page.into_iter().map(|entry| Key::new(entry.key)).collect();
            for batch in keys.chunks(batch_size) {
                count += batch.len() as u64;
                failures.extend(store.delete(batch).await?);
            }
        }
        let pruned = store.inner().prune(uri.key()).await;
        match summed_up(failures) {
            Some(error) => Err(error),
            None => pruned.map(|()| count),
        }
    }
}

/// One error for all keys of a batch that could not be removed.
fn summed_up(failures: Vec<DeleteFailure>) -> Option<Error> {
    let count = failures.len();
    let names: Vec<String> = failures
        .iter()
        .take(NAMED_FAILURES)
        .map(|failure| failure.key.clone())
        .collect();
    let first = failures.into_iter().next()?.error;
    let detail = format!(
        "{count} keys could not be deleted, among them {}: {first}",
        names.join(", ")
    );
    Some(first.with_detail(detail))
}
