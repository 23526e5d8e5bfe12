//! What other threads want done with the interpreter attached: futures to settle, memory to give back to its owner.
//!
//! The I/O threads never wait for the interpreter: that would stall sockets while Python computes. They leave an errand
//! here; a thread of its own attaches once and runs all that are waiting, unless a blocking call that returns anyway
//! has run them first.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// How long memory that nobody needs any more may wait for more of it: to attach costs as much as a small request.
const GATHER: Duration = Duration::from_millis(5);

/// Must not block. Failures are its own to report.
pub type Errand = Box<dyn FnOnce(Python<'_>) + Send>;

/// Who runs an errand, and when.
#[derive(Clone, Copy, PartialEq)]
pub enum Turn {
    /// The thread for errands, at once.
    Now,
    /// The same, with all that comes within [`GATHER`].
    Gathered,
    /// The thread that leaves it, which runs what waits anyway: no other need wake.
    Own,
}

#[derive(Default)]
pub struct Errands {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Errand>,
    /// One of them is not to wait for others.
    hurry: bool,
    runner: Runner,
    closed: bool,
}

#[derive(Default, PartialEq)]
enum Runner {
    #[default]
    Absent,
    Idle,
    Gathering,
    Busy,
}

impl Errands {
    /// Leaves an errand. Once the interpreter goes away nobody runs it, and the memory it holds is left to the system.
    pub fn leave(&'static self, errand: Errand, turn: Turn) {
        let mut queue = self.lock();
        if queue.closed {
            #[expect(clippy::mem_forget, reason = "dropping it would touch the interpreter")]
            std::mem::forget(errand);
            return;
        }
        queue.waiting.push(errand);
        if turn == Turn::Own {
            return;
        }
        queue.hurry |= turn == Turn::Now;
        match queue.runner {
            Runner::Absent => {
                let runner = thread::Builder::new()
                    .name("s3dlio-errands".into())
                    .spawn(|| self.serve());
                // Without a thread for it, the next blocking call runs the errand.
                if runner.is_ok() {
                    queue.runner = Runner::Busy;
                }
            }
            Runner::Idle => self.changed.notify_all(),
            Runner::Gathering if queue.hurry => self.changed.notify_all(),
            Runner::Gathering | Runner::Busy => {}
        }
    }

    /// Runs everything that waits, on this thread.
    pub fn run(&self, py: Python<'_>) {
        let waiting = {
            let mut queue = self.lock();
            if queue.waiting.is_empty() {
                return;
            }
            std::mem::take(&mut queue.waiting)
        };
        for errand in waiting {
            errand(py);
        }
    }

    /// Leaves what waits to the system: there is no interpreter any more.
    #[expect(clippy::mem_forget, reason = "dropping it would touch the interpreter")]
    fn forget(&self) {
        std::mem::forget(std::mem::take(&mut self.lock().waiting));
    }

    /// Takes no more errands and waits for the thread to stop, but not beyond `deadline`. To be called detached.
    pub fn close(&self, deadline: Instant) {
        let mut queue = self.lock();
        queue.closed = true;
        self.changed.notify_all();
        while queue.runner != Runner::Absent {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return;
            }
            let woken = self
                .changed
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner);
            queue = woken.0;
        }
    }

    /// Takes errands again.
    pub fn open(&self) {
        self.lock().closed = false;
    }

    fn serve(&'static self) {
        loop {
            let mut queue = self.lock();
            while queue.waiting.is_empty() && !queue.closed {
                queue.runner = Runner::Idle;
                queue = self
                    .changed
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if queue.waiting.is_empty() {
                queue.runner = Runner::Absent;
                self.changed.notify_all();
                return;
            }
            queue.runner = Runner::Gathering;
            let gathered = self
                .changed
                .wait_timeout_while(queue, GATHER, |queue| !queue.hurry && !queue.closed);
            queue = gathered.unwrap_or_else(PoisonError::into_inner).0;
            queue.runner = Runner::Busy;
            queue.hurry = false;
            drop(queue);
            if Python::try_attach(|py| self.run(py)).is_none() {
                self.forget();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
