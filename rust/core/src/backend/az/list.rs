//! List Blobs: one page, in bytewise order.

use azure_core::http::Method;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use regex::{Captures, Regex};
use serde::Deserialize;

use super::AzStore;
use super::meta::{parse_time, quoted};
use super::session::parse;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Entry, Page, PageRequest};
use crate::uri::Key;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Results {
    blobs: Blobs,
    #[serde(default)]
    next_marker: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blobs {
    #[serde(rename = "$value", default)]
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
enum Item {
    Blob(Blob),
    BlobPrefix(Prefix),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blob {
    name: Name,
    properties: Properties,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Prefix {
    name: Name,
}

#[derive(Debug, Deserialize)]
struct Name {
    /// The text is percent-encoded: it holds characters that XML cannot.
    #[serde(rename = "@Encoded", default)]
    encoded: bool,
    #[serde(rename = "$text", default)]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Properties {
    #[serde(rename = "Content-Length")]
    length: u64,
    #[serde(rename = "Etag")]
    etag: Option<String>,
    #[serde(rename = "Last-Modified")]
    last_modified: Option<String>,
    /// `directory` in accounts with a hierarchical namespace, which list directories beside the blobs.
    #[serde(rename = "ResourceType")]
    resource_type: Option<String>,
}

impl AzStore {
    pub(super) async fn list_page(
        &self,
        prefix: &Key,
        page: &PageRequest,
        limit: Option<u32>,
    ) -> Result<Page> {
        let mut call = self
            .session
            .container(Method::Get, &self.container)?
            .query("restype", "container")
            .query("comp", "list");
        if !prefix.is_empty() {
            call = call.query("prefix", prefix.as_str());
        }
        if page.one_level {
            call = call.query("delimiter", "/");
        }
        if let Some(marker) = &page.token {
            call = call.query("marker", marker);
        }
        if let Some(limit) = limit {
            call = call.query("maxresults", &limit.to_string());
        }
        let (_, xml) = self
            .session
            .ask(&call, 200, &mut self.session.attempts())
            .await?;
        let found = read(&xml)?;
        if found.next.is_some() && found.next == page.token {
            return Err(
                Error::new(ErrorKind::Server, "the listing repeats its marker")
                    .with_retryable(false),
            );
        }
        Ok(found)
    }
}

fn read(xml: &[u8]) -> Result<Page> {
    let mut results: Results = parse(xml)?;
    if results
        .blobs
        .items
        .iter()
        .any(|item| item.name().is_blank())
    {
        results = parse(blank_names_encoded(xml)?.as_bytes())?;
    }
    let mut page = Page {
        next: Some(results.next_marker).filter(|marker| !marker.is_empty()),
        ..Page::default()
    };
    for item in results.blobs.items {
        match item {
            Item::BlobPrefix(prefix) => page.prefixes.push(prefix.name.decode()?),
            Item::Blob(blob) => {
                if blob.properties.resource_type.as_deref() != Some("directory") {
                    page.entries.push(blob.into_entry()?);
                }
            }
        }
    }
    page.entries.sort_by(|a, b| a.key.cmp(&b.key));
    page.prefixes.sort();
    Ok(page)
}

/// The XML reader drops text of nothing but white space; a key may be just that.
fn blank_names_encoded(xml: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(xml).map_err(|cause| {
        Error::new(ErrorKind::Server, "the service's XML is no UTF-8").with_source(cause)
    })?;
    let blank = Regex::new(r"<Name>(\s+)</Name>").expect("a valid pattern");
    let encoded = |found: &Captures<'_>| {
        format!(
            "<Name Encoded=\"true\">{}</Name>",
            utf8_percent_encode(&found[1], NON_ALPHANUMERIC)
        )
    };
    Ok(blank.replace_all(text, encoded).into_owned())
}

impl Item {
    fn name(&self) -> &Name {
        match self {
            Item::Blob(blob) => &blob.name,
            Item::BlobPrefix(prefix) => &prefix.name,
        }
    }
}

impl Blob {
    fn into_entry(self) -> Result<Entry> {
        Ok(Entry {
            key: self.name.decode()?,
            size: self.properties.length,
            etag: self.properties.etag.map(quoted),
            last_modified: self
                .properties
                .last_modified
                .as_deref()
                .and_then(parse_time),
        })
    }
}

impl Name {
    fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    fn decode(self) -> Result<String> {
        if self.is_blank() {
            return Err(
                Error::new(ErrorKind::Server, "the listing holds a blob without a name")
                    .with_retryable(false),
            );
        }
        if !self.encoded {
            return Ok(self.text);
        }
        let name = percent_decode_str(&self.text).decode_utf8();
        let name = name.map_err(|cause| {
            Error::new(ErrorKind::Server, "a listed name is no UTF-8").with_source(cause)
        })?;
        Ok(name.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(blobs: &str, marker: &str) -> String {
        format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://a/\" \
             ContainerName=\"c\"><Prefix>p/</Prefix><Blobs>{blobs}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
        )
    }

    fn blob(name: &str) -> String {
        format!(
            "<Blob><Name>{name}</Name><Properties><Creation-Time>x</Creation-Time><Last-Modified>Mon, 23 Nov 2026 \
             08:00:00 GMT</Last-Modified><Etag>0x8D</Etag><Content-Length>3</Content-Length></Properties><OrMetadata /></Blob>"
        )
    }

    #[test]
    fn blobs_and_prefixes_come_in_any_mixture() {
        let xml = listing(
            &format!(
                "{}<BlobPrefix><Name>p/d/</Name></BlobPrefix>{}",
                blob("p/b"),
                blob("p/a&amp;")
            ),
            "2!x",
        );

        let page = read(xml.as_bytes()).unwrap();

        let keys: Vec<&str> = page
            .entries
            .iter()
            .map(|entry| entry.key.as_str())
            .collect();
        assert_eq!(keys, ["p/a&", "p/b"]);
        assert_eq!(
            (page.entries[0].size, page.entries[0].etag.as_deref()),
            (3, Some("\"0x8D\""))
        );
        assert!(page.entries[0].last_modified.is_some());
        assert_eq!(page.prefixes, ["p/d/"]);
        assert_eq!(page.next.as_deref(), Some("2!x"));
    }

    #[test]
    fn names_keep_every_character() {
        for name in [" lead", "trail ", " ", "a  b", "nl\nend", "tab\t", "é日本"] {
            let page = read(listing(&blob(name), "").as_bytes()).unwrap();
            assert_eq!(page.entries[0].key, name);
            assert_eq!(page.next, None);
        }
        let encoded = blob("x").replace("<Name>x", "<Name Encoded=\"true\">a%EF%BF%BE%20%0D");
        assert_eq!(
            read(listing(&encoded, "").as_bytes()).unwrap().entries[0].key,
            "a\u{fffe} \r"
        );
    }

    #[test]
    fn an_empty_listing_is_empty_and_a_broken_one_an_error() {
        assert!(read(listing("", "").as_bytes()).unwrap().entries.is_empty());
        let xml = listing(&blob("a"), "");
        for cut in [0, 50, xml.len() / 2, xml.len() - 1] {
            read(xml.get(..cut).unwrap_or("<").as_bytes()).unwrap_err();
        }
        read(b"<html>proxy error</html>").unwrap_err();
    }
}
