//! The ways to misbehave, and how JSON names them.

use serde::{Deserialize, Serialize};

/// One way to misbehave. In JSON, `do` is the name in snake case and the fields stand beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The connection ends after `after` bytes of the body; Content-Length stays right.
    Cut {
        after: u64,
        /// End with a reset instead of an orderly close.
        #[serde(default)]
        reset: bool,
    },
    /// After `after` bytes of the body (none: before the head) nothing more comes, and the
    /// connection stays open until the client closes it.
    Stall {
        #[serde(default)]
        after: Option<u64>,
    },
    /// The answer begins so much later.
    Delay { ms: u64 },
    /// The body leaves at this rate.
    Throttle { bytes_per_second: f64 },
    /// The request is read, nothing is done, and the connection closes without an answer.
    LoseRequest {
        #[serde(default)]
        reset: bool,
    },
    /// The work is done, and the connection closes without an answer.
    LoseAnswer {
        #[serde(default)]
        reset: bool,
    },
    /// The connection is reset after `after` bytes of the request's body were taken.
    CutUpload { after: u64 },
    /// After `after` bytes of the request's body nothing more is taken. The client's close waits
    /// behind its unsent bytes, so the request stays in flight unless the client resets.
    StallUpload { after: u64 },
    /// One bit of one byte of the request's body is flipped on its way.
    FlipUpload {
        offset: u64,
        #[serde(default)]
        bit: u8,
    },
    /// An error answer; with the defaults, 503 SlowDown.
    Fail {
        #[serde(default = "slow_down_status")]
        status: u16,
        #[serde(default = "slow_down_code")]
        code: String,
        #[serde(default = "slow_down_message")]
        message: String,
        /// The Retry-After header, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
        /// Do the work all the same.
        #[serde(default)]
        work: bool,
        /// Answer before the request's body is read, then close.
        #[serde(default)]
        early: bool,
    },
    /// Status 200 with an error document as its body, as CompleteMultipartUpload and CopyObject
    /// give when they fail late.
    #[serde(rename = "error_in_200")]
    ErrorIn200 {
        #[serde(default = "internal_code")]
        code: String,
        #[serde(default = "internal_message")]
        message: String,
        /// Do the work all the same.
        #[serde(default)]
        work: bool,
    },
    /// A redirect to the same path and query at another `location` (scheme, host and port).
    Redirect {
        #[serde(default = "redirect_status")]
        status: u16,
        location: String,
    },
    /// The request is handled as if this header were not there: `range`, `if-match`,
    /// `if-none-match`, ... `range` also stands for `x-ms-range`.
    IgnoreHeader { name: String },
    /// One bit of one byte of the answer's body is flipped.
    FlipBit {
        offset: u64,
        #[serde(default)]
        bit: u8,
        /// What `offset` counts from.
        #[serde(default)]
        of: FlipOrigin,
    },
    /// The body lacks its last `by` bytes, and Content-Length agrees with what is sent.
    Truncate { by: u64 },
    /// Content-Length is wrong by `delta`; the body is sent as it is and the connection closes.
    ContentLength { delta: i64 },
    /// A header of the answer is set, or removed where there is no value: a wrong Content-Range,
    /// a false checksum, another ETag.
    SetHeader {
        name: String,
        #[serde(default)]
        value: Option<String>,
    },
    /// Each checksum header of the answer gets a well-formed but wrong value.
    WrongChecksum,
    /// The body is `body`, or breaks off in its middle; Content-Length agrees.
    MalformedXml {
        #[serde(default)]
        body: Option<String>,
    },
    /// A completed upload (or block list) silently lacks its `number`th part, counted from 1.
    DropPart {
        number: usize,
        /// The answer's ETag and checksum claim that it is there.
        #[serde(default)]
        hidden: bool,
    },
    /// A listing's next page begins where this one did.
    RepeatToken,
    /// DeleteObjects reports this key as failed and does not delete it.
    FailKey {
        key: String,
        #[serde(default = "internal_code")]
        code: String,
        #[serde(default = "internal_message")]
        message: String,
    },
    /// After this request was handled, its object is replaced by seeded bytes of the same size,
    /// or of `size`.
    ReplaceObject {
        #[serde(default)]
        seed: u64,
        #[serde(default)]
        size: Option<u64>,
    },
}

/// What the offset of a flipped byte counts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlipOrigin {
    /// The body of the answer.
    #[default]
    Body,
    /// The object: an answer with a range that does not hold the byte stays as it is.
    Object,
}

impl Action {
    /// 503 SlowDown.
    #[must_use]
    pub fn slow_down() -> Self {
        Self::fail(503, &slow_down_code())
    }

    /// An error answer instead of the work.
    #[must_use]
    pub fn fail(status: u16, code: &str) -> Self {
        Self::Fail {
            status,
            code: code.to_owned(),
            message: if status == 503 {
                slow_down_message()
            } else {
                format!("scripted {code}")
            },
            retry_after: None,
            work: false,
            early: false,
        }
    }

    /// The request is handled as if it had no such header.
    #[must_use]
    pub fn ignore(header: &str) -> Self {
        Self::IgnoreHeader {
            name: header.to_owned(),
        }
    }
}

fn slow_down_status() -> u16 {
    503
}

fn slow_down_code() -> String {
    "SlowDown".to_owned()
}

fn slow_down_message() -> String {
    "Please reduce your request rate.".to_owned()
}

fn internal_code() -> String {
    "InternalError".to_owned()
}

fn internal_message() -> String {
    "We encountered an internal error. Please try again.".to_owned()
}

fn redirect_status() -> u16 {
    307
}
