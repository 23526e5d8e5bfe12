//! A socket from which TLS records are read many at a time, and which knows where one ends.
//!
//! rustls asks for 4 KiB a time, which would be four calls to the kernel for each record.

use std::fmt;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Four records of full length.
const BLOCK: usize = 64 << 10;
/// Kind, version and length (RFC 8446, section 5.1).
const HEADER: usize = 5;

pub(super) struct Records {
    socket: TcpStream,
    block: Box<[u8]>,
    /// What of the block has come and was not taken yet.
    waiting: Range<usize>,
    taken: Position,
}

impl Records {
    pub(super) fn new(socket: TcpStream) -> Self {
        Records {
            socket,
            block: vec![0; BLOCK].into_boxed_slice(),
            waiting: 0..0,
            taken: Position::default(),
        }
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// All that came has been taken, and it ended with a record.
    pub(super) fn is_at_end(&self) -> bool {
        self.waiting.is_empty() && self.taken.is_between_records()
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("socket", &self.socket)
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

/// How far into a record one is.
#[derive(Debug, Default)]
struct Position {
    header: [u8; HEADER],
    /// Bytes of the header that are known.
    known: usize,
    /// Bytes behind the header that are still to come.
    left: usize,
}

impl Position {
    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let len = if self.known < HEADER {
                let len = bytes.len().min(HEADER - self.known);
                self.header[self.known..][..len].copy_from_slice(&bytes[..len]);
                self.known += len;
                if self.known == HEADER {
                    let [.., high, low] = self.header;
                    self.left = u16::from_be_bytes([high, low]).into();
                }
                len
            } else {
                let len = bytes.len().min(self.left);
                self.left -= len;
                len
            };
            if self.known == HEADER && self.left == 0 {
                self.known = 0;
            }
            bytes = &bytes[len..];
        }
    }

    fn is_between_records(&self) -> bool {
        self.known == 0
    }
}

impl AsyncRead for Records {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.waiting.is_empty() {
            let mut block = ReadBuf::new(&mut this.block);
            ready!(Pin::new(&mut this.socket).poll_read(context, &mut block))?;
            this.waiting = 0..block.filled().len();
        }
        let len = this.waiting.len().min(into.remaining());
        let next = &this.block[this.waiting.start..][..len];
        this.taken.pass(next);
        into.put_slice(next);
        this.waiting.start += len;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Records {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_record_is_known_however_it_comes() {
        // One of three bytes, an empty one, one of 300.
        let mut stream = vec![23, 3, 3, 0, 3, 1, 2, 3, 22, 3, 3, 0, 0, 23, 3, 3, 1, 44];
        stream.extend([7; 300]);
        let ends = [0, 8, 13, stream.len()];
        for step in [1, 2, 3, 5, 7, 299, stream.len()] {
            let mut position = Position::default();
            let mut passed = 0;
            for piece in stream.chunks(step) {
                position.pass(piece);
                passed += piece.len();

                let expected = ends.contains(&passed);
                assert_eq!(position.is_between_records(), expected, "{step}: {passed}");
            }
        }
    }
}
