//! What the SDK and the service report, in our terms.
//!
//! Of an answer only status, code, message and request id are taken over: an SDK error as a whole holds the answer, and
//! that may repeat what was signed.

use std::error::Error as StdError;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::result::DispatchFailure;

use super::peer::FOLLOWED;
use super::xml::text;
use crate::backend::attempts::Failure;
use crate::backend::redirect;
use crate::error::{Error, ErrorKind};

const NO_CREDENTIALS: &str = "no credentials (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or \
     S3DLIO_ANONYMOUS=1 for a public bucket)";

pub(super) fn failure<E>(error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            answered_sdk(service.raw(), service.err().code(), service.err().message())
        }
        SdkError::ResponseError(ref response) => {
            let head = answered_sdk(response.raw(), None, Some("the answer cannot be read"));
            Failure {
                error: head.error.with_kind(ErrorKind::Server).with_retryable(true),
                unsure: true,
                ..head
            }
            .caused_by(error)
        }
        SdkError::DispatchFailure(ref dispatch) if is_ours(dispatch) => {
            Failure::from(take_ours(error))
        }
        SdkError::DispatchFailure(ref dispatch) => {
            let kind = if dispatch.is_timeout() {
                ErrorKind::Timeout
            } else if dispatch.is_user() {
                ErrorKind::InvalidInput
            } else {
                ErrorKind::ConnectionFailed
            };
            unanswered(kind, "no connection", error)
        }
        SdkError::TimeoutError(_) => unanswered(ErrorKind::Timeout, "no answer in time", error),
        _ => unanswered(ErrorKind::InvalidInput, "the request cannot be made", error),
    }
}

/// The transport's own error, on its way through the SDK.
fn is_ours(dispatch: &DispatchFailure) -> bool {
    let source = dispatch.as_connector_error().and_then(StdError::source);
    source.is_some_and(<dyn StdError>::is::<Error>)
}

fn take_ours<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: StdError + Send + Sync + 'static,
{
    error
        .into_source()
        .ok()
        .and_then(|source| source.downcast::<ConnectorError>().ok())
        .and_then(|source| source.into_source().downcast::<Error>().ok())
        .map_or_else(
            || Error::new(ErrorKind::ConnectionFailed, "no connection"),
            |ours| *ours,
        )
}

impl Failure {
    fn caused_by<E>(self, error: SdkError<E, HttpResponse>) -> Failure
    where
        E: StdError + Send + Sync + 'static,
    {
        match error.into_source() {
            Ok(source) => Failure {
                error: self.error.with_source(source),
                ..self
            },
            Err(_) => self,
        }
    }
}

fn unanswered<E>(kind: ErrorKind, what: &str, error: SdkError<E, HttpResponse>) -> Failure
where
    E: StdError + Send + Sync + 'static,
{
    let credentials = chain(&error).find_map(<dyn StdError>::downcast_ref::<CredentialsError>);
    let mine = if let Some(cause) = credentials {
        no_credentials(cause)
    } else {
        // A certificate that is not trusted now will not be trusted at the next try either.
        let untrusted =
            chain(&error).any(|cause| cause.to_string().contains("invalid peer certificate"));
        let what = match untrusted {
            true => "the server's certificate is refused",
            false => what,
        };
        let mine = Error::new(kind, what);
        let retryable = mine.retryable() && !untrusted;
        mine.with_retryable(retryable)
    };
    Failure::from(mine).caused_by(error)
}

