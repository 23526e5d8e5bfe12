//! Where in an answer's body the wanted bytes are: what the answer claims against what was asked for.

use crate::backend::words;
use crate::error::{Error, ErrorKind, Result};
use crate::types::ByteRange;

/// The head of an answer, as far as it tells which bytes follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) status: u16,
    pub(super) content_range: Option<&'a str>,
    pub(super) content_length: Option<u64>,
}

/// The wanted bytes: `len` of them after `skip` others, in an object of `size` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) skip: u64,
    pub(super) len: u64,
    pub(super) size: u64,
}

/// Finds `range` in the answer. A server that ignored the range sent everything; then what comes first is skipped.
///
/// # Errors
/// `Integrity` where the answer contradicts itself or the request; `InvalidInput` for a range past the end.
pub(super) fn locate(range: ByteRange, head: Head<'_>) -> Result<Location> {
    let location = match head {
        Head {
            status: 206,
            content_range,
            ..
        } => {
            let claimed = content_range.and_then(parse_content_range);
            let Some((first, last, size)) = claimed else {
                return Err(mismatch(words::no_part(content_range)));
            };
            let len = last - first + 1;
            if first != range.offset() || Ok(len) != range.len_in(size).map_err(drop) {
                return Err(mismatch(words::other_part(range, first, last, size)));
            }
            Location { skip: 0, len, size }
        }
        Head {
            status: 200,
            content_range: None,
            content_length: Some(size),
        } => Location {
            skip: range.offset(),
            len: range.len_in(size)?,
            size,
        },
        Head {
            status: 200,
            content_range,
            ..
        } => {
            return Err(mismatch(match content_range {
                Some(text) => format!("an answer of a whole object has Content-Range {text:?}"),
                None => "the answer tells no length".to_owned(),
            }));
        }
        Head { status, .. } => {
            return Err(mismatch(format!(
                "a read was answered with status {status}"
            )));
        }
    };
    let body = if head.status == 206 {
        location.len
    } else {
        location.size
    };
    if let Some(claimed) = head.content_length.filter(|claimed| *claimed != body) {
        return Err(mismatch(format!(
            "Content-Length is {claimed} where {body} bytes belong"
        )));
    }
    Ok(location)
}

fn mismatch(detail: String) -> Error {
    Error::new(ErrorKind::Integrity, detail)
}

/// `bytes first-last/size`, the only form a single range is answered with (RFC 9110, section 14.4).
fn parse_content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (span, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let (first, last, size) = (digits(first)?, digits(last)?, digits(size)?);
    (first <= last && last < size).then_some((first, last, size))
}

