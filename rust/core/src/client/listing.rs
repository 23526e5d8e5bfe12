//! Verbs on what lies below a prefix: list and delete.

use tokio::task::JoinSet;

use super::Client;
use crate::error::{Error, Result};
use crate::split::SplitStore;
use crate::types::DeleteFailure;
use crate::uri::{Key, Uri};

/// Failed keys that a message names; the rest are counted.
const NAMED_FAILURES: usize = 3;
/// Delete requests that one prefix has under way at once.
const BATCHES: usize = 8;

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
        let mut batches = Batches::default();
        let mut count = 0;
        while let Some(page) = pages.next().await? {
            let keys: Vec<Key> = page.into_iter().map(|entry| Key::new(entry.key)).collect();
            for batch in keys.chunks(batch_size) {
                count += batch.len() as u64;
                batches.send(&store, batch.to_vec()).await?;
            }
        }
        let failures = batches.finish().await?;
        let pruned = store.inner().prune(uri.key()).await;
        match failures.summed_up() {
            Some(error) => Err(error),
            None => pruned.map(|()| count),
        }
    }
}

/// Delete requests under way, and what the earlier ones could not remove.
#[derive(Default)]
struct Batches {
    tasks: JoinSet<Result<Vec<DeleteFailure>>>,
    failures: Failures,
}

impl Batches {
    /// Sends a request; waits while too many are under way.
    async fn send(&mut self, store: &SplitStore, keys: Vec<Key>) -> Result<()> {
        if self.tasks.len() >= BATCHES {
            self.collect().await?;
        }
        let store = store.clone();
        self.tasks.spawn(async move { store.delete(&keys).await });
        Ok(())
    }

    async fn finish(mut self) -> Result<Failures> {
        while !self.tasks.is_empty() {
            self.collect().await?;
        }
        Ok(self.failures)
    }

    async fn collect(&mut self) -> Result<()> {
        if let Some(finished) = self.tasks.join_next().await {
            self.failures.extend(finished??);
        }
        Ok(())
    }
}

/// Keys that could not be removed: their number, and the first ones.
#[derive(Default)]
struct Failures {
    count: usize,
    first: Vec<DeleteFailure>,
}

impl Failures {
    fn extend(&mut self, failures: Vec<DeleteFailure>) {
        self.count += failures.len();
        let room = NAMED_FAILURES - self.first.len();
        self.first.extend(failures.into_iter().take(room));
    }

    /// One error for all of them.
    fn summed_up(self) -> Option<Error> {
        let keys: Vec<&str> = self.first.iter().map(|one| one.key.as_str()).collect();
        let first = &self.first.first()?.error;
        let detail = format!(
            "{} keys could not be deleted, among them {}: {first}",
            self.count,
            keys.join(", ")
        );
        Some(first.clone().with_detail(detail))
    }
}
