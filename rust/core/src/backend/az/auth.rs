//! How each kind of credential gets into a request, once per try.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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
use super::shared_key::SharedKey;
use crate::config::Secret;
use crate::error::{Error, Result};

const SCOPE: &str = "https://storage.azure.com/.default";
/// Off Azure nothing answers at the address of the managed identity service.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(5);

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
    sources: Vec<(&'static str, Arc<dyn TokenCredential>)>,
    /// The one that worked before; `usize::MAX` for none.
    chosen: AtomicUsize,
}

impl TokenChain {
    pub fn new(sources: Vec<(&'static str, Arc<dyn TokenCredential>)>) -> Self {
        TokenChain {
            sources,
            chosen: AtomicUsize::new(usize::MAX),
        }
    }

    fn of_this_machine() -> Result<Self> {
        let mut sources: Vec<(&'static str, Arc<dyn TokenCredential>)> = Vec::new();
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
        let token = self.get_token(&[SCOPE], None).await.map_err(|cause| {
            Error::new(crate::ErrorKind::AccessDenied, "no credential").with_source(cause)
        })?;
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
        if let Some((_, source)) = self.sources.get(self.chosen.load(Ordering::Relaxed)) {
            return source.get_token(scopes, options).await;
        }
        let mut reasons = Vec::new();
        for (index, (name, source)) in self.sources.iter().enumerate() {
            match tokio::time::timeout(IDENTITY_TIMEOUT, source.get_token(scopes, options.clone()))
                .await
            {
                Ok(Ok(token)) => {
                    self.chosen.store(index, Ordering::Relaxed);
                    return Ok(token);
                }
                Ok(Err(error)) => reasons.push(format!("{name}: {error}")),
                Err(_) => reasons.push(format!(
                    "{name}: no answer in {} s",
                    IDENTITY_TIMEOUT.as_secs()
                )),
            }
        }
        Err(azure_core::Error::with_message(
            ErrorKind::Credential,
            format!("no Entra token: {}", reasons.join("; ")),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::http::headers::Headers;
    use azure_core::http::{AsyncRawResponse, Method, StatusCode, Url};
    use azure_core::time::OffsetDateTime;

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
    struct Source(Option<&'static str>);

    #[async_trait]
    impl TokenCredential for Source {
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
        let sources: Vec<(&'static str, Arc<dyn TokenCredential>)> = vec![
            ("a", Arc::new(Source(None))),
            ("b", Arc::new(Source(Some("token")))),
        ];
        let chain = TokenChain::new(sources);

        let token = chain.get_token(&[SCOPE], None).await.unwrap();

        assert_eq!(token.token.secret(), "token");
        assert_eq!(chain.chosen.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn every_source_says_why_it_has_no_token() {
        let chain = TokenChain::new(vec![("a", Arc::new(Source(None)))]);

        let error = chain.get_token(&[SCOPE], None).await.unwrap_err();

        assert!(error.to_string().contains("a: not here"), "{error}");
    }
}
