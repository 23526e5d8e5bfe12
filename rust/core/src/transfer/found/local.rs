//! Files of this machine: one by its path, a directory's tree, or what a pattern matches.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{Finds, Found, Search};
use crate::backend::local::is_reserved;
use crate::error::{Error, ErrorKind, Result};
use crate::transfer::places::{Wildcards, last_name, real_path, uri_of};
use crate::uri::Scheme;

/// What `path` names. A path that exists is meant as it is written, whatever wildcards it holds; one that is itself a
/// symlink is followed, because it was named.
pub(super) async fn find(scheme: Scheme, path: PathBuf, search: Search) -> Result<Finds> {
    tokio::task::spawn_blocking(move || {
        find_blocking(scheme, &path, search).map_err(|error| error.at(search.op, path.display()))
    })
    .await?
}

fn find_blocking(scheme: Scheme, path: &Path, search: Search) -> Result<Finds> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => walk(scheme, &real_path(path)?, search, None),
        Ok(meta) if meta.is_file() => one(scheme, path, &meta),
        Ok(_) => Err(Error::invalid("it is neither a file nor a directory")),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            let text = path.to_str().unwrap_or_default();
            match Wildcards::in_path(text)? {
                Some(wildcards) => matching(scheme, &wildcards, search),
                None => Err(cause.into()),
            }
        }
        Err(cause) => Err(cause.into()),
    }
}

fn one(scheme: Scheme, path: &Path, meta: &Metadata) -> Result<Finds> {
    let real = real_path(path)?;
    let name = last_name(path).or_else(|| last_name(&real));
    let name = name.and_then(|name| name.to_str()).ok_or_else(not_utf8)?;
    Ok(Finds {
        files: vec![found(scheme, &real, name.to_owned(), meta)?],
        ..Finds::default()
    })
}

fn matching(scheme: Scheme, wildcards: &Wildcards, search: Search) -> Result<Finds> {
    let start = if wildcards.fixed.is_empty() {
        "."
    } else {
        &wildcards.fixed
    };
    let found = walk(
        scheme,
        &real_path(Path::new(start))?,
        search,
        Some(wildcards),
    )?;
    if found.files.is_empty() && found.failures.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "no file matches"));
    }
    Ok(found)
}

/// The tree of a directory that need not exist, names relative to it.
pub(in crate::transfer) async fn below(
    scheme: Scheme,
    root: PathBuf,
    search: Search,
) -> Result<Finds> {
    tokio::task::spawn_blocking(move || walk(scheme, &root, search, None)).await?
}

/// Every regular file below `root` that the pattern selects, in order.
fn walk(scheme: Scheme, root: &Path, search: Search, pattern: Option<&Wildcards>) -> Result<Finds> {
    if !fs::metadata(root)?.is_dir() {
        return Err(Error::invalid("it is not a directory").with_errno(libc::ENOTDIR));
    }
    let mut finds = Finds {
        tree: pattern.is_none(),
        ..Finds::default()
    };
    let depth = match pattern {
        _ if search.recursive => usize::MAX,
        None => 1,
        Some(pattern) => pattern.depth().unwrap_or(usize::MAX),
    };
    let mut entries = WalkDir::new(root)
        .min_depth(1)
        .max_depth(depth)
        .follow_links(search.follow_symlinks)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(cause) => {
                finds.failures.push(unreadable(cause, search.op));
                continue;
            }
        };
        // For what is no key, with replacement characters, so that patterns and skips treat it like the rest.
        let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let name = below.to_string_lossy().into_owned();
        let selected = pattern.is_none_or(|pattern| match search.recursive {
            true => pattern.selects(&name),
            false => pattern.matches(&name),
        });
        if entry.file_type().is_dir() {
            // A directory that a pattern selects is taken with all it holds; of the others only some can hold a match.
            let last = pattern.and_then(Wildcards::depth);
            if !selected && last.is_some_and(|last| entry.depth() >= last) {
                entries.skip_current_dir();
            }
            continue;
        }
        if !selected {
            continue;
        }
        if entry.file_name().to_str().is_some_and(is_reserved) {
            finds.passed.push(name);
            continue;
        }
        if !entry.file_type().is_file() {
            finds.skipped += 1;
            finds.symlinks += u64::from(entry.path_is_symlink());
            finds.passed.push(name);
            continue;
        }
        if below.to_str().is_none() {
            let error = not_utf8().at(search.op, entry.path().display());
            finds.failures.push(error);
            continue;
        }
        match entry
            .metadata()
            .map_err(|cause| unreadable(cause, search.op))
        {
            Ok(meta) => finds.files.push(found(scheme, entry.path(), name, &meta)?),
            Err(error) => finds.failures.push(error),
        }
    }
    Ok(finds)
}

