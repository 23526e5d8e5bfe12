//! Azure Blob as it is when nothing is scripted, and the faults on top of it.

use s3dlio_testkit::{Action, AzureServer, Fault, Options, seeded_bytes};

use crate::client::{Answer, Wire, encode, tag, tags};

const BLOCK_BLOB: (&str, &str) = ("x-ms-blob-type", "BlockBlob");

fn start() -> AzureServer {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let server = runtime.block_on(AzureServer::start());
    server.create_container("container");
    server
}

/// One request; `target` is below the account.
fn ask(server: &AzureServer, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let request = request.replacen(' ', " /devstoreaccount1", 1);
    Wire::connect(server.address()).ask(&request, headers, body)
}

fn get(server: &AzureServer, target: &str) -> Answer {
    ask(server, &format!("GET {target}"), &[], b"")
}

fn md5(bytes: &[u8]) -> String {
    use md5::Digest;
    encode(&md5::Md5::digest(bytes))
}

fn crc64(bytes: &[u8]) -> String {
    encode(&crc_fast::crc64_nvme(bytes).to_le_bytes())
}

fn error_code(answer: &Answer) -> &str {
    answer.header("x-ms-error-code").unwrap_or_default()
}

#[test]
fn containers_are_made_listed_and_removed() {
    let server = start();

    let created = ask(
        &server,
        "PUT /second?restype=container",
        &[("x-ms-version", "v")],
        b"",
    );
    assert_eq!(
        (created.status, created.header("x-ms-version")),
        (201, Some("v"))
    );
    let again = ask(&server, "PUT /second?restype=container", &[], b"");
    assert_eq!(
        (again.status, again.code().as_str()),
        (409, "ContainerAlreadyExists")
    );
    assert_eq!(
        tags(&get(&server, "?comp=list").text(), "Name"),
        ["container", "second"]
    );
    assert_eq!(
        ask(&server, "HEAD /second?restype=container", &[], b"").status,
        200
    );
    assert_eq!(
        ask(&server, "DELETE /second?restype=container", &[], b"").status,
        202
    );
    let gone = ask(&server, "HEAD /second?restype=container", &[], b"");
    assert_eq!((gone.status, error_code(&gone)), (404, "ContainerNotFound"));
}

#[test]
fn a_blob_comes_back_whole_and_in_ranges() {
    let server = start();
    let body = seeded_bytes(1, 10_000);
    let headers = [
        BLOCK_BLOB,
        ("content-md5", &*md5(&body)),
        ("x-ms-meta-m", "1"),
        ("x-ms-blob-content-type", "text/x-test"),
        ("x-ms-access-tier", "Cool"),
    ];

    let put = ask(&server, "PUT /container/a/b%20c", &headers, &body);
    let whole = get(&server, "/container/a/b%20c");
    let head = ask(&server, "HEAD /container/a/b%20c", &[], b"");
    let ranged = [
        ("x-ms-range", "bytes=5-9"),
        ("x-ms-range-get-content-crc64", "true"),
    ];
    let part = ask(&server, "GET /container/a/b%20c", &ranged, b"");

    assert_eq!(
        (put.status, put.header("content-md5")),
        (201, Some(&*md5(&body)))
    );
    assert_eq!((whole.status, &whole.body), (200, &body));
    for answer in [&whole, &head] {
        assert_eq!(answer.header("etag"), put.header("etag"));
        assert_eq!(answer.header("content-length"), Some("10000"));
        assert_eq!(answer.header("content-type"), Some("text/x-test"));
        assert_eq!(answer.header("content-md5"), Some(&*md5(&body)));
        assert_eq!(answer.header("x-ms-meta-m"), Some("1"));
        assert_eq!(answer.header("x-ms-access-tier"), Some("Cool"));
        assert_eq!(answer.header("x-ms-blob-type"), Some("BlockBlob"));
        assert!(answer.header("x-ms-request-id").is_some());
    }
    assert_eq!((part.status, &part.body[..]), (206, &body[5..10]));
    assert_eq!(part.header("content-range"), Some("bytes 5-9/10000"));
    assert_eq!(
        part.header("x-ms-content-crc64"),
        Some(&*crc64(&body[5..10]))
    );
    assert_eq!(
        (
            part.header("content-md5"),
            part.header("x-ms-blob-content-md5")
        ),
        (None, Some(&*md5(&body)))
    );
    let beyond = ask(
        &server,
        "GET /container/a/b%20c",
        &[("range", "bytes=10000-")],
        b"",
    );
    assert_eq!((beyond.status, error_code(&beyond)), (416, "InvalidRange"));
    assert_eq!(beyond.header("content-range"), Some("bytes */10000"));
}

