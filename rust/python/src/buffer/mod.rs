//! `Buffer`: memory that a transfer filled, seen from Python without a copy.

#[expect(
    unsafe_code,
    reason = "DLPack capsules are raw pointers; each block says who keeps the memory alive"
)]
mod dlpack;
#[expect(
    unsafe_code,
    reason = "the buffer protocol is raw pointers; each block says who keeps the memory alive"
)]
mod view;

use std::sync::Arc;

use pyo3::exceptions::{PyBufferError, PyIndexError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyMemoryView, PySlice};
use pyo3::{IntoPyObjectExt, ffi};
use s3dlio::Pool;
use s3dlio::checksum::crc32c;

use crate::errors;
pub use view::{Body, Destination, Loan};

/// Owned memory that holds an object's bytes.
///
/// It starts at an address that is a multiple of 64 (of 4096 where it is at least that long, so that a device can write
/// into it). Slices, `memoryview`, `view` and `__dlpack__` share it, and keep it alive. It is written through those three
/// (`memoryview(buffer).readonly` is False), not by `buffer[0] = 1`; since it is a copy of its own, the object and what
/// others have read of it stay as they are. `toreadonly` gives a buffer that cannot be written through.
///
/// Example:
///     >>> import s3dlio
///     >>> s3dlio.create_bucket("memory://doc-buffer/")
///     >>> _ = s3dlio.put("memory://doc-buffer/k", b"abcd")
///     >>> data = s3dlio.get("memory://doc-buffer/k")
///     >>> len(data), data[0], data[1:3] == b"bc"
///     (4, 97, True)
///     >>> memoryview(data)[0] = 65
///     >>> data.tobytes()
///     b'Abcd'
#[pyclass(frozen, weakref, module = "s3dlio")]
pub struct Buffer {
    memory: s3dlio::Buffer,
    readonly: bool,
}

impl From<s3dlio::Buffer> for Buffer {
    fn from(memory: s3dlio::Buffer) -> Self {
        Buffer {
            memory,
            readonly: false,
        }
    }
}

#[pymethods]
impl Buffer {
    /// Whether Python may not write into this view of the memory.
    #[getter]
    fn readonly(&self) -> bool {
        self.readonly
    }

