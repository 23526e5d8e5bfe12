//! What `-v` tells.

mod support;

use s3dlio_testkit::{Action, Fault, S3Server};

use crate::support::s3_cli;

async fn list(server: &S3Server, flags: &[&str]) -> String {
    let mut command = s3_cli(server);
    command
        .args(["--option", "retry_base=0.01", "list", "s3://bucket/"])
        .args(flags);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("the task does not panic");
    let output = output.expect("the binary was built for this test");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn once_it_tells_where_requests_go_and_what_is_tried_again() {
    let server = S3Server::start().await;
    server.put("bucket", "k", b"".to_vec());
    let again = || Fault::once(Action::slow_down()).op("ListObjectsV2");

    server.fault(again());
    assert_eq!(list(&server, &[]).await, "");

    server.fault(again());
    let told = list(&server, &["-v"]).await;
    for what in [&server.endpoint(), "us-east-1", "trying again", "SlowDown"] {
        assert!(told.contains(what), "{what}: {told}");
    }
    assert!(
        !told.contains("DEBUG") && !told.contains("s3cr3t"),
        "{told}"
    );

    assert!(list(&server, &["-vv"]).await.contains("DEBUG"));
}
