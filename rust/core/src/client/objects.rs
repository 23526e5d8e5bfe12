//! Verbs on one object or one container.

use super::Client;
use crate::buffer::{Buffer, IoBufMut};
use crate::error::{ErrorKind, Result};
use crate::payload::Payload;
use crate::span::Span;
use crate::split::{Download, Upload};
use crate::types::{ByteRange, ObjectMeta, PutResult, WriteOptions};
use crate::uri::Uri;

impl Client {
    /// A whole object.
    ///
    /// # Errors
    /// `NotFound`, `AccessDenied`; `Integrity` if the bytes do not match the stored checksum.
    pub async fn get(&self, uri: &Uri) -> Result<Buffer> {
        let open = self.begin("get", uri);
        let result = self.read(uri, ByteRange::Whole, open.span()).await;
        open.end(result, |buffer| (buffer.len() as u64, 1))
    }

    /// The bytes from `offset` on, `length` of them or all; a range that runs past the end gives what there is.
    ///
    /// # Errors
    /// `InvalidInput` with code `InvalidRange` for an offset beyond the end, or at the end of an object that is not empty.
    pub async fn get_range(&self, uri: &Uri, offset: u64, length: Option<u64>) -> Result<Buffer> {
        let open = self.begin("get_range", uri);
        let range = match length {
            None if offset == 0 => ByteRange::Whole,
            None => ByteRange::From(offset),
            Some(len) => ByteRange::Bounded { offset, len },
        };
        let result = self.read(uri, range, open.span()).await;
        open.end(result, |buffer| (buffer.len() as u64, 1))
    }

    async fn read(&self, uri: &Uri, range: ByteRange, span: &Span) -> Result<Buffer> {
        let store = self.object(uri).await?;
        if let ByteRange::Bounded { len: 0, .. } = range {
            // No request can ask for nothing, but the object must exist and the offset be in it.
            let size = store.stat(uri.key()).await?.size;
            range.len_in(size)?;
            return Ok(self.pool().take(0)?.freeze());
        }
        store.read(uri.key(), range, span).await
    }

    /// Fills `destination` from `offset` on and gives it back.
    ///
    /// # Errors
    /// `ShortRead` if the object ends before the destination does.
    pub async fn read_into(
        &self,
        uri: &Uri,
        offset: u64,
        destination: IoBufMut,
    ) -> Result<IoBufMut> {
        let open = self.begin("read_into", uri);
        let work = async {
            let store = self.object(uri).await?;
            store
                .read_into(uri.key(), offset, destination, open.span())
                .await
        };
        let result = work.await;
        open.end(result, |filled| (filled.len() as u64, 1))
    }

    /// Writes a whole object, atomically: readers see what was there before, or all of it.
    ///
    /// # Errors
    /// `AlreadyExists` where `if_none_match` met an object; `NotFound` where the bucket is missing.
    pub async fn put(&self, uri: &Uri, body: Payload, options: &WriteOptions) -> Result<PutResult> {
        let open = self.begin("put", uri);
        let work = async {
            let store = self.object(uri).await?;
            store.write(uri.key(), &body, options).await
        };
        let result = work.await;
        open.end(result, |put| (put.size, 1))
    }

    /// An object to be written piece by piece; `expected` bytes, if known, size the parts.
    ///
    /// # Errors
    /// `InvalidInput` for a key that the store cannot hold.
    pub(crate) async fn upload(
        &self,
        uri: &Uri,
        options: &WriteOptions,
        expected: Option<u64>,
    ) -> Result<Upload> {
        let store = self.object(uri).await?;
        Ok(store.upload(uri.key(), options.clone(), expected))
    }

    /// All of an object as buffers in order, at most `memory` bytes of it held at once.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(crate) async fn stream(&self, uri: &Uri, memory: u64, span: &Span) -> Result<Download> {
        self.object(uri)
            .await?
            .stream(uri.key(), memory, span)
            .await
    }

    /// What the service tells about an object.
    ///
    /// # Errors
    /// `NotFound`, `AccessDenied`.
    pub async fn stat(&self, uri: &Uri) -> Result<ObjectMeta> {
        let open = self.begin("stat", uri);
        let work = async { self.object(uri).await?.stat(uri.key()).await };
        let result = work.await;
        open.end(result, |_| (0, 1))
    }

    /// Whether there is an object of exactly this key: a directory or a prefix is none. `false` only after a definite
    /// answer.
    ///
    /// # Errors
    /// Everything but `NotFound`.
    pub async fn exists(&self, uri: &Uri) -> Result<bool> {
        let open = self.begin("exists", uri);
        let work = async {
            uri.require_object()?;
            // No path of a file ends in `/`.
            if uri.scheme().is_local() && uri.key().is_prefix() {
                return Ok(false);
            }
            let found = self.object(uri).await?.stat(uri.key()).await;
            found.map(|_| true)
        };
        let result = match work.await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            answer => answer,
        };
        open.end(result, |_| (0, 1))
    }

    /// Moves an object to another access tier of Azure: `Hot`, `Cool`, `Cold` or `Archive`, in any case.
    ///
    /// # Errors
    /// `InvalidInput` for another word; `NotFound`; `Unsupported` on every other scheme.
    pub async fn set_tier(&self, uri: &Uri, tier: &str) -> Result<()> {
        let open = self.begin("set_tier", uri);
        let work = async {
            self.object(uri)
                .await?
                .inner()
                .set_tier(uri.key(), tier)
                .await
        };
        let result = work.await;
        open.end(result, |()| (0, 1))
    }

    /// Makes the bucket or container of `uri`; for local schemes the directory.
    ///
    /// # Errors
    /// `AlreadyExists`.
    pub async fn create_bucket(&self, uri: &Uri) -> Result<()> {
        let open = self.begin("create_bucket", uri);
        let work = async {
            uri.require_no_object()?;
            self.store(uri)
                .await?
                .inner()
                .create_container(uri.key())
                .await
        };
        let result = work.await;
        open.end(result, |()| (0, 1))
    }

    /// Makes the bucket or container of `uri`, or for local schemes its directory, unless it is there.
    ///
    /// # Errors
    /// As [`Client::create_bucket`] but for `AlreadyExists`.
    pub async fn ensure_bucket(&self, uri: &Uri) -> Result<()> {
        let made = match uri.scheme().is_local() {
            true => self.create_bucket(uri).await,
            false => self.create_bucket(&uri.root()).await,
        };
        match made {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// Removes a bucket, container or directory that holds nothing.
    ///
    /// # Errors
    /// `NotEmpty`, `NotFound`.
    pub async fn delete_bucket(&self, uri: &Uri) -> Result<()> {
        let open = self.begin("delete_bucket", uri);
        let work = async {
            uri.require_no_object()?;
            self.store(uri)
                .await?
                .inner()
                .delete_container(uri.key())
                .await
        };
        let result = work.await;
        open.end(result, |()| (0, 1))
    }
}
