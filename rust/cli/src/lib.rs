//! The command line of s3dlio: `run(argv)` is the whole program, so that the binary and the wheel's console script are
//! the same command.

#![deny(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod args;
mod commands;
mod exit;
mod files;
mod jobs;
mod logging;
mod output;
mod progress;
mod reference;
mod session;
mod signals;
mod watch;

pub use reference::{configuration, reference};
pub use session::run;
pub use watch::with_bar;
