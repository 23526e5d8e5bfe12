//! Writes: one request up to a part, then concurrent parts; an upload that is dropped is aborted.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::{PER_OBJECT, SplitStore, part_size};
use crate::checksum::{Algorithm, Checksum};
use crate::error::{Error, Result};
use crate::gate::Ask;
use crate::leftover::Leftover;
use crate::payload::Payload;
use crate::types::{CopySource, Part, PartLimits, PutResult, UploadId, WriteOptions, WriteReply};
use crate::uri::Key;

impl SplitStore {
    /// Writes a whole object: by one request if it fits a part, else by concurrent parts.
    ///
    /// # Errors
    /// `AlreadyExists` where `if_none_match` met an object; what the service says otherwise.
    pub async fn write(
        &self,
        key: &Key,
        body: &Payload,
        options: &WriteOptions,
    ) -> Result<PutResult> {
        let mut upload = self.upload(key, options.clone(), Some(body.len()));
        if body.len() <= upload.part_size {
            return upload.put_whole(body).await;
        }
        let mut offset = 0;
        while offset < body.len() {
            let part = body.slice(offset, upload.part_size);
            offset += part.len();
            upload.put_part(part).await?;
        }
        upload.finish().await
    }

    /// An object to be written piece by piece; `expected` bytes, if known, size the parts.
    #[must_use]
    pub fn upload(&self, key: &Key, options: WriteOptions, expected: Option<u64>) -> Upload {
        Upload {
            part_size: self.part_size_for(expected),
            store: self.clone(),
            key: key.clone(),
            options,
            id: None,
            depth: PER_OBJECT,
            memory: u64::MAX,
            next: 1,
            waiting: Vec::new(),
            waiting_len: 0,
            parts: Vec::new(),
            tasks: JoinSet::new(),
        }
    }

    /// The size of the first parts of an upload of `expected` bytes; of all of them, where that is known.
    pub(crate) fn part_size_for(&self, expected: Option<u64>) -> u64 {
        let Some(limits) = self.store.info().capability.parts else {
            return u64::MAX;
        };
        part_size::first(expected, self.part_size, limits)
    }
}

/// An object on its way. Nothing is visible before [`Upload::finish`]; dropping it aborts.
#[derive(Debug)]
pub struct Upload {
    store: SplitStore,
    key: Key,
    options: WriteOptions,
    pub(super) part_size: u64,
    /// Parts under way at once.
    pub(super) depth: usize,
    memory: u64,
    /// Made with the first full part; small objects never need one.
    id: Option<UploadId>,
    /// Number of the next part.
    next: u32,
    waiting: Vec<Bytes>,
    waiting_len: u64,
    /// Each with its CRC-32C, whatever checksum the service takes; `None` where the service made the part.
    parts: Vec<(Part, Option<Checksum>)>,
    tasks: JoinSet<Result<(Part, Option<Checksum>)>>,
}

/// What became of the parts.
pub(super) struct Joined {
    pub reply: WriteReply,
    pub size: u64,
    pub crc32c: Option<Checksum>,
}

impl Upload {
    /// Bounds the parts under way by `memory` bytes; one is always allowed.
    #[must_use]
    pub fn with_memory(mut self, memory: u64) -> Self {
        self.memory = memory;
        self.bound();
        self
    }

    fn bound(&mut self) {
        let depth = usize::try_from(self.memory / self.part_size).unwrap_or(usize::MAX);
        self.depth = depth.clamp(1, PER_OBJECT);
    }

    /// Larger parts from here on, where there are not enough numbers left for parts of this size.
    fn grow(&mut self, limits: PartLimits) {
        let first = self.id.as_ref().map_or(self.part_size, |id| id.part_size);
        let grown = part_size::grown(first, self.next, self.memory, limits);
        if grown > self.part_size {
            self.part_size = grown;
            self.bound();
        }
    }

