//! What a storage service gives to the server that runs it.

use crate::fault::Quirks;
use crate::http::{Head, Request, Response};
use crate::options::Options;

/// A service kept in memory.
pub(crate) trait Service: Send + Sync + 'static {
    /// The operation's name in the service's own documentation.
    fn operation(&self, head: &Head) -> &'static str;

    /// Does the work and answers.
    fn handle(&self, op: &'static str, request: &Request, context: &Context) -> Response;

    /// An error as the service writes it.
    fn error(&self, head: &Head, status: u16, code: &str, message: &str) -> Response;

    /// The error for a request without any authorization, where that is required.
    fn refuse_anonymous(&self, head: &Head) -> Response;

    /// Replaces the object at `path` by seeded bytes, of the same size if none is given.
    fn replace(&self, path: &str, seed: u64, size: Option<u64>);

    /// Makes a container of generated entries.
    fn synthesize(&self, request: SyntheticRequest);

    /// Forgets all containers.
    fn reset(&self);
}

/// What one request is handled with, beside the request.
#[derive(Default)]
pub(crate) struct Context {
    pub(crate) options: Options,
    pub(crate) quirks: Quirks,
}

/// A container of generated entries, as the control path asks for it.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyntheticRequest {
    #[serde(alias = "container")]
    pub(crate) bucket: String,
    pub(crate) count: u64,
    #[serde(default)]
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) prefix: String,
}
