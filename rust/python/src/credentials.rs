//! `credentials=`: a callable of Python that hands out the keys of S3 for a time.
//!
//! It may take long, and may take the interpreter down with it when that exits, so it runs on a thread of Python's own
//! with no frame of ours below it. No I/O thread waits for the interpreter.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use pyo3::prelude::*;
use s3dlio::{CredentialSource, Credentials, Error, ErrorKind, Result, Secret};
use tokio::sync::oneshot;

use crate::errors;
use crate::runtime;

/// The callable of one `options=`.
pub struct Callback {
    function: Arc<Py<PyAny>>,
    identity: [usize; 2],
}

impl Callback {
    /// # Errors
    /// `InvalidInputError` for what cannot be called.
    pub fn new(function: &Bound<'_, PyAny>) -> PyResult<Self> {
        if !function.is_callable() {
            let given = function.get_type().name()?;
            return Err(errors::invalid(format!(
                "credentials must be a callable that returns keys, not {given}"
            )));
        }
        // A method is a new object each time it is looked up; what stays is the two that it is made of.
        let parts = ["__self__", "__func__"].map(|name| function.getattr_opt(name));
        let identity = match parts {
            [Ok(Some(owner)), Ok(Some(method))] => {
                [owner.as_ptr() as usize, method.as_ptr() as usize]
            }
            _ => [function.as_ptr() as usize, 0],
        };
        Ok(Callback {
            function: Arc::new(function.clone().unbind()),
            identity,
        })
    }

    /// Whether both are one callable. Both are alive, so no address can stand for two.
    pub fn is(&self, other: &Callback) -> bool {
        self.identity == other.identity
    }

    pub fn source(&self) -> Arc<dyn CredentialSource> {
        Arc::new(Source(Arc::clone(&self.function)))
    }
}

impl Clone for Callback {
    fn clone(&self) -> Self {
        Callback {
            function: Arc::clone(&self.function),
            identity: self.identity,
        }
    }
}

struct Source(Arc<Py<PyAny>>);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source(callable)")
    }
}

#[async_trait]
impl CredentialSource for Source {
    async fn credentials(&self) -> Result<Credentials> {
        let (sender, answer) = oneshot::channel();
        let function = Arc::clone(&self.0);
        let ask = move |py: Python<'_>| {
            let sender = Arc::new(Mutex::new(Some(sender)));
            let answer = Answer(Arc::clone(&sender));
            let asked = py
                .import("s3dlio._credentials")
                .and_then(|module| module.call_method1("ask", (function.clone_ref(py), answer)));
            if let Err(raised) = asked {
                Answer(sender).tell(Err(failed(py, raised)));
            }
        };
        runtime::leave_errand_apart(Box::new(ask));
        answer.await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::AccessDenied,
                "the credentials callable did not return",
            ))
        })
    }
}

/// Takes what the callable returned or raised, once.
#[pyclass(frozen)]
struct Answer(Arc<Mutex<Option<oneshot::Sender<Result<Credentials>>>>>);

#[pymethods]
impl Answer {
    fn send(
        &self,
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
        expiry: Option<f64>,
    ) {
        let since_epoch = expiry.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)));
        // A time that no clock can show never comes.
        let expiry = since_epoch
            .and_then(std::result::Result::ok)
            .and_then(|span| SystemTime::UNIX_EPOCH.checked_add(span));
        self.tell(Ok(Credentials {
            access_key_id: Secret::new(access_key_id),
            secret_access_key: Secret::new(secret_access_key),
            session_token: session_token.map(Secret::new),
            expiry,
        }));
    }

    fn fail(&self, raised: &Bound<'_, PyAny>) {
        self.tell(Err(failed(raised.py(), PyErr::from_value(raised.clone()))));
    }
}

impl Answer {
    fn tell(&self, answer: Result<Credentials>) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // A request that was given up does not listen.
            let _ = sender.send(answer);
        }
    }
}

/// What the callable raised. Its text is made on Python's thread, for no other may wait for the interpreter.
#[derive(Debug)]
pub struct Raised {
    pub exception: PyErr,
    text: String,
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Raised {}

fn failed(py: Python<'_>, exception: PyErr) -> Error {
    let text = exception.to_string();
    if errors::is_invalid_input(py, &exception) {
        return Error::invalid(text);
    }
    Error::new(ErrorKind::AccessDenied, "the credentials callable failed")
        .with_source(Raised { exception, text })
}
