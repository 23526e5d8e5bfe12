//! Connections between two requests, by endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Endpoint;
use super::addresses::Addresses;
use super::connection::Connection;

/// Services close idle connections after 20 s and more; a request that meets that moment is lost.
const IDLE_LIMIT: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(super) struct Idle {
    /// Kept per endpoint.
    limit: usize,
    homes: Mutex<HashMap<Endpoint, Arc<Home>>>,
}

impl Idle {
    pub(super) fn new(limit: usize) -> Self {
        Idle {
            limit,
            homes: Mutex::default(),
        }
    }

    pub(super) fn home(&self, endpoint: &Endpoint) -> Arc<Home> {
        let mut homes = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(home) = homes.get(endpoint) {
            return Arc::clone(home);
        }
        let home = Arc::new(Home::new(self.limit, IDLE_LIMIT));
        homes.insert(endpoint.clone(), Arc::clone(&home));
        home
    }
}

/// What is known of one endpoint: where it is, and the connections that wait for a request to it.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) addresses: Addresses,
    limit: usize,
    lifetime: Duration,
    pool: Mutex<Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    /// The one used last is last.
    kept: Vec<Kept>,
    /// At work as long as anything is kept: the other side may have closed what nobody asks for any more.
    sweeper: JoinSet<()>,
}

#[derive(Debug)]
struct Kept {
    connection: Connection,
    since: Instant,
}

impl Home {
    fn new(limit: usize, lifetime: Duration) -> Self {
        Home {
            addresses: Addresses::default(),
            limit,
            lifetime,
            pool: Mutex::default(),
        }
    }

    /// The connection used last: its windows are open widest, and the others grow old and go.
    pub(super) fn take(&self) -> Option<Connection> {
        loop {
            // Asking the kernel and closing take a while, so the lock is not held for them.
            let mut kept = self.pool().kept.pop()?;
            if kept.since.elapsed() < self.lifetime && kept.connection.is_quiet() {
                return Some(kept.connection);
            }
        }
    }

    pub(super) fn keep(self: &Arc<Self>, connection: Connection) {
        // Whatever follows an answer is the answer to nothing.
        if !connection.ahead.is_empty() {
            return;
        }
        let since = Instant::now();
        let kept = Kept { connection, since };
        let mut pool = self.pool();
        if pool.kept.len() >= self.limit {
            return;
        }
        pool.kept.push(kept);
        // One may have ended with the runtime that it was on.
        while pool.sweeper.try_join_next().is_some() {}
        if pool.sweeper.is_empty() {
            let sweeping = sweep(Arc::downgrade(self), since + self.lifetime);
            pool.sweeper.spawn(sweeping);
        }
    }

    /// Closes what is too old; tells when to look again, if anything is left.
    fn close_old(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut pool = self.pool();
        let count = pool
            .kept
            .iter()
            .take_while(|kept| now - kept.since >= self.lifetime)
            .count();
        let old: Vec<Kept> = pool.kept.drain(..count).collect();
        let next = pool.kept.first().map(|kept| kept.since + self.lifetime);
        if next.is_none() {
            // Under the lock: whoever keeps the next one sees that nobody sweeps.
            pool.sweeper.detach_all();
        }
        drop(pool);
        drop(old);
        next
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep(home: Weak<Home>, mut due: Instant) {
    loop {
        sleep_until(due).await;
        let next = home.upgrade().and_then(|home| home.close_old());
        match next {
            Some(next) => due = next,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::super::wire::Wire;
    use super::*;

    /// Both ends of a new connection.
    async fn pair(listener: &TcpListener) -> (Connection, TcpStream) {
        let address = listener.local_addr().unwrap();
        let socket = TcpStream::connect(address).await.unwrap();
        let (other, _) = listener.accept().await.unwrap();
        (Connection::new(Wire::Plain(socket), IDLE_LIMIT), other)
    }

    #[tokio::test]
    async fn connections_are_kept_for_a_while_and_in_number() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let home = Arc::new(Home::new(2, IDLE_LIMIT));
        let mut others = Vec::new();
        for _ in 0..3 {
            let (connection, other) = pair(&listener).await;
            others.push(other);
            home.keep(connection);
        }

        assert_eq!(home.pool().kept.len(), 2);
        assert!(home.take().is_some());
        for kept in &mut home.pool().kept {
            kept.since -= IDLE_LIMIT;
        }
        assert!(home.take().is_none());
        assert!(home.pool().kept.is_empty());
    }

    #[tokio::test]
    async fn what_nobody_asks_for_is_closed_when_its_time_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let home = Arc::new(Home::new(9, Duration::from_millis(30)));
        // The second time, the one that swept before has gone.
        for round in 0..2 {
            let mut others = Vec::new();
            for _ in 0..3 {
                let (connection, other) = pair(&listener).await;
                others.push(other);
                home.keep(connection);
            }

            for mut other in others {
                assert_eq!(other.read(&mut [0]).await.unwrap(), 0, "round {round}");
            }
            assert!(home.pool().sweeper.is_empty(), "round {round}");
        }
    }
}
