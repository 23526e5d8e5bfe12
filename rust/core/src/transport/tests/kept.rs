//! Connections that serve more than one request, and those that must not.

use http::Method;

use super::server::{Server, answer, talk};
use super::{get, request, send, text, transport};
use crate::error::ErrorKind;
use crate::payload::Payload;
use crate::transport::Request;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let server = Server::start([talk(async |mut socket| {
        for _ in 0..3 {
            socket.hear().await;
            socket.say(OK).await;
        }
        socket.wait_for_end().await;
    })])
    .await;
    let transport = transport(&[]);

    for _ in 0..3 {
        text(get(&transport, &server).await.unwrap()).await.unwrap();
    }
    drop(transport);
    server.done().await;
}

#[tokio::test]
async fn a_connection_is_not_used_again_without_need() {
    for said in [
        // The server wants no more.
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        // More came than was promised: it would be the answer to the next request.
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let server = Server::start([answer(said), answer(OK)]).await;
        let transport = transport(&[]);

        for _ in 0..2 {
            let response = get(&transport, &server).await.unwrap();
            assert_eq!(text(response).await.unwrap(), "ok", "{said}");
        }
        drop(transport);
        server.done().await;
    }
}

#[tokio::test]
async fn what_came_while_nobody_asked_is_no_answer() {
    let server = Server::start([
        talk(async |mut socket| {
            socket.hear().await;
            socket.say(OK).await;
            socket
                .say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")
                .await;
            socket.wait_for_end().await;
        }),
        answer(OK),
    ])
    .await;
    let transport = transport(&[]);

    let first = get(&transport, &server).await.unwrap();
    text(first).await.unwrap();
    until_loud(&transport, &server).await;
    let second = get(&transport, &server).await.unwrap();

    assert_eq!(text(second).await.unwrap(), "ok");
}

/// Waits until the kernel has heard on the kept connection.
async fn until_loud(transport: &super::Transport, server: &Server) {
    let home = transport.idle.home(&server.endpoint);
    let Some(mut connection) = home.take() else {
        return;
    };
    while connection.is_quiet() {
        tokio::task::yield_now().await;
    }
    home.keep(connection);
}

#[tokio::test]
async fn a_body_left_unread_ends_its_connection() {
    let server = Server::start([answer(OK), answer(OK)]).await;
    let transport = transport(&[]);

    drop(get(&transport, &server).await.unwrap());
    let second = get(&transport, &server).await.unwrap();

    assert_eq!(text(second).await.unwrap(), "ok");
    drop(transport);
    server.done().await;
}

/// Answers once, then hears a request and closes without a word.
fn closes_at_the_second()
-> impl FnOnce(super::server::Socket) -> futures::future::BoxFuture<'static, ()> {
    |mut socket| {
        Box::pin(async move {
            socket.hear().await;
            socket.say(OK).await;
            socket.hear().await;
        })
    }
}

#[tokio::test]
async fn a_request_that_met_a_closed_connection_is_sent_again_once() {
    for method in [Method::GET, Method::HEAD] {
        let server = Server::start([talk(closes_at_the_second()), answer(OK)]).await;
        let transport = transport(&[]);
        text(get(&transport, &server).await.unwrap()).await.unwrap();

        let response = send(&transport, &server, method, &Payload::default()).await;

        assert_eq!(response.unwrap().status, 200);
        drop(transport);
        server.done().await;
    }
}

#[tokio::test]
async fn a_write_that_may_be_repeated_is_sent_again_with_all_of_its_body() {
    let body = Payload::from(vec![b'a'; 3_000_000]);
    let server = Server::start([
        talk(closes_at_the_second()),
        talk(async |mut socket| {
            let heard = socket.hear().await;
            assert!(heard.ends_with(&"a".repeat(3_000_000)), "{heard:.200}");
            socket.say(OK).await;
            socket.wait_for_end().await;
        }),
    ])
    .await;
    let transport = transport(&[]);
    text(get(&transport, &server).await.unwrap()).await.unwrap();

    let again = Request {
        repeatable: true,
        ..request(&server, Method::PUT, &body)
    };
    let response = transport.send(again).await.unwrap();

    assert_eq!(text(response).await.unwrap(), "ok");
    drop(transport);
    server.done().await;
}

#[tokio::test]
async fn what_may_have_been_done_is_not_sent_again() {
    let part = |said: &'static str| {
        talk(async move |mut socket| {
            socket.hear().await;
            socket.say(OK).await;
            socket.hear().await;
            socket.say(said).await;
        })
    };
    let silent = || talk(async |mut socket| drop(socket.hear().await));
    // Each is followed by a connection on which all would be well.
    for (method, talks) in [
        // These change something.
        (Method::POST, vec![talk(closes_at_the_second()), answer(OK)]),
        (Method::PUT, vec![talk(closes_at_the_second()), answer(OK)]),
        (
            Method::DELETE,
            vec![talk(closes_at_the_second()), answer(OK)],
        ),
        // Part of an answer came.
        (Method::GET, vec![part("HTTP/1.1 2"), answer(OK)]),
        // Once is enough.
        (
            Method::GET,
            vec![talk(closes_at_the_second()), silent(), answer(OK)],
        ),
    ] {
        let server = Server::start(talks).await;
        let transport = transport(&[]);
        text(get(&transport, &server).await.unwrap()).await.unwrap();

        let error = send(&transport, &server, method, &Payload::default())
            .await
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::ConnectionFailed, "{error}");
    }
}