/// `parse` alone would take a sign.
fn digits(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// The `Range` header, for a range that needs one.
pub(super) fn header(range: ByteRange) -> Option<String> {
    match range {
        ByteRange::Whole => None,
        ByteRange::From(offset) => Some(format!("bytes={offset}-")),
        // The end is inclusive; a length above 0 is the caller's promise.
        ByteRange::Bounded { offset, len } => {
            Some(format!("bytes={offset}-{}", offset.saturating_add(len) - 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partial(content_range: &str, content_length: u64) -> Head<'_> {
        Head {
            status: 206,
            content_range: Some(content_range),
            content_length: Some(content_length),
        }
    }

    fn whole(size: u64) -> Head<'static> {
        Head {
            status: 200,
            content_range: None,
            content_length: Some(size),
        }
    }

    #[test]
    fn a_partial_answer_is_what_was_asked_for() {
        let range = ByteRange::Bounded { offset: 10, len: 5 };

        assert_eq!(
            locate(range, partial("bytes 10-14/100", 5)).unwrap(),
            Location {
                skip: 0,
                len: 5,
                size: 100
            }
        );
        assert_eq!(
            locate(range, partial("bytes 10-11/12", 2)).unwrap(),
            Location {
                skip: 0,
                len: 2,
                size: 12
            }
        );
        let tail = locate(ByteRange::From(10), partial("bytes 10-99/100", 90)).unwrap();
        assert_eq!(
            tail,
            Location {
                skip: 0,
                len: 90,
                size: 100
            }
        );
    }

    #[test]
    fn any_other_partial_answer_is_refused() {
        let range = ByteRange::Bounded { offset: 10, len: 5 };
        for (claim, length) in [
            ("bytes 0-4/100", 5),
            ("bytes 10-13/100", 4),
            ("bytes 10-15/100", 6),
            ("bytes 10-14/100", 4),
            ("bytes 10-14/*", 5),
            ("bytes */100", 5),
            ("bytes 14-10/100", 5),
            ("bytes 10-14/14", 5),
            ("bytes +10-14/100", 5),
            ("10-14/100", 5),
            ("", 5),
        ] {
            let error = locate(range, partial(claim, length)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Integrity, "{claim}");
        }
        let nameless = Head {
            status: 206,
            content_range: None,
            content_length: Some(5),
        };
        let error = locate(range, nameless).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
    }

    #[test]
    fn what_does_not_fit_is_told_in_words() {
        let range = ByteRange::Bounded { offset: 10, len: 5 };
        let head = |status, content_range, content_length| Head {
            status,
            content_range,
            content_length,
        };
        for (head, expected) in [
            (
                head(206, None, Some(5)),
                "a partial answer has no Content-Range",
            ),
            (
                head(206, Some("bytes x"), Some(5)),
                "a partial answer has Content-Range \"bytes x\"",
            ),
            (
                head(206, Some("bytes 0-4/100"), Some(5)),
                "bytes 10-14 were asked for, but bytes 0-4 of 100 came",
            ),
            (
                head(206, Some("bytes 10-14/100"), Some(4)),
                "Content-Length is 4 where 5 bytes belong",
            ),
            (
                head(204, None, Some(0)),
                "a read was answered with status 204",
            ),
            (head(200, None, None), "the answer tells no length"),
            (
                head(200, Some("bytes 10-14/100"), Some(5)),
                "an answer of a whole object has Content-Range \"bytes 10-14/100\"",
            ),
        ] {
            let error = locate(range, head).unwrap_err();
            assert_eq!(error.detail(), expected);
        }
        for (range, expected) in [
            (ByteRange::Whole, "the whole object"),
            (ByteRange::From(7), "bytes from 7 on"),
        ] {
            let error = locate(range, partial("bytes 1-4/100", 4)).unwrap_err();
            assert!(error.detail().starts_with(expected), "{error}");
        }
    }

    #[test]
    fn an_ignored_range_is_cut_out_of_the_whole() {
        let range = ByteRange::Bounded { offset: 10, len: 5 };

        assert_eq!(
            locate(range, whole(12)).unwrap(),
            Location {
                skip: 10,
                len: 2,
                size: 12
            }
        );
        assert_eq!(
            locate(ByteRange::Whole, whole(0)).unwrap(),
            Location {
                skip: 0,
                len: 0,
                size: 0
            }
        );
        assert_eq!(
            locate(range, whole(10)).unwrap_err().code(),
            Some("InvalidRange")
        );
        let endless = Head {
            status: 200,
            content_range: None,
            content_length: None,
        };
        assert_eq!(
            locate(range, endless).unwrap_err().kind(),
            ErrorKind::Integrity
        );
    }

    #[test]
    fn the_header_ends_inclusively() {
        assert_eq!(header(ByteRange::Whole), None);
        assert_eq!(header(ByteRange::From(7)).as_deref(), Some("bytes=7-"));
        assert_eq!(
            header(ByteRange::Bounded { offset: 7, len: 3 }).as_deref(),
            Some("bytes=7-9")
        );
        let endless = header(ByteRange::Bounded {
            offset: 7,
            len: u64::MAX,
        });
        assert_eq!(endless.as_deref(), Some("bytes=7-18446744073709551614"));
    }
}
