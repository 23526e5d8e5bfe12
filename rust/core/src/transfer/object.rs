//! One object from one store to another: at once if it fits a part, else in parts that a journal remembers.
//!
//! It is the same way up and down, because a file is an object of a local store: the source is pinned to one version,
//! compared with its stored checksum before anybody sees the target, and the target is replaced whole or not at all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::budget::Budget;
use super::copy;
use super::journal::{Header, Identity, Journal, Leftover};
use super::meter::FileMeter;
use super::parts::Parts;
use super::resume;
use crate::backend::local;
use crate::buffer::IoBufMut;
use crate::client::Client;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::gate::Ask;
use crate::payload::Payload;
use crate::span::Span;
use crate::split::{First, SplitStore, verify};
use crate::types::{ByteRange, Destination, ReadReply, WriteOptions};
use crate::uri::Uri;

/// One side of a transfer.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub store: SplitStore,
    pub uri: Uri,
}

impl End {
    async fn open(client: &Client, uri: &Uri) -> Result<Self> {
        Ok(End {
            store: client.object(uri).await?,
            uri: uri.clone(),
        })
    }

    /// An error is named after the object. Where it comes of this end, and that is a file, it has to name that too.
    pub fn unread(&self, error: Error) -> Error {
        match self.file() {
            Some(file) => local::cannot_read(&file)(error),
            None => error,
        }
    }

    /// As [`End::unread`], of the target.
    pub fn unwritten(&self, error: Error) -> Error {
        match self.file() {
            Some(file) => local::cannot_write(&file)(error),
            None => error,
        }
    }

    fn file(&self) -> Option<PathBuf> {
        let key = self.uri.key();
        let is_local = self.uri.scheme().is_local();
        is_local.then(|| PathBuf::from(format!("/{key}")))
    }
}

/// One object and where it goes.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// As errors and spans name it.
    pub op: &'static str,
    pub from: Uri,
    pub to: Uri,
    /// As listed; it may have been replaced since.
    pub size: Option<u64>,
    pub etag: Option<String>,
}

impl Item {
    /// What a person calls the object: what is read, but for an upload what is written.
    pub fn object(&self) -> &Uri {
        match self.op {
            "upload" => &self.to,
            _ => &self.from,
        }
    }
}

/// The first part, or all there is, and the right to hold that memory.
pub(super) struct Head {
    pub buf: IoBufMut,
    pub memory: OwnedSemaphorePermit,
}

/// What has been moved; bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub bytes: u64,
    /// Of these, what an earlier run had moved.
    pub resumed: u64,
}

/// Both sides, and what the transfer between them may use.
pub(super) struct Ends {
    pub from: End,
    pub to: End,
    pub budget: Budget,
    pub meter: FileMeter,
    pub span: Span,
    /// What the target is written with.
    pub write: Arc<WriteOptions>,
    journal: Option<PathBuf>,
    endpoints: String,
    /// As listed.
    pub size: Option<u64>,
    pub etag: Option<String>,
}

/// Moves one object, and writes it with what `write` asks for.
///
/// # Errors
/// What either side says; `Integrity` and `Precondition` as for a read.
pub(super) async fn transfer(
    client: &Client,
    item: &Item,
    write: Arc<WriteOptions>,
    budget: Budget,
    mut meter: FileMeter,
    span: &Span,
) -> Result<Moved> {
    if item.from.scheme().is_local() == item.to.scheme().is_local()
        && !goes_on_later(client, item)
        && let Some(moved) = copy::copied(client, item, &write, &budget, &mut meter, span).await?
    {
        return Ok(moved);
    }
    let mut ends = Ends::open(client, item, write, budget, meter, span).await?;
    if let Some(left) = ends.leftover().await?
        && let Some(moved) = resume::go_on(&mut ends, left).await?
    {
        return Ok(moved);
    }
    ends.meter.restart();
    ends.start().await
}

/// Uploads and downloads of large files promise it, and what the kernel copies in one go cannot.
fn goes_on_later(client: &Client, item: &Item) -> bool {
    let both_local = item.from.scheme().is_local() && item.to.scheme().is_local();
    let part_size = client.config().part_size;
    both_local && item.op != "copy" && item.size.is_some_and(|size| size > part_size)
}

/// Beside the target if that is a file, as its parts are. An upload's is kept in the user's cache, so that the
/// directory of its source need not be writable.
fn journal_path(client: &Client, item: &Item) -> Result<Option<PathBuf>> {
    if item.to.scheme().is_local() {
        let target = local::file_of(item.to.key())?;
        let name = local::journal_name(item.to.key().as_str());
        return Ok(target.parent().map(|directory| directory.join(name)));
    }
    let config = client.config();
    // The same bucket name at another endpoint is another bucket.
    let of = format!("{}\0{}\0{}", item.from, item.to, endpoints(config));
    Ok(config
        .journal_dir
        .as_ref()
        .map(|directory| directory.join(local::journal_name(&of))))
}

/// Where the services of a client are.
pub(super) fn endpoints(config: &Config) -> String {
    format!("{:?}", [&config.s3.endpoint_url, &config.az.endpoint_url])
}

impl Ends {
    async fn open(
        client: &Client,
        item: &Item,
        write: Arc<WriteOptions>,
        budget: Budget,
        meter: FileMeter,
        span: &Span,
    ) -> Result<Self> {
        let mut from = End::open(client, &item.from).await?;
        from.store = from.store.streamed();
        Ok(Ends {
            from,
            to: End::open(client, &item.to).await?,
            budget,
            meter,
            span: span.clone(),
            write,
            journal: journal_path(client, item)?,
            endpoints: endpoints(client.config()),
            size: item.size,
            etag: item.etag.clone(),
        })
    }

