//! Keys as Azure takes them: which it holds as they are, and how they stand in a URL.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, Result};
use crate::uri::{AZ_FORM, Key};

/// Characters, not bytes.
const MAX_KEY: usize = 1024;

/// What a path holds unescaped. Everything else is escaped here, because URL parsers drop raw newlines and tabs.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b'$');

/// The path of a container or a key in a URL, byte for byte.
pub(super) fn encode(name: &str) -> String {
    utf8_percent_encode(name, IN_PATH).to_string()
}

/// Refuses keys that the service would hold under another name, however they are escaped: it resolves `.` and `..`,
/// drops dots at the end of a component and takes `\` for `/`.
pub(super) fn check(key: &Key) -> Result<()> {
    let key = key.as_str();
    if key.chars().count() > MAX_KEY {
        return Err(Error::invalid(format!(
            "Azure takes keys of at most {MAX_KEY} characters"
        )));
    }
    if key.contains('\\') {
        return Err(Error::invalid(
            "Azure would store this key with / in place of \\",
        ));
    }
    if key.split('/').any(|component| component.ends_with('.')) {
        return Err(Error::invalid(
            "Azure would store this key without the dots at the end of a component",
        ));
    }
    Ok(())
}

/// Refuses names that are not a container's, which could lead a URL elsewhere.
pub(super) fn check_container(name: &str) -> Result<()> {
    if matches!(name, "$root" | "$web" | "$logs" | "$blobchangefeed") {
        return Ok(());
    }
    let fits = (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--");
    if !fits {
        return Err(Error::invalid(format!(
            "{name:?} is no container name: 3 to 63 lower-case letters, digits and single dashes, in {AZ_FORM}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_encoded_key_survives_a_url_parser() {
        for key in [
            "a b+c%d#e?f",
            "/lead",
            "a//b",
            "nl\nend",
            "tab\tcr\r",
            "ü/日本",
            "trail/",
            "%41",
            ".hidden",
            "a..b",
        ] {
            let text = format!("http://host/account/container/{}", encode(key));
            let url = url::Url::parse(&text).unwrap();

            assert_eq!(url.as_str(), text, "{key:?}");
            let path = url.path().strip_prefix("/account/container/").unwrap();
            assert_eq!(
                percent_encoding::percent_decode_str(path)
                    .decode_utf8()
                    .unwrap(),
                key
            );
        }
    }

    #[test]
    fn keys_that_would_change_are_refused() {
        for key in [
            ".",
            "..",
            "a/../b",
            "./a",
            "a/.",
            "file.",
            "dir./x",
            "back\\slash",
            &"x".repeat(1025),
        ] {
            let error = check(&Key::new(key)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{key:?}");
        }
        for key in [
            "",
            "a",
            "/a",
            "a//b",
            "a/",
            ".a",
            "a.b",
            "..a",
            &"ü".repeat(1024),
        ] {
            check(&Key::new(key)).unwrap();
        }
    }

    #[test]
    fn container_names_follow_the_rules() {
        for name in ["abc", "a-b-c", "$root", "0aa"] {
            check_container(name).unwrap();
        }
        for name in [
            "",
            "ab",
            "..",
            "a.b.c",
            "ABC",
            "-abc",
            "abc-",
            "a--b",
            "a/b",
            &"x".repeat(64),
        ] {
            check_container(name).unwrap_err();
        }
    }
}
