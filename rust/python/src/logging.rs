//! `init_logging`: what the library and its parts tell, to stderr.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;

use pyo3::prelude::*;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

use crate::errors;

static LEVEL: OnceLock<Handle<Targets, Registry>> = OnceLock::new();

/// Shows on stderr what the library does. A later call changes the level.
///
/// Credentials are never shown.
///
/// Args:
///     level: `off`, `error`, `warn`, `info`, `debug` or `trace`; or levels by part, as `s3dlio=debug,hyper=warn`.
///
/// Raises:
///     InvalidInputError: No such level.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.init_logging("warn")
#[pyfunction]
pub fn init_logging(level: &str) -> PyResult<()> {
    let wanted =
        parse(level).ok_or_else(|| errors::invalid(format!("{level:?} is no log level")))?;
    if let Some(handle) = LEVEL.get() {
        return handle
            .reload(wanted)
            .map_err(|cause| errors::invalid(cause.to_string()));
    }
    let (filter, handle) = reload::Layer::new(wanted);
    let lines = fmt::layer().with_writer(|| Stderr).with_ansi(false);
    // Refused only where another subscriber of this process is installed, which then shows our lines.
    if tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .is_ok()
    {
        let _first = LEVEL.set(handle);
    }
    Ok(())
}

/// A word without `=` must be a level: to tracing it would name a part of the program.
fn parse(level: &str) -> Option<Targets> {
    let level = level.to_ascii_lowercase();
    if level.contains('=') {
        return level.parse().ok();
    }
    let level = level.parse::<LevelFilter>().ok()?;
    Some(Targets::new().with_default(level))
}

/// File descriptor 2 without the standard library's lock, which would stay locked in the child of a fork that happens
/// while another thread writes.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        File::from(io::stderr().as_fd().try_clone_to_owned()?).write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
