//! One tokio runtime per process: made on first use, forgotten by a forked child, stopped when the interpreter exits.
//!
//! Threads and sockets do not survive a fork, and a lock that another thread held stays locked for ever. So everything
//! a process owns hangs on one pointer. A child sets it to null and builds anew when it first needs it; what the parent
//! had is neither joined nor locked nor dropped.
//!
//! A daemon thread that an exiting interpreter (before 3.14) ends while Rust frames are on its stack takes the process
//! down. So such threads leave this library first, and are kept from coming back.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, ThreadId};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::clients::{self, Clients};
use crate::errands::{Errand, Errands, Turn};
use crate::errors;

/// How often a blocked call looks for signals. Ctrl-C must show within a second.
const SIGNAL_POLL: Duration = Duration::from_millis(50);
/// What an exiting interpreter waits for, one after the other: calls under way, uploads that are taken back and writes
/// to local files, I/O threads, errands.
const EXIT_CALLS: Duration = Duration::from_secs(1);
const EXIT_LEFTOVERS: Duration = Duration::from_secs(1);
const EXIT_RUNTIME: Duration = Duration::from_secs(2);
const EXIT_ERRANDS: Duration = Duration::from_secs(1);

thread_local! {
    /// This thread is within a blocking call, which runs the errands that wait when it returns.
    static IN_CALL: Cell<bool> = const { Cell::new(false) };
}

static CURRENT: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());
/// The thread that ends the interpreter. Exit handlers that it still runs may use the library; other threads may not.
static EXITING: OnceLock<ThreadId> = OnceLock::new();

/// Everything that belongs to this process alone. Never freed: other threads may look at it at any time.
pub struct Process {
    pid: u32,
    handle: Handle,
    /// Taken out when the interpreter exits.
    runtime: Mutex<Option<Runtime>>,
    pub clients: Clients,
    pub errands: Errands,
    /// Threads of Python within a call.
    inside: AtomicUsize,
    closing: AtomicBool,
}

impl Process {
    fn new() -> PyResult<Self> {
        let mut builder = Builder::new_multi_thread();
        if let Some(threads) = s3dlio::config::runtime_threads().map_err(errors::to_python)? {
            builder.worker_threads(threads);
        }
        let runtime = builder
            .thread_name("s3dlio-io")
            .max_blocking_threads(s3dlio::config::BLOCKING_THREADS)
            .enable_all()
            .build()?;
        Ok(Process {
            pid: std::process::id(),
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            clients: Clients::default(),
            errands: Errands::default(),
            inside: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
        })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// What this process has, made if it has nothing yet.
///
/// # Errors
/// `InvalidInputError` for a bad `S3DLIO_RT_THREADS`; `OSError` where no thread can be started.
fn current() -> PyResult<&'static Process> {
    let seen = CURRENT.load(Ordering::Acquire);
    match existing(seen) {
        Some(process) if process.pid == std::process::id() => return Ok(process),
        // Forked by code that does not run Python's hooks.
        Some(_) => leave_parent(),
        None => {}
    }
    let made = Box::into_raw(Box::new(Process::new()?));
    match CURRENT.compare_exchange(seen, made, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(existing(made).expect("a box is not null")),
        Err(_) => {
            // Another thread was first. Nobody has seen ours.
            stop(existing(made).expect("a box is not null"), Duration::ZERO);
            current()
        }
    }
}

#[expect(
    unsafe_code,
    reason = "at-fork glue: one pointer that a child can reset without a lock"
)]
fn existing(process: *mut Process) -> Option<&'static Process> {
    // SAFETY: the pointer is null or comes from `Box::into_raw`, and no such box is ever freed; nobody has a `&mut`.
    unsafe { process.as_ref() }
}

fn stop(process: &Process, timeout: Duration) {
    let runtime = process
        .runtime
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(runtime) = runtime {
        runtime.shutdown_timeout(timeout);
    }
}

/// Leaves an errand for the interpreter; without one (it exits, or this is a fresh child) the errand is forgotten.
pub fn leave_errand(errand: Errand) {
    leave(errand, own_turn().unwrap_or(Turn::Now));
}

/// As [`leave_errand`], for memory that goes back to its owner: a moment later will do.
pub fn leave_release(errand: Errand) {
    leave(errand, own_turn().unwrap_or(Turn::Gathered));
}

/// As [`leave_errand`], for what this thread waits for: another one runs it.
pub fn leave_errand_apart(errand: Errand) {
    leave(errand, Turn::Now);
}

