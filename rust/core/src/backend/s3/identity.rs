//! Who signs: what the SDK's provider gave, asked for again before it expires.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::SharedCredentialsProvider;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::error::no_credentials;
use crate::error::Result;

/// Ask again so long before the end, or at half of a shorter life.
const EARLY: Duration = Duration::from_mins(5);
/// What is left of a life is used up by the request that is about to begin.
const LEAST: Duration = Duration::from_secs(10);
/// Ask again after so long where no end is told: files and environments change.
const UNTIL_ASKED: Duration = Duration::from_mins(15);

#[derive(Debug)]
pub(super) struct Identity {
    /// None signs nothing.
    provider: Option<SharedCredentialsProvider>,
    /// A process or a service that gives credentials may hang.
    patience: Duration,
    kept: RwLock<Option<Kept>>,
    /// Held by the one who asks the provider.
    asking: Mutex<()>,
}

#[derive(Debug)]
struct Kept {
    credentials: Credentials,
    renew: SystemTime,
}

impl Identity {
    pub(super) fn new(provider: Option<SharedCredentialsProvider>, patience: Duration) -> Self {
        Identity {
            provider,
            patience,
            kept: RwLock::default(),
            asking: Mutex::default(),
        }
    }

    /// `None` for unsigned requests. One caller asks the provider while the others wait.
    ///
    /// # Errors
    /// `AccessDenied` where there are none; `Timeout` or `ConnectionFailed` where their source could not be asked.
    pub(super) async fn credentials(&self) -> Result<Option<Credentials>> {
        let Some(provider) = &self.provider else {
            return Ok(None);
        };
        if let Some(kept) = self.kept_until(SystemTime::now()) {
            return Ok(Some(kept));
        }
        let _asking = self.asking.lock().await;
        let now = SystemTime::now();
        // Whoever asked meanwhile got them for all.
        if let Some(kept) = self.kept_until(now) {
            return Ok(Some(kept));
        }
        let answer = match timeout(self.patience, provider.provide_credentials()).await {
            Ok(answer) => answer,
            Err(_) => Err(CredentialsError::provider_timed_out(self.patience)),
        };
        match answer {
            Ok(credentials) => {
                let renew = match credentials.expiry() {
                    Some(end) => {
                        let life = end.duration_since(now).unwrap_or_default();
                        now + life.saturating_sub(EARLY.min(life / 2).max(LEAST))
                    }
                    None => now + UNTIL_ASKED,
                };
                *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(Kept {
                    credentials: credentials.clone(),
                    renew,
                });
                Ok(Some(credentials))
            }
            Err(cause) => match &*self.kept.read().unwrap_or_else(PoisonError::into_inner) {
                // They still hold: a provider that is away for a while stops nobody.
                Some(Kept { credentials, .. })
                    if credentials.expiry().is_none_or(|end| now < end) =>
                {
                    tracing::warn!(error = %cause, "credentials cannot be renewed; using the old ones");
                    Ok(Some(credentials.clone()))
                }
                _ => Err(no_credentials(&cause).with_source(cause)),
            },
        }
    }

    /// What is not to be renewed yet.
    fn kept_until(&self, now: SystemTime) -> Option<Credentials> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_ref().filter(|kept| now < kept.renew)?;
        Some(kept.credentials.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::provider::{ProvideCredentials, future};

    use super::*;
    use crate::error::ErrorKind;

    /// Gives credentials that live for `life`, `good` times.
    #[derive(Debug)]
    struct Source {
        asked: Arc<AtomicUsize>,
        good: usize,
        life: Option<Duration>,
    }

    impl ProvideCredentials for Source {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let count = self.asked.fetch_add(1, Ordering::Relaxed);
            future::ProvideCredentials::ready(if count < self.good {
                let end = self.life.map(|life| SystemTime::now() + life);
                Ok(Credentials::new(
                    format!("id-{count}"),
                    "secret",
                    None,
                    end,
                    "test",
                ))
            } else {
                Err(CredentialsError::not_loaded("gone"))
            })
        }
    }

    async fn ask(good: usize, life: Option<Duration>) -> (Vec<Result<String>>, usize) {
        let asked = Arc::new(AtomicUsize::new(0));
        let source = Source {
            asked: Arc::clone(&asked),
            good,
            life,
        };
        let identity = Identity::new(
            Some(SharedCredentialsProvider::new(source)),
            Duration::from_mins(1),
        );
        let mut answers = Vec::new();
        for _ in 0..3 {
            let credentials = identity.credentials().await;
            answers.push(credentials.map(|it| it.unwrap().access_key_id().to_owned()));
        }
        (answers, asked.load(Ordering::Relaxed))
    }

    fn ids(answers: Vec<Result<String>>) -> Vec<String> {
        answers.into_iter().map(Result::unwrap).collect()
    }

    #[tokio::test]
    async fn credentials_are_asked_for_when_they_are_needed() {
        let (lasting, asked) = ask(3, None).await;
        assert_eq!((ids(lasting), asked), (vec!["id-0".to_owned(); 3], 1));

        let (hour, asked) = ask(3, Some(Duration::from_hours(1))).await;
        assert_eq!((ids(hour), asked), (vec!["id-0".to_owned(); 3], 1));

        let (minute, asked) = ask(3, Some(Duration::from_mins(1))).await;
        assert_eq!((ids(minute), asked), (vec!["id-0".to_owned(); 3], 1));

        let (ending, asked) = ask(3, Some(Duration::from_secs(9))).await;
        assert_eq!(
            (ids(ending), asked),
            (vec!["id-0".into(), "id-1".into(), "id-2".into()], 3)
        );
    }

    #[tokio::test]
    async fn a_provider_that_is_away_stops_nobody_who_has_some() {
        let (kept, _) = ask(1, Some(Duration::from_secs(9))).await;
        assert_eq!(ids(kept), vec!["id-0".to_owned(); 3]);

        let (none, _) = ask(0, None).await;
        for answer in none {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            assert!(error.to_string().contains("no credentials"), "{error}");
        }
    }

    #[tokio::test]
    async fn nobody_signs_what_is_anonymous() {
        assert!(
            Identity::new(None, Duration::ZERO)
                .credentials()
                .await
                .unwrap()
                .is_none()
        );
    }
}
