//! An object read from any place in it, as a file is: one version, with its next bytes read ahead.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::Client;
use crate::buffer::{Buffer, IoBufMut};
use crate::error::Result;
use crate::split::SplitStore;
use crate::types::ReadReply;
use crate::uri::Uri;

/// What is read ahead by one request. Reads of at least this much go straight into their destination.
const BLOCK: u64 = 4 << 20;
/// Blocks held or under way at once.
const DEPTH: u64 = 4;

impl Client {
    /// An object to be read piece by piece. The first request is that of the first read; all others are of the version
    /// that it met.
    ///
    /// # Errors
    /// `InvalidInput` for a key that the store cannot hold.
    pub async fn reader(&self, uri: &Uri) -> Result<Reader> {
        let store = self
            .object(uri)
            .await
            .map_err(|error| error.at("open", uri))?;
        Ok(Reader {
            client: self.clone(),
            uri: uri.clone(),
            store,
            known: None,
            position: None,
            ahead: None,
        })
    }
}

/// One version of an object. Dropping it stops what is under way.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    uri: Uri,
    store: SplitStore,
    /// Tells size and etag.
    known: Option<ReadReply>,
    /// Where the last read ended: one that goes on there is taken for the next of many.
    position: Option<u64>,
    ahead: Option<Ahead>,
}

#[derive(Debug)]
struct Ahead {
    /// Of the first block; the others follow without gaps.
    start: u64,
    /// Where the next request starts.
    requested: u64,
    tasks: JoinSet<(u64, Result<Buffer>)>,
    arrived: BTreeMap<u64, Result<Buffer>>,
}

impl Reader {
    /// Size of the object; bytes. Asks the service only where no read has told it.
    ///
    /// # Errors
    /// As [`Client::stat`].
    pub async fn size(&mut self) -> Result<u64> {
        if let Some(known) = &self.known {
            return Ok(known.size);
        }
        let open = self.client.begin("open", &self.uri);
        let known = open.end(self.store.ask(self.uri.key()).await, |_| (0, 1))?;
        Ok(self.known.insert(known).size)
    }

    /// Fills `destination` from `offset` on, or a part of it, and gives back what is filled: nothing at the end of the
    /// object.
    ///
    /// # Errors
    /// As [`Client::get_range`]; `Precondition` if the object was replaced.
    pub async fn read_at(&mut self, offset: u64, mut destination: IoBufMut) -> Result<IoBufMut> {
        if destination.is_empty() {
            return Ok(destination);
        }
        let goes_on = self.position == Some(offset);
        let is_held = self.ahead.as_ref().is_some_and(|ahead| ahead.holds(offset));
        let is_small = (destination.len() as u64) < BLOCK;
        let filled = match &self.known {
            Some(known) if offset >= known.size => {
                destination.truncate(0);
                return Ok(destination);
            }
            Some(_) if is_small && (goes_on || is_held) => self.take(offset, destination).await?,
            _ => {
                self.ahead = None;
                self.fill(offset, destination).await?
            }
        };
        self.position = Some(offset + filled.len() as u64);
        Ok(filled)
    }

    /// By requests of its own, as many as it takes.
    async fn fill(&mut self, offset: u64, destination: IoBufMut) -> Result<IoBufMut> {
        let open = self.client.begin("open", &self.uri);
        let (key, known) = (self.uri.key(), self.known.clone());
        let work = self
            .store
            .read_at(key, offset, destination, known, open.span());
        let result = work.await;
        let (filled, known) = open.end(result, |(filled, _)| (filled.len() as u64, 1))?;
        self.known = Some(known);
        Ok(filled)
    }

    /// Out of the block that holds `offset`, as far as that goes.
    async fn take(&mut self, offset: u64, mut destination: IoBufMut) -> Result<IoBufMut> {
        let known = self.known.clone().expect("a read went before");
        let held = self.ahead.take().filter(|ahead| ahead.holds(offset));
        let ahead = self
            .ahead
            .insert(held.unwrap_or_else(|| Ahead::from(offset)));
        let start = ahead.start + (offset - ahead.start) / BLOCK * BLOCK;
        ahead.drop_before(start);
        while ahead.requested < known.size && ahead.requested < start + DEPTH * BLOCK {
            let (client, uri, store, known) = (
                self.client.clone(),
                self.uri.clone(),
                self.store.clone(),
                known.clone(),
            );
            let at = ahead.requested;
            let len = BLOCK.min(known.size - at);
            ahead.requested += len;
            ahead.tasks.spawn(async move {
                let open = client.begin("open", &uri);
                let work = store.read_block(uri.key(), at, len, &known, open.span());
                let result = work.await;
                (at, open.end(result, |block| (block.len() as u64, 1)))
            });
        }
        let block = loop {
            if let Some(block) = ahead.arrived.remove(&start) {
                break block;
            }
            let finished = ahead.tasks.join_next().await;
            match finished.expect("a request for it is under way") {
                Ok((at, block)) => {
                    ahead.arrived.insert(at, block);
                }
                Err(cause) => break Err(cause.into()),
            }
        };
        let block = match block {
            Ok(block) => block,
            Err(error) => {
                // What failed can be read again.
                self.ahead = None;
                return Err(error);
            }
        };
        // Fits: it is within the block.
        let skip = (offset - start) as usize;
        let len = (block.len() - skip).min(destination.len());
        // Many small reads share one block.
        destination[..len].copy_from_slice(&block[skip..skip + len]);
        ahead.arrived.insert(start, Ok(block));
        destination.truncate(len);
        Ok(destination)
    }
}

impl Ahead {
    fn from(offset: u64) -> Self {
        Ahead {
            start: offset,
            requested: offset,
            tasks: JoinSet::new(),
            arrived: BTreeMap::new(),
        }
    }

    fn holds(&self, offset: u64) -> bool {
        (self.start..self.requested).contains(&offset)
    }

    fn drop_before(&mut self, start: u64) {
        self.start = start;
        self.arrived = self.arrived.split_off(&start);
    }
}
