//! Whether an answer's XML came whole, and the texts of an error. The SDK's reader takes a document that just stops for
//! a shorter one, and is not at hand for answers that do not pass through the SDK.

/// True if the root element ends with the document, or there is nothing at all.
pub(super) fn is_complete(document: &[u8]) -> bool {
    let document = document.trim_ascii();
    let Some(root) = start_tag(document) else {
        return document.is_empty();
    };
    if root.ends_with(b"/") {
        return true;
    }
    let name = root.split(u8::is_ascii_whitespace).next().unwrap_or(root);
    let end = document.strip_suffix(b">").map(<[u8]>::trim_ascii_end);
    end.and_then(|end| end.strip_suffix(name))
        .is_some_and(|end| end.ends_with(b"</"))
}

/// Whether the root element has that name.
pub(super) fn has_root(document: &[u8], name: &str) -> bool {
    let root = start_tag(document).and_then(|tag| tag.split(u8::is_ascii_whitespace).next());
    root == Some(name.as_bytes())
}

/// What stands between `<` and `>` of the first tag that is no declaration or comment.
fn start_tag(mut document: &[u8]) -> Option<&[u8]> {
    loop {
        let at = document.iter().position(|byte| *byte == b'<')?;
        document = &document[at + 1..];
        if !matches!(document.first(), Some(b'?' | b'!')) {
            let end = document.iter().position(|byte| *byte == b'>')?;
            return Some(&document[..end]);
        }
    }
}

/// The text of the first element of that name, for documents as flat as an error is.
pub(super) fn text(document: &[u8], name: &str) -> Option<String> {
    let document = std::str::from_utf8(document).ok()?;
    let (_, after) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    Some(unescape(text))
}

fn unescape(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part
            .split_once(';')
            .and_then(|(name, rest)| Some((entity(name)?, rest)))
        {
            Some((character, rest)) => {
                plain.push(character);
                plain.push_str(rest);
            }
            // Not well-formed; shown as it came.
            None => plain.extend(["&", part]),
        }
    }
    plain
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_ends_with_its_root() {
        for whole in [
            "",
            "<a/>",
            "<?xml version=\"1.0\"?>\n<a xmlns=\"x\"><b/></a>\n",
            "<!-- c --><a><a></a></a >",
            "<Error><Code>x</Code></Error>",
        ] {
            assert!(is_complete(whole.as_bytes()), "{whole}");
        }
        for cut in [
            "<a><b/>",
            "<a><b></b>",
            "<a",
            "<?xml version=\"1.0\"?>",
            "<a></b",
            "<ab></b>",
            "text",
        ] {
            assert!(!is_complete(cut.as_bytes()), "{cut}");
        }
    }

    #[test]
    fn the_root_is_what_comes_first() {
        let document = b"<?xml version=\"1.0\"?><Error xmlns=\"x\"><List/></Error>";

        assert!(has_root(document, "Error"));
        assert!(!has_root(document, "List"));
        assert!(!has_root(b"", ""));
    }

    #[test]
    fn the_texts_of_an_error_are_found() {
        let document = b"<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code>\
            <Message>a &lt;b&gt; &amp; &quot;c&quot; &#39;&#x41;&#39; &x; & d</Message><Key/></Error>";

        assert_eq!(text(document, "Code").as_deref(), Some("NoSuchKey"));
        assert_eq!(
            text(document, "Message").as_deref(),
            Some("a <b> & \"c\" 'A' &x; & d")
        );
        assert_eq!(text(document, "Key"), None);
        assert_eq!(text(b"<Code>cut", "Code"), None);
        assert_eq!(text(b"\xff", "Code"), None);
    }
}
