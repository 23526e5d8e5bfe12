//! What an errno means to somebody who thinks in keys.

use std::io;
use std::path::Path;

use crate::error::{Error, ErrorKind};

/// Of a call that looks for an object. A file where the key has a directory is as definite as `ENOENT`.
pub(super) fn of_lookup(cause: io::Error) -> Error {
    let missing = cause.raw_os_error() == Some(libc::ENOTDIR);
    let error = Error::from(cause);
    if missing {
        error.with_kind(ErrorKind::NotFound)
    } else {
        error
    }
}

/// Of a call that makes a file at a key.
pub(super) fn of_write(cause: io::Error) -> Error {
    match cause.raw_os_error() {
        Some(errno @ libc::ENOTDIR) => {
            Error::invalid("a part of the path is a file, not a directory").with_errno(errno)
        }
        Some(errno @ libc::EISDIR) => is_a_directory().with_errno(errno),
        _ => Error::from(cause),
    }
}

pub(super) fn is_a_directory() -> Error {
    Error::invalid("the path is a directory; it cannot become an object")
}

/// Of a directory that is there and in which nothing can be made, as `/proc`, which says that it is not there. Others,
/// as `/sys`, deny it.
pub(super) fn takes_nothing(directory: &Path) -> Error {
    let detail = format!("nothing can be made in {}", directory.display());
    Error::new(ErrorKind::AccessDenied, detail).with_errno(libc::EACCES)
}

/// Of something that is not the target of the call; names it.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Error + use<'_> {
    move |cause| {
        let errno = cause.raw_os_error();
        let error = Error::from(cause);
        let named = Error::new(
            error.kind(),
            format!("{}: {}", path.display(), error.detail()),
        );
        match errno {
            Some(errno) => named.with_errno(errno),
            None => named.with_source(error),
        }
    }
}

/// Of a file that something else is read from or written to, which is what the error is named after.
pub(crate) fn cannot_read(path: &Path) -> impl Fn(Error) -> Error + use<'_> {
    move |error| told("read", path, error)
}

/// As [`cannot_read`]. "Not found" would be said of the other end, which is there.
pub(crate) fn cannot_write(path: &Path) -> impl Fn(Error) -> Error + use<'_> {
    move |error| {
        let error = told("write", path, error);
        match error.kind() {
            ErrorKind::NotFound => error.with_kind(ErrorKind::LocalIo),
            _ => error,
        }
    }
}

fn told(what: &str, path: &Path, error: Error) -> Error {
    let detail = format!("cannot {what} {}: {}", path.display(), error.detail());
    error.with_detail(detail)
}

/// Whether somebody else was faster to remove it.
pub(super) fn is_gone(cause: &io::Error) -> bool {
    matches!(cause.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}
