//! What a transfer is given as text: a URI, or a path of this machine with or without wildcards.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;
use regex::{Captures, Regex};

use crate::error::{Error, Result};
use crate::uri::{Scheme, Uri, with_both_slashes};

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
        if let Some(meant) = with_both_slashes(text) {
            return Err(Error::invalid(format!(
                "did you mean {meant}? The path of that name is ./{text}"
            )));
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
    matcher: Regex,
}

impl Wildcards {
    /// Those of a path, which mean what they mean to a shell: all but `**` stop at a `/`. `None` for text without any.
    ///
    /// # Errors
    /// `InvalidInput` for a pattern that makes no sense.
    pub fn in_path(text: &str) -> Result<Option<Self>> {
        Wildcards::find(text, true)
    }

    /// Those of a key, which has no directories: unless only its first level is meant, they stand for any characters.
    ///
    /// # Errors
    /// As [`Wildcards::in_path`].
    pub fn in_key(text: &str, recursive: bool) -> Result<Option<Self>> {
        Wildcards::find(text, !recursive)
    }

    fn find(text: &str, stop_at_slashes: bool) -> Result<Option<Self>> {
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
            .literal_separator(stop_at_slashes)
            .backslash_escape(true)
            .build()
            .map_err(|cause| {
                Error::invalid(format!(
                    "{rest:?} is no pattern of wildcards: {}",
                    cause.kind()
                ))
            })?;
        let matcher = Regex::new(&by_characters(glob.regex())).map_err(|cause| {
            Error::invalid(format!("{rest:?} is no pattern of wildcards")).with_source(cause)
        })?;
        Ok(Some(Wildcards {
            fixed: fixed.to_owned(),
            rest: rest.to_owned(),
            matcher,
        }))
    }

    /// Whether a name below `fixed` is meant.
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }

    /// Whether a file of that name below `fixed` is meant, by itself or with a directory above it.
    pub fn selects(&self, name: &str) -> bool {
        let mut above = name.match_indices('/').map(|(slash, _)| &name[..slash]);
        self.matches(name) || above.any(|directory| self.matches(directory))
    }

    /// Whether the pattern is just this name, read without wildcards.
    pub fn is_literally(&self, name: &str) -> bool {
        self.rest == name
    }

    /// How many levels below `fixed` can match, where wildcards stop at slashes; `None` for any number.
    pub fn depth(&self) -> Option<usize> {
        (!self.rest.contains("**")).then(|| self.rest.split('/').count())
    }
}

/// A glob's regular expression goes by bytes, of which a character may have several. This goes by characters.
fn by_characters(glob: &str) -> String {
    let escapes = Regex::new(r"(?:\\x[0-9a-f]{2})+|\\.").expect("it is one");
    let glob = glob.strip_prefix("(?-u)").unwrap_or(glob);
    let literal = |found: &Captures<'_>| {
        let bytes = found[0].split(r"\x").skip(1);
        let bytes: Vec<u8> = bytes
            .filter_map(|digits| u8::from_str_radix(digits, 16).ok())
            .collect();
        match bytes.is_empty() {
            true => found[0].to_owned(),
            false => String::from_utf8_lossy(&bytes).into_owned(),
        }
    };
    // (?s): names may hold newlines.
    format!("(?s){}", escapes.replace_all(glob, literal))
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
        assert_eq!(
            Place::parse("./s3:/b").unwrap(),
            local(Scheme::File, "./s3:/b")
        );
        for bad in [
            "s3:/b/k",
            "file:/x",
            "",
            "a\0b",
            "s4://b/k",
            "s3://",
            "file:///",
            "file://rel",
        ] {
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
        let csv = Wildcards::in_path("data/2024-*/[ab].csv").unwrap().unwrap();

        assert_eq!(csv.fixed, "data/");
        assert_eq!(csv.depth(), Some(2));
        assert!(csv.matches("2024-01/a.csv") && !csv.matches("2024-01/c.csv"));
        assert!(csv.is_literally("2024-*/[ab].csv"));
        assert_eq!(Wildcards::in_path("**/x").unwrap().unwrap().depth(), None);
        assert!(Wildcards::in_path("plain{a,b}").unwrap().is_none());
        assert!(Wildcards::in_path("a[").is_err());
    }

    /// Pattern, name, and whether it is meant: of a path, of a key, of a key of the first level.
    const TABLE: [(&str, &str, [bool; 3]); 27] = [
        ("*.csv", "a.csv", [true, true, true]),
        ("*.csv", "x/a.csv", [false, true, false]),
        ("*.csv", "a.csv.gz", [false, false, false]),
        ("*.csv", "a.csv/part", [false, false, false]),
        ("*", "a", [true, true, true]),
        ("*", ".hidden", [true, true, true]),
        ("*", "x/y/a", [false, true, false]),
        ("a?c", "abc", [true, true, true]),
        ("a?c", "a/c", [false, true, false]),
        ("a?c", "ac", [false, false, false]),
        ("x/*/z", "x/y/z", [true, true, true]),
        ("x/*/z", "x/y/y/z", [false, true, false]),
        ("**/*.csv", "a.csv", [true, true, true]),
        ("**/*.csv", "x/y/a.csv", [true, true, true]),
        ("[ab].csv", "b.csv", [true, true, true]),
        ("[!ab].csv", "b.csv", [false, false, false]),
        ("[0-9]*", "7/x", [false, true, false]),
        ("a{*}", "a{1}", [true, true, true]),
        (r"a\*[!x]", "a*b", [true, true, true]),
        (r"a\*[!x]", "aab", [false, false, false]),
        ("a?c", "aüc", [true, true, true]),
        ("a?c", "aüüc", [false, false, false]),
        ("ü?", "ü漢", [true, true, true]),
        ("[äü].csv", "ü.csv", [true, true, true]),
        ("[!ä].csv", "ü.csv", [true, true, true]),
        ("[à-ö]*", "äx\nü", [true, true, true]),
        (r"?\\xc3*", "ü\\xc3", [true, true, true]),
    ];

    #[test]
    fn wildcards_stop_at_slashes_in_paths_and_not_in_keys() {
        for (pattern, name, expected) in TABLE {
            let matches = |found: Result<Option<Wildcards>>| {
                let wildcards = found.unwrap().unwrap();
                let below = name.strip_prefix(&wildcards.fixed);
                below.is_some_and(|below| wildcards.matches(below))
            };
            let found = [
                matches(Wildcards::in_path(pattern)),
                matches(Wildcards::in_key(pattern, true)),
                matches(Wildcards::in_key(pattern, false)),
            ];
            assert_eq!(found, expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_directory_that_is_selected_is_taken_whole() {
        let directories = Wildcards::in_path("d?").unwrap().unwrap();

        assert!(directories.selects("d1/x/y") && directories.selects("d1"));
        assert!(!directories.selects("e1/x") && !directories.matches("d1/x"));
    }
}
