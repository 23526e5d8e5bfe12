//! Requests, heads of answers, and answers that come too early.

use bytes::Bytes;
use http::Method;

use super::server::{Server, answer, talk};
use super::{get, send, text, transport};
use crate::error::ErrorKind;
use crate::payload::Payload;

/// More than the sockets between two processes hold.
const LARGE: usize = 32 << 20;

fn large() -> Payload {
    Payload::from(vec![7; LARGE])
}

#[tokio::test]
async fn pieces_go_out_in_order_and_the_answer_comes_back() {
    let server = Server::start([talk(async |mut socket| {
        let request = socket.hear().await;
        let head = "PUT /target?query HTTP/1.1\r\nx-a: b\r\nhost: 127.0.0.1:";
        assert!(request.starts_with(head), "{request}");
        assert!(
            request.ends_with("content-length: 6\r\n\r\nabcdef"),
            "{request}"
        );
        socket
            .say("HTTP/1.1 201 Made\r\netag: e\r\ncontent-length: 2\r\n\r\nok")
            .await;
    })])
    .await;
    let pieces = ["ab", "c", "def"].map(|piece| Bytes::from_static(piece.as_bytes()));
    let body = Payload::new(pieces.to_vec());

    let response = send(&transport(&[]), &server, Method::PUT, &body)
        .await
        .unwrap();

    assert_eq!(
        (response.status, response.headers.get("ETag")),
        (201, Some("e"))
    );
    assert_eq!(text(response).await.unwrap(), "ok");
    server.done().await;
}

#[tokio::test]
async fn an_answer_may_come_byte_by_byte() {
    let server = Server::start([talk(async |mut socket| {
        socket.hear().await;
        socket
            .stammer("HTTP/1.1 200 OK\r\nETag: e\r\nContent-Length: 3\r\n\r\nabc")
            .await;
        socket.hear().await;
        socket
            .stammer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        socket
            .stammer("2;x=y\r\nab\r\n1\r\nc\r\n0\r\nx-t: u\r\n\r\n")
            .await;
        socket.wait_for_end().await;
    })])
    .await;
    let transport = transport(&[]);

    for _ in 0..2 {
        let response = get(&transport, &server).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "abc");
    }
    drop(transport);
    server.done().await;
}

#[tokio::test]
async fn news_before_the_answer_is_passed_over() {
    let server = Server::start([answer(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
    )])
    .await;

    let response = get(&transport(&[]), &server).await.unwrap();

    assert_eq!(response.status, 200);
    assert_eq!(text(response).await.unwrap(), "a");
}

#[tokio::test]
async fn what_is_no_answer_is_told() {
    let long = format!("HTTP/1.1 200 OK\r\nx-a: {}", "a".repeat(70_000));
    let endless: &'static str = Box::leak(long.into_boxed_str());
    for said in [
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        endless,
    ] {
        let server = Server::start([answer(said)]).await;

        let error = get(&transport(&[]), &server).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Server, "{error}");
        assert!(error.to_string().contains("not HTTP/1.1"), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_is_heard_before_all_is_sent() {
    for hangs_up in [false, true] {
        let server = Server::start([talk(async move |mut socket| {
            socket.hear_head().await;
            socket
                .say("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")
                .await;
            if !hangs_up {
                // Reads nothing, and waits for the other side to give up.
                socket.stream.writable().await.unwrap();
                std::future::pending::<()>().await;
            }
        })])
        .await;

        let response = send(&transport(&[]), &server, Method::PUT, &large()).await;

        match response {
            Ok(response) => {
                assert_eq!(response.status, 403);
                if !hangs_up {
                    assert_eq!(text(response).await.unwrap(), "no");
                }
            }
            // The reset that follows unread bytes may overtake the answer.
            Err(error) => {
                assert!(
                    hangs_up && error.kind() == ErrorKind::ConnectionFailed,
                    "{error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_success_before_all_is_sent_is_none() {
    let server = Server::start([talk(async |mut socket| {
        socket.hear_head().await;
        socket
            .say("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await;
        std::future::pending::<()>().await;
    })])
    .await;

    let error = send(&transport(&[]), &server, Method::PUT, &large())
        .await
        .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::ConnectionFailed, "{error}");
    assert!(error.to_string().contains("the whole request"), "{error}");
}

#[tokio::test]
async fn leave_to_go_on_does_not_end_the_sending() {
    let server = Server::start([talk(async |mut socket| {
        let head = socket.hear_head().await;
        socket.say("HTTP/1.1 100 Continue\r\n\r\n").await;
        assert!(
            head.contains(&format!("content-length: {LARGE}\r\n")),
            "{head}"
        );
        let mut rest = tokio::io::AsyncReadExt::take(&mut socket.stream, LARGE as u64);
        let read = tokio::io::copy(&mut rest, &mut tokio::io::sink())
            .await
            .unwrap();
        assert_eq!(read, LARGE as u64);
        socket.say("HTTP/1.1 204 No Content\r\n\r\n").await;
    })])
    .await;

    let response = send(&transport(&[]), &server, Method::PUT, &large())
        .await
        .unwrap();

    assert_eq!(response.status, 204);
    assert_eq!(text(response).await.unwrap(), "");
    server.done().await;
}

#[tokio::test]
async fn nobody_there_is_told_with_the_cause() {
    let server = Server::start([]).await;
    let endpoint = server.endpoint.clone();
    server.done().await;
    let gone = Server::nobody_at(endpoint);

    let error = get(&transport(&[]), &gone).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::ConnectionFailed);
    assert!(error.to_string().contains("refused"), "{error}");
}
