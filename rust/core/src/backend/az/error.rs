//! What Azure's refusals and broken exchanges mean to a caller. No text here ever holds a URL's query.

use std::error::Error as StdError;
use std::time::Duration;

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::headers::{HeaderName, Headers};
use serde::Deserialize;

use super::proxied::Stalled;
use crate::backend::attempts::Failure;
use crate::backend::redirect;
use crate::error::{Error, ErrorKind};

/// The error document of the service.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Document {
    code: String,
    message: String,
}

/// An answer with a status that was not asked for.
pub(super) fn refusal(status: u16, headers: &Headers, body: &[u8]) -> Failure {
    let document: Document = azure_core::xml::from_xml(body).unwrap_or_default();
    let header = |name: &'static str| headers.get_optional_str(&HeaderName::from_static(name));
    let code = header("x-ms-error-code").unwrap_or(&document.code);
    let (kind, retryable) = classify(status, code);
    // The lines after the first repeat the request id and the time.
    let message = document.message.lines().next().unwrap_or_default().trim();
    let detail = match (message, code) {
        ("", "") => format!("the service answered {status}"),
        ("", code) => format!("the service answered {code}"),
        (message, _) => message.to_owned(),
    };
    let elsewhere = header("location").and_then(redirect::origin);
    let detail = match elsewhere {
        Some(origin) if matches!(status, 300..=399) => {
            format!("{detail}: a redirect to {origin} is not followed")
        }
        _ => detail,
    };
    let mut error = Error::new(kind, detail)
        .with_status(status)
        .with_retryable(retryable);
    if !code.is_empty() {
        error = error.with_code(if status == 416 { "InvalidRange" } else { code });
    }
    if let Some(id) = header("x-ms-request-id") {
        error = error.with_request_id(id);
    }
    Failure {
        error,
        retry_after: retry_after(headers),
        unsure: status >= 500,
    }
}

fn classify(status: u16, code: &str) -> (ErrorKind, bool) {
    match (status, code) {
        (401 | 403, _) => (ErrorKind::AccessDenied, false),
        (404, _) => (ErrorKind::NotFound, false),
        (409, "BlobAlreadyExists" | "ContainerAlreadyExists") => (ErrorKind::AlreadyExists, false),
        // Told apart by the caller, who knows which condition was sent.
        (412 | 304, _) => (ErrorKind::Precondition, false),
        (429 | 503, _) => (ErrorKind::Throttled, true),
        (408 | 504, _) | (500, "OperationTimedOut") => (ErrorKind::Timeout, true),
        // A container being deleted is gone within a minute: it can be made again then.
        (500 | 502, _) | (409, "ContainerBeingDeleted") => (ErrorKind::Server, true),
        (400, "Md5Mismatch" | "Crc64Mismatch") => (ErrorKind::Integrity, false),
        (501, _) => (ErrorKind::Unsupported, false),
        (300..=499, _) => (ErrorKind::InvalidInput, false),
        _ => (ErrorKind::Server, false),
    }
}

fn retry_after(headers: &Headers) -> Option<Duration> {
    let number = |name: &'static str| {
        headers
            .get_optional_str(&HeaderName::from_static(name))?
            .parse::<u64>()
            .ok()
    };
    number("x-ms-retry-after-ms")
        .or_else(|| number("retry-after-ms"))
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}

/// An exchange that broke, at any point.
pub(super) fn broken(cause: azure_core::Error) -> Failure {
    // Without a token nothing was sent.
    let unsent = matches!(cause.kind(), CoreKind::Credential);
    let error = cause.into_downcast::<Error>().unwrap_or_else(|cause| {
        let (kind, retryable, detail) = diagnose(&cause);
        Error::new(kind, detail)
            .with_retryable(retryable)
            .with_source(cause)
    });
    let failure = Failure::from(error);
    Failure {
        unsure: failure.unsure && !unsent,
        ..failure
    }
}

