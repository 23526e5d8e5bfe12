//! The page about the commands is what the definitions say.

use std::fs;
use std::path::Path;

#[test]
fn the_reference_is_current() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");

    let written = fs::read_to_string(&page).unwrap_or_default();

    assert!(
        written.trim_end() == s3dlio_cli::reference(),
        "docs/reference/cli.md is out of date: cargo run -p s3dlio-cli -- reference > docs/reference/cli.md"
    );
}
