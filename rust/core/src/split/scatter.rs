//! Ranges of one object into many pieces of memory: near ones share a request, and all come from one version.

use std::collections::VecDeque;

use tokio::task::JoinSet;

use super::{PER_OBJECT, SplitStore};
use crate::buffer::IoBufMut;
use crate::error::{Error, ErrorKind, Result};
use crate::gate::Ask;
use crate::span::Span;
use crate::types::{ByteRange, Destination, ReadOptions, ReadReply};
use crate::uri::Key;

/// A range of an object, as long as the memory that it goes to.
#[derive(Debug)]
pub struct RangeInto {
    pub offset: u64,
    pub destination: IoBufMut,
}

impl RangeInto {
    fn len(&self) -> u64 {
        self.destination.len() as u64
    }

    fn end(&self) -> u64 {
        self.offset + self.len()
    }
}

/// What one request reads.
#[derive(Debug)]
struct Part {
    offset: u64,
    len: u64,
    /// Where in the part each piece starts; they may overlap, and leave gaps.
    pieces: Vec<(usize, IoBufMut)>,
}

impl SplitStore {
    /// Fills the destinations; gives their bytes. Ranges share a request where at most `max_gap` bytes lie between them.
    ///
    /// # Errors
    /// As [`Self::read_into`]; `Precondition` if the object is replaced between two requests.
    pub async fn read_ranges(
        &self,
        key: &Key,
        ranges: Vec<RangeInto>,
        max_gap: u64,
        span: &Span,
    ) -> Result<u64> {
        let wanted: Vec<(u64, u64)> = ranges.iter().map(|one| (one.offset, one.len())).collect();
        for (offset, len) in &wanted {
            if offset.checked_add(*len).is_none() {
                let detail = format!("{len} bytes from offset {offset}: no object is so long");
                return Err(Error::invalid(detail).with_code("InvalidRange"));
            }
        }
        let mut parts = plan(ranges, max_gap, self.part_size);
        let Some(first) = parts.pop_front() else {
            self.store.stat(key).await?;
            return Ok(0);
        };
        // Its answer tells the version and whether the ranges lie within it.
        let len = first.len;
        let reply = self.read_scattered(key, first, None, span).await?;
        for (offset, len) in &wanted {
            require_within(*offset, *len, reply.size)?;
        }
        require_all(reply.filled, len)?;
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < PER_OBJECT
                && let Some(part) = parts.pop_front()
            {
                let (store, key, etag, span) =
                    (self.clone(), key.clone(), reply.etag.clone(), span.clone());
                tasks.spawn(async move {
                    let len = part.len;
                    let reply = store.read_scattered(&key, part, etag, &span).await?;
                    require_all(reply.filled, len)
                });
            }
            let Some(finished) = tasks.join_next().await else {
                break;
            };
            finished??;
        }
        Ok(wanted.iter().map(|(_, len)| len).sum())
    }

    async fn read_scattered(
        &self,
        key: &Key,
        mut part: Part,
        if_match: Option<String>,
        span: &Span,
    ) -> Result<ReadReply> {
        let len = part.len;
        let range = ByteRange::Bounded {
            offset: part.offset,
            len,
        };
        let options = ReadOptions {
            if_match,
            span: span.clone(),
            ..ReadOptions::default()
        };
        let work = async {
            let memory = match part.straight() {
                Some(memory) => memory,
                None => self.take_part(part.len)?,
            };
            let into = Destination::Fill(memory);
            self.store.read(key, range, into, &options).await
        };
        let (memory, reply) = self.request(Ask::part(len), work).await?;
        for (at, mut piece) in part.pieces {
            // The request filled one block; its parts belong to several owners, and the gaps to nobody.
            if let Some(bytes) = memory[..reply.filled].get(at..at + piece.len()) {
                piece.copy_from_slice(bytes);
            }
        }
        Ok(reply)
    }
}

impl Part {
    /// The memory that the request can fill itself, where one piece takes all of the part.
    fn straight(&mut self) -> Option<IoBufMut> {
        match &self.pieces[..] {
            [(0, only)] if only.len() as u64 == self.len => {
                self.pieces.pop().map(|(_, piece)| piece)
            }
            _ => None,
        }
    }
}

