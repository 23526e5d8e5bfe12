//! Requests as they were read and answers as they will be written.

use percent_encoding::percent_decode_str;

use super::Content;

/// The request line and the headers, decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    /// Given by the server; answers, error documents and the journal carry it.
    pub(crate) request_id: String,
    pub(crate) method: String,
    /// The path, percent-decoded.
    pub(crate) path: String,
    /// The path and query as they came.
    pub(crate) target: String,
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) keep_alive: bool,
}

impl Head {
    /// Splits and decodes `target`; the absolute form, which proxies get, loses its host.
    pub(crate) fn new(method: &str, target: &str, headers: Vec<(String, String)>) -> Self {
        let origin_form = match target.split_once("://") {
            Some((scheme, rest)) if !scheme.contains('/') => {
                rest.find('/').map_or("/", |at| &rest[at..])
            }
            _ => target,
        };
        let (path, query) = origin_form.split_once('?').unwrap_or((origin_form, ""));
        Self {
            method: method.to_owned(),
            path: decode(path),
            target: origin_form.to_owned(),
            query: query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
            headers,
            ..Self::default()
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// The query as it came, without the question mark.
    pub(crate) fn raw_query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.header("transfer-encoding")
            .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
    }

    pub(crate) fn content_length(&self) -> u64 {
        self.header("content-length")
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(0)
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) head: Head,
    pub(crate) body: Content,
}

/// An answer. Content-Length, Date and Connection are the writer's business.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Content,
}

impl Response {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Content::default(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Content>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn xml(self, document: String) -> Self {
        self.header("content-type", "application/xml")
            .body(document)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Puts `value` in place of any value there was; none removes the header.
    pub(crate) fn replace(&mut self, name: &str, value: Option<&str>) {
        let name = name.to_ascii_lowercase();
        self.headers.retain(|(known, _)| *known != name);
        if let Some(value) = value {
            self.headers.push((name, value.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn targets_are_decoded_once() {
        let head = Head::new(
            "GET",
            "/b/a%2Fb%2520+c//d?prefix=x%26y&uploads&n=",
            Vec::new(),
        );

        assert_eq!(head.path, "/b/a/b%20+c//d");
        assert_eq!(head.query("prefix"), Some("x&y"));
        assert_eq!(head.query("uploads"), Some(""));
        assert_eq!(head.query("n"), Some(""));
        assert_eq!(head.raw_query(), "prefix=x%26y&uploads&n=");
    }

    #[test]
    fn proxy_targets_lose_their_host() {
        assert_eq!(
            Head::new("GET", "http://h:1/b/k?x=1", Vec::new()).path,
            "/b/k"
        );
        assert_eq!(Head::new("GET", "/b/a://c", Vec::new()).path, "/b/a://c");
    }
}
