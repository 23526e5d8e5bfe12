//! Variables that begin as ours do and name no setting: a slip, or a setting of another version.

use std::sync::atomic::{AtomicBool, Ordering};

use super::dotenv;
use super::settings::{SETTINGS, nearest};

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
        if let Some(near) = slip(name) {
            tracing::warn!("{name} is no setting of s3dlio and is ignored; did you mean {near}?");
        }
    }
}

/// The known variable nearest to a name that should be one.
fn slip(name: &str) -> Option<&'static str> {
    let known = || {
        let names = SETTINGS
            .iter()
            .flat_map(|setting| setting.env.iter().copied());
        names
            .chain([dotenv::SWITCH])
            .filter(|name| name.starts_with(PREFIX))
    };
    let is_ours = known().any(|known| known == name)
        || DEVELOPMENT.iter().any(|prefix| name.starts_with(prefix));
    if is_ours || !name.starts_with(PREFIX) {
        return None;
    }
    nearest(name, known())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_with_its_neighbour() {
        assert_eq!(slip("S3DLIO_PARTSIZE"), Some("S3DLIO_PART_SIZE"));
        assert_eq!(slip("S3DLIO_LOAD_DOTENVS"), Some("S3DLIO_LOAD_DOTENV"));
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
