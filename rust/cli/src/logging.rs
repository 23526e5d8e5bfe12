//! `-v`: what the library says about its work, on stderr.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Our own modules at the level asked for; the SDKs' only say what goes wrong, for they log whole requests.
pub fn start(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let targets = Targets::new()
        .with_default(LevelFilter::ERROR)
        .with_target("s3dlio", level)
        .with_target("s3dlio_cli", level);
    let colour = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(colour)
        .with_writer(io::stderr);
    // A process that has a subscriber already, as Python's may, keeps it.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(targets)
        .try_init();
}
