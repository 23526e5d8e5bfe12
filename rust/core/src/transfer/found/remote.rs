//! Objects: one by its URI, all below a prefix, or what a pattern matches.

use super::{Finds, Found, Search};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::transfer::places::Wildcards;
use crate::types::Entry;
use crate::uri::{Key, Uri};

/// What `uri` names. A pattern that is itself the key of an object means that object.
pub(super) async fn find(client: &Client, uri: &Uri, search: Search) -> Result<Finds> {
    let named = |error: Error| error.at(search.op, uri);
    let found = if uri.key().is_prefix() {
        below(client, uri, search.recursive).await
    } else {
        match Wildcards::in_key(uri.key().as_str(), search.recursive).map_err(named)? {
            Some(wildcards) => matching(client, uri, &wildcards, search).await,
            None => return Ok(one(uri)),
        }
    };
    let found = found.map_err(named)?;
    if found.is_empty() {
        return Err(named(Error::new(
            ErrorKind::NotFound,
            "there is no such object",
        )));
    }
    Ok(found)
}

fn one(uri: &Uri) -> Finds {
    let key = uri.key().as_str();
    let name = key.rsplit('/').next().unwrap_or(key).to_owned();
    Finds {
        files: vec![Found {
            name,
            uri: uri.clone(),
            size: None,
            etag: None,
            modified: None,
        }],
        ..Finds::default()
    }
}

async fn matching(
    client: &Client,
    uri: &Uri,
    wildcards: &Wildcards,
    search: Search,
) -> Result<Finds> {
    let base = uri.with_key(Key::new(wildcards.fixed.as_str()));
    let one_level = !search.recursive && wildcards.depth() == Some(1);
    let mut found = below(client, &base, !one_level).await?;
    if let Some(at) = (found.files.iter()).position(|file| wildcards.is_literally(&file.name)) {
        return Ok(Finds {
            files: vec![found.files.swap_remove(at)],
            ..Finds::default()
        });
    }
    found.files.retain(|file| wildcards.matches(&file.name));
    found.skipped = 0;
    found.tree = false;
    Ok(found)
}

/// Everything below a URI that ends in `/`, names relative to it.
pub(in crate::transfer) async fn below(
    client: &Client,
    base: &Uri,
    recursive: bool,
) -> Result<Finds> {
    let mut scan = client.scan(base, recursive, None).await?;
    let mut finds = Finds {
        tree: true,
        ..Finds::default()
    };
    while let Some(entry) = scan.next().await? {
        let name = entry.key[base.key().as_str().len()..].to_owned();
        if stands_for_a_directory(&name, &entry) {
            // A common prefix of a listing of one level is no object.
            if entry.etag.is_some() {
                finds.skipped += 1;
                finds.passed.push(name);
            }
            continue;
        }
        finds.files.push(Found {
            name,
            uri: base.with_key(Key::new(entry.key)),
            size: Some(entry.size),
            etag: entry.etag,
            modified: entry.last_modified,
        });
    }
    Ok(finds)
}

/// Consoles and file gateways make empty objects whose keys end in `/`.
fn stands_for_a_directory(name: &str, entry: &Entry) -> bool {
    entry.size == 0 && (name.is_empty() || name.ends_with('/'))
}
