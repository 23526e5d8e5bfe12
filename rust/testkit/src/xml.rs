//! Just enough XML: elements are written escaped, and read back by name.
//!
//! The documents that clients send here are flat lists without attributes that matter, so a
//! reader that finds tags by name is exact enough.

use std::fmt::Write;

/// A document that grows element by element.
pub(crate) struct XmlWriter(String);

impl XmlWriter {
    pub(crate) fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    /// Opens `name`, which may carry attributes after a space.
    pub(crate) fn open(mut self, name: &str) -> Self {
        let _ = write!(self.0, "<{name}>");
        self
    }

    pub(crate) fn close(mut self, name: &str) -> Self {
        let _ = write!(self.0, "</{name}>");
        self
    }

    pub(crate) fn text(self, name: &str, value: impl std::fmt::Display) -> Self {
        self.open(name).write(value).close(name)
    }

    /// A text element whose start tag carries `attribute`, written as it is.
    pub(crate) fn with_attribute(
        self,
        name: &str,
        attribute: &str,
        value: impl std::fmt::Display,
    ) -> Self {
        self.open(&format!("{name} {attribute}"))
            .write(value)
            .close(name)
    }

    fn write(mut self, value: impl std::fmt::Display) -> Self {
        escape(&value.to_string(), &mut self.0);
        self
    }

    pub(crate) fn maybe(self, name: &str, value: Option<impl std::fmt::Display>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Applies `step` to each item, for elements that repeat.
    pub(crate) fn each<T>(
        self,
        items: impl IntoIterator<Item = T>,
        step: impl Fn(Self, T) -> Self,
    ) -> Self {
        items.into_iter().fold(self, step)
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 cannot hold most of these even as references; services write them anyway,
            // which is why clients ask for url-encoded keys.
            control if control < ' ' && control != '\n' && control != '\t' => {
                let _ = write!(out, "&#{};", u32::from(control));
            }
            other => out.push(other),
        }
    }
}

/// The inner texts of all elements called `name`, in order, still escaped.
pub(crate) fn elements<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = document;
    while let Some((inner, after)) = next_element(rest, name) {
        found.push(inner);
        rest = after;
    }
    found
}

/// The unescaped text of the first element called `name`.
pub(crate) fn element(document: &str, name: &str) -> Option<String> {
    next_element(document, name).map(|(inner, _)| unescape(inner.trim()))
}

/// Each child element of `document` as name and unescaped text; for lists of mixed elements.
pub(crate) fn children(document: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = document;
    while let Some(at) = rest.find('<') {
        let Some(end) = rest[at..].find('>') else {
            break;
        };
        let name = &rest[at + 1..at + end];
        match next_element(&rest[at..], name) {
            Some((inner, after)) => {
                found.push((name.to_owned(), unescape(inner.trim())));
                rest = after;
            }
            None => rest = &rest[at + end + 1..],
        }
    }
    found
}

fn next_element<'a>(document: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let open = format!("<{name}");
    let close = format!("</{name}>");
    let mut from = 0;
    loop {
        let at = from + document[from..].find(&open)?;
        let after_name = at + open.len();
        let tail = &document[after_name..];
        if !tail.starts_with(['>', ' ', '\n', '\r', '\t', '/']) {
            // A longer name that begins alike.
            from = after_name;
            continue;
        }
        let start = after_name + tail.find('>')? + 1;
        if document[..start].ends_with("/>") {
            return Some(("", &document[start..]));
        }
        let end = start + document[start..].find(&close)?;
        return Some((&document[start..end], &document[end + close.len()..]));
    }
}

pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').unwrap_or(rest.len() - 1);
        match reference(&rest[1..end.max(1)]) {
            Some(character) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{XmlWriter, children, element, elements, unescape};

    #[test]
    fn written_text_reads_back() {
        let document = XmlWriter::new()
            .open("A")
            .text("Key", "a&b<c>\"\r\n'é")
            .text("KeyMarker", 1)
            .close("A")
            .finish();

        assert_eq!(element(&document, "Key").as_deref(), Some("a&b<c>\"\r\n'é"));
        assert_eq!(element(&document, "KeyMarker").as_deref(), Some("1"));
        assert_eq!(element(&document, "None"), None);
    }

    #[test]
    fn repeated_elements_come_in_order() {
        let document = "<D xmlns=\"x\"><O><K>1</K></O><O/><O><K>2</K></O></D>";

        assert_eq!(elements(document, "O"), ["<K>1</K>", "", "<K>2</K>"]);
        assert_eq!(
            children("<Latest>a</Latest> <Uncommitted>b</Uncommitted>"),
            [
                ("Latest".to_owned(), "a".to_owned()),
                ("Uncommitted".to_owned(), "b".to_owned())
            ]
        );
    }

    #[test]
    fn odd_references_stay_as_they_are() {
        assert_eq!(unescape("a & b &x; &#65;&#x42; &"), "a & b &x; AB &");
    }
}
