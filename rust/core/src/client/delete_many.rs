//! `delete_many`: single objects of any containers, by as few requests as their services take; so what a listing finds.

use std::collections::HashMap;

use tokio::task::JoinSet;

use super::bulk::none_in_flight;
use super::{Client, Scan};
use crate::error::{Error, Result};
use crate::split::SplitStore;
use crate::uri::{Key, Uri};

/// Keys of one container that a task deletes, by one request or by several where the service takes fewer.
const BATCH: usize = 1000;

impl Client {
    /// Removes objects, at most `max_in_flight` batches of them under way. Each URI is one key, also where it ends in
    /// `/`; a missing key is success. Gives the failures, each with its URI as [`Error::target`]: all others are gone.
    ///
    /// Where a service cannot be reached, what was not sent by then is not tried: it fails for the same reason.
    ///
    /// # Errors
    /// `InvalidInput` where `max_in_flight` is 0.
    pub async fn delete_many(
        &self,
        uris: impl IntoIterator<Item = Uri, IntoIter: Send>,
        max_in_flight: usize,
    ) -> Result<Vec<Error>> {
        let mut failures: Vec<Error> = Vec::new();
        let source = Source::Named(Batches::new(uris.into_iter()));
        self.delete_batches(source, max_in_flight, |_, failed| failures.extend(failed))
            .await?;
        Ok(failures)
    }

    /// Removes what a recursive [`Client::scan`] finds, as its pages arrive, at most `max_in_flight` batches under way.
    /// `told` of each batch: how many keys are gone, and the failures of the others, as [`Client::delete_many`] gives
    /// them. With all of a prefix, the directories go that this leaves empty.
    ///
    /// # Errors
    /// Of the listing; what it had found before is deleted.
    pub async fn delete_found(
        &self,
        uri: &Uri,
        pattern: Option<&str>,
        max_in_flight: usize,
        told: impl FnMut(u64, Vec<Error>),
    ) -> Result<()> {
        let source = Source::<std::iter::Empty<Uri>>::Found {
            scan: Box::new(self.scan(uri, true, pattern).await?),
            root: uri.root(),
            broken: None,
        };
        self.delete_batches(source, max_in_flight, told).await?;
        match pattern.is_none() && uri.is_prefix() {
            true => self.store(uri).await?.inner().prune(uri.key()).await,
            false => Ok(()),
        }
    }

    async fn delete_batches<I: Iterator<Item = Uri>>(
        &self,
        mut source: Source<I>,
        max_in_flight: usize,
        mut told: impl FnMut(u64, Vec<Error>),
    ) -> Result<()> {
        if max_in_flight == 0 {
            return Err(none_in_flight());
        }
        let mut tasks = JoinSet::new();
        let mut unreachable: Option<Error> = None;
        let mut ended: Result<()> = Ok(());
        loop {
            while ended.is_ok() && tasks.len() < max_in_flight {
                let batch = match source.next().await {
                    Ok(Some(batch)) => batch,
                    Ok(None) => break,
                    Err(error) => {
                        ended = Err(error);
                        break;
                    }
                };
                match &unreachable {
                    Some(cause) => told(0, batch.all_failed(cause)),
                    None => {
                        let client = self.clone();
                        tasks.spawn(async move { batch.delete(&client).await });
                    }
                }
            }
            let Some(finished) = tasks.join_next().await else {
                return ended;
            };
            let outcome = finished?;
            told(outcome.deleted, outcome.failures);
            unreachable = unreachable.or(outcome.unreachable);
        }
    }
}

/// Where the keys come from.
enum Source<I> {
    Named(Batches<I>),
    Found {
        scan: Box<Scan>,
        root: Uri,
        /// Why there is no more after what was found.
        broken: Option<Error>,
    },
}

impl<I: Iterator<Item = Uri>> Source<I> {
    async fn next(&mut self) -> Result<Option<Batch>> {
        let (scan, root, broken) = match self {
            Source::Named(batches) => return Ok(batches.next()),
            Source::Found { scan, root, broken } => (scan, root, broken),
        };
        if let Some(error) = broken.take() {
            return Err(error);
        }
        let mut keys = Vec::new();
        while keys.len() < BATCH {
            match scan.next().await {
                Ok(Some(entry)) => keys.push(Key::new(entry.key)),
                Ok(None) => break,
                Err(error) if keys.is_empty() => return Err(error),
                Err(error) => {
                    *broken = Some(error);
                    break;
                }
            }
        }
        Ok((!keys.is_empty()).then(|| Batch {
            root: root.clone(),
            keys,
        }))
    }
}

/// Gathers URIs by their containers.
struct Batches<I> {
    uris: I,
    /// Of the container that was named last.
    current: Option<Batch>,
    others: HashMap<Uri, Vec<Key>>,
}

impl<I: Iterator<Item = Uri>> Batches<I> {
    fn new(uris: I) -> Self {
        Batches {
            uris,
            current: None,
            others: HashMap::new(),
        }
    }

