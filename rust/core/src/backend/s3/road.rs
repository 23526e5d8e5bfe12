//! The short way to a bucket, for the requests that come by the thousand: signed here, sent by our transport.
//!
//! The SDK merges settings, runs interceptors and evaluates endpoint rules anew for each request, which costs several
//! times the request itself. What it knows is asked once: its rules tell where a bucket is, its providers who signs.
//! Buckets that its rules sign in another way (access points, directory buckets) have no short way.

use std::borrow::Cow;

use aws_sdk_s3::config::endpoint::{DefaultResolver, ParamsBuilder, ResolveEndpoint as _};
use http::{Method, Uri};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::error::refusal;
use super::peer::FOLLOWED;
use super::place::Places;
use super::service::Service;
use super::sign::{Signed, Signer, encode, stamp};
use crate::backend::attempts::Failure;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::transport::{Endpoint, Request, Response, Transport};
use crate::uri::Key;

const AGENT: &str = concat!("s3dlio/", env!("CARGO_PKG_VERSION"));
/// What services allow a clock to be off.
const SKEW_ALLOWED: time::Duration = time::Duration::minutes(5);
/// Bytes of the answer to a refused request.
const MAX_REFUSAL: usize = 64 << 10;

/// One bucket's.
#[derive(Debug)]
pub(super) struct Road {
    endpoint: Endpoint,
    authority: String,
    /// Scheme and authority.
    origin: String,
    /// What stands before a key; ends in `/`.
    base: String,
    signer: Signer,
}

/// One request about a key: a read, or a write of all of something.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) key: &'a Key,
    /// Encoded and sorted.
    pub(super) query: String,
    /// Names in lower case.
    pub(super) headers: Vec<(Cow<'static, str>, String)>,
    pub(super) body: Option<&'a Payload>,
    /// What is signed of the body: its hash, or the word that stands for none.
    pub(super) hash: &'a str,
}

impl Road {
    /// None where the bucket has no short way.
    pub(super) async fn to(
        bucket: &str,
        rules: ParamsBuilder,
        transport: &Transport,
    ) -> Option<Road> {
        #[cfg(test)]
        tests::EVALUATED.set(tests::EVALUATED.get() + 1);
        let params = rules.bucket(bucket).build().ok()?;
        let found = DefaultResolver::new()
            .resolve_endpoint(&params)
            .await
            .ok()?;
        let [scheme] = found.auth_schemes() else {
            return None;
        };
        let text = |name| scheme.get(name).and_then(|value| value.as_string());
        let is_plain = scheme.name() == "sigv4"
            && text("signingName") == Some("s3")
            && found.headers().next().is_none();
        let uri: Uri = found.url().parse().ok()?;
        if !is_plain || uri.query().is_some() || !transport.takes(&uri) {
            return None;
        }
        let endpoint = Endpoint::of(&uri).ok()?;
        let authority = endpoint.authority();
        Some(Road {
            origin: format!("{}://{authority}", uri.scheme_str()?),
            authority,
            endpoint,
            base: format!("{}/", uri.path().trim_end_matches('/')),
            signer: Signer::new(text("signingRegion")?),
        })
    }

    /// Host and path, as a test looks at them.
    #[cfg(test)]
    pub(super) fn place(&self) -> String {
        format!("{} {}", self.authority, self.base)
    }

    /// Whether the endpoint still takes what is sent this way.
    pub(super) fn leads_on(&self, places: &Places) -> bool {
        !places.lead_away(&self.origin, &self.base)
    }

