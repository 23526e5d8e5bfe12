//! The proxy of the environment stands between us and both services, and its password in no log.

use std::io::Write as _;
use std::process::{Command, Output};

use s3dlio_testkit::{
    Action, Authority, AzureServer, Fault, Flaw, ProxyRecord, ProxyServer, S3Server, TestServer,
    TlsFront,
};

const LOGIN: &str = "someone:s3cr3t-of-the-proxy";
const LOGIN_BASE64: &str = "c29tZW9uZTpzM2NyM3Qtb2YtdGhlLXByb3h5";

enum Service {
    S3(S3Server),
    Azure(AzureServer),
}

impl Service {
    async fn all() -> [Service; 2] {
        let s3 = S3Server::start().await;
        s3.put("bucket", "object", "bytes");
        let azure = AzureServer::start().await;
        azure.put("bucket", "object", "bytes");
        [Service::S3(s3), Service::Azure(azure)]
    }

    fn server(&self) -> &TestServer {
        match self {
            Service::S3(server) => server,
            Service::Azure(server) => server,
        }
    }

    /// Reads the object from `host`, which may exist for the proxy only.
    fn get(&self, host: &str, more: &[&str], environment: &[(&str, String)]) -> Output {
        match self {
            Service::S3(_) => read("s3://bucket/object", host, more, environment),
            Service::Azure(_) => {
                let endpoint = format!("{host}/devstoreaccount1");
                read("az:///bucket/object", &endpoint, more, environment)
            }
        }
    }
}

fn read(uri: &str, endpoint: &str, more: &[&str], environment: &[(&str, String)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3-cli"));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
        .args(["-vvv", "--endpoint-url", endpoint])
        .args(["--option", "max_attempts=1"])
        .args(more)
        .args(["get", uri])
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", "us-east-1")
        .env("AZURE_STORAGE_KEY", "a2V5")
        .env("S3DLIO_LOAD_DOTENV", "0")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("the binary was built for this test")
}

fn login(proxy: &ProxyServer) -> String {
    format!("http://{LOGIN}@{}", proxy.address())
}

fn assert_done(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let said = format!("{said}{}", String::from_utf8_lossy(&output.stdout));
    assert!(said.contains("DEBUG"), "the log is not loud: {said}");
    for secret in ["s3cr3t-of-the-proxy", LOGIN_BASE64] {
        assert!(!said.contains(secret), "{said}");
    }
}

fn assert_asked(seen: &[ProxyRecord], method: &str, target: &str) {
    assert!(!seen.is_empty());
    for record in seen {
        assert_eq!(record.method, method, "{record:?}");
        assert!(record.target.starts_with(target), "{record:?}");
        assert_eq!(record.login.as_deref(), Some(LOGIN), "{record:?}");
    }
}

#[tokio::test]
async fn plain_requests_go_through_the_proxy() {
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        for service in Service::all().await {
            let proxy = ProxyServer::start(service.server().address()).await;

            let output = service.get("http://storage.test", &[], &[(name, login(&proxy))]);

            assert_done(&output);
            assert_asked(&proxy.requests(), "GET", "http://storage.test/");
        }
    }
}

#[tokio::test]
async fn the_other_way_is_told_once_and_only_where_it_is_taken() {
    for service in Service::all().await {
        let server = service.server().address();
        let proxy = ProxyServer::start(server).await;
        let host = format!("http://{server}");
        for (without, times) in [("elsewhere.test", 1), ("127.0.0.1", 0)] {
            let environment = [
                ("HTTP_PROXY", login(&proxy)),
                ("NO_PROXY", without.to_owned()),
            ];

            let output = service.get(&host, &[], &environment);

            assert_done(&output);
            let said = String::from_utf8_lossy(&output.stderr);
            let told = said.matches("a proxy is set: requests go through").count();
            assert_eq!(told, times, "{said}");
        }
    }
}

