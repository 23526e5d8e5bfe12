//! Which names may become files below a directory: none that leaves it, and no two that are one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::found::Found;
use crate::backend::local::is_reserved;
use crate::error::{Error, ErrorKind, Result};
use crate::uri::Uri;

/// Takes out of `files` what cannot become a file below `base`, each as an error that names it. Blocks.
pub(super) fn refuse_unsafe(files: &mut Vec<Found>, base: &Path, op: &'static str) -> Vec<Error> {
    let bad = each(files, |file| unsafe_name(&file.name).map(str::to_owned));
    let mut refused = refuse(files, op, bad);
    refused.extend(refuse_doubles(files, op));
    let bad = directories(files);
    refused.extend(refuse(files, op, bad));
    let mut links = Links::below(base);
    let bad = each(files, |file| links.leads_out(&file.name));
    refused.extend(refuse(files, op, bad));
    refused
}

/// Takes out of `files` those whose name another one has as well; the same object found twice stays once.
pub(super) fn refuse_doubles(files: &mut Vec<Found>, op: &'static str) -> Vec<Error> {
    drop_repeated(files);
    // Few names are found twice, and of the others nothing is kept.
    let mut owners: HashMap<&str, usize> = HashMap::with_capacity(files.len());
    let mut doubles: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        let owner = *owners.entry(&file.name).or_insert(index);
        if owner != index {
            doubles.insert(index, owner);
            doubles.entry(owner).or_insert(index);
        }
    }
    let why = |(index, other): (usize, usize)| {
        let (name, other) = (&files[index].name, &files[other].uri);
        (index, format!("{name:?} is also the place of {other}"))
    };
    let bad = doubles.into_iter().map(why).collect();
    refuse(files, op, bad)
}

fn drop_repeated(files: &mut Vec<Found>) {
    let mut seen: HashSet<(&str, &Uri)> = HashSet::with_capacity(files.len());
    let repeated = |file| !seen.insert(file);
    let named = files.iter().map(|file| (file.name.as_str(), &file.uri));
    let repeated: Vec<bool> = named.map(repeated).collect();
    let mut repeated = repeated.into_iter();
    files.retain(|_| !repeated.next().unwrap_or_default());
}

/// A key may be the directory of others; a file may not. The others stay.
fn directories(files: &[Found]) -> Refused {
    let mut directories: HashSet<&str> = HashSet::new();
    for file in files {
        // Deepest first: where one is known, so is all above it.
        for (slash, _) in file.name.rmatch_indices('/') {
            if !directories.insert(&file.name[..slash]) {
                break;
            }
        }
    }
    each(files, |file| {
        directories
            .contains(file.name.as_str())
            .then(|| format!("{:?} is also the directory of other keys", file.name))
    })
}

/// Which files are refused, in their order, and why.
type Refused = Vec<(usize, String)>;

fn each(files: &[Found], mut why: impl FnMut(&Found) -> Option<String>) -> Refused {
    let files = files.iter().enumerate();
    files
        .filter_map(|(index, file)| Some((index, why(file)?)))
        .collect()
}

/// Takes them out, as errors that name them.
fn refuse(files: &mut Vec<Found>, op: &'static str, refused: Refused) -> Vec<Error> {
    let mut errors = Vec::with_capacity(refused.len());
    let mut refused = refused.into_iter().peekable();
    let mut index = 0;
    files.retain(|file| {
        let why = refused.next_if(|(at, _)| *at == index);
        index += 1;
        let Some((_, why)) = why else { return true };
        errors.push(Error::new(ErrorKind::UnsafePath, why).at(op, &file.uri));
        false
    });
    errors
}

/// Why a name would not stay what it is, or where it is, as a path.
fn unsafe_name(name: &str) -> Option<&'static str> {
    if name.starts_with('/') {
        return Some("the name is absolute");
    }
    if name.contains('\0') {
        return Some("the name holds a NUL");
    }
    if name.is_empty() || name.ends_with('/') {
        return Some("the name is that of a directory");
    }
    name.split('/').find_map(|part| match part {
        ".." => Some("the name leads up out of its directory"),
        "." => Some("the name has a `.` component"),
        "" => Some("the name has an empty component"),
        part if is_reserved(part) => Some("the name is reserved for transfers under way"),
        _ => None,
    })
}

/// Symlinks among the directories that are there already.
struct Links<'a> {
    base: &'a Path,
    /// What is known of each directory below, by its name.
    known: HashMap<String, Option<String>>,
}

impl<'a> Links<'a> {
    fn below(base: &'a Path) -> Self {
        Links {
            base,
            known: HashMap::new(),
        }
    }

