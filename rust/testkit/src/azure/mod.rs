//! Azure Blob in memory: the service, and the handle that tests hold.

mod blobs;
mod blocks;
mod containers;
mod error;
mod list;
mod payload;
mod route;
mod state;

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use bytes::Bytes;

use crate::checksum::{encode, md5};
use crate::condition::names;
use crate::data::seeded_bytes;
use crate::http::{Content, Head, Request, Response};
use crate::server::TestServer;
use crate::service::{Context, Service, SyntheticRequest};
use crate::synthetic::Synthetic;
use error::{AzureError, Result};
use state::{Blob, Container, State};

/// The account of the endpoint. Any other is served alike, from the same containers.
const ACCOUNT: &str = "devstoreaccount1";

/// A running Azure Blob server. What it shares with other servers is on [`TestServer`].
pub struct AzureServer {
    server: TestServer,
    service: Arc<Azure>,
}

impl AzureServer {
    /// Starts an empty account on a free port.
    ///
    /// # Panics
    /// When there is no free port or no thread to be had.
    pub async fn start() -> Self {
        let service = Arc::new(Azure::default());
        Self {
            server: TestServer::start(service.clone()).await,
            service,
        }
    }

    /// Where clients find it, with the account in the path, as emulators have it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}/{ACCOUNT}", self.server.address())
    }

    /// Stores a blob without a request; makes the container if there is none.
    pub fn put(&self, container: &str, blob: &str, bytes: impl Into<Bytes>) {
        let content = Content::from(bytes.into());
        self.service.put(container, blob, content);
    }

    /// Makes an empty container, in place of any of that name.
    pub fn create_container(&self, container: &str) {
        let mut state = self.service.state();
        let made = Container::new(state.next_etag());
        state.containers.insert(container.to_owned(), made);
    }

    /// The bytes of a committed blob, if there is one.
    #[must_use]
    pub fn blob(&self, container: &str, blob: &str) -> Option<Bytes> {
        let blob = self.service.find(container, blob).ok()?;
        Some(blob.content.to_bytes())
    }

    /// The names in a container, in order; none where there is no container.
    #[must_use]
    pub fn names(&self, container: &str) -> Vec<String> {
        let mut state = self.service.state();
        let names = state
            .container(container)
            .map(|found| found.blobs.keys().cloned().collect());
        names.unwrap_or_default()
    }

    /// Changes stored bytes at rest: flips `bit` of the byte at `offset`. The blob keeps its
    /// ETag, and its MD5 no longer holds.
    pub fn corrupt(&self, container: &str, blob: &str, offset: u64, bit: u8) {
        let mut state = self.service.state();
        let found = state
            .container(container)
            .ok()
            .and_then(|found| found.blobs.get_mut(blob));
        if let Some(found) = found {
            Arc::make_mut(found).content.flip(offset, bit);
        }
    }

    /// Makes a container of `count` blobs of `size` bytes that takes no memory for them; their
    /// names are `prefix` and a number with leading zeros.
    pub fn synthetic_listing(&self, container: &str, count: u64, size: u64, prefix: &str) {
        self.service.synthesize(SyntheticRequest {
            bucket: container.to_owned(),
            count,
            size,
            prefix: prefix.to_owned(),
        });
    }
}

impl Deref for AzureServer {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        &self.server
    }
}

#[derive(Default)]
struct Azure(Mutex<State>);

/// One request, taken apart.
struct Call<'a> {
    request: &'a Request,
    container: &'a str,
    blob: &'a str,
    context: &'a Context,
}

