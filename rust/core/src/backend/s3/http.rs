//! The SDK's HTTP client over our transport. A large body does not pass through the SDK: it goes with the request, or
//! comes with the answer, in a [`Slot`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::config::RuntimeComponents;
use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream, SdkBody};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use bytes::Bytes;
use http::{Method, Uri};

use super::stall::{Progress, answer};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::transport::{Body, Endpoint, Request, Response, Transport};

/// Bytes. A listing of a thousand long keys stays below.
pub(super) const MAX_DOCUMENT: usize = 64 << 20;

/// What goes with one request past the SDK.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot(Arc<Inside>);

#[derive(Debug, Default)]
struct Inside {
    payload: Option<Payload>,
    /// Tells that the SDK's own client moves the payload.
    progress: Progress,
    patience: Option<Duration>,
    wants_body: bool,
    body: Mutex<Option<Body>>,
}

impl Slot {
    /// Sends this; the service may take `patience` to answer.
    pub(super) fn sending(
        payload: &Payload,
        progress: &Progress,
        patience: Option<Duration>,
    ) -> Self {
        Slot(Arc::new(Inside {
            payload: Some(payload.clone()),
            progress: progress.clone(),
            patience,
            ..Inside::default()
        }))
    }

    /// The service may take so long to answer.
    pub(super) fn waiting(patience: Duration) -> Self {
        Slot(Arc::new(Inside {
            patience: Some(patience),
            ..Inside::default()
        }))
    }

    /// Keeps the body of a success.
    pub(super) fn receiving() -> Self {
        Slot(Arc::new(Inside {
            wants_body: true,
            ..Inside::default()
        }))
    }

    /// For `mutate_request`: has a request of the SDK take this along.
    pub(super) fn attach(self) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
        move |request| request.add_extension(self.clone())
    }

    /// None where the SDK's own client had to take the request.
    pub(super) fn take_body(&self) -> Option<Body> {
        let mut body = self.0.body.lock().unwrap_or_else(PoisonError::into_inner);
        body.take()
    }

    fn put_body(&self, body: Body) {
        *self.0.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }
}

/// Our transport where it takes the request, else the SDK's own client.
#[derive(Debug, Clone)]
pub(super) struct Http {
    transport: Transport,
    theirs: SharedHttpClient,
    stall: Duration,
    told: Arc<AtomicBool>,
}

impl Http {
    pub(super) fn new(transport: Transport, theirs: SharedHttpClient, stall: Duration) -> Self {
        Http {
            transport,
            theirs,
            stall,
            told: Arc::default(),
        }
    }
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            http: self.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    http: Http,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let slot = request.extension::<Slot>().cloned().unwrap_or_default();
        let stall = self.settings.read_timeout().unwrap_or(self.http.stall);
        match request.uri().parse::<Uri>() {
            Ok(uri) if self.http.transport.takes(&uri) => {
                let connect = self.settings.connect_timeout();
                let transport = self.http.transport.with_timeouts(connect, Some(stall));
                HttpConnectorFuture::new(async move {
                    let answer = exchange(&transport, &uri, request, &slot).await;
                    answer.map_err(refused)
                })
            }
            _ => {
                if !self.http.told.swap(true, Ordering::Relaxed) {
                    tracing::info!("a proxy is set: requests go through the SDK's own HTTP client");
                }
                let theirs = &self.http.theirs;
                let connector = theirs.http_connector(&self.settings, &self.components);
                HttpConnectorFuture::new(leave(connector, request, slot, stall))
            }
        }
    }
}

async fn exchange(
    transport: &Transport,
    uri: &Uri,
    mut request: HttpRequest,
    slot: &Slot,
) -> Result<HttpResponse> {
    let payload = match &slot.0.payload {
        Some(payload) => payload.clone(),
        None => Payload::from(collect(request.take_body()).await?),
    };
    let method = Method::from_bytes(request.method().as_bytes())
        .map_err(|cause| Error::invalid("the request has no method").with_source(cause))?;
    let headers: Vec<(&str, &str)> = request.headers().iter().collect();
    let answer = transport
        .send(Request {
            method,
            endpoint: &Endpoint::of(uri)?,
            target: uri.path_and_query().map_or("/", |target| target.as_str()),
            headers: &headers,
            body: &payload,
            repeatable: false,
            patience: slot.0.patience,
        })
        .await?;
    let Response {
        status,
        headers,
        body,
    } = answer;
    let kept = if slot.0.wants_body && matches!(status, 200 | 206) {
        slot.put_body(body);
        SdkBody::empty()
    } else {
        SdkBody::from(body.collect(MAX_DOCUMENT).await?)
    };
    let odd = |cause| {
        let detail = "the head of the answer makes no sense";
        Error::new(ErrorKind::Server, detail).with_source(cause)
    };
    let mut response = HttpResponse::new(StatusCode::try_from(status).map_err(odd)?, kept);
    for (name, value) in headers.iter() {
        let value = String::from_utf8_lossy(value).into_owned();
        let appended = response
            .headers_mut()
            .try_append(name.to_ascii_lowercase(), value);
        appended.map_err(odd)?;
    }
    Ok(response)
}

async fn collect(body: SdkBody) -> Result<Bytes> {
    match body.bytes() {
        // Documents, small enough to copy.
        Some(bytes) => Ok(Bytes::copy_from_slice(bytes)),
        None => {
            let all = ByteStream::new(body).collect().await;
            all.map(AggregatedBytes::into_bytes)
                .map_err(|cause| Error::invalid("the body cannot be read").with_source(cause))
        }
    }
}

/// Has the SDK's own client send it, under the same limits.
async fn leave(
    connector: SharedHttpConnector,
    request: HttpRequest,
    slot: Slot,
    stall: Duration,
) -> std::result::Result<HttpResponse, ConnectorError> {
    let limit = slot.0.patience.unwrap_or(stall);
    let exchange = async {
        let mut response = connector.call(request).await?;
        if !slot.0.wants_body {
            let document = collect(response.take_body()).await.map_err(|error| {
                // What the request asked for may have been done.
                ConnectorError::io(error.with_kind(ErrorKind::ConnectionFailed).into())
            })?;
            *response.body_mut() = SdkBody::from(document);
        }
        Ok(response)
    };
    answer(limit, &slot.0.progress, exchange)
        .await
        .map_err(refused)?
}

/// The way of an error of ours through the SDK; `error::failure` takes it out again.
fn refused(error: Error) -> ConnectorError {
    match error.kind() {
        ErrorKind::Timeout => ConnectorError::timeout(error.into()),
        ErrorKind::InvalidInput => ConnectorError::user(error.into()),
        _ => ConnectorError::io(error.into()),
    }
}
