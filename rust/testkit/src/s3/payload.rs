//! The bytes a write carries: unwrapped from aws-chunked, and checked against every sum given.

use bytes::Bytes;

use super::error::{Result, S3Error};
use super::state::Checksum;
use crate::checksum::{Algorithm, decode, hex, md5, sha256};
use crate::http::{Content, Head, Request};

#[derive(Debug)]
pub(super) struct Payload {
    pub(super) content: Content,
    /// What the writer gave and was found right.
    pub(super) checksum: Option<Checksum>,
}

/// Reads and checks the body of `request`.
pub(super) fn read(request: &Request) -> Result<Payload> {
    let head = &request.head;
    let coded = head
        .header("content-encoding")
        .is_some_and(|value| value.contains("aws-chunked"))
        || head
            .header("x-amz-content-sha256")
            .is_some_and(|value| value.starts_with("STREAMING-"));
    let (content, trailers) = if coded {
        let (content, trailers) = unchunk(&request.body.to_bytes()).ok_or_else(incomplete)?;
        let announced = head.header("x-amz-decoded-content-length");
        if announced.is_some_and(|length| length.parse() != Ok(content.len())) {
            return Err(incomplete());
        }
        (content, trailers)
    } else if head.is_chunked() {
        // S3 takes chunked bodies only where x-amz-decoded-content-length states their size.
        return Err(S3Error::not_implemented());
    } else {
        (request.body.clone(), Vec::new())
    };
    check_hashes(head, &content)?;
    let checksum = checksum(head, &trailers, &content)?;
    Ok(Payload { content, checksum })
}

/// The one checksum among headers and trailers, after comparing it with the content.
fn checksum(
    head: &Head,
    trailers: &[(String, String)],
    content: &Content,
) -> Result<Option<Checksum>> {
    if let Some(announced) = head.header("x-amz-trailer")
        && !trailers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(announced))
    {
        let message = "The trailer that x-amz-trailer announces is not there";
        return Err(S3Error::new(400, "MalformedTrailerError", message));
    }
    let given: Vec<_> = head
        .headers
        .iter()
        .chain(trailers)
        .filter(|(name, _)| is_value(name))
        .collect();
    let (name, value) = match given.as_slice() {
        [] if head.header("x-amz-sdk-checksum-algorithm").is_some() => {
            return Err(S3Error::invalid_request(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* \
                 or x-amz-trailer headers were found.",
            ));
        }
        [] => return Ok(None),
        [(name, value)] => (name, value),
        _ => {
            return Err(S3Error::invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
    };
    let algorithm = Algorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.header() == name)
        .ok_or_else(S3Error::not_implemented)?;
    verify(algorithm, value, content)?;
    Ok(Some(Checksum {
        algorithm,
        value: value.clone(),
        composite: false,
    }))
}

/// Refuses a `value` that is not `algorithm`'s of `content`.
pub(super) fn verify(algorithm: Algorithm, value: &str, content: &Content) -> Result<()> {
    let given = decode(value).filter(|bytes| bytes.len() == algorithm.width());
    let Some(given) = given else {
        let message = format!("Value for {} header is invalid.", algorithm.header());
        return Err(S3Error::invalid_request(&message));
    };
    if given == algorithm.digest(content) {
        return Ok(());
    }
    let name = algorithm.name();
    let message = format!("The {name} you specified did not match the calculated checksum.");
    Err(S3Error::new(400, "BadDigest", &message))
}

/// Whether a header's name is that of a checksum's value.
pub(super) fn is_value(name: &str) -> bool {
    name.strip_prefix("x-amz-checksum-")
        .is_some_and(|kind| !matches!(kind, "algorithm" | "type" | "mode"))
}

fn check_hashes(head: &Head, content: &Content) -> Result<()> {
    if let Some(given) = head.header("x-amz-content-sha256")
        && given.len() == 64
        && given != hex(&sha256(content))
    {
        let message =
            "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return Err(S3Error::new(400, "XAmzContentSHA256Mismatch", message));
    }
    let Some(given) = head.header("content-md5") else {
        return Ok(());
    };
    match decode(given) {
        Some(bytes) if bytes.len() != 16 => Err(invalid_digest()),
        None => Err(invalid_digest()),
        Some(bytes) if bytes == md5(content) => Ok(()),
        Some(_) => {
            let message = "The Content-MD5 you specified did not match what we received.";
            Err(S3Error::new(400, "BadDigest", message))
        }
    }
}

/// Takes the chunk frames away; the trailers' names in lower case.
fn unchunk(body: &Bytes) -> Option<(Content, Vec<(String, String)>)> {
    let mut content = Content::default();
    let mut at = 0;
    loop {
        let line = line(body, &mut at)?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            break;
        }
        let end = at.checked_add(size).filter(|end| *end <= body.len())?;
        content.push(body.slice(at..end));
        at = end;
        if !self::line(body, &mut at)?.is_empty() {
            return None;
        }
    }
    let mut trailers = Vec::new();
    while let Some(line) = line(body, &mut at) {
        if let Some((name, value)) = line.split_once(':') {
            trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    Some((content, trailers))
}

/// The text up to the next line end, and `at` moved behind it.
fn line<'a>(body: &'a Bytes, at: &mut usize) -> Option<&'a str> {
    let rest = &body[*at..];
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    *at += end + 2;
    std::str::from_utf8(&rest[..end]).ok()
}

fn incomplete() -> S3Error {
    let message = "The request body terminated unexpectedly";
    S3Error::new(400, "IncompleteBody", message)
}

fn invalid_digest() -> S3Error {
    S3Error::new(
        400,
        "InvalidDigest",
        "The Content-MD5 you specified was invalid.",
    )
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::unchunk;

    #[test]
    fn frames_and_trailers_come_apart() {
        let body =
            "3;chunk-signature=x\r\nabc\r\n2\r\n\r\n\r\n0\r\nX-Amz-Checksum-Crc32c: v\r\n\r\n";

        let (content, trailers) = unchunk(&Bytes::from(body)).unwrap();

        assert_eq!(content.to_bytes(), "abc\r\n");
        assert_eq!(
            trailers,
            [("x-amz-checksum-crc32c".to_owned(), "v".to_owned())]
        );
    }

    #[test]
    fn a_short_frame_is_refused() {
        for body in ["3\r\nab", "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc\r\n", "x\r\n"] {
            assert!(unchunk(&Bytes::from(body)).is_none(), "{body:?}");
        }
    }
}
