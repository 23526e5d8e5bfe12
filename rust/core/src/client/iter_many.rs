//! Many objects read ahead of whoever takes them, bounded by their number and their bytes.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Client;
use super::bulk::none_in_flight;
use crate::buffer::Buffer;
use crate::error::Result;
use crate::types::Reserve;
use crate::uri::Uri;

/// The least that a first request may fill: a round trip costs more than these bytes.
const LEAST_WINDOW: u64 = 64 << 10;

impl Client {
    /// Objects read one after the other or, unless `ordered`, as they arrive. At most `max_in_flight` of them are under
    /// way or wait to be taken, and at most `memory_limit` bytes, but always one object.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # use s3dlio::{Client, Config, Options, Uri, WriteOptions};
    /// # let client = Client::new(Config::load(&Options::default())?);
    /// # let base: Uri = "memory://bucket/".parse()?;
    /// # client.create_bucket(&base).await?;
    /// # for name in ["0", "1", "2"] {
    /// #     client.put(&base.join(name), b"bytes".as_slice().into(), &WriteOptions::default()).await?;
    /// # }
    /// let mut uris = ["0", "1", "2"].map(|name| base.join(name)).into_iter();
    /// let mut reads = client.iter_many(true, 64)?;
    /// loop {
    ///     while reads.has_room() && let Some(uri) = uris.next() {
    ///         reads.push(uri);
    ///     }
    ///     let Some((index, buffer)) = reads.next().await? else { break };
    ///     println!("object {index} has {} bytes", buffer.len());
    /// }
    /// # Ok::<(), s3dlio::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` where `max_in_flight` is 0.
    pub fn iter_many(&self, ordered: bool, max_in_flight: usize) -> Result<Reads> {
        if max_in_flight == 0 {
            return Err(none_in_flight());
        }
        let limit = self.config().memory_limit;
        let share = limit / max_in_flight as u64;
        Ok(Reads {
            client: self.clone(),
            ordered,
            max_in_flight,
            window: share.clamp(LEAST_WINDOW, self.config().part_size.max(LEAST_WINDOW)),
            room: Arc::new(Room::new(limit)),
            pushed: 0,
            given: 0,
            waiting: VecDeque::new(),
            tasks: JoinSet::new(),
            arrived: BTreeMap::new(),
        })
    }
}

/// Objects under way. Dropping it stops the requests.
#[derive(Debug)]
pub struct Reads {
    client: Client,
    ordered: bool,
    max_in_flight: usize,
    /// Bytes that the first request of an object, whose size nobody knows, may fill.
    window: u64,
    room: Arc<Room>,
    pushed: u64,
    /// Where `ordered`, the index of the next to be taken.
    given: u64,
    waiting: VecDeque<(u64, Uri)>,
    tasks: JoinSet<(u64, Result<Buffer>)>,
    /// Read before its turn.
    arrived: BTreeMap<u64, Result<Buffer>>,
}

impl Reads {
    /// Whether another object can be begun.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let held = self.waiting.len() + self.tasks.len() + self.arrived.len();
        held < self.max_in_flight && self.room.takes(self.window)
    }

    /// Has an object read, which begins with the next [`Reads::next`]; its index is the number of those before it.
    pub fn push(&mut self, uri: Uri) {
        self.room.enter(self.pushed, self.window);
        self.waiting.push_back((self.pushed, uri));
        self.pushed += 1;
    }

    /// The next object and its index; `None` when every one that was pushed has been taken.
    ///
    /// # Errors
    /// As [`Client::get`], of the object whose turn it is; the others are given up.
    pub async fn next(&mut self) -> Result<Option<(u64, Buffer)>> {
        while let Some((index, uri)) = self.waiting.pop_front() {
            let (client, room, window) = (self.client.clone(), self.room.clone(), self.window);
            self.tasks.spawn(async move {
                let now = room.clone();
                let reserve = Reserve(Box::new(move |size| now.try_resize(index, size)));
                let wait = |size| room.resize(index, size);
                (index, client.get_when(&uri, window, reserve, wait).await)
            });
        }
        let (index, result) = loop {
            if let Some(result) = self.arrived.remove(&self.given) {
                break (self.given, result);
            }
            let Some(finished) = self.tasks.join_next().await else {
                return Ok(None);
            };
            let (index, result) = finished?;
            if !self.ordered {
                break (index, result);
            }
            self.arrived.insert(index, result);
        };
        self.given += 1;
        self.room.leave(index);
        match result {
            Ok(buffer) => Ok(Some((index, buffer))),
            Err(error) => {
                self.tasks = JoinSet::new();
                self.arrived.clear();
                Err(error)
            }
        }
    }
}

impl Client {
    async fn get_when<F>(
        &self,
        uri: &Uri,
        window: u64,
        reserve: Reserve,
        room: impl FnOnce(u64) -> F,
    ) -> Result<Buffer>
    where
        F: Future<Output = ()>,
    {
        let open = self.begin("get", uri);
        let work = async {
            let store = self.object(uri).await?;
            store
                .read_when(uri.key(), window, reserve, room, open.span())
                .await
        };
        let result = work.await;
        open.end(result, |buffer| (buffer.len() as u64, 1))
    }
}

/// Bytes that objects hold, from their first request until they are taken.
struct Room {
    limit: u64,
    /// By index; the first is the one whose turn comes next.
    held: Mutex<BTreeMap<u64, u64>>,
    changed: Notify,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Room {
    fn new(limit: u64) -> Self {
        Room {
            limit,
            held: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn takes(&self, bytes: u64) -> bool {
        let held = self.lock();
        held.is_empty() || held.values().sum::<u64>().saturating_add(bytes) <= self.limit
    }

    fn enter(&self, index: u64, bytes: u64) {
        self.lock().insert(index, bytes);
    }

    /// Returns once the object may hold all of its bytes. The oldest one always may: it is what the others wait for.
    async fn resize(self: Arc<Self>, index: u64, bytes: u64) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.try_resize(index, bytes) {
                self.changed.notify_waiters();
                return;
            }
            changed.await;
        }
    }

    fn try_resize(&self, index: u64, bytes: u64) -> bool {
        let mut held = self.lock();
        let others = held.iter().filter(|(other, _)| **other != index);
        let others: u64 = others.map(|(_, bytes)| *bytes).sum();
        let first = held.keys().next().is_none_or(|first| *first == index);
        let before = held.get(&index).copied().unwrap_or(0);
        if bytes > before && !first && others.saturating_add(bytes) > self.limit {
            return false;
        }
        held.insert(index, bytes);
        true
    }

    fn leave(&self, index: u64) {
        self.lock().remove(&index);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, u64>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_oldest_may_hold_more_than_there_is_room_for() {
        let room = Arc::new(Room::new(100));
        for index in 0..3 {
            assert!(room.takes(30));
            room.enter(index, 30);
        }
        assert!(!room.takes(30));

        let mut second = pin!(room.clone().resize(1, 80));
        assert!(futures::poll!(&mut second).is_pending());
        room.clone().resize(0, 500).await;
        assert!(futures::poll!(&mut second).is_pending());
        // An object that turns out smaller never waits.
        room.clone().resize(2, 5).await;
        assert!(futures::poll!(&mut second).is_pending());
        room.leave(0);
        second.await;

        assert!(!room.takes(30));
        room.leave(1);
        assert!(room.takes(30));
    }
}
