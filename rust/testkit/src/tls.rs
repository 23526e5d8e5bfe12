//! TLS in front of a server, with certificates of an authority that is made on the spot.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::front::Front;

/// A certificate authority that nobody trusts who is not told to.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate, and the key that goes with it.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

/// What may be wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    /// Its time is over.
    Expired,
}

/// TLS on a free port of 127.0.0.1; what is inside goes to another server.
pub struct TlsFront {
    front: Front,
    connections: Arc<AtomicU64>,
}

impl Authority {
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two of one name would be taken for one, with a signature that does not fit.
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("s3dlio test authority {number}");
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key);
        Self(issuer.expect("an authority signs itself"))
    }

    /// Its own certificate, for clients that shall trust it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `host`, a name or an address.
    ///
    /// # Panics
    /// When `host` is neither.
    #[must_use]
    pub fn issue(&self, host: &str, flaw: Flaw) -> Identity {
        let mut params =
            CertificateParams::new(vec![host.to_owned()]).expect("a name or an address");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(if flaw == Flaw::Expired { 2021 } else { 2099 }, 1, 1);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params
            .signed_by(&key, &self.0)
            .expect("an authority signs what it is given");
        Identity {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl TlsFront {
    /// Puts TLS before the server at `upstream`.
    ///
    /// # Panics
    /// When there is no free port or no thread to be had.
    pub async fn start(upstream: SocketAddr, identity: Identity) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![identity.certificate], identity.key)
            .expect("the key is the certificate's");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let connections = Arc::<AtomicU64>::default();
        let count = Arc::clone(&connections);
        let front = Front::start(move |stream| {
            count.fetch_add(1, Ordering::Relaxed);
            let acceptor = acceptor.clone();
            async move {
                // A client that does not trust us hangs up: what the tests are about.
                let Ok(mut inside) = acceptor.accept(stream).await else {
                    return;
                };
                if let Ok(mut server) = TcpStream::connect(upstream).await {
                    let _ = copy_bidirectional(&mut inside, &mut server).await;
                }
            }
        })
        .await;
        Self { front, connections }
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.front.address()
    }

    /// Connections accepted, whether they came to trust each other or not.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}
