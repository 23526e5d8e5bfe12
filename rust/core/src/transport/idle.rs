//! Connections between two requests, by endpoint.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Endpoint;
use super::connection::Connection;

/// Services close idle connections after 20 s and more; a request that meets that moment is lost.
const IDLE_LIMIT: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(super) struct Idle {
    /// Kept per endpoint.
    limit: usize,
    /// The one used last is last.
    kept: Mutex<HashMap<Endpoint, Vec<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    connection: Connection,
    since: Instant,
}

impl Idle {
    pub(super) fn new(limit: usize) -> Self {
        Idle {
            limit,
            kept: Mutex::default(),
        }
    }

    /// The connection used last: its windows are open widest, and the others grow old and go.
    pub(super) fn take(&self, endpoint: &Endpoint) -> Option<Connection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let here = kept.get_mut(endpoint)?;
        while let Some(Kept { connection, since }) = here.pop() {
            if since.elapsed() >= IDLE_LIMIT {
                // Those before it are older.
                here.clear();
            } else if connection.is_quiet() {
                return Some(connection);
            }
        }
        kept.remove(endpoint);
        None
    }

    pub(super) fn keep(&self, endpoint: Endpoint, connection: Connection) {
        // Whatever follows an answer is the answer to nothing.
        if !connection.ahead.is_empty() {
            return;
        }
        let since = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, there| {
            let old = there
                .iter()
                .take_while(|other| since - other.since >= IDLE_LIMIT)
                .count();
            there.drain(..old);
            !there.is_empty()
        });
        let here = kept.entry(endpoint).or_default();
        if here.len() < self.limit {
            here.push(Kept { connection, since });
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Uri;
    use tokio::net::{TcpListener, TcpStream};

    use super::super::wire::Wire;
    use super::*;

    #[tokio::test]
    async fn connections_are_kept_for_a_while_and_in_number() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let uri = format!("http://{address}").parse::<Uri>().unwrap();
        let endpoint = Endpoint::of(&uri).unwrap();
        let idle = Idle::new(2);
        let mut others = Vec::new();
        for _ in 0..3 {
            let socket = TcpStream::connect(address).await.unwrap();
            others.push(listener.accept().await.unwrap());
            let connection = Connection::new(Wire::Plain(socket), IDLE_LIMIT);
            idle.keep(endpoint.clone(), connection);
        }

        assert_eq!(idle.kept.lock().unwrap()[&endpoint].len(), 2);
        assert!(idle.take(&endpoint).is_some());
        for kept in idle.kept.lock().unwrap().get_mut(&endpoint).unwrap() {
            kept.since -= IDLE_LIMIT;
        }
        assert!(idle.take(&endpoint).is_none());
        assert!(idle.kept.lock().unwrap().is_empty());
    }
}
