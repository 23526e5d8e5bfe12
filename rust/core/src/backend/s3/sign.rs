//! Signature version 4 of requests to S3, with the key of the day kept.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use std::fmt;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use aws_credential_types::Credentials;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::payload::Payload;

/// Of a body that the service checks by another checksum.
pub(super) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// Of no body.
pub(super) const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Signs for one region. Four hashes make the key; they are made once a day, not once a request.
pub(super) struct Signer {
    region: String,
    kept: Mutex<Option<DayKey>>,
}

struct DayKey {
    day: String,
    secret: Zeroizing<String>,
    key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, ***)", self.region)
    }
}

/// What is signed of a request. `headers` are sorted, their names are in lower case, and all of them are signed.
#[derive(Debug)]
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// As it is sent.
    pub(super) path: &'a str,
    /// As it is sent, sorted.
    pub(super) query: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body, or the word that stands for none.
    pub(super) payload: &'a str,
    /// As in the header `x-amz-date`.
    pub(super) time: &'a str,
}

impl Signer {
    pub(super) fn new(region: &str) -> Self {
        Signer {
            region: region.to_owned(),
            kept: Mutex::default(),
        }
    }

    /// The value of the header `authorization`.
    pub(super) fn authorization(&self, credentials: &Credentials, signed: &Signed<'_>) -> String {
        let day = &signed.time[..8];
        let names = names(signed.headers);
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let request = hex(&Sha256::digest(canonical(signed, &names)));
        let text = format!("{ALGORITHM}\n{}\n{scope}\n{request}", signed.time);
        let key = self.key(credentials.secret_access_key(), day);
        let signature = hex(&hmac(&*key, text.as_bytes()));
        let id = credentials.access_key_id();
        format!("{ALGORITHM} Credential={id}/{scope},SignedHeaders={names},Signature={signature}")
    }

    fn key(&self, secret: &str, day: &str) -> Zeroizing<[u8; 32]> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = &*kept
            && kept.day == day
            && *kept.secret == secret
        {
            return kept.key.clone();
        }
        let first = Zeroizing::new(format!("AWS4{secret}"));
        let of_day = hmac(first.as_bytes(), day.as_bytes());
        let of_region = hmac(&of_day, self.region.as_bytes());
        let of_service = hmac(&of_region, b"s3");
        let key = Zeroizing::new(hmac(&of_service, b"aws4_request"));
        *kept = Some(DayKey {
            day: day.to_owned(),
            secret: Zeroizing::new(secret.to_owned()),
            key: key.clone(),
        });
        key
    }
}

fn canonical(signed: &Signed<'_>, names: &str) -> String {
    let mut text = String::with_capacity(1024);
    for part in [signed.method, signed.path, signed.query] {
        text.extend([part, "\n"]);
    }
    for (name, value) in signed.headers {
        text.extend([name, ":"]);
        // Runs of spaces count as one.
        for (at, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
            text.extend([if at > 0 { " " } else { "" }, word]);
        }
        text.push('\n');
    }
    text.extend(["\n", names, "\n", signed.payload]);
    text
}

fn names(headers: &[(&str, &str)]) -> String {
    let mut names = String::with_capacity(128);
    for (at, (name, _)) in headers.iter().enumerate() {
        names.extend([if at > 0 { ";" } else { "" }, name]);
    }
    names
}

/// The SHA-256 of all pieces.
pub(super) fn sha256(payload: &Payload) -> String {
    let mut hash = Sha256::new();
    for piece in payload.pieces() {
        hash.update(piece);
    }
    hex(&hash.finalize())
}

/// As `20130524T000000Z`.
pub(super) fn stamp(time: OffsetDateTime) -> String {
    let (date, clock) = (time.date(), time.time());
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    )
}

/// S3's encoding of keys and of query values: all but letters, digits and `-._~`, and `/` where it is kept.
pub(super) fn encode(text: &str, keep_slash: bool, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/') {
            into.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: (&str, &str) = ("host", "examplebucket.s3.amazonaws.com");
    const TIME: &str = "20130524T000000Z";
    const DATE: (&str, &str) = ("x-amz-date", TIME);

    fn credentials() -> Credentials {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, None, None, "docs")
    }

    fn signature(request: &Signed<'_>) -> String {
        let signer = Signer::new("us-east-1");
        let text = signer.authorization(&credentials(), request);
        assert_eq!(
            text,
            signer.authorization(&credentials(), request),
            "the kept key"
        );
        text.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// The examples that Amazon publishes with the specification.
    #[test]
    fn the_published_examples_come_out() {
        let get = |query, payload: &'static str| {
            let hash = ("x-amz-content-sha256", payload);
            let headers = [HOST, hash, DATE];
            signature(&Signed {
                method: "GET",
                path: "/",
                query,
                headers: &headers,
                payload,
                time: TIME,
            })
        };

        assert_eq!(
            get("lifecycle=", EMPTY),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        assert_eq!(
            get("max-keys=2&prefix=J", EMPTY),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
        let ranged = Signed {
            method: "GET",
            path: "/test.txt",
            query: "",
            headers: &[
                HOST,
                ("range", "bytes=0-9"),
                ("x-amz-content-sha256", EMPTY),
                DATE,
            ],
            payload: EMPTY,
            time: TIME,
        };
        assert_eq!(
            signature(&ranged),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
    }

    #[test]
    fn the_published_put_comes_out() {
        let payload = sha256(&Payload::from(&b"Welcome to Amazon S3."[..]));
        let mut path = String::from("/");
        encode("test$file.text", true, &mut path);

        let put = signature(&Signed {
            method: "PUT",
            path: &path,
            query: "",
            headers: &[
                ("date", " Fri, 24  May 2013 00:00:00 GMT "),
                HOST,
                ("x-amz-content-sha256", &payload),
                DATE,
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            payload: &payload,
            time: TIME,
        });

        assert_eq!(
            payload,
            "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
        );
        assert_eq!(
            put,
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
    }

    #[test]
    fn a_key_is_made_anew_for_another_day_or_secret() {
        let signer = Signer::new("us-east-1");
        let first = signer.key("secret", "20130524");

        assert_eq!(first, signer.key("secret", "20130524"));
        assert_ne!(first, signer.key("secret", "20130525"));
        assert_ne!(first, signer.key("other", "20130524"));
        assert_eq!(first, signer.key("secret", "20130524"));
    }

    #[test]
    fn keys_are_encoded_as_s3_does() {
        let mut path = String::new();
        encode("a b/c+%~é/..-_.", true, &mut path);
        let mut query = String::new();
        encode("a/b=", false, &mut query);

        assert_eq!(
            (path.as_str(), query.as_str()),
            ("a%20b/c%2B%25~%C3%A9/..-_.", "a%2Fb%3D")
        );
    }

    #[test]
    fn a_stamp_has_no_signs() {
        let time = time::macros::datetime!(2013-05-04 03:02:01.5 UTC);

        assert_eq!(stamp(time), "20130504T030201Z");
    }
}
