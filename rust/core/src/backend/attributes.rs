//! What a caller says of an object, checked before any I/O: on every service it travels in HTTP headers.

use std::collections::HashSet;

use http::HeaderName;

use crate::error::{Error, ErrorKind, Result};
use crate::types::WriteOptions;

/// Refuses what no header can carry. Services take names that differ only in case for one, so these are refused, too.
pub(super) fn check(options: &WriteOptions) -> Result<()> {
    let mut names = HashSet::new();
    for (name, value) in &options.metadata {
        let Ok(header) = name.parse::<HeaderName>() else {
            return Err(Error::invalid(format!(
                "metadata name {name:?}: a header's name holds ASCII letters, digits, - and _"
            )));
        };
        if !names.insert(header) {
            return Err(Error::invalid(format!(
                "metadata name {name:?}: another one differs only in case"
            )));
        }
        check_value(&format!("metadata {name:?}"), value)?;
    }
    for (option, value) in [
        ("content_type", &options.content_type),
        ("storage_class", &options.storage_class),
        ("tier", &options.tier),
    ] {
        let Some(value) = value else { continue };
        if value.is_empty() {
            return Err(Error::invalid(format!("{option} is empty")));
        }
        check_value(option, value)?;
    }
    Ok(())
}

fn check_value(what: &str, value: &str) -> Result<()> {
    let sendable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && value.trim() == value;
    if !sendable {
        return Err(Error::invalid(format!(
            "{what}: a header holds printable ASCII without outer spaces"
        )));
    }
    Ok(())
}

/// An option that the store cannot keep must not be lost in silence.
pub(super) fn unsupported(option: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{option}: {why}"))
}

/// Of every store but Azure's.
pub(super) fn no_tiers() -> Error {
    unsupported("tier", "only az:// has access tiers")
}

/// Of stores where one request takes copies of any length.
pub(super) fn never_cut() -> Error {
    Error::new(ErrorKind::Unsupported, "copies are never cut")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(pairs: &[(&str, &str)]) -> WriteOptions {
        WriteOptions {
            metadata: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..WriteOptions::default()
        }
    }

    fn content_type(text: &str) -> WriteOptions {
        WriteOptions {
            content_type: Some(text.to_owned()),
            ..WriteOptions::default()
        }
    }

    #[test]
    fn what_a_header_carries_is_taken() {
        for options in [
            metadata(&[("step", "7"), ("Run-Name", "a b; c=\"d\""), ("empty", "")]),
            content_type("text/plain; charset=utf-8"),
        ] {
            check(&options).unwrap();
        }
    }

    #[test]
    fn the_rest_is_refused_by_its_name() {
        for (options, named) in [
            (metadata(&[("a b", "x")]), "\"a b\""),
            (metadata(&[("", "x")]), "\"\""),
            (metadata(&[("ü", "x")]), "\"ü\""),
            (metadata(&[("a:", "x")]), "\"a:\""),
            (metadata(&[("a", "x\r\ny: z")]), "\"a\""),
            (metadata(&[("a", "ü")]), "\"a\""),
            (metadata(&[("a", " x")]), "\"a\""),
            (metadata(&[("Step", "1"), ("step", "2")]), "\"step\""),
            (content_type("a\nb"), "content_type"),
            (content_type(""), "content_type"),
        ] {
            let error = check(&options).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{options:?}");
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