impl Azure {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of the lock panics")
    }

    fn find(&self, container: &str, blob: &str) -> Result<Arc<Blob>> {
        self.state()
            .container(container)?
            .find(blob)
            .ok_or_else(AzureError::blob_not_found)
    }

    /// Puts a blob in place under the conditions of the request, and gives it its ETag.
    fn store(&self, call: &Call<'_>, mut blob: Blob) -> Result<Arc<Blob>> {
        let head = &call.request.head;
        let mut state = self.state();
        blob.etag = state.next_etag();
        let container = state.container(call.container)?;
        let existing = container.find(call.blob);
        let etag = existing.as_ref().map(|blob| blob.etag.as_str());
        if let Some(unwanted) = head.header("if-none-match")
            && etag.is_some_and(|etag| names(unwanted, etag))
        {
            return Err(if unwanted == "*" {
                AzureError::new(
                    409,
                    "BlobAlreadyExists",
                    "The specified blob already exists.",
                )
            } else {
                AzureError::condition_not_met()
            });
        }
        if let Some(wanted) = head.header("if-match")
            && etag.is_none_or(|etag| !names(wanted, etag))
        {
            return Err(AzureError::condition_not_met());
        }
        let blob = Arc::new(blob);
        container.staged.remove(call.blob);
        container.blobs.insert(call.blob.to_owned(), blob.clone());
        Ok(blob)
    }

    /// Puts a blob in place without conditions.
    fn put(&self, container: &str, name: &str, content: Content) {
        let mut state = self.state();
        let etag = state.next_etag();
        let blob = Blob {
            md5: Some(encode(&md5(&content))),
            content,
            etag: etag.clone(),
            headers: vec![(
                "content-type".to_owned(),
                "application/octet-stream".to_owned(),
            )],
            tier: None,
            blocks: Vec::new(),
            modified: SystemTime::now(),
        };
        let container = state.containers.entry(container.to_owned());
        let container = container.or_insert_with(|| Container::new(etag));
        container.blobs.insert(name.to_owned(), Arc::new(blob));
    }
}

impl Service for Azure {
    fn operation(&self, head: &Head) -> &'static str {
        route::operation(head)
    }

    fn handle(&self, op: &'static str, request: &Request, context: &Context) -> Response {
        let (_, container, blob) = route::split(&request.head.path);
        let call = &Call {
            request,
            container,
            blob,
            context,
        };
        let result = match op {
            "ListContainers" => Ok(containers::list(self, call)),
            "CreateContainer" => containers::create(self, call),
            "DeleteContainer" => containers::delete(self, call),
            "GetContainerProperties" => containers::properties(self, call),
            "ListBlobs" => list::list(self, call),
            "PutBlob" => blobs::put(self, call),
            "PutBlobFromUrl" => blobs::copy(self, call, 201),
            "CopyBlob" => blobs::copy(self, call, 202),
            "GetBlob" | "GetBlobProperties" => blobs::get(self, call),
            "DeleteBlob" => blobs::delete(self, call),
            "SetBlobTier" => blobs::set_tier(self, call),
            "PutBlock" => blocks::put_block(self, call),
            "PutBlockFromUrl" => blocks::put_block_from_url(self, call),
            "PutBlockList" => blocks::commit(self, call),
            "GetBlockList" => blocks::list(self, call),
            _ => {
                let message = "The requested URI does not represent any resource on the server.";
                Err(AzureError::new(400, "InvalidUri", message))
            }
        };
        let response = result.unwrap_or_else(|error| error.response(&request.head));
        identify(response, &request.head)
    }

    fn error(&self, head: &Head, status: u16, code: &str, message: &str) -> Response {
        // A fault that names no code means what this service says when it is busy.
        let code = if code == "SlowDown" {
            "ServerBusy"
        } else {
            code
        };
        identify(AzureError::new(status, code, message).response(head), head)
    }

    fn refuse_anonymous(&self, head: &Head) -> Response {
        let message = "Server failed to authenticate the request. Please refer to the information \
                       in the www-authenticate header.";
        self.error(head, 401, "NoAuthenticationInformation", message)
    }

    fn replace(&self, path: &str, seed: u64, size: Option<u64>) {
        let (_, container, blob) = route::split(path);
        let Ok(existing) = self.find(container, blob) else {
            return;
        };
        let size = size.unwrap_or(existing.content.len());
        let bytes = seeded_bytes(seed, usize::try_from(size).expect("a blob fits the memory"));
        self.put(container, blob, Content::from(bytes));
    }

    fn synthesize(&self, request: SyntheticRequest) {
        let mut state = self.state();
        let mut container = Container::new(state.next_etag());
        container.synthetic = Some(Synthetic::new(request.prefix, request.count, request.size));
        state.containers.insert(request.bucket, container);
    }

    fn reset(&self) {
        *self.state() = State::default();
    }
}

fn identify(response: Response, head: &Head) -> Response {
    let response = response
        .header("x-ms-request-id", &head.request_id)
        .header("server", "s3dlio-testkit");
    ["x-ms-version", "x-ms-client-request-id"]
        .iter()
        .filter_map(|name| Some((name, head.header(name)?)))
        .fold(response, |response, (name, value)| {
            response.header(name, value)
        })
}
