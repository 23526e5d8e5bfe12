//! The one error type: what failed (kind), doing what (op), to what (target), and the innermost cause.
//!
//! An error is built where the fact is known, often deep in a back end that does not know the verb.
//! `Client` adds the verb, the URI and the elapsed time once, at the border. Match on [`Error::kind`], never on text.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as a caller would act on it. Each kind is one Python exception class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A definite 404 or `ENOENT`, and nothing else.
    NotFound,
    /// The bucket exists, or `if_none_match` met an object.
    AlreadyExists,
    /// If-Match was not met: the object was replaced.
    Precondition,
    /// A bucket that still holds something was to be deleted.
    NotEmpty,
    /// A destination longer than the object.
    ShortRead,
    /// The store has no such operation.
    Unsupported,
    /// 401, 403, `EACCES`, `EPERM`, `EROFS`.
    AccessDenied,
    /// A bad URI, option, level or range.
    InvalidInput,
    /// A key that would leave the target directory, or two keys for one file.
    UnsafePath,
    /// A stall or a deadline.
    Timeout,
    /// Refused, reset, TLS, DNS; after the retries.
    ConnectionFailed,
    /// 429, 503 SlowDown; after the retries.
    Throttled,
    /// Any other 5xx, or an answer that makes no sense; after the retries.
    Server,
    /// Length, checksum or decompression does not match.
    Integrity,
    /// Any other errno.
    LocalIo,
    /// A checkpoint operation failed for a reason of its own.
    Checkpoint,
    /// A checkpoint whose ranks did not all finish.
    CheckpointIncomplete,
    /// Another attempt committed the same step.
    CheckpointConflict,
    /// A checkpoint whose stored bytes are damaged.
    CheckpointCorrupt,
    /// A manifest written by a newer format version.
    ManifestVersion,
}

