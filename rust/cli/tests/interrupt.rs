//! What Ctrl-C leaves behind at the service: nothing.

mod support;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use s3dlio_testkit::{Action, Fault, S3Server};

use crate::support::s3_cli;

/// The promise is one second; a loaded machine gets ten times that.
const DEADLINE: Duration = Duration::from_secs(10);

fn put(server: &S3Server, arguments: &[&str]) -> Child {
    s3_cli(server)
        .arg("put")
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary was built for this test")
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
}

#[tokio::test]
async fn uploads_under_way_are_taken_back() {
    let server = S3Server::start().await;
    server.create_bucket("bucket");
    server.fault(Fault::always(Action::Stall { after: None }).op("UploadPart"));
    let mut child = put(&server, &["-n", "4", "-s", "40000000", "s3://bucket/"]);
    let stalled = |op: &'static str, count: usize| {
        move |seen: &[s3dlio_testkit::RequestRecord]| {
            seen.iter().filter(|seen| seen.op == op).count() >= count
        }
    };
    server.wait_until(stalled("UploadPart", 8)).await;
    assert!(!server.open_uploads("bucket").is_empty());

    interrupt(&child);
    let began = Instant::now();
    let status = tokio::task::spawn_blocking(move || child.wait()).await;
    let took = began.elapsed();

    println!("ended in {took:?}");
    assert_eq!(
        status
            .expect("wait does not panic")
            .expect("it is our child")
            .code(),
        Some(130)
    );
    assert_eq!(server.open_uploads("bucket"), Vec::<String>::new());
    assert_eq!(server.keys("bucket"), Vec::<String>::new());
    assert!(took < DEADLINE, "{took:?}");
}
