//! What a misbehaving service must not lead to.

use tokio::net::TcpListener;

use super::server::{Server, Step, cut, open, say};
use crate::checksum::{Algorithm, Checksum};
use crate::error::ErrorKind;
use crate::payload::Payload;
use crate::types::{ByteRange, PageRequest, Part, UploadId, WriteOptions};
use crate::uri::Key;

const TAGGED: &str = "etag: \"0x1\"\r\n";

#[tokio::test]
async fn a_cut_body_goes_on_from_the_byte_reached() {
    let server = Server::with(vec![
        cut(
            206,
            "etag: \"0x1\"\r\ncontent-range: bytes 2-9/20\r\n",
            "234",
            8,
        ),
        say(503, "x-ms-error-code: ServerBusy\r\n", ""),
        say(
            206,
            "etag: \"0x1\"\r\ncontent-range: bytes 5-9/20\r\n",
            "56789",
        ),
    ])
    .await;

    let (bytes, reply) = server
        .get(ByteRange::Bounded { offset: 2, len: 8 })
        .await
        .unwrap();

    assert_eq!(bytes, b"23456789");
    assert_eq!((reply.attempts, reply.size, reply.filled), (3, 20, 8));
    let taken = Checksum::of(Algorithm::Crc32c, &bytes);
    assert_eq!(reply.taken, Some(taken), "on the way, over both bodies");
    let heard = server.heard();
    assert!(
        heard[0].contains("range: bytes=2-9\r\n") && !heard[0].contains("if-match"),
        "{}",
        heard[0]
    );
    assert!(
        heard[2].contains("range: bytes=5-9\r\n") && heard[2].contains("if-match: \"0x1\"\r\n"),
        "{}",
        heard[2]
    );
}