#[test]
fn wrong_sums_and_conditions_are_refused() {
    let server = start();
    let put = |name: &str, value: &str| {
        let answer = ask(
            &server,
            "PUT /container/k",
            &[BLOCK_BLOB, (name, value)],
            b"abc",
        );
        (answer.status, error_code(&answer).to_owned())
    };
    let refused = |status: u16, code: &str| (status, code.to_owned());

    assert_eq!(put("content-md5", &md5(b"x")), refused(400, "Md5Mismatch"));
    assert_eq!(
        put("x-ms-content-crc64", &crc64(b"x")),
        refused(400, "Crc64Mismatch")
    );
    assert_eq!(put("content-md5", "x"), refused(400, "InvalidHeaderValue"));
    assert_eq!(put("if-match", "\"e\""), refused(412, "ConditionNotMet"));
    assert_eq!(put("x-ms-content-crc64", &crc64(b"abc")).0, 201);
    assert_eq!(put("if-none-match", "*"), refused(409, "BlobAlreadyExists"));
    let read = ask(&server, "GET /container/k", &[("if-match", "\"e\"")], b"");
    assert_eq!((read.status, error_code(&read)), (412, "ConditionNotMet"));
    assert_eq!(ask(&server, "DELETE /container/k", &[], b"").status, 202);
    assert_eq!(
        error_code(&ask(&server, "DELETE /container/k", &[], b"")),
        "BlobNotFound"
    );
    assert_eq!(get(&server, "/none/k").code(), "ContainerNotFound");
}

#[test]
fn blocks_are_committed_in_the_order_of_the_list() {
    let server = start();
    let block = |id: &str, body: &[u8], headers: &[(&str, &str)]| {
        let target = format!("PUT /container/k?comp=block&blockid={id}%3D%3D");
        ask(&server, &target, headers, body)
    };
    let commit = |list: &str, headers: &[(&str, &str)]| {
        let body = format!("<?xml version=\"1.0\"?><BlockList>{list}</BlockList>");
        ask(
            &server,
            "PUT /container/k?comp=blocklist",
            headers,
            body.as_bytes(),
        )
    };

    let first = block("AA", b"one", &[("content-md5", &md5(b"one"))]);
    assert_eq!(
        (first.status, first.header("content-md5")),
        (201, Some(&*md5(b"one")))
    );
    assert_eq!(
        block("AQ", b"two", &[("x-ms-content-crc64", &crc64(b"two"))]).status,
        201
    );
    assert_eq!(
        error_code(&block("AQ", b"two", &[("content-md5", &md5(b"x"))])),
        "Md5Mismatch"
    );
    assert_eq!(
        error_code(&block("AAAAAA", b"two", &[])),
        "InvalidBlobOrBlock"
    );
    assert_eq!(get(&server, "/container/k").code(), "BlobNotFound");
    assert_eq!(
        error_code(&commit("<Latest>zz==</Latest>", &[])),
        "InvalidBlockList"
    );

    let staged = get(&server, "/container/k?comp=blocklist&blocklisttype=all").text();
    assert_eq!(tags(&staged, "Name"), ["AA==", "AQ=="]);
    let list = "<Latest>AQ==</Latest><Uncommitted>AA==</Uncommitted>";
    let done = commit(
        list,
        &[("x-ms-meta-m", "1"), ("x-ms-blob-content-md5", "kept")],
    );
    assert_eq!(done.status, 201);
    let blob = get(&server, "/container/k");
    assert_eq!(
        (blob.text().as_str(), blob.header("content-md5")),
        ("twoone", Some("kept"))
    );
    assert_eq!(blob.header("x-ms-meta-m"), Some("1"));

    assert_eq!(
        error_code(&commit("<Uncommitted>AA==</Uncommitted>", &[])),
        "InvalidBlockList"
    );
    assert_eq!(
        commit("<Committed>AA==</Committed>", &[("if-none-match", "*")]).status,
        409
    );
    server.fault(Fault::once(Action::DropPart {
        number: 1,
        hidden: false,
    }));
    assert_eq!(
        commit("<Latest>AA==</Latest><Latest>AQ==</Latest>", &[]).status,
        201
    );
    assert_eq!(server.blob("container", "k").unwrap(), "two");
}

