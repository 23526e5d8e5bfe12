//! Uploads in parts: blocks under ids of our own, then one list that makes the blob of them.
//!
//! The service knows no upload: an id of ours marks its blocks, and blocks never listed expire after a week.

use azure_core::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::session::{header, parse};
use super::write::met_object;
use super::{AzStore, PARTS, digest, meta};
use crate::backend::attempts::Attempts;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::types::{Part, UploadId, WriteOptions, WriteReply};
use crate::uri::Key;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct BlockList {
    committed_blocks: Blocks,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Blocks {
    block: Vec<Block>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Block {
    name: String,
    size: u64,
}

impl AzStore {
    pub(super) fn new_upload(part_size: u64, options: &WriteOptions) -> Result<UploadId> {
        meta::check(options)?;
        if !(PARTS.min_size..=PARTS.max_size).contains(&part_size) {
            return Err(Error::invalid(format!(
                "Azure takes parts of 1 to {} bytes",
                PARTS.max_size
            )));
        }
        Ok(UploadId {
            id: format!("{:016x}", rand::random::<u64>()),
            part_size,
        })
    }

    pub(super) async fn put_block(
        &self,
        key: &Key,
        upload: &UploadId,
        number: u32,
        body: &Payload,
    ) -> Result<Part> {
        if !(1..=PARTS.max_count).contains(&number) {
            return Err(Error::invalid(format!(
                "part {number}: Azure takes parts 1 to {}",
                PARTS.max_count
            )));
        }
        let sums = digest::sums(body, self.checksum).await?;
        let call = self
            .session
            .blob(Method::Put, &self.container, key)?
            .query("comp", "block")
            .query("blockid", &block_id(upload, number))
            .body(body.clone());
        self.session
            .ask(&sums.verify(call), 201, &mut self.session.attempts())
            .await?;
        Ok(Part {
            number,
            size: body.len(),
            etag: None,
            checksum: Some(sums.crc32c),
        })
    }

    pub(super) async fn commit(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[Part],
        options: &WriteOptions,
    ) -> Result<WriteReply> {
        meta::check(options)?;
        let call = self
            .session
            .blob(Method::Put, &self.container, key)?
            .query("comp", "blocklist");
        let call = meta::write(call, options)?.body(Payload::from(block_list(upload, parts)));
        let mut attempts = self.session.attempts();
        let reply = match self.session.ask(&call, 201, &mut attempts).await {
            Ok((headers, _)) => meta::write_reply(&headers),
            Err(error) => {
                return match self.committed(key, upload, parts, &attempts).await {
                    Ok(Some(reply)) => Ok(reply),
                    Err(unknown) if options.if_none_match && met_object(&error) => Err(unknown),
                    Ok(None) if options.if_none_match && met_object(&error) => {
                        Err(error.with_kind(ErrorKind::AlreadyExists))
                    }
                    _ => Err(error),
                };
            }
        };
        self.verify_size(key, parts.iter().map(|part| part.size).sum(), &reply)
            .await?;
        Ok(reply)
    }

    /// The blob that holds the key now, if this upload made it in a try whose answer was lost:
    /// its blocks are exactly these, and their ids hold the upload's own.
    async fn committed(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[Part],
        attempts: &Attempts<'_>,
    ) -> Result<Option<WriteReply>> {
        if !attempts.unsure() {
            return Ok(None);
        }
        let call = self
            .session
            .blob(Method::Get, &self.container, key)?
            .query("comp", "blocklist")
            .query("blocklisttype", "committed");
        let (headers, body) = self
            .session
            .ask(&call, 200, &mut self.session.attempts())
            .await?;
        let found: BlockList = parse(&body)?;
        let found = found
            .committed_blocks
            .block
            .into_iter()
            .map(|block| (block.name, block.size));
        let ours = found.eq(parts
            .iter()
            .map(|part| (block_id(upload, part.number), part.size)));
        let etag = header(&headers, "etag").map(str::to_owned);
        Ok(ours.then_some(WriteReply {
            etag,
            ..WriteReply::default()
        }))
    }
}

/// All ids of a blob must have the same length.
pub(super) fn block_id(upload: &UploadId, number: u32) -> String {
    BASE64.encode(format!("{}-{number:06}", upload.id))
}

/// `Latest` finds a block also where an earlier try of the same list was carried out.
fn block_list(upload: &UploadId, parts: &[Part]) -> Vec<u8> {
    let mut xml = String::with_capacity(64 + parts.len() * 56);
    xml.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for part in parts {
        xml.extend(["<Latest>", &block_id(upload, part.number), "</Latest>"]);
    }
    xml.push_str("</BlockList>");
    xml.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_ids_are_of_one_length() {
        let upload = UploadId {
            id: "0123456789abcdef".into(),
            part_size: 1,
        };

        assert_eq!(block_id(&upload, 1).len(), block_id(&upload, 50_000).len());
        assert_eq!(
            BASE64.decode(block_id(&upload, 7)).unwrap(),
            b"0123456789abcdef-000007"
        );
    }

    #[test]
    fn a_block_list_is_read() {
        let xml = b"<?xml version=\"1.0\"?><BlockList><CommittedBlocks><Block><Name>YQ==</Name><Size>5</Size></Block>\
            <Block><Name>Yg==</Name><Size>2</Size></Block></CommittedBlocks></BlockList>";

        let list: BlockList = parse(xml).unwrap();

        let sizes: Vec<u64> = list
            .committed_blocks
            .block
            .iter()
            .map(|block| block.size)
            .collect();
        assert_eq!(sizes, [5, 2]);
        assert!(
            parse::<BlockList>(b"<BlockList><CommittedBlocks /></BlockList>")
                .unwrap()
                .committed_blocks
                .block
                .is_empty()
        );
        parse::<BlockList>(b"<BlockList><Committed").unwrap_err();
    }
}