fn diagnose(cause: &azure_core::Error) -> (ErrorKind, bool, &'static str) {
    if matches!(cause.kind(), CoreKind::Credential) {
        return (ErrorKind::AccessDenied, false, "no credential");
    }
    let mut step: Option<&(dyn StdError + 'static)> = Some(cause);
    let mut innermost = String::new();
    let mut http: Option<&reqwest::Error> = None;
    while let Some(error) = step {
        if error.is::<Stalled>() {
            return (ErrorKind::Timeout, true, "the transfer stalled");
        }
        http = http.or_else(|| error.downcast_ref());
        innermost = error.to_string();
        step = error.source();
    }
    match http {
        Some(http) if http.is_builder() => {
            (ErrorKind::InvalidInput, false, "the request cannot be sent")
        }
        // Retrying does not mend a certificate.
        Some(_) if innermost.contains("certificate") => (
            ErrorKind::ConnectionFailed,
            false,
            "the server's certificate is refused",
        ),
        Some(http) if http.is_timeout() => (ErrorKind::Timeout, true, "no connection in time"),
        Some(http) if http.is_connect() => (ErrorKind::ConnectionFailed, true, "no connection"),
        Some(_) => (ErrorKind::ConnectionFailed, true, "the connection broke"),
        None => (ErrorKind::Server, false, "the exchange failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in pairs {
            headers.insert(*name, *value);
        }
        headers
    }

    #[test]
    fn a_refusal_keeps_code_id_and_the_first_line() {
        let body = b"\xEF\xBB\xBF<?xml version=\"1.0\"?><Error><Code>ServerBusy</Code>\
            <Message>The server is busy.\nRequestId:x\nTime:y</Message></Error>";

        let failure = refusal(
            503,
            &headers(&[("x-ms-request-id", "id-1"), ("retry-after", "2")]),
            body,
        );

        let error = &failure.error;
        assert_eq!(
            error.to_string(),
            "ServerBusy (503): The server is busy. (request id id-1)"
        );
        assert_eq!(
            (error.kind(), error.retryable()),
            (ErrorKind::Throttled, true)
        );
        assert_eq!(failure.retry_after, Some(Duration::from_secs(2)));
    }

    #[test]
    fn kinds_follow_status_and_code() {
        for (status, code, kind, retryable) in [
            (403, "AuthenticationFailed", ErrorKind::AccessDenied, false),
            (404, "BlobNotFound", ErrorKind::NotFound, false),
            (
                409,
                "ContainerAlreadyExists",
                ErrorKind::AlreadyExists,
                false,
            ),
            (409, "BlobArchived", ErrorKind::InvalidInput, false),
            (412, "ConditionNotMet", ErrorKind::Precondition, false),
            (500, "OperationTimedOut", ErrorKind::Timeout, true),
            (500, "InternalError", ErrorKind::Server, true),
            (501, "", ErrorKind::Unsupported, false),
            (307, "", ErrorKind::InvalidInput, false),
        ] {
            assert_eq!(classify(status, code), (kind, retryable), "{status} {code}");
        }
    }

    #[test]
    fn what_got_no_token_was_not_sent() {
        for (kind, unsure) in [(CoreKind::Credential, false), (CoreKind::Io, true)] {
            let late = Error::new(ErrorKind::Timeout, "no answer");

            let failure = broken(azure_core::Error::new(kind, late));

            assert_eq!(
                (
                    failure.error.kind(),
                    failure.error.retryable(),
                    failure.unsure
                ),
                (ErrorKind::Timeout, true, unsure)
            );
        }
    }

    #[test]
    fn a_head_answer_has_only_its_header() {
        let failure = refusal(404, &headers(&[("x-ms-error-code", "BlobNotFound")]), b"");

        assert_eq!(
            failure.error.to_string(),
            "BlobNotFound (404): the service answered BlobNotFound"
        );
    }
}
