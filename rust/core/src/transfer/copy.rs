//! One file or object to another place, and how it gets from one service to another: through this machine.

use std::fs;

use super::budget::Budget;
use super::meter::FileMeter;
use super::object::{Ends, Item, Moved};
use super::places::{Place, last_name, real_path, uri_of};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::span::Span;
use crate::uri::Uri;

/// Reads from one service and writes to the other, in bounded memory.
pub(super) async fn between(
    client: &Client,
    item: &Item,
    budget: Budget,
    meter: FileMeter,
    span: &Span,
) -> Result<Moved> {
    let ends = Ends::open(client, item, budget, meter, span).await?;
    ends.start().await
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
        Place::Remote(uri) if uri.key().is_prefix() => {
            return Err(Error::invalid("the source is a prefix, not an object"));
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
        Place::Local { scheme, path } => {
            let is_directory = path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/");
            let parent = match path.parent() {
                Some(parent) if !is_directory => parent,
                _ => &path,
            };
            // A symlink at the target is itself replaced, so only what is above it is resolved.
            let parent = match parent.as_os_str().is_empty() {
                true => real_path(".".as_ref())?,
                false => real_path(parent)?,
            };
            let last = match is_directory {
                true => name.as_ref(),
                false => {
                    last_name(&path).ok_or_else(|| Error::invalid("the target names no file"))?
                }
            };
            uri_of(scheme, &parent.join(last))
        }
        Place::Remote(uri) if uri.key().is_prefix() => Ok(uri.join(name)),
        Place::Remote(uri) => Ok(uri),
    }
}
