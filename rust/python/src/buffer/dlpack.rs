//! DLPack capsules: ours for frameworks, and tensors of frameworks as memory to send or fill.
//!
//! <https://dmlc.github.io/dlpack/latest/python_spec.html>

use std::ffi::{CStr, c_void};
use std::ptr::{self, NonNull};

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;

/// `kDLCPU`, device 0.
pub const CPU: (i32, i32) = (1, 0);
/// Host memory that a GPU can reach; as good as the CPU's own.
const PINNED: [i32; 3] = [3, 11, 13];
const READ_ONLY: u64 = 1;
const IS_COPIED: u64 = 1 << 1;
const UINT8: DataType = DataType {
    code: 1,
    bits: 8,
    lanes: 1,
};

const UNVERSIONED: &CStr = c"dltensor";
const VERSIONED: &CStr = c"dltensor_versioned";

#[repr(C)]
struct Device {
    kind: i32,
    id: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct RawTensor {
    data: *mut c_void,
    device: Device,
    ndim: i32,
    dtype: DataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

/// `DLManagedTensor`.
#[repr(C)]
struct Unversioned {
    tensor: RawTensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Unversioned)>,
}

/// `DLManagedTensorVersioned`.
#[repr(C)]
struct Versioned {
    major: u32,
    minor: u32,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Versioned)>,
    flags: u64,
    tensor: RawTensor,
}

/// What a capsule of ours points to: `managed` comes first, so one address is both.
#[repr(C)]
struct Shared<M> {
    managed: M,
    shape: [i64; 1],
    strides: [i64; 1],
    memory: s3dlio::Buffer,
}

impl<M> Shared<M> {
    /// Boxed for good; freed by the deleter.
    fn leak(memory: s3dlio::Buffer, manage: impl FnOnce(RawTensor) -> M) -> NonNull<Self> {
        // An empty tensor has no address.
        let data = if memory.is_empty() {
            ptr::null_mut()
        } else {
            memory.as_mut_ptr().cast()
        };
        let len = memory.len().cast_signed() as i64;
        let tensor = RawTensor {
            data,
            device: Device {
                kind: CPU.0,
                id: CPU.1,
            },
            ndim: 1,
            dtype: UINT8,
            shape: ptr::null_mut(),
            strides: ptr::null_mut(),
            byte_offset: 0,
        };
        let shared = Shared {
            managed: manage(tensor),
            shape: [len],
            strides: [1],
            memory,
        };
        NonNull::from(Box::leak(Box::new(shared)))
    }

    /// # Safety
    /// `managed` must come from `leak`, and nobody may use it again.
    unsafe fn free(managed: *mut M) {
        // SAFETY: the first field of a `repr(C)` struct has the struct's address; the caller gives up the pointer.
        drop(unsafe { Box::from_raw(managed.cast::<Self>()) });
    }
}

unsafe extern "C" fn delete_unversioned(managed: *mut Unversioned) {
    // SAFETY: DLPack calls a deleter once, with the pointer it belongs to.
    unsafe { Shared::free(managed) }
}

unsafe extern "C" fn delete_versioned(managed: *mut Versioned) {
    // SAFETY: as above.
    unsafe { Shared::free(managed) }
}

/// A `dltensor` capsule, which can only stand for writable memory.
pub fn unversioned(py: Python<'_>, memory: s3dlio::Buffer) -> PyResult<Bound<'_, PyAny>> {
    let shared = Shared::leak(memory, |tensor| Unversioned {
        tensor,
        context: ptr::null_mut(),
        deleter: Some(delete_unversioned),
    });
    // SAFETY: just leaked, so valid, and nobody else has it yet.
    unsafe {
        let shared = shared.as_ptr();
        (*shared).managed.tensor.shape = (&raw mut (*shared).shape).cast();
        (*shared).managed.tensor.strides = (&raw mut (*shared).strides).cast();
        capsule(py, shared.cast(), UNVERSIONED, drop_unversioned)
    }
}

/// A `dltensor_versioned` capsule.
pub fn versioned(
    py: Python<'_>,
    memory: s3dlio::Buffer,
    readonly: bool,
    copied: bool,
) -> PyResult<Bound<'_, PyAny>> {
    let flags = if readonly { READ_ONLY } else { 0 } | if copied { IS_COPIED } else { 0 };
    let shared = Shared::leak(memory, |tensor| Versioned {
        major: 1,
        minor: 0,
        context: ptr::null_mut(),
        deleter: Some(delete_versioned),
        flags,
        tensor,
    });
    // SAFETY: as above.
    unsafe {
        let shared = shared.as_ptr();
        (*shared).managed.tensor.shape = (&raw mut (*shared).shape).cast();
        (*shared).managed.tensor.strides = (&raw mut (*shared).strides).cast();
        capsule(py, shared.cast(), VERSIONED, drop_versioned)
    }
}

/// # Safety
/// `managed` must be what `destructor` takes for a capsule of that name.
unsafe fn capsule<'py>(
    py: Python<'py>,
    managed: *mut c_void,
    name: &'static CStr,
    destructor: unsafe extern "C" fn(*mut ffi::PyObject),
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the name is static; the caller vouches for the rest. A new reference or null comes back.
    unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyCapsule_New(managed, name.as_ptr(), Some(destructor)),
        )
    }
}

/// Nobody took the tensor: a consumer would have renamed the capsule and owns the tensor then.
unsafe extern "C" fn drop_unversioned(capsule: *mut ffi::PyObject) {
    // SAFETY: CPython hands a capsule of ours to its destructor; under its first name the pointer is still ours.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, UNVERSIONED.as_ptr()) != 0 {
            delete_unversioned(ffi::PyCapsule_GetPointer(capsule, UNVERSIONED.as_ptr()).cast());
        }
    }
}

