//! Bodies: whole, cut, chunked, and of no length.

use std::sync::Arc;

use http::Method;
use tokio::sync::Notify;

use super::server::{Server, answer, talk};
use super::{get, send, text, transport};
use crate::buffer::Pool;
use crate::checksum::{Algorithm, Checksum, Digest};
use crate::error::ErrorKind;
use crate::payload::Payload;
use crate::span::Span;

#[tokio::test]
async fn a_body_fills_the_memory_it_is_given() {
    let server = Server::start([talk(async |mut socket| {
        socket.hear().await;
        socket
            .say("HTTP/1.1 200 OK\r\ncontent-length: 300010\r\n\r\n")
            .await;
        let body: String = ('0'..='9').cycle().take(300_010).collect();
        socket.say(&body).await;
        socket.wait_for_end().await;
    })])
    .await;
    let transport = transport(&[]);
    let mut memory = Arc::new(Pool::default()).take(300_000).unwrap();
    memory.fill(b'x');

    let mut body = get(&transport, &server).await.unwrap().body;
    body.skip(5).await.unwrap();
    let (first, outcome) = body.fill(&mut memory[..250_000]).await;
    outcome.unwrap();
    let (second, outcome) = body.fill(&mut memory[first..299_999]).await;
    outcome.unwrap();
    let (rest, outcome) = body.fill(&mut [0; 100]).await;
    outcome.unwrap();

    assert_eq!((first, second, rest), (250_000, 49_999, 6));
    assert!(
        memory[..299_999]
            .iter()
            .zip((b'0'..=b'9').cycle().skip(5))
            .all(|(a, b)| *a == b)
    );
    assert_eq!(memory[299_999], b'x');
    drop((body, transport));
    server.done().await;
}

#[tokio::test]
async fn what_is_delivered_is_summed_on_the_way() {
    let server = Server::start([talk(async |mut socket| {
        socket.hear().await;
        socket
            .say("HTTP/1.1 200 OK\r\ncontent-length: 900005\r\n\r\n")
            .await;
        let body: String = ('a'..='z').cycle().take(900_005).collect();
        socket.say(&body).await;
        socket.wait_for_end().await;
    })])
    .await;
    let transport = transport(&[]);
    let mut memory = vec![0; 900_000];
    let mut digest = Digest::new(Algorithm::Crc64Nvme);

    let body = get(&transport, &server).await.unwrap().body;
    let span = Span::default();
    let delivered = body.deliver(5, &mut memory, Some(&mut digest), &span);
    let (filled, outcome) = delivered.await;

    outcome.unwrap();
    let sum = Checksum::of(Algorithm::Crc64Nvme, &memory);
    assert_eq!(digest.of_all(filled), Some(sum));
    drop(transport);
    server.done().await;
}

#[tokio::test]
async fn a_cut_body_leaves_what_came() {
    for reset in [false, true] {
        let came = Arc::new(Notify::new());
        let has_come = Arc::clone(&came);
        let server = Server::start([talk(async move |mut socket| {
            socket.hear().await;
            socket
                .say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabcd")
                .await;
            // A reset takes back what has not been read.
            has_come.notified().await;
            if reset {
                socket.reset();
            }
        })])
        .await;
        let mut memory = [b'x'; 10];

        let transport = transport(&[]);
        let mut body = get(&transport, &server).await.unwrap().body;
        let (first, outcome) = body.fill(&mut memory[..4]).await;
        outcome.unwrap();
        came.notify_one();
        let (second, outcome) = body.fill(&mut memory[first..]).await;

        let error = outcome.unwrap_err();
        assert_eq!((first, second, &memory), (4, 0, b"abcdxxxxxx"));
        assert_eq!(
            (error.kind(), error.retryable()),
            (ErrorKind::ConnectionFailed, true)
        );
        assert_eq!(reset, error.to_string().contains("reset"), "{error}");
    }
}

#[tokio::test]
async fn what_has_no_body_is_over_with_its_head() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    let not_modified = "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n";
    let server = Server::start([talk(async move |mut socket| {
        for said in [
            head,
            not_modified,
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        ] {
            socket.hear().await;
            socket.say(said).await;
        }
        socket.wait_for_end().await;
    })])
    .await;
    let transport = transport(&[]);

    for method in [Method::HEAD, Method::GET, Method::DELETE] {
        let response = send(&transport, &server, method, &Payload::default())
            .await
            .unwrap();
        assert_eq!(text(response).await.unwrap(), "");
    }
    drop(transport);
    server.done().await;
}

#[tokio::test]
async fn a_body_may_end_with_its_connection() {
    let server = Server::start([talk(async |mut socket| {
        socket.hear().await;
        socket.say("HTTP/1.1 200 OK\r\n\r\nabc").await;
    })])
    .await;

    let response = get(&transport(&[]), &server).await.unwrap();

    assert_eq!(text(response).await.unwrap(), "abc");
}

#[tokio::test]
async fn chunks_that_make_no_sense_are_refused() {
    for (chunks, kind) in [
        ("x\r\nab\r\n0\r\n\r\n", ErrorKind::Server),
        ("-2\r\nab\r\n0\r\n\r\n", ErrorKind::Server),
        ("2\r\nabc\r\n0\r\n\r\n", ErrorKind::Server),
        ("11111111111111111\r\n", ErrorKind::Server),
        ("\r\n", ErrorKind::Server),
        ("2\r\na", ErrorKind::ConnectionFailed),
        ("2\r\nab\r\n", ErrorKind::ConnectionFailed),
        ("2\r\nab\r\n0\r\n", ErrorKind::ConnectionFailed),
    ] {
        let server = Server::start([talk(async move |mut socket| {
            socket.hear().await;
            socket
                .say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .await;
            socket.say(chunks).await;
        })])
        .await;

        let response = get(&transport(&[]), &server).await.unwrap();

        assert_eq!(text(response).await.unwrap_err().kind(), kind, "{chunks:?}");
    }
}

#[tokio::test]
async fn only_so_much_is_collected() {
    for said in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n",
    ] {
        let server = Server::start([answer(said), answer(said)]).await;
        let transport = transport(&[]);

        let enough = get(&transport, &server)
            .await
            .unwrap()
            .body
            .collect(9)
            .await;
        let fresh = super::transport(&[]);
        let too_little = get(&fresh, &server).await.unwrap().body.collect(8).await;

        assert_eq!(&enough.unwrap()[..], b"123456789");
        assert_eq!(too_little.unwrap_err().kind(), ErrorKind::Server);
    }
}
