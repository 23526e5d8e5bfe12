//! Where a connection goes: scheme, host and port.

use http::Uri;
use http::uri::Scheme;

use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    pub(super) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Endpoint {
    /// Takes `scheme://host[:port]` off a URI; the rest is the target of a request, exactly as it stands.
    ///
    /// # Errors
    /// `InvalidInput`. It does not quote the URI, which may hold a signature.
    pub(crate) fn of(uri: &Uri) -> Result<Self> {
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(Error::invalid("an endpoint needs http:// or https://")),
        };
        let authority = uri.authority().filter(|it| !it.as_str().contains('@'));
        let host = authority.map(|it| it.host().trim_matches(['[', ']']));
        let Some(host) = host.filter(|host| !host.is_empty()) else {
            return Err(Error::invalid("an endpoint needs a host, and no user"));
        };
        Ok(Endpoint {
            tls,
            host: host.to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(default_port(tls)),
        })
    }

    /// The `host` header: the port shows only where it is not the scheme's own.
    pub(crate) fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port == default_port(self.tls) {
            true => host,
            false => format!("{host}:{}", self.port),
        }
    }
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &'static str) -> Result<Endpoint> {
        Endpoint::of(&Uri::from_static(uri))
    }

    #[test]
    fn the_port_shows_where_it_matters() {
        for (uri, tls, port, authority) in [
            ("http://Host/a?b", false, 80, "host"),
            ("http://host:80/", false, 80, "host"),
            ("https://host:80/", true, 80, "host:80"),
            ("https://host", true, 443, "host"),
            ("http://[::1]:9000/a", false, 9000, "[::1]:9000"),
        ] {
            let endpoint = of(uri).unwrap();

            assert_eq!((endpoint.tls, endpoint.port), (tls, port), "{uri}");
            assert_eq!(endpoint.authority(), authority, "{uri}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_without_a_quote() {
        for uri in [
            "/path?sig=SECRET",
            "ftp://host/?sig=SECRET",
            "http://user:SECRET@host/",
        ] {
            let error = of(uri).unwrap_err();

            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }
}
