//! A container of numbered entries that takes no memory for them: listings of any length.

use std::ops::Bound;

use crate::data::seeded_bytes;
use crate::http::Content;

/// Keys `prefix` + index with leading zeros, each an object of `size` seeded bytes.
#[derive(Debug)]
pub(crate) struct Synthetic {
    prefix: String,
    digits: usize,
    count: u64,
    size: u64,
    /// One bit an entry.
    deleted: Vec<u64>,
}

impl Synthetic {
    pub(crate) fn new(prefix: String, count: u64, size: u64) -> Self {
        let digits = count.saturating_sub(1).to_string().len().max(8);
        let words = usize::try_from(count.div_ceil(64)).expect("a bit an entry fits the memory");
        Self {
            prefix,
            digits,
            count,
            size,
            deleted: vec![0; words],
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The index of `key`, if it is an entry that was not deleted.
    pub(crate) fn find(&self, key: &str) -> Option<u64> {
        self.index(key).filter(|index| !self.is_deleted(*index))
    }

    pub(crate) fn content(&self, index: u64) -> Content {
        let size = usize::try_from(self.size).expect("an object fits the memory");
        Content::from(seeded_bytes(index, size))
    }

    pub(crate) fn delete(&mut self, index: u64) {
        self.deleted[(index / 64) as usize] |= 1 << (index % 64);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.next(Bound::Unbounded).is_none()
    }

    /// The first entry within `bound`, in the order of the keys, which is that of the indices.
    pub(crate) fn next(&self, bound: Bound<&str>) -> Option<(String, u64)> {
        let from = match bound {
            Bound::Unbounded => 0,
            Bound::Included(start) => self.first(start),
            Bound::Excluded(start) => {
                let first = self.first(start);
                first + u64::from(first < self.count && self.key(first) == start)
            }
        };
        let index = (from..self.count).find(|index| !self.is_deleted(*index))?;
        Some((self.key(index), index))
    }

    /// The first index whose key is not before `start`.
    fn first(&self, start: &str) -> u64 {
        // Pages begin at a key of ours nearly always: no search then.
        if let Some(index) = self.index(start) {
            return index;
        }
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.key(middle).as_str() < start {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn index(&self, key: &str) -> Option<u64> {
        let number = key.strip_prefix(&self.prefix)?;
        let is_ours =
            number.len() == self.digits && number.bytes().all(|byte| byte.is_ascii_digit());
        let index = number.parse().ok().filter(|_| is_ours)?;
        (index < self.count).then_some(index)
    }

    fn key(&self, index: u64) -> String {
        format!("{}{index:0digits$}", self.prefix, digits = self.digits)
    }

    fn is_deleted(&self, index: u64) -> bool {
        self.deleted[(index / 64) as usize] & (1 << (index % 64)) != 0
    }
}
