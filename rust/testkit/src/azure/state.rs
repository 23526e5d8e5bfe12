//! What the Azure service holds: containers, blobs, blocks not yet committed.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use super::error::{AzureError, Result};
use crate::http::{Content, Head};
use crate::synthetic::Synthetic;

#[derive(Default)]
pub(super) struct State {
    pub(super) containers: BTreeMap<String, Container>,
    writes: u64,
}

pub(super) struct Container {
    pub(super) created: SystemTime,
    pub(super) etag: String,
    pub(super) blobs: BTreeMap<String, Arc<Blob>>,
    pub(super) synthetic: Option<Synthetic>,
    /// By blob: the blocks put since it was last committed, in the order of their first put.
    pub(super) staged: BTreeMap<String, Vec<Block>>,
}

/// A committed blob. Never changed, only replaced.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    pub(super) content: Content,
    pub(super) etag: String,
    /// In base64, where the service has one of the whole.
    pub(super) md5: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    /// None is the account's default.
    pub(super) tier: Option<String>,
    pub(super) blocks: Vec<Block>,
    pub(super) modified: SystemTime,
}

#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) id: String,
    pub(super) content: Content,
}

impl State {
    pub(super) fn container(&mut self, name: &str) -> Result<&mut Container> {
        self.containers
            .get_mut(name)
            .ok_or_else(AzureError::container_not_found)
    }

    /// An ETag that no other write has; Azure's are no digests.
    pub(super) fn next_etag(&mut self) -> String {
        self.writes += 1;
        format!("\"0x8D{:013X}\"", self.writes)
    }
}

impl Container {
    pub(super) fn new(etag: String) -> Self {
        Self {
            created: SystemTime::now(),
            etag,
            blobs: BTreeMap::new(),
            synthetic: None,
            staged: BTreeMap::new(),
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Blob>> {
        if let Some(blob) = self.blobs.get(name) {
            return Some(blob.clone());
        }
        let synthetic = self.synthetic.as_ref()?;
        let index = synthetic.find(name)?;
        Some(Arc::new(
            self.synthetic_blob(index, synthetic.content(index)),
        ))
    }

    /// Whether there was one to remove.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        if self.blobs.remove(name).is_some() {
            return true;
        }
        let synthetic = self.synthetic.as_mut();
        let found = synthetic.and_then(|synthetic| Some((synthetic.find(name)?, synthetic)));
        found
            .map(|(index, synthetic)| synthetic.delete(index))
            .is_some()
    }

    /// The first blob within `bound`, with its size; a stored one hides a synthetic one.
    pub(super) fn next(&self, bound: Bound<&str>) -> Option<(String, (Arc<Blob>, u64))> {
        let stored = self.blobs.range::<str, _>((bound, Bound::Unbounded)).next();
        let made = self.synthetic.as_ref().and_then(|synthetic| {
            let (name, index) = synthetic.next(bound)?;
            Some((name, index, synthetic.size()))
        });
        match (stored, made) {
            (Some((name, blob)), made) if made.as_ref().is_none_or(|(other, ..)| name <= other) => {
                Some((name.clone(), (blob.clone(), blob.content.len())))
            }
            (_, Some((name, index, size))) => {
                let blob = self.synthetic_blob(index, Content::default());
                Some((name, (Arc::new(blob), size)))
            }
            _ => None,
        }
    }

    fn synthetic_blob(&self, index: u64, content: Content) -> Blob {
        Blob {
            content,
            etag: format!("\"0x9D{index:013X}\""),
            md5: None,
            headers: Vec::new(),
            tier: None,
            blocks: Vec::new(),
            modified: self.created,
        }
    }
}

/// The headers of a write that are kept with the blob, by the names that reads give them.
pub(super) fn kept_headers(head: &Head) -> Vec<(String, String)> {
    const NAMES: [(&str, &str); 5] = [
        ("x-ms-blob-content-type", "content-type"),
        ("x-ms-blob-content-encoding", "content-encoding"),
        ("x-ms-blob-content-language", "content-language"),
        ("x-ms-blob-content-disposition", "content-disposition"),
        ("x-ms-blob-cache-control", "cache-control"),
    ];
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in &head.headers {
        let alias = NAMES.iter().find(|(given, _)| given == name);
        let shown = match alias {
            Some((_, shown)) => shown,
            None if name.starts_with("x-ms-meta-") => name.as_str(),
            None => continue,
        };
        kept.push((shown.to_owned(), value.clone()));
    }
    if !kept.iter().any(|(name, _)| name == "content-type") {
        // Of a block list, Content-Type is that of the list itself.
        let of_body = head
            .header("content-type")
            .filter(|_| head.query("comp").is_none());
        let value = of_body.unwrap_or("application/octet-stream");
        kept.push(("content-type".to_owned(), value.to_owned()));
    }
    kept
}
