//! What was asked for, as messages name it.

use crate::types::ByteRange;

pub(super) fn asked(range: ByteRange) -> String {
    match range {
        ByteRange::Whole => "the whole object was asked for".to_owned(),
        ByteRange::From(offset) => format!("bytes from {offset} on were asked for"),
        ByteRange::Bounded { offset, len } => {
            let last = offset.saturating_add(len - 1);
            format!("bytes {offset}-{last} were asked for")
        }
    }
}
