//! What a transfer is given as text: a URI, or a path of this machine with or without wildcards.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::error::{Error, Result};
use crate::uri::{Scheme, Uri};

/// One end of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// `scheme` says how its bytes are moved.
    Local {
        scheme: Scheme,
        path: PathBuf,
    },
    Remote(Uri),
}

impl Place {
    /// Reads a URI, or else a path. A path may be relative; a URI may not.
    pub fn parse(text: &str) -> Result<Place> {
        if text.contains('\0') {
            return Err(Error::invalid("the path holds a NUL, which no path can"));
        }
        if !text.contains("://") {
            if text.is_empty() {
                return Err(Error::invalid("the path is empty"));
            }
            return Ok(Place::Local {
                scheme: Scheme::File,
                path: PathBuf::from(text),
            });
        }
        let uri: Uri = text.parse()?;
        uri.require_container()?;
        if uri.scheme().is_local() {
            return Ok(Place::Local {
                scheme: uri.scheme(),
                path: PathBuf::from(format!("/{}", uri.key())),
            });
        }
        Ok(Place::Remote(uri))
    }

    /// The same place with a key or path that ends in `/`, as the URI to list and to put files below.
    pub fn directory(&self) -> Result<Uri> {
        match self {
            Place::Local { scheme, path } => {
                let uri = uri_of(*scheme, &real_path(path)?)?;
                Ok(if uri.key().is_prefix() {
                    uri
                } else {
                    uri.join("")
                })
            }
            Place::Remote(uri) if uri.key().is_prefix() => Ok(uri.clone()),
            Place::Remote(uri) => Ok(uri.join("")),
        }
    }
}

/// The URI of a file of this machine.
pub(super) fn uri_of(scheme: Scheme, path: &Path) -> Result<Uri> {
    let Some(text) = path.to_str() else {
        return Err(Error::invalid(format!(
            "{}: the name is not UTF-8, so it is no key",
            path.display()
        )));
    };
    format!("{scheme}://{text}").parse()
}

/// The absolute path without links and `..`; what does not exist yet is taken as it is written. Blocks.
pub(super) fn real_path(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut there = path.as_path();
    let mut missing: Vec<OsString> = Vec::new();
    loop {
        match fs::canonicalize(there) {
            Ok(mut real) => {
                real.extend(missing.iter().rev());
                return Ok(real);
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => {
                let error = Error::from(cause);
                let detail = format!("{}: {}", there.display(), error.detail());
                let named = Error::new(error.kind(), detail);
                return Err(match error.errno() {
                    Some(errno) => named.with_errno(errno),
                    None => named,
                });
            }
        }
        match (there.parent(), there.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name.to_owned());
                there = parent;
            }
            // `..` of something that does not exist.
            _ => {
                return Err(Error::invalid(format!(
                    "{}: there is no such directory to go up from",
                    path.display()
                )));
            }
        }
    }
}

/// A path or key that is a pattern, cut where its first wildcard stands.
#[derive(Debug)]
pub(super) struct Wildcards {
    /// What stands before: empty or ending in `/`.
    pub fixed: String,
    rest: String,
    matcher: GlobMatcher,
}

impl Wildcards {
    /// `None` for text without wildcards.
    ///
    /// # Errors
    /// `InvalidInput` for a pattern that makes no sense.
    pub fn find(text: &str) -> Result<Option<Self>> {
        let Some(first) = text.find(['*', '?', '[']) else {
            return Ok(None);
        };
        let cut = text[..first].rfind('/').map_or(0, |slash| slash + 1);
        let (fixed, rest) = text.split_at(cut);
        // Braces mean nothing here; the library would read alternatives.
        let literal: String = rest
            .chars()
            .map(|c| match c {
                '{' => "[{]".to_owned(),
                '}' => "[}]".to_owned(),
                c => c.to_string(),
            })
            .collect();
        let glob = GlobBuilder::new(&literal)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|cause| {
                Error::invalid(format!(
                    "{rest:?} is no pattern of wildcards: {}",
                    cause.kind()
                ))
            })?;
        Ok(Some(Wildcards {
            fixed: fixed.to_owned(),
            rest: rest.to_owned(),
            matcher: glob.compile_matcher(),
        }))
    }

    /// Whether a name below `fixed` is meant, or, if `recursive`, a directory above it.
    pub fn select(&self, name: &str, recursive: bool) -> bool {
        if self.matcher.is_match(name) {
            return true;
        }
        recursive
            && name
                .match_indices('/')
                .any(|(slash, _)| self.matcher.is_match(&name[..slash]))
    }

    /// Whether the pattern is just this name, read without wildcards.
    pub fn is_literally(&self, name: &str) -> bool {
        self.rest == name
    }

    /// How many levels below `fixed` can match; `None` for any number.
    pub fn depth(&self) -> Option<usize> {
        (!self.rest.contains("**")).then(|| self.rest.split('/').count())
    }
}

/// The last name of a path, which must have one.
pub(super) fn last_name(path: &Path) -> Option<&std::ffi::OsStr> {
    match path.components().next_back() {
        Some(Component::Normal(name)) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_path_is_no_uri_and_a_local_uri_is_a_path() {
        let local = |scheme, path: &str| Place::Local {
            scheme,
            path: path.into(),
        };

        assert_eq!(Place::parse("a/b").unwrap(), local(Scheme::File, "a/b"));
        assert_eq!(
            Place::parse("direct:///d/x").unwrap(),
            local(Scheme::Direct, "/d/x")
        );
        assert!(matches!(
            Place::parse("s3://b/k").unwrap(),
            Place::Remote(_)
        ));
        for bad in ["", "a\0b", "s4://b/k", "s3://", "file:///", "file://rel"] {
            let error = Place::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad:?}");
        }
    }

    #[test]
    fn links_and_dots_are_resolved_as_far_as_there_is_something() {
        let root = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(root.path()).unwrap();
        fs::create_dir(base.join("real")).unwrap();
        std::os::unix::fs::symlink("real", base.join("link")).unwrap();

        let path = |text: &str| real_path(&base.join(text));

        assert_eq!(path("link/new/x").unwrap(), base.join("real/new/x"));
        assert_eq!(path("real/../y").unwrap(), base.join("y"));
        assert_eq!(
            path("nothing/../y").unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }

    #[test]
    fn a_pattern_is_cut_before_its_first_wildcard() {
        let csv = Wildcards::find("data/2024-*/[ab].csv").unwrap().unwrap();

        assert_eq!(csv.fixed, "data/");
        assert!(csv.select("2024-01/a.csv", false));
        assert!(!csv.select("2024-01/x/a.csv", false));
        assert!(!csv.select("2024-01/c.csv", true));
        assert_eq!(csv.depth(), Some(2));
        assert!(Wildcards::find("plain{a,b}").unwrap().is_none());
        assert!(Wildcards::find("a[").is_err());
    }

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        let one = Wildcards::find("*.bin").unwrap().unwrap();
        let two = Wildcards::find("d/**/*.bin").unwrap().unwrap();
        let dirs = Wildcards::find("d?").unwrap().unwrap();

        assert!(one.select("a.bin", false) && !one.select("x/a.bin", false));
        assert!(two.select("a.bin", false) && two.select("x/y/a.bin", false));
        assert_eq!(two.depth(), None);
        assert!(dirs.select("d1/x", true) && !dirs.select("d1/x", false));
        assert!(
            Wildcards::find("a{*}")
                .unwrap()
                .unwrap()
                .select("a{1}", false)
        );
        assert!(
            Wildcards::find("a[1]")
                .unwrap()
                .unwrap()
                .is_literally("a[1]")
        );
    }
}
