//! Requests to one account: built here, sent through `azure_core`'s pipeline, tried again where that makes sense.
//!
//! The SDK's own blob client is not used: it splits transfers by itself and keeps the single requests private, lists
//! without a delimiter, drops newlines from keys when it builds a URL, and sets up a pipeline per URL.

use std::sync::Arc;

use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::response::AsyncResponseBody;
use azure_core::http::{
    ClientOptions, Context, Method, Pipeline, PipelineStreamOptions, Request, RetryOptions,
    Transport, Url,
};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use serde::de::DeserializeOwned;

use super::account::Account;
use super::auth::Authority;
use super::http::{Exchange, Http, Slot};
use super::{error, keys};
use crate::backend::attempts::{Attempts, Failure};
use crate::backend::backoff::Budget;
use crate::backend::redirect;
use crate::config::RetryConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::transport::Body;
use crate::uri::Key;

/// Has percent-encoded names in listings (2021-02-12), the cold tier (2021-12-02) and blocks of 4000 MiB (2019-12-12).
const VERSION: &str = "2024-11-04";
/// Bytes. A listing of five thousand long keys stays below.
const MAX_DOCUMENT: usize = 256 << 20;
/// Enough for any error document.
const MAX_REFUSAL: usize = 64 << 10;

/// What all stores of one account share.
#[derive(Debug)]
pub(super) struct Session {
    pipeline: Pipeline,
    /// Of the account.
    pub name: String,
    pub endpoint: String,
    pub authority: Authority,
    retry: RetryConfig,
    /// Of the whole process; tests have their own.
    pub budget: &'static Budget,
}

/// One request, to be sent as often as needed.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    url: Url,
    headers: Vec<(HeaderName, String)>,
    body: Payload,
}

/// An answer that was asked for; its body is still to be read.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub body: Incoming,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Incoming {
    Ours(Body),
    /// Came through a proxy.
    Proxied(AsyncResponseBody),
}

impl Session {
    pub fn new(
        account: &Account,
        authority: Authority,
        http: Arc<Http>,
        retry: &RetryConfig,
    ) -> Self {
        let transport = Transport::with_policy(Arc::new(Exchange(http)));
        // Tries are counted, and bodies resumed, by this file: the pipeline makes one.
        let options = ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(transport),
            ..Default::default()
        };
        let pipeline = Pipeline::new(
            option_env!("CARGO_PKG_NAME"),
            option_env!("CARGO_PKG_VERSION"),
            options,
            Vec::new(),
            vec![authority.policy()],
            None,
        );
        Session {
            pipeline,
            name: account.name.clone(),
            endpoint: account.endpoint.clone(),
            authority,
            retry: retry.clone(),
            budget: Budget::shared(),
        }
    }

    pub fn attempts(&self) -> Attempts<'_> {
        Attempts::new(&self.retry, self.budget)
    }

    /// A request about a container.
    pub fn container(&self, method: Method, container: &str) -> Result<Call> {
        Call::new(
            method,
            &format!("{}/{}", self.endpoint, keys::encode(container)),
        )
    }

    /// A request about a key, which has been checked.
    pub fn blob(&self, method: Method, container: &str, key: &Key) -> Result<Call> {
        Call::new(method, &self.url(container, key))
    }

    /// Where a blob is.
    pub fn url(&self, container: &str, key: &Key) -> String {
        let (container, key) = (keys::encode(container), keys::encode(key.as_str()));
        format!("{}/{container}/{key}", self.endpoint)
    }

    /// Sends until an answer has one of the statuses wanted. The operation succeeds when its body has come.
    pub async fn send(
        &self,
        call: &Call,
        wanted: &[u16],
        attempts: &mut Attempts<'_>,
    ) -> Result<Answer> {
        let mut moved = None;
        loop {
            attempts.begin();
            let here = moved.as_ref().unwrap_or(call);
            let failure = match self.exchange(here).await {
                Ok(answer) if wanted.contains(&answer.status) => return Ok(answer),
                Ok(answer) => {
                    let elsewhere = self.elsewhere(here, &answer);
                    let failure = refused(answer).await;
                    match elsewhere {
                        None => failure,
                        Some(call) => {
                            moved = Some(call);
                            Failure {
                                error: failure.error.with_retryable(true),
                                ..failure
                            }
                        }
                    }
                }
                Err(failure) => failure,
            };
            attempts.pause(failure).await?;
        }
    }

    /// The same call at another host of the account, if that is where an answer sends it.
    fn elsewhere(&self, call: &Call, answer: &Answer) -> Option<Call> {
        if !matches!(answer.status, 307 | 308) {
            return None;
        }
        let service = Url::parse(&self.endpoint).ok()?;
        let to = redirect::follow(service.host_str(), &call.url, answer.header("location")?)?;
        let mut moved = call.clone();
        moved.url.set_scheme(to.scheme()).ok()?;
        moved.url.set_host(to.host_str()).ok()?;
        moved.url.set_port(to.port()).ok()?;
        Some(moved)
    }

    /// Sends and reads the whole answer; for answers without a body, or with a short one.
    pub async fn ask(
        &self,
        call: &Call,
        wanted: u16,
        attempts: &mut Attempts<'_>,
    ) -> Result<(Headers, Bytes)> {
        loop {
            let answer = self.send(call, &[wanted], attempts).await?;
            match collect(answer.body, MAX_DOCUMENT).await {
                Ok(body) => {
                    attempts.succeed();
                    return Ok((answer.headers, body));
                }
                Err(failure) => attempts.pause(failure).await?,
            }
        }
    }

    async fn exchange(&self, call: &Call) -> Result<Answer, Failure> {
        let mut request = Request::new(call.url.clone(), call.method);
        for (name, value) in &call.headers {
            request.insert_header(name.clone(), value.clone());
        }
        if matches!(call.method, Method::Put | Method::Post) {
            request.insert_header("content-length", call.body.len().to_string());
        }
        let slot = Slot::default();
        let context = Context::new()
            .with_value(call.body.clone())
            .with_value(slot.clone());
        let options = PipelineStreamOptions {
            skip_checks: true,
            ..Default::default()
        };
        let answer = self
            .pipeline
            .stream(&context, &mut request, Some(options))
            .await
            .map_err(error::broken)?;
        let (status, headers, proxied) = answer.deconstruct();
        Ok(Answer {
            status: status.into(),
            headers,
            body: slot
                .take()
                .map_or(Incoming::Proxied(proxied), Incoming::Ours),
        })
    }
}

