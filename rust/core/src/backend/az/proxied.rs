//! Exchanges through a proxy, over reqwest, with a stall timer on both directions.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::policies::PolicyResult;
use azure_core::http::{AsyncRawResponse, Method, Request};
use bytes::Bytes;
use futures::stream;
use http_body::{Body, Frame, SizeHint};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::payload::Payload;

/// Small enough that a slow line shows progress, large enough to cost nothing.
const FRAME: usize = 256 << 10;
const IDLE_CONNECTION: Duration = Duration::from_mins(1);

/// Nothing moved for as long as the setting allows.
#[derive(Debug)]
pub(super) struct Stalled(Duration);

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing moved for {} s", self.0.as_secs_f64())
    }
}

impl std::error::Error for Stalled {}

pub(super) fn client(config: &Config) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(config.retry.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .http1_only()
        .tcp_nodelay(true)
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(config.concurrency);
    if let Some(path) = &config.ca_bundle {
        let bad = |cause: String| Error::invalid(format!("ca_bundle {path}: {cause}"));
        let pem = std::fs::read(path).map_err(|cause| bad(cause.to_string()))?;
        let roots =
            reqwest::Certificate::from_pem_bundle(&pem).map_err(|cause| bad(cause.to_string()))?;
        if roots.is_empty() {
            return Err(bad("it holds no certificate".to_owned()));
        }
        builder = builder.tls_certs_merge(roots);
    }
    builder
        .build()
        .map_err(|cause| Error::invalid("the HTTP client cannot be set up").with_source(cause))
}

/// Sends one request; the payload has not been given to it.
pub(super) async fn send(
    client: &reqwest::Client,
    stall: Duration,
    request: &Request,
    payload: &Payload,
) -> PolicyResult {
    let progress = Progress::default();
    let mut outgoing = client.request(method(request.method()), request.url().clone());
    for (name, value) in request.headers().iter() {
        // The pipeline knows no payload and takes its length for 0.
        if name.as_str() != "content-length" {
            outgoing = outgoing.header(name.as_str(), value.as_str());
        }
    }
    if matches!(request.method(), Method::Put | Method::Post) {
        outgoing = outgoing.header("content-length", payload.len());
    }
    if !payload.is_empty() {
        outgoing = outgoing.body(reqwest::Body::wrap(Frames::new(payload, progress.clone())));
    }
    let response = match progress.watch(outgoing.send(), stall).await {
        Ok(Ok(response)) => response,
        Ok(Err(cause)) => return Err(failure(cause)),
        Err(stalled) => return Err(azure_core::Error::new(ErrorKind::Io, stalled)),
    };
    let status = response.status().as_u16().into();
    let headers = headers(response.headers());
    let body = stream::unfold(Some(response), move |response| async move {
        let mut response = response?;
        match tokio::time::timeout(stall, response.chunk()).await {
            Ok(Ok(Some(frame))) => Some((Ok(frame), Some(response))),
            Ok(Ok(None)) => None,
            Ok(Err(cause)) => Some((Err(failure(cause)), None)),
            Err(_) => Some((
                Err(azure_core::Error::new(ErrorKind::Io, Stalled(stall))),
                None,
            )),
        }
    });
    Ok(AsyncRawResponse::new(status, headers, Box::pin(body)))
}

/// Without its URL, which may hold a signature.
fn failure(cause: reqwest::Error) -> azure_core::Error {
    azure_core::Error::new(ErrorKind::Io, cause.without_url())
}

pub(super) fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Delete => reqwest::Method::DELETE,
        Method::Head => reqwest::Method::HEAD,
        Method::Patch => reqwest::Method::PATCH,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        // GET, and nothing else is left: the enum is open only for later versions.
        _ => reqwest::Method::GET,
    }
}

fn headers(map: &reqwest::header::HeaderMap) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in map {
        headers.insert(
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        );
    }
    headers
}

/// Counts the frames that were handed to the connection.
#[derive(Clone, Default)]
struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Waits for `exchange` as long as frames go out.
    async fn watch<T>(
        &self,
        exchange: impl Future<Output = T>,
        stall: Duration,
    ) -> Result<T, Stalled> {
        let mut exchange = pin!(exchange);
        loop {
            let before = self.0.load(Ordering::Relaxed);
            match tokio::time::timeout(stall, &mut exchange).await {
                Ok(done) => return Ok(done),
                Err(_) if self.0.load(Ordering::Relaxed) == before => return Err(Stalled(stall)),
                Err(_) => {}
            }
        }
    }
}

/// A payload as a request body: views of its pieces, no copies.
struct Frames {
    /// Last piece first.
    pieces: Vec<Bytes>,
    left: u64,
    progress: Progress,
}

impl Frames {
    fn new(payload: &Payload, progress: Progress) -> Self {
        let mut pieces = payload.pieces().to_vec();
        pieces.reverse();
        Frames {
            pieces,
            left: payload.len(),
            progress,
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(mut piece) = self.pieces.pop() else {
            return Poll::Ready(None);
        };
        if piece.len() > FRAME {
            let rest = piece.split_off(FRAME);
            self.pieces.push(rest);
        }
        self.left -= piece.len() as u64;
        self.progress.0.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn frames_share_the_payload_and_keep_its_order() {
        let large = Bytes::from(vec![7; FRAME + 1]);
        let address = large.as_ptr();
        let payload = Payload::new(vec![Bytes::from_static(b"ab"), large]);
        let mut frames = Frames::new(&payload, Progress::default());

        let mut sent = Vec::new();
        while let Some(frame) = frames.frame().await {
            sent.push(frame.unwrap().into_data().unwrap());
        }

        assert_eq!(
            sent.iter().map(Bytes::len).collect::<Vec<_>>(),
            [2, FRAME, 1]
        );
        assert_eq!(sent[1].as_ptr(), address);
        assert_eq!(frames.size_hint().exact(), Some(0));
    }

    #[tokio::test]
    async fn only_silence_is_a_stall() {
        let stall = Duration::from_millis(300);
        let progress = Progress::default();
        let moving = progress.clone();
        let slow = async move {
            for _ in 0..30 {
                tokio::time::sleep(stall / 15).await;
                moving.0.fetch_add(1, Ordering::Relaxed);
            }
        };

        assert!(progress.watch(slow, stall).await.is_ok());
        assert!(
            progress
                .watch(std::future::pending::<()>(), stall)
                .await
                .is_err()
        );
    }
}
