//! Going on where an earlier run was stopped.
//!
//! What lies on this machine is read again and compared with the journal, part by part: the partial file of a download,
//! the source of an upload. Parts that do not match are moved again; the service vouches for those it has.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::journal::{Header, Leftover, Line};
use super::object::{Ends, Moved};
use super::parts::{Parts, Placed};
use crate::backend::local;
use crate::checksum::{Algorithm, Checksum};
use crate::error::{Error, ErrorKind, Result};
use crate::types::ReadReply;

/// Bytes read at once while parts are compared.
const BLOCK: usize = 1 << 20;

/// Finishes what was left, or clears it away: `None` says that the transfer starts over.
///
/// # Errors
/// As of any transfer, where going on was right.
pub(super) async fn go_on(ends: &mut Ends, left: Leftover) -> Result<Option<Moved>> {
    let Some((source, parts)) = usable(ends, &left).await? else {
        clear(ends, left).await?;
        return Ok(None);
    };
    let Leftover {
        journal, header, ..
    } = left;
    ends.meter.resize(header.size);
    let mut work = Parts::new(ends, header, Some(journal), source);
    work.take_over(parts);
    match work.finish(None).await {
        Err(error) if is_forgotten(&error) => Ok(None),
        result => result.map(Some),
    }
}

/// The version to read and the parts that need not be moved again; `None` if nothing of it holds any more.
async fn usable(ends: &Ends, left: &Leftover) -> Result<Option<(ReadReply, Vec<Placed>)>> {
    let header = &left.header;
    if !header.is_of(&ends.identity()) {
        return Ok(None);
    }
    let (size, etag) = match (ends.size, &ends.etag) {
        (Some(size), Some(etag)) => (size, Some(etag.clone())),
        _ => {
            let now = ends.from.store.stat(ends.from.uri.key()).await;
            let now = now.map_err(|error| ends.from.unread(error))?;
            (now.size, now.etag)
        }
    };
    if size != header.size {
        return Ok(None);
    }
    let to_local = ends.to.uri.scheme().is_local();
    // What is on its way up is compared byte for byte below; a file whose time has changed may still hold the same.
    if to_local && !is_same_etag(etag.as_deref(), header.etag.as_deref()) {
        return Ok(None);
    }
    let file = match to_local {
        true => local::part_file(ends.to.uri.key(), &header.upload())?,
        false => local::file_of(ends.from.uri.key())?,
    };
    let source = ReadReply {
        size,
        etag: if to_local { header.etag.clone() } else { etag },
        checksum: header.checksum(),
        attempts: 1,
        ..ReadReply::default()
    };
    let algorithm = source.checksum.map(|stored| stored.algorithm);
    let parts = match intact(file, header, &left.lines, algorithm).await {
        // The partial file is gone.
        Err(error) if to_local && error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if to_local => return Err(ends.to.unwritten(error)),
        parts => parts.map_err(|error| ends.from.unread(error))?,
    };
    Ok((!parts.is_empty() || to_local).then_some((source, parts)))
}

/// Listings and answers differ in whether they quote it.
fn is_same_etag(one: Option<&str>, other: Option<&str>) -> bool {
    let bare = |etag: &str| etag.trim_matches('"').to_owned();
    one.is_some() && one.map(bare) == other.map(bare)
}

/// The service has dropped the upload since, or parts of it.
fn is_forgotten(error: &Error) -> bool {
    matches!(
        error.code(),
        Some("NoSuchUpload" | "InvalidPart" | "InvalidBlockList" | "InvalidBlockId")
    )
}

async fn clear(ends: &Ends, left: Leftover) -> Result<()> {
    let to = &ends.to;
    let upload = left.header.upload();
    let aborted = to.store.inner().abort_upload(to.uri.key(), &upload).await;
    aborted.map_err(|error| to.unwritten(error))?;
    let path = left.journal.path().to_owned();
    let removed = left.journal.remove().await;
    removed.map_err(|error| ends.journal_of(&path, error))
}

/// The noted parts whose bytes in `file` are still what they were.
async fn intact(
    file: PathBuf,
    header: &Header,
    lines: &[Line],
    algorithm: Option<Algorithm>,
) -> Result<Vec<Placed>> {
    let opened = tokio::task::spawn_blocking(move || open(&file)).await??;
    let opened = Arc::new(opened);
    let mut parts: Vec<Placed> = Vec::new();
    // A part that was sent again is noted again, and the service has the later one.
    let latest: BTreeMap<u32, &Line> = lines.iter().map(|line| (line.number, line)).collect();
    for line in latest.into_values() {
        if header.size_of(line.number) != Some(line.size) {
            continue;
        }
        let offset = u64::from(line.number - 1) * header.part_size;
        let (file, part) = (Arc::clone(&opened), line.part());
        // One task a part: nobody waits long for it when the transfer is dropped.
        let size = part.size;
        let sums = tokio::task::spawn_blocking(move || sums(&file, offset, size, algorithm));
        let Some((crc32c, sum)) = sums.await?? else {
            continue;
        };
        if Some(crc32c) == part.checksum {
            parts.push(Placed { part, sum });
        }
    }
    Ok(parts)
}

fn open(path: &Path) -> Result<File> {
    Ok(File::open(path)?)
}

/// CRC-32C and the other checksum of a range; `None` if the file ends before it does.
fn sums(
    file: &File,
    offset: u64,
    size: u64,
    algorithm: Option<Algorithm>,
) -> Result<Option<(Checksum, Option<Checksum>)>> {
    let mut block = vec![0; BLOCK];
    let mut crc32c = Checksum::of(Algorithm::Crc32c, &[]);
    let mut other = algorithm.map(|algorithm| Checksum::of(algorithm, &[]));
    let mut at = 0;
    while at < size {
        let len = BLOCK.min(usize::try_from(size - at).unwrap_or(BLOCK));
        let block = &mut block[..len];
        match file.read_exact_at(block, offset + at) {
            Err(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            result => result?,
        }
        crc32c = extended(crc32c, block);
        other = other.map(|other| extended(other, block));
        at += len as u64;
    }
    Ok(Some((crc32c, other)))
}

fn extended(sum: Checksum, block: &[u8]) -> Checksum {
    sum.then(Checksum::of(sum.algorithm, block), block.len() as u64)
}