    /// The bytes as a numpy array that shares the memory.
    ///
    /// Args:
    ///     dtype: Anything `numpy.dtype` takes.
    ///     shape: An int or a tuple of ints, one of which may be -1. The default is one dimension with all items.
    ///
    /// Returns:
    ///     A `numpy.ndarray` of `shape`, writable unless the buffer is read-only.
    ///
    /// Raises:
    ///     InvalidInputError: The bytes are not a whole number of items, or not as many as `shape` takes, or the
    ///         items of `dtype` are Python objects.
    ///     ImportError: numpy is not installed.
    ///
    /// Example:
    ///     >>> import s3dlio
    ///     >>> s3dlio.create_bucket("memory://doc-view/")
    ///     >>> _ = s3dlio.put("memory://doc-view/k", bytes(24))
    ///     >>> s3dlio.get("memory://doc-view/k").view("float32", (2, -1)).shape
    ///     (2, 3)
    #[pyo3(signature = (dtype, shape = None))]
    fn view<'py>(
        slf: &Bound<'py, Self>,
        dtype: &Bound<'py, PyAny>,
        shape: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let numpy = py.import("numpy")?;
        let dtype = numpy.call_method1("dtype", (dtype,))?;
        let (size, item) = (
            slf.get().memory.len(),
            dtype.getattr("itemsize")?.extract::<usize>()?,
        );
        if dtype.getattr("hasobject")?.is_truthy()? {
            return Err(errors::invalid(format!("bytes cannot be {dtype} items")));
        }
        if item == 0 || size % item != 0 {
            return Err(errors::invalid(format!(
                "{size} bytes are not a whole number of {dtype} items"
            )));
        }
        let flat = numpy.call_method1("ndarray", ((size / item,), dtype, slf))?;
        let Some(shape) = shape else { return Ok(flat) };
        flat.call_method1("reshape", (shape,)).map_err(|error| {
            let refused = errors::invalid(format!(
                "{} items do not make the shape {shape}",
                size / item
            ));
            refused.set_cause(py, Some(error));
            refused
        })
    }

    /// For pickle: from protocol 5 on the memory itself, out of band where the pickler takes it so.
    fn __reduce_ex__<'py>(slf: &Bound<'py, Self>, protocol: u32) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let bytes = match protocol {
            5.. => py.import("pickle")?.call_method1("PickleBuffer", (slf,))?,
            _ => slf.get().tobytes(py).into_any(),
        };
        let restore = py.import("s3dlio._s3dlio")?.getattr("_restore_buffer")?;
        (restore, (bytes, slf.get().readonly)).into_bound_py_any(py)
    }

    /// A copy of the bytes.
    ///
    /// Returns:
    ///     `bytes` of the same length.
    fn tobytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.memory)
    }

    /// The same memory, not writable through the result.
    ///
    /// Returns:
    ///     A `Buffer` that shares the memory. Writes through this one still show in it.
    fn toreadonly(&self) -> Self {
        Buffer {
            memory: self.memory.clone(),
            readonly: true,
        }
    }

    /// CRC-32C (Castagnoli) of the bytes.
    ///
    /// Returns:
    ///     An int from 0 to 2**32 - 1; that of `b"123456789"` is `0xe3069283`.
    fn crc32c(&self, py: Python<'_>) -> u32 {
        py.detach(|| crc32c(&self.memory))
    }

    fn __len__(&self) -> usize {
        self.memory.len()
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        self.tobytes(py)
    }

    fn __repr__(&self) -> String {
        let readonly = if self.readonly { ", readonly" } else { "" };
        format!("<s3dlio.Buffer of {} bytes{readonly}>", self.memory.len())
    }

    fn __getitem__<'py>(&self, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = index.py();
        let len = self.memory.len();
        if let Ok(slice) = index.cast::<PySlice>() {
            let cut = slice.indices(len.cast_signed())?;
            if cut.step != 1 {
                return Err(errors::invalid(format!(
                    "slices of a Buffer share its memory: the step must be 1, not {}",
                    cut.step
                )));
            }
            // Both are within the buffer: `indices` clamps them.
            let start = cut.start.cast_unsigned();
            let memory = self.memory.slice(start..start + cut.slicelength);
            return Buffer {
                memory,
                readonly: self.readonly,
            }
            .into_bound_py_any(py);
        }
        let index = index.extract::<isize>()?;
        let at = if index < 0 {
            index + len.cast_signed()
        } else {
            index
        };
        match usize::try_from(at).ok().and_then(|at| self.memory.get(at)) {
            Some(byte) => byte.into_bound_py_any(py),
            None => Err(PyIndexError::new_err(format!(
                "index {index} of a Buffer of {len} bytes"
            ))),
        }
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyIterator>> {
        PyMemoryView::from(slf)?.try_iter()
    }

    /// Equal to any bytes-like object of the same bytes.
    fn __eq__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = other.py();
        let Ok(loan) = Loan::of_view(other, false) else {
            return Ok(py.NotImplemented().into_bound(py));
        };
        let equal = *self.memory == *loan.as_ref();
        loan.give_back(py);
        equal.into_bound_py_any(py)
    }

    #[expect(
        unsafe_code,
        reason = "the slot of the buffer protocol is an unsafe function"
    )]
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: std::ffi::c_int,
    ) -> PyResult<()> {
        let buffer = slf.get();
        let (address, len, readonly) = (
            buffer.memory.as_mut_ptr(),
            buffer.memory.len(),
            buffer.readonly,
        );
        // SAFETY: CPython gives a view to be filled; the memory belongs to `slf`, which the filled view holds, and is not
        // moved or shrunk while `slf` lives.
        unsafe { view::fill(slf.as_any(), view, address, len, readonly, flags) }
    }

    /// The buffer protocol as Python 3.12 and later spell it.
    fn __buffer__<'py>(
        slf: &Bound<'py, Self>,
        flags: std::ffi::c_int,
    ) -> PyResult<Bound<'py, PyMemoryView>> {
        if slf.get().readonly && flags & ffi::PyBUF_WRITABLE != 0 {
            return Err(PyBufferError::new_err("the memory is read-only"));
        }
        PyMemoryView::from(slf)
    }

    /// The memory as a DLPack capsule of `uint8`, one dimension.
    ///
    /// Args:
    ///     stream: Must be None: the memory is the CPU's.
    ///     max_version: Highest DLPack version the caller reads, as `(major, minor)`; None means before 1.0.
    ///     dl_device: Must be None or `(1, 0)`, the CPU.
    ///     copy: True gives a copy; False and None share the memory.
    ///
    /// Raises:
    ///     BufferError: The buffer is read-only and the caller's version cannot say so, or another device is asked for.
    #[pyo3(signature = (*, stream = None, max_version = None, dl_device = None, copy = None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<Bound<'py, PyAny>>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if stream.is_some() {
            return Err(PyBufferError::new_err(
                "the memory is the CPU's: stream must be None",
            ));
        }
        if dl_device.is_some_and(|device| device != dlpack::CPU) {
            return Err(PyBufferError::new_err(
                "the memory is the CPU's: dl_device must be (1, 0)",
            ));
        }
        let copied = copy == Some(true);
        let memory = if copied {
            self.copy()?
        } else {
            self.memory.clone()
        };
        let readonly = self.readonly && !copied;
        match max_version {
            Some((major, _)) if major >= 1 => dlpack::versioned(py, memory, readonly, copied),
            _ if readonly => Err(PyBufferError::new_err(
                "DLPack before version 1.0 cannot say that memory is read-only",
            )),
            _ => dlpack::unversioned(py, memory),
        }
    }

    /// Where the memory is.
    ///
    /// Returns:
    ///     `(1, 0)`, DLPack's name of the CPU.
    #[expect(clippy::unused_self, reason = "the protocol asks the object")]
    fn __dlpack_device__(&self) -> (i32, i32) {
        dlpack::CPU
    }
}

impl Buffer {
    pub fn memory(&self) -> &s3dlio::Buffer {
        &self.memory
    }

    /// `__dlpack__(copy=True)` asks for memory of its own.
    fn copy(&self) -> PyResult<s3dlio::Buffer> {
        let mut copy = Arc::new(Pool::default())
            .take(self.memory.len())
            .map_err(errors::to_python)?;
        copy.copy_from_slice(&self.memory);
        Ok(copy.freeze())
    }
}

/// A buffer with a copy of `data`, for pickle.
#[pyfunction]
pub fn _restore_buffer(data: &Bound<'_, PyAny>, readonly: bool) -> PyResult<Buffer> {
    let loan = Loan::of_view(data, false)?;
    let bytes = loan.as_ref();
    let pool = Arc::new(Pool::default());
    let mut memory = pool.take(bytes.len()).map_err(errors::to_python)?;
    // What was pickled belongs to whoever unpickles it, and need not be aligned.
    memory.copy_from_slice(bytes);
    loan.give_back(data.py());
    Ok(Buffer {
        memory: memory.freeze(),
        readonly,
    })
}
