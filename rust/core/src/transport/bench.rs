//! Reading heads, as the benchmarks outside of this crate reach it.

use bytes::BytesMut;

use super::head::Head;
use crate::error::Result;

/// The status and the ETag of an answer whose head is whole.
pub fn read_head(answer: &[u8]) -> Result<Option<(u16, Option<String>)>> {
    let head = Head::take(&mut BytesMut::from(answer))?;
    Ok(head.map(|head| (head.status, head.headers.get("etag").map(str::to_owned))))
}
