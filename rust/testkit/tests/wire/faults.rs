//! What faults look like on the wire, whatever the service.

use std::io::Write;
use std::time::{Duration, Instant};

use s3dlio_testkit::{Action, Fault, FlipOrigin, S3Server, seeded_bytes};

use crate::client::{Answer, Wire, ask, get, start};

const SIZE: usize = 300_000;

fn filled() -> (S3Server, Vec<u8>) {
    let server = start();
    let body = seeded_bytes(1, SIZE);
    server.put("bucket", "k", body.clone());
    (server, body)
}

fn with_fault(action: Action) -> (Answer, Vec<u8>, S3Server) {
    let (server, body) = filled();
    server.fault(Fault::once(action));
    (get(&server, "/bucket/k"), body, server)
}

#[test]
fn a_cut_body_ends_under_the_right_length() {
    for reset in [false, true] {
        for after in [0, 1, 70_000] {
            let (server, body) = filled();
            server.fault(Fault::once(Action::Cut { after, reset }));
            let mut wire = Wire::connect(server.address());
            wire.send("GET /bucket/k", &[], b"");
            let Some(answer) = wire.answer(false) else {
                // A reset may overtake the bytes before it.
                assert!(reset);
                continue;
            };

            assert_eq!(answer.header("content-length"), Some("300000"));
            assert!(answer.short);
            assert!(body.starts_with(&answer.body));
            if !reset {
                assert_eq!(answer.body.len() as u64, after);
            }
            assert_eq!(get(&server, "/bucket/k").body, body);
        }
    }
}

#[test]
fn a_failure_runs_its_course() {
    let (server, body) = filled();
    server.fault(Fault::times(2, Action::slow_down()).method("GET"));
    let text = r#"{"actions": [{"do": "fail", "status": 429, "code": "TooMany", "retry_after": 7}], "times": 1}"#;
    server.fault(serde_json::from_str(text).unwrap());

    let answers: Vec<_> = (0..4).map(|_| get(&server, "/bucket/k")).collect();

    assert_eq!(
        (answers[1].status, answers[1].code().as_str()),
        (503, "SlowDown")
    );
    assert_eq!(answers[1].header("retry-after"), None);
    assert_eq!(
        (answers[2].status, answers[2].header("retry-after")),
        (429, Some("7"))
    );
    assert_eq!(answers[3].body, body);
}

#[test]
fn one_bit_is_flipped_and_the_object_stays_whole() {
    let flip = |of| Action::FlipBit {
        offset: 1000,
        bit: 3,
        of,
    };
    let (answer, mut body, server) = with_fault(flip(FlipOrigin::Body));
    assert_eq!(get(&server, "/bucket/k").body, body);
    body[1000] ^= 8;
    assert_eq!(answer.body, body);
    body[1000] ^= 8;

    server.fault(Fault::always(flip(FlipOrigin::Object)));
    let ranged = |range| ask(&server, "GET /bucket/k", &[("range", range)], b"").body;
    assert_eq!(ranged("bytes=0-999"), body[..1000]);
    assert_eq!(ranged("bytes=1001-1100"), body[1001..1101]);
    body[1000] ^= 8;
    assert_eq!(ranged("bytes=900-1100"), body[900..1101]);
}

#[test]
fn a_stall_sends_so_much_and_then_nothing() {
    for after in [None, Some(0), Some(1234)] {
        let (server, body) = filled();
        server.fault(Fault::once(Action::Stall { after }));
        let mut wire = Wire::connect(server.address());
        wire.send("GET /bucket/k", &[], b"");

        let bytes = wire.until_silent();

        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let sent = head.map(|end| &bytes[end + 4..]);
        assert_eq!(
            sent,
            after.map(|count| &body[..usize::try_from(count).unwrap()])
        );
        assert_eq!(server.statistics().in_flight, 1);
        drop(wire);
        let began = Instant::now();
        while server.statistics().in_flight > 0 {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "the server sees the close"
            );
            std::thread::yield_now();
        }
    }
}

#[test]
fn answers_can_be_late_or_slow() {
    let began = Instant::now();
    let (answer, body, server) = with_fault(Action::Delay { ms: 200 });
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert_eq!(answer.body, body);

    server.fault(Fault::once(Action::Throttle {
        bytes_per_second: 1_000_000.0,
    }));
    let began = Instant::now();
    assert_eq!(get(&server, "/bucket/k").body, body);
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(200),
        "300 kB at 1 MB/s took {took:?}"
    );
}

#[test]
fn a_lost_answer_has_done_the_work_and_a_lost_request_has_not() {
    let server = start();
    server.fault(Fault::once(Action::LoseRequest { reset: false }));
    server.fault(Fault::once(Action::LoseAnswer { reset: false }));
    let put = |key: &str| {
        let mut wire = Wire::connect(server.address());
        wire.send(&format!("PUT /bucket/{key}"), &[], b"abc");
        wire.answer(false).map(|answer| answer.status)
    };

    assert_eq!(put("request"), None);
    assert_eq!(put("answer"), None);

    assert_eq!(server.keys("bucket"), ["answer"]);
    let seen = server.requests();
    assert_eq!((seen[0].status, seen[0].body_length), (None, 3));
    assert_eq!(seen[1].faults, [Action::LoseAnswer { reset: false }]);
}

