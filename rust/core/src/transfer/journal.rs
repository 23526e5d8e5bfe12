//! What is written down of a large transfer, so that a later run can go on where this one was stopped, by `kill -9` too.
//!
//! A journal is a line of JSON that tells what is moved, then a line for each part that is in its place. A line is
//! written after its part, and every part is compared with its line before it is trusted, so nothing here is synced: a
//! power cut costs what was not on the disk yet, and a torn last line is no line.
//!
//! Whoever uses a journal holds its lock; the lock goes with the process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backend::local::is_journal;
use crate::checksum::{Algorithm, Checksum};
use crate::error::Result;
use crate::types::{Part, UploadId, WriteOptions};

const VERSION: u32 = 1;

/// What is moved, where to, and what it is to have there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub from: String,
    pub to: String,
    /// The same bucket name at another endpoint is another bucket.
    pub endpoints: String,
    /// An upload keeps the properties it was begun with.
    pub write: WriteOptions,
}

/// What is moved, and from which version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    version: u32,
    #[serde(flatten)]
    pub of: Identity,
    pub size: u64,
    pub etag: Option<String>,
    pub part_size: u64,
    upload: String,
    /// Of the whole object, where its service keeps one.
    checksum: Option<StoredChecksum>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredChecksum {
    algorithm: String,
    value: String,
}

const ALGORITHMS: [(Algorithm, &str); 3] = [
    (Algorithm::Crc32c, "crc32c"),
    (Algorithm::Crc64Nvme, "crc64nvme"),
    (Algorithm::Crc32, "crc32"),
];

impl Header {
    pub fn new(of: &Identity, size: u64, etag: Option<String>, upload: &UploadId) -> Self {
        Header {
            version: VERSION,
            of: of.clone(),
            size,
            etag,
            part_size: upload.part_size,
            upload: upload.id.clone(),
            checksum: None,
        }
    }

    /// With the checksum of the whole object, where its service keeps one.
    pub fn with_checksum(mut self, checksum: Option<Checksum>) -> Self {
        self.checksum = checksum.map(|sum| StoredChecksum {
            algorithm: name_of(sum.algorithm).to_owned(),
            value: sum.to_base64(),
        });
        self
    }

    pub fn upload(&self) -> UploadId {
        UploadId {
            id: self.upload.clone(),
            part_size: self.part_size,
        }
    }

    pub fn checksum(&self) -> Option<Checksum> {
        let stored = self.checksum.as_ref()?;
        let (algorithm, _) = ALGORITHMS
            .into_iter()
            .find(|(_, name)| *name == stored.algorithm)?;
        Checksum::from_base64(algorithm, &stored.value)
    }

    pub fn is_of(&self, transfer: &Identity) -> bool {
        self.version == VERSION && self.of == *transfer
    }

    /// Bytes of a part; `None` if there is no such part.
    pub fn size_of(&self, number: u32) -> Option<u64> {
        let before = u64::from(number.checked_sub(1)?).checked_mul(self.part_size)?;
        let rest = self.size.checked_sub(before).filter(|rest| *rest > 0)?;
        Some(rest.min(self.part_size))
    }
}

fn name_of(algorithm: Algorithm) -> &'static str {
    let known = ALGORITHMS
        .into_iter()
        .find(|(known, _)| *known == algorithm);
    known.expect("the table has every algorithm").1
}

/// A part that is in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub number: u32,
    pub size: u64,
    pub etag: Option<String>,
    pub crc32c: u32,
}

impl Line {
    pub fn of(part: &Part, crc32c: Checksum) -> Self {
        Line {
            number: part.number,
            size: part.size,
            etag: part.etag.clone(),
            // A 32-bit checksum kept in 64 bits.
            crc32c: crc32c.value as u32,
        }
    }

    pub fn part(&self) -> Part {
        Part {
            number: self.number,
            size: self.size,
            etag: self.etag.clone(),
            checksum: Some(Checksum {
                algorithm: Algorithm::Crc32c,
                value: u64::from(self.crc32c),
            }),
        }
    }
}

/// A journal whose lock this process holds.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    path: Arc<Path>,
    file: Arc<File>,
}

/// What an earlier run left.
#[derive(Debug)]
pub(super) struct Leftover {
    pub journal: Journal,
    pub header: Header,
    pub lines: Vec<Line>,
}

impl Journal {
    /// The journal of an earlier run, if there is one that nobody uses. One that cannot be read is removed.
    pub async fn find(path: PathBuf) -> Result<Option<Leftover>> {
        tokio::task::spawn_blocking(move || Ok(find(&path)?)).await?
    }

    /// The journals in a directory, which need not exist, that nothing was noted in for so long.
    pub async fn older_than(directory: PathBuf, age: Duration) -> Result<Vec<PathBuf>> {
        tokio::task::spawn_blocking(move || Ok(older_than(&directory, age)?)).await?
    }

    /// Begins a journal; `None` where somebody else has one for the same target, or none can be kept.
    pub async fn begin(path: PathBuf, header: Header) -> Result<Option<Journal>> {
        Ok(
            tokio::task::spawn_blocking(move || match begin(&path, &header) {
                Ok(journal) => journal,
                Err(cause) => {
                    tracing::info!(path = %path.display(), %cause, "no journal can be kept");
                    None
                }
            })
            .await?,
        )
    }

