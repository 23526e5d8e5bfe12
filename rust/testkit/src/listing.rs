//! One page of a listing with prefix and delimiter, over anything that finds the next key.

use std::ops::Bound;

/// Which keys are asked for.
pub(crate) struct ListRequest<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: Option<&'a str>,
    pub(crate) start: Start,
    pub(crate) limit: usize,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Beginning,
    AfterKey(String),
    /// After all keys that begin so: the last entry of the page before was this prefix.
    AfterPrefix(String),
}

pub(crate) struct Page<T> {
    pub(crate) entries: Vec<(String, T)>,
    pub(crate) prefixes: Vec<String>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<Start>,
}

/// Collects a page; `next` gives the first key within a bound, in order.
pub(crate) fn collect<T>(
    request: &ListRequest<'_>,
    next: impl Fn(Bound<&str>) -> Option<(String, T)>,
) -> Page<T> {
    let mut page = Page {
        entries: Vec::new(),
        prefixes: Vec::new(),
        next: None,
    };
    if request.limit == 0 {
        return page;
    }
    let mut last = request.start.clone();
    loop {
        let Some(bound) = bound(&last, request.prefix) else {
            return page;
        };
        let found = next(bound.as_ref().map(String::as_str));
        let Some((key, entry)) = found.filter(|(key, _)| key.starts_with(request.prefix)) else {
            return page;
        };
        if page.entries.len() + page.prefixes.len() == request.limit {
            page.next = Some(last);
            return page;
        }
        let tail = &key[request.prefix.len()..];
        let folded = request
            .delimiter
            .and_then(|delimiter| Some(tail.find(delimiter)? + delimiter.len()))
            .map(|end| key[..request.prefix.len() + end].to_owned());
        match folded {
            Some(prefix) => {
                page.prefixes.push(prefix.clone());
                last = Start::AfterPrefix(prefix);
            }
            None => {
                page.entries.push((key.clone(), entry));
                last = Start::AfterKey(key);
            }
        }
    }
}

impl Start {
    /// As an opaque word; `parse` reads it.
    pub(crate) fn to_token(&self) -> String {
        use base64::Engine;
        let text = match self {
            Self::Beginning => "b".to_owned(),
            Self::AfterKey(key) => format!("k{key}"),
            Self::AfterPrefix(prefix) => format!("p{prefix}"),
        };
        base64::engine::general_purpose::URL_SAFE.encode(text)
    }

    pub(crate) fn parse(token: &str) -> Option<Self> {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::URL_SAFE
            .decode(token)
            .ok()?;
        let text = String::from_utf8(bytes).ok()?;
        match text.split_at_checked(1)? {
            ("b", "") => Some(Self::Beginning),
            ("k", key) => Some(Self::AfterKey(key.to_owned())),
            ("p", prefix) => Some(Self::AfterPrefix(prefix.to_owned())),
            _ => None,
        }
    }
}

/// The first key that may follow; none where nothing can.
fn bound(start: &Start, prefix: &str) -> Option<Bound<String>> {
    let from_prefix = Bound::Included(prefix.to_owned());
    Some(match start {
        Start::Beginning => from_prefix,
        Start::AfterKey(key) if key.as_str() < prefix => from_prefix,
        Start::AfterKey(key) => Bound::Excluded(key.clone()),
        Start::AfterPrefix(passed) => {
            let after = successor(passed)?;
            if after.as_str() < prefix {
                from_prefix
            } else {
                Bound::Included(after)
            }
        }
    })
}

/// The least text that is greater than all that begin with `prefix`.
fn successor(prefix: &str) -> Option<String> {
    let mut kept = prefix.to_owned();
    while let Some(last) = kept.pop() {
        // The order of UTF-8 bytes is that of code points; surrogates are not characters.
        let following = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(following) = following {
            kept.push(following);
            return Some(kept);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ListRequest, Start, collect, successor};

    #[test]
    fn pages_join_to_the_whole_and_folders_come_once() {
        let keys = ["a", "b/1", "b/2", "b/é", "b0", "c/x/1", "c/y", "\u{10ffff}"];
        let tree: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let next = |bound: std::ops::Bound<&str>| {
            let range = tree.range::<str, _>((bound, std::ops::Bound::Unbounded));
            range.map(|key| (key.clone(), ())).next()
        };

        for limit in 1..9 {
            let mut start = Start::Beginning;
            let (mut entries, mut prefixes) = (Vec::new(), Vec::new());
            loop {
                let request = ListRequest {
                    prefix: "",
                    delimiter: Some("/"),
                    start: start.clone(),
                    limit,
                };
                let page = collect(&request, next);
                entries.extend(page.entries.into_iter().map(|(key, ())| key));
                prefixes.extend(page.prefixes);
                match page.next {
                    Some(next) => start = Start::parse(&next.to_token()).unwrap(),
                    None => break,
                }
            }
            assert_eq!(entries, ["a", "b0", "\u{10ffff}"], "limit {limit}");
            assert_eq!(prefixes, ["b/", "c/"], "limit {limit}");
        }
    }

    #[test]
    fn successor_skips_what_is_no_character() {
        assert_eq!(successor("a/").as_deref(), Some("a0"));
        assert_eq!(successor("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10ffff}"), None);
    }
}
