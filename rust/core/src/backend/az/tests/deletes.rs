//! Batches of deletes, when some of them fail and when the endpoint takes none.

use super::key;
use super::server::{Server, Step, say};
use crate::error::ErrorKind;

/// The answer to a batch: of each request its number, status and code.
pub(super) fn answers(outcomes: &[(usize, u16, &str)]) -> Step {
    let parts: String = outcomes
        .iter()
        .map(|(number, status, code)| {
            format!(
                "--x\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\n\
                 HTTP/1.1 {status} Y\r\nx-ms-error-code: {code}\r\n\r\n"
            )
        })
        .collect();
    let kind = "content-type: multipart/mixed; boundary=x\r\n";
    say(202, kind, &format!("{parts}--x--"))
}

#[tokio::test]
async fn blobs_that_fail_for_now_are_deleted_again() {
    let server = Server::with(vec![
        answers(&[
            (0, 202, ""),
            (1, 503, "ServerBusy"),
            (2, 403, "AuthorizationFailure"),
            (3, 404, "BlobNotFound"),
        ]),
        answers(&[(0, 202, "")]),
    ])
    .await;

    let failures = server
        .store
        .delete(&[key("a"), key("b"), key("c"), key("d"), key("bad.")])
        .await
        .unwrap();

    let failed: Vec<_> = failures
        .iter()
        .map(|failure| (failure.key.as_str(), failure.error.kind()))
        .collect();
    assert_eq!(
        failed,
        [
            ("bad.", ErrorKind::InvalidInput),
            ("c", ErrorKind::AccessDenied)
        ]
    );
    let heard = server.heard();
    assert!(heard[0].starts_with("POST /acc/container?"), "{}", heard[0]);
    assert!(
        heard[0].contains("DELETE /acc/container/a?sv=1&sig=SECRET HTTP/1.1\r\n"),
        "{}",
        heard[0]
    );
    assert!(
        heard[1].contains("/container/b?") && !heard[1].contains("/container/a?"),
        "{}",
        heard[1]
    );
}

#[tokio::test]
async fn a_blob_that_fails_to_the_end_is_told_with_its_attempts() {
    let busy = || answers(&[(0, 503, "ServerBusy"), (1, 202, "")]);
    let still = || answers(&[(0, 503, "ServerBusy")]);
    let server = Server::with(vec![busy(), still(), still()]).await;

    let failures = server.store.delete(&[key("a"), key("b")]).await.unwrap();

    let error = &failures[0].error;
    assert_eq!((failures.len(), failures[0].key.as_str()), (1, "a"));
    assert_eq!(
        (error.kind(), error.code(), error.attempts()),
        (ErrorKind::Throttled, Some("ServerBusy"), 3)
    );
}

#[tokio::test]
async fn what_an_answer_leaves_out_is_asked_again() {
    let server = Server::with(vec![
        answers(&[(1, 202, "")]),
        answers(&[(0, 404, "BlobNotFound")]),
    ])
    .await;

    let failures = server.store.delete(&[key("a"), key("b")]).await.unwrap();

    assert!(failures.is_empty(), "{failures:?}");
}

#[tokio::test]
async fn an_endpoint_without_batches_is_asked_one_by_one() {
    for (status, headers) in [
        (501, "x-ms-error-code: NotImplemented\r\n"),
        (400, "x-ms-error-code: InvalidUri\r\n"),
        (403, "x-ms-error-code: AuthorizationFailure\r\n"),
    ] {
        let server = Server::with(vec![
            say(status, headers, ""),
            say(202, "", ""),
            say(202, "", ""),
        ])
        .await;

        let failures = server.store.delete(&[key("a"), key("b")]).await.unwrap();

        assert!(failures.is_empty(), "{failures:?}");
        assert_eq!(server.heard().len(), 3);
        assert!(server.heard()[1].starts_with("DELETE "));
    }
}
