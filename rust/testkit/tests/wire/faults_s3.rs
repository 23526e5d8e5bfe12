//! Faults that S3's own operations carry out.

use s3dlio_testkit::{Action, Fault, Options, S3Server};

use crate::client::{Answer, ask, crc32c, crc64, get, start, tag, tags};

fn upload(server: &S3Server, parts: &[&[u8]], headers: &[(&str, &str)]) -> Answer {
    server.set_options(Options {
        min_part_size: 1,
        ..Options::default()
    });
    let id = tag(
        &ask(server, "POST /bucket/k?uploads", &[], b"").text(),
        "UploadId",
    )
    .to_owned();
    let mut document = String::new();
    for (index, body) in parts.iter().enumerate() {
        let number = index + 1;
        let target = format!("PUT /bucket/k?partNumber={number}&uploadId={id}");
        let part = ask(server, &target, &[], body);
        let etag = part.header("etag").unwrap();
        document += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
    }
    let document = format!("<CompleteMultipartUpload>{document}</CompleteMultipartUpload>");
    ask(
        server,
        &format!("POST /bucket/k?uploadId={id}"),
        headers,
        document.as_bytes(),
    )
}

#[test]
fn complete_and_copy_can_fail_inside_200() {
    let server = start();
    let text = r#"{"op": "CompleteMultipartUpload", "actions": [{"do": "error_in_200"}]}"#;
    server.fault(serde_json::from_str(text).unwrap());
    let text = r#"{"op": "CopyObject", "actions": [{"do": "error_in_200", "code": "SlowDown", "work": true}]}"#;
    server.fault(serde_json::from_str(text).unwrap());

    let complete = upload(&server, &[b"abc"], &[]);
    assert_eq!(
        (complete.status, complete.code().as_str()),
        (200, "InternalError")
    );
    assert!(server.keys("bucket").is_empty());

    server.put("bucket", "source", &b"x"[..]);
    let copy = ask(
        &server,
        "PUT /bucket/copy",
        &[("x-amz-copy-source", "bucket/source")],
        b"",
    );
    assert_eq!((copy.status, copy.code().as_str()), (200, "SlowDown"));
    assert_eq!(server.keys("bucket"), ["copy", "source"]);
}

#[test]
fn a_part_can_be_dropped_openly_or_hidden() {
    for hidden in [false, true] {
        let server = start();
        server.fault(
            Fault::once(Action::DropPart { number: 2, hidden }).op("CompleteMultipartUpload"),
        );
        let sum = crc64(b"abcdefghi");

        let parts: [&[u8]; 3] = [b"abc", b"def", b"ghi"];
        let answer = upload(&server, &parts, &[("x-amz-checksum-crc64nvme", &sum)]);

        assert_eq!(answer.status, 200);
        assert_eq!(server.object("bucket", "k").unwrap(), "abcghi");
        let text = answer.text();
        assert_eq!(tag(&text, "ETag").contains("-3"), hidden);
        assert_eq!(tag(&text, "ChecksumCRC64NVME") == sum, hidden);
    }
}

#[test]
fn a_listing_can_repeat_its_token_or_break_off() {
    let server = start();
    server.synthetic_listing("bucket", 30, 0, "");
    let list = |token: &str| {
        let token = token.replace('=', "%3D");
        get(
            &server,
            &format!("/bucket?list-type=2&max-keys=10&continuation-token={token}"),
        )
        .text()
    };
    let first = get(&server, "/bucket?list-type=2&max-keys=10").text();
    let token = tag(&first, "NextContinuationToken");

    server.fault(Fault::once(Action::RepeatToken));
    let second = list(token);
    assert_eq!(tags(&second, "Key")[0], "00000010");
    assert_eq!(tag(&second, "NextContinuationToken"), token);

    server.fault(Fault::once(Action::MalformedXml { body: None }));
    let broken = list(token);
    assert!(broken.starts_with("<?xml") && !broken.contains("</ListBucketResult>"));
    server.fault(Fault::once(Action::MalformedXml {
        body: Some("no xml".to_owned()),
    }));
    assert_eq!(list(token), "no xml");
}

#[test]
fn checksums_can_lie_and_be_refused() {
    let server = start();
    server.put("bucket", "k", &b"abc"[..]);
    server.fault(Fault::once(Action::WrongChecksum));
    let mode = [("x-amz-checksum-mode", "ENABLED")];
    let lie = ask(&server, "GET /bucket/k", &mode, b"");
    let shown = lie.header("x-amz-checksum-crc64nvme").unwrap();
    assert_eq!((shown.len(), shown == crc64(b"abc")), (12, false));
    assert_eq!(lie.header("x-amz-checksum-type"), Some("FULL_OBJECT"));

    server.fault(
        Fault::always(Action::fail(400, "InvalidArgument"))
            .header("x-amz-checksum-*")
            .method("PUT"),
    );
    let sum = crc32c(b"abc");
    let with = ask(
        &server,
        "PUT /bucket/k",
        &[("x-amz-checksum-crc32c", &sum)],
        b"abc",
    );
    assert_eq!(
        (with.status, with.code().as_str()),
        (400, "InvalidArgument")
    );
    assert_eq!(ask(&server, "PUT /bucket/k", &[], b"abc").status, 200);
}

#[test]
fn an_object_can_be_replaced_between_two_reads() {
    let server = start();
    server.put("bucket", "k", &b"0123456789"[..]);
    let text = r#"{"op": "GetObject", "nth": 2, "times": 1, "actions": [{"do": "replace_object", "seed": 5}]}"#;
    server.fault(serde_json::from_str(text).unwrap());
    let read = || ask(&server, "GET /bucket/k", &[("range", "bytes=0-9")], b"");

    let answers = [read(), read(), read()];

    assert_eq!(answers[0].text(), "0123456789");
    assert_eq!(answers[1].text(), "0123456789");
    assert_eq!(answers[1].header("etag"), answers[0].header("etag"));
    assert_eq!(answers[2].body, s3dlio_testkit::seeded_bytes(5, 10));
    assert_ne!(answers[2].header("etag"), answers[0].header("etag"));
}

#[test]
fn one_key_of_many_can_fail_to_be_deleted() {
    let server = start();
    server.put("bucket", "a", &b""[..]);
    server.put("bucket", "b", &b""[..]);
    let text = r#"{"actions": [{"do": "fail_key", "key": "a", "code": "AccessDenied"}]}"#;
    server.fault(serde_json::from_str(text).unwrap());
    let document = "<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>";

    let sum = crc32c(document.as_bytes());
    let headers = [("x-amz-checksum-crc32c", &*sum)];
    let answer = ask(
        &server,
        "POST /bucket?delete",
        &headers,
        document.as_bytes(),
    );

    assert_eq!(
        (tag(&answer.text(), "Key"), answer.code().as_str()),
        ("a", "AccessDenied")
    );
    assert!(!answer.text().contains("Deleted"));
    assert_eq!(server.keys("bucket"), ["a"]);
}

#[test]
fn stored_bytes_can_rot() {
    let server = start();
    server.put("bucket", "k", &b"abc"[..]);
    let before = get(&server, "/bucket/k");

    server.corrupt("bucket", "k", 1, 0);

    let after = get(&server, "/bucket/k");
    assert_eq!(
        (before.text().as_str(), after.text().as_str()),
        ("abc", "acc")
    );
    assert_eq!(before.header("etag"), after.header("etag"));
}
