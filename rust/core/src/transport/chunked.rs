//! Bodies that tell their length piece by piece (RFC 9112, section 7.1).

use super::connection::{Connection, ended, malformed};
use super::head::{MAX_HEAD, take_line};
use crate::error::Result;

/// Where in such a body the next byte is.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// Bytes of the current chunk that are still to come.
    left: u64,
    /// A chunk has ended, and the line break behind it is still to come.
    at_end: bool,
    done: bool,
}

impl Chunks {
    /// Bytes that can be read in one go; 0 when the body is over.
    pub(super) async fn available(&mut self, connection: &mut Connection) -> Result<u64> {
        if self.left > 0 || self.done {
            return Ok(self.left);
        }
        if self.at_end && !line(connection).await?.is_empty() {
            return Err(malformed("a chunk is longer than it says"));
        }
        let size = line(connection).await?;
        // Extensions may follow, and mean nothing here.
        let digits = size[..].split(|byte| *byte == b';').next();
        self.left = digits
            .and_then(|digits| hexadecimal(digits.trim_ascii()))
            .ok_or_else(|| malformed("a chunk does not tell its size"))?;
        self.at_end = true;
        if self.left == 0 {
            skip_trailers(connection).await?;
            self.done = true;
        }
        Ok(self.left)
    }

    /// Tells how much of what was available has been read.
    pub(super) fn took(&mut self, bytes: u64) {
        self.left -= bytes;
    }
}

async fn skip_trailers(connection: &mut Connection) -> Result<()> {
    let mut seen = 0;
    loop {
        let len = line(connection).await?.len();
        seen += len;
        if len == 0 {
            return Ok(());
        }
        if seen > MAX_HEAD {
            return Err(malformed("its trailers have no end"));
        }
    }
}

async fn line(connection: &mut Connection) -> Result<bytes::BytesMut> {
    loop {
        if let Some(line) = take_line(&mut connection.ahead) {
            return Ok(line);
        }
        if connection.ahead.len() > MAX_HEAD {
            return Err(malformed("a line has no end"));
        }
        if connection.read_ahead().await? == 0 {
            return Err(ended("the body did"));
        }
    }
}

/// `from_str_radix` alone would take a sign.
fn hexadecimal(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok()?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u64::from_str_radix(digits, 16).ok())?
}
