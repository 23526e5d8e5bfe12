//! Blob Batch: many small requests in the body of one, each authorized by itself and answered by itself.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/blob-batch>

use azure_core::http::Method;
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::time::{OffsetDateTime, to_rfc7231};
use url::Url;

use super::AzStore;
use super::auth::Authority;
use super::error;
use super::session::header;
use crate::backend::attempts::{Attempts, Failure};
use crate::config::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::uri::Key;

impl AzStore {
    /// Deletes blobs by one request: what became of each, in the order of the keys.
    pub(super) async fn delete_batch(
        &self,
        keys: &[&Key],
        attempts: &mut Attempts<'_>,
    ) -> Result<Vec<Result<(), Failure>>> {
        let boundary = format!("batch_{:032x}", rand::random::<u128>());
        let token = match &self.session.authority {
            Authority::Entra(chain) => Some(chain.token().await?),
            Authority::Key(_) | Authority::Sas(_) => None,
        };
        let mut body = String::with_capacity(keys.len() * 512);
        for (number, key) in keys.iter().enumerate() {
            let request = self.delete_request(key, token.as_ref())?;
            body.extend(["--", &boundary, "\r\n"]);
            body.push_str(
                "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n",
            );
            body.push_str(&format!("Content-ID: {number}\r\n\r\n{request}\r\n"));
        }
        body.extend(["--", &boundary, "--\r\n"]);
        let call = self
            .session
            .container(Method::Post, &self.container)?
            .query("restype", "container")
            .query("comp", "batch")
            .header(
                "content-type",
                format!("multipart/mixed; boundary={boundary}"),
            )
            .body(Payload::from(body.into_bytes()));
        let (headers, answer) = self.session.ask(&call, 202, attempts).await?;
        let boundary = header(&headers, "content-type")
            .and_then(|kind| kind.split_once("boundary="))
            .map(|(_, boundary)| boundary.trim_matches('"'))
            .ok_or_else(|| senseless("the answer to a batch names no boundary"))?;
        read(&answer, boundary, keys.len())
    }

    /// One request, as text: HTTP within the body. `token` is there where the account is opened by one.
    fn delete_request(&self, key: &Key, token: Option<&Secret>) -> Result<String> {
        let url = self.session.url(&self.container, key);
        let url = Url::parse(&url)
            .map_err(|cause| Error::invalid("the endpoint is no URL").with_source(cause))?;
        let mut path = url.path().to_owned();
        let mut headers = Headers::new();
        headers.insert("x-ms-date", to_rfc7231(&OffsetDateTime::now_utc()));
        headers.insert("x-ms-delete-snapshots", "include");
        headers.insert("content-length", "0");
        match &self.session.authority {
            Authority::Key(key) => {
                let signed = key.authorization(Method::Delete, &url, &headers);
                headers.insert("authorization", signed);
            }
            Authority::Sas(sas) => path.extend(["?", sas.query().reveal()]),
            Authority::Entra(_) => {}
        }
        if let Some(token) = token {
            headers.insert("authorization", format!("Bearer {}", token.reveal()));
        }
        let mut text = format!("DELETE {path} HTTP/1.1\r\n");
        for (name, value) in headers.iter() {
            text.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
        Ok(text)
    }
}

/// One outcome per request; one that the answer leaves out is unknown.
fn read(answer: &[u8], boundary: &str, count: usize) -> Result<Vec<Result<(), Failure>>> {
    let text =
        std::str::from_utf8(answer).map_err(|_| senseless("the answer to a batch is no UTF-8"))?;
    let mut outcomes: Vec<_> = (0..count).map(|_| Err(untold())).collect();
    for part in text.split(&format!("--{boundary}")).skip(1) {
        if part.starts_with("--") {
            break;
        }
        let (number, outcome) = read_part(part)?;
        match number {
            Some(number) => {
                *outcomes.get_mut(number).ok_or_else(|| {
                    senseless("the answer to a batch numbers what was not sent")
                })? = outcome;
            }
            // Without a number it is the batch as a whole that was refused.
            None => {
                outcome.map_err(|failure| failure.error)?;
            }
        }
    }
    Ok(outcomes)
}

/// The number of a request, and what became of it.
fn read_part(part: &str) -> Result<(Option<usize>, Result<(), Failure>)> {
    let cut = || senseless("the answer to a batch is cut");
    let (outer, inner) = part.split_once("\r\n\r\n").ok_or_else(cut)?;
    let number = fields(outer).find(|(name, _)| name.eq_ignore_ascii_case("content-id"));
    let number = number.and_then(|(_, number)| number.parse().ok());
    let (line, rest) = inner.split_once("\r\n").ok_or_else(cut)?;
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let (head, body) = rest.split_once("\r\n\r\n").unwrap_or((rest, ""));
    let mut headers = Headers::new();
    for (name, value) in fields(head) {
        headers.insert(
            HeaderName::from(name.to_ascii_lowercase()),
            value.to_owned(),
        );
    }
    let outcome = match status.ok_or_else(cut)? {
        202 => Ok(()),
        status => Err(error::refusal(status, &headers, body.trim().as_bytes())),
    };
    Ok((number, outcome))
}

fn fields(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim(), value.trim()))
}

fn untold() -> Failure {
    Error::new(ErrorKind::Server, "the answer to a batch leaves it out").into()
}

fn senseless(detail: &str) -> Error {
    Error::new(ErrorKind::Server, detail).with_retryable(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "--b\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\n\
        HTTP/1.1 404 The specified blob does not exist.\r\nx-ms-error-code: BlobNotFound\r\n\r\n\
        <Error><Code>BlobNotFound</Code></Error>\r\n\
        --b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\n\
        HTTP/1.1 202 Accepted\r\nx-ms-request-id: r\r\n\r\n--b--\r\n";

    #[test]
    fn each_request_has_its_answer() {
        let mut outcomes = read(ANSWER.as_bytes(), "b", 3).unwrap().into_iter();

        outcomes.next().unwrap().unwrap();
        let missing = outcomes.next().unwrap().unwrap_err().error;
        assert_eq!(
            (missing.status(), missing.code()),
            (Some(404), Some("BlobNotFound"))
        );
        let untold = outcomes.next().unwrap().unwrap_err().error;
        assert!(untold.retryable(), "{untold}");
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_an_error() {
        for (answer, count) in [
            (ANSWER, 1),
            ("--b\r\nContent-ID: 0", 1),
            ("--b\r\nContent-ID: 0\r\n\r\nHTTP/1.1", 1),
            (
                "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 Bad\r\n\r\n--b--",
                1,
            ),
        ] {
            assert!(read(answer.as_bytes(), "b", count).is_err(), "{answer}");
        }
    }
}