    /// Takes the batch of `root` out of all that are being gathered.
    fn turn_to(&mut self, root: Uri) -> Batch {
        match self.current.take() {
            Some(current) if current.root.is_beside(&root) => return current,
            Some(current) => drop(self.others.insert(current.root, current.keys)),
            None => {}
        }
        let keys = self.others.remove(&root).unwrap_or_default();
        Batch { root, keys }
    }
}

impl<I: Iterator<Item = Uri>> Iterator for Batches<I> {
    type Item = Batch;

    /// The first batch that is full, or at the end any that is not.
    fn next(&mut self) -> Option<Batch> {
        while let Some(uri) = self.uris.next() {
            let (root, key) = uri.split();
            let mut batch = self.turn_to(root);
            batch.keys.push(key);
            if batch.keys.len() == BATCH {
                return Some(batch);
            }
            self.current = Some(batch);
        }
        self.current.take().or_else(|| {
            let root = self.others.keys().next()?.clone();
            let keys = self.others.remove(&root)?;
            Some(Batch { root, keys })
        })
    }
}

/// Keys of one container; none only while they are gathered.
struct Batch {
    root: Uri,
    keys: Vec<Key>,
}

#[derive(Default)]
struct Outcome {
    deleted: u64,
    failures: Vec<Error>,
    /// Why requests to the service are in vain.
    unreachable: Option<Error>,
}

impl Batch {
    async fn delete(mut self, client: &Client) -> Outcome {
        let mut outcome = Outcome::default();
        let root = self.root.clone();
        self.keep(&mut outcome, |key| match key.is_empty() {
            true => root.require_object(),
            false => Ok(()),
        });
        let Some(first) = self.keys.first() else {
            return outcome;
        };
        let store = match client.store(&root.with_key(first.clone())).await {
            Ok(store) => store,
            Err(error) => {
                outcome.failures.extend(self.all_failed(&error));
                return outcome;
            }
        };
        self.keep(&mut outcome, |key| store.inner().check_key(key));
        for keys in self
            .keys
            .chunks(store.inner().info().capability.delete_batch)
        {
            match &outcome.unreachable {
                Some(cause) => {
                    let failed = keys.iter().map(|key| self.named(cause, key));
                    outcome.failures.extend(failed);
                }
                None => self.request(client, &store, keys, &mut outcome).await,
            }
        }
        outcome
    }

    /// Drops the keys that do not pass, as failures.
    fn keep(&mut self, outcome: &mut Outcome, check: impl Fn(&Key) -> Result<()>) {
        for key in std::mem::take(&mut self.keys) {
            match check(&key) {
                Ok(()) => self.keys.push(key),
                Err(error) => outcome.failures.push(self.named(&error, &key)),
            }
        }
    }

    async fn request(
        &self,
        client: &Client,
        store: &SplitStore,
        keys: &[Key],
        outcome: &mut Outcome,
    ) {
        let open = client.begin("delete", &self.root);
        let answer = store.delete(keys).await;
        let elapsed = open.span().elapsed();
        let failures: Vec<Error> = match &answer {
            Ok(refused) => refused
                .iter()
                .map(|one| self.named(&one.error, &Key::new(one.key.as_str())))
                .collect(),
            Err(cause) => keys.iter().map(|key| self.named(cause, key)).collect(),
        };
        let deleted = keys.len().saturating_sub(failures.len()) as u64;
        outcome.deleted += deleted;
        let timed = failures.into_iter().map(|error| error.after(elapsed));
        outcome.failures.extend(timed);
        // The service was tried in vain, again and again; what it says of single keys is no reason to stop.
        outcome.unreachable = answer.as_ref().err().filter(|e| e.retryable()).cloned();
        // Told to the observer; the callers' errors name the keys.
        let _told = open.end(answer, |_| (0, deleted));
    }

    fn all_failed(&self, cause: &Error) -> Vec<Error> {
        self.keys.iter().map(|key| self.named(cause, key)).collect()
    }

    fn named(&self, cause: &Error, key: &Key) -> Error {
        cause.clone().at("delete", self.root.with_key(key.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_gathered_by_container_in_whatever_order_they_are_named() {
        let count = BATCH + 1;
        let named = (0..2 * count).map(|i| {
            let bucket = if i % 2 == 0 { "a" } else { "b" };
            format!("s3://{bucket}/{}", i / 2).parse::<Uri>().unwrap()
        });

        let mut found: Vec<(String, Vec<Key>)> = Batches::new(named)
            .map(|batch| (batch.root.to_string(), batch.keys))
            .collect();

        found.sort_by_key(|(root, keys)| (root.clone(), usize::MAX - keys.len()));
        let keys = |range: std::ops::Range<usize>| range.map(|i| Key::new(i.to_string())).collect();
        let expected: Vec<(String, Vec<Key>)> = ["s3://a/", "s3://b/"]
            .into_iter()
            .flat_map(|root| {
                [
                    (root.to_owned(), keys(0..BATCH)),
                    (root.to_owned(), keys(BATCH..count)),
                ]
            })
            .collect();
        assert_eq!(found, expected);
    }
}
