//! Which requests are not ours to send: those that have to go through a proxy.

use std::fmt;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::proxy::matcher::Matcher;

/// What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, read as the SDKs' own clients read it.
pub(super) struct Proxies(Matcher);

impl Proxies {
    pub(super) fn from_environment() -> Self {
        Proxies(Matcher::from_env())
    }

    /// Plain or TLS, and no proxy in between.
    pub(super) fn leave_out(&self, uri: &Uri) -> bool {
        let is_http = uri
            .scheme()
            .is_some_and(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
        is_http && self.0.intercept(uri).is_none()
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's address may hold a password.
        f.write_str("Proxies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_proxy_serves_is_left_to_others() {
        let matcher = Matcher::builder()
            .https("http://proxy:3128")
            .no("internal")
            .build();
        let proxies = Proxies(matcher);
        for (uri, ours) in [
            ("https://bucket.s3.amazonaws.com/key", false),
            ("https://minio.internal/bucket", true),
            ("http://bucket.s3.amazonaws.com/key", true),
            ("ftp://host/", false),
            ("/path", false),
        ] {
            assert_eq!(proxies.leave_out(&Uri::from_static(uri)), ours, "{uri}");
        }
    }
}
