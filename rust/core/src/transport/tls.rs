//! Whom to trust: the system's authorities, and those of the configured bundle.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;

use super::records::Records;
use super::wire::Wire;
use crate::error::{Error, ErrorKind, Result};

/// Sessions kept for a shorter handshake; each host has several at work.
const SESSIONS: usize = 256;

/// Made at the first handshake: reading the system's authorities takes milliseconds that plain HTTP need not spend.
pub(super) struct Trust {
    given: Vec<CertificateDer<'static>>,
    connector: OnceCell<TlsConnector>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("given", &self.given.len())
            .finish_non_exhaustive()
    }
}

impl Trust {
    /// # Errors
    /// `InvalidInput` naming a bundle that cannot be used.
    pub(super) fn new(ca_bundle: Option<&str>) -> Result<Self> {
        Ok(Trust {
            given: ca_bundle.map(read_bundle).transpose()?.unwrap_or_default(),
            connector: OnceCell::new(),
        })
    }

    pub(super) async fn shake_hands(&self, host: &str, socket: TcpStream) -> Result<Wire> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|cause| Error::invalid(format!("{host:?} is no host")).with_source(cause))?;
        let connector = self.connector.get_or_try_init(|| self.connector()).await?;
        match connector.connect(name, Records::new(socket)).await {
            Ok(stream) => Ok(Wire::Tls(Box::new(stream))),
            Err(cause) => Err(refused(host, cause)),
        }
    }

    async fn connector(&self) -> Result<TlsConnector> {
        let mut roots = RootCertStore::empty();
        let found = spawn_blocking(rustls_native_certs::load_native_certs).await?;
        // Some systems hold a certificate that nobody can read any more; the others count.
        roots.add_parsable_certificates(found.certs);
        for certificate in &self.given {
            roots.add(certificate.clone()).map_err(|cause| {
                Error::invalid("a certificate cannot be trusted").with_source(cause)
            })?;
        }
        if roots.is_empty() {
            let detail =
                "no certificate authorities are known here (set AWS_CA_BUNDLE or install them)";
            return Err(Error::invalid(detail));
        }
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|cause| Error::invalid("TLS cannot be set up").with_source(cause))?
                .with_root_certificates(roots)
                .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// A certificate that is not trusted now will not be trusted at the next try either.
fn refused(host: &str, cause: io::Error) -> Error {
    let tls = cause.get_ref().and_then(|inner| inner.downcast_ref());
    match tls {
        Some(rustls::Error::InvalidCertificate(why)) if is_authority(why) => Error::new(
            ErrorKind::ConnectionFailed,
            format!(
                "the certificate of {host} is that of an authority, not of a server: make it with basicConstraints=CA:FALSE"
            ),
        )
        .with_retryable(false),
        Some(rustls::Error::InvalidCertificate(why)) => Error::new(
            ErrorKind::ConnectionFailed,
            format!("the certificate of {host} is refused"),
        )
        .with_retryable(false)
        .with_source(rustls::Error::InvalidCertificate(why.clone())),
        _ => Error::new(
            ErrorKind::ConnectionFailed,
            format!("no TLS connection to {host}"),
        )
        .with_source(cause),
    }
}

/// What `openssl req -x509` makes when it is told nothing else.
fn is_authority(why: &CertificateError) -> bool {
    // Its type is of a crate that rustls keeps to itself.
    matches!(why, CertificateError::Other(why) if format!("{why:?}").contains("CaUsedAsEndEntity"))
}

/// Tries each certificate, so that a bad one is told when the bundle is read and by its file.
fn read_bundle(path: &str) -> Result<Vec<CertificateDer<'static>>> {
    let refuse = |what: &str| Error::invalid(format!("ca_bundle {path}: {what}"));
    let pem = std::fs::read(path).map_err(|cause| refuse("cannot be read").with_source(cause))?;
    let certificates = CertificateDer::pem_slice_iter(&pem)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|cause| refuse("is not a PEM file of certificates").with_source(cause))?;
    if certificates.is_empty() {
        return Err(refuse("holds no certificate"));
    }
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        roots.add(certificate.clone()).map_err(|cause| {
            refuse("holds a certificate that cannot be used").with_source(cause)
        })?;
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_bundle_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (name, content) in [
            ("missing", None),
            ("empty", Some("")),
            ("bad", Some(bad)),
            ("text", Some("hello")),
        ] {
            let path = dir.path().join(name);
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }

            let error = Trust::new(path.to_str()).unwrap_err();

            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
