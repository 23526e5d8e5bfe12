//! The head of an answer: status, headers, and where its body ends.

use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Buf as _, Bytes, BytesMut};
use http::Method;

use super::connection::malformed;
use crate::error::Result;

/// Bytes. Services send one or two thousand; user metadata may double that.
pub(super) const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 256;

/// Names and values, as they came.
#[derive(Clone)]
pub(crate) struct Headers {
    block: Bytes,
    /// Name and value, within the block.
    fields: Vec<(Range<usize>, Range<usize>)>,
}

impl Headers {
    /// The first value under that name; none if it is not text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.under(name)
            .next()
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|(name, value)| {
            let name = std::str::from_utf8(&self.block[name.clone()]);
            (name.unwrap_or_default(), &self.block[value.clone()])
        })
    }

    /// All values under that name.
    fn under<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |(found, _)| {
                self.block[found.clone()].eq_ignore_ascii_case(name.as_bytes())
            })
            .map(|(_, value)| &self.block[value.clone()])
    }

    /// Whether a list under that name has this word.
    fn lists(&self, name: &str, word: &str) -> bool {
        self.under(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|item| item.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may repeat what was signed.
        f.debug_set()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Where the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    Chunked,
    /// With the connection.
    Close,
}

#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: Headers,
    /// The other side will take another request.
    pub(super) keeps_alive: bool,
}

impl Head {
    /// Takes a head off the front of `ahead`; none as long as its end has not come.
    ///
    /// # Errors
    /// `Server` for what is no head, and for one without end.
    pub(super) fn take(ahead: &mut BytesMut) -> Result<Option<Head>> {
        // Few are used, so none is made beforehand.
        let mut parsed = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parser = httparse::ParserConfig::default();
        let len = match parser.parse_response_with_uninit_headers(&mut response, ahead, &mut parsed)
        {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) if ahead.len() > MAX_HEAD => {
                return Err(malformed("its head has no end"));
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(cause) => return Err(malformed("its head cannot be read").with_source(cause)),
        };
        let status = response.code.unwrap_or_default();
        let version = response.version;
        let within = |part: &[u8]| {
            let start = part.as_ptr() as usize - ahead.as_ptr() as usize;
            start..start + part.len()
        };
        let fields = response
            .headers
            .iter()
            .map(|field| (within(field.name.as_bytes()), within(field.value)))
            .collect();
        let headers = Headers {
            block: ahead.split_to(len).freeze(),
            fields,
        };
        let keeps_alive = version == Some(1) && !headers.lists("connection", "close");
        Ok(Some(Head {
            status,
            headers,
            keeps_alive,
        }))
    }

    /// RFC 9112, section 6.3. What could be read in two ways is refused: it may be meant to be.
    pub(super) fn framing(&self, method: &Method) -> Result<Framing> {
        if *method == Method::HEAD || matches!(self.status, 204 | 304) {
            return Ok(Framing::Length(0));
        }
        let mut lengths = self.values("content-length");
        let mut encodings = self.values("transfer-encoding");
        match (lengths.next(), encodings.next()) {
            (None, None) => Ok(Framing::Close),
            (Some(length), None) => match decimal(length) {
                Some(bytes) if lengths.all(|other| other == length) => Ok(Framing::Length(bytes)),
                _ => Err(malformed("its Content-Length makes no sense")),
            },
            (None, Some(encoding)) => {
                let is_chunked = encoding.eq_ignore_ascii_case(b"chunked");
                match is_chunked && encodings.next().is_none() {
                    true => Ok(Framing::Chunked),
                    false => Err(malformed("its Transfer-Encoding is not known")),
                }
            }
            (Some(_), Some(_)) => Err(malformed("it has two lengths")),
        }
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.headers.under(name).map(<[u8]>::trim_ascii)
    }
}

/// `parse` alone would take a sign.
fn decimal(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok()?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

/// Takes a line off the front, without its end; none as long as that has not come.
pub(super) fn take_line(ahead: &mut BytesMut) -> Option<BytesMut> {
    let end = ahead.iter().position(|byte| *byte == b'\n')?;
    let mut line = ahead.split_to(end);
    ahead.advance(1);
    if line.last() == Some(&b'\r') {
        line.truncate(line.len() - 1);
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &str) -> Result<Option<Head>> {
        Head::take(&mut BytesMut::from(lines))
    }

    fn framing(headers: &str, method: &Method, status: u16) -> Result<Framing> {
        let text = format!("HTTP/1.1 {status} X\r\n{headers}\r\n");
        head(&text).unwrap().unwrap().framing(method)
    }

    #[test]
    fn a_head_is_taken_and_the_rest_is_left() {
        let mut ahead =
            BytesMut::from("HTTP/1.1 206 Partial Content\r\nETag: \"e\"\r\nX-A:  b \r\n\r\nbody");

        let head = Head::take(&mut ahead).unwrap().unwrap();

        assert_eq!((head.status, head.keeps_alive), (206, true));
        assert_eq!(head.headers.get("etag"), Some("\"e\""));
        assert_eq!(head.headers.get("X-a"), Some("b"));
        assert_eq!(head.headers.get("x-b"), None);
        assert_eq!(&ahead[..], b"body");
    }

    #[test]
    fn a_head_is_waited_for_but_not_for_ever() {
        let endless = format!("HTTP/1.1 200 OK\r\nx-a: {}", "a".repeat(MAX_HEAD));

        assert!(head("").unwrap().is_none());
        assert!(head("HTTP/1.1 200 OK\r\nx-a: b\r\n").unwrap().is_none());
        for bad in [
            &endless,
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "\0\0",
        ] {
            assert!(head(bad).is_err(), "{bad:.20}");
        }
    }

    #[test]
    fn a_connection_ends_where_the_head_says_so() {
        for (text, keeps_alive) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: a, Close\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\n\r\n", false),
        ] {
            assert_eq!(
                head(text).unwrap().unwrap().keeps_alive,
                keeps_alive,
                "{text}"
            );
        }
    }

    #[test]
    fn the_length_has_one_meaning() {
        for (headers, method, status, expected) in [
            (
                "content-length: 7\r\n",
                Method::GET,
                200,
                Framing::Length(7),
            ),
            (
                "content-length: 7\r\n",
                Method::HEAD,
                200,
                Framing::Length(0),
            ),
            (
                "content-length: 7\r\n",
                Method::GET,
                304,
                Framing::Length(0),
            ),
            ("", Method::DELETE, 204, Framing::Length(0)),
            ("", Method::GET, 200, Framing::Close),
            (
                "transfer-encoding: Chunked\r\n",
                Method::GET,
                200,
                Framing::Chunked,
            ),
            (
                "content-length: 7\r\ncontent-length: 7\r\n",
                Method::GET,
                200,
                Framing::Length(7),
            ),
        ] {
            assert_eq!(
                framing(headers, &method, status).unwrap(),
                expected,
                "{headers}"
            );
        }
        for headers in [
            "content-length: 7\r\ncontent-length: 8\r\n",
            "content-length: +7\r\n",
            "content-length: \r\n",
            "content-length: 99999999999999999999\r\n",
            "content-length: 7\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: gzip\r\n",
            "transfer-encoding: gzip, chunked\r\n",
        ] {
            assert!(framing(headers, &Method::GET, 200).is_err(), "{headers}");
        }
    }
}