    /// What a journal must be of, to be of this transfer.
    pub fn identity(&self) -> Identity {
        Identity {
            from: self.from.uri.to_string(),
            to: self.to.uri.to_string(),
            endpoints: self.endpoints.clone(),
            write: (*self.write).clone(),
        }
    }

    /// What an earlier run has left of this transfer. One that fits a part leaves nothing.
    async fn leftover(&self) -> Result<Option<Leftover>> {
        let part_size = self.to.store.part_size_for(self.size);
        match &self.journal {
            Some(path) if self.size.is_none_or(|size| size > part_size) => {
                let found = Journal::find(path.clone()).await;
                found.map_err(|error| self.journal_of(path, error))
            }
            _ => Ok(None),
        }
    }

    /// That of a download lies beside its target.
    pub fn journal_of(&self, path: &Path, error: Error) -> Error {
        match self.to.uri.scheme().is_local() {
            true => self.to.unwritten(error),
            false => local::cannot_write(path)(error),
        }
    }

    /// Moves all of it, and begins a journal if it takes more than a part.
    async fn start(mut self) -> Result<Moved> {
        let (head, reply) = self.read_head().await?;
        self.meter.resize(reply.size);
        if reply.filled as u64 == reply.size {
            return self.put_whole(head, &reply).await;
        }
        let store = &self.to.store;
        let part_size = head.buf.len() as u64;
        let work = store
            .inner()
            .start_upload(self.to.uri.key(), part_size, &self.write);
        let id = store.request(Ask::single(0), work).await;
        let id = id.map_err(|error| self.to.unwritten(error))?;
        let header = Header::new(&self.identity(), reply.size, reply.etag.clone(), &id)
            .with_checksum(reply.checksum);
        let journal = match &self.journal {
            Some(path) => Journal::begin(path.clone(), header.clone()).await?,
            None => None,
        };
        Parts::new(&mut self, header, journal, reply)
            .finish(Some(head))
            .await
    }

    /// One request without a range, whose answer tells size, version and checksum.
    async fn read_head(&mut self) -> Result<(Head, ReadReply)> {
        loop {
            let part = self.to.store.part_size_for(self.size);
            let len = self.size.map_or(part, |size| size.clamp(1, part));
            let memory = self.budget.take(len).await;
            let (store, uri) = (&self.from.store, &self.from.uri);
            let first = First {
                key: uri.key().clone(),
                range: ByteRange::Whole,
                etag: None,
                algorithm: None,
                into: Destination::Fill(store.take_part(len)?),
                span: self.span.clone(),
            };
            let first = store.first(first).await;
            let (mut buf, mut reply) = first.map_err(|error| self.from.unread(error))?;
            if !uri.scheme().is_local() {
                store.ask_for_checksum(uri.key(), &mut reply).await?;
            }
            buf.truncate(reply.filled);
            let fits = reply.filled as u64 == reply.size
                || self.to.store.part_size_for(Some(reply.size)) == len;
            if fits {
                return Ok((Head { buf, memory }, reply));
            }
            // Larger than it was listed, or than the parts that were expected.
            self.size = Some(reply.size);
        }
    }

    async fn put_whole(mut self, head: Head, reply: &ReadReply) -> Result<Moved> {
        let Head {
            buf,
            memory: _until_sent,
        } = head;
        let from = &self.from;
        if !from.uri.scheme().is_local() {
            let algorithm = reply.checksum.map(|stored| stored.algorithm);
            let sum = algorithm.map(|algorithm| reply.sum(algorithm, &buf));
            verify(reply, sum)?;
        }
        let body = Payload::from(buf.freeze().into_bytes());
        let to = &self.to;
        let written = to.store.write(to.uri.key(), &body, &self.write).await;
        written.map_err(|error| to.unwritten(error))?;
        self.meter.add(body.len());
        Ok(Moved {
            bytes: body.len(),
            resumed: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::super::meter::Meter;
    use super::*;
    use crate::config::Options;

    const SIZE: u64 = 1 << 20;

    #[tokio::test]
    async fn what_was_read_counts_until_nobody_holds_it() {
        let client = Client::new(Config::load(&Options::default()).unwrap());
        let uri = |name: &str| format!("memory://heads/{name}").parse::<Uri>().unwrap();
        client.create_bucket(&uri("")).await.unwrap();
        let body = Payload::from(vec![1; SIZE as usize]);
        let write = WriteOptions::default();
        client.put(&uri("from"), body, &write).await.unwrap();
        let item = Item {
            op: "copy",
            from: uri("from"),
            to: uri("to"),
            size: Some(SIZE),
            etag: None,
        };
        let (budget, span) = (Budget::new(SIZE), Span::start());
        let meter = FileMeter::new(Meter::default(), SIZE);
        let ends = Ends::open(&client, &item, write.into(), budget.clone(), meter, &span);
        let mut ends = ends.await.unwrap();

        let (head, reply) = ends.read_head().await.unwrap();

        assert_eq!(reply.size, SIZE);
        assert!(budget.take(1).now_or_never().is_none());
        drop(head);
        assert!(budget.take(SIZE).now_or_never().is_some());
    }
}
