//! GET: the answer is checked against the request, its body goes into the destination, and an interrupted body goes on
//! from the byte it reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use bytes::Bytes;

use super::http::{MAX_DOCUMENT, Slot};
use super::object::checksum_headers;
use super::range::{Head, Location, header, locate};
use super::stall::BodyWatch;
use super::store::S3Store;
use crate::backend::attempts::{Attempts, Failure};
use crate::buffer::IoBufMut;
use crate::checksum::{Checksum, Digest};
use crate::error::{Error, ErrorKind, Result};
use crate::span::Span;
use crate::transport::Body;
use crate::types::{ByteRange, Destination, ReadOptions, ReadReply};
use crate::uri::Key;

/// What a read has so far.
struct Filling {
    buf: IoBufMut,
    filled: usize,
    /// Bytes this read is to fill.
    fill: usize,
    /// Of the bytes filled so far, where a checksum is to be told.
    digest: Option<Digest>,
}

impl Filling {
    /// The part of `range` that is not there yet.
    fn missing(&self, range: ByteRange) -> ByteRange {
        ByteRange::Bounded {
            offset: range.offset() + self.filled as u64,
            len: (self.fill - self.filled) as u64,
        }
    }
}

impl S3Store {
    pub(super) async fn read_object(
        &self,
        key: &Key,
        range: ByteRange,
        into: Destination,
        options: &ReadOptions,
    ) -> Result<(IoBufMut, ReadReply)> {
        let mut attempts = self.service.attempts();
        let if_match = options.if_match.as_deref();
        let (mut answer, mut location) = match self
            .ask(&mut attempts, key, range, if_match, options.want_checksum)
            .await
        {
            // Any object that is not empty has a byte 0.
            Err(error) if error.status() == Some(416) && range.offset() == 0 => {
                let mut reply = ReadReply {
                    attempts: attempts.count(),
                    ..ReadReply::default()
                };
                let (buf, filled) = into.open(0, &reply)?;
                reply.filled = filled;
                return Ok((buf, reply));
            }
            answer => answer?,
        };
        // Not every server, and not every cache before one, looks at the condition.
        if options.is_other(answer.etag.as_deref()) {
            return Err(replaced().with_attempts(attempts.count()));
        }
        let mut reply = ReadReply {
            size: location.size,
            etag: answer.etag.clone(),
            checksum: answer.checksum,
            ..ReadReply::default()
        };
        let (buf, fill) = into.open(location.len, &reply)?;
        let mut filling = Filling {
            buf,
            filled: 0,
            fill,
            digest: options.digest(reply.checksum),
        };
        loop {
            let before = filling.filled;
            let Err(failure) = self
                .fill(answer.body, location, &mut filling, &options.span)
                .await
            else {
                break;
            };
            if filling.filled > before && reply.etag.is_some() {
                attempts.go_on(failure).await?;
            } else {
                attempts.pause(failure).await?;
            }
            if reply.etag.is_none() {
                // Without it nobody can say whether the rest is of the same object.
                filling.filled = 0;
                filling.digest = options.digest(reply.checksum);
            }
            let missing = filling.missing(range);
            (answer, location) = self
                .ask(&mut attempts, key, missing, reply.etag.as_deref(), false)
                .await
                .map_err(without_rest)?;
            if (location.size, &answer.etag) != (reply.size, &reply.etag) {
                return Err(replaced().with_attempts(attempts.count()));
            }
        }
        attempts.succeed();
        let Filling {
            buf,
            filled,
            digest,
            ..
        } = filling;
        reply.filled = filled;
        reply.taken = digest.and_then(|digest| digest.of_all(filled));
        reply.attempts = attempts.count();
        Ok((buf, reply))
    }

    /// Sends the request until an answer with a sensible head is there.
    async fn ask(
        &self,
        attempts: &mut Attempts<'_>,
        key: &Key,
        range: ByteRange,
        if_match: Option<&str>,
        want_checksum: bool,
    ) -> Result<(Answer, Location)> {
        let want_checksum = want_checksum && range == ByteRange::Whole;
        let answer = attempts
            .answer(|| self.get(key, range, if_match, want_checksum))
            .await;
        answer.map_err(|error| match error.status() {
            Some(412) => replaced_meanwhile(&error),
            Some(416) => error.with_code("InvalidRange"),
            _ => error,
        })
    }

    async fn get(
        &self,
        key: &Key,
        range: ByteRange,
        if_match: Option<&str>,
        want_checksum: bool,
    ) -> Result<(Answer, Location), Failure> {
        if let Some(road) = self.road().await? {
            return self
                .short_get(road, key, range, if_match, want_checksum)
                .await;
        }
        let probe = Probe {
            status: Arc::default(),
            want_checksum,
        };
        let slot = Slot::receiving();
        let client = self.service.client().await?;
        let request = client
            .get_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .set_range(header(range))
            .set_if_match(if_match.map(str::to_owned))
            .customize()
            .mutate_request(slot.clone().attach())
            .interceptor(probe.clone());
        let output = self.service.send(request.send()).await?;
        let checksum = checksum_headers!(output).full_object();
        let head = Head {
            status: probe.status.load(Ordering::Relaxed),
            content_range: output.content_range(),
            content_length: output
                .content_length()
                .and_then(|length| u64::try_from(length).ok()),
        };
        let (body, location) = match slot.take_body() {
            Some(body) => measure(body, range, head).await?,
            None => {
                let location = locate(range, head)?;
                (Incoming::Sdk(output.body), location)
            }
        };
        let answer = Answer {
            etag: output.e_tag,
            checksum,
            body,
        };
        Ok((answer, location))
    }

