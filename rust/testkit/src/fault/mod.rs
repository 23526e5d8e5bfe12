//! What can be ordered to go wrong: rules as tests write them, in Rust or as JSON.
//!
//! ```
//! use s3dlio_testkit::{Action, Fault};
//!
//! let text = r#"{"op": "GetObject", "path": "/b/k*", "nth": 2, "times": 1,
//!                "actions": [{"do": "cut", "after": 100}]}"#;
//! let fault: Fault = serde_json::from_str(text).unwrap();
//! let same = Fault::once(Action::Cut { after: 100, reset: false })
//!     .op("GetObject").path("/b/k*").nth(2);
//! assert_eq!(fault, same);
//! ```

mod action;
mod effects;
mod script;

use serde::{Deserialize, Serialize};

pub use action::{Action, FlipOrigin};
pub(crate) use effects::{Plan, Quirks, UploadFault};
pub(crate) use script::Script;

/// One rule: which requests it is for, when it fires, and what then happens.
///
/// A request is shown to the rules in order. Each whose matcher fits counts it; the first that
/// fires acts, and the rules after it neither see nor count the request. A field that is not
/// given fits every request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// The operation by its service's name: `GetObject`, `UploadPart`, `PutBlock`, ...
    pub op: Option<String>,
    /// The HTTP method.
    pub method: Option<String>,
    /// Part of the decoded path; with a `*`, a pattern for all of it.
    pub path: Option<String>,
    /// A query key that must be there, or `key=value`.
    pub query: Option<String>,
    /// A header that must be there, or a pattern such as `x-amz-checksum-*`.
    pub header: Option<String>,
    /// The first matching request that fires, counted from 1.
    pub nth: u64,
    /// From there on, each so-manieth one.
    pub every: u64,
    /// How many fire in all; none is no end.
    pub times: Option<u64>,
    /// What happens. Several are combined into one answer.
    pub actions: Vec<Action>,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            op: None,
            method: None,
            path: None,
            query: None,
            header: None,
            nth: 1,
            every: 1,
            times: None,
            actions: Vec::new(),
        }
    }
}

impl Fault {
    /// Does `action` to every request until the matchers say otherwise.
    #[must_use]
    pub fn always(action: Action) -> Self {
        Self {
            actions: vec![action],
            ..Self::default()
        }
    }

    #[must_use]
    pub fn once(action: Action) -> Self {
        Self::times(1, action)
    }

    #[must_use]
    pub fn times(times: u64, action: Action) -> Self {
        Self {
            times: Some(times),
            ..Self::always(action)
        }
    }

    /// Does `action` too.
    #[must_use]
    pub fn and(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    #[must_use]
    pub fn op(mut self, op: &str) -> Self {
        self.op = Some(op.to_owned());
        self
    }

    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        self.query = Some(query.to_owned());
        self
    }

    #[must_use]
    pub fn header(mut self, header: &str) -> Self {
        self.header = Some(header.to_owned());
        self
    }

    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    #[must_use]
    pub fn every(mut self, every: u64) -> Self {
        self.every = every;
        self
    }
}
