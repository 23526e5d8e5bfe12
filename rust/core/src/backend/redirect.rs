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

/// What stands before a region.
const REGIONAL: [&str; 7] = [
    "s3",
    "s3-fips",
    "s3-accesspoint",
    "s3-accesspoint-fips",
    "s3-object-lambda",
    "s3-object-lambda-fips",
    "s3-outposts",
];

/// `s3.<region>.amazonaws.com` and its kin, with or without a bucket before it. Other hosts of that domain may be
/// anybody's machines, with names of their choice: nothing but a region stands after the service.
fn is_s3_of_aws(host: &str) -> bool {
    let Some(name) = host
        .strip_suffix(".amazonaws.com")
        .or_else(|| host.strip_suffix(".amazonaws.com.cn"))
    else {
        return false;
    };
    let mut labels = name.rsplit('.').peekable();
    let region = labels.next_if(|label| is_region(label));
    labels.next_if_eq(&"dualstack");
    let service = labels.next().unwrap_or_default();
    match region {
        Some(_) => REGIONAL.contains(&service),
        None => is_global(service),
    }
}

/// One label that needs no region after it, or has it.
fn is_global(service: &str) -> bool {
    let rest = service.strip_prefix("s3-fips-");
    matches!(service, "s3" | "s3-accelerate" | "s3-external-1")
        || rest
            .or_else(|| service.strip_prefix("s3-"))
            .is_some_and(is_region)
}

/// As `eu-west-1` or `us-gov-west-1`.
fn is_region(label: &str) -> bool {
    let mut words = label.split('-');
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.next_back().is_some_and(is_number)
        && label.matches('-').count() >= 2
        && words.all(is_word)
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
            ("a.b.s3.amazonaws.com", true),
            ("b.s3.us-gov-west-1.amazonaws.com", true),
            ("b.s3-fips.us-east-1.amazonaws.com", true),
            ("b.s3-fips.dualstack.us-east-1.amazonaws.com", true),
            ("b.s3-fips-us-gov-west-1.amazonaws.com", true),
            ("p-1.s3-accesspoint.us-east-1.amazonaws.com", true),
            ("b.s3-accelerate.amazonaws.com", true),
            ("b.s3-accelerate.dualstack.amazonaws.com", true),
            ("b.s3-external-1.amazonaws.com", true),
            ("s3-123.us-east-1.elb.amazonaws.com", false),
            ("s3.us-east-1.elb.amazonaws.com", false),
            ("s3-123.elb.us-east-1.amazonaws.com", false),
            ("s3-123.us-east-1.amazonaws.com", false),
            ("s3.compute-1.amazonaws.com", false),
            ("s3.execute-api.us-east-1.amazonaws.com", false),
            ("us-east-1.amazonaws.com", false),
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