#[test]
fn uploads_can_be_cut_or_left_standing() {
    let server = start();
    let large = vec![7; 64 << 20];

    server.fault(Fault::once(Action::CutUpload { after: 1000 }));
    let mut wire = Wire::connect(server.address());
    wire.send("PUT /bucket/k", &[], &large);
    assert!(wire.answer(false).is_none());

    server.fault(Fault::once(Action::StallUpload { after: 1000 }));
    let mut wire = Wire::connect(server.address());
    let head = format!(
        "PUT /bucket/k HTTP/1.1\r\ncontent-length: {}\r\n\r\n",
        large.len()
    );
    wire.stream.write_all(head.as_bytes()).unwrap();
    wire.stream
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    assert!(wire.stream.write_all(&large).is_err(), "the window fills");
    assert!(server.keys("bucket").is_empty());
}

#[test]
fn an_early_error_can_be_read_though_the_body_was_not_taken() {
    let server = start();
    let text = r#"{"actions": [{"do": "fail", "early": true}], "times": 1}"#;
    server.fault(serde_json::from_str(text).unwrap());
    let mut wire = Wire::connect(server.address());

    let answer = wire.ask("PUT /bucket/k", &[], &vec![7; 32 << 20]);

    assert_eq!(answer.code(), "SlowDown");
    assert!(wire.is_closed());
    assert!(server.keys("bucket").is_empty());
}

#[test]
fn lengths_can_lie_either_way() {
    let (short, body, _) = with_fault(Action::Truncate { by: 10 });
    assert_eq!(short.header("content-length"), Some("299990"));
    assert_eq!((short.short, &*short.body), (false, &body[..SIZE - 10]));

    let (more, body, _) = with_fault(Action::ContentLength { delta: 5 });
    assert_eq!(more.header("content-length"), Some("300005"));
    assert_eq!((more.short, &more.body), (true, &body));

    let (fewer, body, _) = with_fault(Action::ContentLength { delta: -5 });
    assert_eq!(fewer.header("content-length"), Some("299995"));
    assert_eq!(fewer.body, body[..SIZE - 5]);
}

#[test]
fn headers_can_be_ignored_set_and_removed() {
    let (server, body) = filled();
    let range = ("range", "bytes=0-9");
    server.fault(Fault::once(Action::ignore("Range")));
    let set = |value: Option<&str>| Action::SetHeader {
        name: "Content-Range".to_owned(),
        value: value.map(str::to_owned),
    };
    server.fault(Fault::once(set(Some("bytes 5-14/300000"))));
    server.fault(Fault::once(set(None)));
    server.fault(Fault::once(Action::ignore("if-match")));
    server.fault(Fault::once(Action::ignore("if-none-match")));

    let whole = ask(&server, "GET /bucket/k", &[range], b"");
    assert_eq!((whole.status, whole.header("content-range")), (200, None));
    assert_eq!(whole.body, body);
    let shifted = ask(&server, "GET /bucket/k", &[range], b"");
    assert_eq!(shifted.header("content-range"), Some("bytes 5-14/300000"));
    assert_eq!(shifted.body, body[..10]);
    let silent = ask(&server, "GET /bucket/k", &[range], b"");
    assert_eq!((silent.status, silent.header("content-range")), (206, None));
    assert_eq!(
        ask(&server, "GET /bucket/k", &[("if-match", "x")], b"").status,
        200
    );
    assert_eq!(
        ask(&server, "PUT /bucket/k", &[("if-none-match", "*")], b"x").status,
        200
    );
}

#[test]
fn redirects_keep_path_and_query() {
    let (server, _) = filled();
    for status in [301, 307] {
        server.fault(Fault::once(Action::Redirect {
            status,
            location: "http://elsewhere.example:1".to_owned(),
        }));
        let answer = get(&server, "/bucket/a%20b?x=1");
        assert_eq!(answer.status, status);
        assert_eq!(
            answer.header("location"),
            Some("http://elsewhere.example:1/bucket/a%20b?x=1")
        );
    }
}

#[test]
fn actions_of_one_rule_combine() {
    let (server, body) = filled();
    let flip = Action::FlipBit {
        offset: 0,
        bit: 0,
        of: FlipOrigin::Body,
    };
    let cut = Action::Cut {
        after: 10,
        reset: false,
    };
    server.fault(Fault::once(Action::ignore("range")).and(flip).and(cut));

    let answer = ask(&server, "GET /bucket/k", &[("range", "bytes=5-9")], b"");

    assert_eq!((answer.status, answer.short), (200, true));
    assert_eq!(answer.body[0], body[0] ^ 1);
    assert_eq!(answer.body[1..], body[1..10]);
}

#[test]
fn a_dropped_server_refuses_and_ends_connections() {
    let (server, _) = filled();
    server.fault(Fault::once(Action::Stall { after: Some(1) }));
    let address = server.address();
    let mut wire = Wire::connect(address);
    wire.send("GET /bucket/k", &[], b"");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(server.wait_until(|requests| requests.iter().any(|r| r.status.is_some())));

    drop(server);

    assert!(wire.answer(false).is_none_or(|answer| answer.short));
    assert!(std::net::TcpStream::connect(address).is_err());
}
