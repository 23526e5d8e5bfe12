//! What came over TLS beyond an answer, where the kernel cannot tell of it any more.

use std::io::Write as _;

use http::Uri;
use rustls::ServerConnection;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::server::Server;
use super::trust::{Authority, trusting};
use super::{get, text};
use crate::transport::{Endpoint, Transport};

/// Longer than what is read with a head, and of one record with it.
const BODY: usize = 10_000;
const SURPLUS: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong";

/// What goes out, in one piece, behind the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Behind {
    Nothing,
    /// Another answer, in the record of the first.
    InTheRecord,
    /// Another answer, in a record of its own.
    ARecord,
    HalfARecord,
    /// The server says that it will say no more.
    Goodbye,
}

fn answer(letter: char) -> String {
    let body = letter.to_string().repeat(BODY);
    format!("HTTP/1.1 200 OK\r\ncontent-length: {BODY}\r\n\r\n{body}")
}

fn seal(session: &mut ServerConnection, text: &str) -> Vec<u8> {
    session.writer().write_all(text.as_bytes()).unwrap();
    drain(session)
}

fn drain(session: &mut ServerConnection) -> Vec<u8> {
    let mut records = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut records).unwrap();
    }
    records
}

fn first_answer(session: &mut ServerConnection, behind: Behind) -> Vec<u8> {
    let text = match behind {
        Behind::InTheRecord => answer('a') + SURPLUS,
        _ => answer('a'),
    };
    let mut records = seal(session, &text);
    match behind {
        Behind::Nothing | Behind::InTheRecord => {}
        Behind::ARecord => records.extend(seal(session, SURPLUS)),
        Behind::HalfARecord => records.extend(&seal(session, SURPLUS)[..20]),
        Behind::Goodbye => {
            session.send_close_notify();
            records.extend(drain(session));
        }
    }
    records
}

async fn hear(stream: &mut TlsStream<TcpStream>) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(stream.read_u8().await.unwrap()));
    }
}

/// Answers with `a`s and what is behind them on its first connection, with `b`s on the second.
async fn serve(identity: TlsAcceptor, behind: Behind) -> (Server, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let uri: Uri = format!("https://localhost:{port}").parse().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let accept = async || {
            let (socket, _) = listener.accept().await.unwrap();
            identity.accept(socket).await.unwrap()
        };
        let mut first = accept().await;
        hear(&mut first).await;
        let (socket, session) = first.get_mut();
        let records = first_answer(session, behind);
        socket.write_all(&records).await.unwrap();
        let mut second = accept().await;
        hear(&mut second).await;
        second.write_all(answer('b').as_bytes()).await.unwrap();
        second.flush().await.unwrap();
        // Both stay open.
        std::future::pending::<()>().await;
    });
    let endpoint = Endpoint::of(&uri).unwrap();
    (Server::nobody_at(endpoint), tasks)
}

async fn ask(transport: &Transport, server: &Server) -> String {
    text(get(transport, server).await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn what_came_sealed_while_nobody_asked_is_no_answer() {
    let authority = Authority::new("ours");
    for behind in [
        Behind::InTheRecord,
        Behind::ARecord,
        Behind::HalfARecord,
        Behind::Goodbye,
    ] {
        let (server, _tasks) = serve(authority.identity("localhost", 2999), behind).await;
        let transport = trusting(&authority);

        let first = ask(&transport, &server).await;
        let second = ask(&transport, &server).await;

        assert!(first == "a".repeat(BODY), "{behind:?}: {first:.20}");
        assert!(second == "b".repeat(BODY), "{behind:?}: {second:.20}");
    }
}

#[tokio::test]
async fn only_a_connection_that_is_quiet_under_its_seal_is_kept() {
    let authority = Authority::new("ours");
    for behind in [
        Behind::Nothing,
        Behind::InTheRecord,
        Behind::ARecord,
        Behind::HalfARecord,
        Behind::Goodbye,
    ] {
        let (server, _tasks) = serve(authority.identity("localhost", 2999), behind).await;
        let transport = trusting(&authority);

        ask(&transport, &server).await;

        let kept = transport.idle.home(&server.endpoint).take();
        assert_eq!(kept.is_some(), behind == Behind::Nothing, "{behind:?}");
    }
}
