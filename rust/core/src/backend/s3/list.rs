//! Listings, page by page.

use std::borrow::Cow;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{EncodingType, Object};
use percent_encoding::percent_decode_str;

use super::object::system_time;
use super::store::S3Store;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Entry, Page, PageRequest};
use crate::uri::Key;

impl S3Store {
    pub(super) async fn list_page(&self, prefix: &Key, page: &PageRequest) -> Result<Page> {
        let client = self.service.client().await?;
        let list = || async {
            let request = client
                .list_objects_v2()
                .bucket(&self.bucket)
                .set_prefix((!prefix.is_empty()).then(|| prefix.as_str().to_owned()))
                .set_delimiter(page.one_level.then(|| "/".to_owned()))
                // XML cannot hold every character that a key can.
                .encoding_type(EncodingType::Url)
                .set_continuation_token(page.token.clone());
            self.service.send(request.send()).await
        };
        let output = self.service.attempts().run(list).await?;
        read_page(output, prefix.as_str(), page.token.as_deref())
    }
}

/// # Errors
/// `Server` if the answer is not one page of this listing, or would lead round in a circle.
fn read_page(output: ListObjectsV2Output, prefix: &str, token: Option<&str>) -> Result<Page> {
    let encoded = output.encoding_type == Some(EncodingType::Url);
    let count = output.contents().len() + output.common_prefixes().len();
    // An answer that was cut where its XML still parses would pass for a short page.
    let told = output.key_count.and_then(|told| usize::try_from(told).ok());
    if told.is_some_and(|told| told != count) {
        return Err(senseless(format!(
            "a listing tells of {told:?} keys and names {count}"
        )));
    }
    let next = match (output.is_truncated, output.next_continuation_token) {
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
    let entries = output
        .contents
        .unwrap_or_default()
        .into_iter()
        .map(|object| {
            let Object {
                key,
                size,
                e_tag,
                last_modified,
                ..
            } = object;
            let size = size.and_then(|size| u64::try_from(size).ok());
            let size =
                size.ok_or_else(|| senseless(format!("a listing tells no size of {key:?}")))?;
            Ok(Entry {
                key: inside(key)?,
                size,
                etag: e_tag,
                last_modified: last_modified.and_then(system_time),
            })
        });
    let prefixes = output
        .common_prefixes
        .unwrap_or_default()
        .into_iter()
        .map(|common| inside(common.prefix));
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
    use aws_sdk_s3::types::CommonPrefix;

    use super::*;

    fn object(key: &str) -> Object {
        Object::builder().key(key).size(1).build()
    }

    fn page(
        keys: &[&str],
    ) -> aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2OutputBuilder {
        ListObjectsV2Output::builder()
            .is_truncated(false)
            .encoding_type(EncodingType::Url)
            .set_contents(Some(keys.iter().map(|key| object(key)).collect()))
    }

    fn problem(output: ListObjectsV2Output) -> String {
        let error = read_page(output, "p/", Some("t1")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
        error.to_string()
    }

    #[test]
    fn keys_are_decoded_once() {
        let output = page(&["p/a+b%2Bc%2525", "p/%C3%A4%0A"])
            .common_prefixes(CommonPrefix::builder().prefix("p/x+y/").build());

        let read = read_page(output.build(), "p/", None).unwrap();

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
        assert!(problem(page(&["q/a"]).build()).contains("names \"q/a\""));
        assert!(problem(page(&["p/%ff"]).build()).contains("not UTF-8"));
        assert!(problem(page(&["p/a"]).key_count(2).build()).contains("keys"));
        assert!(problem(page(&[]).set_is_truncated(None).build()).contains("complete"));
        assert!(problem(page(&[]).is_truncated(true).build()).contains("where"));
        let circle = page(&[]).is_truncated(true).next_continuation_token("t1");
        assert!(problem(circle.build()).contains("same page"));
    }
}
