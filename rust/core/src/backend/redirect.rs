//! 307 and 308: which other place may be asked instead.
//!
//! Requests are signed, and carry data: they go to another host only if that belongs to the service we were told of.

use url::Url;

/// The place that an answer to a request for `asked` sends it to, if it may go there: the same path, on a host that
/// is `service` or below it, and not from https to http.
pub(crate) fn follow(service: Option<&str>, asked: &Url, location: &str) -> Option<Url> {
    let to = asked.join(location).ok()?;
    let host = to.host_str()?;
    let belongs = match service {
        Some(service) => host == service || host.ends_with(&format!(".{service}")),
        None => is_s3_of_aws(host),
    };
    let stays_secret = to.scheme() == "https" || asked.scheme() == "http";
    let is_elsewhere = to.origin() != asked.origin();
    (belongs && stays_secret && is_elsewhere && to.path() == asked.path()).then_some(to)
}

/// The scheme and the host of a redirect that is not followed, for an error. Its query may hold a signature.
pub(crate) fn origin(location: &str) -> Option<String> {
    let url = Url::parse(location).ok()?;
    url.host_str()?;
    Some(url.origin().ascii_serialization())
}

/// `s3.<region>.amazonaws.com` and its kin, with or without a bucket before it. Other hosts of that domain may be
/// anybody's machines.
fn is_s3_of_aws(host: &str) -> bool {
    let Some(name) = host
        .strip_suffix(".amazonaws.com")
        .or_else(|| host.strip_suffix(".amazonaws.com.cn"))
    else {
        return false;
    };
    name.rsplit('.')
        .take(3)
        .any(|label| label == "s3" || label.starts_with("s3-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes(service: Option<&str>, asked: &str, location: &str) -> bool {
        follow(service, &Url::parse(asked).unwrap(), location).is_some()
    }

    #[test]
    fn only_hosts_of_the_service_are_followed() {
        let asked = "https://storage.example.org/b/k?x=1";
        for (location, expected) in [
            ("https://node7.storage.example.org/b/k?x=1", true),
            ("https://storage.example.org:9001/b/k", true),
            ("https://storage.example.org/b/k", false),
            ("/b/k", false),
            ("http://node7.storage.example.org/b/k", false),
            ("https://storage.example.org.evil.test/b/k", false),
            ("https://evilstorage.example.org/b/k", false),
            ("https://other.example.org/b/k", false),
            ("https://node7.storage.example.org/other", false),
            ("https://", false),
        ] {
            let found = goes(Some("storage.example.org"), asked, location);
            assert_eq!(found, expected, "{location}");
        }
        assert!(goes(
            Some("127.0.0.1"),
            "http://127.0.0.1:1/b",
            "http://127.0.0.1:2/b"
        ));
        assert!(!goes(
            Some("127.0.0.1"),
            "http://127.0.0.1:1/b",
            "http://localhost:2/b"
        ));
    }

    #[test]
    fn amazons_other_hosts_are_not_s3() {
        let asked = "https://b.s3.us-east-1.amazonaws.com/k";
        for (host, expected) in [
            ("b.s3.eu-west-1.amazonaws.com", true),
            ("b.s3-eu-west-1.amazonaws.com", true),
            ("b.s3.dualstack.eu-west-1.amazonaws.com", true),
            ("s3.cn-north-1.amazonaws.com.cn", true),
            ("ec2-1-2-3-4.compute-1.amazonaws.com", false),
            ("x.execute-api.us-east-1.amazonaws.com", false),
            ("s3.eu-west-1.amazonaws.com.evil.test", false),
        ] {
            let found = goes(None, asked, &format!("https://{host}/k"));
            assert_eq!(found, expected, "{host}");
        }
    }

    #[test]
    fn an_error_shows_no_signature() {
        let told = origin("https://evil.test:1/k?X-Amz-Signature=1").unwrap();

        assert_eq!(told, "https://evil.test:1");
        assert_eq!(origin("/k"), None);
    }
}
