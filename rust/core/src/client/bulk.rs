//! Verbs on many objects at once. The first failure ends the call and stops the rest.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use super::Client;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::types::ObjectMeta;
use crate::uri::Uri;

impl Client {
    /// One `job` for each of `uris`.
    fn jobs<F, J>(&self, uris: &[Uri], job: J) -> impl ExactSizeIterator<Item = F> + use<F, J>
    where
        J: Fn(Client, Uri) -> F,
    {
        let (client, uris) = (self.clone(), uris.to_vec());
        uris.into_iter().map(move |uri| job(client.clone(), uri))
    }

    /// Whole objects, in the order of `uris`, at most `max_in_flight` of them under way.
    ///
    /// # Errors
    /// The first object that cannot be read; it is named.
    pub async fn get_many(&self, uris: &[Uri], max_in_flight: usize) -> Result<Vec<Buffer>> {
        let jobs = self.jobs(uris, |client, uri| async move { client.get(&uri).await });
        in_order(jobs, max_in_flight).await
    }

    /// Reads every object to its end and keeps nothing: how many there were, and their bytes.
    ///
    /// # Errors
    /// As [`Client::get_many`].
    pub async fn get_many_stats(&self, uris: &[Uri], max_in_flight: usize) -> Result<(u64, u64)> {
        let streams = max_in_flight.clamp(1, uris.len().max(1)) as u64;
        let memory = self.config().memory_limit / streams;
        let jobs = self.jobs(uris, move |client, uri| async move {
            client.read_and_drop(&uri, memory, |_| ()).await
        });
        let sizes = in_order(jobs, max_in_flight).await?;
        Ok((sizes.len() as u64, sizes.iter().sum()))
    }

    /// Reads one object to its end and keeps nothing: its bytes. At most `memory` of them are held at once, but always
    /// one part; `progress` is told of each part's length.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn read_and_drop(
        &self,
        uri: &Uri,
        memory: u64,
        progress: impl Fn(u64),
    ) -> Result<u64> {
        let open = self.begin("get", uri);
        let work = async {
            let mut parts = self.stream(uri, memory, open.span()).await?;
            while let Some(part) = parts.next().await? {
                progress(part.len() as u64);
            }
            Ok(parts.size())
        };
        let result = work.await;
        open.end(result, |size| (*size, 1))
    }

    /// What the services tell about objects, in the order of `uris`, at most `max_in_flight` of them asked at once.
    ///
    /// # Errors
    /// The first object that cannot be asked for; it is named.
    pub async fn stat_many(&self, uris: &[Uri], max_in_flight: usize) -> Result<Vec<ObjectMeta>> {
        let jobs = self.jobs(uris, |client, uri| async move { client.stat(&uri).await });
        in_order(jobs, max_in_flight).await
    }
}

/// Runs `jobs` with a bounded number under way and gives their results in order.
///
/// Each of so many tasks does one job after the other: a task for each small object would cost more than its request.
async fn in_order<T, F, J>(jobs: J, max_in_flight: usize) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
    J: ExactSizeIterator<Item = F> + Send + 'static,
{
    if max_in_flight == 0 {
        return Err(none_in_flight());
    }
    let count = jobs.len();
    let mut results: Vec<Option<T>> = Vec::new();
    results.resize_with(count, || None);
    let waiting = Arc::new(Mutex::new(jobs.enumerate()));
    let mut tasks = JoinSet::new();
    for _ in 0..max_in_flight.min(count) {
        let waiting = Arc::clone(&waiting);
        tasks.spawn(async move {
            let next = || {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.next()
            };
            let mut done = Vec::new();
            while let Some((index, job)) = next() {
                done.push((index, job.await?));
            }
            Ok::<_, Error>(done)
        });
    }
    while let Some(finished) = tasks.join_next().await {
        for (index, result) in finished?? {
            results[index] = Some(result);
        }
    }
    Ok(results
        .into_iter()
        .map(|result| result.expect("every job was done"))
        .collect())
}

pub(super) fn none_in_flight() -> Error {
    Error::invalid("max_in_flight must be above 0")
}
