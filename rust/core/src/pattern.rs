//! The last part of a list URI as a regular expression.

use regex::Regex;

use crate::error::{Error, Result};
use crate::uri::{Key, Uri};

/// What a list call asks for: everything below `prefix` whose rest matches.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Empty or ending in `/`.
    pub prefix: Key,
    filter: Option<Regex>,
    recursive: bool,
}

impl Selection {
    /// Cuts the URI at its last `/`; what follows is the pattern, unless one is given beside it.
    pub fn new(uri: &Uri, recursive: bool, pattern: Option<&str>) -> Result<Self> {
        let key = uri.key().as_str();
        let cut = key.rfind('/').map_or(0, |slash| slash + 1);
        let (prefix, last) = key.split_at(cut);
        let pattern = match (pattern, last) {
            (Some(_), last) if !last.is_empty() => {
                return Err(Error::invalid(
                    "a pattern was given, and the URI does not end in `/`: only one of them can select",
                ));
            }
            (Some(pattern), _) => pattern,
            (None, last) => last,
        };
        let filter = match pattern {
            "" => None,
            pattern => Some(whole_match(pattern)?),
        };
        Ok(Selection {
            prefix: Key::new(prefix),
            filter,
            recursive,
        })
    }

    /// Whether a key (or a common prefix with its final `/`) is asked for.
    pub fn matches(&self, key: &str) -> bool {
        let Some(filter) = &self.filter else {
            return true;
        };
        let rest = &key[self.prefix.as_str().len()..];
        match self.recursive {
            true => filter.is_match(rest),
            false => filter.is_match(rest.strip_suffix('/').unwrap_or(rest)),
        }
    }
}

fn whole_match(pattern: &str) -> Result<Regex> {
    // (?s): keys may hold newlines.
    Regex::new(&format!("(?s)^(?:{pattern})$")).map_err(|_| {
        let hint = match pattern.contains('*') {
            true => format!("; in place of wildcards write {}", of_wildcards(pattern)),
            false => String::new(),
        };
        Error::invalid(format!("{pattern:?} is not a regular expression{hint}"))
    })
}

/// The regular expression that was meant.
fn of_wildcards(pattern: &str) -> String {
    let literal = regex::escape(pattern);
    literal.replace(r"\*", ".*").replace(r"\?", ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(uri: &str, recursive: bool, pattern: Option<&str>) -> Result<Selection> {
        Selection::new(&uri.parse().unwrap(), recursive, pattern)
    }

    #[test]
    fn the_last_part_is_matched_whole() {
        let csv = selection(r"s3://b/data/.*\.csv", true, None).unwrap();

        assert_eq!(csv.prefix.as_str(), "data/");
        assert!(csv.matches("data/a.csv") && csv.matches("data/x/a.csv"));
        assert!(!csv.matches("data/a.csv.gz"));
    }

    #[test]
    fn one_level_compares_the_first_component() {
        let dirs = selection("s3://b/data/l[ao]gs", false, None).unwrap();

        assert!(dirs.matches("data/logs/"));
        assert!(!dirs.matches("data/blogs/"));
    }

    #[test]
    fn two_patterns_are_refused_and_bad_ones_named() {
        assert!(selection("s3://b/x", true, Some("y")).is_err());
        let error = selection("s3://b/(", true, None).unwrap_err();
        assert!(error.to_string().contains("\"(\""), "{error}");
    }

    #[test]
    fn wildcards_are_told_as_a_regular_expression() {
        let error = selection("s3://b/*.tar?", false, None).unwrap_err();

        assert!(error.to_string().ends_with(r"write .*\.tar."), "{error}");
    }
}
