//! Ctrl-C and SIGTERM as something to wait for.

use std::fmt;
use std::fs;
use std::future;
use std::io;

use tokio::signal::unix::{self, SignalKind};

/// A wish of the user that we end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    /// As shells tell it: 128 and the signal's number.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Interrupt => "Ctrl-C",
            Signal::Terminate => "SIGTERM",
        })
    }
}

/// Both signals, caught from [`Signals::catch`] on. What is ignored stays so: `nohup`, or a shell that put us into the
/// background, wants it.
#[derive(Debug)]
pub struct Signals {
    interrupt: Option<unix::Signal>,
    terminate: Option<unix::Signal>,
}

impl Signals {
    /// To be called within the runtime.
    pub fn catch() -> io::Result<Self> {
        Ok(Signals {
            interrupt: caught(SignalKind::interrupt())?,
            terminate: caught(SignalKind::terminate())?,
        })
    }

    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            () = come(&mut self.interrupt) => Signal::Interrupt,
            () = come(&mut self.terminate) => Signal::Terminate,
        }
    }
}

fn caught(kind: SignalKind) -> io::Result<Option<unix::Signal>> {
    match is_ignored(kind) {
        true => Ok(None),
        false => unix::signal(kind).map(Some),
    }
}

async fn come(signal: &mut Option<unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => future::pending().await,
    }
}

/// As Linux tells of this process; elsewhere nothing is.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or_default() >> (kind.as_raw_value() - 1) & 1 == 1
}
