//! What the head of a Get Blob answer says about its body, compared with what was asked for.

use super::session::Answer;
use crate::backend::words;
use crate::error::{Error, ErrorKind, Result};
use crate::types::ByteRange;

/// What an answer's head promises.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Of the whole object.
    pub size: u64,
    /// Bytes of the object that lie in the range asked for.
    pub len: u64,
    /// Bytes of the body that come before them: the service ignored the range.
    pub skip: u64,
}

impl Extent {
    pub fn of(answer: &Answer, range: ByteRange) -> Result<Extent> {
        let length = match answer.header("content-length") {
            Some(text) => Some(
                text.parse()
                    .map_err(|_| integrity("Content-Length is no number"))?,
            ),
            None => None,
        };
        match answer.status {
            206 => Extent::partial(answer.header("content-range"), length, range),
            _ => Extent::whole(length, range),
        }
    }

    fn partial(
        content_range: Option<&str>,
        length: Option<u64>,
        range: ByteRange,
    ) -> Result<Extent> {
        if range.offset() == 0 && content_range == Some("bytes 0--1/0") {
            // Azurite's answer to a range of an empty blob, where the service says 416.
            return Ok(Extent {
                size: 0,
                len: 0,
                skip: 0,
            });
        }
        let Some((first, last, size)) = content_range.and_then(parse_content_range) else {
            return Err(integrity(words::no_part(content_range)));
        };
        if first > last {
            // Azurite's way to say 416 where the range starts at the very end.
            range.len_in(size)?;
        }
        let came = (last.checked_sub(first)).and_then(|gap| gap.checked_add(1));
        let len = range.len_in(size).ok().filter(|len| Some(*len) == came);
        let fits = first == range.offset()
            && last < size
            && length.is_none_or(|length| Some(length) == came);
        let (Some(len), true) = (len, fits) else {
            return Err(integrity(words::other_part(range, first, last, size)));
        };
        Ok(Extent { size, len, skip: 0 })
    }

    fn whole(length: Option<u64>, range: ByteRange) -> Result<Extent> {
        let Some(size) = length else {
            return Err(integrity("the answer tells no length"));
        };
        Ok(Extent {
            size,
            len: range.len_in(size)?,
            skip: range.offset(),
        })
    }
}

/// `bytes first-last/size`, which may contradict itself.
fn parse_content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, size.parse().ok()?))
}

pub(super) fn integrity(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Integrity, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: ByteRange = ByteRange::Bounded { offset: 10, len: 5 };

    #[test]
    fn a_partial_answer_must_hold_what_was_asked() {
        let of = |text: &str, length| Extent::partial(Some(text), length, ASKED);

        assert_eq!(
            of("bytes 10-14/100", Some(5)).unwrap(),
            Extent {
                size: 100,
                len: 5,
                skip: 0
            }
        );
        assert_eq!(
            of("bytes 10-11/12", None).unwrap(),
            Extent {
                size: 12,
                len: 2,
                skip: 0
            }
        );
        for (text, length) in [
            ("bytes 9-13/100", Some(5)),
            ("bytes 10-13/100", Some(4)),
            ("bytes 10-15/100", Some(6)),
            ("bytes 10-14/100", Some(4)),
            ("bytes 10-14/12", Some(5)),
            ("bytes 14-10/100", Some(5)),
            ("bytes 10-9/11", None),
            ("bytes 0-18446744073709551615/100", None),
            ("bytes 10-14/*", Some(5)),
            ("10-14/100", Some(5)),
            ("", Some(5)),
        ] {
            assert_eq!(
                of(text, length).unwrap_err().kind(),
                ErrorKind::Integrity,
                "{text}"
            );
        }
        assert_eq!(
            of("bytes 10-9/10", Some(0)).unwrap_err().code(),
            Some("InvalidRange")
        );
    }

    #[test]
    fn an_ignored_range_is_cut_out_of_the_whole() {
        assert_eq!(
            Extent::whole(Some(100), ASKED).unwrap(),
            Extent {
                size: 100,
                len: 5,
                skip: 10
            }
        );
        assert_eq!(
            Extent::whole(Some(12), ASKED).unwrap(),
            Extent {
                size: 12,
                len: 2,
                skip: 10
            }
        );
        assert_eq!(
            Extent::whole(Some(10), ASKED).unwrap_err().code(),
            Some("InvalidRange")
        );
        assert_eq!(
            Extent::whole(None, ASKED).unwrap_err().kind(),
            ErrorKind::Integrity
        );
    }
}