    /// Notes a part that is in its place.
    pub async fn note(&self, line: Line) -> Result<()> {
        let file = Arc::clone(&self.file);
        tokio::task::spawn_blocking(move || Ok(append(&file, &line)?)).await?
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends it: there is nothing to go on with.
    pub async fn remove(self) -> Result<()> {
        tokio::task::spawn_blocking(move || match fs::remove_file(&self.path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
            result => Ok(result?),
        })
        .await?
    }
}

fn older_than(directory: &Path, age: Duration) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut old = Vec::new();
    for entry in entries {
        let entry = entry?;
        let is_journal = entry.file_name().to_str().is_some_and(is_journal);
        let age_of = |meta: fs::Metadata| meta.modified().ok()?.elapsed().ok();
        // One that is gone by now is another call's business.
        if is_journal && entry.metadata().ok().and_then(age_of) > Some(age) {
            old.push(entry.path());
        }
    }
    Ok(old)
}

fn find(path: &Path) -> io::Result<Option<Leftover>> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .append(true)
        .custom_flags(libc::O_NOFOLLOW);
    let Some(journal) = lock(path, &options)? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    (&*journal.file).read_to_end(&mut text)?;
    let mut rest = text.split_inclusive(|byte| *byte == b'\n');
    let mut whole = 0;
    let mut take = || {
        let line = rest.next()?;
        Some((line, line.len() as u64))
    };
    let header = take().and_then(|(line, len)| {
        whole += len;
        parse::<Header>(line)
    });
    let Some(header) = header else {
        fs::remove_file(path)?;
        return Ok(None);
    };
    let mut lines = Vec::new();
    while let Some((line, len)) = take()
        && let Some(line) = parse::<Line>(line)
    {
        lines.push(line);
        whole += len;
    }
    // What follows was not written in one piece, and the next line must not be joined to it.
    journal.file.set_len(whole)?;
    Ok(Some(Leftover {
        journal,
        header,
        lines,
    }))
}

fn parse<T: for<'a> Deserialize<'a>>(line: &[u8]) -> Option<T> {
    serde_json::from_slice(line.strip_suffix(b"\n")?).ok()
}

fn begin(path: &Path, header: &Header) -> io::Result<Option<Journal>> {
    if let Some(parent) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(parent)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    options.custom_flags(libc::O_NOFOLLOW);
    let Some(journal) = lock(path, &options)? else {
        return Ok(None);
    };
    journal.file.set_len(0)?;
    append(&journal.file, header)?;
    Ok(Some(journal))
}

/// One write, so that lines of several threads do not mix.
fn append(mut file: &File, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)
}

fn lock(path: &Path, options: &OpenOptions) -> io::Result<Option<Journal>> {
    loop {
        let file = match options.open(path) {
            // A file in place of a directory shows when the target is written.
            Err(cause)
                if matches!(
                    cause.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            file => file?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(cause)) => return Err(cause),
        }
        // Its owner may have removed it between the two calls: then this is nobody's journal any more.
        match fs::symlink_metadata(path) {
            Ok(now) if now.ino() == file.metadata()?.ino() => {
                return Ok(Some(Journal {
                    path: path.into(),
                    file: Arc::new(file),
                }));
            }
            Ok(_) => {}
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let of = Identity {
            from: "s3://b/k".into(),
            to: "file:///d/k".into(),
            endpoints: String::new(),
            write: WriteOptions::default(),
        };
        let upload = UploadId {
            id: ".s3dlio-1.tmp".into(),
            part_size: 10,
        };
        let sum = Checksum::of(Algorithm::Crc64Nvme, b"123456789");
        Header::new(&of, 25, Some("\"e\"".into()), &upload).with_checksum(Some(sum))
    }

    fn line(number: u32) -> Line {
        let size = header().size_of(number).unwrap();
        Line {
            number,
            size,
            etag: None,
            crc32c: number,
        }
    }

    #[tokio::test]
    async fn what_was_noted_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/j");
        let journal = Journal::begin(path.clone(), header()).await.unwrap();
        let journal = journal.expect("nobody else has it");
        journal.note(line(3)).await.unwrap();
        journal.note(line(1)).await.unwrap();

        assert!(Journal::find(path.clone()).await.unwrap().is_none());
        assert!(
            Journal::begin(path.clone(), header())
                .await
                .unwrap()
                .is_none()
        );
        drop(journal);
        let found = Journal::find(path.clone()).await.unwrap().unwrap();

        assert_eq!(found.header, header());
        assert_eq!(found.lines, [line(3), line(1)]);
        assert_eq!(
            found.header.checksum().unwrap().value,
            0xae8b_1486_0a79_9888
        );
        found.journal.remove().await.unwrap();
        assert!(Journal::find(path).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_torn_line_and_all_after_it_count_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let journal = Journal::begin(path.clone(), header()).await.unwrap();
        let journal = journal.unwrap();
        journal.note(line(1)).await.unwrap();
        journal.note(line(2)).await.unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        let first_line = whole.iter().position(|byte| *byte == b'\n').unwrap();

        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let found = Journal::find(path.clone()).await.unwrap();
            let lines = found.map(|found| found.lines.len());
            let complete = whole[..cut].split(|byte| *byte == b'\n').count() - 1;
            assert_eq!(
                lines,
                (cut > first_line).then(|| complete - 1),
                "cut at {cut}"
            );
        }
        fs::write(&path, [&whole[..], b"\0\0\0\0\n"].concat()).unwrap();
        let found = Journal::find(path).await.unwrap().unwrap();
        assert_eq!(found.lines.len(), 2);
    }

    #[test]
    fn parts_have_the_sizes_of_the_object() {
        let header = header();

        let sizes: Vec<_> = (0..5).map(|number| header.size_of(number)).collect();

        assert_eq!(sizes, [None, Some(10), Some(10), Some(5), None]);
    }
}
