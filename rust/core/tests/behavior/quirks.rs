//! What services differ in is found out by one request, and remembered.

use s3dlio::{Client, Config, ErrorKind, Options, Payload, Uri, WriteOptions};
use s3dlio_testkit::{Action, AzureServer, Fault, S3Server, TestServer, seeded_bytes};

const PART: usize = 5 << 20;

fn client(endpoint: &str) -> Client {
    let mut options = Options::default();
    for (name, value) in [
        ("endpoint_url", endpoint),
        ("access_key_id", "AKIAEXAMPLE"),
        ("secret_access_key", "not-checked"),
        ("region", "us-east-1"),
        ("account_key", "a2V5"),
        ("retry_base", "0.001"),
        ("retry_max", "0.01"),
        ("max_attempts", "4"),
        ("part_size", "5MiB"),
    ] {
        options.set(name, value).unwrap();
    }
    Client::new(Config::load(&options).unwrap())
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

async fn s3() -> (S3Server, Client) {
    let server = S3Server::start().await;
    server.put("bucket", "object", "bytes");
    let client = client(&server.endpoint());
    (server, client)
}

async fn azure() -> (AzureServer, Client) {
    let server = AzureServer::start().await;
    server.put("bucket", "object", "bytes");
    let client = client(&server.endpoint());
    (server, client)
}

async fn put(client: &Client, uri: &Uri, size: usize) {
    let body = Payload::from(seeded_bytes(1, size));
    client
        .put(uri, body, &WriteOptions::default())
        .await
        .unwrap();
}

fn count(server: &TestServer, op: &str) -> usize {
    let requests = server.requests();
    requests.iter().filter(|request| request.op == op).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn checksum_headers_are_refused_once() {
    for (status, code) in [(501, "NotImplemented"), (400, "InvalidArgument")] {
        let (server, client) = s3().await;
        let refuse = Action::Fail {
            status,
            code: code.to_owned(),
            message: "unknown header: x-amz-checksum-crc32c".to_owned(),
            retry_after: None,
            work: false,
            early: false,
        };
        for op in ["PutObject", "CreateMultipartUpload", "UploadPart"] {
            let rule = Fault::always(refuse.clone()).op(op);
            server.fault(rule.header("x-amz-checksum-*"));
        }

        for name in ["one", "two", "three"] {
            put(&client, &uri("s3://bucket/").join(name), 1000).await;
        }
        put(&client, &uri("s3://bucket/large"), 2 * PART).await;

        assert_eq!(count(&server, "PutObject"), 4, "{code}");
        assert_eq!(count(&server, "CreateMultipartUpload"), 1, "{code}");
        assert_eq!(count(&server, "UploadPart"), 2, "{code}");
        assert_eq!(server.object("bucket", "large").unwrap().len(), 2 * PART);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_honours_if_none_match_is_asked_once() {
    let (server, client) = s3().await;
    let (azure, azure_client) = azure().await;

    for _ in 0..2 {
        assert!(
            client
                .honours_if_none_match(&uri("s3://bucket/saved/"))
                .await
                .unwrap()
        );
        assert!(
            azure_client
                .honours_if_none_match(&uri("az:///bucket/saved/"))
                .await
                .unwrap()
        );
    }

    assert_eq!(count(&server, "PutObject"), 2);
    assert_eq!(count(&azure, "PutBlob"), 2);
    assert_eq!(server.keys("bucket"), ["object"]);
    assert!(
        server.requests()[0]
            .path
            .starts_with("/bucket/saved/.s3dlio/probe-"),
        "{:?}",
        server.requests()[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_ignores_or_refuses_if_none_match_is_found_out() {
    for action in [
        Action::ignore("if-none-match"),
        Action::fail(501, "NotImplemented"),
    ] {
        let (server, client) = s3().await;
        server.fault(Fault::always(action).header("if-none-match"));

        for _ in 0..2 {
            let base = uri("s3://bucket/");
            assert!(!client.honours_if_none_match(&base).await.unwrap());
        }

        assert!(count(&server, "PutObject") <= 2);
        assert_eq!(server.keys("bucket"), ["object"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_fails_says_so_and_is_not_remembered() {
    let (server, client) = s3().await;
    server.fault(Fault::once(Action::fail(403, "AccessDenied")).op("PutObject"));

    let base = uri("s3://bucket/");
    let error = client.honours_if_none_match(&base).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    assert!(client.honours_if_none_match(&base).await.unwrap());
}

fn redirect(status: u16, to: &str) -> Fault {
    Fault::always(Action::Redirect {
        status,
        location: to.to_owned(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_within_the_service_is_followed_and_remembered() {
    for status in [307, 308] {
        let (first, client) = s3().await;
        let (second, _) = s3().await;
        first.fault(redirect(status, &second.endpoint()));

        put(&client, &uri("s3://bucket/new"), 3 * PART).await;
        assert_eq!(
            &*client.get(&uri("s3://bucket/object")).await.unwrap(),
            b"bytes"
        );

        assert_eq!(first.requests().len(), 1, "{:?}", first.requests());
        assert_eq!(second.object("bucket", "new").unwrap().len(), 3 * PART);
        let seen = second.requests();
        assert!(seen.iter().all(|request| request.authorized), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_redirects_within_the_account_are_followed() {
    let (first, client) = azure().await;
    let (second, _) = azure().await;
    let origin = format!("http://{}", second.address());
    first.fault(redirect(307, &origin));

    assert_eq!(
        &*client.get(&uri("az:///bucket/object")).await.unwrap(),
        b"bytes"
    );

    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_host_is_an_error_and_nothing_goes_there() {
    let other = S3Server::start().await;
    let foreign = format!("http://localhost:{}", other.address().port());
    for status in [301, 302, 307, 308] {
        let ((s3, s3_client), (azure, azure_client)) = (s3().await, azure().await);
        s3.fault(redirect(status, &foreign));
        azure.fault(redirect(status, &foreign));

        for (client, object) in [
            (&s3_client, "s3://bucket/object"),
            (&azure_client, "az:///bucket/object"),
        ] {
            let error = client.get(&uri(object)).await.unwrap_err();

            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert_eq!((error.status(), error.attempts()), (Some(status), 1));
            let told = format!("a redirect to {foreign} is not followed");
            assert!(error.to_string().contains(&told), "{error}");
        }
        assert!(other.requests().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_in_a_circle_end() {
    let (first, client) = s3().await;
    let (second, _) = s3().await;
    first.fault(redirect(307, &second.endpoint()));
    second.fault(redirect(307, &first.endpoint()));

    let error = client.get(&uri("s3://bucket/object")).await.unwrap_err();

    assert_eq!(
        (error.status(), error.attempts()),
        (Some(307), 4),
        "{error}"
    );
}
