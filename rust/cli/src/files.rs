//! What the commands on files have in common: failures are named as they come, and decide the exit code together.

use std::cell::RefCell;
use std::future::Future;

use s3dlio::{Error, ErrorKind, Meter, Partial, Result};

use crate::exit::{self, Failure};
use crate::output;
use crate::session::Session;
use crate::watch::watch;

/// Failures that were named, and their exit code while they all have the same.
#[derive(Debug, Default)]
struct Named {
    count: u64,
    code: Option<u8>,
}

impl Named {
    fn add(&mut self, kind: ErrorKind) {
        let code = match kind {
            // The command was right; what it found was not.
            ErrorKind::UnsafePath | ErrorKind::InvalidInput => exit::FAILED,
            kind => exit::code_of(kind),
        };
        let same = self.count == 0 || self.code == Some(code);
        self.code = same.then_some(code);
        self.count += 1;
    }
}

/// A transfer at its end: what it did, if it began, and why not all of it.
pub struct Ended<T> {
    pub report: Option<T>,
    /// Of these files the user was told.
    pub failed: u64,
    pub failure: Option<Failure>,
}

/// Runs a transfer to its end.
pub async fn run<T>(
    session: &Session,
    meter: &Meter,
    work: impl Future<Output = Result<T, Partial<T>>>,
) -> Ended<T> {
    let named = RefCell::new(Named::default());
    let name = |error: &Error| {
        named.borrow_mut().add(error.kind());
        output::complain(error);
    };
    let result = watch(meter, session.output.bars(), name, work).await;
    let named = named.into_inner();
    let (error, report) = match result {
        Ok(report) => (None, Some(report)),
        Err(partial) => {
            let (error, report) = partial.into_parts();
            (Some(error), report)
        }
    };
    let failure = error.map(|error| {
        if named.count == 0 {
            return Failure::Storage(error);
        }
        let code = named.code.filter(|_| meter.now().files_done == 0);
        Failure::Objects {
            code: code.unwrap_or(exit::FAILED),
            failed: named.count,
            gave_up: false,
        }
    });
    Ended {
        report,
        failed: named.count,
        failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_tells_the_kind_if_all_failed_alike() {
        let code = |kinds: &[ErrorKind]| {
            let mut named = Named::default();
            for kind in kinds {
                named.add(*kind);
            }
            named.code
        };

        assert_eq!(code(&[ErrorKind::AccessDenied; 3]), Some(4));
        assert_eq!(code(&[ErrorKind::AccessDenied, ErrorKind::NotFound]), None);
        assert_eq!(code(&[ErrorKind::UnsafePath]), Some(1));
    }
}
