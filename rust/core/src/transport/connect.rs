//! Makes connections: name, address, handshake, all within one limit.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Endpoint;
use super::addresses::Addresses;
use super::tls::Trust;
use super::wire::Wire;
use crate::error::{Error, ErrorKind, Result};

/// The next address gets its chance when the one before has not answered by then (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

pub(super) async fn connect(
    endpoint: &Endpoint,
    addresses: &Addresses,
    trust: &Trust,
    limit: Duration,
) -> Result<Wire> {
    let opened = timeout(limit, open(endpoint, addresses, trust))
        .await
        .unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "no connection to {} within {:.1} s",
                    endpoint.authority(),
                    limit.as_secs_f64()
                ),
            ))
        });
    if opened.is_err() {
        addresses.forget().await;
    }
    opened
}

async fn open(endpoint: &Endpoint, addresses: &Addresses, trust: &Trust) -> Result<Wire> {
    let refused = |cause: io::Error| {
        let detail = format!("no connection to {}", endpoint.authority());
        Error::new(ErrorKind::ConnectionFailed, detail).with_source(cause)
    };
    let found = addresses.of(endpoint).await.map_err(refused)?;
    let socket = first_of(found.into_iter()).await.map_err(refused)?;
    socket.set_nodelay(true).map_err(refused)?;
    match endpoint.tls {
        true => trust.shake_hands(&endpoint.host, socket).await,
        false => Ok(Wire::Plain(socket)),
    }
}

async fn first_of(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.peekable();
    let mut tries = FuturesUnordered::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = waiting.next() {
            tries.push(TcpStream::connect(address));
        }
        let head_start = match waiting.peek() {
            Some(_) => HEAD_START,
            // The caller's limit ends it.
            None => Duration::MAX,
        };
        match timeout(head_start, tries.next()).await {
            Ok(Some(Ok(socket))) => return Ok(socket),
            Ok(Some(Err(cause))) => failure = cause,
            Ok(None) => return Err(failure),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_live_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let live = listener.local_addr().unwrap();
        let dead = {
            let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
            closed.local_addr().unwrap()
        };

        let socket = first_of([dead, live].into_iter()).await.unwrap();
        let refused = first_of([dead, dead].into_iter()).await.unwrap_err();
        let nameless = first_of(std::iter::empty()).await.unwrap_err();

        assert_eq!(socket.peer_addr().unwrap(), live);
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(nameless.kind(), io::ErrorKind::NotFound);
    }
}
