//! Listings.

use s3dlio_testkit::{Options, S3Server};

use crate::client::{Wire, ask, get, start, tag, tags};

fn pages(server: &S3Server, query: &str) -> Vec<String> {
    let mut wire = Wire::connect(server.address());
    let mut pages = Vec::new();
    let mut token = String::new();
    loop {
        let target = format!("GET /bucket?list-type=2{query}{token}");
        let text = wire.ask(&target, &[], b"").text();
        let next = tag(&text, "NextContinuationToken").replace('=', "%3D");
        assert_eq!(tag(&text, "IsTruncated") == "true", !next.is_empty());
        token = format!("&continuation-token={next}");
        pages.push(text);
        if next.is_empty() {
            return pages;
        }
    }
}

fn filled() -> S3Server {
    let server = start();
    for key in ["a", "b/1", "b/2", "b0", "c/x/1", "d"] {
        server.put("bucket", key, &b"123"[..]);
    }
    server
}

#[test]
fn pages_join_to_the_whole_in_order() {
    let server = filled();
    server.set_options(Options {
        page_size: Some(2),
        ..Options::default()
    });

    let pages = pages(&server, "");

    let keys: Vec<_> = pages.iter().flat_map(|page| tags(page, "Key")).collect();
    assert_eq!(keys, ["a", "b/1", "b/2", "b0", "c/x/1", "d"]);
    assert_eq!(pages.len(), 3);
    assert_eq!(tag(&pages[0], "KeyCount"), "2");
    assert_eq!(tag(&pages[0], "Size"), "3");
    assert!(tag(&pages[0], "LastModified").ends_with('Z'));
}

#[test]
fn prefix_delimiter_and_start_select() {
    let server = filled();
    let list = |query: &str| get(&server, &format!("/bucket?list-type=2{query}")).text();

    let top = list("&delimiter=/");
    assert_eq!(tags(&top, "Key"), ["a", "b0", "d"]);
    assert_eq!(tags(&top, "Prefix")[1..], ["b/", "c/"]);
    assert_eq!(tags(&list("&prefix=b/"), "Key"), ["b/1", "b/2"]);
    assert_eq!(tags(&list("&start-after=b/2"), "Key"), ["b0", "c/x/1", "d"]);
    assert_eq!(tag(&list("&max-keys=0"), "IsTruncated"), "false");
    assert_eq!(
        tag(&list("&continuation-token=%21"), "Code"),
        "InvalidArgument"
    );
    assert_eq!(tag(&list("&max-keys=x"), "Code"), "InvalidArgument");
    assert_eq!(get(&server, "/none?list-type=2").code(), "NoSuchBucket");
}

#[test]
fn the_elder_form_pages_by_marker() {
    let server = filled();

    let first = get(&server, "/bucket?delimiter=/&max-keys=2").text();
    let second = get(&server, "/bucket?delimiter=/&marker=b/").text();

    assert_eq!(
        (tags(&first, "Key"), tag(&first, "NextMarker")),
        (vec!["a"], "b/")
    );
    assert_eq!(tags(&second, "Key"), ["b0", "d"]);
}

#[test]
fn keys_are_encoded_when_asked_for() {
    let server = start();
    server.put("bucket", "a b+c&\n\u{1}é/", &b""[..]);

    let plain = get(&server, "/bucket?list-type=2").text();
    let encoded = get(
        &server,
        "/bucket?list-type=2&encoding-type=url&prefix=a%20b",
    )
    .text();

    assert_eq!(tag(&plain, "Key"), "a b+c&amp;\n&#1;é/");
    assert_eq!(tag(&encoded, "Key"), "a+b%2Bc%26%0A%01%C3%A9/");
    assert_eq!(tag(&encoded, "Prefix"), "a+b");
}

#[test]
fn a_synthetic_bucket_lists_reads_and_forgets() {
    let server = start();
    server.synthetic_listing("bucket", 2500, 10, "data/");

    let keys: Vec<_> = pages(&server, "")
        .iter()
        .flat_map(|page| {
            tags(page, "Key")
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        (keys.len(), &*keys[0], &*keys[2499]),
        (2500, "data/00000000", "data/00002499")
    );
    assert!(keys.is_sorted());
    let folders = get(&server, "/bucket?list-type=2&delimiter=/").text();
    assert_eq!(tags(&folders, "Prefix")[1..], ["data/"]);

    assert_eq!(get(&server, "/bucket/data/00002499").body.len(), 10);
    assert_eq!(
        ask(&server, "HEAD /bucket/data/00002500", &[], b"").status,
        404
    );
    ask(&server, "DELETE /bucket/data/00000000", &[], b"");
    let after = get(&server, "/bucket?list-type=2&max-keys=1").text();
    assert_eq!(tag(&after, "Key"), "data/00000001");
}

#[test]
fn a_million_keys_take_no_time_to_reach() {
    let server = start();
    server.synthetic_listing("bucket", 1_000_000, 0, "");

    let pages = pages(&server, "&start-after=00989999");

    assert_eq!(pages.len(), 10);
    assert!(pages[9].contains("<Key>00999999</Key>"));
    assert!(!pages.concat().contains("<Key>01000000</Key>"));
}