unsafe extern "C" fn drop_versioned(capsule: *mut ffi::PyObject) {
    // SAFETY: as above.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, VERSIONED.as_ptr()) != 0 {
            delete_versioned(ffi::PyCapsule_GetPointer(capsule, VERSIONED.as_ptr()).cast());
        }
    }
}

/// A tensor taken over from a framework; its memory goes back when this is dropped, which needs the interpreter.
pub enum Tensor {
    Unversioned(NonNull<c_void>),
    Versioned(NonNull<c_void>),
}

impl Tensor {
    /// # Errors
    /// `InvalidInputError` for memory that is not the CPU's; the framework's own, where it cannot share the memory.
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let (kind, _) = object
            .call_method0("__dlpack_device__")?
            .extract::<(i32, i32)>()?;
        if kind != CPU.0 && !PINNED.contains(&kind) {
            return Err(errors::invalid(format!(
                "the tensor must be in CPU memory, not on DLPack device {kind}"
            )));
        }
        let newest = PyDict::new(py);
        newest.set_item("max_version", (1, 0))?;
        let capsule = match object.call_method("__dlpack__", (), Some(&newest)) {
            // Exporters from before 1.0 do not know the word.
            Err(error) if error.is_instance_of::<PyTypeError>(py) => {
                object.call_method0("__dlpack__")?
            }
            capsule => capsule?,
        };
        let raw = capsule.as_ptr();
        // SAFETY: the capsule is alive; its name is checked before the pointer is taken, and renaming it, as the protocol
        // asks, makes the tensor ours alone to delete.
        unsafe {
            if ffi::PyCapsule_IsValid(raw, VERSIONED.as_ptr()) != 0 {
                let tensor = ffi::PyCapsule_GetPointer(raw, VERSIONED.as_ptr());
                ffi::PyCapsule_SetName(raw, c"used_dltensor_versioned".as_ptr());
                return NonNull::new(tensor)
                    .map(Tensor::Versioned)
                    .ok_or_else(|| PyErr::fetch(py));
            }
            if ffi::PyCapsule_IsValid(raw, UNVERSIONED.as_ptr()) != 0 {
                let tensor = ffi::PyCapsule_GetPointer(raw, UNVERSIONED.as_ptr());
                ffi::PyCapsule_SetName(raw, c"used_dltensor".as_ptr());
                return NonNull::new(tensor)
                    .map(Tensor::Unversioned)
                    .ok_or_else(|| PyErr::fetch(py));
            }
        }
        Err(PyBufferError::new_err(
            "__dlpack__ gave no fresh DLPack capsule",
        ))
    }

    /// Address and length of the memory.
    ///
    /// # Errors
    /// `InvalidInputError` if the items do not lie side by side in C order.
    pub fn bytes(&self) -> PyResult<(NonNull<u8>, usize)> {
        let raw = self.raw();
        let rank = usize::try_from(raw.ndim).unwrap_or(0);
        // SAFETY: DLPack promises `ndim` values behind `shape`, and behind `strides` unless that is null.
        let (shape, strides) = unsafe {
            let of = |values: *mut i64| {
                (rank > 0 && !values.is_null()).then(|| std::slice::from_raw_parts(values, rank))
            };
            (of(raw.shape).unwrap_or_default(), of(raw.strides))
        };
        let items: i64 = shape.iter().product();
        let bits = i64::from(raw.dtype.bits) * i64::from(raw.dtype.lanes);
        if bits % 8 != 0 {
            return Err(errors::invalid(format!(
                "tensors of {bits}-bit items are not supported"
            )));
        }
        if items > 0 && strides.is_some_and(|strides| !is_compact(shape, strides)) {
            return Err(errors::invalid("the tensor must be C-contiguous"));
        }
        let len = usize::try_from(items * (bits / 8)).unwrap_or(0);
        let start = raw
            .data
            .cast::<u8>()
            .wrapping_add(usize::try_from(raw.byte_offset).unwrap_or(0));
        Ok((NonNull::new(start).unwrap_or(NonNull::dangling()), len))
    }

    /// Whether writes would be forbidden, or lost because the tensor is a copy.
    pub fn is_readonly(&self) -> bool {
        match self {
            Tensor::Unversioned(_) => false,
            Tensor::Versioned(managed) => {
                // SAFETY: the tensor is ours until dropped.
                let versioned = unsafe { managed.cast::<Versioned>().as_ref() };
                versioned.flags & (READ_ONLY | IS_COPIED) != 0
            }
        }
    }

    fn raw(&self) -> &RawTensor {
        // SAFETY: the tensor is ours until dropped, and of the type that its capsule's name told.
        unsafe {
            match self {
                Tensor::Unversioned(managed) => &managed.cast::<Unversioned>().as_ref().tensor,
                Tensor::Versioned(managed) => &managed.cast::<Versioned>().as_ref().tensor,
            }
        }
    }
}

/// Strides count items; those of dimensions of one item mean nothing.
fn is_compact(shape: &[i64], strides: &[i64]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(size, stride)| {
        let fits = *size == 1 || *stride == expected;
        expected *= size;
        fits
    })
}

impl Drop for Tensor {
    fn drop(&mut self) {
        // SAFETY: deleted once, by its own deleter.
        unsafe {
            match self {
                Tensor::Unversioned(managed) => {
                    let managed = managed.cast::<Unversioned>().as_ptr();
                    if let Some(delete) = (*managed).deleter {
                        delete(managed);
                    }
                }
                Tensor::Versioned(managed) => {
                    let managed = managed.cast::<Versioned>().as_ptr();
                    if let Some(delete) = (*managed).deleter {
                        delete(managed);
                    }
                }
            }
        }
    }
}
