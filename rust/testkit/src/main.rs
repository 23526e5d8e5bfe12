//! Runs a test server for tests in another process, until standard input closes.
//!
//! `s3dlio-testserver [s3|azure]` prints one line of JSON with the endpoint. When the process
//! that started it ends, in whatever way, the pipe closes and the server ends too.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a program says"
)]

use std::process::ExitCode;

use s3dlio_testkit::{AzureServer, S3Server};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers always starts");
    match std::env::args().nth(1).as_deref() {
        None | Some("s3") => {
            let server = runtime.block_on(S3Server::start());
            serve(&server.endpoint());
        }
        Some("azure") => {
            let server = runtime.block_on(AzureServer::start());
            serve(&server.endpoint());
        }
        Some(other) => {
            eprintln!("s3dlio-testserver: {other}: not a service; s3 and azure are");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn serve(endpoint: &str) {
    println!("{}", serde_json::json!({ "endpoint": endpoint }));
    // The end of standard input and an error on it mean the same: nobody is there any more.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
}
