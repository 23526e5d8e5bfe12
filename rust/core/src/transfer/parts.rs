//! The parts of one large object on their way: read, written and noted, a bounded number at once.

use tokio::task::JoinSet;

use super::journal::{Header, Journal, Line};
use super::object::{Ends, Head, Moved};
use crate::checksum::Checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::gate::Ask;
use crate::payload::Payload;
use crate::split::{PER_OBJECT, abort_later, crc32c_of, verify};
use crate::types::{Part, ReadReply, UploadId};

/// A part that is in its place.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub part: Part,
    /// In the algorithm of the checksum that the source keeps of the whole, if it does.
    pub sum: Option<Checksum>,
}

/// One upload that is being filled. Dropped before its end, it is aborted, unless a journal lets it go on later.
pub(super) struct Parts<'a> {
    ends: &'a mut Ends,
    header: Header,
    /// `None` once it has ended.
    upload: Option<UploadId>,
    journal: Option<Journal>,
    source: ReadReply,
    placed: Vec<Option<Placed>>,
    resumed: u64,
    tasks: JoinSet<Result<(Placed, Checksum)>>,
}

impl<'a> Parts<'a> {
    /// `source` is the version that ranges are pinned to, with the checksum of the whole.
    pub fn new(
        ends: &'a mut Ends,
        header: Header,
        journal: Option<Journal>,
        source: ReadReply,
    ) -> Self {
        let count = header.size.div_ceil(header.part_size);
        let mut placed = Vec::new();
        // Fits: the service has a limit far below.
        placed.resize_with(count as usize, || None);
        Parts {
            ends,
            upload: Some(header.upload()),
            header,
            journal,
            source,
            placed,
            resumed: 0,
            tasks: JoinSet::new(),
        }
    }

    /// Takes over parts that an earlier run has put in place.
    pub fn take_over(&mut self, parts: Vec<Placed>) {
        for placed in parts {
            self.resumed += placed.part.size;
            self.ends.meter.add(placed.part.size);
            self.keep(placed);
        }
    }

    /// Moves what is missing and makes the object of it all; `first` is the first part, where it was read already.
    ///
    /// # Errors
    /// Of the first request that fails. `Integrity` if the bytes are not those that the source stores: nothing is
    /// visible then, and nothing is kept to go on with.
    pub async fn finish(mut self, first: Option<Head>) -> Result<Moved> {
        let result = self.work(first).await;
        if let Err(error) = &result
            && !may_go_on_after(error)
        {
            self.drop_journal().await;
        }
        result
    }

    async fn work(&mut self, mut first: Option<Head>) -> Result<Moved> {
        for index in 0..self.placed.len() {
            if self.placed[index].is_none() {
                self.send(index as u32 + 1, first.take()).await?;
            }
        }
        while !self.tasks.is_empty() {
            self.collect().await?;
        }
        let placed: Vec<Placed> = self.placed.iter().flatten().cloned().collect();
        self.verify(&placed)?;
        let parts: Vec<Part> = placed.into_iter().map(|placed| placed.part).collect();
        let id = self.header.upload();
        let to = &self.ends.to;
        let store = to.store.inner();
        let work = store.finish_upload(to.uri.key(), &id, &parts, &self.ends.write);
        let finished = to.store.request(Ask::single(0), work).await;
        finished.map_err(|error| to.unwritten(error))?;
        self.upload = None;
        self.drop_journal().await;
        Ok(Moved {
            bytes: self.header.size,
            resumed: self.resumed,
        })
    }

    async fn send(&mut self, number: u32, read: Option<Head>) -> Result<()> {
        while self.tasks.len() >= PER_OBJECT {
            self.collect().await?;
        }
        let size = self.header.size_of(number).unwrap_or_default();
        let offset = u64::from(number - 1) * self.header.part_size;
        let (read, memory) = match read {
            Some(Head { buf, memory }) => (Some(buf), memory),
            None => (None, self.ends.budget.take(size).await),
        };
        let (from, to) = (self.ends.from.clone(), self.ends.to.clone());
        let (source, span) = (self.source.clone(), self.ends.span.clone());
        let id = self.header.upload();
        self.tasks.spawn(async move {
            let _memory = memory;
            let (buf, sum) = match read {
                Some(buf) => {
                    let algorithm = source.checksum.map(|stored| stored.algorithm);
                    let sum = algorithm.map(|algorithm| source.sum(algorithm, &buf));
                    (buf, sum)
                }
                None => {
                    let buf = from.store.take_part(size)?;
                    let key = from.uri.key();
                    let read = from.store.read_part(key, offset, buf, &source, span);
                    read.await.map_err(|error| from.unread(error))?
                }
            };
            let body = Payload::from(buf.freeze().into_bytes());
            let store = to.store.inner();
            let work = store.put_part(to.uri.key(), &id, number, &body);
            let part = to.store.request(Ask::part(size), work).await;
            let part = part.map_err(|error| to.unwritten(error))?;
            let crc32c = crc32c_of(&body, part.checksum);
            Ok((Placed { part, sum }, crc32c))
        });
        Ok(())
    }

    async fn collect(&mut self) -> Result<()> {
        let Some(finished) = self.tasks.join_next().await else {
            return Ok(());
        };
        let (placed, crc32c) = finished??;
        let line = Line::of(&placed.part, crc32c);
        if let Some(journal) = &self.journal
            && let Err(error) = journal.note(line).await
        {
            tracing::info!(to = %self.ends.to.uri, %error, "the journal cannot be kept any further");
            self.drop_journal().await;
        }
        self.ends.meter.add(placed.part.size);
        self.keep(placed);
        Ok(())
    }

    fn keep(&mut self, placed: Placed) {
        let index = placed.part.number as usize - 1;
        self.placed[index] = Some(placed);
    }

    /// Compares all parts with what the source keeps of the whole, before anybody can see them.
    fn verify(&self, placed: &[Placed]) -> Result<()> {
        let from = &self.ends.from;
        if from.uri.scheme().is_local() {
            // Files have no stored checksum; their version is pinned.
            return Ok(());
        }
        let sum = placed.iter().try_fold(None, |sum: Option<Checksum>, next| {
            let part = next.sum?;
            Some(Some(match sum {
                Some(sum) => sum.then(part, next.part.size),
                None => part,
            }))
        });
        verify(&self.source, sum.flatten())
    }

    /// From here on a later run would start over.
    async fn drop_journal(&mut self) {
        if let Some(journal) = self.journal.take()
            && let Err(error) = journal.remove().await
        {
            tracing::warn!(to = %self.ends.to.uri, %error, "a journal could not be removed");
        }
    }
}

/// Whether a later run could succeed with what this one has done. A full disk is not kept full.
fn may_go_on_after(error: &Error) -> bool {
    error.retryable() || error.kind() == ErrorKind::AccessDenied
}

impl Drop for Parts<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.upload.take()
            && self.journal.is_none()
        {
            let tasks = std::mem::take(&mut self.tasks);
            let to = &self.ends.to;
            abort_later(to.store.clone(), to.uri.key().clone(), id, tasks);
        }
    }
}
