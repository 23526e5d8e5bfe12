//! Entra tokens: in each request, new before they end, and by https alone.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::time::OffsetDateTime;
use s3dlio_testkit::{Authority as Certifier, Flaw, TlsFront};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::account::{Account, Credential};
use super::super::auth::{Authority, TokenChain};
use super::super::http::Http;
use super::super::session::Session;
use super::super::{AzDriver, AzStore, Opened};
use super::deletes::answers;
use super::server::{Step, say, serve};
use super::{get, key};
use crate::config::{Config, Options};
use crate::error::ErrorKind;
use crate::store::Store as _;
use crate::types::ByteRange;

const TAGGED: &str = "etag: \"0x1\"\r\n";

/// Hands out `token-1`, `token-2` and so on.
#[derive(Debug)]
struct Numbered {
    handed: AtomicUsize,
    life: Duration,
}

#[async_trait]
impl TokenCredential for Numbered {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        assert_eq!(scopes, ["https://storage.azure.com/.default"]);
        let number = self.handed.fetch_add(1, Ordering::Relaxed) + 1;
        let end = OffsetDateTime::now_utc() + self.life;
        Ok(AccessToken::new(format!("token-{number}"), end))
    }
}

/// A scripted server behind TLS, and a store whose tokens live for `life`.
struct Rig {
    store: AzStore,
    tokens: Arc<Numbered>,
    heard: Arc<Mutex<Vec<String>>>,
    front: TlsFront,
    _trusted: NamedTempFile,
    _tasks: JoinSet<()>,
}

impl Rig {
    /// `scheme` is that of the store's endpoint; the server speaks https.
    async fn new(scheme: &str, life: Duration, script: Vec<Step>) -> Rig {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, script, Arc::clone(&heard)));
        let certifier = Certifier::new();
        let front = TlsFront::start(upstream, certifier.issue("127.0.0.1", Flaw::None)).await;
        let mut trusted = NamedTempFile::new().unwrap();
        trusted.write_all(certifier.pem().as_bytes()).unwrap();

        let mut options = Options::default();
        for (name, value) in [
            ("ca_bundle", trusted.path().to_str().unwrap()),
            ("max_attempts", "2"),
            ("retry_base", "0.001"),
        ] {
            options.set(name, value).unwrap();
        }
        let config = Arc::new(Config::load(&options).unwrap());
        let account = Account {
            name: "acc".to_owned(),
            endpoint: format!("{scheme}://{}/acc", front.address()),
            credential: Credential::Entra,
        };
        let tokens = Arc::new(Numbered {
            handed: AtomicUsize::new(0),
            life,
        });
        let source = Arc::clone(&tokens) as Arc<dyn TokenCredential>;
        let authority = Authority::Entra(Arc::new(TokenChain::new(vec![("test", source)])));
        let http = Arc::new(Http::new(&config).unwrap());
        let session = Arc::new(Session::new(&account, authority, http, &config.retry));
        let driver = AzDriver {
            config,
            opened: Mutex::new(Opened {
                http: None,
                sessions: HashMap::from([("acc".to_owned(), session)]),
            }),
        };
        let store = driver.store(&"az://acc/container/k".parse().unwrap());
        Rig {
            store: store.unwrap(),
            tokens,
            heard,
            front,
            _trusted: trusted,
            _tasks: tasks,
        }
    }

    /// The tokens in one request, its body included.
    fn tokens_in(&self, request: usize) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let fields = heard[request]
            .lines()
            .filter_map(|line| line.split_once(": "));
        fields
            .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, value)| value.to_owned())
            .collect()
    }
}

#[tokio::test]
async fn a_token_goes_with_each_request_and_each_of_a_batch() {
    let script = vec![
        say(200, TAGGED, "first"),
        say(200, TAGGED, "second"),
        answers(&[(0, 202, ""), (1, 202, ""), (2, 202, "")]),
    ];
    let rig = Rig::new("https", Duration::from_hours(1), script).await;

    for expected in [&b"first"[..], b"second"] {
        assert_eq!(
            get(&rig.store, "k", ByteRange::Whole).await.unwrap(),
            expected
        );
    }
    let failures = rig
        .store
        .delete(&[key("a"), key("b"), key("c")])
        .await
        .unwrap();

    assert!(failures.is_empty());
    assert_eq!(rig.tokens_in(0), ["Bearer token-1"]);
    assert_eq!(rig.tokens_in(1), ["Bearer token-1"], "it still lives");
    let in_batch = rig.tokens_in(2);
    assert_eq!(in_batch[0], "Bearer token-1", "of the batch as a whole");
    assert_eq!(
        in_batch[1..],
        ["Bearer token-2"; 3],
        "asked for once a batch"
    );
    assert_eq!(rig.tokens.handed.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_token_is_asked_for_again_before_it_ends() {
    // Five minutes are left to a token that is still sent.
    for (left, expected) in [(299, "Bearer token-2"), (310, "Bearer token-1")] {
        let script = vec![say(200, TAGGED, "1"), say(200, TAGGED, "2")];
        let rig = Rig::new("https", Duration::from_secs(left), script).await;

        get(&rig.store, "k", ByteRange::Whole).await.unwrap();
        get(&rig.store, "k", ByteRange::Whole).await.unwrap();

        assert_eq!(rig.tokens_in(0), ["Bearer token-1"]);
        assert_eq!(rig.tokens_in(1), [expected], "{left} s were left");
    }
}

#[tokio::test]
async fn no_token_goes_by_plain_http() {
    let rig = Rig::new("http", Duration::from_hours(1), vec![say(200, TAGGED, "1")]).await;

    for error in [
        get(&rig.store, "k", ByteRange::Whole).await.unwrap_err(),
        rig.store.delete(&[key("a"), key("b")]).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("non-TLS"), "{error}");
        assert!(!error.to_string().contains("token-"), "{error}");
    }
    assert_eq!(rig.front.connections(), 0, "nothing was sent");
    assert!(rig.heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn no_redirect_leads_a_token_to_plain_http() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = elsewhere.local_addr().unwrap();
    let location = format!("location: http://{to}/acc/container/k\r\n");
    let script = vec![say(307, &location, ""), say(307, &location, "")];
    let rig = Rig::new("https", Duration::from_hours(1), script).await;

    let error = get(&rig.store, "k", ByteRange::Whole).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(rig.tokens_in(0), ["Bearer token-1"]);
    let came = tokio::time::timeout(Duration::from_millis(1), elsewhere.accept()).await;
    assert!(came.is_err(), "the token went to {to}");
}