    /// Why a file of that name would lie outside, if a symlink makes it so.
    fn leads_out(&mut self, name: &str) -> Option<String> {
        for (slash, _) in name.match_indices('/') {
            let directory = &name[..slash];
            if !self.known.contains_key(directory) {
                let why = self.look(directory).unwrap_or_else(|cause| {
                    Some(format!("{directory:?} cannot be looked at: {cause}"))
                });
                self.known.insert(directory.to_owned(), why);
            }
            if let Some(why) = &self.known[directory] {
                return Some(why.clone());
            }
        }
        None
    }

    fn look(&self, directory: &str) -> io::Result<Option<String>> {
        let path = self.base.join(directory);
        let is_link = match fs::symlink_metadata(&path) {
            Ok(meta) => meta.is_symlink(),
            Err(cause) if is_missing(&cause) => return Ok(None),
            Err(cause) => return Err(cause),
        };
        if !is_link {
            return Ok(None);
        }
        let inside = match fs::canonicalize(&path) {
            Ok(real) => real.starts_with(fs::canonicalize(self.base)?),
            Err(cause) if is_missing(&cause) => false,
            Err(cause) => return Err(cause),
        };
        let why = || format!("{directory:?} is a symlink that leads out of the directory");
        Ok((!inside).then(why))
    }
}

fn is_missing(cause: &io::Error) -> bool {
    matches!(
        cause.raw_os_error(),
        Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP)
    )
}

/// As [`refuse_unsafe`], where it may block.
pub(super) async fn checked(
    mut files: Vec<Found>,
    base: PathBuf,
    op: &'static str,
) -> Result<(Vec<Found>, Vec<Error>)> {
    Ok(tokio::task::spawn_blocking(move || {
        let refused = refuse_unsafe(&mut files, &base, op);
        (files, refused)
    })
    .await?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn file(key: &str, name: &str) -> Found {
        Found {
            name: name.to_owned(),
            uri: format!("s3://b/{key}").parse().unwrap(),
            size: None,
            etag: None,
            modified: None,
        }
    }

    fn split(names: &[&str], base: &Path) -> (Vec<String>, Vec<String>) {
        let mut files = names.iter().map(|name| file(name, name)).collect();
        let refused = refuse_unsafe(&mut files, base, "download");
        assert!(
            refused
                .iter()
                .all(|error| error.kind() == ErrorKind::UnsafePath)
        );
        (
            files.into_iter().map(|file| file.name).collect(),
            refused.iter().map(Error::to_string).collect(),
        )
    }

    #[test]
    fn names_that_are_no_paths_below_are_refused() {
        let base = tempfile::tempdir().unwrap();
        let bad = [
            "../up",
            "a/../../up",
            "/etc/passwd",
            "a//b",
            "./a",
            "a/.",
            "..",
            "dir/",
            ".s3dlio-1.tmp",
            "d/.s3dlio-1.journal",
        ];
        let good = ["a", "...", "b/c..", "d e/%2e%2e/+#?", "\n"];
        let names: Vec<&str> = bad.iter().chain(&good).copied().collect();

        let (left, refused) = split(&names, base.path());

        assert_eq!(left, good);
        assert_eq!(refused.len(), bad.len(), "{refused:?}");
        assert!(refused[0].contains("s3://b/../up"), "{refused:?}");
    }

    #[test]
    fn two_keys_of_one_file_are_both_refused() {
        let mut files = vec![
            file("x/a", "a"),
            file("y/a", "a"),
            file("x/b", "b"),
            file("x/b", "b"),
        ];

        let refused = refuse_doubles(&mut files, "download");

        assert_eq!(files, [file("x/b", "b")]);
        assert_eq!(refused.len(), 2);
        assert!(refused[0].to_string().contains("s3://b/y/a"), "{refused:?}");
    }

    #[test]
    fn a_key_that_is_a_directory_gives_way_to_what_is_in_it() {
        let base = tempfile::tempdir().unwrap();

        let (left, refused) = split(&["a", "a.txt", "a/b", "a/c/d", "a/c"], base.path());

        assert_eq!(left, ["a.txt", "a/b", "a/c/d"]);
        assert_eq!(refused.len(), 2, "{refused:?}");
    }

    #[test]
    fn links_out_of_the_directory_are_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        let base = tempfile::tempdir().unwrap();
        fs::create_dir(base.path().join("real")).unwrap();
        symlink(outside.path(), base.path().join("out")).unwrap();
        symlink("nowhere", base.path().join("dangling")).unwrap();
        symlink("real", base.path().join("in")).unwrap();

        let (left, refused) = split(
            &["out/x", "out/d/y", "dangling/x", "in/x", "real/y", "new/z"],
            base.path(),
        );

        assert_eq!(left, ["in/x", "real/y", "new/z"]);
        assert_eq!(refused.len(), 3, "{refused:?}");
    }
}
