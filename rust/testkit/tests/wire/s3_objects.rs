//! Buckets and whole objects, as S3 serves them when nothing is scripted.

use s3dlio_testkit::{Options, seeded_bytes};

use crate::client::{Wire, ask, crc32c, crc64, encode, get, start, tag, tags};

#[test]
fn buckets_are_made_listed_and_removed() {
    let server = start();

    assert_eq!(ask(&server, "PUT /second", &[], b"").status, 200);
    let again = ask(&server, "PUT /second", &[], b"");
    assert_eq!(
        (again.status, again.code().as_str()),
        (409, "BucketAlreadyOwnedByYou")
    );
    assert_eq!(
        tags(&get(&server, "/").text(), "Name"),
        ["bucket", "second"]
    );
    assert_eq!(ask(&server, "HEAD /second", &[], b"").status, 200);
    assert_eq!(
        ask(&server, "PUT /Bad_Name", &[], b"").code(),
        "InvalidBucketName"
    );

    ask(&server, "PUT /second/key", &[], b"x");
    assert_eq!(
        ask(&server, "DELETE /second", &[], b"").code(),
        "BucketNotEmpty"
    );
    assert_eq!(ask(&server, "DELETE /second/key", &[], b"").status, 204);
    assert_eq!(ask(&server, "DELETE /second/", &[], b"").status, 204);
    assert_eq!(
        ask(&server, "DELETE /second", &[], b"").code(),
        "NoSuchBucket"
    );
    assert_eq!(ask(&server, "HEAD /second", &[], b"").status, 404);
}

