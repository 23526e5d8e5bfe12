//! What `delete` says of keys that it could not delete, or could not look for.

mod support;

use std::process::Output;

use s3dlio_testkit::{Action, Fault, S3Server};

use crate::support::s3_cli;

async fn delete(server: &S3Server, uri: &str) -> Output {
    call(server, &["delete", uri]).await
}

async fn call(server: &S3Server, arguments: &[&str]) -> Output {
    let mut command = s3_cli(server);
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    output
        .expect("the task does not panic")
        .expect("the binary was built for this test")
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn each_key_that_stays_is_named_with_its_cause() {
    let server = S3Server::start().await;
    for number in 0..5 {
        server.put("bucket", &format!("p/{number}"), b"".to_vec());
    }
    let locked = |key: &str| Action::FailKey {
        key: key.to_owned(),
        code: "AccessDenied".to_owned(),
        message: format!("{key} is locked"),
    };
    let fault = Fault::always(locked("p/1")).and(locked("p/3"));
    server.fault(fault.op("DeleteObjects"));

    let run = delete(&server, "s3://bucket/p/").await;

    assert_eq!(run.status.code(), Some(1), "{run:?}");
    assert_eq!(lines(&run.stdout), ["Deleted 3 objects."]);
    let said = lines(&run.stderr);
    assert_eq!(
        (said[0].as_str(), said.last().map(String::as_str)),
        ("Deleting 5 objects…", Some("s3-cli: 2 objects failed"))
    );
    for key in ["p/1", "p/3"] {
        let start = format!("s3-cli: delete s3://bucket/{key}: AccessDenied: ");
        let mut named = said.iter().filter(|line| line.starts_with(&start));
        assert!(
            named.any(|line| line.contains(&format!("{key} is locked"))),
            "{said:?}"
        );
    }
    assert_eq!(server.keys("bucket"), ["p/1", "p/3"]);
}

#[tokio::test]
async fn who_may_not_look_may_delete_all_the_same() {
    let server = S3Server::start().await;
    server.put("bucket", "k", b"".to_vec());
    let denied = Action::fail(403, "AccessDenied");
    server.fault(Fault::always(denied).op("HeadObject"));

    let run = delete(&server, "s3://bucket/k").await;

    assert_eq!(run.status.code(), Some(0), "{run:?}");
    assert_eq!(lines(&run.stderr), ["Deleting 1 objects…"]);
    assert_eq!(lines(&run.stdout), ["Done."]);
    assert_eq!(server.keys("bucket"), Vec::<String>::new());
}

#[tokio::test]
async fn a_prefix_without_its_slash_is_told() {
    let server = S3Server::start().await;
    server.put("bucket", "t2/a", b"".to_vec());
    let hint = "there are keys below s3://bucket/t2/";

    let run = delete(&server, "s3://bucket/t2").await;
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let notice = format!("nothing is named s3://bucket/t2; {hint}");
    assert_eq!(lines(&run.stderr), ["Deleting 0 objects…", &notice]);
    let quiet = call(&server, &["-q", "delete", "s3://bucket/t2"]).await;
    assert_eq!((quiet.stdout, quiet.stderr), (Vec::new(), Vec::new()));
    let missing = delete(&server, "s3://bucket/t").await;
    assert_eq!(lines(&missing.stderr), ["Deleting 0 objects…"]);

    for command in ["stat", "du", "cat", "get"] {
        let run = call(&server, &["-q", command, "s3://bucket/t2"]).await;
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(3), "{run:?}");
        assert!(said.contains(hint), "{command}: {said}");
        let run = call(&server, &["-q", command, "s3://bucket/t"]).await;
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(!said.contains("keys below"), "{command}: {said}");
    }
    let directory = std::env::temp_dir().join("s3dlio-never-made");
    let directory = directory.to_str().expect("a plain name");
    for command in [
        &["download", "s3://bucket/t2", directory][..],
        &["cp", "s3://bucket/t2", directory],
        &["cp", "-r", "s3://bucket/t2", directory],
        &["cp", "s3://bucket/t2", "s3://bucket/new"],
        &["cp", "s3://bucket/t2", "s3://bucket/t3", directory],
        &["cp", "s3://bucket/t2", "-"],
    ] {
        let run = call(&server, command).await;
        assert_eq!(run.status.code(), Some(3), "{run:?}");
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(said.contains(hint), "{command:?}: {said}");
    }
    server.put("bucket", "t2", b"".to_vec());
    let run = call(&server, &["cp", "s3://bucket/t2", "s3://none/t2"]).await;
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(
        !said.contains("keys below"),
        "the target is missing: {said}"
    );
    assert_eq!(server.keys("bucket"), ["t2", "t2/a"]);
}
