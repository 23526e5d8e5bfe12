//! How each kind of credential gets into a request, once per try.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::http::policies::auth::BearerTokenAuthorizationPolicy;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use azure_identity::{
    DeveloperToolsCredential, ManagedIdentityCredential, WorkloadIdentityCredential,
};

use super::account::{Account, Credential};
use super::error::broken;
use super::shared_key::SharedKey;
use crate::config::Secret;
use crate::error::{Error, Result};

const SCOPE: &str = "https://storage.azure.com/.default";
/// Off Azure nothing answers at the address of the managed identity service.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(5);
/// A program that is asked for a token takes seconds, and an identity service tries again by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a source that said nothing is not asked again.
const HUSH: Duration = Duration::from_secs(1);

/// A name for messages, and whom to ask.
type Source = (&'static str, Arc<dyn TokenCredential>);

/// What the requests to one account are authorized with.
#[derive(Debug)]
pub(super) enum Authority {
    Key(Arc<SharedKey>),
    Sas(Sas),
    Entra(Arc<TokenChain>),
}

impl Authority {
    pub fn of(account: &Account) -> Result<Authority> {
        Ok(match &account.credential {
            Credential::SharedKey(key) => {
                Authority::Key(Arc::new(SharedKey::new(&account.name, key.clone())))
            }
            Credential::Sas(token) => Authority::Sas(Sas(token.clone())),
            Credential::Entra => Authority::Entra(Arc::new(TokenChain::of_this_machine()?)),
        })
    }

    /// The policy that authorizes each try.
    pub fn policy(&self) -> Arc<dyn Policy> {
        match self {
            Authority::Key(key) => Arc::clone(key) as Arc<dyn Policy>,
            Authority::Sas(sas) => Arc::new(sas.clone()),
            Authority::Entra(chain) => Arc::new(BearerTokenAuthorizationPolicy::new(
                Arc::clone(chain) as Arc<dyn TokenCredential>,
                [SCOPE],
            )),
        }
    }
}

/// Adds a shared access signature to the query.
#[derive(Clone)]
pub(super) struct Sas(Secret);

impl Sas {
    /// The query string, without its question mark.
    pub fn query(&self) -> &Secret {
        &self.0
    }
}

impl fmt::Debug for Sas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sas(***)")
    }
}

#[async_trait]
impl Policy for Sas {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let token = self.0.reveal();
        // As it stands: decoding and encoding again could change the signature.
        let query = match request.url().query() {
            Some(query) if !query.is_empty() => format!("{query}&{token}"),
            _ => token.to_owned(),
        };
        request.url_mut().set_query(Some(&query));
        next[0].send(context, request, &next[1..]).await
    }
}

/// Entra tokens from the first source that has one: the workload's, the machine's, the developer's tools.
pub(super) struct TokenChain {
    sources: Vec<Source>,
    /// The one that worked before; `usize::MAX` for none.
    chosen: AtomicUsize,
    /// With the chosen one.
    patience: Duration,
    /// Since when it says nothing, and how that was told.
    silent: Mutex<Option<(Instant, String)>>,
}

impl TokenChain {
    pub fn new(sources: Vec<Source>) -> Self {
        TokenChain {
            sources,
            chosen: AtomicUsize::new(usize::MAX),
            patience: PATIENCE,
            silent: Mutex::new(None),
        }
    }

    fn of_this_machine() -> Result<Self> {
        let mut sources: Vec<Source> = Vec::new();
        // Exists only where its variables are set.
        if let Ok(source) = WorkloadIdentityCredential::new(None) {
            sources.push(("workload identity", source));
        }
        if let Ok(source) = ManagedIdentityCredential::new(None) {
            sources.push(("managed identity", source));
        }
        if let Ok(source) = DeveloperToolsCredential::new(None) {
            sources.push(("developer tools", source));
        }
        if sources.is_empty() {
            return Err(Error::invalid("no source of Entra tokens on this machine"));
        }
        Ok(TokenChain::new(sources))
    }

    /// A token for the blob service. Some sources run a program each time they are asked.
    pub async fn token(&self) -> Result<Secret> {
        let token = self
            .get_token(&[SCOPE], None)
            .await
            .map_err(|cause| broken(cause).error)?;
        Ok(Secret::new(token.token.secret()))
    }
}

impl fmt::Debug for TokenChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.sources.iter().map(|(name, _)| name))
            .finish()
    }
}

