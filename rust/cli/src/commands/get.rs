//! `get`: reads objects to their end and keeps nothing of them.

use std::time::{Duration, Instant};

use s3dlio::types::ByteRange;
use s3dlio::{Client, Error, ErrorKind, Key, Uri};
use serde_json::json;

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
    let objects = find(&session.client, &uri).await?;
    let at_once = objects.at_once(args.jobs, range, session.client.config().memory_limit);
    let count = objects.keys.len();
    session.output.notice(format_args!(
        "Fetching {count} objects with {at_once} jobs…"
    ));

    let client = &session.client;
    let progress = session.output.progress(count as u64, objects.bytes(range));
    let memory = client.config().memory_limit / u64::from(at_once).min(count as u64).max(1);
    let root = uri.root();
    let started = Instant::now();
    let work = objects.keys.into_iter().map(|key| {
        let (client, uri, progress) = (client.clone(), root.with_key(key), progress.clone());
        async move { read(&client, &uri, range, memory, &progress).await }
    });
    let tally = jobs::run(work, at_once, &progress, output::complain).await;
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

/// What is to be read.
struct Objects {
    keys: Vec<Key>,
    /// Of the objects, where a listing has told them: of the largest, and of all.
    sizes: Option<(u64, u64)>,
}

async fn find(client: &Client, uri: &Uri) -> Result<Objects, Error> {
    if !uri.key().is_prefix() {
        return Ok(Objects {
            keys: vec![uri.key().clone()],
            sizes: None,
        });
    }
    let mut scan = client.scan(uri, true, None).await?;
    let (mut keys, mut largest, mut total) = (Vec::new(), 0, 0);
    while let Some(entry) = scan.next().await.map_err(|error| error.at("list", uri))? {
        keys.push(Key::new(entry.key));
        largest = entry.size.max(largest);
        total += entry.size;
    }
    if keys.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "no objects below this prefix").at("get", uri));
    }
    Ok(Objects {
        keys,
        sizes: Some((largest, total)),
    })
}

impl Objects {
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

async fn read(
    client: &Client,
    uri: &Uri,
    range: ByteRange,
    memory: u64,
    progress: &Progress,
) -> Result<u64, Error> {
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
            keys: vec![Key::default(); 100],
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
