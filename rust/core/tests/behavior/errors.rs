//! Each failure is the right kind, and its text names verb, target, code and cause.

use s3dlio::{Client, Config, ErrorKind, Options, Payload, Uri, WriteOptions};

use crate::place::Place;

pub async fn a_missing_object_is_not_found(place: Place) {
    let uri = place.uri("missing");

    for error in [
        place.client.get(&uri).await.unwrap_err(),
        place.client.get_range(&uri, 5, Some(5)).await.unwrap_err(),
        place.client.get_range(&uri, 0, Some(0)).await.unwrap_err(),
        place.client.stat(&uri).await.unwrap_err(),
        place
            .client
            .get_many_stats(std::slice::from_ref(&uri), 1)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(!error.retryable());
    }
    assert!(!place.client.exists(&uri).await.unwrap());
}

pub async fn a_missing_bucket_is_not_found(place: Place) {
    let text = place.base.to_string();
    let missing: Uri = format!("{}-missing/x", text.trim_end_matches('/'))
        .parse()
        .unwrap();
    let parent: Uri = format!("{}-missing/", text.trim_end_matches('/'))
        .parse()
        .unwrap();

    assert_eq!(
        place.client.get(&missing).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let list = place.client.list(&parent, true, None).await;
    if place.target.is_local() {
        assert!(list.unwrap().is_empty());
    } else {
        assert_eq!(list.unwrap_err().kind(), ErrorKind::NotFound);
        let put = place
            .client
            .put(
                &missing,
                Payload::from(b"x".to_vec()),
                &WriteOptions::default(),
            )
            .await;
        assert_eq!(put.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

pub async fn an_error_names_verb_and_target(place: Place) {
    let uri = place.uri("missing");

    let error = place.client.get(&uri).await.unwrap_err();

    assert!(
        error.to_string().starts_with(&format!("get {uri}: ")),
        "{error}"
    );
    assert!(error.elapsed().is_some());
    if place.target.is_service() {
        assert_eq!(error.status(), Some(404));
        assert!(error.request_id().is_some(), "{error}");
        assert!(error.code().is_some(), "{error}");
        assert_eq!(error.attempts(), 1);
    }
}

/// A client of its own, for what no shared one can be asked.
fn client(settings: &[(&str, &str)]) -> Client {
    let mut options = Options::default();
    for (name, value) in settings {
        options.set(name, *value).unwrap();
    }
    Client::new(Config::load(&options).unwrap())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

const KEYS: [(&str, &str); 4] = [
    ("access_key_id", "AKIAEXAMPLE"),
    ("secret_access_key", "wrong"),
    ("region", "us-east-1"),
    ("account_name", "devstoreaccount1"),
];

#[test]
fn a_refused_connection_is_named_after_its_retries() {
    // A port that was free a moment ago: nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let mut settings = KEYS.to_vec();
    settings.extend([
        ("endpoint_url", endpoint.as_str()),
        ("account_key", "a2V5"),
        ("max_attempts", "3"),
        ("retry_base", "0.01"),
    ]);

    for uri in ["s3://bucket/key", "az:///container/key"] {
        let error = block_on(client(&settings).get(&uri.parse().unwrap())).unwrap_err();

        assert_eq!(error.kind(), ErrorKind::ConnectionFailed, "{error}");
        assert_eq!(error.attempts(), 3, "{error}");
        assert!(
            error.to_string().to_lowercase().contains("refused"),
            "{error}"
        );
        assert!(error.retryable());
    }
}

#[test]
fn wrong_credentials_are_denied() {
    if !crate::place::servers_run() {
        println!("skipped: no servers here; `make test` starts them");
        return;
    }
    let mut settings = KEYS.to_vec();
    settings.push(("account_key", "d3Jvbmcga2V5IHRoYXQgaXMgbG9uZyBlbm91Z2g="));

    for uri in ["s3://bucket/key", "az:///container/key"] {
        let error = block_on(client(&settings).get(&uri.parse().unwrap())).unwrap_err();

        assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
        assert_eq!(error.status(), Some(403), "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
}

#[test]
fn uris_that_name_nothing_are_refused() {
    let client = client(&KEYS);
    for uri in ["s3://", "file:///", "az:///", "memory://"] {
        let error = block_on(client.delete(&uri.parse().unwrap())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{uri}: {error}");
    }
    let error = block_on(client.get(&"s3://bucket/".parse().unwrap())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[test]
fn a_key_is_no_bucket() {
    let client = client(&KEYS);
    for uri in [
        "s3://bucket/some/prefix/",
        "az:///container/x",
        "memory://bucket/x",
    ] {
        let uri = uri.parse().unwrap();
        for result in [
            block_on(client.create_bucket(&uri)),
            block_on(client.delete_bucket(&uri)),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
    }
}
