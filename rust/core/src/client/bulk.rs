//! Verbs on many objects at once. The first failure ends the call and stops the rest.

use std::future::Future;

use tokio::task::JoinSet;

use super::Client;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::types::{ObjectMeta, PutResult, WriteOptions};
use crate::uri::Uri;

impl Client {
    /// Whole objects, in the order of `uris`, at most `max_in_flight` of them under way.
    ///
    /// # Errors
    /// The first object that cannot be read; it is named.
    pub async fn get_many(&self, uris: &[Uri], max_in_flight: usize) -> Result<Vec<Buffer>> {
        let jobs = uris.iter().cloned().map(|uri| {
            let client = self.clone();
            async move { client.get(&uri).await }
        });
        in_order(jobs, max_in_flight).await
    }

    /// Reads every object to its end and keeps nothing: how many there were, and their bytes.
    ///
    /// # Errors
    /// As [`Client::get_many`].
    pub async fn get_many_stats(&self, uris: &[Uri], max_in_flight: usize) -> Result<(u64, u64)> {
        let streams = max_in_flight.clamp(1, uris.len().max(1)) as u64;
        let memory = self.config().memory_limit / streams;
        let jobs = uris.iter().cloned().map(|uri| {
            let client = self.clone();
            async move { client.read_and_drop(&uri, memory, |_| ()).await }
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
        let jobs = uris.iter().cloned().map(|uri| {
            let client = self.clone();
            async move { client.stat(&uri).await }
        });
        in_order(jobs, max_in_flight).await
    }

    /// Writes objects, at most `max_in_flight` of them under way; results in the order given.
    ///
    /// # Errors
    /// The first object that cannot be written; it is named. Others may have been written.
    pub async fn put_many(
        &self,
        objects: Vec<(Uri, Payload)>,
        max_in_flight: usize,
        options: &WriteOptions,
    ) -> Result<Vec<PutResult>> {
        let jobs = objects.into_iter().map(|(uri, body)| {
            let (client, options) = (self.clone(), options.clone());
            async move { client.put(&uri, body, &options).await }
        });
        in_order(jobs, max_in_flight).await
    }
}

/// Runs `jobs` with a bounded number under way and gives their results in order.
async fn in_order<T, F>(jobs: impl IntoIterator<Item = F>, max_in_flight: usize) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    if max_in_flight == 0 {
        return Err(none_in_flight());
    }
    let mut waiting = jobs.into_iter().enumerate();
    let mut results: Vec<Option<T>> = Vec::new();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < max_in_flight
            && let Some((index, job)) = waiting.next()
        {
            results.push(None);
            tasks.spawn(async move { (index, job.await) });
        }
        let Some(finished) = tasks.join_next().await else {
            break;
        };
        let (index, result) = finished?;
        results[index] = Some(result?);
    }
    Ok(results
        .into_iter()
        .map(|result| result.expect("every task was joined"))
        .collect())
}

pub(super) fn none_in_flight() -> Error {
    Error::invalid("max_in_flight must be above 0")
}
