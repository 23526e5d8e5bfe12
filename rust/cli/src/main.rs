//! `s3-cli`: the command line of s3dlio.

use std::process::ExitCode;

use s3dlio::Memory;

fn main() -> ExitCode {
    ExitCode::from(s3dlio_cli::run(std::env::args_os(), &Memory::default()))
}
