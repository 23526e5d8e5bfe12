//! The end of the pipeline: one HTTP exchange over our transport.
//!
//! The payload comes in the context instead of the request, and the body goes out by a [`Slot`] instead of the
//! response: the pipeline's own streams would copy them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::headers::Headers;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{AsyncRawResponse, Context, Request};
use futures::stream;
use http::Uri;

use super::proxied;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::transport::{self, Body, Endpoint, Response, Transport};

/// Takes the body of an answer past the pipeline.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<Body>>>);

impl Slot {
    /// None where the answer came through a proxy.
    pub fn take(&self) -> Option<Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, body: Body) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }
}

/// Connections shared by all accounts of a client.
#[derive(Debug)]
pub(super) struct Http {
    transport: Transport,
    config: Arc<Config>,
    /// For what has to go through a proxy.
    proxied: OnceLock<reqwest::Client>,
}

impl Http {
    /// # Errors
    /// `InvalidInput` naming a CA bundle that cannot be used.
    pub fn new(config: &Arc<Config>) -> Result<Self> {
        Ok(Http {
            transport: Transport::new(config)?,
            config: Arc::clone(config),
            proxied: OnceLock::new(),
        })
    }

    fn proxied(&self) -> Result<&reqwest::Client> {
        if let Some(client) = self.proxied.get() {
            return Ok(client);
        }
        let client = proxied::client(&self.config)?;
        Ok(self.proxied.get_or_init(|| {
            tracing::info!("a proxy is set: requests go through the SDK's own HTTP client");
            client
        }))
    }

    async fn exchange(
        &self,
        uri: &Uri,
        request: &Request,
        payload: &Payload,
        slot: &Slot,
    ) -> Result<AsyncRawResponse> {
        // The pipeline knows no payload and takes its length for 0.
        let headers: Vec<(&str, &str)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| *name != "content-length")
            .collect();
        let Response {
            status,
            headers,
            body,
        } = self
            .transport
            .send(transport::Request {
                method: proxied::method(request.method()),
                endpoint: &Endpoint::of(uri)?,
                target: uri.path_and_query().map_or("/", |target| target.as_str()),
                headers: &headers,
                body: payload,
                repeatable: is_repeatable(uri, &headers),
                patience: None,
            })
            .await?;
        slot.put(body);
        let mut known = Headers::new();
        for (name, value) in headers.iter() {
            let value = String::from_utf8_lossy(value).into_owned();
            known.insert(name.to_ascii_lowercase(), value);
        }
        let nothing = Box::pin(stream::empty());
        Ok(AsyncRawResponse::new(status.into(), known, nothing))
    }
}

/// Writes all of a blob or of a block, under no condition.
fn is_repeatable(uri: &Uri, headers: &[(&str, &str)]) -> bool {
    let is_block = uri
        .query()
        .is_some_and(|query| query.split('&').any(|pair| pair == "comp=block"));
    let is_blob = headers.contains(&("x-ms-blob-type", "BlockBlob"));
    (is_block || is_blob) && !headers.iter().any(|(name, _)| name.starts_with("if-"))
}

/// What the pipeline's last step is made of.
#[derive(Debug)]
pub(super) struct Exchange(pub(super) Arc<Http>);

#[async_trait]
impl Policy for Exchange {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        _: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let http = &self.0;
        let payload = context.value::<Payload>().cloned().unwrap_or_default();
        let slot = context.value::<Slot>().cloned().unwrap_or_default();
        match request.url().as_str().parse::<Uri>() {
            Ok(uri) if http.transport.takes(&uri) => {
                let answer = http.exchange(&uri, request, &payload, &slot).await;
                answer.map_err(through)
            }
            _ => {
                let client = http.proxied().map_err(through)?;
                proxied::send(client, http.config.retry.stall_timeout, request, &payload).await
            }
        }
    }
}

/// The way of an error of ours through the pipeline; `error::broken` takes it out again.
fn through(error: Error) -> azure_core::Error {
    azure_core::Error::new(CoreKind::Io, error)
}