    /// Sends it once.
    pub(super) async fn send(&self, service: &Service, ask: Ask<'_>) -> Result<Response, Failure> {
        let connected = service.connected().await?;
        let credentials = connected.identity.credentials().await?;
        let mut path =
            String::with_capacity(self.base.len() + ask.key.as_str().len() + ask.query.len() + 16);
        path.push_str(&self.base);
        encode(ask.key.as_str(), true, &mut path);
        let time = stamp(OffsetDateTime::now_utc() + service.peer.skew());
        let mut headers: Vec<(&str, &str)> = Vec::with_capacity(ask.headers.len() + 6);
        for (name, value) in &ask.headers {
            if !value.is_ascii() {
                let detail = format!("the value of {name} is not ASCII, which S3 would change");
                return Err(Error::invalid(detail).into());
            }
            headers.push((name, value));
        }
        headers.push(("host", &self.authority));
        let authorization;
        if let Some(credentials) = &credentials {
            headers.push(("x-amz-content-sha256", ask.hash));
            headers.push(("x-amz-date", &time));
            if let Some(token) = credentials.session_token() {
                headers.push(("x-amz-security-token", token));
            }
            headers.sort_unstable_by_key(|(name, _)| *name);
            let signed = Signed {
                method: ask.method.as_str(),
                path: &path,
                query: &ask.query,
                headers: &headers,
                payload: ask.hash,
                time: &time,
            };
            authorization = self.signer.authorization(credentials, &signed);
            headers.push(("authorization", &authorization));
        }
        headers.push(("user-agent", AGENT));
        if !ask.query.is_empty() {
            path.extend(["?", &ask.query]);
        }
        let nothing = Payload::default();
        // A condition that held is not sure to hold when the first try was heard after all.
        let is_conditional = headers.iter().any(|(name, _)| name.starts_with("if-"));
        let response = connected
            .transport
            .send(Request {
                method: ask.method,
                endpoint: &self.endpoint,
                target: &path,
                headers: &headers,
                body: ask.body.unwrap_or(&nothing),
                repeatable: !is_conditional,
                patience: None,
            })
            .await?;
        service.peer.note(|name| response.headers.get(name));
        match response.status {
            200..=299 => Ok(response),
            307 | 308 => Err(self.moved(service, &path, response).await),
            _ => Err(service.learn(refused(service, response).await)),
        }
    }

    /// A redirect: followed at the next try, by the SDK's way, if it may be.
    async fn moved(&self, service: &Service, path: &str, response: Response) -> Failure {
        let headers = response.headers;
        let asked = format!("{}{path}", self.origin);
        let places = &service.peer.places;
        let followed = headers
            .get("location")
            .is_some_and(|location| places.redirected(&asked, location));
        let header = |name: &str| match name {
            FOLLOWED => followed.then_some("1"),
            name => headers.get(name),
        };
        let document = response.body.collect(MAX_REFUSAL).await.unwrap_or_default();
        refusal(response.status, &header, &document)
    }
}

async fn refused(service: &Service, response: Response) -> Failure {
    let Response {
        status,
        headers,
        body,
    } = response;
    // A refusal that breaks off is told by its status and headers.
    let document = body.collect(MAX_REFUSAL).await.unwrap_or_default();
    let failure = refusal(status, &|name| headers.get(name), &document);
    let its_time = headers
        .get("date")
        .and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
    let Some(its_time) = its_time.filter(|_| status == 403) else {
        return failure;
    };
    let off = its_time - OffsetDateTime::now_utc();
    if (off - service.peer.skew()).abs() < SKEW_ALLOWED {
        return failure;
    }
    // A HEAD is refused without saying why.
    let is_why = matches!(
        failure.error.code(),
        None | Some("RequestTimeTooSkewed" | "AccessDenied")
    );
    if !is_why {
        return failure;
    }
    tracing::warn!(
        seconds = off.whole_seconds(),
        "the service's clock differs; signing by it"
    );
    service.peer.set_skew(off);
    Failure {
        error: failure
            .error
            .with_code("RequestTimeTooSkewed")
            .with_retryable(true),
        ..failure
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// How often this thread has had the rules evaluated.
        pub(in crate::backend::s3) static EVALUATED: Cell<usize> = const { Cell::new(0) };
    }
}
