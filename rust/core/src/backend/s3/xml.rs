//! Whether an answer's XML came whole. The SDK's reader takes a document that just stops for a shorter one.

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
}