    /// Puts the body where it belongs, until the destination has what this read is to fill. A window smaller than the
    /// range leaves bytes unread; dropping the body then closes the connection.
    async fn fill(
        &self,
        body: Incoming,
        location: Location,
        filling: &mut Filling,
        span: &Span,
    ) -> Result<(), Failure> {
        match body {
            Incoming::Ours(body) => {
                let into = &mut filling.buf[filling.filled..filling.fill];
                let digest = filling.digest.as_mut();
                let (filled, outcome) = body.deliver(location.skip, into, digest, span).await;
                filling.filled += filled;
                Ok(outcome?)
            }
            Incoming::Held(body) => {
                let into = &mut filling.buf[filling.filled..filling.fill];
                if !into.is_empty() {
                    span.first_byte();
                    let skip = usize::try_from(location.skip).unwrap_or(usize::MAX);
                    // It came before anybody knew how much memory to lend for it.
                    into.copy_from_slice(&body[skip..][..into.len()]);
                    if let Some(digest) = &mut filling.digest {
                        digest.update(into);
                    }
                    filling.filled = filling.fill;
                }
                Ok(())
            }
            Incoming::Sdk(body) => self.copy(body, location.skip, filling, span).await,
        }
    }

    async fn copy(
        &self,
        mut body: ByteStream,
        mut skip: u64,
        filling: &mut Filling,
        span: &Span,
    ) -> Result<(), Failure> {
        let mut watch = BodyWatch::new(self.service.retry().stall_timeout);
        while filling.filled < filling.fill {
            let Some(frame) = watch.frame(body.next()).await? else {
                return Err(broken("the body ended early").into());
            };
            let frame = frame.map_err(|cause| broken("the body broke off").with_source(cause))?;
            watch.came(frame.len());
            let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(frame.len());
            skip -= skipped as u64;
            let frame = &frame[skipped..];
            if frame.is_empty() {
                continue;
            }
            span.first_byte();
            let at = filling.filled;
            let take = frame.len().min(filling.fill - at);
            // The SDK's client owns its frames, so a view cannot do.
            filling.buf[at..at + take].copy_from_slice(&frame[..take]);
            if let Some(digest) = &mut filling.digest {
                digest.update(&frame[..take]);
            }
            filling.filled += take;
        }
        Ok(())
    }
}

/// What a GET was answered with, its body still to be read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) etag: Option<String>,
    pub(super) checksum: Option<Checksum>,
    pub(super) body: Incoming,
}

#[derive(Debug)]
pub(super) enum Incoming {
    Ours(Body),
    /// All of an object whose length was not told.
    Held(Bytes),
    /// Of the SDK's own client.
    Sdk(ByteStream),
}

/// Where in a body the wanted bytes are. One in chunks does not tell how long it is; it is read to its end, which does.
/// One that ends with its connection is not taken: nobody could tell it from a cut one.
///
/// # Errors
/// As for [`locate`]; `Server` for more than [`MAX_DOCUMENT`] bytes of an untold length.
pub(super) async fn measure(
    body: Body,
    range: ByteRange,
    head: Head<'_>,
) -> Result<(Incoming, Location), Failure> {
    let is_told = head.content_length.is_some() || head.content_range.is_some();
    if is_told || head.status != 200 || !body.is_chunked() {
        return Ok((Incoming::Ours(body), locate(range, head)?));
    }
    let all = body.collect(MAX_DOCUMENT).await?;
    let head = Head {
        content_length: Some(all.len() as u64),
        ..head
    };
    Ok((Incoming::Held(all), locate(range, head)?))
}

fn broken(detail: &str) -> Error {
    Error::new(ErrorKind::ConnectionFailed, detail)
}

/// The object has no bytes where the first answer said that there are more.
fn without_rest(error: Error) -> Error {
    match error.status() {
        Some(416) => error.with_kind(ErrorKind::Integrity),
        _ => error,
    }
}

fn replaced_meanwhile(error: &Error) -> Error {
    let known = replaced().with_status(412).with_attempts(error.attempts());
    match error.request_id() {
        Some(id) => known.with_request_id(id),
        None => known,
    }
}

fn replaced() -> Error {
    Error::new(ErrorKind::Precondition, "the object was replaced").with_code("PreconditionFailed")
}

/// Asks for the stored checksum in a way that keeps the SDK from computing it too, and tells the status, which the SDK
/// does not.
#[derive(Debug, Clone)]
struct Probe {
    status: Arc<AtomicU16>,
    want_checksum: bool,
}

#[dyn_dispatch_hint]
impl Intercept for Probe {
    fn name(&self) -> &'static str {
        "Probe"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.want_checksum {
            context
                .request_mut()
                .headers_mut()
                .insert("x-amz-checksum-mode", "ENABLED");
        }
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.status
            .store(context.response().status().as_u16(), Ordering::Relaxed);
        Ok(())
    }
}
