//! What commands say of this machine's files where these fail a transfer, and what they leave as it is.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::FileTypeExt as _;
use std::process::{Command, Output, Stdio};

use s3dlio_testkit::S3Server;

use crate::support::s3_cli;

const OBJECT: &str = "s3://bucket/1.txt";

async fn server() -> S3Server {
    let server = S3Server::start().await;
    server.put("bucket", "1.txt", b"one".to_vec());
    server
}

async fn run(server: &S3Server, arguments: &[&str], stdout: Stdio) -> Output {
    let mut command = s3_cli(server);
    command
        .args(arguments)
        .stdout(stdout)
        .stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || command.spawn()?.wait_with_output()).await;
    output.unwrap().unwrap()
}

/// Runs a command that must fail with `code` and say just this.
async fn fails(server: &S3Server, arguments: &[&str], code: i32, said: &str) {
    let run = run(server, arguments, Stdio::piped()).await;

    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(code), "{arguments:?}: {told}");
    assert_eq!(told.trim_end(), format!("s3-cli: {said}"));
}

#[tokio::test]
async fn a_fifo_at_the_target_stays() {
    let server = server().await;
    let home = tempfile::tempdir().unwrap();
    let fifo = home.path().join("1.txt");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let (path, directory) = (fifo.to_str().unwrap(), home.path().to_str().unwrap());
    let why = format!(
        "cannot write {path}: the target is a FIFO, not a regular file; in a shell, `s3-cli cp SRC -` writes to a pipe"
    );

    fails(
        &server,
        &["cp", OBJECT, path],
        2,
        &format!("copy {OBJECT}: {why}"),
    )
    .await;
    let said = format!("download {OBJECT}: {why}");
    fails(&server, &["download", OBJECT, directory], 1, &said).await;

    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_target_that_cannot_be_written_is_named() {
    let server = server().await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, b"here").unwrap();
    let file = file.to_str().unwrap();

    let why = "nothing can be made in /proc";
    let said = format!("download {OBJECT}: cannot write /proc/x/1.txt: {why}");
    fails(&server, &["download", OBJECT, "/proc/x"], 4, &said).await;
    let said = format!("copy {OBJECT}: cannot write /proc/x: {why}");
    fails(&server, &["cp", OBJECT, "/proc/x"], 4, &said).await;
    let said = format!(
        "download {OBJECT}: cannot write {file}/1.txt: a part of the path is a file, not a directory"
    );
    fails(&server, &["download", OBJECT, file], 1, &said).await;

    assert_eq!(fs::read(file).unwrap(), b"here");
}

#[tokio::test]
async fn an_object_that_is_missing_is_still_not_found() {
    let server = server().await;
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("new");

    let arguments = ["cp", "s3://bucket/none", target.to_str().unwrap()];
    let run = run(&server, &arguments, Stdio::null()).await;

    assert_eq!(run.status.code(), Some(3), "{run:?}");
    assert!(!String::from_utf8_lossy(&run.stderr).contains("cannot"));
}

#[tokio::test]
async fn a_full_standard_output_is_not_the_objects_failure() {
    let server = server().await;
    let full = File::options().write(true).open("/dev/full").unwrap();

    let run = run(&server, &["cp", OBJECT, "-"], full.into()).await;

    assert_eq!(run.status.code(), Some(1), "{run:?}");
    let said = "s3-cli: write to stdout: No space left on device (os error 28)";
    assert_eq!(String::from_utf8_lossy(&run.stderr).trim_end(), said);
}
