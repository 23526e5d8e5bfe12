//! The console script `s3-cli`: the same command as the binary.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::clients;

/// Runs the command line tool.
///
/// Args:
///     argv: The program's name and its arguments.
///
/// Returns:
///     The exit code: 0 done, 1 something failed, 2 usage, 3 not found, 4 denied, 5 temporary.
#[pyfunction]
pub fn run_cli(py: Python<'_>, argv: Vec<OsString>) -> u8 {
    py.detach(|| s3dlio_cli::run(argv, clients::memory()))
}