fn found(scheme: Scheme, path: &Path, name: String, meta: &Metadata) -> Result<Found> {
    Ok(Found {
        name,
        uri: uri_of(scheme, path)?,
        size: Some(meta.len()),
        etag: None,
        modified: meta.modified().ok(),
    })
}

fn not_utf8() -> Error {
    Error::invalid("the name is not UTF-8, so it is no key")
}

fn unreadable(cause: walkdir::Error, op: &'static str) -> Error {
    let path = cause.path().map(|path| path.display().to_string());
    let error = match cause.loop_ancestor() {
        Some(ancestor) => {
            Error::invalid(format!("the symlink leads back to {}", ancestor.display()))
        }
        None => cause.into_io_error().map_or_else(
            || Error::new(ErrorKind::LocalIo, "it cannot be read"),
            Error::from,
        ),
    };
    error.at(op, path.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        for name in [
            "a.csv",
            "b.txt",
            "d1/x.csv",
            "d1/deep/y.csv",
            "d2/z.bin",
            "we[i]rd",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        fs::write(root.join(".s3dlio-0123456789abcdef.journal"), "").unwrap();
        symlink("d1", root.join("to-d1")).unwrap();
        symlink("a.csv", root.join("to-a")).unwrap();
        (dir, root)
    }

    fn names(root: &Path, text: &str, recursive: bool, follow_symlinks: bool) -> Vec<String> {
        let search = Search {
            op: "upload",
            recursive,
            follow_symlinks,
        };
        let found = find_blocking(Scheme::File, &root.join(text), search).unwrap();
        assert!(found.failures.is_empty(), "{:?}", found.failures);
        found.files.into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn a_directory_gives_its_tree_without_links() {
        let (_dir, root) = tree();

        let all = [
            "a.csv",
            "b.txt",
            "d1/deep/y.csv",
            "d1/x.csv",
            "d2/z.bin",
            "we[i]rd",
        ];
        assert_eq!(names(&root, "", true, false), all);
        assert_eq!(
            names(&root, "", false, false),
            ["a.csv", "b.txt", "we[i]rd"]
        );
        let followed = names(&root, "", true, true);
        assert!(followed.contains(&"to-d1/deep/y.csv".to_owned()));
        assert!(followed.contains(&"to-a".to_owned()));
    }

    #[test]
    fn patterns_select_files_and_trees() {
        let (_dir, root) = tree();

        assert_eq!(names(&root, "*.csv", true, false), ["a.csv"]);
        assert_eq!(
            names(&root, "**/*.csv", true, false),
            ["a.csv", "d1/deep/y.csv", "d1/x.csv"]
        );
        assert_eq!(
            names(&root, "d?", true, false),
            ["d1/deep/y.csv", "d1/x.csv", "d2/z.bin"]
        );
        assert_eq!(names(&root, "d?/*", false, false), ["d1/x.csv", "d2/z.bin"]);
        assert_eq!(names(&root, "we[i]rd", true, false), ["we[i]rd"]);
        assert_eq!(names(&root, "d1/x.csv", true, false), ["x.csv"]);
        assert_eq!(names(&root, "to-a", true, false), ["to-a"]);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let (_dir, root) = tree();
        let search = Search {
            op: "upload",
            recursive: true,
            follow_symlinks: false,
        };

        for text in ["nothing", "*.nothing", "nothing/*"] {
            let error = find_blocking(Scheme::File, &root.join(text), search).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{text}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_told_and_the_rest_goes_on() {
        let (_dir, root) = tree();
        let no_key = std::ffi::OsString::from_vec(b"no\xffutf8".to_vec());
        fs::create_dir(root.join(&no_key)).unwrap();
        fs::write(root.join(&no_key).join("file"), "").unwrap();
        symlink("../a.csv", root.join("d2").join(&no_key)).unwrap();
        symlink("..", root.join("d2/up")).unwrap();
        let search = Search {
            op: "upload",
            recursive: true,
            follow_symlinks: true,
        };

        let found = find_blocking(Scheme::File, &root, search).unwrap();

        let texts: Vec<String> = found.failures.iter().map(Error::to_string).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        let no_keys = texts.iter().filter(|text| text.contains("UTF-8"));
        assert_eq!(no_keys.count(), 2, "the link and the file: {texts:?}");
        assert!(texts.iter().any(|text| text.contains("leads back")));
        assert!(found.files.iter().any(|file| file.name == "d2/z.bin"));
        assert_eq!(names(&root, "*.csv", true, true), ["a.csv"]);
        let found = find_blocking(Scheme::File, &root.join("no*utf8"), search).unwrap();
        assert_eq!((found.failures.len(), found.files.len()), (1, 0));
        let unfollowed = Search {
            follow_symlinks: false,
            ..search
        };
        let found = find_blocking(Scheme::File, &root, unfollowed).unwrap();
        assert_eq!((found.failures.len(), found.symlinks), (1, 4));
    }
}
