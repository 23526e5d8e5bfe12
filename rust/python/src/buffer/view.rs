//! The buffer protocol, both ways: our memory shown to Python, and memory that Python objects lend to a transfer.

use std::ffi::c_int;
use std::ptr::NonNull;

use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};
use s3dlio::{IoBufMut, Payload};
use tokio::sync::oneshot;

use super::{Buffer, dlpack};
use crate::{errors, runtime};

/// Fills `view` with one dimension of bytes, held by `exporter`.
///
/// # Errors
/// `BufferError` where a writable view of read-only memory is asked for.
///
/// # Safety
/// `view` must be valid for writes, and `address..address + len` valid for as long as `exporter` lives.
pub unsafe fn fill(
    exporter: &Bound<'_, PyAny>,
    view: *mut ffi::Py_buffer,
    address: *mut u8,
    len: usize,
    readonly: bool,
    flags: c_int,
) -> PyResult<()> {
    let len = len.cast_signed();
    // SAFETY: the caller vouches for `view` and the memory; the view takes a reference to the exporter.
    let filled = unsafe {
        ffi::PyBuffer_FillInfo(
            view,
            exporter.as_ptr(),
            address.cast(),
            len,
            c_int::from(readonly),
            flags,
        )
    };
    if filled == 0 {
        Ok(())
    } else {
        Err(PyErr::fetch(exporter.py()))
    }
}

/// Memory of a Python object. The object is held, and may neither free nor move it, until this is dropped.
pub struct Loan {
    address: NonNull<u8>,
    len: usize,
    /// Taken out once, when the memory goes back.
    lender: Option<Lender>,
}

enum Lender {
    View(Box<ffi::Py_buffer>),
    Tensor(dlpack::Tensor),
}

// SAFETY: the address and length are plain values. The lender is used by `Lender::release` only, which needs a thread
// that is attached to the interpreter, whichever it is.
unsafe impl Send for Loan {}
// SAFETY: as above; `&Loan` gives out the bytes for reading only.
unsafe impl Sync for Loan {}
// SAFETY: as for `Loan`.
unsafe impl Send for Lender {}

impl Loan {
    /// The memory of any C-contiguous buffer, or of a CPU tensor that speaks DLPack.
    ///
    /// # Errors
    /// `TypeError` for an object without memory; `InvalidInputError` for memory that is not contiguous, is not the
    /// CPU's, or is read-only where it is to be `writable`.
    pub fn of(object: &Bound<'_, PyAny>, writable: bool) -> PyResult<Self> {
        // SAFETY: only looks at the type of a live object.
        if unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) } == 0 {
            if object.hasattr("__dlpack__")? {
                return Self::of_tensor(object, writable);
            }
            return Err(PyTypeError::new_err(format!(
                "a bytes-like object or a CPU tensor is required, not {}",
                object.get_type().name()?
            )));
        }
        if holds_pointers(object) {
            return Err(errors::invalid(
                "the buffer holds Python objects: their addresses mean nothing elsewhere",
            ));
        }
        Self::of_view(object, writable).map_err(|cause| {
            let wanted = if writable {
                "writable and C-contiguous"
            } else {
                "C-contiguous"
            };
            let refused = errors::invalid(format!(
                "the buffer must be {wanted}: {}",
                cause.value(object.py())
            ));
            refused.set_cause(object.py(), Some(cause));
            refused
        })
    }

    /// As [`Loan::of`], by the buffer protocol alone and with the lender's own exception.
    pub fn of_view(object: &Bound<'_, PyAny>, writable: bool) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        let flags = if writable {
            ffi::PyBUF_WRITABLE
        } else {
            ffi::PyBUF_SIMPLE
        };
        // SAFETY: the view is zeroed and stays where it is, in its box, until it is released.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *view, flags) } != 0 {
            return Err(PyErr::fetch(object.py()));
        }
        let len = view.len.cast_unsigned();
        let address = NonNull::new(view.buf.cast()).unwrap_or(NonNull::dangling());
        Ok(Loan {
            address,
            len,
            lender: Some(Lender::View(view)),
        })
    }

    fn of_tensor(object: &Bound<'_, PyAny>, writable: bool) -> PyResult<Self> {
        let tensor = dlpack::Tensor::of(object)?;
        let (address, len) = tensor.bytes()?;
        if writable && tensor.is_readonly() {
            return Err(errors::invalid("the tensor must be writable"));
        }
        Ok(Loan {
            address,
            len,
            lender: Some(Lender::Tensor(tensor)),
        })
    }

    /// Gives the memory back at once.
    pub fn give_back(mut self, py: Python<'_>) {
        if let Some(lender) = self.lender.take() {
            lender.release(py);
        }
    }
}

/// Whether the items are references (`O` in the notation of the struct module). Some types have no such notation; they
/// are plain memory.
fn holds_pointers(object: &Bound<'_, PyAny>) -> bool {
    if object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyByteArray>() {
        return false;
    }
    let py = object.py();
    let Ok(view) = PyMemoryView::from(object) else {
        return false;
    };
    let format = view.getattr(pyo3::intern!(py, "format"));
    format.is_ok_and(|format| {
        format
            .extract::<&str>()
            .is_ok_and(|text| text.contains('O'))
    })
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the lender keeps the memory valid until the loan is dropped. Whoever changes it from Python meanwhile
        // changes what is sent, as with any bytes-like object.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.len) }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(lender) = self.lender.take() {
            runtime::leave_release(Box::new(move |py| lender.release(py)));
        }
    }
}

impl Lender {
    fn release(self, _attached: Python<'_>) {
        match self {
            // SAFETY: filled by `PyObject_GetBuffer`, released once, and the interpreter is attached.
            Lender::View(mut view) => unsafe { ffi::PyBuffer_Release(&raw mut *view) },
            Lender::Tensor(tensor) => drop(tensor),
        }
    }
}

/// What a put sends: the caller's own memory.
pub struct Body(pub Payload);

impl<'py> FromPyObject<'_, 'py> for Body {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let bytes = match object.cast::<Buffer>() {
            Ok(buffer) => buffer.get().memory().clone().into_bytes(),
            Err(_) => Bytes::from_owner(Loan::of(&object, false)?),
        };
        Ok(Body(Payload::from(bytes)))
    }
}

/// What a read fills: the caller's own memory.
pub struct Destination {
    memory: IoBufMut,
    released: oneshot::Receiver<()>,
}

/// Dropped with the last piece of the memory, in this order: first the loan, so that whoever hears the news finds the
/// errand that ends it.
struct Owner {
    _loan: Loan,
    _news: oneshot::Sender<()>,
}

impl<'py> FromPyObject<'_, 'py> for Destination {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let loan = Loan::of(&object, true)?;
        let (address, len) = (loan.address, loan.len);
        let (news, released) = oneshot::channel();
        let owner = Box::new(Owner {
            _loan: loan,
            _news: news,
        });
        // SAFETY: the loan holds the memory, writable, until the owner is dropped; that the caller leaves it alone until
        // the call has returned is what the documentation of the verb asks.
        let memory = unsafe { IoBufMut::foreign(address, len, owner) };
        Ok(Destination { memory, released })
    }
}

impl Destination {
    /// The memory, and a future that ends when nothing can write into it any more.
    pub fn split(self) -> (IoBufMut, impl Future<Output = ()> + Send + 'static) {
        let released = self.released;
        (self.memory, async move {
            // The sender never sends: its end is the news.
            let _ended = released.await;
        })
    }
}
