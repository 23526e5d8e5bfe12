//! A request, how its head is written down, and how both head and body go out without being joined.

use std::io::IoSlice;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::Endpoint;
use crate::error::{Error, Result};
use crate::payload::Payload;

/// One request. `host` and `content-length` are added where they are not given. It cannot be printed: it is signed.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) endpoint: &'a Endpoint,
    /// Path and query, encoded.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a Payload,
    /// The service may have done it already: doing it again changes nothing and is answered alike. Of methods that
    /// only read this is known.
    pub(crate) repeatable: bool,
    /// How long the service may take to begin its answer; by default as long as any other silence.
    pub(crate) patience: Option<Duration>,
}

impl Request<'_> {
    pub(super) fn is_repeatable(&self) -> bool {
        self.repeatable || self.method.is_safe()
    }

    /// # Errors
    /// `InvalidInput` for anything that would end a line early or tell another length than the body has.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        if !self.target.starts_with('/') || !self.target.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(Error::invalid("the target of a request is not encoded"));
        }
        let mut head = Vec::with_capacity(1024);
        for part in [self.method.as_str(), " ", self.target, " HTTP/1.1\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
        let (mut host, mut length) = (false, false);
        for (name, value) in self.headers {
            check(name, value)?;
            if name.eq_ignore_ascii_case("content-length") {
                length = true;
                if *value != self.body.len().to_string() {
                    let len = self.body.len();
                    let detail = format!("content-length is {value} for a body of {len} bytes");
                    return Err(Error::invalid(detail));
                }
            }
            host |= name.eq_ignore_ascii_case("host");
            line(&mut head, name, value);
        }
        if !host {
            line(&mut head, "host", &self.endpoint.authority());
        }
        let has_body = matches!(self.method, Method::PUT | Method::POST | Method::PATCH);
        if !length && (has_body || !self.body.is_empty()) {
            line(&mut head, "content-length", &self.body.len().to_string());
        }
        head.extend_from_slice(b"\r\n");
        Ok(head)
    }
}

fn line(head: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
}

/// A value may be the user's (metadata): a line break in it would be a header of its own.
fn check(name: &str, value: &str) -> Result<()> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Error::invalid(format!("{name:?} is no name for a header")));
    }
    if value
        .bytes()
        .any(|byte| byte != b'\t' && byte.is_ascii_control())
    {
        // The value may be a secret.
        let detail = format!("the value of header {name} holds a control character");
        return Err(Error::invalid(detail));
    }
    let framing = ["transfer-encoding", "connection", "expect", "upgrade"];
    if framing.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        let detail = format!("header {name} is the transport's own");
        return Err(Error::invalid(detail));
    }
    Ok(())
}

/// Pieces that one call to the kernel takes; no payload of ours comes near.
const PIECES: usize = 32;

/// What is left to send of a head and the body behind it.
pub(super) struct Gather<'a> {
    head: &'a [u8],
    /// Those that are not out yet.
    pieces: &'a [Bytes],
    /// Bytes of the first piece that are out.
    offset: usize,
}

impl<'a> Gather<'a> {
    pub(super) fn new(head: &'a [u8], body: &'a Payload) -> Self {
        Gather {
            head,
            pieces: body.pieces(),
            offset: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.head.is_empty() && self.pieces.is_empty()
    }

    /// Shows what comes next, as views.
    pub(super) fn slices<T>(&self, show: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        if !self.head.is_empty() {
            slices[0] = IoSlice::new(self.head);
            count = 1;
        }
        let mut offset = self.offset;
        for (slice, piece) in slices[count..].iter_mut().zip(self.pieces) {
            *slice = IoSlice::new(&piece[offset..]);
            offset = 0;
            count += 1;
        }
        show(&slices[..count])
    }

    pub(super) fn advance(&mut self, mut bytes: usize) {
        let of_head = bytes.min(self.head.len());
        self.head = &self.head[of_head..];
        bytes -= of_head;
        while let [first, rest @ ..] = self.pieces
            && bytes >= first.len() - self.offset
        {
            bytes -= first.len() - self.offset;
            (self.pieces, self.offset) = (rest, 0);
        }
        self.offset += bytes;
    }
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::*;

    fn encode(
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: &'static [u8],
    ) -> Result<String> {
        let endpoint = Endpoint::of(&Uri::from_static("http://host:81")).unwrap();
        let request = Request {
            method,
            endpoint: &endpoint,
            target,
            headers,
            body: &Payload::from(body),
            repeatable: false,
            patience: None,
        };
        request
            .encode()
            .map(|head| String::from_utf8(head).unwrap())
    }

    #[test]
    fn host_and_length_are_added_where_they_are_missing() {
        let get = encode(Method::GET, "/a%20b?c", &[("x-a", "b\tc")], b"").unwrap();
        let put = encode(Method::PUT, "/", &[("Host", "other")], b"").unwrap();
        let post = encode(Method::POST, "/", &[("Content-Length", "3")], b"abc").unwrap();

        assert_eq!(
            get,
            "GET /a%20b?c HTTP/1.1\r\nx-a: b\tc\r\nhost: host:81\r\n\r\n"
        );
        assert_eq!(
            put,
            "PUT / HTTP/1.1\r\nHost: other\r\ncontent-length: 0\r\n\r\n"
        );
        assert_eq!(
            post,
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nhost: host:81\r\n\r\n"
        );
    }

    #[test]
    fn nothing_can_be_slipped_in() {
        for (target, header) in [
            ("/a b", ("x-a", "b")),
            ("/a\r\nx-b: c", ("x-a", "b")),
            ("a", ("x-a", "b")),
            ("", ("x-a", "b")),
            ("/ä", ("x-a", "b")),
            ("/", ("x-a", "b\r\nx-b: c")),
            ("/", ("x-a", "b\nc")),
            ("/", ("x-a", "\0")),
            ("/", ("x a", "b")),
            ("/", ("x-a:", "b")),
            ("/", ("", "b")),
            ("/", ("content-length", "4")),
            ("/", ("Transfer-Encoding", "chunked")),
            ("/", ("Expect", "100-continue")),
        ] {
            let encoded = encode(Method::PUT, target, &[header], b"abc");

            assert!(encoded.is_err(), "{target:?} {header:?}: {encoded:?}");
        }
    }

    #[test]
    fn every_split_sends_every_byte_once() {
        let pieces = ["b", "cd", "efg"].map(|text| Bytes::from_static(text.as_bytes()));
        let body = Payload::new(pieces.to_vec());
        for step in 1..9 {
            let mut gather = Gather::new(b"aa", &body);
            let mut sent = Vec::new();
            while !gather.is_done() {
                let next: Vec<u8> = gather.slices(|slices| {
                    let all = slices.iter().flat_map(|slice| slice.iter().copied());
                    all.take(step).collect()
                });
                gather.advance(next.len());
                sent.extend(next);
            }

            assert_eq!(sent, b"aabcdefg", "{step} bytes at a time");
        }
    }
}
