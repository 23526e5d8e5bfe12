//! Many objects written as they come, so that a call holds no more of them than it must.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

use super::Client;
use super::bulk::none_in_flight;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::types::{PutResult, WriteOptions};
use crate::uri::Uri;

/// Small objects that may wait, in number and in bytes. To wake whoever brings more costs as much as some of them do.
const AHEAD: usize = 1000;
const AHEAD_BYTES: u64 = 4 << 20;

impl Client {
    /// Writes objects, at most `max_in_flight` of them under way; results in the order given. Objects are taken as
    /// [`Client::write_many`] has room for them. Of two with one URI, which one stays is not determined.
    ///
    /// # Errors
    /// The first object that cannot be written; it is named. Others may have been written.
    pub async fn put_many(
        &self,
        objects: impl IntoIterator<Item = (Uri, Payload), IntoIter: Send>,
        max_in_flight: usize,
        options: &WriteOptions,
    ) -> Result<Vec<PutResult>> {
        let mut writes = self.write_many(max_in_flight, options)?;
        for (uri, body) in objects {
            writes.room().await?;
            writes.push(uri, body);
        }
        writes.finish().await
    }

    /// Objects written while others are brought: at most `max_in_flight` under way, and at most as many that wait, or a
    /// thousand where they are small. What they hold is at most `memory_limit` bytes, but always one object.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # use s3dlio::{Client, Config, Options, Uri, WriteOptions};
    /// # let client = Client::new(Config::load(&Options::default())?);
    /// # let base: Uri = "memory://bucket/".parse()?;
    /// # client.create_bucket(&base).await?;
    /// let mut writes = client.write_many(32, &WriteOptions::default())?;
    /// for name in ["0", "1", "2"] {
    ///     writes.room().await?;
    ///     writes.push(base.join(name), b"bytes".as_slice().into());
    /// }
    /// assert_eq!(writes.finish().await?.len(), 3);
    /// # Ok::<(), s3dlio::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` where `max_in_flight` is 0.
    pub fn write_many(&self, max_in_flight: usize, options: &WriteOptions) -> Result<Writes> {
        if max_in_flight == 0 {
            return Err(none_in_flight());
        }
        let limit = self.config().memory_limit;
        Ok(Writes {
            client: self.clone(),
            options: Arc::new(options.clone()),
            desk: Arc::new(Desk::new(max_in_flight, limit)),
            tasks: JoinSet::new(),
        })
    }
}

/// Objects being written. Dropping it stops them.
#[derive(Debug)]
pub struct Writes {
    client: Client,
    options: Arc<WriteOptions>,
    desk: Arc<Desk>,
    tasks: JoinSet<()>,
}

impl Writes {
    /// Whether another object may be brought now; never once one has failed.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.desk.lock().has_room()
    }

    /// Has an object written, beginning now where fewer than `max_in_flight` are under way. Must be called where tasks
    /// can be spawned.
    pub fn push(&mut self, uri: Uri, body: Payload) {
        let mut state = self.desk.lock();
        if !state.enter(uri, body) {
            return;
        }
        drop(state);
        // Each task does one job after the other: one for each small object would cost more than its request.
        let (client, options) = (self.client.clone(), Arc::clone(&self.options));
        let desk = Arc::clone(&self.desk);
        self.tasks.spawn(async move {
            let next = || desk.lock().take();
            while let Some(Job { index, uri, body }) = next() {
                let size = body.len();
                let result = client.put(&uri, body, &options).await;
                desk.done(index, size, result);
            }
        });
        while let Some(ended) = self.tasks.try_join_next() {
            self.desk.left(ended);
        }
    }

    /// Returns at once where there is room; if not, when there is room for several.
    ///
    /// # Errors
    /// The first object that could not be written; the others are given up.
    pub async fn room(&mut self) -> Result<()> {
        if self.has_room() {
            return Ok(());
        }
        loop {
            self.check().await?;
            if self.desk.lock().has_much_room() {
                return Ok(());
            }
            tokio::select! {
                () = self.desk.changed.notified() => {}
                Some(ended) = self.tasks.join_next() => self.desk.left(ended),
            }
        }
    }

    /// Waits for all: their results, in the order they were brought.
    ///
    /// # Errors
    /// As [`Writes::room`].
    pub async fn finish(&mut self) -> Result<Vec<PutResult>> {
        self.check().await?;
        while let Some(ended) = self.tasks.join_next().await {
            self.desk.left(ended);
            self.check().await?;
        }
        Ok(std::mem::take(&mut self.desk.lock().results))
    }

    /// Where something failed, stops everything and lets go of what it holds.
    async fn check(&mut self) -> Result<()> {
        let Some(failure) = self.desk.lock().failure.clone() else {
            return Ok(());
        };
        self.tasks.shutdown().await;
        Err(failure)
    }
}

#[derive(Debug)]
struct Job {
    index: usize,
    uri: Uri,
    body: Payload,
}

