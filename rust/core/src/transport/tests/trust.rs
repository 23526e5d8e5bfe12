//! TLS with certificates of a test's own making.

use std::sync::Arc;

use http::Uri;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::server::Server;
use super::{get, send, text, transport};
use crate::error::{Error, ErrorKind};
use crate::payload::Payload;
use crate::transport::{Endpoint, Transport};

/// An authority, and its certificate in a file.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), params.self_signed(&key).unwrap().pem()).unwrap();
        Authority {
            issuer: Issuer::new(params, key),
            file,
        }
    }

    fn bundle(&self) -> &str {
        self.file.path().to_str().unwrap()
    }

    /// A server's identity, valid until the end of that year.
    pub(super) fn identity(&self, host: &str, until: i32) -> TlsAcceptor {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_after = date_time_ymd(until, 12, 31);
        self.issue(&params)
    }

    /// That of a server which is an authority.
    fn authority(&self, host: &str) -> TlsAcceptor {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Answers each request with its body, and tells in the status whether the session was resumed.
struct Echo {
    server: Server,
    _tasks: JoinSet<()>,
}

async fn echo(identity: TlsAcceptor) -> Echo {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let uri: Uri = format!("https://localhost:{port}").parse().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            // A client that does not trust us hangs up.
            let Ok(mut stream) = identity.accept(socket).await else {
                continue;
            };
            let kind = stream.get_ref().1.handshake_kind();
            let status = match kind {
                Some(rustls::HandshakeKind::Resumed) => 299,
                _ => 200,
            };
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                head.push(char::from(stream.read_u8().await.unwrap()));
            }
            let mut fields = head.lines();
            let length = fields.find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            stream.read_exact(&mut body).await.unwrap();
            let head = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    Echo {
        server: Server::nobody_at(Endpoint::of(&uri).unwrap()),
        _tasks: tasks,
    }
}

pub(super) fn trusting(authority: &Authority) -> Transport {
    transport(&[("ca_bundle", authority.bundle())])
}

#[tokio::test]
async fn a_bundle_is_trusted_and_sessions_are_resumed() {
    let authority = Authority::new("ours");
    let echo = echo(authority.identity("localhost", 2999)).await;
    let transport = trusting(&authority);
    let sent: Vec<u8> = (0..=250u8).cycle().take(3_000_000).collect();
    let body = Payload::new(vec![
        bytes::Bytes::from_static(b"first"),
        bytes::Bytes::from(sent.clone()),
    ]);

    let first = send(&transport, &echo.server, http::Method::PUT, &body)
        .await
        .unwrap();
    let status = first.status;
    let mut memory = vec![0; sent.len()];
    let mut answer = first.body;
    answer.skip(5).await.unwrap();
    let (filled, outcome) = answer.fill(&mut memory).await;
    let second = get(&transport, &echo.server).await.unwrap();

    outcome.unwrap();
    assert!(filled == sent.len() && memory == sent);
    assert_eq!((status, second.status), (200, 299));
    assert_eq!(text(second).await.unwrap(), "");
}

async fn refusal(authority: &Authority, identity: TlsAcceptor) -> Error {
    let echo = echo(identity).await;
    let error = get(&trusting(authority), &echo.server).await.unwrap_err();
    println!("{error}");
    error
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_refused_with_the_cause() {
    let authority = Authority::new("ours");
    let other = Authority::new("theirs");

    let unknown = refusal(&authority, other.identity("localhost", 2999)).await;
    let expired = refusal(&authority, authority.identity("localhost", 2001)).await;
    let wrong = refusal(&authority, authority.identity("example.org", 2999)).await;
    let no_server = refusal(&authority, authority.authority("localhost")).await;

    for (error, cause) in [
        (unknown, "UnknownIssuer"),
        (expired, "expired"),
        (wrong, "not valid for name"),
        (no_server, "is that of an authority, not of a server"),
    ] {
        assert_eq!(error.kind(), ErrorKind::ConnectionFailed);
        assert!(!error.retryable(), "{error}");
        assert!(error.to_string().contains(cause), "{error}");
        assert!(error.to_string().contains("localhost"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let uri: Uri = format!("https://127.0.0.1:{port}").parse().unwrap();
    let server = Server::nobody_at(Endpoint::of(&uri).unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        socket.read_to_end(&mut Vec::new()).await.unwrap();
    });

    let error = get(&transport(&[]), &server).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::ConnectionFailed);
    assert!(error.to_string().contains("no TLS connection"), "{error}");
}