/// Requests of at most `part_size` bytes that together fill every range, in the order of their offsets.
fn plan(mut ranges: Vec<RangeInto>, max_gap: u64, part_size: u64) -> VecDeque<Part> {
    ranges.retain(|range| !range.destination.is_empty());
    ranges.sort_by_key(|range| range.offset);
    let mut waiting = ranges.into_iter().peekable();
    // Begun by an earlier part, and longer than that.
    let mut open: Vec<RangeInto> = Vec::new();
    let mut parts = VecDeque::new();
    loop {
        let next = waiting.peek().map(|range| range.offset);
        let Some(offset) = open.iter().map(|range| range.offset).chain(next).min() else {
            return parts;
        };
        let limit = offset.saturating_add(part_size);
        let mut end = offset;
        for range in &open {
            end = end.max(range.end().min(limit));
        }
        while let Some(range) = waiting
            .next_if(|range| range.offset < limit && range.offset <= end.saturating_add(max_gap))
        {
            end = end.max(range.end().min(limit));
            open.push(range);
        }
        let mut pieces = Vec::new();
        for mut range in std::mem::take(&mut open) {
            // Both fit: they are within the memory of the range, or of a part.
            let take = range.len().min(end.saturating_sub(range.offset)) as usize;
            let rest = range.destination.split_off(take);
            pieces.push(((range.offset - offset) as usize, range.destination));
            if !rest.is_empty() {
                open.push(RangeInto {
                    offset: range.offset + take as u64,
                    destination: rest,
                });
            }
        }
        parts.push_back(Part {
            offset,
            len: end - offset,
            pieces,
        });
    }
}

fn require_within(offset: u64, len: u64, size: u64) -> Result<()> {
    if len == 0 || offset + len <= size {
        return Ok(());
    }
    if offset > 0 && offset >= size {
        return Err(Error::invalid_range(offset, size));
    }
    Err(Error::new(
        ErrorKind::ShortRead,
        format!("{len} bytes were asked for from offset {offset} of an object of {size} bytes"),
    ))
}

fn require_all(filled: usize, len: u64) -> Result<()> {
    if filled as u64 == len {
        return Ok(());
    }
    let detail = format!("{filled} of {len} bytes came");
    Err(Error::new(ErrorKind::Integrity, detail))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::buffer::Pool;

    /// Offset and length of a part, and where its pieces are.
    type Planned = (u64, u64, Vec<(usize, usize)>);

    fn planned(ranges: &[(u64, usize)], max_gap: u64, part_size: u64) -> Vec<Planned> {
        let pool = Arc::new(Pool::default());
        let ranges = ranges.iter().map(|(offset, len)| RangeInto {
            offset: *offset,
            destination: pool.take(*len).unwrap(),
        });
        plan(ranges.collect(), max_gap, part_size)
            .into_iter()
            .map(|part| {
                let pieces = part.pieces.iter();
                let pieces = pieces.map(|(at, piece)| (*at, piece.len())).collect();
                (part.offset, part.len, pieces)
            })
            .collect()
    }

    #[test]
    fn near_ranges_share_a_part_and_far_ones_do_not() {
        assert_eq!(
            planned(&[(100, 10), (0, 10), (15, 5)], 5, 1000),
            [(0, 20, vec![(0, 10), (15, 5)]), (100, 10, vec![(0, 10)])]
        );
        assert_eq!(planned(&[(0, 10), (16, 5)], 5, 1000).len(), 2);
    }

    #[test]
    fn a_part_is_no_longer_than_allowed_and_no_gap_is_read_at_its_end() {
        assert_eq!(
            planned(&[(0, 10), (15, 250)], 1000, 100),
            [
                (0, 100, vec![(0, 10), (15, 85)]),
                (100, 100, vec![(0, 100)]),
                (200, 65, vec![(0, 65)])
            ]
        );
        assert_eq!(
            planned(&[(0, 90), (150, 10)], 1000, 100),
            [(0, 90, vec![(0, 90)]), (150, 10, vec![(0, 10)])]
        );
    }

    #[test]
    fn ranges_may_overlap_and_be_empty() {
        assert_eq!(
            planned(&[(0, 100), (50, 100), (60, 0)], 0, 120),
            [(0, 120, vec![(0, 100), (50, 70)]), (120, 30, vec![(0, 30)])]
        );
        assert!(planned(&[(7, 0)], 0, 100).is_empty());
    }
}
