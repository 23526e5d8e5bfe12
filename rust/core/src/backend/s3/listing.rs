//! The answer to ListObjectsV2, read as it comes. A document that is cut, is no listing, or says one thing twice is none.

use std::time::SystemTime;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types::EncodingType;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use super::object::system_time;
use crate::error::{Error, ErrorKind, Result};

/// What one page says, its keys still encoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Keys and prefixes are URL encoded.
    pub(super) encoded: Option<bool>,
    pub(super) key_count: Option<u64>,
    pub(super) is_truncated: Option<bool>,
    pub(super) next: Option<String>,
    pub(super) objects: Vec<Listed>,
    pub(super) prefixes: Vec<Option<String>>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) key: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<SystemTime>,
}

impl From<ListObjectsV2Output> for Listing {
    fn from(output: ListObjectsV2Output) -> Self {
        let objects = output.contents.unwrap_or_default().into_iter();
        let prefixes = output.common_prefixes.unwrap_or_default().into_iter();
        Listing {
            encoded: output.encoding_type.map(|kind| kind == EncodingType::Url),
            key_count: output.key_count.and_then(|count| u64::try_from(count).ok()),
            is_truncated: output.is_truncated,
            next: output.next_continuation_token,
            objects: objects
                .map(|object| Listed {
                    key: object.key,
                    size: object.size.and_then(|size| u64::try_from(size).ok()),
                    etag: object.e_tag,
                    last_modified: object.last_modified.and_then(system_time),
                })
                .collect(),
            prefixes: prefixes.map(|common| common.prefix).collect(),
        }
    }
}

