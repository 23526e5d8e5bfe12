//! The pages about commands and settings are what the definitions say.

use std::fs;
use std::path::Path;

fn assert_current(name: &str, text: &str, arguments: &str) {
    let page = format!("docs/reference/{name}.md");
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(&page);

    let written = fs::read_to_string(&path).unwrap_or_default();

    assert!(
        written.trim_end() == text,
        "{page} is out of date: cargo run -p s3dlio-cli -- {arguments} > {page}"
    );
}

#[test]
fn the_reference_of_commands_is_current() {
    assert_current("cli", &s3dlio_cli::reference(), "reference");
}

#[test]
fn the_reference_of_settings_is_current() {
    assert_current(
        "configuration",
        &s3dlio_cli::configuration(),
        "reference --settings",
    );
}
