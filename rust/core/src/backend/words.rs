//! What does not fit in the answer to a read, in words.

use crate::types::ByteRange;

/// Of a partial answer that does not tell which part it is.
pub(super) fn no_part(content_range: Option<&str>) -> String {
    match content_range {
        Some(text) => format!("a partial answer has Content-Range {text:?}"),
        None => "a partial answer has no Content-Range".to_owned(),
    }
}

/// Of one that is another part than `range`.
pub(super) fn other_part(range: ByteRange, first: u64, last: u64, size: u64) -> String {
    let asked = match range {
        ByteRange::Whole => "the whole object was asked for".to_owned(),
        ByteRange::From(offset) => format!("bytes from {offset} on were asked for"),
        ByteRange::Bounded { offset, len } => {
            let end = offset.saturating_add(len - 1);
            format!("bytes {offset}-{end} were asked for")
        }
    };
    format!("{asked}, but bytes {first}-{last} of {size} came")
}
