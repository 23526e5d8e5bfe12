//! A server that answers what it was told, request by request, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

type Compute = Box<dyn Fn(&[Request]) -> String + Send>;

/// What happens to the next request.
pub(super) enum Answer {
    /// This text; then the connection is closed, however many bytes were promised.
    Text(String),
    /// As `Text`, made from all requests so far.
    Computed(Compute),
    /// This text, and then nothing.
    Stall(String),
    /// The connection is closed without an answer.
    Nothing,
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Request line and headers, the names in lower case.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        fields.find_map(|(found, value)| (found == name).then_some(value))
    }
}

pub(super) struct Script {
    pub(super) endpoint: String,
    requests: Arc<Mutex<Vec<Request>>>,
    _server: JoinSet<()>,
}

impl Script {
    pub(super) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let seen = Arc::clone(&requests);
        let answers: Vec<Answer> = answers.into_iter().collect();
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut stalled = Vec::new();
            for answer in answers {
                let (mut connection, _) = listener.accept().await.unwrap();
                let request = receive(&mut connection).await;
                seen.lock().unwrap().push(request);
                let text = match &answer {
                    Answer::Text(text) | Answer::Stall(text) => text.clone(),
                    Answer::Computed(compute) => compute(&seen.lock().unwrap()),
                    Answer::Nothing => String::new(),
                };
                connection.write_all(text.as_bytes()).await.unwrap();
                if matches!(answer, Answer::Stall(_)) {
                    stalled.push(connection);
                }
            }
            std::future::pending::<()>().await;
        });
        Script {
            endpoint,
            requests,
            _server: server,
        }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn receive(connection: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    let end = loop {
        connection.read_buf(&mut bytes).await.unwrap();
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut request = Request {
        head,
        body: bytes.split_off(end),
    };
    let length = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while request.body.len() < length {
        connection.read_buf(&mut request.body).await.unwrap();
    }
    request
}

/// An answer whose Content-Length is `promised`.
pub(super) fn http(status: u16, promised: usize, headers: &[(&str, &str)], body: &str) -> String {
    let mut text =
        format!("HTTP/1.1 {status} Because\r\ncontent-length: {promised}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text + "\r\n" + body
}

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    Answer::Text(http(status, body.len(), headers, body))
}

pub(super) fn refusal(status: u16, code: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code} it is</Message></Error>"
    );
    answer(status, &[("x-amz-request-id", "17A")], &body)
}
