//! The bytes of one object in order, for who takes them piece by piece.

use std::fmt;

use super::Client;
use super::operation::Open;
use crate::buffer::Buffer;
use crate::error::Result;
use crate::split::Download;
use crate::types::ByteRange;
use crate::uri::Uri;

/// A read under way. Dropping it stops the requests.
pub struct Pieces {
    /// Closed with the last piece, or with the first error.
    open: Option<Open>,
    /// `None` where nothing was asked for.
    parts: Option<Download>,
    bytes: u64,
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// The bytes from `offset` on, `length` of them or all, read ahead: at most `memory` of them are held at once, but
    /// always one part.
    ///
    /// # Errors
    /// As [`Client::get_range`]; those of later parts come from [`Pieces::next`].
    pub async fn pieces(
        &self,
        uri: &Uri,
        offset: u64,
        length: Option<u64>,
        memory: u64,
    ) -> Result<Pieces> {
        let open = self.begin("get", uri);
        let work = async {
            let store = self.object(uri).await?;
            let range = match (offset, length) {
                (0, None) => return store.stream(uri.key(), memory, open.span()).await.map(Some),
                (offset, None) => ByteRange::From(offset),
                (offset, Some(len)) => ByteRange::Bounded { offset, len },
            };
            if length == Some(0) {
                // As for `get_range`: the object must exist and the offset be in it.
                range.len_in(store.stat(uri.key()).await?.size)?;
                return Ok(None);
            }
            let parts = store.stream_range(uri.key(), range, memory, open.span());
            parts.await.map(Some)
        };
        match work.await {
            Ok(parts) => Ok(Pieces {
                open: Some(open),
                parts,
                bytes: 0,
            }),
            Err(error) => open.end(Err(error), |_| (0, 1)),
        }
    }
}

impl Pieces {
    /// The next bytes, `None` after the last one. The end comes only after a stored checksum was found right.
    ///
    /// # Errors
    /// As [`Client::get`]; nothing more is to be had then.
    pub async fn next(&mut self) -> Result<Option<Buffer>> {
        let result = match &mut self.parts {
            Some(parts) => parts.next().await,
            None => Ok(None),
        };
        if let Ok(Some(part)) = &result {
            self.bytes += part.len() as u64;
            return result;
        }
        let bytes = self.bytes;
        match self.open.take() {
            Some(open) => open.end(result, |_| (bytes, 1)),
            None => result,
        }
    }
}
