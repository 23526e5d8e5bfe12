//! Shared key authorization: an HMAC-SHA256 of the request, made anew for each try so that its date is fresh.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Method, Request, Url};
use azure_core::time::{OffsetDateTime, to_rfc7231};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Headers that are signed by their place, not their name. `x-ms-date` stands for `date`, which stays empty.
const POSITIONAL: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// Signs every try of every request.
pub(super) struct SharedKey {
    account: String,
    key: Zeroizing<Vec<u8>>,
}

impl SharedKey {
    pub fn new(account: &str, key: Zeroizing<Vec<u8>>) -> Self {
        SharedKey {
            account: account.to_owned(),
            key,
        }
    }

    pub fn account(&self) -> &str {
        &self.account
    }

    /// The signature of a text, in base64.
    pub fn sign(&self, text: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(text.as_bytes());
        BASE64.encode(mac.finalize().into_bytes())
    }

    pub fn authorization(&self, method: Method, url: &Url, headers: &Headers) -> String {
        let text = string_to_sign(&self.account, method, url, headers);
        format!("SharedKey {}:{}", self.account, self.sign(&text))
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedKey({}, ***)", self.account)
    }
}

#[async_trait]
impl Policy for SharedKey {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        request.insert_header("x-ms-date", to_rfc7231(&OffsetDateTime::now_utc()));
        let authorization = self.authorization(request.method(), request.url(), request.headers());
        request.insert_header("authorization", authorization);
        next[0].send(context, request, &next[1..]).await
    }
}

fn string_to_sign(account: &str, method: Method, url: &Url, headers: &Headers) -> String {
    let mut text = String::with_capacity(512);
    text.push_str(method.as_str());
    text.push('\n');
    for name in POSITIONAL {
        let value = headers
            .get_optional_str(&HeaderName::from_static(name))
            .unwrap_or_default();
        // An empty body is signed as no length at all.
        let empty_body = name == "content-length" && value == "0";
        text.push_str(if empty_body { "" } else { value });
        text.push('\n');
    }
    let ours: BTreeMap<&str, &str> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| name.starts_with("x-ms-"))
        .collect();
    for (name, value) in ours {
        text.extend([name, ":", value.trim(), "\n"]);
    }
    // The path as it is sent; an emulator's holds the account once more.
    text.extend(["/", account, url.path()]);
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        query
            .entry(name.to_lowercase())
            .or_default()
            .push(value.into_owned());
    }
    for (name, mut values) in query {
        values.sort();
        text.extend(["\n", &name, ":", &values.join(",")]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    fn signer(account: &str) -> SharedKey {
        SharedKey::new(account, Zeroizing::new(BASE64.decode(KEY).unwrap()))
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in pairs {
            headers.insert(*name, *value);
        }
        headers
    }

    #[test]
    fn everything_signed_has_its_place() {
        let url = Url::parse(
            "https://acc.blob.core.windows.net/c/a%20b?comp=block&BlockId=YQ%3D%3D&a=2&a=1",
        )
        .unwrap();
        let headers = headers(&[
            ("content-length", "11"),
            ("content-md5", "sQqNsWTgdUEFt6mb5y4/5Q=="),
            ("content-type", "text/plain"),
            ("if-none-match", "*"),
            ("range", "bytes=0-1"),
            ("accept", "not signed"),
            ("x-ms-version", "2024-11-04"),
            ("x-ms-meta-b", " two "),
            ("x-ms-date", "Mon, 23 Nov 2026 08:00:00 GMT"),
        ]);

        let text = string_to_sign("acc", Method::Put, &url, &headers);

        let expected = [
            "PUT",
            "",
            "",
            "11",
            "sQqNsWTgdUEFt6mb5y4/5Q==",
            "text/plain",
            "",
            "",
            "",
            "*",
            "",
            "bytes=0-1",
            "x-ms-date:Mon, 23 Nov 2026 08:00:00 GMT",
            "x-ms-meta-b:two",
            "x-ms-version:2024-11-04",
            "/acc/c/a%20b",
            "a:1,2",
            "blockid:YQ==",
            "comp:block",
        ];
        assert_eq!(text, expected.join("\n"));
        assert_eq!(
            signer("acc").authorization(Method::Put, &url, &headers),
            "SharedKey acc:s6jeZaIG0fIfnYBHUG/tVk/9c5VezqkfvpgQR9ipW0k="
        );
    }

    #[test]
    fn an_emulator_signs_its_account_twice_and_no_empty_length() {
        let url =
            Url::parse("http://127.0.0.1:10000/devstoreaccount1/c?restype=container").unwrap();
        let headers = headers(&[
            ("content-length", "0"),
            ("x-ms-date", "Mon, 23 Nov 2026 08:00:00 GMT"),
            ("x-ms-version", "2024-11-04"),
        ]);

        let text = string_to_sign("devstoreaccount1", Method::Put, &url, &headers);

        let expected = "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Mon, 23 Nov 2026 08:00:00 GMT\n\
            x-ms-version:2024-11-04\n/devstoreaccount1/devstoreaccount1/c\nrestype:container";
        assert_eq!(text, expected);
        assert_eq!(
            signer("devstoreaccount1").authorization(Method::Put, &url, &headers),
            "SharedKey devstoreaccount1:0hFyt0fZrq6hxHFIOhpN4+k0hEMOF3rKwYVqBHy4hGs="
        );
    }
}
