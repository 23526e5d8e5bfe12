//! Signing and reading of listings, as the benchmarks outside of this crate reach them.

use aws_credential_types::Credentials;

use super::listing::parse;
use super::sign::{Signed, Signer, UNSIGNED};
use crate::error::Result;

/// A signer whose key of the day is there after the first request.
#[derive(Debug)]
pub struct Signing {
    signer: Signer,
    credentials: Credentials,
}

impl Default for Signing {
    fn default() -> Self {
        Signing {
            signer: Signer::new("us-east-1"),
            credentials: Credentials::new("AKIAEXAMPLE", "not-checked", None, None, "bench"),
        }
    }
}

impl Signing {
    /// The authorization of a get of `path`.
    pub fn get(&self, path: &str) -> String {
        let signed = Signed {
            method: "GET",
            path,
            query: "",
            headers: &[
                ("host", "bucket.s3.us-east-1.amazonaws.com"),
                ("range", "bytes=0-8388607"),
                ("x-amz-content-sha256", UNSIGNED),
                ("x-amz-date", "20130524T000000Z"),
            ],
            payload: UNSIGNED,
            time: "20130524T000000Z",
        };
        self.signer.authorization(&self.credentials, &signed)
    }
}

/// How many objects a listing names.
pub fn read_listing(document: &[u8]) -> Result<usize> {
    Ok(parse(document)?.objects.len())
}