#[tokio::test]
async fn a_bucket_that_is_signed_in_another_way_is_told_once() {
    let server = S3Server::start().await;
    let host = server.endpoint();
    for (uri, times) in [
        ("s3://bucket--use1-az4--x-s3/object", 1),
        ("s3://bucket/object", 0),
    ] {
        let output = read(uri, &host, &[], &[]);

        // The server knows no such buckets, so that nothing is said about the outcome.
        let said = String::from_utf8_lossy(&output.stderr);
        let told = said.matches("all its requests go through the SDK").count();
        assert_eq!(told, times, "{said}");
    }
}

#[tokio::test]
async fn tls_goes_through_a_tunnel_and_is_checked_at_its_end() {
    let authority = Authority::new();
    let mut bundle = tempfile::NamedTempFile::new().expect("a directory for temporary files");
    bundle
        .write_all(authority.pem().as_bytes())
        .expect("a writable file");
    let trusted = ["--ca-bundle", bundle.path().to_str().expect("a plain path")];
    for service in Service::all().await {
        let address = service.server().address();
        let front = TlsFront::start(address, authority.issue("storage.test", Flaw::None)).await;
        let proxy = ProxyServer::start(front.address()).await;
        let environment = [("HTTPS_PROXY", login(&proxy))];

        let output = service.get("https://storage.test", &trusted, &environment);
        let untrusted = service.get("https://storage.test", &[], &environment);

        assert_done(&output);
        assert_asked(&proxy.requests(), "CONNECT", "storage.test:443");
        assert_eq!(untrusted.status.code(), Some(5));
        assert!(String::from_utf8_lossy(&untrusted.stderr).contains("certificate"));
    }
}

#[tokio::test]
async fn hosts_without_proxy_are_asked_directly_and_loopback_is_no_exception() {
    for service in Service::all().await {
        let server = service.server().address();
        let proxy = ProxyServer::start(server).await;
        let environment = |without: &str| {
            [
                ("HTTP_PROXY", login(&proxy)),
                ("NO_PROXY", without.to_owned()),
            ]
        };
        let host = format!("http://{server}");

        assert_done(&service.get(&host, &[], &environment("localhost,127.0.0.1")));
        assert_eq!(proxy.requests(), []);
        assert_done(&service.get(&host, &[], &environment("elsewhere.test")));
        assert_asked(&proxy.requests(), "GET", &host);
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_a_failed_connection() {
    for service in Service::all().await {
        let proxy = ProxyServer::start(service.server().address()).await;
        let environment = [("HTTP_PROXY", login(&proxy))];
        drop(proxy);

        let output = service.get("http://storage.test", &[], &environment);

        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(!said.contains("s3cr3t-of-the-proxy"), "{said}");
    }
}

#[tokio::test]
async fn an_endpoint_that_wants_buckets_in_the_host_name_is_found_out_once() {
    // Only a proxy leads every bucket's name to one server.
    let server = S3Server::start().await;
    let refusal = Action::fail(403, "SecondLevelDomainForbidden");
    server.fault(Fault::always(refusal).path("/bucket/*"));
    let proxy = ProxyServer::start(server.address()).await;
    let put = |more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_s3-cli"))
            .args(["--endpoint-url", "http://storage.test"])
            .args(more)
            .args([
                "put",
                "-j",
                "1",
                "-n",
                "2",
                "-s",
                "1",
                "-t",
                "object-{}",
                "s3://bucket/",
            ])
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "us-east-1")
            .env("S3DLIO_LOAD_DOTENV", "0")
            .env("HTTP_PROXY", login(&proxy))
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .output()
            .expect("the binary was built for this test")
    };

    let done = put(&[]);
    let told = put(&["--option", "addressing_style=path"]);

    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert_eq!(
        said.matches("addressing_style=virtual").count(),
        1,
        "{said}"
    );
    assert!(!told.status.success(), "what was asked for stays");
    let seen = server.requests();
    let places: Vec<(&str, &str)> = seen
        .iter()
        .map(|request| {
            (
                request.header("host").unwrap_or_default(),
                request.path.as_str(),
            )
        })
        .collect();
    assert_eq!(
        places[..3],
        [
            ("storage.test", "/bucket/object-0"),
            ("bucket.storage.test", "/object-0"),
            ("bucket.storage.test", "/object-1"),
        ]
    );
}
