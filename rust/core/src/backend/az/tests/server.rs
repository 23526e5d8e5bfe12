//! A server that follows a script: each connection takes one request and gives the next answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::backend::az::account::Account;
use crate::backend::az::auth::Authority;
use crate::backend::az::http::Http;
use crate::backend::az::session::Session;
use crate::backend::az::{AzDriver, Opened};
use crate::backend::backoff::Budget;
use crate::backend::backoff::tests::own_budget;
use crate::buffer::Pool;
use crate::checksum::Algorithm;
use crate::config::{AzConfig, AzureChecksum, Config, Options, Secret};
use crate::error::Error;
use crate::store::Store;
use crate::types::{ByteRange, Destination, ReadOptions, ReadReply};
use crate::uri::{Key, Uri};

/// What the server does with one request.
pub(super) enum Step {
    /// Sends this and closes.
    Say(String),
    /// Closes without a word: the answer is lost.
    Lose,
    /// Keeps the connection open and says nothing.
    Hang,
}

/// An answer with a body of its announced length.
pub(super) fn say(status: u16, headers: &str, body: &str) -> Step {
    cut(status, headers, body, body.len())
}

/// An answer that announces `length` bytes.
pub(super) fn cut(status: u16, headers: &str, body: &str, length: usize) -> Step {
    Step::Say(format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    ))
}

pub(super) struct Server {
    pub(super) store: Arc<dyn Store>,
    /// What its retries are paid from.
    pub(super) budget: &'static Budget,
    heard: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(super) async fn with(script: Vec<Step>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/acc", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, script, Arc::clone(&heard)));
        let budget = own_budget();
        Server {
            store: open_on(&endpoint, budget),
            budget,
            heard,
            _tasks: tasks,
        }
    }

    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub(super) async fn get(&self, range: ByteRange) -> Result<(Vec<u8>, ReadReply), Error> {
        self.get_if(range, None).await
    }

    pub(super) async fn get_if(
        &self,
        range: ByteRange,
        etag: Option<&str>,
    ) -> Result<(Vec<u8>, ReadReply), Error> {
        let into = Destination::Allocate {
            pool: Arc::new(Pool::default()),
            window: u64::MAX,
        };
        let options = ReadOptions {
            if_match: etag.map(str::to_owned),
            algorithm: Some(Algorithm::Crc32c),
            ..ReadOptions::default()
        };
        let key = Key::new("k");
        let (buf, reply) = self.store.read(&key, range, into, &options).await?;
        Ok((buf.to_vec(), reply))
    }
}

pub(super) fn open(endpoint: &str) -> Arc<dyn Store> {
    open_on(endpoint, own_budget())
}

fn open_on(endpoint: &str, budget: &'static Budget) -> Arc<dyn Store> {
    let mut config = Config::load(&Options::default()).unwrap();
    config.az = AzConfig {
        endpoint_url: Some(endpoint.to_owned()),
        account_name: None,
        account_key: None,
        sas_token: Some(Secret::new("sv=1&sig=SECRET")),
        connection_string: None,
        checksum: AzureChecksum::Md5,
    };
    config.retry.max_attempts = 3;
    config.retry.base = Duration::from_millis(1);
    config.retry.stall_timeout = Duration::from_millis(500);
    let uri: Uri = "az://acc/container/k".parse().unwrap();
    let config = Arc::new(config);
    let account = Account::resolve(&config.az, "acc").unwrap();
    let authority = Authority::of(&account).unwrap();
    let http = Arc::new(Http::new(&config).unwrap());
    let mut session = Session::new(&account, authority, http, &config.retry);
    session.budget = budget;
    let driver = AzDriver {
        config,
        opened: Mutex::new(Opened {
            http: None,
            sessions: HashMap::from([("acc".to_owned(), Arc::new(session))]),
        }),
    };
    Arc::new(driver.store(&uri).unwrap())
}

pub(super) async fn serve(
    listener: TcpListener,
    script: Vec<Step>,
    heard: Arc<Mutex<Vec<String>>>,
) {
    let mut hanging = Vec::new();
    for step in script {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = hear(&mut stream).await;
        heard.lock().unwrap().push(request);
        match step {
            Step::Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Step::Lose => {}
            Step::Hang => hanging.push(stream),
        }
    }
    std::future::pending::<()>().await;
}

/// Head and body of one request.
pub(super) async fn hear(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    loop {
        let mut block = [0; 4096];
        let len = stream.read(&mut block).await.unwrap();
        text.push_str(std::str::from_utf8(&block[..len]).unwrap());
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if len == 0 || body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
    }
}
