//! Keys and paths: a key is an absolute path without its first `/`.
//!
//! Keys that a file system would read as another path (`a//b`, `a/../b`) are refused before any I/O, so that one file
//! has one key.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::uri::Key;

/// Bytes that Linux allows one name.
const NAME_MAX: usize = 255;
/// Bytes that Linux allows a path, without its final NUL.
const PATH_MAX: usize = 4095;

const RESERVED_START: &str = ".s3dlio-";
const TEMP_END: &str = ".tmp";
const JOURNAL_END: &str = ".journal";

/// The file of an object's key.
pub(crate) fn object(key: &Key) -> Result<PathBuf> {
    let text = key.as_str();
    if text.is_empty() {
        return Err(Error::invalid("the key is empty"));
    }
    if text.ends_with('/') {
        return Err(Error::invalid(
            "the key ends in `/`, so it names a directory, not a file",
        ));
    }
    check(text)?;
    if text.rsplit('/').next().is_some_and(is_reserved) {
        return Err(Error::invalid(
            "the name is reserved for transfers under way",
        ));
    }
    Ok(absolute(text))
}

/// The directory of a prefix or container; with or without a final `/`. The empty key is the root.
pub(super) fn directory(key: &Key) -> Result<PathBuf> {
    if !key.is_empty() {
        let text = key.as_str();
        check(text.strip_suffix('/').unwrap_or(text))?;
    }
    Ok(absolute(key.as_str()))
}

/// As [`directory`], for calls that make or remove it.
pub(super) fn container(key: &Key) -> Result<PathBuf> {
    if key.is_empty() {
        return Err(Error::invalid("the root directory is no container"));
    }
    directory(key)
}

/// The directory that holds a file.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// A fresh name for a file that is being written; it is hidden from listings.
pub(super) fn temporary_name() -> String {
    format!("{RESERVED_START}{:016x}{TEMP_END}", rand::random::<u64>())
}

pub(super) fn is_temporary(name: &str) -> bool {
    is_marked(name, TEMP_END)
}

/// Whether a file of that name is no object: it is being written, or tells how far a transfer has come.
pub(crate) fn is_reserved(name: &str) -> bool {
    is_temporary(name) || is_journal(name)
}

/// Whether a file of that name tells how far a transfer has come.
pub(crate) fn is_journal(name: &str) -> bool {
    is_marked(name, JOURNAL_END)
}

fn is_marked(name: &str, end: &str) -> bool {
    name.len() > RESERVED_START.len() + end.len()
        && name.starts_with(RESERVED_START)
        && name.ends_with(end)
}

/// The name of the file that tells how far a transfer has come; `of` is what it is about.
pub(crate) fn journal_name(of: &str) -> String {
    let digest = Sha256::digest(of.as_bytes());
    let short: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{RESERVED_START}{short}{JOURNAL_END}")
}

fn absolute(text: &str) -> PathBuf {
    PathBuf::from(format!("/{text}"))
}

fn check(text: &str) -> Result<()> {
    if text.len() >= PATH_MAX {
        return Err(Error::invalid(format!(
            "the path has more than {PATH_MAX} bytes"
        )));
    }
    if text.contains('\0') {
        return Err(Error::invalid("the key holds a NUL, which no path can"));
    }
    for name in text.split('/') {
        match name {
            "" => {
                return Err(Error::invalid(
                    "the key starts with `/` or holds `//`, which a path does not keep",
                ));
            }
            "." | ".." => {
                return Err(Error::invalid(format!(
                    "the key holds a `{name}` component"
                )));
            }
            name if name.len() > NAME_MAX => {
                return Err(Error::invalid(format!(
                    "a component of the key has more than {NAME_MAX} bytes"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn keys_a_path_would_change_are_refused() {
        let long = "n".repeat(NAME_MAX + 1);
        let deep = vec!["d"; PATH_MAX].join("/");
        for key in [
            "",
            "/",
            "/a",
            "a//b",
            "a/",
            "a/./b",
            "./a",
            "..",
            "a/..",
            "a\0b",
            &long,
            &deep,
            ".s3dlio-1.tmp",
            "d/.s3dlio-xy.tmp",
            "d/.s3dlio-xy.journal",
        ] {
            let error = object(&Key::new(key)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{key:?}");
        }
    }

    #[test]
    fn every_other_name_is_a_key() {
        let long = "n".repeat(NAME_MAX);
        for key in [
            "a",
            "a/b",
            "a b+c%20#?",
            "ü/\n",
            "...",
            ".hidden",
            ".s3dlio-.tmp",
            ".s3dlio-.journal",
            "x.tmp",
            &long,
        ] {
            assert_eq!(
                object(&Key::new(key)).unwrap().to_str(),
                Some(&*format!("/{key}"))
            );
        }
    }

    #[test]
    fn a_directory_may_end_in_one_slash() {
        assert_eq!(directory(&Key::new("")).unwrap(), Path::new("/"));
        assert_eq!(directory(&Key::new("a/b/")).unwrap(), Path::new("/a/b"));
        assert!(directory(&Key::new("a//")).is_err());
        assert!(directory(&Key::new("/")).is_err());
        assert!(container(&Key::new("")).is_err());
    }

    #[test]
    fn temporary_names_are_known_again() {
        assert!(is_temporary(&temporary_name()));
        assert_ne!(temporary_name(), temporary_name());
        assert!(is_reserved(&temporary_name()) && is_reserved(&journal_name("a")));
        assert_ne!(journal_name("a"), journal_name("b"));
    }
}