/// What those who bring and those who write know together.
#[derive(Debug)]
struct Desk {
    state: Mutex<State>,
    /// Told to the one who waits for room.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    max_in_flight: usize,
    memory_limit: u64,
    waiting: VecDeque<Job>,
    waiting_bytes: u64,
    /// Tasks that take jobs.
    writers: usize,
    /// Bytes of what waits or is under way.
    held_bytes: u64,
    held: usize,
    /// Of one object so far: the next may be as large.
    largest: u64,
    /// Empty ones stand for objects that have not been written.
    results: Vec<PutResult>,
    /// The first.
    failure: Option<Error>,
}

impl Desk {
    fn new(max_in_flight: usize, memory_limit: u64) -> Self {
        Desk {
            state: Mutex::new(State {
                max_in_flight,
                memory_limit,
                waiting: VecDeque::new(),
                waiting_bytes: 0,
                writers: 0,
                held_bytes: 0,
                held: 0,
                largest: 0,
                results: Vec::new(),
                failure: None,
            }),
            changed: Notify::new(),
        }
    }

    fn done(&self, index: usize, size: u64, result: Result<PutResult>) {
        let mut state = self.lock();
        state.held -= 1;
        state.held_bytes -= size;
        match result {
            Ok(result) => state.results[index] = result,
            Err(error) => state.fail(error),
        }
        if state.failure.is_some() || state.has_much_room() {
            drop(state);
            self.changed.notify_one();
        }
    }

    /// A writer has ended; one that panicked took its job with it.
    fn left(&self, ended: std::result::Result<(), JoinError>) {
        if let Err(panic) = ended {
            self.lock().fail(panic.into());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
        self.waiting.clear();
    }

    fn has_room(&self) -> bool {
        self.has_room_below(self.max_in_flight, AHEAD)
    }

    /// As much that it is worth the way there.
    fn has_much_room(&self) -> bool {
        self.has_room_below(self.max_in_flight.div_ceil(2), AHEAD / 2)
    }

    fn has_room_below(&self, most: usize, most_small: usize) -> bool {
        let waiting = self.waiting.len();
        let ahead = waiting < most || (waiting < most_small && self.waiting_bytes < AHEAD_BYTES);
        let fits = self.held_bytes.saturating_add(self.largest) <= self.memory_limit;
        self.failure.is_none() && ahead && (fits || self.held == 0)
    }

    /// Whether another writer is to be started.
    fn enter(&mut self, uri: Uri, body: Payload) -> bool {
        if self.failure.is_some() {
            return false;
        }
        let size = body.len();
        let index = self.results.len();
        self.results.push(PutResult::default());
        self.held += 1;
        self.held_bytes += size;
        self.waiting_bytes += size;
        self.largest = self.largest.max(size);
        self.waiting.push_back(Job { index, uri, body });
        let starts = self.writers < self.max_in_flight;
        self.writers += usize::from(starts);
        starts
    }

    /// The next job for a writer, which leaves where there is none.
    fn take(&mut self) -> Option<Job> {
        let job = self.waiting.pop_front();
        match &job {
            Some(job) => self.waiting_bytes -= job.body.len(),
            None => self.writers -= 1,
        }
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(max_in_flight: usize, memory_limit: u64, size: usize) -> (Desk, usize) {
        let desk = Desk::new(max_in_flight, memory_limit);
        let mut brought = 0;
        while desk.lock().has_room() {
            bring(&desk, size);
            brought += 1;
            assert!(brought < 10_000, "there is room for ever");
        }
        (desk, brought)
    }

    fn bring(desk: &Desk, size: usize) {
        let uri = "memory://bucket/key".parse().unwrap();
        desk.lock().enter(uri, Payload::from(vec![0; size]));
    }

    fn finish_one(desk: &Desk) {
        let job = desk.lock().take().unwrap();
        desk.done(job.index, job.body.len(), Ok(PutResult::default()));
    }

    #[test]
    fn what_waits_is_bounded_by_number_or_by_being_small() {
        let (desk, large) = filled(2, u64::MAX, 5 << 20);
        assert_eq!(large, 2);
        assert!(desk.lock().take().is_some(), "one is under way");
        assert!(desk.lock().has_room());

        assert_eq!(filled(2, u64::MAX, 4096).1, AHEAD);
        assert_eq!(filled(5000, u64::MAX, 4096).1, 5000);
        assert_eq!(filled(2, u64::MAX, 1 << 20).1, 4);
    }

    #[test]
    fn bytes_are_bounded_but_for_one_object() {
        assert_eq!(filled(8, 100, 30).1, 3);
        assert_eq!(filled(8, 100, 500).1, 1);

        let (desk, _) = filled(8, 100, 30);
        finish_one(&desk);
        assert!(desk.lock().has_room());
        bring(&desk, 90);
        for _ in 0..2 {
            assert!(!desk.lock().has_room());
            finish_one(&desk);
        }
        assert!(!desk.lock().has_room(), "the next may be as large");
        finish_one(&desk);
        assert!(desk.lock().has_room());
    }

    #[test]
    fn whoever_waits_is_woken_for_several_small_ones() {
        let (desk, _) = filled(2, u64::MAX, 10);
        for _ in 0..AHEAD / 2 {
            assert!(!desk.lock().has_much_room());
            finish_one(&desk);
        }
        finish_one(&desk);
        assert!(desk.lock().has_much_room());
    }
}
