//! The least HTTP client that shows exactly what came over the wire.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine;
use s3dlio_testkit::S3Server;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The connection ended before Content-Length was met.
    pub short: bool,
}

/// One connection.
pub struct Wire {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

pub fn start() -> S3Server {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let server = runtime.block_on(S3Server::start());
    server.create_bucket("bucket");
    server
}

/// One request on a connection of its own.
pub fn ask(server: &S3Server, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    Wire::connect(server.address()).ask(request, headers, body)
}

pub fn get(server: &S3Server, target: &str) -> Answer {
    ask(server, &format!("GET {target}"), &[], b"")
}

pub fn encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

pub fn crc32c(bytes: &[u8]) -> String {
    encode(&crc_fast::crc32_iscsi(bytes).to_be_bytes())
}

pub fn crc64(bytes: &[u8]) -> String {
    encode(&crc_fast::crc64_nvme(bytes).to_be_bytes())
}

/// The text of the first element `name`.
pub fn tag<'a>(document: &'a str, name: &str) -> &'a str {
    let (_, rest) = document
        .split_once(&format!("<{name}>"))
        .unwrap_or_default();
    rest.split_once(&format!("</{name}>")).unwrap_or_default().0
}

pub fn tags<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let open = format!("<{name}>");
    let pieces = document.split(&*open).skip(1);
    pieces
        .map(|piece| piece.split("</").next().unwrap())
        .collect()
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn code(&self) -> String {
        tag(&self.text(), "Code").to_owned()
    }
}

impl Wire {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // A test must fail, not hang.
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub fn ask(&mut self, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send(request, headers, body);
        self.answer(request.starts_with("HEAD")).expect("an answer")
    }

    pub fn send(&mut self, request: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("{request} HTTP/1.1\r\nhost: localhost\r\n");
        let framed =
            |(name, _): &(&str, &str)| matches!(*name, "transfer-encoding" | "content-length");
        if !headers.iter().any(framed) {
            head += &format!("content-length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        self.stream.write_all((head + "\r\n").as_bytes()).unwrap();
        // The server may have closed already; what it said is still to be read.
        let _ = self.stream.write_all(body);
    }

    /// The next answer; none when the connection ends before one.
    pub fn answer(&mut self, to_head: bool) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if !self.fill() {
                return None;
            }
        };
        let text = String::from_utf8(self.buffer.drain(..end + 4).collect()).unwrap();
        let mut lines = text.trim_end().split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse::<usize>().unwrap());
        let length = if to_head { 0 } else { length };
        while self.buffer.len() < length && self.fill() {}
        let taken = length.min(self.buffer.len());
        Some(Answer {
            status,
            headers,
            body: self.buffer.drain(..taken).collect(),
            short: taken < length,
        })
    }

    /// All bytes until nothing comes for a while; fails when the peer closes.
    pub fn until_silent(&mut self) -> Vec<u8> {
        self.stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let mut room = vec![0; 64 * 1024];
        loop {
            match self.stream.read(&mut room) {
                Ok(0) => panic!("closed, not silent"),
                Ok(count) => self.buffer.extend_from_slice(&room[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return std::mem::take(&mut self.buffer);
                }
                Err(error) => panic!("read: {error}"),
            }
        }
    }

    /// Whether the peer has closed; fails when it sends more instead.
    pub fn is_closed(&mut self) -> bool {
        let grew = self.fill();
        assert!(
            !grew,
            "more bytes: {:?}",
            String::from_utf8_lossy(&self.buffer)
        );
        true
    }

    fn fill(&mut self) -> bool {
        let mut room = vec![0; 64 * 1024];
        match self.stream.read(&mut room) {
            Ok(0) => false,
            Ok(count) => {
                self.buffer.extend_from_slice(&room[..count]);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("read: {error}"),
        }
    }
}
