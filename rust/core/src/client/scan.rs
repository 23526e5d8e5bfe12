//! A listing as its pages arrive.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::pattern::Selection;
use crate::split::SplitStore;
use crate::types::{Entry, Page, PageRequest};
use crate::uri::Uri;

impl Client {
    /// As [`Client::list`], but entries as their pages arrive.
    ///
    /// # Errors
    /// `InvalidInput` for a bad pattern; the listing's own come from [`Scan::next`].
    pub async fn scan(&self, uri: &Uri, recursive: bool, pattern: Option<&str>) -> Result<Scan> {
        let pages = self.pages(uri, recursive, pattern).await;
        Ok(Scan {
            client: self.clone(),
            uri: uri.clone(),
            pages: pages.map_err(|error| error.at("list", uri))?,
            ready: VecDeque::new(),
        })
    }

    pub(super) async fn pages(
        &self,
        uri: &Uri,
        recursive: bool,
        pattern: Option<&str>,
    ) -> Result<Pages> {
        Ok(Pages {
            selection: Selection::new(uri, recursive, pattern)?,
            store: self.store(uri).await?,
            request: PageRequest {
                one_level: !recursive,
                ..PageRequest::default()
            },
            seen: HashSet::new(),
            last_prefix: None,
            end: false,
        })
    }
}

/// Entries and common prefixes of a listing, fetched a page at a time. Memory is one page.
#[derive(Debug)]
pub struct Scan {
    client: Client,
    uri: Uri,
    pages: Pages,
    ready: VecDeque<Entry>,
}

impl Scan {
    /// The next entry in bytewise order of keys; `None` after the last. A common prefix ends in `/` and has size 0.
    ///
    /// # Errors
    /// Of the page request; a listing never ends early without one.
    pub async fn next(&mut self) -> Result<Option<Entry>> {
        if self.ready.is_empty() {
            self.ready = self.fetch().await?.into();
        }
        Ok(self.ready.pop_front())
    }

    /// What is left of the page at hand, or the next page; nothing after the last.
    ///
    /// # Errors
    /// As [`Scan::next`].
    pub async fn next_page(&mut self) -> Result<Vec<Entry>> {
        if self.ready.is_empty() {
            return self.fetch().await;
        }
        Ok(std::mem::take(&mut self.ready).into())
    }

    /// The next page of which the pattern left anything. Each request is an operation of its own: between them, time is
    /// the caller's.
    async fn fetch(&mut self) -> Result<Vec<Entry>> {
        loop {
            let open = self.client.begin("list", &self.uri);
            let result = self.pages.next().await;
            if result.is_ok() {
                open.span().first_byte();
            }
            let count = |page: &Option<Vec<Entry>>| (0, page.as_ref().map_or(0, Vec::len) as u64);
            match open.end(result, count)? {
                Some(page) if page.is_empty() => {}
                page => return Ok(page.unwrap_or_default()),
            }
        }
    }
}

/// The pages of a listing, each as what is asked for of it.
#[derive(Debug)]
pub(super) struct Pages {
    store: SplitStore,
    selection: Selection,
    request: PageRequest,
    /// Of the tokens that led on.
    seen: HashSet<u64>,
    /// A common prefix may end one page and begin the next.
    last_prefix: Option<String>,
    end: bool,
}

impl Pages {
    pub fn store(&self) -> &SplitStore {
        &self.store
    }

    /// The next page, which may be empty; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Entry>>> {
        if self.end {
            return Ok(None);
        }
        let prefix = &self.selection.prefix;
        let page = self.store.list(prefix, &self.request).await?;
        let senseless = |detail: String| Error::new(ErrorKind::Server, detail);
        if let Some(token) = &page.next
            && !self.seen.insert(hash(token))
        {
            return Err(senseless(
                "the listing leads back to a page before it".to_owned(),
            ));
        }
        let names = page.entries.iter().map(|entry| &entry.key);
        if let Some(outside) = names
            .chain(&page.prefixes)
            .find(|name| !name.starts_with(prefix.as_str()))
        {
            return Err(senseless(format!(
                "the listing names {outside:?}, which is not below {:?}",
                prefix.as_str()
            )));
        }
        self.end = page.next.is_none();
        self.request.token.clone_from(&page.next);
        let last_prefix = page.prefixes.last().cloned();
        let mut entries = merged(page);
        entries.retain(|entry| {
            self.selection.matches(&entry.key) && self.last_prefix.as_ref() != Some(&entry.key)
        });
        self.last_prefix = last_prefix;
        Ok(Some(entries))
    }
}

/// A listing of millions has thousands of tokens, and they are long.
fn hash(token: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    token.hash(&mut hasher);
    hasher.finish()
}

/// Entries and prefixes of a page as one run in bytewise order.
fn merged(page: Page) -> Vec<Entry> {
    let prefixes = page.prefixes.into_iter().map(|key| Entry {
        key,
        size: 0,
        etag: None,
        last_modified: None,
    });
    let mut all: Vec<Entry> = page.entries.into_iter().chain(prefixes).collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}
