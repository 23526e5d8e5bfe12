//! The control paths and the program around them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use s3dlio_testkit::{Action, Fault};
use serde_json::{Value, json};

use crate::client::{Wire, ask, get, start, tag};

#[test]
fn faults_are_added_counted_and_removed() {
    let server = start();
    let control = |request: &str, body: &Value| {
        let answer = ask(&server, request, &[], body.to_string().as_bytes());
        (
            answer.status,
            serde_json::from_slice::<Value>(&answer.body).unwrap(),
        )
    };

    let rules = json!([
        {"path": "k", "times": 1, "actions": [{"do": "fail"}]},
        {"actions": [{"do": "delay", "ms": 1}, {"do": "flip_bit", "offset": 3, "of": "object"}]}
    ]);
    assert_eq!(control("POST /__control/faults", &rules).0, 200);
    let one = json!({"op": "PutObject", "actions": [{"do": "lose_answer"}]});
    assert_eq!(
        control("POST /__control/faults", &one)
            .1
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(get(&server, "/bucket/k").code(), "SlowDown");

    let (_, rules) = control("GET /__control/faults", &Value::Null);
    assert_eq!(
        (&rules[0]["matched"], &rules[0]["fired"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(control("DELETE /__control/faults", &Value::Null).0, 200);
    assert_eq!(get(&server, "/bucket/k").code(), "NoSuchKey");
}

#[test]
fn a_mistake_in_a_script_is_told_and_nothing_applies() {
    let server = start();
    for body in [
        r#"[{"actions": [{"do": "fail"}]}, {"actions": [{"do": "explode"}]}]"#,
        r#"{"paht": "k", "actions": []}"#,
        r#"{"actions": [{"do": "cut"}]}"#,
        r#"{"actions": [{"do": "cut", "after": 1, "then": 2}]}"#,
        "nothing",
    ] {
        let answer = ask(&server, "POST /__control/faults", &[], body.as_bytes());
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.text().contains("error"));
    }
    assert_eq!(get(&server, "/__control/faults").text(), "[]");
    assert_eq!(get(&server, "/__control/other").status, 404);
}

#[test]
fn requests_options_statistics_and_reset_work_from_outside() {
    let server = start();
    let headers = [
        ("range", "bytes=0-1"),
        ("user-agent", "test/1"),
        ("authorization", "x"),
    ];
    ask(&server, "GET /bucket/k%20k?x=1", &headers, b"");

    let seen: Value = serde_json::from_slice(&get(&server, "/__control/requests").body).unwrap();
    let first = &seen[0];
    assert_eq!(seen.as_array().unwrap().len(), 1);
    assert_eq!(first["op"], "GetObject");
    assert_eq!(
        (&first["method"], &first["path"]),
        (&json!("GET"), &json!("/bucket/k k"))
    );
    assert_eq!(
        (&first["query"], &first["status"]),
        (&json!("x=1"), &json!(404))
    );
    assert_eq!(first["headers"]["range"], "bytes=0-1");
    assert_eq!(first["headers"]["user-agent"], "test/1");
    assert_eq!(
        (&first["headers"]["authorization"], &first["authorized"]),
        (&Value::Null, &json!(true))
    );

    ask(
        &server,
        "PUT /__control/options",
        &[],
        br#"{"require_authorization": true}"#,
    );
    assert_eq!(get(&server, "/bucket/k").code(), "AccessDenied");
    let synthetic = br#"{"bucket": "made", "count": 5, "size": 3, "prefix": "p"}"#;
    ask(&server, "POST /__control/synthetic", &[], synthetic);
    ask(&server, "PUT /__control/options", &[], b"{}");
    assert_eq!(get(&server, "/made/p00000004").body.len(), 3);
    let statistics: Value =
        serde_json::from_slice(&get(&server, "/__control/statistics").body).unwrap();
    // A client may have its answer, and ask again, before the server has put the request away.
    assert!((1..=2).contains(&statistics["peak_in_flight"].as_u64().unwrap()));

    server.fault(Fault::always(Action::slow_down()));
    ask(&server, "DELETE /__control", &[], b"");
    assert_eq!(get(&server, "/made/p00000004").code(), "NoSuchBucket");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_program_serves_until_its_input_closes() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_s3dlio-testserver"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let endpoint = serde_json::from_str::<Value>(&line).unwrap()["endpoint"].clone();
    let address = endpoint
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();

    let listed = Wire::connect(address).ask("GET /", &[], b"").text();
    assert_eq!(tag(&listed, "ID"), "testkit");

    drop(program.stdin.take());
    let began = Instant::now();
    let status = loop {
        if let Some(status) = program.try_wait().unwrap() {
            break status;
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "it ends with its input"
        );
        std::thread::yield_now();
    };
    assert!(status.success());
}
