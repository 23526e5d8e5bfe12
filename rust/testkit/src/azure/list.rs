//! List Blobs.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::{AzureError, Result};
use super::state::Blob;
use super::{Azure, Call};
use crate::clock::http_date;
use crate::http::Response;
use crate::listing::{ListRequest, Start, collect};
use crate::xml::XmlWriter;

pub(super) fn list(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let head = &call.request.head;
    let marker = head.query("marker").filter(|marker| !marker.is_empty());
    let start = match marker {
        Some(marker) => Start::parse(marker).ok_or_else(|| AzureError::invalid_query("marker"))?,
        None => Start::Beginning,
    };
    let page = call.context.options.page_size.unwrap_or(5000);
    let limit = match head.query("maxresults") {
        Some(text) => match text.parse() {
            Ok(asked) if asked > 0 => page.min(asked),
            _ => return Err(AzureError::invalid_query("maxresults")),
        },
        None => page,
    };
    let request = ListRequest {
        prefix: head.query("prefix").unwrap_or_default(),
        delimiter: head
            .query("delimiter")
            .filter(|delimiter| !delimiter.is_empty()),
        start: start.clone(),
        limit,
    };
    let mut state = azure.state();
    let container = state.container(call.container)?;
    let page = collect(&request, |bound| container.next(bound));
    let next = if call.context.quirks.repeat_token {
        Some(start)
    } else {
        page.next
    };

    // Blobs and prefixes stand in one list, in the order of their names.
    let mut entries: Vec<_> = page
        .entries
        .into_iter()
        .map(|(name, blob)| (name, Some(blob)))
        .collect();
    entries.extend(page.prefixes.into_iter().map(|prefix| (prefix, None)));
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));

    let document = XmlWriter::new()
        .open(&format!(
            "EnumerationResults ContainerName=\"{}\"",
            call.container
        ))
        .text("Prefix", request.prefix)
        .maybe("Marker", marker)
        .text("MaxResults", limit)
        .maybe("Delimiter", request.delimiter)
        .open("Blobs")
        .each(entries, |xml, (name, blob)| match blob {
            Some((blob, size)) => {
                properties(self::name(xml.open("Blob"), &name), &blob, size).close("Blob")
            }
            None => self::name(xml.open("BlobPrefix"), &name).close("BlobPrefix"),
        })
        .close("Blobs")
        .text(
            "NextMarker",
            next.map(|next| next.to_token()).unwrap_or_default(),
        )
        .close("EnumerationResults")
        .finish();
    Ok(Response::new(200).xml(document))
}

/// Names that XML cannot hold are percent-encoded, and say so.
fn name(xml: XmlWriter, name: &str) -> XmlWriter {
    let foreign = |character: char| matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if !name.contains(foreign) {
        return xml.text("Name", name);
    }
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
    xml.with_attribute("Name", "Encoded=\"true\"", encoded)
}

fn properties(xml: XmlWriter, blob: &Blob, size: u64) -> XmlWriter {
    let kind = blob.headers.iter().find(|(name, _)| name == "content-type");
    xml.open("Properties")
        .text("Creation-Time", http_date(blob.modified))
        .text("Last-Modified", http_date(blob.modified))
        .text("Etag", blob.etag.trim_matches('"'))
        .text("Content-Length", size)
        .maybe("Content-Type", kind.map(|(_, value)| value))
        .maybe("Content-MD5", blob.md5.as_ref())
        .text("BlobType", "BlockBlob")
        .text("AccessTier", blob.tier.as_deref().unwrap_or("Hot"))
        .text("AccessTierInferred", blob.tier.is_none())
        .close("Properties")
}
