//! Conditional and ranged requests, which both services read alike.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use crate::clock::parse_http_date;
use crate::http::Head;

/// What a Range header asks of an object of a known size.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Whole,
    Part(Range<u64>),
    Unsatisfiable,
}

/// Reads `bytes=a-b`, `bytes=a-` and `bytes=-n`; anything else asks for the whole.
pub(crate) fn parse_range(header: Option<&str>, size: u64) -> Asked {
    let bounds = header
        .and_then(|value| value.trim().strip_prefix("bytes="))
        .and_then(|value| value.split_once('-'));
    let Some((first, last)) = bounds else {
        return Asked::Whole;
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Asked::Whole,
    };
    if range.start < size {
        Asked::Part(range)
    } else {
        Asked::Unsatisfiable
    }
}

/// What a conditional read leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    NotModified,
    Failed,
}

/// The conditions of a read, of an object that exists.
pub(crate) fn check_read(head: &Head, etag: &str, modified: SystemTime) -> Verdict {
    // HTTP dates have whole seconds; a part of a second must not count as a later change.
    let since = |name| {
        let at = head.header(name).and_then(parse_http_date)?;
        Some(modified >= at + Duration::from_secs(1))
    };
    if let Some(wanted) = head.header("if-match") {
        if !names(wanted, etag) {
            return Verdict::Failed;
        }
    } else if since("if-unmodified-since") == Some(true) {
        return Verdict::Failed;
    }
    if let Some(unwanted) = head.header("if-none-match") {
        if names(unwanted, etag) {
            return Verdict::NotModified;
        }
    } else if since("if-modified-since") == Some(false) {
        return Verdict::NotModified;
    }
    Verdict::Go
}

/// Whether a list of entity tags, or `*`, names `etag`.
pub(crate) fn names(list: &str, etag: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_matches('"') == etag.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::{Asked, parse_range};

    #[test]
    fn ranges_are_cut_to_the_object() {
        let ask = |text, size| parse_range(Some(text), size);

        assert_eq!(ask("bytes=2-4", 10), Asked::Part(2..5));
        assert_eq!(ask("bytes=2-99", 10), Asked::Part(2..10));
        assert_eq!(ask("bytes=9-", 10), Asked::Part(9..10));
        assert_eq!(ask("bytes=-3", 10), Asked::Part(7..10));
        assert_eq!(ask("bytes=-30", 10), Asked::Part(0..10));
        assert_eq!(ask("bytes=10-", 10), Asked::Unsatisfiable);
        assert_eq!(ask("bytes=-0", 10), Asked::Unsatisfiable);
        assert_eq!(ask("bytes=0-0", 0), Asked::Unsatisfiable);
        assert_eq!(ask("bytes=-1", 0), Asked::Unsatisfiable);
    }

    #[test]
    fn what_is_no_range_asks_for_the_whole() {
        for text in [
            "bytes=4-2",
            "bytes=a-b",
            "bytes=-",
            "items=1-2",
            "bytes=1-2,4-5",
        ] {
            assert_eq!(parse_range(Some(text), 10), Asked::Whole, "{text}");
        }
        assert_eq!(parse_range(None, 10), Asked::Whole);
    }
}
