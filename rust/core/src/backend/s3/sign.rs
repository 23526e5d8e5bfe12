//! Signature version 4 of requests to S3, with the key of the day kept.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use std::fmt;
use std::sync::{PoisonError, RwLock};

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
    kept: RwLock<Option<DayKey>>,
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
            kept: RwLock::default(),
        }
    }

    /// The value of the header `authorization`.
    pub(super) fn authorization(&self, credentials: &Credentials, signed: &Signed<'_>) -> String {
        let day = &signed.time[..8];
        let scope = [day, "/", &self.region, "/s3/aws4_request"];
        // One text after another, all in the same memory.
        let mut text = String::with_capacity(1024);
        canonical(signed, &mut text);
        let request = Hex::of(&Sha256::digest(&text).into());
        text.clear();
        text.extend([ALGORITHM, "\n", signed.time, "\n"]);
        text.extend(scope);
        text.extend(["\n", request.as_str()]);
        let signature = Hex::of(&self.sign(credentials.secret_access_key(), day, &text));
        text.clear();
        text.extend([ALGORITHM, " Credential=", credentials.access_key_id(), "/"]);
        text.extend(scope);
        text.push_str(",SignedHeaders=");
        names(signed.headers, &mut text);
        text.extend([",Signature=", signature.as_str()]);
        text
    }

    fn sign(&self, secret: &str, day: &str, text: &str) -> [u8; 32] {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = &*kept
            && kept.day == day
            && *kept.secret == secret
        {
            return hmac(&*kept.key, text.as_bytes());
        }
        drop(kept);
        let key = self.derive(secret, day);
        let signature = hmac(&*key, text.as_bytes());
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(DayKey {
            day: day.to_owned(),
            secret: Zeroizing::new(secret.to_owned()),
            key,
        });
        signature
    }

    fn derive(&self, secret: &str, day: &str) -> Zeroizing<[u8; 32]> {
        #[cfg(test)]
        tests::DERIVED.set(tests::DERIVED.get() + 1);
        let first = Zeroizing::new(format!("AWS4{secret}"));
        let of_day = hmac(first.as_bytes(), day.as_bytes());
        let of_region = hmac(&of_day, self.region.as_bytes());
        let of_service = hmac(&of_region, b"s3");
        Zeroizing::new(hmac(&of_service, b"aws4_request"))
    }
}

fn canonical(signed: &Signed<'_>, text: &mut String) {
    text.extend([signed.method, "\n", signed.path, "\n", signed.query, "\n"]);
    for (name, value) in signed.headers {
        text.extend([name, ":"]);
        if value.contains(' ') {
            // Runs of spaces count as one.
            for (at, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
                text.extend([if at > 0 { " " } else { "" }, word]);
            }
        } else {
            text.push_str(value);
        }
        text.push('\n');
    }
    text.push('\n');
    names(signed.headers, text);
    text.extend(["\n", signed.payload]);
}

fn names(headers: &[(&str, &str)], text: &mut String) {
    for (at, (name, _)) in headers.iter().enumerate() {
        text.extend([if at > 0 { ";" } else { "" }, name]);
    }
}

/// The SHA-256 of all pieces.
pub(super) fn sha256(payload: &Payload) -> String {
    let mut hash = Sha256::new();
    for piece in payload.pieces() {
        hash.update(piece);
    }
    Hex::of(&hash.finalize().into()).as_str().to_owned()
}

/// As `20130524T000000Z`.
pub(super) fn stamp(time: OffsetDateTime) -> String {
    let (date, clock) = (time.date(), time.time());
    let year = date.year().unsigned_abs();
    let mut text = String::with_capacity(16);
    for (number, end) in [
        ((year / 100) as u8, ""),
        ((year % 100) as u8, ""),
        (date.month().into(), ""),
        (date.day(), "T"),
        (clock.hour(), ""),
        (clock.minute(), ""),
        (clock.second(), "Z"),
    ] {
        text.extend([number / 10, number % 10].map(|digit| char::from(b'0' + digit)));
        text.push_str(end);
    }
    text
}

/// S3's encoding of keys and of query values: all but letters, digits and `-._~`, and `/` where it is kept.
pub(super) fn encode(text: &str, keep_slash: bool, into: &mut String) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~')
            || (keep_slash && byte == b'/')
    };
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        let (plain, odd) = rest.split_at(at);
        into.push_str(plain);
        let len = odd.chars().next().map_or(0, char::len_utf8);
        for byte in &odd.as_bytes()[..len] {
            let digits = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
            into.push('%');
            into.extend(digits.map(char::from));
        }
        rest = &odd[len..];
    }
    into.push_str(rest);
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// A hash as text.
struct Hex([u8; 64]);

impl Hex {
    fn of(hash: &[u8; 32]) -> Self {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(hash) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Hex(text)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are text")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// How often this thread has made a key.
        pub(in crate::backend::s3) static DERIVED: Cell<usize> = const { Cell::new(0) };
    }

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
        let first = signer.sign("secret", "20130524", "text");
        let before = DERIVED.get();

        for (secret, day, same, made) in [
            ("secret", "20130524", true, 0),
            ("secret", "20130525", false, 1),
            ("other", "20130524", false, 2),
            ("secret", "20130524", true, 3),
            ("secret", "20130524", true, 3),
        ] {
            let signature = signer.sign(secret, day, "text");
            assert_eq!(
                (signature == first, DERIVED.get() - before),
                (same, made),
                "{day}"
            );
        }
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
