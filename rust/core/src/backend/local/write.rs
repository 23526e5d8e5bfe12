//! Atomic writes: a temporary file in the same directory, made durable, then given its name.
//!
//! Readers see the old file or the whole new one, also after a crash. A symlink at the target is itself replaced, not
//! what it points to; a file that is replaced passes its mode and owner on. A device, FIFO or socket is never replaced:
//! others need it where it is, `/dev/null` all of the machine.

use std::fs::{self, File, FileType, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::blocking::Cancelled;
use super::open::{Access, Opened};
use super::{Local, errors, meta, path};
use crate::checksum::Checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::types::WriteReply;

/// Directories may be pruned by somebody else as fast as they are made.
const MAKE_ATTEMPTS: usize = 8;

/// How a file gets its name.
pub(super) struct Publish<'a> {
    pub if_none_match: bool,
    /// Of all its bytes, where it is known.
    pub checksum: Option<Checksum>,
    pub cancelled: &'a Cancelled,
}

/// A file under its temporary name; removed when dropped, unless it was given its own.
#[derive(Debug)]
pub(super) struct Temporary {
    path: PathBuf,
    keep: bool,
}

impl Temporary {
    /// One just made.
    fn made(path: PathBuf) -> Self {
        Temporary { path, keep: false }
    }

    /// One that belongs to whoever knows its name, as long as it has no other.
    pub fn of_upload(path: PathBuf) -> Self {
        Temporary { path, keep: true }
    }

    /// Leaves the file to whoever knows its name.
    pub fn keep(mut self) -> String {
        self.keep = true;
        // It was made from text.
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.keep {
            // A leftover is hidden from listings; there is nobody to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Local {
    pub(super) fn write(
        &self,
        target: &Path,
        body: &Payload,
        if_none_match: bool,
        cancelled: &Cancelled,
    ) -> Result<WriteReply> {
        let (temporary, opened) = self.stage(target, if_none_match)?;
        let checksum = self.write_body(&opened, 0, body, cancelled)?;
        if opened
            .direct
            .is_some_and(|alignment| !alignment.fits_offset(body.len()))
        {
            opened.file.set_len(body.len())?;
        }
        let publish = Publish {
            if_none_match,
            checksum: Some(checksum),
            cancelled,
        };
        self.publish(temporary, &opened.file, target, publish)
    }

    /// Makes a temporary file beside the target, and missing parents.
    pub(super) fn stage(&self, target: &Path, if_none_match: bool) -> Result<(Temporary, Opened)> {
        // What could only fail at the end is found before any byte is written.
        match fs::symlink_metadata(target) {
            Ok(found) if found.is_dir() => return Err(errors::is_a_directory()),
            Ok(_) if if_none_match => return Err(exists()),
            Ok(found) => refuse_node(target, &found)?,
            // What cannot be looked at cannot be written either, which tells more.
            Err(_) => {}
        }
        let parent = path::parent(target);
        for _ in 0..MAKE_ATTEMPTS {
            let temporary = parent.join(path::temporary_name());
            match self.open(&temporary, Access::Create) {
                Ok(opened) => {
                    // Nobody may look at the bytes on their way who may not look at the file.
                    keep_access(target, &opened.file, 0o600);
                    return Ok((Temporary::made(temporary), opened));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.make(parent)?;
                }
                Err(error) => return Err(error),
            }
        }
        if parent.is_dir() {
            return Err(errors::takes_nothing(parent));
        }
        let detail = "the directory vanishes as often as it is made";
        Err(Error::new(ErrorKind::NotFound, detail).with_errno(libc::ENOENT))
    }

    /// Makes the bytes durable and gives them their name.
    pub(super) fn publish(
        &self,
        temporary: Temporary,
        file: &File,
        target: &Path,
        how: Publish<'_>,
    ) -> Result<WriteReply> {
        how.cancelled.check()?;
        // A directory that cannot be opened could not be made durable: found before the old file is gone.
        let parent = self
            .durable
            .then(|| File::open(path::parent(target)))
            .transpose()?;
        if let Some(parent) = &parent {
            self.lasting.anchor(parent)?;
        }
        keep_access(target, file, 0);
        if self.durable {
            // After a failure the kernel may have dropped the bytes, so a second try would prove nothing.
            self.lasting.sync_file(file)?;
        }
        let etag = meta::etag(&file.metadata()?);
        how.cancelled
            .commit(|| rename(temporary, target, how.if_none_match))?;
        if let Some(parent) = parent {
            self.lasting.sync(&parent)?;
        }
        Ok(WriteReply {
            etag: Some(etag),
            version_id: None,
            checksum: how.checksum,
        })
    }
}

/// Gives the file the mode of the one it replaces, with the bits of `also`, and its owner where we may: what was private stays
/// so.
fn keep_access(target: &Path, file: &File, also: u32) {
    let Ok(found) = fs::symlink_metadata(target) else {
        return;
    };
    let Ok(own) = file.metadata() else { return };
    if !found.is_file() {
        return;
    }
    let (user, group) = (found.uid(), found.gid());
    if (own.uid(), own.gid()) != (user, group) {
        // Only root may; whoever may replace a file need not be its owner.
        let _ = fchown(file, Some(user), Some(group));
    }
    let mode = (found.mode() & 0o777) | also;
    if mode != own.mode() & 0o777 {
        // Refused by file systems without modes.
        let _ = file.set_permissions(Permissions::from_mode(mode));
    }
}

fn rename(mut temporary: Temporary, target: &Path, if_none_match: bool) -> Result<()> {
    if !if_none_match {
        // Somebody may have made one meanwhile.
        if let Ok(found) = fs::symlink_metadata(target) {
            refuse_node(target, &found)?;
        }
        fs::rename(&temporary.path, target).map_err(errors::of_write)?;
        temporary.keep = true;
        return Ok(());
    }
    match rustix::fs::renameat_with(CWD, &temporary.path, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => {
            temporary.keep = true;
            Ok(())
        }
        Err(Errno::EXIST) => Err(exists()),
        // Network file systems may not know the flag. A second name for the file fails just so; the first one goes.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match fs::hard_link(&temporary.path, target) {
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Err(exists()),
                result => {
                    result.map_err(errors::of_write)?;
                    temporary.keep = false;
                    Ok(())
                }
            }
        }
        Err(cause) => Err(errors::of_write(cause.into())),
    }
}

/// Refuses a target that is no file, or a symlink to what is none; `found` is what lies there itself.
fn refuse_node(target: &Path, found: &Metadata) -> Result<()> {
    let (link, node) = match found.is_symlink() {
        true => ("a symlink to ", node_behind(target)),
        false => ("", node(found.file_type())),
    };
    match node {
        Some(node) => Err(Error::invalid(format!(
            "the target is {link}{node}, not a regular file; in a shell, `s3-cli cp SRC -` writes to a pipe"
        ))),
        None => Ok(()),
    }
}

fn node_behind(link: &Path) -> Option<&'static str> {
    let found = fs::metadata(link).ok();
    let in_proc = || fs::read_link(link).is_ok_and(|to| to.starts_with("/proc"));
    found
        .and_then(|found| node(found.file_type()))
        // `/dev/stdout`, where that is a file just now.
        .or_else(|| in_proc().then_some("a file of /proc"))
}

fn node(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_char_device() || kind.is_block_device() => Some("a device"),
        kind if kind.is_fifo() => Some("a FIFO"),
        kind if kind.is_socket() => Some("a socket"),
        _ => None,
    }
}

fn exists() -> Error {
    Error::new(ErrorKind::AlreadyExists, "the file already exists").with_errno(libc::EEXIST)
}
