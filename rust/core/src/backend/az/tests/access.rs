//! Credentials and containers, against a real service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{ACCOUNT, KEY, endpoint, fresh, get, key, keys, names, open, put, shared_key};
use crate::config::{AzConfig, Secret};
use crate::error::ErrorKind;
use crate::payload::Payload;
use crate::types::{ByteRange, PageRequest, WriteOptions};
use crate::uri::Key;

/// All rights on the account for as long as a test takes.
fn account_sas() -> String {
    let (start, end, version) = ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2024-11-04");
    let text = format!("{ACCOUNT}\nrwdlac\nb\nsco\n{start}\n{end}\n\nhttp,https\n{version}\n\n");
    let mut mac = Hmac::<Sha256>::new_from_slice(&BASE64.decode(KEY).unwrap()).unwrap();
    mac.update(text.as_bytes());
    let signature = BASE64.encode(mac.finalize().into_bytes());
    let signature =
        percent_encoding::utf8_percent_encode(&signature, percent_encoding::NON_ALPHANUMERIC);
    format!(
        "?sv={version}&ss=b&srt=sco&sp=rwdlac&st={start}&se={end}&spr=http,https&sig={signature}"
    )
}

#[tokio::test]
async fn shared_key_moves_bytes_both_ways() {
    let Some(store) = fresh().await else { return };
    let options = WriteOptions {
        metadata: [("Step".to_owned(), "7 of 9".to_owned())].into(),
        content_type: Some("text/plain".into()),
        ..WriteOptions::default()
    };
    let body = Payload::new(vec![
        Bytes::from_static(b"hello "),
        Bytes::from_static(b"world"),
    ]);

    let written = store.write(&key("a/b"), &body, &options).await.unwrap();

    assert_eq!(
        get(&*store, "a/b", ByteRange::Whole).await.unwrap(),
        b"hello world"
    );
    let meta = store.stat(&key("a/b")).await.unwrap();
    assert_eq!((meta.size, &meta.etag), (11, &written.etag));
    assert_eq!(meta.content_type.as_deref(), Some("text/plain"));
    assert_eq!(meta.metadata["step"], "7 of 9");
    let page = keys(&*store, "", false).await;
    assert_eq!(page.entries[0].etag, written.etag);
    assert!(page.entries[0].last_modified == meta.last_modified && meta.last_modified.is_some());
    assert!(
        store
            .delete(&[key("a/b"), key("missing")])
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        get(&*store, "a/b", ByteRange::Whole)
            .await
            .unwrap_err()
            .code(),
        Some("BlobNotFound")
    );
    assert_eq!(
        store.stat(&key("a/b")).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    store.delete_container(&Key::default()).await.unwrap();
}

#[tokio::test]
async fn every_credential_is_accepted() {
    let Some(endpoint) = endpoint() else { return };
    let text = format!("AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};");
    let sas_text = format!(
        "BlobEndpoint={endpoint}/;SharedAccessSignature={}",
        account_sas()
    );
    let none = AzConfig {
        endpoint_url: None,
        account_key: None,
        ..shared_key(String::new())
    };
    for az in [
        AzConfig {
            endpoint_url: Some(endpoint),
            sas_token: Some(Secret::new(account_sas())),
            ..none.clone()
        },
        AzConfig {
            connection_string: Some(Secret::new(text)),
            ..none.clone()
        },
        AzConfig {
            connection_string: Some(Secret::new(sas_text)),
            ..none.clone()
        },
    ] {
        let store = open(az, &format!("t{:016x}", rand::random::<u64>())).await;
        store.create_container(&Key::default()).await.unwrap();
        put(&*store, "k +%", b"1").await;
        assert_eq!(names(&keys(&*store, "", false).await), ["k +%"]);
        assert_eq!(
            get(&*store, "k +%", ByteRange::Bounded { offset: 0, len: 9 })
                .await
                .unwrap(),
            b"1"
        );
        assert!(store.delete(&[key("k +%")]).await.unwrap().is_empty());
        store.delete_container(&Key::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_key_is_denied_and_not_shown() {
    let Some(endpoint) = endpoint() else { return };
    let secret = "c2VjcmV0LXNlY3JldA==";
    let wrong_sas = account_sas().replace("sig=", "sig=AAAA");
    let wrong_key = AzConfig {
        account_key: Some(Secret::new(secret)),
        ..shared_key(endpoint)
    };
    let wrong_token = AzConfig {
        account_key: None,
        sas_token: Some(Secret::new(&wrong_sas)),
        ..wrong_key.clone()
    };
    for az in [wrong_key, wrong_token] {
        let store = open(az, "anything").await;

        let error = store
            .list(&Key::default(), &PageRequest::default())
            .await
            .unwrap_err();

        assert_eq!(
            (error.kind(), error.status(), error.attempts()),
            (ErrorKind::AccessDenied, Some(403), 1)
        );
        assert!(error.request_id().is_some());
        let shown = format!("{error} {error:?} {store:?}");
        assert!(
            !shown.contains(secret) && !shown.contains("sig="),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn containers_are_made_once_and_removed_when_empty() {
    let Some(store) = fresh().await else { return };
    put(&*store, "k", b"1").await;

    assert_eq!(
        store
            .create_container(&Key::default())
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        store
            .delete_container(&Key::default())
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::NotEmpty
    );
    store.delete(&[key("k")]).await.unwrap();
    store.delete_container(&Key::default()).await.unwrap();
    let missing = store
        .list(&Key::default(), &PageRequest::default())
        .await
        .unwrap_err();
    assert_eq!(
        (missing.kind(), missing.code()),
        (ErrorKind::NotFound, Some("ContainerNotFound"))
    );
    let failures = store.delete(&[key("k")]).await.unwrap();
    assert_eq!(failures[0].error.kind(), ErrorKind::NotFound);
}
