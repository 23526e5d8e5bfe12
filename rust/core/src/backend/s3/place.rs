//! Where requests really go, once the endpoint has said that it is not where they were sent.
//!
//! The SDK computes a place for each request. It is changed before the request is signed, so the signature is for the
//! place that the request goes to. Paths are left as they are: a URL that is taken apart would lose the dots of keys.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use url::{Host, Url};

use crate::backend::redirect;

/// A redirect is temporary. Its target may go away, and then the endpoint is to be asked again.
const REMEMBERED: Duration = Duration::from_mins(1);
/// Longer chains are circles.
const HOPS: usize = 4;
/// Redirects remembered at once. An endpoint that sends more elsewhere is asked again.
const MOST: usize = 1024;

/// An origin, and the bucket (or what stands there in the path) that a redirect is for.
type Place = (String, String);

#[derive(Debug, Default)]
pub(super) struct Places {
    /// The host of the endpoint; `None` for AWS.
    service: Option<String>,
    /// The origin to ask instead, and since when.
    moved: Mutex<HashMap<Place, (String, Instant)>>,
    /// Whether there is any; nearly always there is none, and every request asks.
    any_moved: AtomicBool,
    /// The bucket is to stand in the host name, though we put it into the path.
    bucket_in_host: AtomicBool,
}

impl Places {
    pub(super) fn new(endpoint: Option<&str>) -> Self {
        let url = endpoint.and_then(|endpoint| Url::parse(endpoint).ok());
        Places {
            service: url.and_then(|url| url.host_str().map(str::to_owned)),
            ..Places::default()
        }
    }

    /// Takes note of a redirect; false if it must not be followed.
    pub(super) fn redirected(&self, asked: &str, location: &str) -> bool {
        let (Ok(url), Some((origin, path))) = (Url::parse(asked), split(asked)) else {
            return false;
        };
        let Some(to) = redirect::follow(self.service.as_deref(), &url, location) else {
            return false;
        };
        let place = (origin.to_owned(), bucket(path).to_owned());
        let to = to.origin().ascii_serialization();
        self.remember(place, to, Instant::now());
        true
    }

    fn remember(&self, place: Place, to: String, now: Instant) {
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut moved, now);
        if moved.len() >= MOST {
            moved.clear();
        }
        if !moved.contains_key(&place) {
            let (from, bucket) = &place;
            tracing::info!(
                from,
                to,
                bucket,
                "a redirect: requests go there, by the SDK's way"
            );
        }
        moved.insert(place, (to, now));
        self.any_moved.store(true, Ordering::Relaxed);
    }

    /// Takes note that the endpoint wants buckets in the host name; false if that is known, or cannot be.
    pub(super) fn want_bucket_in_host(&self) -> bool {
        let has_name = self
            .service
            .as_deref()
            .is_some_and(|service| matches!(Host::parse(service), Ok(Host::Domain(_))));
        has_name && !self.bucket_in_host.swap(true, Ordering::Relaxed)
    }

    /// Whether buckets go into the host name although the settings put them into the path.
    pub(super) fn bucket_in_host(&self) -> bool {
        self.bucket_in_host.load(Ordering::Relaxed)
    }

    /// Whether some request to that origin, for a path that begins with `base`, is to go to another place.
    pub(super) fn lead_away(&self, origin: &str, base: &str) -> bool {
        self.any_moved.load(Ordering::Relaxed) && self.lead_away_at(origin, base, Instant::now())
    }

    fn lead_away_at(&self, origin: &str, base: &str, now: Instant) -> bool {
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut moved, now);
        if moved.is_empty() {
            self.any_moved.store(false, Ordering::Relaxed);
        }
        let bucket = bucket(base);
        moved
            .keys()
            .any(|(from, of)| from == origin && (bucket.is_empty() || bucket == of))
    }

    /// The URL to send a request to, if it is another than `asked`.
    pub(super) fn of(&self, asked: &str) -> Option<String> {
        let (given, mut path) = split(asked)?;
        let mut origin = given.to_owned();
        if self.bucket_in_host()
            && let Some((host, rest)) = in_host(given, path)
        {
            (origin, path) = (host, rest);
        }
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let mut place = (origin, bucket(path).to_owned());
        for _ in 0..HOPS {
            match moved.get(&place) {
                Some((to, since)) if since.elapsed() < REMEMBERED => place.0.clone_from(to),
                _ => break,
            }
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        (place.0 != given).then(|| format!("{}{slash}{path}", place.0))
    }
}

