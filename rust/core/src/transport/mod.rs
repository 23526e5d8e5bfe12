//! HTTP/1.1 between this process and a service: the bytes of a body go from the caller's memory to the socket and from
//! the socket into the caller's memory, and are not copied on the way.
//!
//! It knows nothing of any service: requests come signed, and whether to try again is for those who understand the
//! answer. The one thing it does again by itself is a request that met a kept connection which the server had closed.
//! Work happens only while a future is polled, so dropping one ends it: nothing is written into memory later.

mod addresses;
#[cfg(feature = "bench")]
pub mod bench;
mod body;
mod chunked;
mod connect;
mod connection;
mod endpoint;
mod exchange;
mod head;
mod idle;
mod proxy;
mod records;
mod request;
mod tls;
mod watch;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use http::Uri;

pub(crate) use self::body::Body;
pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::head::Headers;
pub(crate) use self::request::Request;

use self::connection::Connection;
use self::exchange::exchange;
use self::idle::Idle;
use self::proxy::Proxies;
use self::tls::Trust;
use crate::config::Config;
use crate::error::Result;

/// What comes back: the head of the answer, and its body still to be read.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Body,
}

/// Connections to any number of endpoints. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    idle: Arc<Idle>,
    trust: Arc<Trust>,
    proxies: Arc<Proxies>,
    connect_timeout: Duration,
    stall_timeout: Duration,
}

impl Transport {
    /// # Errors
    /// `InvalidInput` naming a CA bundle that cannot be used.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        Ok(Transport {
            idle: Arc::new(Idle::new(config.concurrency)),
            trust: Arc::new(Trust::new(config.ca_bundle.as_deref())?),
            proxies: Arc::new(Proxies::from_environment()),
            connect_timeout: config.retry.connect_timeout,
            stall_timeout: config.retry.stall_timeout,
        })
    }

    /// The same connections under other limits.
    #[must_use]
    pub(crate) fn with_timeouts(
        &self,
        connect: Option<Duration>,
        stall: Option<Duration>,
    ) -> Transport {
        Transport {
            connect_timeout: connect.unwrap_or(self.connect_timeout),
            stall_timeout: stall.unwrap_or(self.stall_timeout),
            ..self.clone()
        }
    }

    /// Whether a request can go this way at all: proxies are left to the SDKs' own clients.
    pub(crate) fn takes(&self, uri: &Uri) -> bool {
        self.proxies.leave_out(uri)
    }

    /// Sends one request and waits for the head of its answer.
    ///
    /// # Errors
    /// `InvalidInput` for a request that would not be one as written; `ConnectionFailed`; `Timeout`; `Server` for an
    /// answer that is no HTTP. An answer with any status is no error.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Response> {
        let head = request.encode()?;
        let patience = request.patience.unwrap_or(self.stall_timeout);
        let home = self.idle.home(request.endpoint);
        if let Some(mut kept) = home.take() {
            kept.limit(self.stall_timeout);
            match exchange(kept, &head, &request, patience).await {
                Ok(answer) => return Ok(answer.into_response(&home)),
                // The server closed it while it was idle. It may have heard the request all the same, which whoever
                // retries must know if that makes a difference.
                Err(lost) if lost.unheard && request.is_repeatable() => {
                    tracing::debug!(error = %lost.error, "a kept connection was stale; using another");
                }
                Err(lost) => return Err(lost.error),
            }
        }
        let wire = connect::connect(
            request.endpoint,
            &home.addresses,
            &self.trust,
            self.connect_timeout,
        )
        .await?;
        let fresh = Connection::new(wire, self.stall_timeout);
        let answer = exchange(fresh, &head, &request, patience).await;
        Ok(answer.map_err(|lost| lost.error)?.into_response(&home))
    }
}
