//! What goes where: results to stdout, everything else to stderr; progress only where a person looks at it.
//!
//! Results are written in large pieces by a thread of the runtime, so a reader that is slow, or gone, does not keep us
//! from hearing Ctrl-C.

use std::fmt::{self, Display, Write as _};
use std::io::{self, IsTerminal, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::args::Global;
use crate::exit::Failure;
use crate::progress::Progress;

/// Results that wait to be written together.
const WRITE_SIZE: usize = 64 << 10;
/// How long they wait at most while more of them come.
const WRITE_AFTER: Duration = Duration::from_millis(100);

/// Who reads stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// A person at a terminal, which the content of keys must not steer.
    Person,
    Pipe,
    /// Wants JSON.
    Program,
}

/// The two streams of a command.
#[derive(Debug)]
pub struct Output {
    stdout: tokio::io::Stdout,
    waiting: String,
    written: Instant,
    reader: Reader,
    notices: bool,
    bars: bool,
}

impl Output {
    pub fn new(flags: &Global) -> Self {
        let reader = match io::stdout().is_terminal() {
            _ if flags.json => Reader::Program,
            true => Reader::Person,
            false => Reader::Pipe,
        };
        let notices = !flags.quiet && !flags.json;
        // Log lines and a bar would overwrite each other.
        let bars = notices && flags.verbose == 0 && io::stderr().is_terminal();
        let stdout = tokio::io::stdout();
        Output {
            stdout,
            waiting: String::new(),
            written: Instant::now(),
            reader,
            notices,
            bars,
        }
    }

    /// One result, for a person or, with `--json`, for a program.
    pub async fn result(
        &mut self,
        human: impl Display,
        json: impl FnOnce() -> Value,
    ) -> Result<(), Failure> {
        match self.reader {
            Reader::Person => self.append(Visible(human.to_string())),
            Reader::Pipe => self.append(human),
            Reader::Program => self.append(json()),
        }
        self.flush_if_due().await
    }

    /// A result for a program alone: a person has the exit code.
    pub async fn record(&mut self, json: impl FnOnce() -> Value) -> Result<(), Failure> {
        if self.reader == Reader::Program {
            self.append(json());
        }
        self.flush_if_due().await
    }

    /// Bytes of an object, as they are.
    pub async fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout.write_all(bytes).await?;
        Ok(())
    }

    /// Text beside the results, which `--quiet` and `--json` leave out.
    pub async fn remark(&mut self, human: impl Display) -> Result<(), Failure> {
        if self.notices {
            self.append(human);
        }
        self.flush_if_due().await
    }

    /// What a command has done: JSON for a program, and for a person a line that `--quiet` leaves out.
    pub async fn summary(
        &mut self,
        human: impl Display,
        json: impl FnOnce() -> Value,
    ) -> Result<(), Failure> {
        match self.notices || self.reader == Reader::Program {
            true => self.result(human, json).await,
            false => self.flush_if_due().await,
        }
    }

    fn append(&mut self, line: impl Display) {
        writeln!(self.waiting, "{line}").expect("writing to memory does not fail");
    }

    async fn flush_if_due(&mut self) -> Result<(), Failure> {
        match self.waiting.len() >= WRITE_SIZE || self.written.elapsed() >= WRITE_AFTER {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    /// Hands on all results.
    pub async fn flush(&mut self) -> Result<(), Failure> {
        self.stdout.write_all(self.waiting.as_bytes()).await?;
        self.stdout.flush().await?;
        self.waiting.clear();
        self.written = Instant::now();
        Ok(())
    }

    /// What is being done, on stderr.
    pub fn notice(&self, text: impl Display) {
        if self.notices {
            to_stderr(&text);
        }
    }

    /// Whether a person looks at stderr and wants to see how things go on.
    pub fn bars(&self) -> bool {
        self.bars
    }

    /// Standard output itself, for bytes that are the result.
    pub fn raw(&mut self) -> Raw<'_> {
        Raw {
            stdout: &mut self.stdout,
            failure: None,
        }
    }

    /// Shows how a transfer goes on, if a person looks at it.
    pub fn progress(&self, objects: u64, bytes: Option<u64>) -> Progress {
        if self.bars {
            Progress::shown(objects, bytes)
        } else {
            Progress::default()
        }
    }
}

/// Standard output, which keeps why it could not be written: who writes to it says it of the object.
#[derive(Debug)]
pub struct Raw<'a> {
    stdout: &'a mut tokio::io::Stdout,
    failure: Option<io::Error>,
}

impl Raw<'_> {
    pub fn failure(self) -> Option<io::Error> {
        self.failure
    }

    fn note<T>(&mut self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(cause)) = &result {
            let errno = cause.raw_os_error();
            let same = errno.map_or_else(|| cause.kind().into(), io::Error::from_raw_os_error);
            self.failure = Some(same);
        }
        result
    }
}

impl AsyncWrite for Raw<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *self.stdout).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut *self.stdout).poll_flush(context);
        self.note(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut *self.stdout).poll_shutdown(context);
        self.note(shut)
    }
}

/// A failure, on stderr, whatever the flags say.
pub fn complain(text: &(impl Display + ?Sized)) {
    to_stderr(&format_args!("s3-cli: {text}"));
}

fn to_stderr(line: &dyn Display) {
    // With stderr gone too there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Text whose control characters show as escapes; line ends stay.
struct Visible(String);

impl Display for Visible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c.is_control() && c != '\n' {
                true => write!(f, "{}", c.escape_default())?,
                false => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_steer_the_terminal() {
        assert_eq!(
            Visible("a\x1b[2Jb\nc é".into()).to_string(),
            "a\\u{1b}[2Jb\nc é"
        );
    }
}