#[tokio::test]
async fn a_body_is_never_spliced_of_two_objects() {
    for second in [
        say(412, "x-ms-error-code: ConditionNotMet\r\n", ""),
        say(
            206,
            "etag: \"0x2\"\r\ncontent-range: bytes 3-8/9\r\n",
            "345678",
        ),
        // Of the same length, from a service that does not look at the condition.
        say(
            206,
            "etag: \"0x2\"\r\ncontent-range: bytes 3-7/8\r\n",
            "34567",
        ),
    ] {
        let server = Server::with(vec![cut(200, TAGGED, "012", 8), second]).await;

        let error = server.get(ByteRange::Whole).await.unwrap_err();

        assert!(
            matches!(error.kind(), ErrorKind::Precondition | ErrorKind::Integrity),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_answer_of_another_version_than_was_asked_for_is_refused() {
    // From a service that does not look at the condition.
    for tag in ["etag: \"0x2\"\r\n", ""] {
        let server = Server::with(vec![say(200, tag, "01234567")]).await;

        let error = server
            .get_if(ByteRange::Whole, Some("\"0x1\""))
            .await
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
    }
}

#[tokio::test]
async fn an_ignored_range_gives_the_range_all_the_same() {
    let whole = || say(200, TAGGED, "0123456789");
    let server = Server::with(vec![whole(), cut(200, TAGGED, "0123", 10), whole()]).await;

    let (bytes, _) = server
        .get(ByteRange::Bounded { offset: 3, len: 4 })
        .await
        .unwrap();
    assert_eq!(bytes, b"3456");
    let (bytes, reply) = server.get(ByteRange::From(3)).await.unwrap();
    assert_eq!((bytes.as_slice(), reply.attempts), (&b"3456789"[..], 2));
}

#[tokio::test]
async fn a_silent_server_is_a_timeout_and_told_without_the_signature() {
    let server = Server::with(vec![Step::Hang, Step::Hang, Step::Hang]).await;

    let error = server.get(ByteRange::Whole).await.unwrap_err();

    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 3));
    assert!(
        !format!("{error} {error:?}").contains("SECRET"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refused_connection_is_told_without_the_signature() {
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let store = open(&format!("http://127.0.0.1:{port}/acc"));

    let error = store.stat(&Key::new("k")).await.unwrap_err();

    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::ConnectionFailed, 3)
    );
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(
        !format!("{error} {error:?}").contains("SECRET"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_looked_for() {
    let once = WriteOptions {
        if_none_match: true,
        ..WriteOptions::default()
    };
    let conflict = || say(409, "x-ms-error-code: BlobAlreadyExists\r\n", "");
    let found = || cut(200, TAGGED, "", 9);
    let denied = || {
        say(
            403,
            "x-ms-error-code: AuthorizationPermissionMismatch\r\n",
            "",
        )
    };
    for (answer, expected) in [
        (found(), ErrorKind::AlreadyExists),
        // Whose blob it is, is not known.
        (denied(), ErrorKind::AccessDenied),
    ] {
        let server = Server::with(vec![Step::Lose, conflict(), answer]).await;

        let error = server
            .store
            .write(&Key::new("k"), &Payload::from(&b"123456789"[..]), &once)
            .await
            .unwrap_err();

        assert_eq!(error.kind(), expected, "{error}");
        assert!(server.heard()[0].contains("content-md5: JfnnlDI7RTiF9RgfG2JNCw==\r\n"));
    }
    let server = Server::with(vec![conflict()]).await;
    let error = server
        .store
        .write(&Key::new("k"), &Payload::default(), &once)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), server.heard().len()),
        (ErrorKind::AlreadyExists, 1)
    );
}

fn upload() -> (UploadId, Vec<Part>) {
    let part = |number, size| Part {
        number,
        size,
        etag: None,
        checksum: Some(Checksum::of(Algorithm::Crc32c, b"")),
    };
    (
        UploadId {
            id: "0123456789abcdef".into(),
            part_size: 5,
        },
        vec![part(1, 5), part(2, 2)],
    )
}

fn committed(sizes: [u64; 2]) -> Step {
    let block = |name: &str, size| format!("<Block><Name>{name}</Name><Size>{size}</Size></Block>");
    let first = block("MDEyMzQ1Njc4OWFiY2RlZi0wMDAwMDE=", sizes[0]);
    let second = block("MDEyMzQ1Njc4OWFiY2RlZi0wMDAwMDI=", sizes[1]);
    say(
        200,
        TAGGED,
        &format!("<BlockList><CommittedBlocks>{first}{second}</CommittedBlocks></BlockList>"),
    )
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_looked_for() {
    let (upload, parts) = upload();
    let once = WriteOptions {
        if_none_match: true,
        ..WriteOptions::default()
    };
    let conflict = || say(409, "x-ms-error-code: BlobAlreadyExists\r\n", "");
    for (script, expected) in [
        (vec![Step::Lose, conflict(), committed([5, 2])], None),
        (
            vec![Step::Lose, Step::Lose, Step::Lose, committed([5, 2])],
            None,
        ),
        (
            vec![Step::Lose, conflict(), committed([5, 3])],
            Some(ErrorKind::AlreadyExists),
        ),
        (
            vec![Step::Lose, Step::Lose, Step::Lose, say(404, "", "")],
            Some(ErrorKind::ConnectionFailed),
        ),
        (vec![conflict()], Some(ErrorKind::AlreadyExists)),
    ] {
        let server = Server::with(script).await;

        let result = server
            .store
            .finish_upload(&Key::new("k"), &upload, &parts, &once)
            .await;

        assert_eq!(result.err().map(|error| error.kind()), expected);
    }
}

#[tokio::test]
async fn a_finished_upload_is_compared() {
    let (upload, parts) = upload();
    for (head, length, expected) in [
        (TAGGED, 7, None),
        (TAGGED, 5, Some(ErrorKind::Integrity)),
        // Somebody else's object by now.
        ("etag: \"0x2\"\r\n", 5, None),
    ] {
        let server = Server::with(vec![say(201, TAGGED, ""), cut(200, head, "", length)]).await;

        let options = WriteOptions::default();
        let result = server
            .store
            .finish_upload(&Key::new("k"), &upload, &parts, &options)
            .await;

        assert_eq!(result.err().map(|error| error.kind()), expected);
        let list = server.heard()[0].clone();
        assert!(
            list.ends_with(
                "0wMDAwMDE=</Latest><Latest>MDEyMzQ1Njc4OWFiY2RlZi0wMDAwMDI=</Latest></BlockList>"
            ),
            "{list}"
        );
    }
}

#[tokio::test]
async fn a_listing_that_makes_no_sense_is_an_error() {
    let page = "<EnumerationResults><Blobs/><NextMarker>again</NextMarker></EnumerationResults>";
    let server = Server::with(vec![
        say(200, "", page),
        say(200, "", "<html>"),
        say(200, "", page),
    ])
    .await;
    let list = async |token: Option<&str>| {
        let page = PageRequest {
            token: token.map(str::to_owned),
            ..PageRequest::default()
        };
        server.store.list(&Key::default(), &page).await
    };

    assert_eq!(list(None).await.unwrap().next.as_deref(), Some("again"));
    assert_eq!(list(None).await.unwrap_err().kind(), ErrorKind::Server);
    assert_eq!(
        list(Some("again")).await.unwrap_err().kind(),
        ErrorKind::Server
    );
}

#[tokio::test]
async fn a_read_gives_its_retries_back_when_its_body_has_come() {
    let nothing = || cut(200, TAGGED, "", 8);
    let script = vec![
        nothing(),
        nothing(),
        say(200, TAGGED, "01234567"),
        nothing(),
        nothing(),
        nothing(),
    ];
    let server = Server::with(script).await;
    let full = server.budget.left();

    server.get(ByteRange::Whole).await.unwrap();
    assert_eq!(server.budget.left(), full);

    server.get(ByteRange::Whole).await.unwrap_err();
    assert!(server.budget.left() < full);
}

#[tokio::test]
async fn a_finished_upload_that_cannot_be_asked_for_is_finished() {
    let (upload, parts) = upload();
    for (status, code, expected) in [
        (403, "AuthorizationPermissionMismatch", None),
        (404, "BlobNotFound", None),
        (400, "InvalidHeaderValue", Some(ErrorKind::InvalidInput)),
    ] {
        let code = format!("x-ms-error-code: {code}\r\n");
        let server = Server::with(vec![say(201, TAGGED, ""), say(status, &code, "")]).await;

        let options = WriteOptions::default();
        let result = server
            .store
            .finish_upload(&Key::new("k"), &upload, &parts, &options)
            .await;

        assert_eq!(result.err().map(|error| error.kind()), expected);
    }
}
