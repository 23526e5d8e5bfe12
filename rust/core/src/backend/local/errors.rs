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

/// Whether somebody else was faster to remove it.
pub(super) fn is_gone(cause: &io::Error) -> bool {
    matches!(cause.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}