/// A failure, with everything a person needs to act on it.
///
/// Its text is one line: `get s3://b/k: SlowDown (503): 8 attempts in 41.2 s: connection reset by peer (request id ...)`.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    op: Option<&'static str>,
    target: Option<String>,
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    attempts: u32,
    elapsed: Option<Duration>,
    errno: Option<i32>,
    detail: String,
    retryable: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`, told by `detail` in the words of the place that found it.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            op: None,
            target: None,
            code: None,
            status: None,
            request_id: None,
            attempts: 0,
            elapsed: None,
            errno: None,
            detail: detail.into(),
            retryable: matches!(
                kind,
                ErrorKind::Timeout
                    | ErrorKind::ConnectionFailed
                    | ErrorKind::Throttled
                    | ErrorKind::Server
            ),
            source: None,
        }))
    }

    /// Shorthand for the most frequent kind of all.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidInput, detail)
    }

    /// A range that starts past the end of the object, as every back end words it.
    #[must_use]
    pub fn invalid_range(offset: u64, size: u64) -> Self {
        Error::invalid(format!(
            "offset {offset} is past the end of an object of {size} bytes"
        ))
        .with_code("InvalidRange")
    }

    /// The same with other words; the cause is in them.
    #[must_use]
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    #[must_use]
    pub fn with_errno(mut self, errno: i32) -> Self {
        self.0.errno = Some(errno);
        self
    }

    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// The same failure seen as another kind (a damaged data object is a corrupt checkpoint).
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Adds the verb and its target, unless a verb further in has already named them.
    #[must_use]
    pub fn at(mut self, op: &'static str, target: impl fmt::Display) -> Self {
        if self.0.op.is_none() {
            self.0.op = Some(op);
            self.0.target = Some(target.to_string());
        }
        self
    }

    /// Adds how long the verb had been running; the first one to say so wins.
    #[must_use]
    pub fn after(mut self, elapsed: Duration) -> Self {
        self.0.elapsed.get_or_insert(elapsed);
        self
    }

    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    #[must_use]
    pub fn op(&self) -> Option<&'static str> {
        self.0.op
    }

    /// The URI (or path) the operation was about.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.0.target.as_deref()
    }

    /// The service's own code (`NoSuchKey`, `SlowDown`), or the name of an errno.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The HTTP status, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Requests sent before giving up; 0 where none was.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.elapsed
    }

    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.0.errno
    }

    /// Whether trying the same again later could work.
    #[must_use]
    pub fn retryable(&self) -> bool {
        self.0.retryable
    }

    /// The detail and the innermost cause, without op, target and code.
    #[must_use]
    pub fn detail(&self) -> String {
        match self.innermost() {
            Some(cause) if self.0.detail.is_empty() => cause,
            Some(cause) if !self.0.detail.contains(&cause) => format!("{}: {cause}", self.0.detail),
            _ => self.0.detail.clone(),
        }
    }

    fn innermost(&self) -> Option<String> {
        let mut cause: &(dyn StdError + 'static) = self.0.source.as_deref()?;
        while let Some(next) = cause.source() {
            cause = next;
        }
        Some(one_line(&cause.to_string()))
    }
}

/// Messages from servers may span lines; ours never do.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &*self.0;
        if let (Some(op), Some(target)) = (e.op, &e.target) {
            // A key may hold a newline or another control character; the message stays one line.
            write!(f, "{op} {}: ", escape_controls(target))?;
        }
        match (&e.code, e.status) {
            (Some(code), Some(status)) => write!(f, "{code} ({status}): ")?,
            (Some(code), None) => write!(f, "{code}: ")?,
            (None, Some(status)) => write!(f, "status {status}: ")?,
            (None, None) => {}
        }
        if e.attempts > 1 {
            write!(f, "{} attempts", e.attempts)?;
            if let Some(elapsed) = e.elapsed {
                write!(f, " in {:.1} s", elapsed.as_secs_f64())?;
            }
            write!(f, ": ")?;
        }
        f.write_str(&one_line(&self.detail()))?;
        if let Some(id) = &e.request_id {
            write!(f, " (request id {id})")?;
        }
        Ok(())
    }
}

fn escape_controls(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            escaped
                .into_iter()
                .flatten()
                .chain((!c.is_control()).then_some(c))
        })
        .collect()
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<io::Error> for Error {
    fn from(cause: io::Error) -> Self {
        let errno = cause.raw_os_error();
        let kind = match (errno, cause.kind()) {
            (Some(libc::ENOENT), _) | (None, io::ErrorKind::NotFound) => ErrorKind::NotFound,
            (Some(libc::EACCES | libc::EPERM | libc::EROFS), _)
            | (None, io::ErrorKind::PermissionDenied) => ErrorKind::AccessDenied,
            (Some(libc::EEXIST), _) | (None, io::ErrorKind::AlreadyExists) => {
                ErrorKind::AlreadyExists
            }
            (Some(libc::ENOTEMPTY), _) => ErrorKind::NotEmpty,
            (None, io::ErrorKind::UnexpectedEof) => ErrorKind::Integrity,
            _ => ErrorKind::LocalIo,
        };
        let error = Error::new(kind, one_line(&cause.to_string()));
        match errno {
            Some(errno) => match errno_name(errno) {
                Some(name) => error.with_errno(errno).with_code(name),
                None => error.with_errno(errno),
            },
            None => error.with_source(cause),
        }
    }
}

/// The names of what file systems report; the others show by their text.
fn errno_name(errno: i32) -> Option<&'static str> {
    Some(match errno {
        libc::EACCES => "EACCES",
        libc::EAGAIN => "EAGAIN",
        libc::EBUSY => "EBUSY",
        libc::EDQUOT => "EDQUOT",
        libc::EEXIST => "EEXIST",
        libc::EFBIG => "EFBIG",
        libc::EINVAL => "EINVAL",
        libc::EIO => "EIO",
        libc::EISDIR => "EISDIR",
        libc::ELOOP => "ELOOP",
        libc::EMFILE => "EMFILE",
        libc::ENAMETOOLONG => "ENAMETOOLONG",
        libc::ENFILE => "ENFILE",
        libc::ENOENT => "ENOENT",
        libc::ENOMEM => "ENOMEM",
        libc::ENOSPC => "ENOSPC",
        libc::ENOTDIR => "ENOTDIR",
        libc::ENOTEMPTY => "ENOTEMPTY",
        libc::EPERM => "EPERM",
        libc::EROFS => "EROFS",
        libc::ESTALE => "ESTALE",
        libc::EXDEV => "EXDEV",
        _ => return None,
    })
}

/// A background task that panicked or was cancelled; its own failure is the cause.
impl From<tokio::task::JoinError> for Error {
    fn from(cause: tokio::task::JoinError) -> Self {
        Error::new(ErrorKind::Server, "a background task ended early").with_source(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_line_with_the_innermost_cause() {
        let cause = io::Error::other("connection reset\nby peer");
        let error = Error::new(ErrorKind::Throttled, "dispatch failure")
            .with_code("SlowDown")
            .with_status(503)
            .with_attempts(8)
            .with_request_id("17A")
            .with_source(cause)
            .at("get", "s3://b/k\n")
            .after(Duration::from_millis(41_240));

        assert_eq!(
            error.to_string(),
            "get s3://b/k\\n: SlowDown (503): 8 attempts in 41.2 s: dispatch failure: connection reset by peer (request id 17A)"
        );
    }

    #[test]
    fn the_first_verb_named_is_kept() {
        let error = Error::invalid("no").at("put_shard", "a").at("put", "b");

        assert_eq!((error.op(), error.target()), (Some("put_shard"), Some("a")));
    }

    #[test]
    fn errno_decides_the_kind() {
        let denied = Error::from(io::Error::from_raw_os_error(libc::EROFS));
        let full = Error::from(io::Error::from_raw_os_error(libc::ENOSPC));

        assert_eq!(denied.kind(), ErrorKind::AccessDenied);
        assert_eq!(
            (full.kind(), full.errno()),
            (ErrorKind::LocalIo, Some(libc::ENOSPC))
        );
    }
}
