//! https with certificates that are right, and wrong in each of the ways that matter.

use std::io::Write as _;

use s3dlio::{Client, Config, ErrorKind, Options, Uri};
use s3dlio_testkit::{Authority, AzureServer, Flaw, Identity, S3Server, TestServer, TlsFront};
use tempfile::NamedTempFile;

/// Each service with one object.
pub enum Service {
    S3(S3Server),
    Azure(AzureServer),
}

impl Service {
    pub async fn all() -> [Service; 2] {
        let s3 = S3Server::start().await;
        s3.put("bucket", "object", "bytes");
        let azure = AzureServer::start().await;
        azure.put("bucket", "object", "bytes");
        [Service::S3(s3), Service::Azure(azure)]
    }

    pub fn server(&self) -> &TestServer {
        match self {
            Service::S3(server) => server,
            Service::Azure(server) => server,
        }
    }

    pub fn object(&self) -> Uri {
        let uri = match self {
            Service::S3(_) => "s3://bucket/object",
            Service::Azure(_) => "az:///bucket/object",
        };
        uri.parse().unwrap()
    }

    pub async fn behind(&self, identity: Identity) -> TlsFront {
        TlsFront::start(self.server().address(), identity).await
    }

    fn client(&self, front: &TlsFront, bundle: Option<&NamedTempFile>) -> Client {
        let base = format!("https://{}", front.address());
        let trusted = bundle.map(|bundle| ("ca_bundle", bundle.path().to_str().unwrap()));
        self.client_at(&base, trusted.as_slice())
    }

    pub fn client_at(&self, base: &str, settings: &[(&str, &str)]) -> Client {
        let path = match self {
            Service::S3(_) => "",
            Service::Azure(_) => "/devstoreaccount1",
        };
        let endpoint = format!("{base}{path}");
        let mut options = Options::default();
        let fixed = [
            ("endpoint_url", endpoint.as_str()),
            ("access_key_id", "AKIAEXAMPLE"),
            ("secret_access_key", "not-checked"),
            ("region", "us-east-1"),
            ("account_key", "a2V5"),
            ("retry_base", "0.001"),
        ];
        for (name, value) in fixed.iter().chain(settings) {
            options.set(name, *value).unwrap();
        }
        Client::new(Config::load(&options).unwrap())
    }
}

pub fn bundle(authority: &Authority) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(authority.pem().as_bytes()).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_the_bundles_authority_is_trusted() {
    let authority = Authority::new();
    let trusted = bundle(&authority);
    for service in Service::all().await {
        let front = service
            .behind(authority.issue("127.0.0.1", Flaw::None))
            .await;
        let client = service.client(&front, Some(&trusted));

        let bytes = client.get(&service.object()).await.unwrap();

        assert_eq!(&*bytes, b"bytes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_certificate_ends_the_call_at_once() {
    let authority = Authority::new();
    let (ours, other) = (bundle(&authority), bundle(&Authority::new()));
    for (host, flaw, trusted, reason) in [
        ("127.0.0.1", Flaw::None, None, "unknownissuer"),
        ("127.0.0.1", Flaw::None, Some(&other), "unknownissuer"),
        ("127.0.0.1", Flaw::Expired, Some(&ours), "expired"),
        (
            "elsewhere.test",
            Flaw::None,
            Some(&ours),
            "not valid for name",
        ),
    ] {
        for service in Service::all().await {
            let front = service.behind(authority.issue(host, flaw)).await;
            let client = service.client(&front, trusted);

            let error = client.get(&service.object()).await.unwrap_err();

            assert_eq!(error.kind(), ErrorKind::ConnectionFailed, "{error}");
            let text = error.to_string().to_lowercase();
            assert!(
                text.contains("certificate") && text.contains(reason),
                "{error}"
            );
            assert_eq!((error.attempts(), error.retryable()), (1, false), "{error}");
            assert_eq!(front.connections(), 1, "{error}");
            assert!(service.server().requests().is_empty());
        }
    }
}
