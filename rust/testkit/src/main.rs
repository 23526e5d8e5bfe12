//! Runs a test server for tests in another process, until standard input closes.
//!
//! `s3dlio-testserver [s3|azure] [--tls good|expired|wrong-host]` prints one line of JSON: `endpoint`, `control` (where
//! the control paths are, without TLS), and with `--tls` the `authority` in PEM. When the process that started it ends,
//! in whatever way, the pipe closes and the server ends too.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a program says"
)]

use std::net::SocketAddr;
use std::process::ExitCode;

use s3dlio_testkit::{Authority, AzureServer, Flaw, S3Server, TlsFront};
use serde_json::json;
use tokio::runtime::Runtime;

const USAGE: &str = "s3dlio-testserver [s3|azure] [--tls good|expired|wrong-host]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (service, tls) = match arguments[..] {
        [] => ("s3", None),
        [service] => (service, None),
        [service, "--tls", kind] => (service, Some(kind)),
        _ => return usage(),
    };
    let certificate = match tls {
        None => None,
        Some("good") => Some(("127.0.0.1", Flaw::None)),
        Some("expired") => Some(("127.0.0.1", Flaw::Expired)),
        Some("wrong-host") => Some(("elsewhere.test", Flaw::None)),
        Some(_) => return usage(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers always starts");
    match service {
        "s3" => {
            let server = runtime.block_on(S3Server::start());
            serve(&runtime, server.address(), &server.endpoint(), certificate);
        }
        "azure" => {
            let server = runtime.block_on(AzureServer::start());
            serve(&runtime, server.address(), &server.endpoint(), certificate);
        }
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: {USAGE}");
    ExitCode::from(2)
}

fn serve(
    runtime: &Runtime,
    address: SocketAddr,
    endpoint: &str,
    certificate: Option<(&str, Flaw)>,
) {
    let control = format!("http://{address}");
    let front = certificate.map(|(host, flaw)| {
        let authority = Authority::new();
        let front = TlsFront::start(address, authority.issue(host, flaw));
        (runtime.block_on(front), authority.pem())
    });
    let told = match &front {
        None => json!({ "endpoint": endpoint, "control": control }),
        Some((front, authority)) => {
            let path = endpoint.trim_start_matches(&control);
            let endpoint = format!("https://{}{path}", front.address());
            json!({ "endpoint": endpoint, "control": control, "authority": authority })
        }
    };
    println!("{told}");
    // The end of standard input and an error on it mean the same: nobody is there any more.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
}