fn own_turn() -> Option<Turn> {
    IN_CALL.get().then_some(Turn::Own)
}

fn leave(errand: Errand, turn: Turn) {
    match existing(CURRENT.load(Ordering::Acquire)) {
        Some(process) => process.errands.leave(errand, turn),
        #[expect(clippy::mem_forget, reason = "dropping it would touch the interpreter")]
        None => std::mem::forget(errand),
    }
}

/// Runs `act`, which does not wait, where it may start tasks: what is dropped may want to spawn its clean-up.
pub fn within(act: impl FnOnce()) {
    let process = existing(CURRENT.load(Ordering::Acquire));
    let _context = process.map(|process| process.handle.enter());
    act();
}

/// Runs `work` on this thread with the interpreter detached, and looks for signals meanwhile.
///
/// # Errors
/// The exception of the core's error; that of a signal handler (`KeyboardInterrupt`), with `work` dropped.
pub fn run<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    F: Future<Output = s3dlio::Result<T>> + Send,
    T: Send,
{
    run_until(py, work, std::future::ready(()))
}

/// Called between two turns of a blocking call; what it raises ends the call.
type Watch<'a> = &'a mut (dyn FnMut(Python<'_>) -> PyResult<()> + Send);

/// As [`run`], and calls `watch` every now and then. It may call this library itself.
///
/// # Errors
/// As [`run`]; what `watch` raises, with `work` dropped.
pub fn run_watched<T, F>(py: Python<'_>, work: F, watch: Watch<'_>) -> PyResult<T>
where
    F: Future<Output = s3dlio::Result<T>> + Send,
    T: Send,
{
    run_all(py, work, std::future::ready(()), Some(watch))
}

/// As [`run`], and returns only after `settled` has come, also when `work` was given up.
pub fn run_until<T, F, S>(py: Python<'_>, work: F, settled: S) -> PyResult<T>
where
    F: Future<Output = s3dlio::Result<T>> + Send,
    T: Send,
    S: Future<Output = ()> + Send,
{
    run_all(py, work, settled, None)
}

fn run_all<T, F, S>(py: Python<'_>, work: F, settled: S, watch: Option<Watch<'_>>) -> PyResult<T>
where
    F: Future<Output = s3dlio::Result<T>> + Send,
    T: Send,
    S: Future<Output = ()> + Send,
{
    let call = enter(py)?;
    let process = call.process;
    let outcome = py.detach(|| {
        // What is dropped here may want to spawn its clean-up.
        let _context = process.handle.enter();
        let _in_call = InCall(IN_CALL.replace(true));
        let outcome = block(process, work, watch);
        let Ok(()) = drive(settled, || Ok::<_, Infallible>(()));
        outcome
    });
    process.errands.run(py);
    if EXITING.get().is_some() {
        // Called by an exit handler after our own: nobody else will do it before the interpreter is gone.
        py.detach(|| process.errands.close(Instant::now() + EXIT_ERRANDS));
    }
    match outcome {
        Ok(result) => result.map_err(errors::to_python),
        Err(Interrupted::Exit) => {
            drop(call);
            park(py)
        }
        Err(Interrupted::Raised(raised)) => Err(raised),
    }
}

/// Ends where the one before it goes on: a signal handler may call within a call.
struct InCall(bool);

impl Drop for InCall {
    fn drop(&mut self) {
        IN_CALL.set(self.0);
    }
}

/// A thread of Python within this library; an exiting interpreter waits for it to leave.
pub struct Call {
    pub process: &'static Process,
}

/// Begins a call. In an exiting interpreter, other threads than the one that ends it stay here.
///
/// # Errors
/// As [`current`].
pub fn enter(py: Python<'_>) -> PyResult<Call> {
    if EXITING
        .get()
        .is_some_and(|exiting| *exiting != thread::current().id())
    {
        park(py);
    }
    let process = current()?;
    process.inside.fetch_add(1, Ordering::Relaxed);
    if EXITING.get().is_some() {
        process.errands.open();
    }
    Ok(Call { process })
}

impl Drop for Call {
    fn drop(&mut self) {
        self.process.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

/// As later Pythons do with threads that want to attach to an interpreter that ends.
fn park(py: Python<'_>) -> ! {
    py.detach(|| {
        loop {
            thread::park();
        }
    })
}

/// Why a call was given up.
enum Interrupted {
    /// A signal handler or a watch raised.
    Raised(PyErr),
    Exit,
}

/// Signal handlers run between two polls, so they may call this library themselves.
fn block<T>(
    process: &Process,
    work: impl Future<Output = T>,
    mut watch: Option<Watch<'_>>,
) -> Result<T, Interrupted> {
    let mut takes_signals = true;
    drive(work, || {
        if process.closing.load(Ordering::Relaxed) {
            return Err(Interrupted::Exit);
        }
        if takes_signals {
            let look = |py: Python<'_>| {
                py.check_signals()?;
                on_main_thread(py)
            };
            // There is no interpreter where one that ends calls finalizers, nor are there signals.
            let looked = Python::try_attach(look).unwrap_or(Ok(false));
            takes_signals = looked.map_err(Interrupted::Raised)?;
        }
        match &mut watch {
            Some(watch) => Python::try_attach(watch)
                .unwrap_or(Ok(()))
                .map_err(Interrupted::Raised),
            None => Ok(()),
        }
    })
}

/// Polls `work` on this thread to its end, and calls `look` every now and then while it waits.
///
/// The runtime's own way would set a timer for each call: a small request has none to spare.
fn drive<T, E>(
    work: impl Future<Output = T>,
    mut look: impl FnMut() -> Result<(), E>,
) -> Result<T, E> {
    let mut work = pin!(work);
    let sleeper = Arc::new(Sleeper {
        thread: thread::current(),
        woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut context = Context::from_waker(&waker);
    let mut due = Instant::now() + SIGNAL_POLL;
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut context) {
            return Ok(result);
        }
        loop {
            // Also where something wakes it all the time.
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                look()?;
                due = Instant::now() + SIGNAL_POLL;
            }
            if sleeper.woken.swap(false, Ordering::Acquire) {
                break;
            }
            thread::park_timeout(left);
        }
    }
}

/// A thread that waits for a future. A token of `park` alone would not do: what is polled may take it for its own.
struct Sleeper {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}

/// Only there does Python run signal handlers.
fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}

pub fn register_hooks(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let hooks = pyo3::types::PyDict::new(py);
    hooks.set_item("before", wrap_pyfunction!(before_fork, py)?)?;
    hooks.set_item(
        "after_in_parent",
        wrap_pyfunction!(after_fork_in_parent, py)?,
    )?;
    hooks.set_item("after_in_child", wrap_pyfunction!(after_fork_in_child, py)?)?;
    py.import("os")?
        .call_method("register_at_fork", (), Some(&hooks))?;
    py.import("atexit")?
        .call_method1("register", (wrap_pyfunction!(at_exit, py)?,))?;
    Ok(())
}

/// The one thread of a child has its parent's random numbers before it, and so would its siblings: names that must be
/// new, as those of shards, would come twice.
fn leave_parent() {
    s3dlio::buffer::after_fork_in_child();
    if let Err(cause) = rand::rng().reseed() {
        tracing::error!(%cause, "random numbers of a forked process repeat those of its parent");
    }
}

#[pyfunction]
fn before_fork() {
    clients::freeze();
}

#[pyfunction]
fn after_fork_in_parent() {
    clients::thaw();
}

#[pyfunction]
fn after_fork_in_child() {
    clients::thaw();
    leave_parent();
    CURRENT.store(ptr::null_mut(), Ordering::Release);
}

/// Stops the transfers and every thread that could touch the interpreter, in bounded time.
#[pyfunction]
fn at_exit(py: Python<'_>) {
    let _first = EXITING.set(thread::current().id());
    let Some(process) = existing(CURRENT.load(Ordering::Acquire)) else {
        return;
    };
    if process.pid != std::process::id() {
        return;
    }
    process.closing.store(true, Ordering::Relaxed);
    py.detach(|| {
        let deadline = Instant::now() + EXIT_CALLS;
        while process.inside.load(Ordering::Relaxed) > 0 && Instant::now() < deadline {
            thread::park_timeout(Duration::from_millis(5));
        }
        let deadline = Instant::now() + EXIT_LEFTOVERS;
        while s3dlio::leftovers() > 0 && Instant::now() < deadline {
            thread::park_timeout(Duration::from_millis(5));
        }
        stop(process, EXIT_RUNTIME);
        process.errands.close(Instant::now() + EXIT_ERRANDS);
    });
    process.errands.run(py);
    // Exit handlers that come later begin anew.
    CURRENT.store(ptr::null_mut(), Ordering::Release);
}
