//! How large the parts of an object are.
//!
//! `part_size` is the rule. What is read in fewer such parts than may be under way at once is cut into more of them, down
//! to [`LEAST`]; what is written is not, as each part is paid for, and their number shows in the etag. An upload that
//! needs more parts than a service takes gets larger ones: from the start where its size is known, else on the way. There
//! they double with each tenth of the parts that there may be, as far as memory allows, and in the last fifth with each
//! hundredth, whatever it takes.

use super::PER_OBJECT;
use crate::types::PartLimits;

/// Below this, a request costs more than its share; also the least that S3 takes.
const LEAST: u64 = 5 << 20;
/// Parts are whole MiB, so that they stay aligned for `O_DIRECT`.
const STEP: u64 = 1 << 20;

/// For `len` bytes that are read.
pub(super) fn spread(len: u64, part_size: u64) -> u64 {
    let even = len.div_ceil(PER_OBJECT as u64).next_multiple_of(STEP);
    even.clamp(LEAST.min(part_size), part_size)
}

/// The first parts of an upload of `expected` bytes.
pub(super) fn first(expected: Option<u64>, part_size: u64, limits: PartLimits) -> u64 {
    let smallest = expected.map_or(0, |len| len.div_ceil(u64::from(limits.max_count)));
    part_size
        .max(smallest.next_multiple_of(STEP))
        .clamp(limits.min_size, limits.max_size)
}

/// Part `number` of an upload that began with parts of `first` bytes and may hold `memory` bytes.
pub(super) fn grown(first: u64, number: u32, memory: u64, limits: PartLimits) -> u64 {
    let (before, tenth) = (number.saturating_sub(1), (limits.max_count / 10).max(1));
    if !limits.any_size || before < tenth {
        return first;
    }
    // What waits, what is sent, and room between them.
    let calm = doubled(first, (before / tenth).min(9)).min((memory / 4).max(first));
    let last = before.saturating_sub(8 * tenth) / (tenth / 10).max(1);
    doubled(calm, last).min(limits.max_size)
}

fn doubled(size: u64, times: u32) -> u64 {
    size.saturating_mul(1 << times.min(20))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const S3: PartLimits = PartLimits {
        min_size: 5 * MIB,
        max_size: 5 << 30,
        max_count: 10_000,
        max_single: 5 << 30,
        any_size: true,
    };

    /// Parts and bytes of an object that is as large as can be, and its largest part.
    fn endless(memory: u64) -> (u64, u64) {
        let sizes = (1..=S3.max_count).map(|number| grown(8 * MIB, number, memory, S3));
        sizes.fold((0, 0), |(sum, largest), size| {
            assert!((S3.min_size..=S3.max_size).contains(&size));
            assert!(size >= largest);
            (sum + size, size)
        })
    }

    #[test]
    fn an_object_of_unknown_size_may_be_as_large_as_any() {
        // The largest object of S3 has 5 TiB.
        for memory in [u64::MAX, 1 << 30, 16 * MIB] {
            let (sum, _) = endless(memory);
            assert!(sum >= 5 << 40, "{memory}: {sum}");
        }
    }

    #[test]
    fn parts_stay_within_memory_while_there_are_enough() {
        let sizes = (1..=8000).map(|number| grown(8 * MIB, number, 64 * MIB, S3));
        assert_eq!(sizes.max(), Some(16 * MIB));
        let sizes = (1..=1000).map(|number| grown(8 * MIB, number, u64::MAX, S3));
        assert!(sizes.into_iter().all(|size| size == 8 * MIB));
    }

    #[test]
    fn parts_that_must_be_equal_are() {
        let equal = PartLimits {
            any_size: false,
            ..S3
        };
        assert_eq!(grown(8 * MIB, 9999, u64::MAX, equal), 8 * MIB);
    }

    #[test]
    fn objects_of_known_size_fit_their_parts() {
        let first = |len| first(Some(len), 8 * MIB, S3);
        assert_eq!(first(8 * MIB + 1), 8 * MIB);
        assert_eq!(first(10 << 30), 8 * MIB);
        assert_eq!(first(5 << 40), 525 * MIB);
        assert!((5_u64 << 40).div_ceil(first(5 << 40)) <= 10_000);
    }

    #[test]
    fn reads_have_enough_parts_under_way() {
        assert_eq!(spread(8 * MIB + 1, 8 * MIB), 5 * MIB);
        assert_eq!(spread(100 * MIB, 8 * MIB), 7 * MIB);
        assert_eq!(spread(128 * MIB, 8 * MIB), 8 * MIB);
        assert_eq!(spread(10 << 30, 8 * MIB), 8 * MIB);
        // Small parts that were asked for stay.
        assert_eq!(spread(100 * MIB, MIB), MIB);
        assert_eq!(spread(6 * MIB, 5 * MIB), 5 * MIB);
    }
}
