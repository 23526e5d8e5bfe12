//! Servers that fall silent, and those that only take their time.

use std::future::pending;
use std::time::{Duration, Instant};

use http::Method;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::oneshot;

use super::server::{Server, talk};
use super::{Request, STALL, get, send, text, transport};
use crate::error::{Error, ErrorKind};
use crate::payload::Payload;
use crate::transport::Endpoint;

/// Ten times what it should take.
const SOON: Duration = Duration::from_secs(2);

fn assert_timeout(error: &Error, began: Instant) {
    println!("gave up after {:?}: {error}", began.elapsed());
    assert_eq!(
        (error.kind(), error.retryable()),
        (ErrorKind::Timeout, true),
        "{error}"
    );
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn silence_instead_of_an_answer_is_a_timeout() {
    for said in ["", "HTTP/1.1 200"] {
        let server = Server::start([talk(async move |mut socket| {
            socket.hear().await;
            socket.say(said).await;
            pending::<()>().await;
        })])
        .await;
        let began = Instant::now();

        let answer = get(&transport(&[("stall_timeout", STALL)]), &server).await;

        assert_timeout(&answer.unwrap_err(), began);
    }
}

#[tokio::test]
async fn a_silent_body_is_a_timeout_and_keeps_what_came() {
    let server = Server::start([talk(async |mut socket| {
        socket.hear().await;
        socket
            .say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabcd")
            .await;
        pending::<()>().await;
    })])
    .await;
    let began = Instant::now();
    let mut memory = [0; 9];

    let transport = transport(&[("stall_timeout", STALL)]);
    let mut body = get(&transport, &server).await.unwrap().body;
    let (filled, outcome) = body.fill(&mut memory).await;

    assert_eq!((filled, &memory[..4]), (4, &b"abcd"[..]));
    assert_timeout(&outcome.unwrap_err(), began);
}

#[tokio::test]
async fn a_server_that_stops_reading_is_a_timeout() {
    let server = Server::start([talk(async |mut socket| {
        socket.hear_head().await;
        pending::<()>().await;
    })])
    .await;
    let began = Instant::now();
    let body = Payload::from(vec![0; 32 << 20]);

    let transport = transport(&[("stall_timeout", STALL)]);
    let answer = send(&transport, &server, Method::PUT, &body).await;

    assert_timeout(&answer.unwrap_err(), began);
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_a_timeout() {
    // A listener whose queue is full takes no connection. Its queue holds one more than it was told.
    let listener = tokio::net::TcpSocket::new_v4().unwrap();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(Ok(waiting)) = tokio::time::timeout(
        Duration::from_millis(200),
        tokio::net::TcpStream::connect(address),
    )
    .await
    {
        queue.push(waiting);
    }
    let uri: http::Uri = format!("http://{address}").parse().unwrap();
    let server = Server::nobody_at(Endpoint::of(&uri).unwrap());
    let began = Instant::now();

    let answer = get(&transport(&[("connect_timeout", STALL)]), &server).await;

    assert_timeout(&answer.unwrap_err(), began);
}

#[tokio::test]
async fn patience_is_for_the_answer() {
    let server = Server::start([talk(async |mut socket| {
        socket.hear().await;
        // Silent for longer than the limit allows.
        tokio::time::sleep(Duration::from_millis(500)).await;
        socket
            .say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await;
        socket.wait_for_end().await;
    })])
    .await;
    let request = Request {
        method: Method::POST,
        endpoint: &server.endpoint,
        target: "/",
        headers: &[],
        body: &Payload::default(),
        repeatable: false,
        patience: Some(Duration::from_secs(30)),
    };

    let response = transport(&[("stall_timeout", STALL)])
        .send(request)
        .await
        .unwrap();

    assert_eq!(text(response).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_dropped_read_writes_nothing_and_closes() {
    let (drops, dropped) = oneshot::channel();
    let (closes, end) = oneshot::channel();
    let server = Server::start([talk(async move |mut socket| {
        socket.hear().await;
        socket
            .say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabcd")
            .await;
        dropped.await.unwrap();
        // Whoever still reads gets it; one that is gone may refuse it.
        let _ = socket.stream.write_all(b"efghi").await;
        socket.wait_for_end().await;
        closes.send(()).unwrap();
    })])
    .await;
    let transport = transport(&[]);
    let mut body = get(&transport, &server).await.unwrap().body;
    let mut memory = [0; 9];
    {
        let mut fill = std::pin::pin!(body.fill(&mut memory));
        futures::future::poll_fn(|context| {
            // What has come is taken; the rest is waited for.
            assert!(fill.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    }

    drop(body);
    drops.send(()).unwrap();
    tokio::time::timeout(SOON, end).await.unwrap().unwrap();

    server.done().await;
    assert_eq!(memory[4..], [0; 5]);
}
