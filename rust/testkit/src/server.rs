//! A running server: its threads, its address, and what tests ask of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::connection::{InFlight, serve};
use crate::fault::{Fault, Script};
use crate::journal::{Journal, RequestRecord};
use crate::options::Options;
use crate::service::Service;

/// A service behind a port of 127.0.0.1, until it is dropped.
pub struct TestServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the server has counted since its start or the last reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Connections accepted.
    pub connections: u64,
    /// Requests whose answer is not yet sent.
    pub in_flight: u64,
    /// The most requests there were at one time.
    pub peak_in_flight: u64,
}

/// What all connections of a server share.
pub(crate) struct Shared {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) script: Script,
    pub(crate) journal: Journal,
    pub(crate) in_flight: AtomicU64,
    peak_in_flight: AtomicU64,
    connections: AtomicU64,
    requests: AtomicU64,
    options: Mutex<Options>,
}

impl TestServer {
    /// Puts `service` on a free port; panics when there is no port or no thread to be had.
    pub(crate) async fn start(service: Arc<dyn Service>) -> Self {
        let shared = Arc::new(Shared::new(service));
        let (ready, address) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let for_thread = shared.clone();
        // Threads of its own: a test that blocks, or stops the clock of its runtime, must not
        // stop the server.
        let thread = thread::Builder::new()
            .name("testserver".to_owned())
            .spawn(move || run(for_thread, ready, stopped))
            .expect("a thread can be started");
        Self {
            shared,
            address: address.await.expect("the server finds a free port"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a rule after those in force.
    pub fn fault(&self, fault: Fault) {
        self.shared.script.add(fault);
    }

    pub fn clear_faults(&self) {
        self.shared.script.clear();
    }

    pub fn set_options(&self, options: Options) {
        self.shared.set_options(options);
    }

    /// What was asked of the server, in order; requests to control paths are not among it.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.journal.all()
    }

    pub fn clear_requests(&self) {
        self.shared.journal.clear();
    }

    /// Returns once the requests meet `condition`; looks again at each new one and each answer.
    pub async fn wait_until(&self, condition: impl Fn(&[RequestRecord]) -> bool) {
        self.shared.journal.wait_until(condition).await;
    }

    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shared.statistics()
    }

    /// Back to an empty server: no containers, rules, requests or counts, and default options.
    pub fn reset(&self) {
        self.shared.reset();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // After this, the port refuses connections: tests may count on that.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn new(service: Arc<dyn Service>) -> Self {
        Self {
            service,
            script: Script::default(),
            journal: Journal::new(),
            in_flight: AtomicU64::new(0),
            peak_in_flight: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            options: Mutex::default(),
        }
    }

    pub(crate) fn options(&self) -> Options {
        self.options
            .lock()
            .expect("no holder of the lock panics")
            .clone()
    }

    pub(crate) fn set_options(&self, options: Options) {
        *self.options.lock().expect("no holder of the lock panics") = options;
    }

    pub(crate) fn next_request_id(&self) -> String {
        format!(
            "REQUEST{:09}",
            self.requests.fetch_add(1, Ordering::Relaxed)
        )
    }

    pub(crate) fn enter(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak_in_flight.fetch_max(now, Ordering::Relaxed);
        InFlight(self)
    }

    /// Whether there are more requests in flight than the options allow.
    pub(crate) fn is_overrun(&self) -> bool {
        let most = self.options().most_in_flight;
        most.is_some_and(|most| self.in_flight.load(Ordering::Relaxed) > most)
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            connections: self.connections.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            peak_in_flight: self.peak_in_flight.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn reset(&self) {
        self.service.reset();
        self.script.clear();
        self.journal.clear();
        self.set_options(Options::default());
        self.connections.store(0, Ordering::Relaxed);
        let now = self.in_flight.load(Ordering::Relaxed);
        self.peak_in_flight.store(now, Ordering::Relaxed);
    }
}

fn run(shared: Arc<Shared>, ready: oneshot::Sender<SocketAddr>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be started");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("there is a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        if ready.send(address).is_err() {
            return;
        }
        tokio::select! {
            () = accept(listener, shared) => {}
            _ = stopped => {}
        }
    });
    // A handler may be hashing a large body; nobody waits for its answer.
    runtime.shutdown_background();
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        // Out of file descriptors, for one, passes when others close.
        if let Ok((stream, _)) = listener.accept().await {
            let number = shared.connections.fetch_add(1, Ordering::Relaxed);
            connections.spawn(serve(stream, number, shared.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}
