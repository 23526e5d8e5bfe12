//! Ranges of many objects, each into memory of the caller.

use std::collections::HashMap;

use tokio::task::JoinSet;

use super::Client;
use crate::buffer::IoBufMut;
use crate::error::{Error, Result};
use crate::split::RangeInto;
use crate::uri::Uri;

impl Client {
    /// Fills each destination from its offset of its object; gives the bytes of them all. Ranges of one object are of
    /// one version of it, and share a request where at most `max_gap` bytes lie between them.
    ///
    /// # Errors
    /// Of the first object that cannot be read, whose URI it names; `ShortRead` if a range ends behind its object;
    /// `InvalidInput` where destinations overlap. What they then hold is unspecified.
    pub async fn read_into_many(&self, reads: Vec<(Uri, RangeInto)>, max_gap: u64) -> Result<u64> {
        require_apart(&reads)?;
        let mut objects: HashMap<Uri, Vec<RangeInto>> = HashMap::new();
        for (uri, range) in reads {
            objects.entry(uri).or_default().push(range);
        }
        let mut waiting = objects.into_iter();
        let mut tasks = JoinSet::new();
        let mut total = 0;
        loop {
            while tasks.len() < self.config().concurrency.max(1)
                && let Some((uri, ranges)) = waiting.next()
            {
                let client = self.clone();
                tasks.spawn(async move { client.read_ranges(&uri, ranges, max_gap).await });
            }
            let Some(finished) = tasks.join_next().await else {
                return Ok(total);
            };
            total += finished??;
        }
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        mut ranges: Vec<RangeInto>,
        max_gap: u64,
    ) -> Result<u64> {
        let open = self.begin("read_into", uri);
        let work = async {
            let store = self.object(uri).await?;
            // A range by itself may be the whole object, which is compared with its checksum.
            if let [_] = ranges[..]
                && let Some(RangeInto {
                    offset,
                    destination,
                }) = ranges.pop()
            {
                let filled = store.read_into(uri.key(), offset, destination, open.span());
                return Ok(filled.await?.len() as u64);
            }
            store
                .read_ranges(uri.key(), ranges, max_gap, open.span())
                .await
        };
        let result = work.await;
        open.end(result, |bytes| (*bytes, 1))
    }
}

/// Memory that two requests fill at once would hold neither's bytes.
fn require_apart(reads: &[(Uri, RangeInto)]) -> Result<()> {
    let mut places: Vec<(usize, usize, usize)> = reads
        .iter()
        .enumerate()
        .map(|(index, (_, range))| {
            let memory: &IoBufMut = &range.destination;
            (memory.as_ptr() as usize, memory.len(), index)
        })
        .filter(|(_, len, _)| *len > 0)
        .collect();
    places.sort_unstable();
    for pair in places.windows(2) {
        let ((start, len, one), (next, _, other)) = (pair[0], pair[1]);
        if start + len > next {
            return Err(Error::invalid(format!(
                "destinations {} and {} share memory",
                one.min(other),
                one.max(other)
            )));
        }
    }
    Ok(())
}
