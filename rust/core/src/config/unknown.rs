//! Variables that begin as ours do and name no setting: a slip, or a setting of another version.

use std::sync::atomic::{AtomicBool, Ordering};

use super::dotenv;
use super::settings::{SETTINGS, like};

const PREFIX: &str = "S3DLIO_";
/// Read elsewhere: by the Makefile and by the tests.
const DEVELOPMENT: [&str; 4] = [
    "S3DLIO_CACHE",
    "S3DLIO_CLI",
    "S3DLIO_TEST_",
    "S3DLIO_UPDATE_",
];

/// Warns of each such name, once in a process.
pub(super) fn warn<'a>(names: impl IntoIterator<Item = &'a str>) {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    for name in names {
        let Some(like) = slip(name) else { continue };
        let hint = match like.is_empty() {
            true => String::new(),
            false => format!("; did you mean {}?", like.join(" or ")),
        };
        tracing::warn!("{name} is no setting of s3dlio and is ignored{hint}");
    }
}

/// The known variables that may be meant by a name that should be one.
fn slip(name: &str) -> Option<Vec<String>> {
    let known = || {
        let names = SETTINGS
            .iter()
            .flat_map(|setting| setting.env.iter().copied());
        names
            .chain([dotenv::SWITCH])
            .filter_map(|name| name.strip_prefix(PREFIX))
    };
    // What all have in common makes no two of them alike.
    let word = name.strip_prefix(PREFIX)?;
    if known().any(|known| known == word)
        || DEVELOPMENT.iter().any(|prefix| name.starts_with(prefix))
    {
        return None;
    }
    let whole = |word| format!("{PREFIX}{word}");
    Some(like(word, known()).into_iter().map(whole).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_with_its_neighbour() {
        for (name, meant) in [
            ("S3DLIO_PARTSIZE", vec!["S3DLIO_PART_SIZE"]),
            ("S3DLIO_LOAD_DOTENVS", vec!["S3DLIO_LOAD_DOTENV"]),
            ("S3DLIO_ATTEMPTS", vec!["S3DLIO_MAX_ATTEMPTS"]),
            ("S3DLIO_FROBNICATE", vec![]),
        ] {
            assert_eq!(slip(name).unwrap(), meant, "{name}");
        }
        for known in [
            "S3DLIO_PART_SIZE",
            "S3DLIO_LOAD_DOTENV",
            "S3DLIO_TEST_SCALE",
            "AWS_REGON",
        ] {
            assert_eq!(slip(known), None, "{known}");
        }
    }
}
