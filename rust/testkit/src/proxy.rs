//! An HTTP proxy that leads every request to one server, whatever host was asked for, and remembers what was asked.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use crate::front::Front;

const MAX_HEAD: usize = 64 * 1024;

/// A proxy on a free port of 127.0.0.1.
pub struct ProxyServer {
    front: Front,
    seen: Arc<Mutex<Vec<ProxyRecord>>>,
}

/// The first request of a connection to the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyRecord {
    /// `CONNECT` for a tunnel.
    pub method: String,
    /// `host:port` of a tunnel, else the whole URL.
    pub target: String,
    /// User and password in the clear, as `user:password`.
    pub login: Option<String>,
}

impl ProxyServer {
    /// A proxy that takes the server at `upstream` for every host.
    ///
    /// # Panics
    /// When there is no free port or no thread to be had.
    pub async fn start(upstream: SocketAddr) -> Self {
        let seen = Arc::<Mutex<Vec<ProxyRecord>>>::default();
        let records = Arc::clone(&seen);
        let front = Front::start(move |stream| {
            let records = Arc::clone(&records);
            async move {
                // An error here is the end of one side: there is nobody left to tell.
                let _ = forward(stream, upstream, &records).await;
            }
        })
        .await;
        Self { front, seen }
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.front.address()
    }

    /// What was asked of the proxy, one record per connection.
    #[must_use]
    pub fn requests(&self) -> Vec<ProxyRecord> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn forward(
    mut client: TcpStream,
    upstream: SocketAddr,
    records: &Mutex<Vec<ProxyRecord>>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    let (record, length) = loop {
        if client.read_buf(&mut bytes).await? == 0 || bytes.len() > MAX_HEAD {
            return Ok(());
        }
        if let Some(found) = parse(&bytes) {
            break found;
        }
    };
    let is_tunnel = record.method == "CONNECT";
    records
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(record);
    let mut server = TcpStream::connect(upstream).await?;
    if is_tunnel {
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
        server.write_all(&bytes[length..]).await?;
    } else {
        // The servers of this crate understand a whole URL as the target.
        server.write_all(&bytes).await?;
    }
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// The request at the start of `bytes` and how long its head is, once that is complete.
fn parse(bytes: &[u8]) -> Option<(ProxyRecord, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = request.parse(bytes) else {
        return None;
    };
    let login = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("proxy-authorization"))
        .and_then(|header| header.value.strip_prefix(b"Basic "))
        .and_then(|text| BASE64.decode(text).ok())
        .map(|login| String::from_utf8_lossy(&login).into_owned());
    let record = ProxyRecord {
        method: request.method?.to_owned(),
        target: request.path?.to_owned(),
        login,
    };
    Some((record, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_and_its_login_are_read() {
        let head =
            b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic dTpw\r\n\r\nrest";

        let (record, length) = parse(head).unwrap();

        assert_eq!(&head[length..], b"rest");
        assert_eq!(
            record,
            ProxyRecord {
                method: "CONNECT".to_owned(),
                target: "h:443".to_owned(),
                login: Some("u:p".to_owned()),
            }
        );
        assert!(parse(b"GET http://h/ HTTP/1.1\r\n").is_none());
    }
}
