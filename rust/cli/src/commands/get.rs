//! `get`: reads objects to their end and keeps nothing of them.

use std::time::{Duration, Instant};

use s3dlio::types::ByteRange;
use s3dlio::{Client, Entry, Error, ErrorKind, Key, Result, Uri};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{MIB, rate};
use crate::args::Get;
use crate::exit::Failure;
use crate::jobs;
use crate::output;
use crate::progress::Progress;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Get) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    let range = range(args);
    let objects = Objects::count(&session.client, &uri).await?;
    let at_once = objects.at_once(args.jobs, range, session.client.config().memory_limit);
    let count = objects.count;
    session.output.notice(format_args!(
        "Fetching {count} objects with {at_once} jobs…"
    ));

    let client = &session.client;
    let progress = session.output.progress(count, objects.bytes(range));
    let memory = client.config().memory_limit / u64::from(at_once).min(count).max(1);
    let mut uris = Uris::of(client, &uri);
    let started = Instant::now();
    let next = async || {
        let Some(uri) = uris.next().await? else {
            return Ok(None);
        };
        let (client, progress) = (client.clone(), progress.clone());
        Ok(Some(async move {
            read(&client, &uri, range, memory, &progress).await
        }))
    };
    let tally = jobs::run(next, at_once, &progress, output::complain).await;
    let elapsed = started.elapsed();

    let mib_per_second = rate(tally.bytes, MIB, elapsed);
    let amount = rate(tally.bytes, MIB, Duration::from_secs(1));
    let human =
        format_args!("downloaded {amount:.2} MiB in {elapsed:?} ({mib_per_second:.2} MiB/s)");
    let record = json!({
        "op": "get",
        "objects": tally.objects,
        "failed": tally.failed,
        "bytes": tally.bytes,
        "seconds": elapsed.as_secs_f64(),
        "mib_per_second": mib_per_second,
    });
    if tally.objects > 0 {
        session.output.result(human, || record).await?;
    }
    tally.end()
}

fn range(args: &Get) -> ByteRange {
    match (args.offset, args.length) {
        (0, None) => ByteRange::Whole,
        (offset, None) => ByteRange::From(offset),
        (offset, Some(len)) => ByteRange::Bounded { offset, len },
    }
}

/// What is to be read, as far as its sum matters.
struct Objects {
    count: u64,
    /// Of the objects, where a listing has told them: of the largest, and of all.
    sizes: Option<(u64, u64)>,
}

impl Objects {
    /// Below a prefix they are listed once to be counted and once more to be read, so that no key is kept.
    async fn count(client: &Client, uri: &Uri) -> Result<Self> {
        if !uri.key().is_prefix() {
            return Ok(Objects {
                count: 1,
                sizes: None,
            });
        }
        let mut scan = client.scan(uri, true, None).await?;
        let (mut count, mut largest, mut total) = (0, 0, 0);
        while let Some(entry) = scan.next().await.map_err(|error| error.at("list", uri))? {
            count += 1;
            largest = entry.size.max(largest);
            total += entry.size;
        }
        if count == 0 {
            let error = Error::new(ErrorKind::NotFound, "no objects below this prefix");
            return Err(error.at("get", uri));
        }
        Ok(Objects {
            count,
            sizes: Some((largest, total)),
        })
    }

    /// Whole objects are read in bounded memory; a range is read at once, so fewer of them fit if they are large.
    fn at_once(&self, jobs: u32, range: ByteRange, memory: u64) -> u32 {
        let (ByteRange::From(_) | ByteRange::Bounded { .. }, Some((largest, _))) =
            (range, self.sizes)
        else {
            return jobs;
        };
        let fit = memory / range.len_in(largest).unwrap_or(0).max(1);
        jobs.min(u32::try_from(fit).unwrap_or(u32::MAX).max(1))
    }

    /// How many bytes will be read, where that is known.
    fn bytes(&self, range: ByteRange) -> Option<u64> {
        let (_, total) = self.sizes?;
        (range == ByteRange::Whole).then_some(total)
    }
}

/// One URI, or those below a prefix, whose next page is fetched while the objects of the last one are read.
enum Uris {
    One(Option<Uri>),
    Below {
        root: Uri,
        pages: mpsc::Receiver<Result<Vec<Entry>>>,
        ready: std::vec::IntoIter<Entry>,
        _lister: JoinSet<()>,
    },
}

impl Uris {
    fn of(client: &Client, uri: &Uri) -> Self {
        if !uri.key().is_prefix() {
            return Uris::One(Some(uri.clone()));
        }
        let (found, pages) = mpsc::channel(1);
        let mut lister = JoinSet::new();
        let (client, prefix) = (client.clone(), uri.clone());
        lister.spawn(async move { list(&client, &prefix, &found).await });
        Uris::Below {
            root: uri.root(),
            pages,
            ready: Vec::new().into_iter(),
            _lister: lister,
        }
    }

    async fn next(&mut self) -> Result<Option<Uri>> {
        let (root, pages, ready) = match self {
            Uris::One(uri) => return Ok(uri.take()),
            Uris::Below {
                root, pages, ready, ..
            } => (root, pages, ready),
        };
        loop {
            if let Some(entry) = ready.next() {
                return Ok(Some(root.with_key(Key::new(entry.key))));
            }
            match pages.recv().await {
                Some(page) => *ready = page?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

async fn list(client: &Client, prefix: &Uri, found: &mpsc::Sender<Result<Vec<Entry>>>) {
    let pages = async {
        let mut scan = client.scan(prefix, true, None).await?;
        loop {
            let page = scan.next_page().await?;
            // Nobody takes it where the reads were given up.
            if page.is_empty() || found.send(Ok(page)).await.is_err() {
                return Ok(());
            }
        }
    };
    let listed: Result<()> = pages.await;
    if let Err(error) = listed {
        let _given_up = found.send(Err(error.at("list", prefix))).await;
    }
}

async fn read(
    client: &Client,
    uri: &Uri,
    range: ByteRange,
    memory: u64,
    progress: &Progress,
) -> Result<u64> {
    let length = match range {
        ByteRange::Whole => {
            return client
                .read_and_drop(uri, memory, |bytes| progress.bytes(bytes))
                .await;
        }
        ByteRange::From(_) => None,
        ByteRange::Bounded { len, .. } => Some(len),
    };
    let bytes = client.get_range(uri, range.offset(), length).await?.len() as u64;
    progress.bytes(bytes);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_ranges_are_read_fewer_at_a_time() {
        let objects = Objects {
            count: 100,
            sizes: Some((1 << 30, 100 << 30)),
        };
        let at_once = |range| objects.at_once(64, range, 1 << 30);

        assert_eq!(at_once(ByteRange::Whole), 64);
        assert_eq!(at_once(ByteRange::From(1 << 29)), 2);
        assert_eq!(
            at_once(ByteRange::Bounded {
                offset: 5,
                len: 1 << 20
            }),
            64
        );
        assert_eq!(
            at_once(ByteRange::Bounded {
                offset: 0,
                len: 1 << 40
            }),
            1
        );
    }
}
