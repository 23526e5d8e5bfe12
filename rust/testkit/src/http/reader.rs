//! Requests read from a socket: head, then a body of given or chunked length.

use std::io::{self, ErrorKind};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Content, Head};

const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 128;

/// One side of a connection with what was read beyond the last message.
pub(crate) struct Reader<R> {
    stream: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: BytesMut::with_capacity(16 * 1024),
        }
    }

    /// The next request's head; none when the peer has closed between requests.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some((head, length)) = parse_head(&self.buffer)? {
                self.buffer.advance(length);
                return Ok(Some(head));
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(invalid("head is too long"));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// The whole body that `head` announces.
    pub(crate) async fn body(&mut self, head: &Head) -> io::Result<Content> {
        if !head.is_chunked() {
            return self.exactly(head.content_length()).await;
        }
        let mut body = Content::default();
        loop {
            let line = self.line().await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16)
                .map_err(|_| invalid("chunk size is not a number"))?;
            if size == 0 {
                break;
            }
            body.append(&self.exactly(size).await?);
            if !self.line().await?.is_empty() {
                return Err(invalid("chunk is longer than its size"));
            }
        }
        while !self.line().await?.is_empty() {}
        Ok(body)
    }

    /// Takes up to `count` bytes of a body and forgets them; stops early when the peer closes.
    pub(crate) async fn discard(&mut self, count: u64) -> io::Result<()> {
        let mut left = count;
        loop {
            let taken = left.min(self.buffer.len() as u64);
            self.buffer.advance(taken as usize);
            left -= taken;
            if left == 0 || self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(());
            }
        }
    }

    pub(crate) fn stream(&self) -> &R {
        &self.stream
    }

    /// Waits until the peer closes, taking and forgetting what it sends.
    pub(crate) async fn until_closed(&mut self) {
        loop {
            self.buffer.clear();
            if !matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..)) {
                return;
            }
        }
    }

    async fn exactly(&mut self, length: u64) -> io::Result<Content> {
        let length = usize::try_from(length).map_err(|_| invalid("body is too long"))?;
        let mut body = BytesMut::with_capacity(length);
        body.put(self.buffer.split_to(length.min(self.buffer.len())));
        while body.len() < length {
            let room = length - body.len();
            if self.stream.read_buf(&mut (&mut body).limit(room)).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Content::from(body.freeze()))
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.buffer.split_to(end);
                self.buffer.advance(2);
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(invalid("line is too long"));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn parse_head(bytes: &[u8]) -> io::Result<Option<(Head, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(invalid(&error.to_string())),
    };
    let headers = request
        .headers
        .iter()
        .map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_ascii_lowercase(), value)
        })
        .collect();
    let mut head = Head::new(
        request.method.expect("a complete head has a method"),
        request.path.expect("a complete head has a target"),
        headers,
    );
    let closes = head
        .header("connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    head.keep_alive = request.version == Some(1) && !closes;
    Ok(Some((head, length)))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
