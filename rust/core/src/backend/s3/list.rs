//! Listings, page by page.

use std::borrow::Cow;

use aws_sdk_s3::types::EncodingType;
use http::Method;
use percent_encoding::percent_decode_str;

use super::error::refusal;
use super::http::MAX_DOCUMENT;
use super::listing::{Listed, Listing, parse};
use super::road::{Ask, Road};
use super::sign::{EMPTY, encode};
use super::store::S3Store;
use super::xml::has_root;
use crate::backend::attempts::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Response;
use crate::types::{Entry, Page, PageRequest};
use crate::uri::Key;

impl S3Store {
    pub(super) async fn list_page(&self, prefix: &Key, page: &PageRequest) -> Result<Page> {
        let list = || async {
            if let Some(road) = self.road().await? {
                return self.short_list(road, prefix, page).await;
            }
            let client = self.service.client().await?;
            let request = client
                .list_objects_v2()
                .bucket(&self.bucket)
                .set_prefix((!prefix.is_empty()).then(|| prefix.as_str().to_owned()))
                .set_delimiter(page.one_level.then(|| "/".to_owned()))
                // XML cannot hold every character that a key can.
                .encoding_type(EncodingType::Url)
                .set_continuation_token(page.token.clone());
            self.service.send(request.send()).await.map(Listing::from)
        };
        let listing = self.service.attempts().run(list).await?;
        read_page(listing, prefix.as_str(), page.token.as_deref())
    }

    async fn short_list(
        &self,
        road: &Road,
        prefix: &Key,
        page: &PageRequest,
    ) -> Result<Listing, Failure> {
        let ask = Ask {
            method: Method::GET,
            key: &Key::default(),
            query: query(prefix, page),
            headers: Vec::new(),
            body: None,
            hash: EMPTY,
        };
        let Response {
            status,
            headers,
            body,
        } = road.send(&self.service, ask).await?;
        let document = body.collect(MAX_DOCUMENT).await?;
        if has_root(&document, "Error") {
            return Err(refusal(status, &|name| headers.get(name), &document));
        }
        Ok(parse(&document)?)
    }
}

/// Sorted, as it is signed.
fn query(prefix: &Key, page: &PageRequest) -> String {
    let mut query = String::with_capacity(256);
    for (name, value) in [
        ("continuation-token", page.token.as_deref()),
        ("delimiter", page.one_level.then_some("/")),
        // XML cannot hold every character that a key can.
        ("encoding-type", Some("url")),
        ("list-type", Some("2")),
        (
            "prefix",
            Some(prefix.as_str()).filter(|prefix| !prefix.is_empty()),
        ),
    ] {
        if let Some(value) = value {
            query.extend([if query.is_empty() { "" } else { "&" }, name, "="]);
            encode(value, false, &mut query);
        }
    }
    query
}

/// # Errors
/// `Server` if the answer is not one page of this listing, or would lead round in a circle.
fn read_page(listing: Listing, prefix: &str, token: Option<&str>) -> Result<Page> {
    let encoded = listing.encoded == Some(true);
    let count = (listing.objects.len() + listing.prefixes.len()) as u64;
    // An answer that was cut where its XML still parses would pass for a short page.
    if let Some(told) = listing.key_count.filter(|told| *told != count) {
        return Err(senseless(format!(
            "a listing tells of {told} keys and names {count}"
        )));
    }
    let next = match (listing.is_truncated, listing.next) {
        (Some(false), _) => None,
        (None, None) => {
            return Err(senseless(
                "a listing does not tell whether it is complete".to_owned(),
            ));
        }
        (Some(true), None) => {
            return Err(senseless(
                "a listing goes on but does not tell where".to_owned(),
            ));
        }
        (_, Some(next)) if Some(next.as_str()) == token => {
            return Err(senseless(
                "a listing leads back to the same page".to_owned(),
            ));
        }
        (_, next) => next,
    };
    let inside = |text: Option<String>| -> Result<String> {
        let key = decode(text.unwrap_or_default(), encoded)?;
        if key.starts_with(prefix) && !key.is_empty() {
            return Ok(key);
        }
        Err(senseless(format!("a listing of {prefix:?} names {key:?}")))
    };
    let entries = listing.objects.into_iter().map(|object| {
        let Listed {
            key,
            size,
            etag,
            last_modified,
        } = object;
        let key = inside(key)?;
        let size = size.ok_or_else(|| senseless(format!("a listing tells no size of {key:?}")))?;
        Ok(Entry {
            key,
            size,
            etag,
            last_modified,
        })
    });
    let prefixes = listing.prefixes.into_iter().map(inside);
    Ok(Page {
        entries: entries.collect::<Result<_>>()?,
        prefixes: prefixes.collect::<Result<_>>()?,
        next,
    })
}

