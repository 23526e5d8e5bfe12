//! One file or object to another place: what is meant by two texts, and copies that their service can make.

use std::fs;

use super::budget::Budget;
use super::meter::FileMeter;
use super::object::{Item, Moved};
use super::places::{Place, last_name, real_path, uri_of};
use crate::client::{Client, Copying};
use crate::error::{Error, Result};
use crate::span::Span;
use crate::types::WriteOptions;
use crate::uri::Uri;

/// Of the memory that all files of a transfer share, what a large one takes that goes from service to service.
const SHARE: u64 = 4;

/// Copies by the service of both ends, or from one service to the other through this machine. `None` for files of this
/// machine that the kernel does not copy.
pub(super) async fn copied(
    client: &Client,
    item: &Item,
    write: &WriteOptions,
    budget: &Budget,
    meter: &mut FileMeter,
    span: &Span,
) -> Result<Option<Moved>> {
    let of_target = |error: Error| error.at(item.op, &item.to);
    let copy = Copying::open(client, item.op, (&item.from, &item.to), write).await;
    let copy = copy.map_err(of_target)?;
    let size = copy.size();
    meter.resize(size);
    let moved = Moved {
        bytes: size,
        resumed: 0,
    };
    if copy
        .within_the_service()
        .await
        .map_err(of_target)?
        .is_some()
    {
        meter.add(size);
        return Ok(Some(moved));
    }
    if item.from.scheme().is_local() {
        return Ok(None);
    }
    let share = client.config().memory_limit / SHARE;
    let memory = size.saturating_mul(2).min(share);
    let _memory = budget.take(memory).await;
    let through = copy.through_here(memory, span, |bytes| meter.add(bytes));
    through.await.map_err(of_target)?;
    Ok(Some(moved))
}

/// Refuses sources that hold others: a copy of a whole tree must be meant. Blocks.
pub(super) fn refuse_trees(places: &[Place], texts: &[String]) -> Result<()> {
    let mut named = places.iter().zip(texts);
    match named.find(|(place, _)| is_tree(place)) {
        Some((_, text)) => Err(Error::invalid(format!(
            "{text} is a directory or a prefix, and only a recursive copy takes all it holds"
        ))),
        None => Ok(()),
    }
}

/// Whether a place holds others by what it is called, or is a directory. Blocks.
pub(super) fn is_tree(place: &Place) -> bool {
    match place {
        Place::Local { path, .. } => path.is_dir(),
        Place::Remote(uri) => uri.key().is_prefix(),
    }
}

/// What is to be copied where. Blocks.
pub(super) fn item(from: Place, to: Place) -> Result<Item> {
    let (name, from, size) = match from {
        Place::Local { scheme, path } => {
            let meta = fs::metadata(&path)?;
            if !meta.is_file() {
                return Err(Error::invalid("the source is not a file"));
            }
            let name = last_name(&path).and_then(|name| name.to_str());
            let name = name.unwrap_or_default().to_owned();
            (name, uri_of(scheme, &real_path(&path)?)?, Some(meta.len()))
        }
        Place::Remote(uri) => {
            let key = uri.key().as_str();
            let name = key.rsplit('/').next().unwrap_or(key).to_owned();
            (name, uri, None)
        }
    };
    let to = target(to, &name)?;
    if from == to {
        return Err(Error::invalid("source and target are the same"));
    }
    Ok(Item {
        op: "copy",
        from,
        to,
        size,
        etag: None,
    })
}

fn target(to: Place, name: &str) -> Result<Uri> {
    match to {
        Place::Local { scheme, path }
            if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") =>
        {
            uri_of(scheme, &real_path(&path)?.join(name))
        }
        Place::Remote(uri) if uri.key().is_prefix() => Ok(uri.join(name)),
        to => object(to),
    }
}

/// The URI of one file or object. Blocks.
pub(super) fn object(place: Place) -> Result<Uri> {
    let (scheme, path) = match place {
        Place::Local { scheme, path } => (scheme, path),
        Place::Remote(uri) => return Ok(uri),
    };
    let last = last_name(&path).ok_or_else(|| Error::invalid("the path names no file"))?;
    // A symlink at the target is itself replaced, so only what is above it is resolved.
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => real_path(parent)?,
        _ => real_path(".".as_ref())?,
    };
    uri_of(scheme, &parent.join(last))
}
