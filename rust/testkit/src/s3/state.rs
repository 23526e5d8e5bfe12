//! What the S3 service holds: buckets, objects, uploads in progress.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use super::error::{Result, S3Error};
use crate::checksum::{Algorithm, hex, md5};
use crate::http::{Content, Head};
use crate::options::Options;
use crate::synthetic::Synthetic;
use crate::xml::XmlWriter;

#[derive(Default)]
pub(super) struct State {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) uploads_made: u64,
}

pub(super) struct Bucket {
    pub(super) created: SystemTime,
    pub(super) objects: BTreeMap<String, Arc<Object>>,
    pub(super) synthetic: Option<Synthetic>,
    pub(super) uploads: BTreeMap<String, Upload>,
}

/// A finished object. Never changed, only replaced.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) content: Content,
    /// With its quotation marks.
    pub(super) etag: String,
    pub(super) checksum: Option<Checksum>,
    /// What the writer said of it and readers get back: type, encoding, metadata, class.
    pub(super) headers: Vec<(String, String)>,
    pub(super) modified: SystemTime,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    pub(super) value: String,
    /// Made from the checksums of the parts, and not from the bytes.
    pub(super) composite: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) composite: bool,
    pub(super) parts: BTreeMap<u32, Part>,
    pub(super) started: SystemTime,
}

#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) content: Content,
    pub(super) etag: String,
    /// The value in the upload's algorithm.
    pub(super) checksum: Option<String>,
    pub(super) modified: SystemTime,
}

/// What a listing tells of an object.
pub(super) struct Summary {
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) modified: SystemTime,
    pub(super) class: String,
    pub(super) algorithm: Option<Algorithm>,
}

impl State {
    pub(super) fn bucket(&mut self, name: &str) -> Result<&mut Bucket> {
        self.buckets
            .get_mut(name)
            .ok_or_else(S3Error::no_such_bucket)
    }
}

impl Bucket {
    pub(super) fn new() -> Self {
        Self {
            created: SystemTime::now(),
            objects: BTreeMap::new(),
            synthetic: None,
            uploads: BTreeMap::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.synthetic.as_ref().is_none_or(Synthetic::is_empty)
    }

    pub(super) fn find(&self, key: &str) -> Option<Arc<Object>> {
        if let Some(object) = self.objects.get(key) {
            return Some(object.clone());
        }
        let synthetic = self.synthetic.as_ref()?;
        let index = synthetic.find(key)?;
        Some(Arc::new(Object {
            content: synthetic.content(index),
            etag: synthetic_etag(index),
            checksum: None,
            headers: Vec::new(),
            modified: self.created,
        }))
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.objects.remove(key);
        if let Some(synthetic) = &mut self.synthetic
            && let Some(index) = synthetic.find(key)
        {
            synthetic.delete(index);
        }
    }

    /// The first key within `bound`; a stored object hides a synthetic one of the same key.
    pub(super) fn next(&self, bound: Bound<&str>) -> Option<(String, Summary)> {
        let stored = self
            .objects
            .range::<str, _>((bound, Bound::Unbounded))
            .next();
        let made = self.synthetic.as_ref().and_then(|synthetic| {
            let (key, index) = synthetic.next(bound)?;
            Some((key, index, synthetic.size()))
        });
        match (stored, made) {
            (Some((key, object)), None) => Some((key.clone(), object.summary())),
            (Some((key, object)), Some((other, ..))) if *key <= other => {
                Some((key.clone(), object.summary()))
            }
            (_, Some((key, index, size))) => Some((
                key,
                Summary {
                    size,
                    etag: synthetic_etag(index),
                    modified: self.created,
                    class: "STANDARD".to_owned(),
                    algorithm: None,
                },
            )),
            (None, None) => None,
        }
    }

    pub(super) fn upload(&mut self, key: &str, id: &str) -> Result<&mut Upload> {
        self.uploads
            .get_mut(id)
            .filter(|upload| upload.key == key)
            .ok_or_else(S3Error::no_such_upload)
    }
}

impl Object {
    /// An object written in one request.
    pub(super) fn new(
        content: Content,
        headers: Vec<(String, String)>,
        checksum: Option<Checksum>,
        options: &Options,
    ) -> Self {
        Self {
            etag: format!("\"{}\"", hex(&entity_digest(&content, options))),
            checksum: checksum.or_else(|| {
                options.default_checksum.then(|| Checksum {
                    algorithm: Algorithm::Crc64Nvme,
                    value: Algorithm::Crc64Nvme.encoded(&content),
                    composite: false,
                })
            }),
            content,
            headers,
            modified: SystemTime::now(),
        }
    }

    fn summary(&self) -> Summary {
        let class = self
            .headers
            .iter()
            .find(|(name, _)| name == "x-amz-storage-class");
        Summary {
            size: self.content.len(),
            etag: self.etag.clone(),
            modified: self.modified,
            class: class.map_or("STANDARD", |(_, class)| class).to_owned(),
            algorithm: self.checksum.as_ref().map(|checksum| checksum.algorithm),
        }
    }
}

impl Checksum {
    pub(super) fn kind(&self) -> &'static str {
        if self.composite {
            "COMPOSITE"
        } else {
            "FULL_OBJECT"
        }
    }

    /// As result documents carry it.
    pub(super) fn write(&self, xml: XmlWriter) -> XmlWriter {
        xml.text(&format!("Checksum{}", self.algorithm.name()), &self.value)
            .text("ChecksumType", self.kind())
    }
}

/// The 16 bytes that an ETag is made of.
pub(super) fn entity_digest(content: &Content, options: &Options) -> Vec<u8> {
    if options.md5_etags {
        return md5(content);
    }
    let mut bytes = Algorithm::Crc64Nvme.digest(content);
    bytes.extend_from_slice(&content.len().to_be_bytes());
    bytes
}

/// The headers of a write that are kept with the object.
pub(super) fn kept_headers(head: &Head) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in &head.headers {
        let value = match name.as_str() {
            // The outer coding is of this transfer, not of the object.
            "content-encoding" => value
                .split(',')
                .map(str::trim)
                .filter(|coding| *coding != "aws-chunked")
                .collect::<Vec<_>>()
                .join(","),
            "x-amz-storage-class" if value == "STANDARD" => continue,
            "content-type"
            | "cache-control"
            | "content-disposition"
            | "content-language"
            | "expires"
            | "x-amz-storage-class" => value.clone(),
            meta if meta.starts_with("x-amz-meta-") => value.clone(),
            _ => continue,
        };
        if !value.is_empty() {
            kept.push((name.clone(), value));
        }
    }
    if !kept.iter().any(|(name, _)| name == "content-type") {
        kept.push(("content-type".to_owned(), "binary/octet-stream".to_owned()));
    }
    kept
}

fn synthetic_etag(index: u64) -> String {
    format!("\"{index:032x}\"")
}
