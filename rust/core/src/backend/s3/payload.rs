//! A payload as a request body: its pieces go to the connection as they are.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use tokio::task::spawn_blocking;

use super::http::Slot;
use super::sign::{UNSIGNED, sha256};
use super::stall::Progress;
use crate::checksum::{Algorithm, Checksum, Crc32c};
use crate::config::{Config, S3Config};
use crate::error::Result;
use crate::payload::Payload;

/// Frames this small let the stall watch see a slow connection move; a frame shares its piece's memory.
const FRAME: usize = 64 << 10;
/// Bytes that are hashed at once; more of them would keep an I/O thread for a millisecond.
const INLINE: u64 = 256 << 10;

/// What the SDK sends, and what goes with the request past it.
pub(super) fn outgoing(payload: &Payload, config: &Config) -> (ByteStream, Slot) {
    let progress = Progress::default();
    if config.s3.sign_payload {
        // One frame, so nobody can see it move; the deadline bounds it.
        let slot = Slot::sending(payload, &progress, Some(config.retry.deadline));
        return (joined(payload), slot);
    }
    let slot = Slot::sending(payload, &progress, None);
    (stream(payload, &progress), slot)
}

/// The payload in frames, told to `progress` as they go.
fn stream(payload: &Payload, progress: &Progress) -> ByteStream {
    let frames = Frames {
        pieces: payload.clone(),
        index: 0,
        offset: 0,
        sent: 0,
        progress: progress.clone(),
    };
    ByteStream::new(SdkBody::from_body_1_x(frames))
}

/// The payload in one piece, for the SDK to hash.
fn joined(payload: &Payload) -> ByteStream {
    let bytes = match payload.pieces() {
        [] => Bytes::new(),
        [only] => only.clone(),
        pieces => {
            // The SDK's signer hashes contiguous memory only.
            let mut all =
                BytesMut::with_capacity(usize::try_from(payload.len()).unwrap_or_default());
            for piece in pieces {
                all.extend_from_slice(piece);
            }
            all.freeze()
        }
    };
    ByteStream::from(bytes)
}

/// A body, and what goes with it to be checked by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending<'a> {
    pub(super) body: &'a Payload,
    pub(super) checksum: Option<Checksum>,
    /// See [`signed_as`].
    pub(super) hash: &'a str,
}

/// What a signature says of a body. Made once for all tries, and off the I/O threads where it takes long.
pub(super) async fn signed_as(payload: &Payload, config: &S3Config) -> Result<Cow<'static, str>> {
    if !config.sign_payload {
        return Ok(UNSIGNED.into());
    }
    if payload.len() <= INLINE {
        return Ok(sha256(payload).into());
    }
    let payload = payload.clone();
    Ok(spawn_blocking(move || sha256(&payload)).await?.into())
}

pub(super) fn crc32c(payload: &Payload) -> Checksum {
    let mut sum = Crc32c::default();
    for piece in payload.pieces() {
        sum.update(piece);
    }
    Checksum {
        algorithm: Algorithm::Crc32c,
        value: u64::from(sum.value()),
    }
}

struct Frames {
    pieces: Payload,
    index: usize,
    offset: usize,
    sent: u64,
    progress: Progress,
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let Some(piece) = this.pieces.pieces().get(this.index) else {
            return Poll::Ready(None);
        };
        let end = piece.len().min(this.offset + FRAME);
        let frame = piece.slice(this.offset..end);
        (this.index, this.offset) = if end == piece.len() {
            (this.index + 1, 0)
        } else {
            (this.index, end)
        };
        this.sent += frame.len() as u64;
        this.progress.add(frame.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.index == self.pieces.pieces().len()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.len() - self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_views_of_the_pieces() {
        let large = Bytes::from(vec![7u8; FRAME + 5]);
        let address = large.as_ptr();
        let payload = Payload::new(vec![Bytes::from_static(b"head"), large]);

        let mut body = stream(&payload, &Progress::default());
        let mut frames = Vec::new();
        while let Some(frame) = body.try_next().await.unwrap() {
            frames.push(frame);
        }

        assert_eq!(
            frames.iter().map(Bytes::len).collect::<Vec<_>>(),
            [4, FRAME, 5]
        );
        assert_eq!(frames[1].as_ptr(), address);
        assert_eq!(frames[2].as_ptr(), address.wrapping_add(FRAME));
    }

    #[test]
    fn the_checksum_spans_pieces() {
        let payload = Payload::new(vec![
            Bytes::from_static(b"1234"),
            Bytes::from_static(b"56789"),
        ]);

        assert_eq!(crc32c(&payload).value, 0xe306_9283);
        assert_eq!(crc32c(&payload).to_base64(), "4waSgw==");
    }
}
