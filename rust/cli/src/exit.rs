//! How a command ends: the failures it can meet and the exit code of each.

use std::io;

use s3dlio::{Error, ErrorKind};

use crate::signals::Signal;

pub const DONE: u8 = 0;
pub const FAILED: u8 = 1;
pub const USAGE: u8 = 2;
pub const NOT_FOUND: u8 = 3;
const DENIED: u8 = 4;
const TEMPORARY: u8 = 5;

/// Why a command did not do all it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// The command as a whole.
    Storage(Error),
    /// As `Storage`, but keys lie below this prefix, which was named without its final `/`.
    IsPrefix(Error, String),
    /// Single objects of a command on many; each has been named already.
    Objects {
        code: u8,
        failed: u64,
        gave_up: bool,
    },
    /// The answer to a question, which the exit code tells.
    Absent,
    /// Nobody takes our output any more, or it cannot be written.
    Output(io::Error),
    Interrupted(Signal),
}

impl Failure {
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Storage(error) | Failure::IsPrefix(error, _) => code_of(error.kind()),
            Failure::Objects { code, .. } => *code,
            Failure::Absent => NOT_FOUND,
            // `list | head` is no failure: its reader has seen enough.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => DONE,
            Failure::Output(_) => FAILED,
            Failure::Interrupted(signal) => signal.exit_code(),
        }
    }

    /// What to tell on stderr, if it is not said yet.
    pub fn message(&self) -> Option<String> {
        match self {
            Failure::Storage(error) => Some(error.to_string()),
            Failure::IsPrefix(error, prefix) => {
                Some(format!("{error}; there are keys below {prefix}"))
            }
            Failure::Objects {
                failed,
                gave_up: true,
                ..
            } => Some(format!(
                "{failed} objects failed, the last ones without a success between them: gave up"
            )),
            Failure::Objects { failed: 1, .. } | Failure::Absent => None,
            Failure::Objects { failed, .. } => Some(format!("{failed} objects failed")),
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Failure::Output(error) => Some(format!("write to stdout: {error}")),
            Failure::Interrupted(signal) => Some(format!("interrupted by {signal}")),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Storage(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// The exit code that a script can act on.
pub fn code_of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidInput | ErrorKind::UnsafePath => USAGE,
        ErrorKind::NotFound => NOT_FOUND,
        ErrorKind::AccessDenied => DENIED,
        ErrorKind::Timeout
        | ErrorKind::ConnectionFailed
        | ErrorKind::Throttled
        | ErrorKind::Server => TEMPORARY,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_can_tell_what_happened() {
        let code = |kind| Failure::from(Error::new(kind, "x")).exit_code();

        assert_eq!(code(ErrorKind::InvalidInput), 2);
        assert_eq!(code(ErrorKind::NotFound), 3);
        assert_eq!(code(ErrorKind::AccessDenied), 4);
        assert_eq!(code(ErrorKind::Throttled), 5);
        assert_eq!(code(ErrorKind::ConnectionFailed), 5);
        assert_eq!(code(ErrorKind::Integrity), 1);
        assert_eq!(code(ErrorKind::NotEmpty), 1);
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let gone = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));

        assert_eq!((gone.exit_code(), gone.message()), (0, None));
        assert_eq!(full.exit_code(), 1);
        assert!(full.message().is_some());
    }
}
