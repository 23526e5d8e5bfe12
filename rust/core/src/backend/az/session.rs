//! Requests to one account: built here, sent through `azure_core`'s pipeline, tried again where that makes sense.
//!
//! The clients of `azure_storage_blob` are not used: they split transfers by themselves and keep the single requests
//! private, list without a delimiter, drop newlines from keys when they build a URL, and set up a pipeline per URL.

use std::sync::Arc;

use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::response::AsyncResponseBody;
use azure_core::http::{
    ClientOptions, Context, Method, Pipeline, PipelineStreamOptions, Request, RetryOptions,
    Transport, Url,
};
use bytes::BytesMut;
use futures::TryStreamExt as _;
use serde::de::DeserializeOwned;

use super::account::Account;
use super::auth::Authority;
use super::http::HttpTransport;
use super::retry::{Failure, Tries};
use super::{error, keys};
use crate::config::RetryConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::uri::Key;

/// Has percent-encoded names in listings (2021-02-12), the cold tier (2021-12-02) and blocks of 4000 MiB (2019-12-12).
const VERSION: &str = "2024-11-04";
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
}

/// One request, to be sent as often as needed.
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
    pub body: AsyncResponseBody,
}

impl Session {
    pub fn new(account: &Account, client: reqwest::Client, retry: &RetryConfig) -> Result<Self> {
        let transport =
            Transport::with_policy(Arc::new(HttpTransport::new(client, retry.stall_timeout)));
        // Tries are counted, and bodies resumed, by this file: the pipeline makes one.
        let options = ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(transport),
            ..Default::default()
        };
        let authority = Authority::of(account)?;
        let pipeline = Pipeline::new(
            option_env!("CARGO_PKG_NAME"),
            option_env!("CARGO_PKG_VERSION"),
            options,
            Vec::new(),
            vec![authority.policy()],
            None,
        );
        Ok(Session {
            pipeline,
            name: account.name.clone(),
            endpoint: account.endpoint.clone(),
            authority,
            retry: retry.clone(),
        })
    }

    pub fn tries(&self) -> Tries<'_> {
        Tries::new(&self.retry)
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

    /// Sends until an answer has one of the statuses wanted.
    pub async fn send(&self, call: &Call, wanted: &[u16], tries: &mut Tries<'_>) -> Result<Answer> {
        loop {
            tries.count();
            let failure = match self.exchange(call).await {
                Ok(answer) if wanted.contains(&answer.status) => return Ok(answer),
                Ok(answer) => refused(answer).await,
                Err(failure) => failure,
            };
            tries.again(failure).await?;
        }
    }

    /// Sends and reads the whole answer; for answers without a body, or with a short one.
    pub async fn ask(
        &self,
        call: &Call,
        wanted: u16,
        tries: &mut Tries<'_>,
    ) -> Result<(Headers, BytesMut)> {
        loop {
            let answer = self.send(call, &[wanted], tries).await?;
            match collect(answer.body, usize::MAX).await {
                Ok(body) => return Ok((answer.headers, body)),
                Err(cause) => tries.again(error::broken(cause)).await?,
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
        let context = Context::new().with_value(call.body.clone());
        let options = PipelineStreamOptions {
            skip_checks: true,
            ..Default::default()
        };
        let answer = self
            .pipeline
            .stream(&context, &mut request, Some(options))
            .await
            .map_err(error::broken)?;
        let (status, headers, body) = answer.deconstruct();
        Ok(Answer {
            status: status.into(),
            headers,
            body,
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

async fn collect(mut body: AsyncResponseBody, limit: usize) -> azure_core::Result<BytesMut> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.try_next().await? {
        all.extend_from_slice(&frame);
        if all.len() > limit {
            break;
        }
    }
    Ok(all)
}