#[test]
fn an_object_comes_back_with_all_that_was_said_of_it() {
    let server = start();
    let body = seeded_bytes(1, 100_000);

    let headers = [
        ("x-amz-meta-author", "someone"),
        ("content-type", "text/x-test"),
        ("x-amz-checksum-crc32c", &crc32c(&body)),
    ];
    let put = ask(&server, "PUT /bucket/a/b%20c", &headers, &body);
    let whole = ask(
        &server,
        "GET /bucket/a/b%20c",
        &[("x-amz-checksum-mode", "ENABLED")],
        b"",
    );
    let head = ask(
        &server,
        "HEAD /bucket/a/b%20c",
        &[("x-amz-checksum-mode", "ENABLED")],
        b"",
    );

    assert_eq!(put.status, 200);
    assert_eq!((whole.status, &whole.body), (200, &body));
    for answer in [&whole, &head] {
        assert_eq!(answer.header("etag"), put.header("etag"));
        assert_eq!(answer.header("content-length"), Some("100000"));
        assert_eq!(answer.header("content-type"), Some("text/x-test"));
        assert_eq!(answer.header("x-amz-meta-author"), Some("someone"));
        assert_eq!(
            answer.header("x-amz-checksum-crc32c"),
            Some(&*crc32c(&body))
        );
        assert_eq!(answer.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
        assert!(answer.header("x-amz-request-id").is_some());
        assert!(answer.header("last-modified").unwrap().ends_with(" GMT"));
    }
    assert_eq!(server.object("bucket", "a/b c").unwrap(), body);
}

#[test]
fn etags_are_md5_and_objects_without_a_checksum_get_one() {
    let server = start();

    let put = ask(&server, "PUT /bucket/k", &[], b"abc");
    let mode = [("x-amz-checksum-mode", "ENABLED")];
    let whole = ask(&server, "GET /bucket/k", &mode, b"");

    assert_eq!(
        put.header("etag"),
        Some("\"900150983cd24fb0d6963f7d28e17f72\"")
    );
    assert_eq!(
        whole.header("x-amz-checksum-crc64nvme"),
        Some(&*crc64(b"abc"))
    );
    assert_eq!(
        get(&server, "/bucket/k").header("x-amz-checksum-crc64nvme"),
        None
    );
}

#[test]
fn ranges_are_206_and_carry_no_checksum() {
    let server = start();
    server.put("bucket", "k", &b"0123456789"[..]);
    let ranged = |range: &str| {
        let headers = [("range", range), ("x-amz-checksum-mode", "ENABLED")];
        ask(&server, "GET /bucket/k", &headers, b"")
    };

    let middle = ranged("bytes=2-4");
    assert_eq!((middle.status, middle.text().as_str()), (206, "234"));
    assert_eq!(middle.header("content-range"), Some("bytes 2-4/10"));
    assert_eq!(middle.header("x-amz-checksum-crc64nvme"), None);
    assert_eq!(ranged("bytes=-3").text(), "789");
    assert_eq!(
        ranged("bytes=8-99").header("content-range"),
        Some("bytes 8-9/10")
    );

    let beyond = ranged("bytes=10-");
    assert_eq!(
        (beyond.status, beyond.code().as_str()),
        (416, "InvalidRange")
    );
    assert_eq!(beyond.header("content-range"), Some("bytes */10"));

    server.put("bucket", "k", &b""[..]);
    assert_eq!(
        ranged("bytes=0-0").header("content-range"),
        Some("bytes */0")
    );
}

#[test]
fn conditions_are_kept() {
    let server = start();
    let etag = ask(&server, "PUT /bucket/k", &[], b"abc")
        .header("etag")
        .unwrap()
        .to_owned();
    let with = |request: &str, name: &str, value: &str| {
        ask(&server, request, &[(name, value)], b"new").status
    };

    assert_eq!(with("GET /bucket/k", "if-match", &etag), 200);
    assert_eq!(with("GET /bucket/k", "if-match", "\"other\""), 412);
    assert_eq!(with("GET /bucket/k", "if-none-match", &etag), 304);
    assert_eq!(
        with(
            "GET /bucket/k",
            "if-modified-since",
            "Thu, 01 Jan 1970 00:00:00 GMT"
        ),
        200
    );
    assert_eq!(
        with(
            "GET /bucket/k",
            "if-unmodified-since",
            "Thu, 01 Jan 1970 00:00:00 GMT"
        ),
        412
    );
    assert_eq!(with("PUT /bucket/k", "if-none-match", "*"), 412);
    assert_eq!(with("PUT /bucket/k", "if-match", "\"other\""), 412);
    assert_eq!(with("PUT /bucket/k", "if-match", &etag), 200);
    assert_eq!(with("PUT /bucket/none", "if-match", &etag), 404);
    assert_eq!(with("PUT /bucket/fresh", "if-none-match", "*"), 200);
}

#[test]
fn a_wrong_sum_is_refused_and_nothing_is_stored() {
    let server = start();

    for (name, value, code) in [
        ("x-amz-checksum-crc32c", crc32c(b"other"), "BadDigest"),
        ("x-amz-checksum-crc64nvme", crc64(b"other"), "BadDigest"),
        ("x-amz-checksum-crc32", encode(&[0; 4]), "BadDigest"),
        ("x-amz-checksum-sha256", encode(&[0; 32]), "BadDigest"),
        ("content-md5", encode(&[0; 16]), "BadDigest"),
        ("content-md5", "x".to_owned(), "InvalidDigest"),
        ("x-amz-checksum-crc32c", encode(&[0; 8]), "InvalidRequest"),
        ("x-amz-checksum-sha1", encode(&[0; 20]), "NotImplemented"),
        (
            "x-amz-sdk-checksum-algorithm",
            "CRC32C".to_owned(),
            "InvalidRequest",
        ),
        (
            "x-amz-content-sha256",
            "0".repeat(64),
            "XAmzContentSHA256Mismatch",
        ),
    ] {
        let answer = ask(&server, "PUT /bucket/k", &[(name, &value)], b"body");
        assert_eq!(answer.code(), code, "{name}: {}", answer.text());
    }
    assert_eq!(server.object("bucket", "k"), None);
}

#[test]
fn chunked_bodies_with_a_trailer_are_unwrapped_and_checked() {
    let server = start();
    let put = |sum: &str, length: &str, outer: bool| {
        let frames = format!("3\r\nabc\r\n4\r\ndefg\r\n0\r\nx-amz-checksum-crc32c:{sum}\r\n\r\n");
        let mut headers = vec![
            ("content-encoding", "aws-chunked"),
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", length),
            ("x-amz-trailer", "x-amz-checksum-crc32c"),
        ];
        let body = if outer {
            headers.push(("transfer-encoding", "chunked"));
            let (one, two) = frames.split_at(10);
            format!(
                "{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
                one.len(),
                two.len()
            )
        } else {
            frames
        };
        ask(&server, "PUT /bucket/k", &headers, body.as_bytes())
    };

    for outer in [false, true] {
        assert_eq!(put(&crc32c(b"abcdefg"), "7", outer).status, 200);
        assert_eq!(server.object("bucket", "k").unwrap(), "abcdefg");
        assert_eq!(get(&server, "/bucket/k").header("content-encoding"), None);
    }
    assert_eq!(put(&crc32c(b"abcdefG"), "7", false).code(), "BadDigest");
    assert_eq!(
        put(&crc32c(b"abcdefg"), "8", false).code(),
        "IncompleteBody"
    );
}

#[test]
fn copies_keep_or_replace_metadata() {
    let server = start();
    ask(
        &server,
        "PUT /bucket/a%20b",
        &[("x-amz-meta-m", "1")],
        b"abc",
    );
    let source = ("x-amz-copy-source", "/bucket/a%20b");

    let copy = ask(&server, "PUT /bucket/c", &[source], b"");
    assert_eq!(
        tag(&copy.text(), "ETag"),
        "&quot;900150983cd24fb0d6963f7d28e17f72&quot;"
    );
    assert_eq!(get(&server, "/bucket/c").header("x-amz-meta-m"), Some("1"));

    let directive = ("x-amz-metadata-directive", "REPLACE");
    ask(
        &server,
        "PUT /bucket/d",
        &[source, directive, ("x-amz-meta-n", "2")],
        b"",
    );
    let replaced = get(&server, "/bucket/d");
    assert_eq!(
        (
            replaced.header("x-amz-meta-m"),
            replaced.header("x-amz-meta-n")
        ),
        (None, Some("2"))
    );

    let stale = ("x-amz-copy-source-if-match", "\"other\"");
    assert_eq!(
        ask(&server, "PUT /bucket/e", &[source, stale], b"").status,
        412
    );
    assert_eq!(
        ask(&server, "PUT /bucket/a%20b", &[source], b"").code(),
        "InvalidRequest"
    );
    let missing = ("x-amz-copy-source", "bucket/none");
    assert_eq!(
        ask(&server, "PUT /bucket/e", &[missing], b"").code(),
        "NoSuchKey"
    );
}

#[test]
fn many_are_deleted_at_once_by_exact_key() {
    let server = start();
    for key in ["obj_1", "obj_10", "a&b"] {
        server.put("bucket", key, &b"x"[..]);
    }
    let document = "<Delete><Object><Key>obj_1</Key></Object><Object><Key>a&amp;b</Key></Object>\
                    <Object><Key>none</Key></Object></Delete>";
    let headers = [("x-amz-checksum-crc32c", &*crc32c(document.as_bytes()))];

    let bare = ask(&server, "POST /bucket?delete", &[], document.as_bytes());
    let answer = ask(
        &server,
        "POST /bucket/?delete=",
        &headers,
        document.as_bytes(),
    );

    assert_eq!(bare.code(), "InvalidRequest");
    assert_eq!(tags(&answer.text(), "Key"), ["obj_1", "a&amp;b", "none"]);
    assert_eq!(server.keys("bucket"), ["obj_10"]);
}

#[test]
fn errors_are_documents_with_an_id() {
    let server = start();

    let key = get(&server, "/bucket/n%26o");
    let text = key.text();

    assert_eq!((key.status, tag(&text, "Code")), (404, "NoSuchKey"));
    assert_eq!(tag(&text, "Resource"), "/bucket/n&amp;o");
    assert_eq!(
        Some(tag(&text, "RequestId")),
        key.header("x-amz-request-id")
    );
    assert_eq!(server.requests()[0].request_id, tag(&text, "RequestId"));
    assert_eq!(get(&server, "/none/k").code(), "NoSuchBucket");
    assert_eq!(get(&server, "/bucket/k?acl").code(), "NotImplemented");
    let head = ask(&server, "HEAD /bucket/none", &[], b"");
    assert_eq!((head.status, head.body.len()), (404, 0));
}

#[test]
fn keys_are_decoded_once() {
    let server = start();
    for (target, key) in [
        ("/bucket/a+b", "a+b"),
        ("/bucket/a%2Bb%20", "a+b "),
        ("/bucket/a%2520", "a%20"),
        ("/bucket//lead", "/lead"),
        ("/bucket/x//y/", "x//y/"),
        ("/bucket/%C3%A9%0A%23%3F", "é\n#?"),
    ] {
        ask(&server, &format!("PUT {target}"), &[], key.as_bytes());
        assert_eq!(server.object("bucket", key).unwrap(), key, "{target}");
    }
}

#[test]
fn authorization_can_be_required() {
    let server = start();
    server.put("bucket", "k", &b"x"[..]);
    server.set_options(Options {
        require_authorization: true,
        ..Options::default()
    });

    assert_eq!(get(&server, "/bucket/k").code(), "AccessDenied");
    let signed = [("authorization", "AWS4-HMAC-SHA256 Credential=secret")];
    assert_eq!(ask(&server, "GET /bucket/k", &signed, b"").status, 200);
    assert_eq!(get(&server, "/bucket/k?X-Amz-Signature=s").status, 200);

    let log = serde_json::to_string(&server.requests()).unwrap();
    assert!(!log.contains("secret"));
    assert!(server.requests()[1].authorized);
}

#[test]
fn a_connection_serves_many_requests() {
    let server = start();
    let mut wire = Wire::connect(server.address());

    for turn in 0..20 {
        let body = seeded_bytes(turn, 3000 * turn as usize);
        wire.ask("PUT /bucket/k", &[("expect", "")], &body);
        assert_eq!(wire.ask("GET /bucket/k", &[], b"").body, body);
        assert_eq!(wire.ask("HEAD /bucket/k", &[], b"").status, 200);
    }
    assert_eq!(server.statistics().connections, 1);
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.connection == 0)
    );
}

#[test]
fn a_client_may_wait_for_100_continue() {
    let server = start();
    let mut wire = Wire::connect(server.address());

    let headers = [("expect", "100-continue"), ("content-length", "3")];
    wire.send("PUT /bucket/k", &headers, b"");
    let interim = wire.answer(false).unwrap();
    std::io::Write::write_all(&mut wire.stream, b"abc").unwrap();

    assert_eq!(interim.status, 100);
    assert_eq!(wire.answer(false).unwrap().status, 200);
    assert_eq!(server.object("bucket", "k").unwrap(), "abc");
}
