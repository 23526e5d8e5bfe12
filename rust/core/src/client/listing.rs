//! Verbs on what lies below a prefix: list, scan, delete.

use std::collections::VecDeque;

use super::Client;
use crate::error::{Error, Result};
use crate::pattern::Selection;
use crate::split::SplitStore;
use crate::types::{DeleteFailure, Entry, Page, PageRequest};
use crate::uri::{Key, Uri};

/// Failed keys that a message names; the rest are counted.
const NAMED_FAILURES: usize = 3;

/// Entries and common prefixes of a listing, fetched a page at a time. Memory is one page.
#[derive(Debug)]
pub struct Scan {
    store: SplitStore,
    selection: Selection,
    request: PageRequest,
    last: bool,
    ready: VecDeque<Entry>,
}

impl Scan {
    /// The next entry in bytewise order of keys; `None` after the last. A common prefix ends in `/` and has size 0.
    ///
    /// # Errors
    /// Of the page request; a listing never ends early without one.
    pub async fn next(&mut self) -> Result<Option<Entry>> {
        while self.ready.is_empty() && !self.last {
            let page = self
                .store
                .inner()
                .list(&self.selection.prefix, &self.request)
                .await?;
            if page.next.is_some() && page.next == self.request.token {
                return Err(Error::new(
                    crate::ErrorKind::Server,
                    "the service repeats a page of the listing",
                ));
            }
            self.last = page.next.is_none();
            self.request.token.clone_from(&page.next);
            self.ready
                .extend(merged(page).filter(|entry| self.selection.matches(&entry.key)));
        }
        Ok(self.ready.pop_front())
    }
}

/// Entries and prefixes of a page as one run in bytewise order.
fn merged(page: Page) -> impl Iterator<Item = Entry> {
    let prefixes = page.prefixes.into_iter().map(|key| Entry {
        key,
        size: 0,
        etag: None,
        last_modified: None,
    });
    let mut all: Vec<Entry> = page.entries.into_iter().chain(prefixes).collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all.into_iter()
}

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
            let mut scan = self.start_scan(uri, recursive, pattern).await?;
            let mut keys = Vec::new();
            while let Some(entry) = scan.next().await? {
                open.span().first_byte();
                keys.push(entry.key);
            }
            // Pages come in order, but a common prefix may repeat across them.
            keys.sort_unstable();
            keys.dedup();
            Ok(keys)
        };
        let result = work.await;
        open.end(result, |keys: &Vec<String>| (0, keys.len() as u64))
    }

    /// As [`Client::list`], but entries as their pages arrive.
    ///
    /// # Errors
    /// `InvalidInput` for a bad pattern; the listing's own come from [`Scan::next`].
    pub async fn scan(&self, uri: &Uri, recursive: bool, pattern: Option<&str>) -> Result<Scan> {
        let open = self.begin("scan", uri);
        let result = self.start_scan(uri, recursive, pattern).await;
        open.end(result, |_| (0, 1))
    }

    async fn start_scan(&self, uri: &Uri, recursive: bool, pattern: Option<&str>) -> Result<Scan> {
        Ok(Scan {
            selection: Selection::new(uri, recursive, pattern)?,
            store: self.store(uri).await?,
            request: PageRequest {
                one_level: !recursive,
                token: None,
            },
            last: false,
            ready: VecDeque::new(),
        })
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
                    let failures = store
                        .inner()
                        .delete(std::slice::from_ref(uri.key()))
                        .await?;
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
        let mut scan = self.start_scan(uri, true, None).await?;
        let store = scan.store.clone();
        let batch_size = store.inner().info().capability.delete_batch;
        let (mut count, mut failures) = (0, Vec::new());
        let mut batch = Vec::with_capacity(batch_size);
        loop {
            let entry = scan.next().await?;
            let end = entry.is_none();
            batch.extend(entry.map(|entry| Key::new(entry.key)));
            if batch.len() == batch_size || (end && !batch.is_empty()) {
                count += batch.len() as u64;
                failures.extend(store.inner().delete(&batch).await?);
                batch.clear();
            }
            if end {
                break;
            }
        }
        store.inner().prune(uri.key()).await?;
        match summed_up(failures) {
            Some(error) => Err(error),
            None => Ok(count),
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
    let mut error = Error::new(first.kind(), detail);
    if let Some(code) = first.code() {
        error = error.with_code(code);
    }
    if let Some(errno) = first.errno() {
        error = error.with_errno(errno);
    }
    Some(error)
}
