//! `object_store`'s trait over a `Client`, with a place as the root of all paths.

use std::fmt;
use std::ops::Range;
use std::time::SystemTime;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Attributes, CopyMode, CopyOptions, Error, Extensions, GetOptions, GetResult, GetResultPayload,
    ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result,
};
use s3dlio::{Client, Entry, ErrorKind, Payload, Scan, Uri, WriteOptions};

use super::upload::Parts;
use crate::place::Place;

/// Bytes that a read holds at once.
const MEMORY: u64 = 64 << 20;

#[derive(Debug, Clone)]
pub struct Adapter {
    client: Client,
    base: Uri,
}

impl Adapter {
    pub fn new(place: &Place) -> Self {
        Adapter {
            client: place.client.clone(),
            base: place.base.clone(),
        }
    }

    fn uri(&self, location: &Path) -> Uri {
        self.base.join(location.as_ref())
    }

    /// What lies below a path, or everything.
    fn below(&self, prefix: Option<&Path>) -> Uri {
        match prefix {
            Some(prefix) if !prefix.as_ref().is_empty() => self.base.join(&format!("{prefix}/")),
            _ => self.base.clone(),
        }
    }

    fn location(&self, key: &str) -> Result<Path> {
        let name = key
            .strip_prefix(self.base.key().as_str())
            .expect("listings stay below their prefix");
        Ok(Path::parse(name.trim_end_matches('/'))?)
    }

    fn meta(&self, entry: Entry) -> Result<ObjectMeta> {
        Ok(ObjectMeta {
            location: self.location(&entry.key)?,
            last_modified: entry.last_modified.unwrap_or(SystemTime::UNIX_EPOCH).into(),
            size: entry.size,
            e_tag: entry.etag,
            version: None,
        })
    }

    async fn scan(&self, prefix: Option<&Path>, recursive: bool) -> Result<Scan> {
        let scan = self.client.scan(&self.below(prefix), recursive, None).await;
        scan.map_err(|error| translated(error, prefix.unwrap_or(&Path::default())))
    }

    async fn read(
        &self,
        location: &Path,
        range: Option<Range<u64>>,
    ) -> Result<BoxStream<'static, Result<bytes::Bytes>>> {
        let (offset, length) = match range {
            Some(range) => (range.start, Some(range.end - range.start)),
            None => (0, None),
        };
        let pieces = self
            .client
            .pieces(&self.uri(location), offset, length, MEMORY)
            .await
            .map_err(|error| translated(error, location))?;
        let location = location.clone();
        let stream = stream::try_unfold(pieces, move |mut pieces| {
            let location = location.clone();
            async move {
                let piece = pieces.next().await;
                let piece = piece.map_err(|error| translated(error, &location))?;
                Ok(piece.map(|piece| (piece.into_bytes(), pieces)))
            }
        });
        Ok(stream.boxed())
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.base)
    }
}

#[async_trait]
impl ObjectStore for Adapter {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let if_none_match = match options.mode {
            PutMode::Overwrite => false,
            PutMode::Create => true,
            PutMode::Update(_) => return Err(missing("replacing a known version")),
        };
        refuse_attributes(&options.attributes)?;
        let options = WriteOptions {
            if_none_match,
            ..WriteOptions::default()
        };
        let body = Payload::new(payload.into_iter().collect());
        let put = self.client.put(&self.uri(location), body, &options).await;
        put.map(put_result)
            .map_err(|error| translated(error, location))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        refuse_attributes(&options.attributes)?;
        let writer = self
            .client
            .writer(&self.uri(location), &WriteOptions::default())
            .await
            .map_err(|error| translated(error, location))?;
        Ok(Box::new(Parts::new(writer, location.clone())))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.version.is_some() {
            return Err(missing("reading an older version"));
        }
        let stat = self.client.stat(&self.uri(location)).await;
        let stat = stat.map_err(|error| translated(error, location))?;
        let meta = ObjectMeta {
            location: location.clone(),
            last_modified: stat.last_modified.unwrap_or(SystemTime::UNIX_EPOCH).into(),
            size: stat.size,
            e_tag: stat.etag,
            version: None,
        };
        options.check_preconditions(&meta)?;
        let wanted = match &options.range {
            Some(range) => Some(range.as_range(meta.size).map_err(generic)?),
            None => None,
        };
        let range = wanted.clone().unwrap_or(0..meta.size);
        let body = match options.head {
            true => stream::empty().boxed(),
            false => self.read(location, wanted).await?,
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(body),
            meta,
            range,
            attributes: Attributes::default(),
            extensions: Extensions::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let adapter = self.clone();
        let delete = move |location: Path| {
            let adapter = adapter.clone();
            async move {
                let deleted = adapter.client.delete(&adapter.uri(&location)).await;
                deleted.map_err(|error| translated(error, &location))?;
                Ok(location)
            }
        };
        locations.and_then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (adapter, prefix) = (self.clone(), prefix.cloned());
        let entries = async move {
            let scan = adapter.scan(prefix.as_ref(), true).await?;
            Ok::<_, Error>(stream::try_unfold(scan, move |mut scan| {
                let adapter = adapter.clone();
                async move {
                    match scan.next().await.map_err(generic)? {
                        Some(entry) => Ok(Some((adapter.meta(entry)?, scan))),
                        None => Ok(None),
                    }
                }
            }))
        };
        stream::once(entries).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut scan = self.scan(prefix, false).await?;
        let (mut common_prefixes, mut objects) = (Vec::new(), Vec::new());
        while let Some(entry) = scan.next().await.map_err(generic)? {
            match entry.key.ends_with('/') {
                true => common_prefixes.push(self.location(&entry.key)?),
                false => objects.push(self.meta(entry)?),
            }
        }
        Ok(ListResult {
            common_prefixes,
            objects,
            extensions: Extensions::default(),
        })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (source, target) = (self.uri(from), self.uri(to));
        match options.mode {
            CopyMode::Overwrite => {
                let copied = self.client.copy(&source, &target).await;
                copied.map_err(|error| translated(error, from))?;
            }
            // No copy has a condition, but a write has.
            CopyMode::Create => {
                let body = self.client.get(&source).await;
                let body = body.map_err(|error| translated(error, from))?;
                let body = PutPayload::from(body.into_bytes());
                self.put_opts(to, body, PutMode::Create.into()).await?;
            }
        }
        Ok(())
    }
}

pub(super) fn put_result(put: s3dlio::PutResult) -> PutResult {
    PutResult {
        e_tag: put.etag,
        version: put.version_id,
        extensions: Extensions::default(),
    }
}

pub(super) fn translated(error: s3dlio::Error, location: &Path) -> Error {
    let path = location.to_string();
    match error.kind() {
        ErrorKind::NotFound => Error::NotFound {
            path,
            source: error.into(),
        },
        ErrorKind::AlreadyExists => Error::AlreadyExists {
            path,
            source: error.into(),
        },
        ErrorKind::Precondition => Error::Precondition {
            path,
            source: error.into(),
        },
        _ => generic(error),
    }
}

pub(super) fn generic(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic {
        store: "s3dlio",
        source: error.into(),
    }
}

fn missing(operation: &str) -> Error {
    Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: "s3dlio".to_owned(),
    }
}

fn refuse_attributes(attributes: &Attributes) -> Result<()> {
    match attributes.is_empty() {
        true => Ok(()),
        false => Err(missing("attributes")),
    }
}
