//! One object of many buffers, and the checksums of parts of it.

use std::ops::Range;

use super::Client;
use crate::checksum::Crc32c;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::types::{PutResult, WriteOptions};
use crate::uri::Uri;

/// Bytes summed up between two chances for others to run, or for the caller to give up.
const STEP: usize = 1 << 20;

impl Client {
    /// As [`Client::put`], and tells the CRC-32C of each of `spans`, which are ranges of the object's bytes in any order
    /// and may overlap. Each is one pass over its bytes while they are sent.
    ///
    /// # Errors
    /// As [`Client::put`]; `InvalidInput` for a span that leaves the object.
    pub async fn put_vectored(
        &self,
        uri: &Uri,
        body: Payload,
        spans: &[Range<u64>],
        options: &WriteOptions,
    ) -> Result<PutResult> {
        let open = self.begin("put", uri);
        let work = async {
            require_within(spans, body.len())?;
            let store = self.object(uri).await?;
            let write = store.write(uri.key(), &body, options);
            let (put, span_crc32c) = tokio::try_join!(write, sums(&body, spans))?;
            Ok(PutResult { span_crc32c, ..put })
        };
        let result = work.await;
        open.end(result, |put| (put.size, 1))
    }
}

fn require_within(spans: &[Range<u64>], size: u64) -> Result<()> {
    let outside = |span: &&Range<u64>| span.start > span.end || span.end > size;
    match spans.iter().find(outside) {
        None => Ok(()),
        Some(span) => Err(Error::invalid(format!(
            "the span from {} to {} leaves the object of {size} bytes",
            span.start, span.end
        ))),
    }
}

async fn sums(body: &Payload, spans: &[Range<u64>]) -> Result<Vec<u32>> {
    let mut sums = Vec::with_capacity(spans.len());
    for span in spans {
        let mut sum = Crc32c::default();
        for piece in body.slice(span.start, span.end - span.start).pieces() {
            for step in piece.chunks(STEP) {
                sum.update(step);
                tokio::task::yield_now().await;
            }
        }
        sums.push(sum.value());
    }
    Ok(sums)
}
