//! The requests a server has seen, for tests to look at and to wait on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;
use tokio::sync::watch;

use crate::fault::Action;
use crate::http::Head;

/// Older records are forgotten, so that a long benchmark does not fill the memory.
const CAPACITY: usize = 200_000;

/// One request as it came, and how it was answered.
#[derive(Clone, Debug, Serialize)]
pub struct RequestRecord {
    /// The id that the answer carried.
    pub request_id: String,
    /// Which of the server's connections it came by, counted from 0.
    pub connection: u64,
    /// The operation by its service's name, `Unknown` where the service has none.
    pub op: &'static str,
    pub method: String,
    /// The path, percent-decoded.
    pub path: String,
    /// The query as it came.
    pub query: String,
    /// The headers that say what is asked for; never credentials.
    pub headers: BTreeMap<String, String>,
    /// Whether there was an Authorization header or a signed query.
    pub authorized: bool,
    /// Who signed: S3's access key id, Azure's account.
    pub key_id: Option<String>,
    /// Bytes of the request's body; 0 until it was read whole.
    pub body_length: u64,
    /// The status of the answer; none until one is sent, and for good where none is.
    pub status: Option<u16>,
    /// What the rule that fired did.
    pub faults: Vec<Action>,
}

impl RequestRecord {
    /// A header by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

pub(crate) struct Journal {
    records: Mutex<Records>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Records {
    list: VecDeque<RequestRecord>,
    /// The number of the first in the list.
    first: u64,
}

/// A record's number, which stays valid (but may point to nothing) when records are forgotten.
#[derive(Clone, Copy)]
pub(crate) struct Entry(u64);

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            records: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }

    pub(crate) fn open(
        &self,
        head: &Head,
        op: &'static str,
        connection: u64,
        faults: Vec<Action>,
    ) -> Entry {
        let record = RequestRecord {
            request_id: head.request_id.clone(),
            connection,
            op,
            method: head.method.clone(),
            path: head.path.clone(),
            query: head.raw_query().to_owned(),
            headers: head
                .headers
                .iter()
                .filter(|(name, _)| is_told(name))
                .cloned()
                .collect(),
            authorized: is_authorized(head),
            key_id: key_id(head),
            body_length: 0,
            status: None,
            faults,
        };
        let mut records = self.lock();
        if records.list.len() == CAPACITY {
            records.list.pop_front();
            records.first += 1;
        }
        records.list.push_back(record);
        let entry = Entry(records.first + records.list.len() as u64 - 1);
        drop(records);
        self.changed.send_replace(());
        entry
    }

    pub(crate) fn update(&self, entry: Entry, change: impl FnOnce(&mut RequestRecord)) {
        let mut records = self.lock();
        let at = entry.0.checked_sub(records.first);
        if let Some(record) = at.and_then(|at| records.list.get_mut(at as usize)) {
            change(record);
        }
        drop(records);
        self.changed.send_replace(());
    }

    pub(crate) fn all(&self) -> Vec<RequestRecord> {
        self.lock().list.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut records = self.lock();
        records.first += records.list.len() as u64;
        records.list.clear();
    }

    pub(crate) async fn wait_until(&self, condition: impl Fn(&[RequestRecord]) -> bool) {
        let mut changes = self.changed.subscribe();
        while !condition(self.lock().list.make_contiguous()) {
            // The sender lives in self, so there is always one.
            let _ = changes.changed().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().expect("no holder of the lock panics")
    }
}

/// Whether the request carries some kind of signature; none is verified.
pub(crate) fn is_authorized(head: &Head) -> bool {
    head.header("authorization").is_some()
        || ["X-Amz-Signature", "Signature", "sig"]
            .iter()
            .any(|name| head.query(name).is_some())
}

fn key_id(head: &Head) -> Option<String> {
    let authorization = head.header("authorization")?;
    let (_, s3) = authorization.split_once("Credential=").unwrap_or_default();
    let (_, azure) = authorization.split_once("SharedKey ").unwrap_or_default();
    let id = s3.split_once('/').or_else(|| azure.split_once(':'));
    id.map(|(id, _)| id.to_owned())
}

fn is_told(name: &str) -> bool {
    let secret = matches!(
        name,
        "x-amz-security-token" | "x-ms-copy-source-authorization"
    );
    let family = ["x-amz-", "x-ms-", "if-", "content-"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    let single = matches!(
        name,
        "range" | "user-agent" | "host" | "expect" | "transfer-encoding" | "connection"
    );
    !secret && (family || single)
}