/// Only a chain that has nothing to offer is a denial; one that could not be asked may answer at the next try.
pub(super) fn no_credentials(cause: &CredentialsError) -> Error {
    // A source that the caller gave, or named by its profile, speaks for itself.
    if let Some(own) = chain(cause).find_map(<dyn StdError>::downcast_ref::<Error>) {
        return Error::new(own.kind(), own.detail()).with_retryable(false);
    }
    match cause {
        CredentialsError::ProviderTimedOut(_) => Error::new(
            ErrorKind::Timeout,
            "the source of credentials gave no answer in time",
        ),
        CredentialsError::ProviderError(_) | CredentialsError::Unhandled(_) => Error::new(
            ErrorKind::ConnectionFailed,
            "the source of credentials failed",
        ),
        _ => Error::new(ErrorKind::AccessDenied, NO_CREDENTIALS),
    }
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Finds a header of an answer.
type Find<'a> = dyn Fn(&str) -> Option<&'a str> + 'a;

/// An error that the service itself reported, in a document of its own.
pub(super) fn refusal(status: u16, header: &Find<'_>, document: &[u8]) -> Failure {
    let (code, message) = (text(document, "Code"), text(document, "Message"));
    answered(status, header, code.as_deref(), message.as_deref())
}

fn answered_sdk(answer: &HttpResponse, code: Option<&str>, message: Option<&str>) -> Failure {
    let header = |name: &str| answer.headers().get(name);
    answered(answer.status().as_u16(), &header, code, message)
}

fn answered(status: u16, header: &Find<'_>, code: Option<&str>, message: Option<&str>) -> Failure {
    // MinIO repeats code and message in headers, which are all there is to a failed HEAD.
    let code = header("x-minio-error-code").or(code);
    let (kind, retryable) = classify(status, code);
    let followed = header(FOLLOWED).is_some();
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    let described = header("x-minio-error-desc").map(|text| text.trim_matches('"'));
    let message = message.or(described).filter(|message| !message.is_empty());
    let mut detail = message.or(reason).unwrap_or("no message").to_owned();
    if let Some(region) = header("x-amz-bucket-region").filter(|_| is_elsewhere(status, code)) {
        detail = format!("{detail}: the bucket is in region {region}");
    }
    let elsewhere = header("location").and_then(redirect::origin);
    if let Some(origin) = elsewhere.filter(|_| matches!(status, 300..=399) && !followed) {
        detail = format!("{detail}: a redirect to {origin} is not followed");
    }
    let mut error = Error::new(kind, detail)
        .with_status(status)
        .with_retryable(retryable || followed);
    if let Some(code) = code {
        error = error.with_code(code);
    }
    if let Some(id) = header("x-amz-request-id") {
        error = error.with_request_id(id);
    }
    Failure {
        retry_after: retry_after(header),
        ..Failure::from(error)
    }
}

fn is_elsewhere(status: u16, code: Option<&str>) -> bool {
    matches!(status, 300..=399)
        || matches!(
            (status, code),
            (400, None | Some("AuthorizationHeaderMalformed"))
        )
}

fn retry_after(header: &Find<'_>) -> Option<Duration> {
    let number = |name| {
        header(name)
            .and_then(|value| value.trim().parse::<u32>().ok())
            .map(u64::from)
    };
    number("retry-after")
        .map(Duration::from_secs)
        .or_else(|| number("x-amz-retry-after").map(Duration::from_millis))
}

/// The kind of a service's error, and whether another try may help. Codes count wherever they stand, also in a 200.
pub(super) fn classify(status: u16, code: Option<&str>) -> (ErrorKind, bool) {
    use ErrorKind::{
        AccessDenied, AlreadyExists, Integrity, InvalidInput, NotEmpty, NotFound, Precondition,
        Server, Throttled, Timeout, Unsupported,
    };
    match code.unwrap_or_default() {
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded" => return (Throttled, true),
        "RequestTimeout" | "RequestTimeoutException" => return (Timeout, true),
        "InternalError" | "ServiceUnavailable" | "OperationAborted" => return (Server, true),
        // The service compares clocks at its own; the next try is signed with the time of that moment.
        "RequestTimeTooSkewed" => return (AccessDenied, true),
        "ConditionalRequestConflict" => return (Precondition, true),
        "PreconditionFailed" => return (Precondition, false),
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => return (AlreadyExists, false),
        "BucketNotEmpty" => return (NotEmpty, false),
        "NoSuchKey" | "NoSuchBucket" | "NoSuchUpload" | "NoSuchVersion" => {
            return (NotFound, false);
        }
        "InvalidPart"
        | "InvalidPartOrder"
        | "BadDigest"
        | "XAmzContentChecksumMismatch"
        | "IncompleteBody" => {
            return (Integrity, false);
        }
        "AccessDenied"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken" => {
            return (AccessDenied, false);
        }
        "NotImplemented" | "MethodNotAllowed" => return (Unsupported, false),
        _ => {}
    }
    match status {
        401 | 403 => (AccessDenied, false),
        404 => (NotFound, false),
        405 | 501 => (Unsupported, false),
        408 => (Timeout, true),
        412 => (Precondition, false),
        429 => (Throttled, true),
        // What a HEAD answers for SlowDown, whose body is missing.
        503 if code.is_none() => (Throttled, true),
        500 | 502..=504 => (Server, true),
        300..=499 => (InvalidInput, false),
        // Other 5xx, or an error element inside a success.
        _ => (Server, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_code_then_status() {
        use ErrorKind::*;
        for (status, code, kind, retryable) in [
            (403, None, AccessDenied, false),
            (401, None, AccessDenied, false),
            (403, Some("SignatureDoesNotMatch"), AccessDenied, false),
            (403, Some("RequestTimeTooSkewed"), AccessDenied, true),
            (404, None, NotFound, false),
            (404, Some("NoSuchBucket"), NotFound, false),
            (409, Some("BucketNotEmpty"), NotEmpty, false),
            (409, Some("BucketAlreadyOwnedByYou"), AlreadyExists, false),
            (409, Some("ConditionalRequestConflict"), Precondition, true),
            (412, None, Precondition, false),
            (400, Some("RequestTimeout"), Timeout, true),
            (400, Some("BadDigest"), Integrity, false),
            (400, Some("InvalidBucketName"), InvalidInput, false),
            (408, None, Timeout, true),
            (429, None, Throttled, true),
            (503, Some("SlowDown"), Throttled, true),
            (503, None, Throttled, true),
            (503, Some("ServiceUnavailable"), Server, true),
            (500, None, Server, true),
            (502, None, Server, true),
            (504, None, Server, true),
            (501, Some("NotImplemented"), Unsupported, false),
            (200, Some("SlowDown"), Throttled, true),
            (200, Some("InternalError"), Server, true),
            (200, Some("InvalidPart"), Integrity, false),
            (200, Some("Strange"), Server, false),
            (301, Some("PermanentRedirect"), InvalidInput, false),
        ] {
            assert_eq!(
                classify(status, code),
                (kind, retryable),
                "{status} {code:?}"
            );
        }
    }

    fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> HttpResponse {
        let status = aws_smithy_runtime_api::http::StatusCode::try_from(status).unwrap();
        let mut answer = HttpResponse::new(status, aws_sdk_s3::primitives::SdkBody::empty());
        for (name, value) in headers {
            answer.headers_mut().insert(*name, *value);
        }
        answer
    }

    #[test]
    fn a_redirect_names_the_region() {
        let answer = answer(
            301,
            &[
                ("x-amz-bucket-region", "eu-west-1"),
                ("x-amz-request-id", "17A"),
            ],
        );

        let error =
            answered_sdk(&answer, Some("PermanentRedirect"), Some("use the endpoint")).error;

        let text = "PermanentRedirect (301): use the endpoint: the bucket is in region eu-west-1 (request id 17A)";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_servers_wish_to_wait_is_heard() {
        let seconds = answered_sdk(
            &answer(503, &[("retry-after", "3")]),
            Some("SlowDown"),
            None,
        );
        let millis = answered_sdk(
            &answer(503, &[("x-amz-retry-after", "1500")]),
            Some("SlowDown"),
            None,
        );

        assert_eq!(seconds.retry_after, Some(Duration::from_secs(3)));
        assert_eq!(millis.retry_after, Some(Duration::from_millis(1500)));
        assert_eq!(
            seconds.error.to_string(),
            "SlowDown (503): Service Unavailable"
        );
    }
}