/// # Errors
/// `Server`, and another try may help.
pub(super) fn parse(document: &[u8]) -> Result<Listing> {
    let document = std::str::from_utf8(document).map_err(|cause| odd(&cause))?;
    let mut reader = Reader::from_str(document);
    reader.config_mut().expand_empty_elements = true;
    let mut reading = Reading::default();
    loop {
        match reader.read_event().map_err(|cause| odd(&cause))? {
            Event::Start(tag) => reading.start(tag.local_name().as_ref())?,
            Event::End(tag) => reading.end(tag.local_name().as_ref())?,
            Event::Text(text) => reading.text(&text.decode().map_err(|cause| odd(&cause))?)?,
            Event::CData(text) => reading.text(&text.decode().map_err(|cause| odd(&cause))?)?,
            Event::GeneralRef(reference) => {
                let mut bytes = [0; 4];
                reading.text(resolve(&reference)?.encode_utf8(&mut bytes))?;
            }
            // Entities of its own are nothing that a listing needs.
            Event::DocType(_) => return Err(odd(&"it has a document type")),
            Event::Eof => return reading.finish(),
            Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
}

/// A listing as far as it has been read.
#[derive(Default)]
struct Reading {
    listing: Listing,
    /// Elements that are open.
    depth: usize,
    within: Within,
    has_root: bool,
    /// Of the innermost element.
    text: String,
}

/// The element right below the root.
#[derive(Default, Clone, Copy)]
enum Within {
    Object,
    Prefix,
    #[default]
    Other,
}

impl Reading {
    fn start(&mut self, name: &[u8]) -> Result<()> {
        self.text.clear();
        self.depth += 1;
        match (self.depth, name) {
            (1, b"ListBucketResult") if !self.has_root => self.has_root = true,
            (1, _) => return Err(odd(&"it is no listing")),
            (2, b"Contents") => {
                self.within = Within::Object;
                self.listing.objects.push(Listed::default());
            }
            (2, b"CommonPrefixes") => {
                self.within = Within::Prefix;
                self.listing.prefixes.push(None);
            }
            (2, _) => self.within = Within::Other,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<()> {
        if self.depth == 0 && !text.trim_ascii().is_empty() {
            return Err(odd(&"text stands outside of it"));
        }
        self.text.push_str(text);
        Ok(())
    }

    fn end(&mut self, name: &[u8]) -> Result<()> {
        let Reading { listing, text, .. } = self;
        match (self.depth, self.within) {
            (2, Within::Other) => match name {
                b"IsTruncated" => set(&mut listing.is_truncated, parsed(text)?)?,
                b"KeyCount" => set(&mut listing.key_count, parsed(text)?)?,
                b"EncodingType" => set(&mut listing.encoded, text == "url")?,
                b"NextContinuationToken" => set(&mut listing.next, std::mem::take(text))?,
                _ => {}
            },
            (3, Within::Object) => {
                if let Some(object) = listing.objects.last_mut() {
                    match name {
                        b"Key" => set(&mut object.key, std::mem::take(text))?,
                        b"Size" => set(&mut object.size, parsed(text)?)?,
                        b"ETag" => set(&mut object.etag, std::mem::take(text))?,
                        b"LastModified" => set(&mut object.last_modified, time(text)?)?,
                        _ => {}
                    }
                }
            }
            (3, Within::Prefix) if name == b"Prefix" => {
                if let Some(prefix) = listing.prefixes.last_mut() {
                    set(prefix, std::mem::take(text))?;
                }
            }
            _ => {}
        }
        self.text.clear();
        self.depth -= 1;
        Ok(())
    }

    fn finish(self) -> Result<Listing> {
        match self.has_root && self.depth == 0 {
            true => Ok(self.listing),
            false => Err(odd(&"its XML is cut")),
        }
    }
}

fn set<T>(slot: &mut Option<T>, value: T) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(odd(&"an element is there twice")),
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T> {
    text.trim_ascii().parse().map_err(|cause| odd(&cause))
}

fn time(text: &str) -> Result<SystemTime> {
    let format = DateTimeFormat::DateTimeWithOffset;
    let time = DateTime::from_str(text.trim_ascii(), format).map_err(|cause| odd(&cause))?;
    system_time(time).ok_or_else(|| odd(&"a time is out of range"))
}

fn resolve(reference: &BytesRef<'_>) -> Result<char> {
    if let Some(character) = reference.resolve_char_ref().map_err(|cause| odd(&cause))? {
        return Ok(character);
    }
    match &**reference {
        b"amp" => Ok('&'),
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"quot" => Ok('"'),
        b"apos" => Ok('\''),
        _ => Err(odd(&"it names an entity that XML does not know")),
    }
}

fn odd(what: &dyn std::fmt::Display) -> Error {
    let detail = format!("the answer cannot be read: {what}");
    Error::new(ErrorKind::Server, detail).with_retryable(true)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const AMAZONS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>bucket</Name><Prefix>p/</Prefix><KeyCount>3</KeyCount><MaxKeys>1000</MaxKeys>
  <EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
  <ContinuationToken>t0</ContinuationToken>
  <NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>
  <!-- <Contents><Key>none</Key></Contents> -->
  <Contents>
    <Key>p/a%26b</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>
    <ETag>&quot;fba9dede5f27731c9771645a39863328&#34;</ETag><Size>434234</Size>
    <StorageClass>STANDARD</StorageClass>
    <Owner><ID>7</ID><Key>of the owner</Key></Owner>
  </Contents>
  <Contents><Key>p/&lt;&amp;&gt;&apos;&#xe4;</Key><Size>0</Size></Contents>
  <CommonPrefixes><Prefix><![CDATA[p/<dir>/]]></Prefix></CommonPrefixes>
</ListBucketResult>
"#;

    #[test]
    fn a_listing_is_read() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_255_369_830);

        assert_eq!(
            parse(AMAZONS.as_bytes()).unwrap(),
            Listing {
                encoded: Some(true),
                key_count: Some(3),
                is_truncated: Some(true),
                next: Some("1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=".to_owned()),
                objects: vec![
                    Listed {
                        key: Some("p/a%26b".to_owned()),
                        size: Some(434_234),
                        etag: Some("\"fba9dede5f27731c9771645a39863328\"".to_owned()),
                        last_modified: Some(time),
                    },
                    Listed {
                        key: Some("p/<&>'ä".to_owned()),
                        size: Some(0),
                        etag: None,
                        last_modified: None,
                    },
                ],
                prefixes: vec![Some("p/<dir>/".to_owned())],
            }
        );
    }

    #[test]
    fn an_empty_listing_is_one() {
        let empty = "<l:ListBucketResult xmlns:l=\"x\"><IsTruncated>false</IsTruncated>\
            <Contents/></l:ListBucketResult>";

        let listing = parse(empty.as_bytes()).unwrap();

        assert_eq!(listing.is_truncated, Some(false));
        assert_eq!(listing.objects, [Listed::default()]);
        assert_eq!(parse(b"<ListBucketResult/>").unwrap(), Listing::default());
    }

    #[test]
    fn what_is_no_listing_is_refused() {
        let inside = |text: &str| format!("<ListBucketResult>{text}</ListBucketResult>");
        let twice = inside("<Contents><Key>a</Key><Key>b</Key></Contents>");
        let bomb = format!(
            "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>{}",
            inside("<Name>&b;</Name>")
        );
        for document in [
            "",
            "text",
            "<html><body>busy</body></html>",
            "<Error><Code>InternalError</Code></Error>",
            "<ListBucketResult/><ListBucketResult/>",
            "<ListBucketResult/>text",
            "<ListBucketResult></ListBucketresult>",
            "</ListBucketResult>",
            &inside("<Name></Prefix>"),
            &inside("<Name>&unknown;</Name>"),
            &inside("<Name>&#xd800;</Name>"),
            &inside("<Name>a & b</Name>"),
            &inside("<IsTruncated>perhaps</IsTruncated>"),
            &inside("<IsTruncated>true</IsTruncated><IsTruncated>false</IsTruncated>"),
            &inside("<Contents><Size>-1</Size></Contents>"),
            &inside("<Contents><Size>18446744073709551616</Size></Contents>"),
            &inside("<Contents><LastModified>yesterday</LastModified></Contents>"),
            &twice,
            &bomb,
        ] {
            let error = parse(document.as_bytes()).expect_err(document);
            assert_eq!((error.kind(), error.retryable()), (ErrorKind::Server, true));
        }
        parse(b"<ListBucketResult><Name>\xff</Name></ListBucketResult>").unwrap_err();
    }

    fn escaped(text: &str) -> String {
        text.chars()
            .map(|character| match character {
                '&' => "&amp;".to_owned(),
                '<' => "&lt;".to_owned(),
                '>' => "&gt;".to_owned(),
                other if other.is_ascii_control() => format!("&#{};", u32::from(other)),
                other => other.to_string(),
            })
            .collect()
    }

    proptest! {
        #[test]
        fn keys_come_as_they_were_written(
            keys in prop::collection::vec(("[^\0]{0,40}", any::<u64>()), 0..20),
        ) {
            let mut document = String::from("<ListBucketResult>");
            for (key, size) in &keys {
                let key = escaped(key);
                document.push_str(&format!("<Contents><Key>{key}</Key><Size>{size}</Size></Contents>"));
            }
            document.push_str("</ListBucketResult>");

            let read: Vec<_> = parse(document.as_bytes()).unwrap().objects.into_iter()
                .map(|object| (object.key.unwrap(), object.size.unwrap()))
                .collect();

            prop_assert_eq!(read, keys);
        }

        #[test]
        fn a_listing_that_is_cut_anywhere_is_none(at in 0..AMAZONS.trim_ascii_end().len()) {
            prop_assert!(parse(&AMAZONS.as_bytes()[..at]).is_err());
        }

        #[test]
        fn nothing_that_comes_is_a_panic(
            at in 0..AMAZONS.len(),
            gone in 0..40_usize,
            noise in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut document = AMAZONS.as_bytes().to_vec();
            let end = document.len().min(at + gone);
            document.splice(at..end, noise.iter().copied());

            // What is read of it, if anything, is checked by whoever asked.
            let _ = parse(&document);
            let _ = parse(&noise);
        }
    }
}