#[async_trait]
impl TokenCredential for TokenChain {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        match self.sources.get(self.chosen.load(Ordering::Relaxed)) {
            Some(source) => self.ask_again(source, scopes, options).await,
            None => self.choose(scopes, options).await,
        }
    }
}

impl TokenChain {
    async fn choose(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let mut reasons = Vec::new();
        let mut passing = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            match ask(source, IDENTITY_TIMEOUT, scopes, options.clone()).await {
                Ok(token) => {
                    self.chosen.store(index, Ordering::Relaxed);
                    return Ok(token);
                }
                Err((kind, reason)) => {
                    reasons.push(reason);
                    passing.extend(kind);
                }
            }
        }
        let reasons = reasons.join("; ");
        // Off Azure the machine's service is always silent: what another source says for sure counts.
        let kind = passing
            .last()
            .filter(|_| passing.len() == self.sources.len());
        Err(no_token(kind.copied(), &reasons))
    }

    /// A request that wants a token waits for those before it. So that they do not wait in turn for a source that says
    /// nothing, they are told the same.
    async fn ask_again(
        &self,
        source: &Source,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let late = Some(crate::ErrorKind::Timeout);
        let is_fresh = |(since, _): &&(Instant, String)| since.elapsed() < HUSH;
        if let Some((_, reason)) = self.silent().as_ref().filter(is_fresh) {
            return Err(no_token(late, reason));
        }
        match ask(source, self.patience, scopes, options).await {
            Ok(token) => Ok(token),
            Err((kind, reason)) => {
                if kind == late {
                    *self.silent() = Some((Instant::now(), reason.clone()));
                }
                Err(no_token(kind, &reason))
            }
        }
    }

    fn silent(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token, or what is wrong: with a kind where it may pass.
async fn ask(
    (name, source): &Source,
    patience: Duration,
    scopes: &[&str],
    options: Option<TokenRequestOptions<'_>>,
) -> Result<AccessToken, (Option<crate::ErrorKind>, String)> {
    match tokio::time::timeout(patience, source.get_token(scopes, options)).await {
        Ok(answer) => answer.map_err(|cause| (passing(&cause), format!("{name}: {cause}"))),
        Err(_) => Err((
            Some(crate::ErrorKind::Timeout),
            format!("{name}: no answer in {} s", patience.as_secs()),
        )),
    }
}

/// What a source failed of if it did not get to an answer.
fn passing(cause: &azure_core::Error) -> Option<crate::ErrorKind> {
    let late_or_broken = |late| match late {
        true => crate::ErrorKind::Timeout,
        false => crate::ErrorKind::ConnectionFailed,
    };
    let mut step: Option<&(dyn StdError + 'static)> = Some(cause);
    while let Some(error) = step {
        if let Some(http) = error.downcast_ref::<reqwest::Error>() {
            return Some(late_or_broken(http.is_timeout()));
        }
        if let Some(cause) = error.downcast_ref::<io::Error>() {
            // No such program, or none that may be run: that stays.
            let stays = matches!(
                cause.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            );
            return (!stays).then(|| late_or_broken(cause.kind() == io::ErrorKind::TimedOut));
        }
        step = error.source();
    }
    None
}

/// Ours where it may pass, which the retries know; else the SDK's.
fn no_token(passing: Option<crate::ErrorKind>, reasons: &str) -> azure_core::Error {
    let detail = format!("no Entra token: {reasons}");
    match passing {
        Some(kind) => azure_core::Error::new(
            ErrorKind::Credential,
            Error::new(kind, detail).with_retryable(true),
        ),
        None => azure_core::Error::with_message(ErrorKind::Credential, detail),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use azure_core::http::headers::Headers;
    use azure_core::http::{AsyncRawResponse, Method, StatusCode, Url};
    use azure_core::time::OffsetDateTime;

    /// Ten times what it should take.
    const SOON: Duration = Duration::from_secs(2);

    /// Answers with the URL it was asked for.
    #[derive(Debug)]
    struct Echo;

    #[async_trait]
    impl Policy for Echo {
        async fn send(
            &self,
            _: &Context,
            request: &mut Request,
            _: &[Arc<dyn Policy>],
        ) -> PolicyResult {
            let url = request.url().as_str().to_owned();
            Ok(AsyncRawResponse::from_bytes(
                StatusCode::Ok,
                Headers::new(),
                url,
            ))
        }
    }

    #[derive(Debug)]
    struct Given(Option<&'static str>);

    #[async_trait]
    impl TokenCredential for Given {
        async fn get_token(
            &self,
            _: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            let token = self.0.ok_or_else(|| {
                azure_core::Error::with_message(ErrorKind::Credential, "not here")
            })?;
            Ok(AccessToken::new(token, OffsetDateTime::now_utc()))
        }
    }

    #[tokio::test]
    async fn a_signature_joins_the_query_as_it_stands() {
        let next: [Arc<dyn Policy>; 1] = [Arc::new(Echo)];
        let sas = Sas(Secret::new("sv=2024-11-04&sig=a%2Bb%3D"));
        for (url, expected) in [
            ("https://h/c", "https://h/c?sv=2024-11-04&sig=a%2Bb%3D"),
            (
                "https://h/c?comp=list",
                "https://h/c?comp=list&sv=2024-11-04&sig=a%2Bb%3D",
            ),
        ] {
            let mut request = Request::new(Url::parse(url).unwrap(), Method::Get);

            let answer = sas
                .send(&Context::new(), &mut request, &next)
                .await
                .unwrap();

            let sent = answer.try_into_raw_response().await.unwrap();
            assert_eq!(&sent.body()[..], expected.as_bytes());
        }
    }

    #[tokio::test]
    async fn the_first_source_with_a_token_is_kept() {
        let sources: Vec<Source> = vec![
            ("a", Arc::new(Given(None))),
            ("b", Arc::new(Given(Some("token")))),
        ];
        let chain = TokenChain::new(sources);

        let token = chain.get_token(&[SCOPE], None).await.unwrap();

        assert_eq!(token.token.secret(), "token");
        assert_eq!(chain.chosen.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn every_source_says_why_it_has_no_token() {
        let chain = TokenChain::new(vec![("a", Arc::new(Given(None)))]);

        let error = chain.get_token(&[SCOPE], None).await.unwrap_err();

        assert!(error.to_string().contains("a: not here"), "{error}");
    }

    /// Hands out one token; then it says nothing, or fails like this.
    #[derive(Debug)]
    struct Once {
        gave: AtomicBool,
        then: Option<io::ErrorKind>,
    }

    #[async_trait]
    impl TokenCredential for Once {
        async fn get_token(
            &self,
            _: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            if !self.gave.swap(true, Ordering::Relaxed) {
                return Ok(AccessToken::new("token", OffsetDateTime::now_utc()));
            }
            let Some(kind) = self.then else {
                return std::future::pending().await;
            };
            let cause = io::Error::from(kind);
            Err(azure_core::Error::with_error(
                ErrorKind::Credential,
                cause,
                "cannot run az",
            ))
        }
    }

    async fn chosen(then: Option<io::ErrorKind>, patience: Duration) -> TokenChain {
        let gave = AtomicBool::new(false);
        let source = Arc::new(Once { gave, then });
        let mut chain = TokenChain::new(vec![("a", source)]);
        chain.patience = patience;
        chain.token().await.unwrap();
        chain
    }

    #[tokio::test]
    async fn a_source_that_fails_for_now_may_be_asked_again() {
        for (then, kind) in [
            (None, crate::ErrorKind::Timeout),
            (
                Some(io::ErrorKind::BrokenPipe),
                crate::ErrorKind::ConnectionFailed,
            ),
            (
                Some(io::ErrorKind::NotFound),
                crate::ErrorKind::AccessDenied,
            ),
        ] {
            let chain = chosen(then, Duration::from_millis(20)).await;

            let token = tokio::time::timeout(SOON, chain.token()).await;

            let error = token.expect("it hangs").map(drop).unwrap_err();
            let passes = kind != crate::ErrorKind::AccessDenied;
            assert_eq!((error.kind(), error.retryable()), (kind, passes), "{error}");
        }
    }

    #[tokio::test]
    async fn those_who_queue_behind_a_silent_source_do_not_wait_in_turn() {
        let chain = chosen(None, Duration::from_millis(200)).await;
        let began = Instant::now();

        for _ in 0..64 {
            let token = tokio::time::timeout(SOON, chain.token()).await;
            let error = token.expect("it hangs").map(drop).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Timeout);
        }

        assert!(began.elapsed() < SOON);
    }
}
