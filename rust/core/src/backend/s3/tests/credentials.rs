//! Keys that are handed out for a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use s3dlio_testkit::S3Server;

use super::key;
use crate::backend::s3::service::Service;
use crate::backend::s3::store::S3Store;
use crate::config::{Config, CredentialSource, Credentials, Options, Secret};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store as _;

/// Hands out these lifetimes, the first key under the name `KEY0`, the next `KEY1`.
#[derive(Debug)]
struct Script {
    lifetimes: Mutex<Vec<Result<Option<i64>>>>,
    asked: AtomicUsize,
}

#[async_trait]
impl CredentialSource for Script {
    async fn credentials(&self) -> Result<Credentials> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let lifetime = self.lifetimes.lock().unwrap().remove(0)?;
        let expiry = lifetime.map(|seconds| {
            let span = Duration::from_secs(seconds.unsigned_abs());
            match seconds < 0 {
                true => SystemTime::now() - span,
                false => SystemTime::now() + span,
            }
        });
        Ok(Credentials {
            access_key_id: Secret::new(format!("KEY{number}")),
            secret_access_key: Secret::new("s3cr3t"),
            session_token: Some(Secret::new("t0k3n")),
            expiry,
        })
    }
}

async fn rig(lifetimes: Vec<Result<Option<i64>>>) -> (S3Server, S3Store, Arc<Script>) {
    let server = S3Server::start().await;
    server.put("bucket", "key", "bytes");
    let source = Arc::new(Script {
        lifetimes: Mutex::new(lifetimes),
        asked: AtomicUsize::new(0),
    });
    let mut options = Options::default();
    options.set("endpoint_url", server.endpoint()).unwrap();
    options.set("region", "us-east-1").unwrap();
    options.set_credentials(Arc::clone(&source) as Arc<dyn CredentialSource>);
    let config = Arc::new(Config::load(&options).unwrap());
    let store = S3Store::new(Arc::new(Service::new(config)), "bucket");
    (server, store, source)
}

fn signers(server: &S3Server) -> Vec<Option<String>> {
    let requests = server.requests();
    requests.into_iter().map(|seen| seen.key_id).collect()
}

#[tokio::test]
async fn new_keys_are_asked_for_before_the_old_ones_end() {
    // The SDK takes keys for ended some seconds before they do.
    let (server, store, source) = rig(vec![Ok(Some(3)), Ok(Some(3600))]).await;

    for _ in 0..4 {
        store.stat(&key("key")).await.unwrap();
    }

    let expected = ["KEY0", "KEY1", "KEY1", "KEY1"].map(|name| Some(name.to_owned()));
    assert_eq!(signers(&server), expected);
    assert_eq!(source.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn keys_without_an_end_are_kept() {
    let (server, store, source) = rig(vec![Ok(None)]).await;

    for _ in 0..2 {
        store.stat(&key("key")).await.unwrap();
    }

    assert_eq!(signers(&server).len(), 2);
    assert_eq!(source.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_a_source_says_is_the_error() {
    let denied = Error::new(ErrorKind::AccessDenied, "the vault is closed");
    let (server, store, source) = rig(vec![
        Err(denied),
        Err(Error::invalid("no key id")),
        Ok(Some(-5)),
    ])
    .await;

    for (kind, words) in [
        (ErrorKind::AccessDenied, "the vault is closed"),
        (ErrorKind::InvalidInput, "no key id"),
        (ErrorKind::AccessDenied, "expired already"),
    ] {
        let error = store.stat(&key("key")).await.unwrap_err();

        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(
            !format!("{error} {error:?}").contains("s3cr3t"),
            "{error:?}"
        );
    }
    assert_eq!(source.asked.load(Ordering::Relaxed), 3);
    assert!(server.requests().is_empty());
}