#[test]
fn listings_page_and_fold() {
    let server = start();
    for name in ["a", "b/1", "b/2", "b0", "c&\u{1}"] {
        server.put("container", name, &b"123"[..]);
    }
    server.set_options(Options {
        page_size: Some(2),
        ..Options::default()
    });
    let list = |query: &str| {
        get(
            &server,
            &format!("/container?restype=container&comp=list{query}"),
        )
        .text()
    };

    let first = list("&delimiter=/");
    let marker = tag(&first, "NextMarker").replace('=', "%3D");
    let second = list(&format!("&delimiter=/&marker={marker}"));

    assert_eq!(tags(&first, "Name"), ["a", "b/"]);
    assert_eq!(
        (tag(&first, "Content-Length"), tag(&first, "Content-MD5")),
        ("3", &*md5(b"123"))
    );
    assert_eq!(tags(&second, "Name"), ["b0"]);
    assert!(second.contains("<Name Encoded=\"true\">c%26%01</Name>"));
    assert_eq!(tag(&second, "NextMarker"), "");
    assert_eq!(tags(&list("&prefix=b/"), "Name"), ["b/1", "b/2"]);
    server.fault(Fault::once(Action::RepeatToken));
    let repeated = list(&format!("&marker={marker}"));
    assert_eq!(tag(&repeated, "NextMarker").replace('=', "%3D"), marker);
    assert_eq!(
        error_code(&get(
            &server,
            "/container?restype=container&comp=list&marker=!"
        )),
        "InvalidQueryParameterValue"
    );
}

#[test]
fn copies_and_tiers() {
    let server = start();
    server.put("container", "a b", &b"0123456789"[..]);
    let source = (
        "x-ms-copy-source",
        &*format!("{}/container/a%20b?sig=x", server.endpoint()),
    );

    let copy = ask(&server, "PUT /container/copy", &[source], b"");
    assert_eq!(
        (copy.status, copy.header("x-ms-copy-status")),
        (202, Some("success"))
    );
    let read = get(&server, "/container/copy");
    assert_eq!(read.header("x-ms-copy-status"), Some("success"));
    let put = ask(&server, "PUT /container/put", &[source, BLOCK_BLOB], b"");
    assert_eq!(
        (put.status, server.blob("container", "put").unwrap().len()),
        (201, 10)
    );
    let ranged = [source, ("x-ms-source-range", "bytes=2-3")];
    ask(
        &server,
        "PUT /container/part?comp=block&blockid=AA%3D%3D",
        &ranged,
        b"",
    );
    let list = b"<BlockList><Latest>AA==</Latest></BlockList>";
    ask(&server, "PUT /container/part?comp=blocklist", &[], list);
    assert_eq!(server.blob("container", "part").unwrap(), "23");

    let tier = |tier: &str| {
        ask(
            &server,
            "PUT /container/copy?comp=tier",
            &[("x-ms-access-tier", tier)],
            b"",
        )
        .status
    };
    assert_eq!(tier("Archive"), 200);
    assert_eq!(error_code(&get(&server, "/container/copy")), "BlobArchived");
    assert_eq!(tier("Hot"), 202);
    assert_eq!(tier("Warm"), 400);
}

#[test]
fn the_same_faults_apply() {
    let server = start();
    server.put("container", "k", &b"0123456789"[..]);
    server.fault(Fault::once(Action::slow_down()).op("GetBlob"));
    server.fault(Fault::once(Action::ignore("range")));
    server.fault(Fault::once(Action::WrongChecksum));
    server.fault(Fault::once(Action::Cut {
        after: 4,
        reset: false,
    }));
    let read = || {
        ask(
            &server,
            "GET /container/k",
            &[("x-ms-range", "bytes=2-5")],
            b"",
        )
    };

    let busy = read();
    assert_eq!((busy.status, error_code(&busy)), (503, "ServerBusy"));
    assert_eq!(read().text(), "0123456789");
    let lie = read();
    assert_ne!(
        lie.header("x-ms-blob-content-md5").unwrap(),
        md5(b"0123456789")
    );
    assert!(!read().short);
    assert_eq!(server.requests()[0].op, "GetBlob");

    server.set_options(Options {
        require_authorization: true,
        ..Options::default()
    });
    assert_eq!(error_code(&read()), "NoAuthenticationInformation");
    assert_eq!(get(&server, "/container/k?sig=x").status, 200);
}

#[test]
fn synthetic_containers_list_and_forget() {
    let server = start();
    server.synthetic_listing("made", 12_000, 4, "d/");
    let target = "/made?restype=container&comp=list";

    let first = get(&server, target).text();
    let marker = tag(&first, "NextMarker").replace('=', "%3D");
    let second = get(&server, &format!("{target}&marker={marker}")).text();

    assert_eq!(tags(&first, "Name").len(), 5000);
    assert_eq!(tags(&second, "Name")[0], "d/00005000");
    assert_eq!(get(&server, "/made/d/00000001").body.len(), 4);
    assert_eq!(
        ask(&server, "DELETE /made/d/00000000", &[], b"").status,
        202
    );
    assert_eq!(get(&server, "/made/d/00000000").code(), "BlobNotFound");
}
