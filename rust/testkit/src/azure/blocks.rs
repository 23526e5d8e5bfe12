//! Blobs in blocks: put a block, commit a list, show what is there.

use super::blobs::{draft, source, written};
use super::error::{AzureError, Result};
use super::state::Block;
use super::{Azure, Call, payload};
use crate::checksum::{decode, encode, md5};
use crate::condition::{Asked, parse_range};
use crate::http::{Content, Response};
use crate::xml::{XmlWriter, children, elements};

pub(super) fn put_block(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let content = payload::read(call.request)?.clone();
    if content.len() == 0 {
        return Err(AzureError::invalid_header("content-length"));
    }
    let sum = encode(&md5(&content));
    stage(azure, call, content)?;
    let response = payload::repeat_sums(Response::new(201), &call.request.head);
    // With a CRC given, the service answers with that alone.
    let sums_crc = response.get("x-ms-content-crc64").is_some();
    let known = sums_crc || response.get("content-md5").is_some();
    Ok(if known {
        response
    } else {
        response.header("content-md5", sum)
    })
}

pub(super) fn put_block_from_url(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let source = source(azure, call)?;
    let content = match parse_range(
        call.request.head.header("x-ms-source-range"),
        source.content.len(),
    ) {
        Asked::Whole => source.content.clone(),
        Asked::Part(range) => source.content.slice(range),
        Asked::Unsatisfiable => return Err(AzureError::invalid_header("x-ms-source-range")),
    };
    stage(azure, call, content)?;
    Ok(Response::new(201))
}

fn stage(azure: &Azure, call: &Call<'_>, content: Content) -> Result<()> {
    let id = call
        .request
        .head
        .query("blockid")
        .unwrap_or_default()
        .to_owned();
    let decoded = decode(&id).filter(|bytes| (1..=64).contains(&bytes.len()));
    if decoded.is_none() {
        return Err(AzureError::invalid_query("blockid"));
    }
    let mut state = azure.state();
    let staged = state
        .container(call.container)?
        .staged
        .entry(call.blob.to_owned())
        .or_default();
    if staged
        .first()
        .is_some_and(|block| block.id.len() != id.len())
    {
        let message = "The specified blob or block content is invalid: ids must have one length.";
        return Err(AzureError::new(400, "InvalidBlobOrBlock", message));
    }
    match staged.iter_mut().find(|block| block.id == id) {
        Some(block) => block.content = content,
        None => staged.push(Block { id, content }),
    }
    Ok(())
}

pub(super) fn commit(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let document = payload::read(call.request)?.to_text();
    let mut blocks = chosen(azure, call, &document)?;
    if let Some((number, _)) = call.context.quirks.drop_part
        && (1..=blocks.len()).contains(&number)
    {
        blocks.remove(number - 1);
    }
    let mut content = Content::default();
    for block in &blocks {
        content.append(&block.content);
    }
    // The service sums no blob in blocks; it keeps what the writer says.
    let sum = call
        .request
        .head
        .header("x-ms-blob-content-md5")
        .map(str::to_owned);
    let mut blob = draft(call, content, sum);
    blob.blocks = blocks;
    let blob = azure.store(call, blob)?;
    Ok(payload::repeat_sums(
        written(201, &blob),
        &call.request.head,
    ))
}

/// The blocks that the list names, each from where it says.
fn chosen(azure: &Azure, call: &Call<'_>, document: &str) -> Result<Vec<Block>> {
    let invalid = || {
        AzureError::new(
            400,
            "InvalidBlockList",
            "The specified block list is invalid.",
        )
    };
    let list = elements(document, "BlockList");
    let list = list.first().ok_or_else(|| {
        AzureError::new(
            400,
            "InvalidXmlDocument",
            "XML specified is not syntactically valid.",
        )
    })?;
    let mut state = azure.state();
    let container = state.container(call.container)?;
    let committed = container
        .find(call.blob)
        .map(|blob| blob.blocks.clone())
        .unwrap_or_default();
    let staged = container
        .staged
        .get(call.blob)
        .map_or(&[][..], Vec::as_slice);
    let find = |blocks: &[Block], id: &str| blocks.iter().find(|block| block.id == id).cloned();
    children(list)
        .into_iter()
        .map(|(place, id)| {
            match place.as_str() {
                "Latest" => find(staged, &id).or_else(|| find(&committed, &id)),
                "Uncommitted" => find(staged, &id),
                "Committed" => find(&committed, &id),
                _ => None,
            }
            .ok_or_else(invalid)
        })
        .collect()
}

pub(super) fn list(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let kind = call
        .request
        .head
        .query("blocklisttype")
        .unwrap_or("committed");
    let mut state = azure.state();
    let container = state.container(call.container)?;
    let blob = container.find(call.blob);
    let staged = container.staged.get(call.blob);
    if blob.is_none() && staged.is_none() {
        return Err(AzureError::blob_not_found());
    }
    let mut xml = XmlWriter::new().open("BlockList");
    let committed = blob.as_ref().map(|blob| blob.blocks.as_slice());
    for (name, blocks) in [
        (
            "CommittedBlocks",
            committed.filter(|_| kind != "uncommitted"),
        ),
        (
            "UncommittedBlocks",
            staged.map(Vec::as_slice).filter(|_| kind != "committed"),
        ),
    ] {
        xml = xml
            .open(name)
            .each(blocks.unwrap_or_default(), |xml, block| {
                xml.open("Block")
                    .text("Name", &block.id)
                    .text("Size", block.content.len())
                    .close("Block")
            });
        xml = xml.close(name);
    }
    Ok(Response::new(200).xml(xml.close("BlockList").finish()))
}
