//! One connection and what has been read from it too far.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};

use super::request::Gather;
use super::watch::{Watch, broken};
use super::wire::Wire;
use crate::error::{Error, ErrorKind, Result};

/// Takes a head, and with it the whole of a small answer.
const BLOCK: usize = 8 << 10;

#[derive(Debug)]
pub(super) struct Connection {
    wire: Wire,
    /// Came with a head, and is what follows it.
    pub(super) ahead: BytesMut,
    watch: Watch,
    stall: Duration,
}

/// How far the sending of a request came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    All,
    /// Something came in before all was out.
    Interrupted,
}

impl Connection {
    pub(super) fn new(wire: Wire, stall: Duration) -> Self {
        Connection {
            wire,
            ahead: BytesMut::new(),
            watch: Watch::new(stall),
            stall,
        }
    }

    /// Sets the limit for silence.
    pub(super) fn limit(&mut self, stall: Duration) {
        self.stall = stall;
    }

    pub(super) fn is_quiet(&mut self) -> bool {
        self.ahead.is_empty() && self.wire.is_quiet()
    }

    /// Begins to watch for silence anew.
    pub(super) fn rewatch(&mut self, limit: Option<Duration>) {
        self.watch.restart(limit.unwrap_or(self.stall));
    }

    /// Writes what `gather` still has, in as few calls as the socket takes. Stops where something comes in: a service
    /// that refuses a request need not read all of it.
    pub(super) async fn send(&mut self, gather: &mut Gather<'_>) -> Result<Sent> {
        poll_fn(|context| {
            while !gather.is_done() {
                match self.poll_write(context, gather) {
                    Poll::Ready(Ok(bytes)) => {
                        gather.advance(bytes);
                        self.watch.moved(bytes);
                    }
                    Poll::Ready(Err(cause)) => return Poll::Ready(Err(broken(cause))),
                    Poll::Pending => return self.poll_interruption(context),
                }
            }
            match Pin::new(&mut self.wire).poll_flush(context) {
                Poll::Ready(flushed) => Poll::Ready(flushed.map(|()| Sent::All).map_err(broken)),
                Poll::Pending => self.poll_interruption(context),
            }
        })
        .await
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        gather: &Gather<'_>,
    ) -> Poll<io::Result<usize>> {
        let wire = Pin::new(&mut self.wire);
        gather.slices(|slices| wire.poll_write_vectored(context, slices))
    }

    fn poll_interruption(&mut self, context: &mut Context<'_>) -> Poll<Result<Sent>> {
        self.ahead.reserve(BLOCK);
        let read = pin!(self.wire.read_buf(&mut self.ahead));
        match read.poll(context) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(ended("the request was sent"))),
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(Sent::Interrupted)),
            Poll::Ready(Err(cause)) => Poll::Ready(Err(broken(cause))),
            Poll::Pending => self.watch.poll(context).map(Err),
        }
    }

    /// Reads more into `ahead`; 0 bytes are the end of the connection.
    pub(super) async fn read_ahead(&mut self) -> Result<usize> {
        self.ahead.reserve(BLOCK);
        self.watch.over(self.wire.read_buf(&mut self.ahead)).await
    }

    /// Reads into `into`: what came too far, else straight from the socket. 0 bytes are the end of the connection.
    pub(super) async fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        if self.ahead.is_empty() {
            return self.watch.over(self.wire.read(into)).await;
        }
        let len = self.ahead.len().min(into.len());
        // It shared a segment with the head; at most one block does.
        self.ahead.copy_to_slice(&mut into[..len]);
        Ok(len)
    }
}

/// The other side closed the connection too early.
pub(super) fn ended(before: &str) -> Error {
    Error::new(
        ErrorKind::ConnectionFailed,
        format!("the connection was closed before {before}"),
    )
}

pub(super) fn malformed(what: &str) -> Error {
    Error::new(
        ErrorKind::Server,
        format!("the answer is not HTTP/1.1: {what}"),
    )
}