    /// Appends bytes; waits while too much is under way.
    ///
    /// # Errors
    /// Of this or an earlier part; the upload is then of no further use.
    pub async fn send(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            if self.waiting_len == self.part_size {
                self.flush().await?;
            }
            let room = usize::try_from(self.part_size - self.waiting_len).unwrap_or(usize::MAX);
            let piece = bytes.split_to(room.min(bytes.len()));
            self.waiting_len += piece.len() as u64;
            self.waiting.push(piece);
        }
        Ok(())
    }

    /// Makes the object visible.
    ///
    /// # Errors
    /// Of any part, or of the service when it joins them; nothing is visible then.
    pub async fn finish(mut self) -> Result<PutResult> {
        if self.id.is_none() {
            let body = Payload::new(std::mem::take(&mut self.waiting));
            return self.put_whole(&body).await;
        }
        if self.waiting_len > 0 {
            self.flush().await?;
        }
        let Joined {
            reply,
            size,
            crc32c,
        } = self.join().await?;
        let crc32c = crc32c.expect("every part was sent from here");
        Ok(put_result(reply, size, crc32c))
    }

    /// Waits for the parts, of which there must be one, and makes the object of them.
    pub(super) async fn join(mut self) -> Result<Joined> {
        while !self.tasks.is_empty() {
            self.collect().await?;
        }
        self.parts.sort_by_key(|(part, _)| part.number);
        let empty = Checksum::of(Algorithm::Crc32c, &[]);
        let crc32c = self.parts.iter().try_fold(empty, |sum, (part, next)| {
            Some(sum.then((*next)?, part.size))
        });
        let parts: Vec<Part> = self.parts.drain(..).map(|(part, _)| part).collect();
        let id = self.id.clone().expect("it was made for the first part");
        let store = &self.store;
        let work = store
            .inner()
            .finish_upload(&self.key, &id, &parts, &self.options);
        let reply = store.request(Ask::single(0), work).await?;
        self.id = None;
        Ok(Joined {
            reply,
            size: parts.iter().map(|part| part.size).sum(),
            crc32c,
        })
    }

    /// Gives the upload up; returns when the service has been told to drop its parts.
    pub async fn abort(mut self) {
        if let Some(id) = self.id.take() {
            let tasks = std::mem::take(&mut self.tasks);
            abort(self.store.clone(), self.key.clone(), id, tasks).await;
        }
    }

    async fn put_whole(&self, body: &Payload) -> Result<PutResult> {
        let store = &self.store;
        let work = store.inner().write(&self.key, body, &self.options);
        let reply = store.request(Ask::single(body.len()), work).await?;
        let crc32c = crc32c_of(body, reply.checksum);
        Ok(put_result(reply, body.len(), crc32c))
    }

    async fn flush(&mut self) -> Result<()> {
        self.waiting_len = 0;
        let body = Payload::new(std::mem::take(&mut self.waiting));
        self.put_part(body).await
    }

    async fn put_part(&mut self, body: Payload) -> Result<()> {
        let (id, number) = self.next_part().await?;
        let (store, key) = (self.store.clone(), self.key.clone());
        self.tasks.spawn(async move {
            let work = store.inner().put_part(&key, &id, number, &body);
            let part = store.request(Ask::part(body.len()), work).await?;
            let crc32c = crc32c_of(&body, part.checksum);
            Ok((part, Some(crc32c)))
        });
        Ok(())
    }

    /// Begins an upload whose parts the service makes.
    pub(super) async fn begin_copy(&mut self) -> Result<()> {
        let store = &self.store;
        let work = store
            .inner()
            .start_copy(&self.key, self.part_size, &self.options);
        self.id = Some(store.request(Ask::single(0), work).await?);
        Ok(())
    }

    /// Has the service make the next part of what it holds; waits while too much is under way.
    pub(super) async fn copy_part(
        &mut self,
        source: &Arc<CopySource>,
        range: Range<u64>,
    ) -> Result<()> {
        let (id, number) = self.next_part().await?;
        let (store, key) = (self.store.clone(), self.key.clone());
        let source = Arc::clone(source);
        self.tasks.spawn(async move {
            let work = store.inner().copy_part(&source, range, &key, &id, number);
            let part = store.request(Ask::part(0), work).await?;
            let crc32c = part
                .checksum
                .filter(|sum| sum.algorithm == Algorithm::Crc32c);
            Ok((part, crc32c))
        });
        Ok(())
    }

    /// The number of the next part, once it may be begun, and the upload it belongs to.
    async fn next_part(&mut self) -> Result<(UploadId, u32)> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => {
                let store = &self.store;
                let work = store
                    .inner()
                    .start_upload(&self.key, self.part_size, &self.options);
                let id = store.request(Ask::single(0), work).await?;
                self.id.insert(id).clone()
            }
        };
        while self.tasks.len() >= self.depth {
            self.collect().await?;
        }
        let number = self.next;
        self.next += 1;
        if let Some(limits) = self.store.inner().info().capability.parts {
            // Only an object whose size was not known beforehand can come to more parts than there may be.
            if number > limits.max_count {
                return Err(Error::invalid(format!(
                    "the object is larger than {} parts, the last of {} bytes: it needs a larger part_size",
                    limits.max_count, self.part_size
                )));
            }
            self.grow(limits);
        }
        Ok((id, number))
    }

    async fn collect(&mut self) -> Result<()> {
        if let Some(finished) = self.tasks.join_next().await {
            self.parts.push(finished??);
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            let tasks = std::mem::take(&mut self.tasks);
            abort_later(self.store.clone(), self.key.clone(), id, tasks);
        }
    }
}