impl Call {
    fn new(method: Method, url: &str) -> Result<Call> {
        let url = Url::parse(url)
            .map_err(|cause| Error::invalid("the endpoint is no URL").with_source(cause))?;
        let headers = vec![(HeaderName::from_static("x-ms-version"), VERSION.to_owned())];
        Ok(Call {
            method,
            url,
            headers,
            body: Payload::default(),
        })
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers
            .push((HeaderName::from_static(name), value.into()));
        self
    }

    /// A header whose name is the user's.
    pub fn named_header(mut self, name: String, value: impl Into<String>) -> Self {
        self.headers.push((HeaderName::from(name), value.into()));
        self
    }

    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    pub fn body(mut self, body: Payload) -> Self {
        self.body = body;
        self
    }
}

impl Answer {
    pub fn header(&self, name: &'static str) -> Option<&str> {
        header(&self.headers, name)
    }
}

pub(super) fn header<'a>(headers: &'a Headers, name: &'static str) -> Option<&'a str> {
    headers.get_optional_str(&HeaderName::from_static(name))
}

/// Reads an XML answer.
///
/// # Errors
/// `Server`: an answer that makes no sense must not pass for an empty one.
pub(super) fn parse<T: DeserializeOwned>(xml: &[u8]) -> Result<T> {
    azure_core::xml::from_xml(xml)
        // The SDK's own message quotes the whole document.
        .map_err(|_| Error::new(ErrorKind::Server, "the service's XML makes no sense").with_retryable(false))
}

async fn refused(answer: Answer) -> Failure {
    // A refusal that breaks off is told by its status and headers.
    let body = collect(answer.body, MAX_REFUSAL).await.unwrap_or_default();
    error::refusal(answer.status, &answer.headers, &body)
}

async fn collect(body: Incoming, limit: usize) -> Result<Bytes, Failure> {
    match body {
        Incoming::Ours(body) => body.collect(limit).await.map_err(Failure::from),
        Incoming::Proxied(mut body) => {
            let mut all = BytesMut::new();
            while let Some(frame) = body.try_next().await.map_err(error::broken)? {
                all.extend_from_slice(&frame);
                if all.len() > limit {
                    break;
                }
            }
            Ok(all.freeze())
        }
    }
}
