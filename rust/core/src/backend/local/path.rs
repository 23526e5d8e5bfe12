//! Keys and paths: a key is an absolute path without its first `/`.
//!
//! Keys that a file system would read as another path (`a//b`, `a/../b`) are refused before any I/O, so that one file
//! has one key.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::uri::Key;

/// Bytes that Linux allows one name.
const NAME_MAX: usize = 255;
/// Bytes that Linux allows a path, without its final NUL.
const PATH_MAX: usize = 4095;

const TEMP_START: &str = ".s3dlio-";
const TEMP_END: &str = ".tmp";

/// The file of an object's key.
pub(super) fn object(key: &Key) -> Result<PathBuf> {
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
    if text.rsplit('/').next().is_some_and(is_temporary) {
        return Err(Error::invalid(
            "the name is reserved for files that are being written",
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
    format!("{TEMP_START}{:016x}{TEMP_END}", rand::random::<u64>())
}

pub(super) fn is_temporary(name: &str) -> bool {
    name.len() > TEMP_START.len() + TEMP_END.len()
        && name.starts_with(TEMP_START)
        && name.ends_with(TEMP_END)
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
    }
}
