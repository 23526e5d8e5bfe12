//! `s3-cli` as the tests start it: beside a scripted server, with keys, and nothing of the caller's settings.

use std::process::{Command, Stdio};

use s3dlio_testkit::S3Server;

pub fn s3_cli(server: &S3Server) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3-cli"));
    command
        .args(["--endpoint-url", &server.endpoint()])
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "s3cr3t")
        .env("AWS_REGION", "us-east-1")
        .env("S3DLIO_LOAD_DOTENV", "0")
        .stdin(Stdio::null());
    command
}