fn senseless(detail: String) -> Error {
    Error::new(ErrorKind::Server, detail)
}

/// Undoes `encoding-type=url`, the form encoding of HTML: a space is a plus, a plus is `%2B`.
fn decode(text: String, encoded: bool) -> Result<String> {
    if !encoded || !text.contains(['%', '+']) {
        return Ok(text);
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(Cow::into_owned)
        .map_err(|_| senseless(format!("a listing names {text:?}, which is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(keys: &[&str]) -> Listing {
        let objects = keys.iter().map(|key| Listed {
            key: Some((*key).to_owned()),
            size: Some(1),
            ..Listed::default()
        });
        Listing {
            is_truncated: Some(false),
            encoded: Some(true),
            objects: objects.collect(),
            ..Listing::default()
        }
    }

    fn problem(listing: Listing) -> String {
        let error = read_page(listing, "p/", Some("t1")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
        error.to_string()
    }

    #[test]
    fn keys_are_decoded_once() {
        let listing = Listing {
            prefixes: vec![Some("p/x+y/".to_owned())],
            ..page(&["p/a+b%2Bc%2525", "p/%C3%A4%0A"])
        };

        let read = read_page(listing, "p/", None).unwrap();

        let keys: Vec<_> = read
            .entries
            .iter()
            .map(|entry| entry.key.as_str())
            .collect();
        assert_eq!(keys, ["p/a b+c%25", "p/ä\n"]);
        assert_eq!(read.prefixes, ["p/x y/"]);
        assert_eq!(decode("a+%41".to_owned(), false).unwrap(), "a+%41");
    }

    #[test]
    fn a_page_that_makes_no_sense_is_refused() {
        assert!(problem(page(&["q/a"])).contains("names \"q/a\""));
        assert!(problem(page(&["p/%ff"])).contains("not UTF-8"));
        let miscounted = Listing {
            key_count: Some(2),
            ..page(&["p/a"])
        };
        assert!(problem(miscounted).contains("a listing tells of 2 keys and names 1"));
        let mut sizeless = page(&["p/a"]);
        sizeless.objects[0].size = None;
        assert!(problem(sizeless).contains("no size"));
        let goes_on = |is_truncated, next: Option<&str>| Listing {
            is_truncated,
            next: next.map(str::to_owned),
            ..page(&[])
        };
        assert!(problem(goes_on(None, None)).contains("complete"));
        assert!(problem(goes_on(Some(true), None)).contains("where"));
        assert!(problem(goes_on(Some(true), Some("t1"))).contains("same page"));
    }

    #[test]
    fn a_question_is_sorted_and_encoded() {
        let first = PageRequest::default();
        let later = PageRequest {
            token: Some("1/+=".to_owned()),
            one_level: true,
            ..PageRequest::default()
        };

        assert_eq!(
            query(&Key::default(), &first),
            "encoding-type=url&list-type=2"
        );
        assert_eq!(
            query(&Key::new("a b/"), &later),
            "continuation-token=1%2F%2B%3D&delimiter=%2F&encoding-type=url&list-type=2&prefix=a%20b%2F"
        );
    }
}
