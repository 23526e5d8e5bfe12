//! The `_async` twins: a future of the core as a future of the caller's asyncio loop.
//!
//! pyo3-async-runtimes would settle each future from an I/O thread, which then waits for the interpreter while its
//! sockets stand still, and keeps a runtime that outlives a fork. So this is our own: the result goes to the loop as an
//! errand, and the task belongs to the process's runtime.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyRuntimeError;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use tokio::task::{AbortHandle, JoinHandle};

use crate::errors;
use crate::runtime::{self, Call};

/// Starts `work` and gives the loop's future for it. Cancelling that future drops `work`.
///
/// # Errors
/// `RuntimeError` where no loop runs on this thread.
pub fn start<'py, T, F>(py: Python<'py>, work: F) -> PyResult<Bound<'py, PyAny>>
where
    F: Future<Output = s3dlio::Result<T>> + Send + 'static,
    T: for<'a> IntoPyObject<'a> + Send + 'static,
{
    let call = runtime::enter(py)?;
    let (future, reply) = Reply::new(py)?;
    let task = spawn(&call, async move {
        reply.send(AssertUnwindSafe(work).catch_unwind().await);
    });
    future.call_method1("add_done_callback", (Stop(task.abort_handle()),))?;
    Ok(future)
}

/// As [`start`], but the future ends only after `settled` has come, also when `work` was stopped by the second value.
pub fn start_until<'py, T, F, S>(
    py: Python<'py>,
    work: F,
    settled: S,
) -> PyResult<(Bound<'py, PyAny>, Stop)>
where
    F: Future<Output = s3dlio::Result<T>> + Send + 'static,
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let call = runtime::enter(py)?;
    let (future, reply) = Reply::new(py)?;
    let task = spawn(&call, work);
    let stop = Stop(task.abort_handle());
    spawn(&call, async move {
        let outcome = task.await;
        settled.await;
        reply.send(outcome.or_else(|ended| match ended.try_into_panic() {
            Ok(panic) => Err(panic),
            Err(stopped) => Ok(Err(stopped.into())),
        }));
    });
    Ok((future, stop))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the loop's future joins the task, or stops it"
)]
fn spawn<F>(call: &Call, task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    call.process.handle().spawn(task)
}

/// Where a result goes. Dropped without one, it lets go of the loop.
pub struct Reply(Option<Address>);

struct Address {
    event_loop: Py<PyAny>,
    future: Py<PyAny>,
}

impl Reply {
    pub fn new(py: Python<'_>) -> PyResult<(Bound<'_, PyAny>, Self)> {
        let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
        let future = event_loop.call_method0("create_future")?;
        let address = Address {
            event_loop: event_loop.unbind(),
            future: future.clone().unbind(),
        };
        Ok((future, Reply(Some(address))))
    }

    pub fn send<T>(mut self, outcome: Result<s3dlio::Result<T>, Box<dyn Any + Send>>)
    where
        T: for<'a> IntoPyObject<'a> + Send + 'static,
    {
        let Some(address) = self.0.take() else { return };
        runtime::leave_errand(Box::new(move |py| {
            let outcome = match outcome {
                Ok(Ok(value)) => value.into_py_any(py),
                Ok(Err(error)) => Err(errors::to_python(error)),
                Err(panic) => Err(PanicException::new_err((panic_text(panic.as_ref()),))),
            };
            address.settle(py, outcome);
        }));
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(address) = self.0.take() {
            runtime::leave_errand(Box::new(move |_| drop(address)));
        }
    }
}

impl Address {
    fn settle(self, py: Python<'_>, outcome: PyResult<Py<PyAny>>) {
        let (error, result) = match outcome {
            Ok(result) => (None, Some(result)),
            Err(error) => (Some(error.into_value(py)), None),
        };
        // Python's, so that the loop's thread has no frame of ours while it runs callbacks.
        let told = py
            .import("s3dlio._twins")
            .and_then(|twins| twins.getattr("settle"))
            .and_then(|settle| {
                let arguments = (settle, self.future, error, result);
                self.event_loop
                    .bind(py)
                    .call_method1("call_soon_threadsafe", arguments)
            });
        // A closed loop has nobody left who could wait.
        if let Err(error) = told
            && !error.is_instance_of::<PyRuntimeError>(py)
        {
            error.write_unraisable(py, None);
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic".to_owned())
}

/// Called with the future when it is done, however that came about; stops what still runs.
#[pyclass(frozen)]
pub struct Stop(AbortHandle);

#[pymethods]
impl Stop {
    #[pyo3(signature = (_future = None))]
    fn __call__(&self, _future: Option<&Bound<'_, PyAny>>) {
        self.0.abort();
    }
}
