//! Get Blob: straight from the body's frames into the destination, resumed in place when the body breaks off.

use azure_core::http::Method;
use azure_core::http::response::AsyncResponseBody;
use bytes::Buf as _;
use futures::TryStreamExt as _;

use super::AzStore;
use super::error::broken;
use super::extent::{Extent, integrity};
use super::session::{Call, Incoming};
use crate::backend::attempts::{Attempts, Failure};
use crate::buffer::IoBufMut;
use crate::checksum::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store as _;
use crate::types::{ByteRange, Destination, ReadOptions, ReadReply};
use crate::uri::Key;

impl AzStore {
    pub(super) async fn get(
        &self,
        key: &Key,
        range: ByteRange,
        into: Destination,
        options: &ReadOptions,
    ) -> Result<(IoBufMut, ReadReply)> {
        let mut attempts = self.session.attempts();
        let call = self.get_call(key, range, options.if_match.as_deref())?;
        let answer = match self.session.send(&call, &[200, 206], &mut attempts).await {
            Err(error) if error.status() == Some(416) => {
                return self.past_the_end(key, range, into, options).await;
            }
            answer => answer?,
        };
        // Not every server, and not every cache before one, looks at the condition.
        if options.is_other(answer.header("etag")) {
            return Err(replaced());
        }
        let extent = Extent::of(&answer, range)?;
        let mut reply = ReadReply {
            size: extent.size,
            etag: answer.header("etag").map(str::to_owned),
            ..ReadReply::default()
        };
        let (mut buf, fill) = into.open(extent.len, &reply)?;
        let mut target = Target {
            buf: &mut buf[..fill],
            reached: 0,
            digest: options.digest(None),
            options,
        };
        let mut body = (answer.body, extent.skip);
        loop {
            let before = target.reached;
            let Err(failure) = target.pour(body).await else {
                break;
            };
            if target.reached > before {
                attempts.go_on(failure).await?;
            } else {
                attempts.pause(failure).await?;
            }
            body = self
                .resume(
                    key,
                    range,
                    &target,
                    reply.size,
                    reply.etag.as_deref(),
                    &mut attempts,
                )
                .await?;
        }
        attempts.succeed();
        reply.filled = fill;
        reply.taken = target.digest.and_then(|digest| digest.of_all(fill));
        reply.attempts = attempts.count();
        Ok((buf, reply))
    }

    fn get_call(&self, key: &Key, range: ByteRange, if_match: Option<&str>) -> Result<Call> {
        let mut call = self.session.blob(Method::Get, &self.container, key)?;
        match range {
            ByteRange::Whole | ByteRange::From(0) => {}
            ByteRange::From(offset) => call = call.header("range", format!("bytes={offset}-")),
            ByteRange::Bounded { offset, len } => {
                let last = offset.saturating_add(len - 1);
                call = call.header("range", format!("bytes={offset}-{last}"));
            }
        }
        if let Some(etag) = if_match {
            call = call.header("if-match", etag);
        }
        Ok(call)
    }

    /// The rest of a broken body, of the same object or not at all.
    async fn resume(
        &self,
        key: &Key,
        range: ByteRange,
        target: &Target<'_>,
        size: u64,
        etag: Option<&str>,
        attempts: &mut Attempts<'_>,
    ) -> Result<(Incoming, u64)> {
        let Some(etag) = etag else {
            return Err(integrity(
                "the body broke off, and without an ETag it cannot be resumed",
            ));
        };
        let rest = ByteRange::Bounded {
            offset: range.offset() + target.reached as u64,
            len: (target.buf.len() - target.reached) as u64,
        };
        let call = self.get_call(key, rest, Some(etag))?;
        let answer = self.session.send(&call, &[200, 206], attempts).await;
        let answer = answer.map_err(|error| match error.status() {
            // The first answer said that there are more bytes.
            Some(416) => error.with_kind(ErrorKind::Integrity),
            _ => error,
        })?;
        let extent = Extent::of(&answer, rest)?;
        if answer.header("etag") != Some(etag) {
            return Err(replaced());
        }
        if extent.size != size {
            return Err(integrity(format!(
                "the object had {size} bytes and now has {}",
                extent.size
            )));
        }
        Ok((answer.body, extent.skip))
    }

    /// A 416 does not tell the size, which decides between an empty object and a bad offset.
    async fn past_the_end(
        &self,
        key: &Key,
        range: ByteRange,
        into: Destination,
        options: &ReadOptions,
    ) -> Result<(IoBufMut, ReadReply)> {
        let meta = self.stat(key).await?;
        if options.is_other(meta.etag.as_deref()) {
            return Err(replaced().with_status(412));
        }
        let len = range.len_in(meta.size)?;
        if len > 0 {
            return Err(Error::new(
                ErrorKind::Server,
                "the service refused a range that lies within the object",
            ));
        }
        let mut reply = ReadReply {
            size: meta.size,
            etag: meta.etag,
            ..ReadReply::default()
        };
        let (buf, filled) = into.open(0, &reply)?;
        reply.filled = filled;
        Ok((buf, reply))
    }
}

/// Memory that a read fills from its start on.
struct Target<'a> {
    buf: &'a mut [u8],
    reached: usize,
    /// Of the bytes up to there.
    digest: Option<Digest>,
    options: &'a ReadOptions,
}

impl Target<'_> {
    /// Fills from where it had stopped, and drops what the body holds beyond.
    async fn pour(&mut self, (body, skip): (Incoming, u64)) -> Result<(), Failure> {
        match body {
            Incoming::Ours(body) => {
                let into = &mut self.buf[self.reached..];
                let (filled, outcome) = body
                    .deliver(skip, into, self.digest.as_mut(), &self.options.span)
                    .await;
                self.reached += filled;
                Ok(outcome?)
            }
            Incoming::Proxied(body) => self.copy(body, skip).await,
        }
    }

    async fn copy(&mut self, mut body: AsyncResponseBody, mut skip: u64) -> Result<(), Failure> {
        while self.reached < self.buf.len() {
            let Some(mut frame) = body.try_next().await.map_err(broken)? else {
                return Err(too_short().into());
            };
            let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(frame.len());
            skip -= skipped as u64;
            frame.advance(skipped);
            if frame.is_empty() {
                continue;
            }
            self.options.span.first_byte();
            let take = frame.len().min(self.buf.len() - self.reached);
            // The one copy: frames are the HTTP client's memory, the destination is the caller's.
            self.buf[self.reached..][..take].copy_from_slice(&frame[..take]);
            if let Some(digest) = &mut self.digest {
                digest.update(&frame[..take]);
            }
            self.reached += take;
        }
        Ok(())
    }
}

fn replaced() -> Error {
    Error::new(ErrorKind::Precondition, "the object was replaced")
}

fn too_short() -> Error {
    integrity("the body is shorter than its head says").with_retryable(true)
}
