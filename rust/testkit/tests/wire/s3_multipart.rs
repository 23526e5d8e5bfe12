//! Uploads in parts.

use s3dlio_testkit::{Options, S3Server, seeded_bytes};

use crate::client::{Answer, ask, crc32c, crc64, get, start, tag, tags};

fn small_parts() -> S3Server {
    let server = start();
    server.set_options(Options {
        min_part_size: 1,
        ..Options::default()
    });
    server
}

fn create(server: &S3Server, headers: &[(&str, &str)]) -> String {
    let answer = ask(server, "POST /bucket/k?uploads", headers, b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    tag(&answer.text(), "UploadId").to_owned()
}

fn part(server: &S3Server, id: &str, number: u32, body: &[u8]) -> String {
    let target = format!("PUT /bucket/k?partNumber={number}&uploadId={id}");
    let answer = ask(server, &target, &[], body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("etag").unwrap().to_owned()
}

fn document(parts: &[(u32, String)]) -> String {
    let parts: String = parts
        .iter()
        .map(|(number, etag)| {
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
        })
        .collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

fn complete(
    server: &S3Server,
    id: &str,
    parts: &[(u32, String)],
    headers: &[(&str, &str)],
) -> Answer {
    let target = format!("POST /bucket/k?uploadId={id}");
    ask(server, &target, headers, document(parts).as_bytes())
}

#[test]
fn parts_become_one_object_with_a_full_checksum() {
    let server = small_parts();
    let (one, two) = (seeded_bytes(1, 5000), seeded_bytes(2, 7000));
    let whole = [one.clone(), two.clone()].concat();
    let headers = [
        ("x-amz-checksum-algorithm", "CRC32C"),
        ("x-amz-checksum-type", "FULL_OBJECT"),
        ("x-amz-meta-m", "1"),
    ];
    let id = create(&server, &headers);
    // Out of order, as concurrent clients do.
    let second = part(&server, &id, 7, &two);
    let first = part(&server, &id, 2, &one);

    let sum = crc32c(&whole);
    let checks = [
        ("x-amz-checksum-crc32c", &*sum),
        ("x-amz-checksum-type", "FULL_OBJECT"),
        ("x-amz-mp-object-size", "12000"),
    ];
    let answer = complete(&server, &id, &[(2, first), (7, second)], &checks);
    let text = answer.text();

    assert_eq!(answer.status, 200, "{text}");
    assert!(tag(&text, "ETag").ends_with("-2&quot;"));
    assert_eq!(
        (tag(&text, "ChecksumCRC32C"), tag(&text, "ChecksumType")),
        (&*sum, "FULL_OBJECT")
    );
    let mode = [("x-amz-checksum-mode", "ENABLED")];
    let got = ask(&server, "GET /bucket/k", &mode, b"");
    assert_eq!(
        (got.body, got.headers.iter().any(|(_, v)| *v == sum)),
        (whole, true)
    );
    assert!(server.open_uploads("bucket").is_empty());
    // A second Complete after a lost answer finds nothing.
    assert_eq!(
        complete(&server, &id, &[(2, String::new())], &[]).code(),
        "NoSuchUpload"
    );
}

#[test]
fn the_etag_is_the_md5_of_the_parts_md5() {
    let server = small_parts();
    let id = create(&server, &[]);
    let etag = part(&server, &id, 1, b"abc");

    let text = complete(&server, &id, &[(1, etag)], &[]).text();

    // printf 900150983cd24fb0d6963f7d28e17f72 | xxd -r -p | md5sum
    assert_eq!(
        tag(&text, "ETag"),
        "&quot;af5da9f45af7a300e3aded972f8ff687-1&quot;"
    );
    assert_eq!(tag(&text, "ChecksumCRC64NVME"), crc64(b"abc"));
}

#[test]
fn composite_checksums_need_each_parts_own() {
    let server = small_parts();
    let id = create(&server, &[("x-amz-checksum-algorithm", "CRC32C")]);
    let etag = part(&server, &id, 1, b"abc");

    let without = complete(&server, &id, &[(1, etag.clone())], &[]);
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag>\
         <ChecksumCRC32C>{}</ChecksumCRC32C></Part></CompleteMultipartUpload>",
        crc32c(b"abc")
    );
    let with = ask(
        &server,
        &format!("POST /bucket/k?uploadId={id}"),
        &[],
        body.as_bytes(),
    );

    let of_sums = crc32c(&crc_fast::crc32_iscsi(b"abc").to_be_bytes());
    assert_eq!(without.code(), "InvalidRequest");
    assert_eq!(tag(&with.text(), "ChecksumCRC32C"), format!("{of_sums}-1"));
    assert_eq!(tag(&with.text(), "ChecksumType"), "COMPOSITE");
}

#[test]
fn wrong_requests_to_complete_are_refused_and_change_nothing() {
    let server = small_parts();
    let id = create(&server, &[("x-amz-checksum-algorithm", "CRC64NVME")]);
    let one = part(&server, &id, 1, b"abc");
    let two = part(&server, &id, 2, b"def");
    let parts = [(1, one.clone()), (2, two.clone())];
    let code = |parts: &[(u32, String)], headers: &[(&str, &str)]| {
        complete(&server, &id, parts, headers).code()
    };

    assert_eq!(
        code(&[(2, two.clone()), (1, one.clone())], &[]),
        "InvalidPartOrder"
    );
    assert_eq!(code(&[(1, two.clone())], &[]), "InvalidPart");
    assert_eq!(code(&[(3, one.clone())], &[]), "InvalidPart");
    assert_eq!(code(&[], &[]), "MalformedXML");
    assert_eq!(
        code(&parts, &[("x-amz-checksum-crc64nvme", &crc64(b"x"))]),
        "BadDigest"
    );
    assert_eq!(
        code(&parts, &[("x-amz-checksum-crc32c", &crc32c(b"abcdef"))]),
        "InvalidRequest"
    );
    assert_eq!(
        code(&parts, &[("x-amz-mp-object-size", "5")]),
        "InvalidRequest"
    );
    server.set_options(Options::default());
    assert_eq!(code(&parts, &[]), "EntityTooSmall");
    assert_eq!(server.object("bucket", "k"), None);

    server.set_options(Options {
        min_part_size: 1,
        ..Options::default()
    });
    server.put("bucket", "k", &b"there"[..]);
    assert_eq!(
        code(&parts, &[("if-none-match", "*")]),
        "PreconditionFailed"
    );
    assert_eq!(complete(&server, &id, &parts, &[]).status, 200);
    assert_eq!(server.object("bucket", "k").unwrap(), "abcdef");
}

#[test]
fn parts_are_checked_and_listed_in_pages() {
    let server = small_parts();
    let id = create(
        &server,
        &[
            ("x-amz-checksum-algorithm", "CRC32C"),
            ("x-amz-checksum-type", "FULL_OBJECT"),
        ],
    );
    let target = format!("PUT /bucket/k?partNumber=1&uploadId={id}");
    let put = |name: &str, value: &str| ask(&server, &target, &[(name, value)], b"abc");

    assert_eq!(
        put("x-amz-checksum-crc32c", &crc32c(b"abd")).code(),
        "BadDigest"
    );
    assert_eq!(
        put("x-amz-checksum-crc64nvme", &crc64(b"abc")).code(),
        "InvalidRequest"
    );
    assert_eq!(put("x-amz-checksum-crc32c", &crc32c(b"abc")).status, 200);
    let zero = format!("PUT /bucket/k?partNumber=0&uploadId={id}");
    assert_eq!(ask(&server, &zero, &[], b"abc").code(), "InvalidArgument");
    part(&server, &id, 2, b"d");
    part(&server, &id, 9, b"e");

    let page = get(&server, &format!("/bucket/k?uploadId={id}&max-parts=2")).text();
    assert_eq!(tags(&page, "PartNumber"), ["1", "2"]);
    assert_eq!(
        (
            tag(&page, "IsTruncated"),
            tag(&page, "NextPartNumberMarker")
        ),
        ("true", "2")
    );
    assert_eq!(tag(&page, "ChecksumCRC32C"), crc32c(b"abc"));
    let rest = get(
        &server,
        &format!("/bucket/k?uploadId={id}&part-number-marker=2"),
    )
    .text();
    assert_eq!(
        (tags(&rest, "PartNumber"), tag(&rest, "IsTruncated")),
        (vec!["9"], "false")
    );
}

#[test]
fn aborted_uploads_are_gone() {
    let server = start();
    let id = create(&server, &[]);
    assert_eq!(
        tags(&get(&server, "/bucket?uploads").text(), "UploadId"),
        [&*id]
    );

    let target = format!("DELETE /bucket/k?uploadId={id}");
    assert_eq!(ask(&server, &target, &[], b"").status, 204);
    assert_eq!(ask(&server, &target, &[], b"").code(), "NoSuchUpload");
    assert!(tags(&get(&server, "/bucket?uploads").text(), "UploadId").is_empty());
}

#[test]
fn parts_can_be_copied_from_a_range() {
    let server = small_parts();
    server.put("bucket", "source", &b"0123456789"[..]);
    let id = create(&server, &[]);
    let target = format!("PUT /bucket/k?partNumber=1&uploadId={id}");
    let source = ("x-amz-copy-source", "bucket/source");

    let copied = ask(
        &server,
        &target,
        &[source, ("x-amz-copy-source-range", "bytes=3-5")],
        b"",
    );
    let etag = tag(&copied.text(), "ETag").to_owned();

    assert_eq!(complete(&server, &id, &[(1, etag)], &[]).status, 200);
    assert_eq!(server.object("bucket", "k").unwrap(), "345");
}

#[test]
fn sums_that_parts_cannot_combine_to_are_refused() {
    let server = start();
    for (algorithm, kind) in [
        ("SHA256", "FULL_OBJECT"),
        ("CRC64NVME", "COMPOSITE"),
        ("CRC32", "X"),
    ] {
        let headers = [
            ("x-amz-checksum-algorithm", algorithm),
            ("x-amz-checksum-type", kind),
        ];
        let answer = ask(&server, "POST /bucket/k?uploads", &headers, b"");
        assert_eq!(answer.code(), "InvalidRequest", "{algorithm} {kind}");
    }
}
