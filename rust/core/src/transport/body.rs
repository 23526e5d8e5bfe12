//! The body of an answer, read when and where the caller wants it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::chunked::Chunks;
use super::connection::{Connection, ended};
use super::head::Framing;
use super::idle::Home;
use crate::checksum::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::span::Span;

const BLOCK: usize = 64 << 10;
/// Where a checksum is taken, this much is read before it is: it lies in the cache then.
const IN_CACHE: usize = 256 << 10;

/// Read to its end, it gives its connection back; dropped before that, it closes it.
#[derive(Debug)]
pub(crate) struct Body {
    /// None once the body is over.
    connection: Option<Connection>,
    left: Left,
    /// Where the connection goes when the body is over, if it may be used again.
    home: Option<Arc<Home>>,
}

#[derive(Debug)]
enum Left {
    Bytes(u64),
    Chunks(Chunks),
    /// All that comes until the connection ends.
    Everything,
}

impl Body {
    pub(super) fn new(connection: Connection, framing: Framing, home: Option<Arc<Home>>) -> Self {
        let left = match framing {
            Framing::Length(bytes) => Left::Bytes(bytes),
            Framing::Chunked => Left::Chunks(Chunks::default()),
            Framing::Close => Left::Everything,
        };
        let mut body = Body {
            connection: Some(connection),
            left,
            home,
        };
        if matches!(body.left, Left::Bytes(0)) {
            body.finish();
        }
        body
    }

    /// Whether nothing but its own end tells how long it is, and a body that is cut cannot pass for a whole one.
    pub(crate) fn is_chunked(&self) -> bool {
        matches!(self.left, Left::Chunks(_))
    }

    /// Fills `into` from its start on, straight from the socket. Fewer bytes than it holds come only where the body
    /// ends, or with the error that ended it: what came before that is good.
    pub(crate) async fn fill(&mut self, into: &mut [u8]) -> (usize, Result<()>) {
        let mut filled = 0;
        self.rewatch();
        while filled < into.len() {
            match self.step(&mut into[filled..]).await {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) => return (filled, Err(error)),
            }
        }
        (filled, Ok(()))
    }

    /// Drops `skip` bytes, fills all of `into`, shows what it fills to `digest`, and tells `span` when the first byte
    /// came. The count is good with an error too.
    pub(crate) async fn deliver(
        mut self,
        skip: u64,
        into: &mut [u8],
        mut digest: Option<&mut Digest>,
        span: &Span,
    ) -> (usize, Result<()>) {
        if into.is_empty() {
            return (0, Ok(()));
        }
        if let Err(error) = self.skip(skip).await {
            return (0, Err(error));
        }
        self.rewatch();
        let step = match digest {
            Some(_) => IN_CACHE,
            None => into.len(),
        };
        let mut filled = 0;
        let mut seen = 0;
        let outcome = loop {
            let end = into.len().min(seen + step);
            let came = self.step(&mut into[filled..end]).await;
            match came {
                Ok(0) => break Err(ended("the body did")),
                Ok(bytes) => filled += bytes,
                Err(error) => break Err(error),
            }
            span.first_byte();
            if filled == end {
                if let Some(digest) = &mut digest {
                    digest.update(&into[seen..filled]);
                }
                seen = filled;
            }
            if filled == into.len() {
                break Ok(());
            }
        };
        if let Some(digest) = &mut digest {
            digest.update(&into[seen..filled]);
        }
        (filled, outcome)
    }

    /// Reads `bytes` bytes and drops them.
    ///
    /// # Errors
    /// As for `fill`; `ConnectionFailed` if the body is shorter.
    pub(crate) async fn skip(&mut self, mut bytes: u64) -> Result<()> {
        let mut block = vec![0; usize::try_from(bytes).unwrap_or(BLOCK).min(BLOCK)];
        while bytes > 0 {
            let want = usize::try_from(bytes).unwrap_or(BLOCK).min(BLOCK);
            let (skipped, outcome) = self.fill(&mut block[..want]).await;
            outcome?;
            if skipped < want {
                return Err(ended("the wanted bytes came"));
            }
            bytes -= skipped as u64;
        }
        Ok(())
    }

    /// All of it, which should be little.
    ///
    /// # Errors
    /// As for `fill`; `Server` for more than `limit` bytes.
    pub(crate) async fn collect(mut self, limit: usize) -> Result<Bytes> {
        let expected = match self.left {
            Left::Bytes(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
            _ => 0,
        };
        let too_long = || {
            let detail = format!("an answer of more than {limit} bytes");
            Err(Error::new(ErrorKind::Server, detail).with_retryable(false))
        };
        if expected > limit {
            return too_long();
        }
        let mut all = BytesMut::zeroed(expected.min(BLOCK));
        let mut len = 0;
        loop {
            let (filled, outcome) = self.fill(&mut all[len..]).await;
            outcome?;
            len += filled;
            if len > limit {
                return too_long();
            }
            if len < all.len() || self.connection.is_none() {
                all.truncate(len);
                return Ok(all.freeze());
            }
            all.resize(len + BLOCK, 0);
        }
    }

    fn rewatch(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.rewatch(None);
        }
    }

    async fn step(&mut self, into: &mut [u8]) -> Result<usize> {
        let Some(connection) = &mut self.connection else {
            return Ok(0);
        };
        let available = match &mut self.left {
            Left::Bytes(bytes) => *bytes,
            Left::Chunks(chunks) => chunks.available(connection).await?,
            Left::Everything => u64::MAX,
        };
        if available == 0 {
            self.finish();
            return Ok(0);
        }
        let want = usize::try_from(available)
            .unwrap_or(usize::MAX)
            .min(into.len());
        let came = connection.read(&mut into[..want]).await?;
        match &mut self.left {
            Left::Everything if came == 0 => self.connection = None,
            Left::Everything => {}
            _ if came == 0 => return Err(ended("the body did")),
            Left::Bytes(bytes) => {
                *bytes -= came as u64;
                if *bytes == 0 {
                    self.finish();
                }
            }
            Left::Chunks(chunks) => chunks.took(came as u64),
        }
        Ok(came)
    }

    fn finish(&mut self) {
        if let (Some(connection), Some(home)) = (self.connection.take(), self.home.take()) {
            home.keep(connection);
        }
    }
}