/// Aborts an upload that nobody waits for any more, after the tasks that send its parts.
pub(crate) fn abort_later<T: Send + 'static>(
    store: SplitStore,
    key: Key,
    id: UploadId,
    tasks: JoinSet<T>,
) {
    // Outside a runtime nothing can be sent; the service's own clean-up of open uploads remains.
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    let running = Leftover::default();
    #[expect(
        clippy::disallowed_methods,
        reason = "drop cannot wait; the task is bounded by the request's own deadline"
    )]
    runtime.spawn(async move {
        let _running = running;
        abort(store, key, id, tasks).await;
    });
}

async fn abort<T: 'static>(store: SplitStore, key: Key, id: UploadId, mut tasks: JoinSet<T>) {
    // A part that arrives after the abort would stay behind.
    tasks.shutdown().await;
    if let Err(error) = store.inner().abort_upload(&key, &id).await {
        tracing::warn!(key = key.as_str(), %error, "an upload could not be aborted");
    }
}

/// The CRC-32C of a body, taken from the store where it has computed one.
pub(crate) fn crc32c_of(body: &Payload, computed: Option<Checksum>) -> Checksum {
    computed
        .filter(|sum| sum.algorithm == Algorithm::Crc32c)
        .unwrap_or_else(|| body.checksum(Algorithm::Crc32c))
}

fn put_result(reply: WriteReply, size: u64, crc32c: Checksum) -> PutResult {
    PutResult {
        etag: reply.etag,
        size,
        // A 32-bit checksum kept in 64 bits.
        crc32c: crc32c.value as u32,
        version_id: reply.version_id,
        span_crc32c: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::config::{Config, Options};
    use crate::uri::Uri;

    const PART: usize = 64 << 10;

    #[tokio::test]
    async fn a_long_stream_gets_larger_parts_on_its_way() {
        let mut options = Options::default();
        options.set("part_size", PART.to_string()).unwrap();
        let client = Client::new(Config::load(&options).unwrap());
        let uri: Uri = "memory://bucket/key".parse().unwrap();
        client.create_bucket(&uri.root()).await.unwrap();
        let store = client.store(&uri).await.unwrap();
        let mut upload = store.upload(uri.key(), WriteOptions::default(), None);
        // A tenth of the parts that there may be, one more, and the start of another.
        let lengths = [1000 * PART, 2 * PART, 5];
        let sent: Vec<u8> = (0..lengths.iter().sum())
            .map(|at: usize| (at / PART) as u8 ^ at as u8)
            .collect();
        let mut rest = Bytes::from(sent.clone());

        let mut sizes = Vec::new();
        for len in lengths {
            upload.send(rest.split_to(len)).await.unwrap();
            sizes.push(upload.part_size);
        }

        // Bytes that fill a part are sent with the next ones.
        assert_eq!(sizes, [PART as u64, 2 * PART as u64, 2 * PART as u64]);
        upload.finish().await.unwrap();
        assert!(*client.get(&uri).await.unwrap() == sent[..]);
    }
}
