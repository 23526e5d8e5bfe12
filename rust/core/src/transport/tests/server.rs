//! A server that says what a test tells it to, one talk per connection.

use std::future::Future;
use std::pin::Pin;

use http::Uri;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::transport::Endpoint;

type Talk = Box<dyn FnOnce(Socket) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What happens on one connection.
pub(super) fn talk<F>(with: impl FnOnce(Socket) -> F + Send + 'static) -> Talk
where
    F: Future<Output = ()> + Send + 'static,
{
    Box::new(|socket| Box::pin(with(socket)))
}

/// Hears one request, says this, and keeps the connection open until the other side closes it.
pub(super) fn answer(text: &'static str) -> Talk {
    talk(async move |mut socket| {
        socket.hear().await;
        socket.say(text).await;
        socket.wait_for_end().await;
    })
}

pub(super) struct Server {
    pub(super) endpoint: Endpoint,
    talks: JoinSet<()>,
}

impl Server {
    /// Connections are answered in the order they come in; one too many is refused.
    pub(super) async fn start(talks: impl IntoIterator<Item = Talk>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let endpoint = Endpoint::of(&uri.parse::<Uri>().unwrap()).unwrap();
        let talks: Vec<Talk> = talks.into_iter().collect();
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut under_way = JoinSet::new();
            for talk in talks {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                under_way.spawn(talk(Socket { stream }));
            }
            drop(listener);
            under_way.join_all().await;
        });
        Server {
            endpoint,
            talks: listening,
        }
    }

    /// Nothing that answers.
    pub(super) fn nobody_at(endpoint: Endpoint) -> Server {
        Server {
            endpoint,
            talks: JoinSet::new(),
        }
    }

    /// Until every talk took place.
    pub(super) async fn done(self) {
        self.talks.join_all().await;
    }
}

pub(super) struct Socket {
    pub(super) stream: TcpStream,
}

impl Socket {
    /// Head and body of one request.
    pub(super) async fn hear(&mut self) -> String {
        let mut text = self.hear_head().await;
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        text.push_str(&String::from_utf8(body).unwrap());
        text
    }

    /// Not one byte more, so that what follows stays unread.
    pub(super) async fn hear_head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(char::from(self.stream.read_u8().await.unwrap()));
        }
        head
    }

    pub(super) async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Byte by byte, each in a segment of its own.
    pub(super) async fn stammer(&mut self, text: &str) {
        for byte in text.bytes() {
            self.stream.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
    }

    /// Closes so that what was not read is lost.
    pub(super) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// The other side closes without a word.
    pub(super) async fn wait_for_end(&mut self) {
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = self.stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    }
}