fn forget(moved: &mut HashMap<Place, (String, Instant)>, now: Instant) {
    moved.retain(|_, (_, since)| now.saturating_duration_since(*since) < REMEMBERED);
}

/// A URL as its origin and the path with what follows.
fn split(url: &str) -> Option<(&str, &str)> {
    let start = url.find("://")? + 3;
    let end = url[start..]
        .find(['/', '?'])
        .map_or(url.len(), |at| start + at);
    Some(url.split_at(end))
}

/// The first component of a path: the bucket, unless that is in the host name already, where this does no harm.
fn bucket(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or_default();
    path.find(['/', '?']).map_or(path, |end| &path[..end])
}

/// The origin with the bucket in its host name, and the path without it.
fn in_host<'a>(origin: &str, path: &'a str) -> Option<(String, &'a str)> {
    let bucket = bucket(path);
    // A certificate for *.host is not one for a.b.host.
    if bucket.is_empty() || bucket.contains('.') {
        return None;
    }
    let (scheme, host) = origin.split_once("://")?;
    Some((
        format!("{scheme}://{bucket}.{host}"),
        &path[1 + bucket.len()..],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_holds_for_its_bucket() {
        let places = Places::new(Some("http://storage.test:9000"));
        let asked = "http://storage.test:9000/b/k?x-id=1";
        assert_eq!(places.of(asked), None);

        assert!(places.redirected(asked, "http://n1.storage.test/b/k"));
        assert!(places.redirected(
            "http://n1.storage.test/b/other",
            "http://n2.storage.test:1/b/other"
        ));

        assert_eq!(
            places
                .of("http://storage.test:9000/b/a/../k%2F?x-id=1")
                .as_deref(),
            Some("http://n2.storage.test:1/b/a/../k%2F?x-id=1")
        );
        assert_eq!(places.of("http://storage.test:9000/c/k"), None);
        assert!(!places.redirected(asked, "http://evil.test/b/k"));
    }

    #[test]
    fn a_redirect_leads_its_own_bucket_away_and_no_longer_than_it_holds() {
        let places = Places::new(Some("http://storage.test"));
        let origin = "http://storage.test";
        let now = Instant::now();
        let place = (origin.to_owned(), "b".to_owned());

        assert!(!places.lead_away(origin, "/b/"));
        places.remember(place, "http://n1.storage.test".to_owned(), now);

        assert!(places.lead_away(origin, "/b/"));
        assert!(!places.lead_away(origin, "/c/"));
        assert!(!places.lead_away("http://b.storage.test", "/"));
        assert!(places.lead_away(origin, "/"), "it may be for any key");
        assert!(!places.lead_away_at(origin, "/b/", now + REMEMBERED));
        assert!(places.moved.lock().unwrap().is_empty());
        assert!(!places.lead_away(origin, "/b/"));
    }

    #[test]
    fn redirects_without_end_take_no_memory_without_end() {
        let places = Places::new(Some("http://a.test"));
        for number in 0..=MOST {
            let path = format!("/{number}/k");
            let (asked, to) = (
                format!("http://a.test{path}"),
                format!("http://x.a.test{path}"),
            );
            assert!(places.redirected(&asked, &to));
        }

        assert!(places.moved.lock().unwrap().len() <= MOST);
    }

    #[test]
    fn a_circle_ends() {
        let places = Places::new(Some("http://a.test"));
        assert!(places.redirected("http://a.test/b", "http://x.a.test/b"));
        assert!(places.redirected("http://x.a.test/b", "http://a.test/b"));

        assert_eq!(places.of("http://a.test/b"), None);
    }

    #[test]
    fn a_bucket_goes_into_the_host_name() {
        let places = Places::new(Some("https://storage.test"));
        assert!(places.want_bucket_in_host());
        assert!(!places.want_bucket_in_host(), "it is known");

        for (asked, expected) in [
            (
                "https://storage.test/b/k?x=1",
                Some("https://b.storage.test/k?x=1"),
            ),
            (
                "https://storage.test/b?list-type=2",
                Some("https://b.storage.test/?list-type=2"),
            ),
            (
                "https://storage.test/b/../k",
                Some("https://b.storage.test/../k"),
            ),
            ("https://storage.test/b/", Some("https://b.storage.test/")),
            ("https://storage.test/b.c/k", None),
            ("https://storage.test/", None),
        ] {
            assert_eq!(places.of(asked).as_deref(), expected, "{asked}");
        }
        assert!(!Places::new(Some("http://127.0.0.1:1")).want_bucket_in_host());
        assert!(!Places::new(None).want_bucket_in_host());
    }
}
