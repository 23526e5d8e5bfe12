//! S3 in memory: the service, and the handle that tests hold.

mod buckets;
mod call;
mod complete;
mod copy;
mod error;
mod list;
mod multipart;
mod payload;
mod read;
mod route;
mod state;
mod write;

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use crate::condition::names;
use crate::data::seeded_bytes;
use crate::http::{Content, Head, Request, Response};
use crate::options::Options;
use crate::server::TestServer;
use crate::service::{Context, Service, SyntheticRequest};
use crate::synthetic::Synthetic;
use call::Call;
use error::{Result, S3Error};
use state::{Bucket, Object, State};

/// A running S3 server. What it shares with other servers is on [`TestServer`].
pub struct S3Server {
    server: TestServer,
    service: Arc<S3>,
}

impl S3Server {
    /// Starts an empty S3 on a free port.
    ///
    /// # Panics
    /// When there is no free port or no thread to be had.
    pub async fn start() -> Self {
        let service = Arc::new(S3::default());
        Self {
            server: TestServer::start(service.clone()).await,
            service,
        }
    }

    /// Where clients find it, in path style: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Stores an object without a request; makes the bucket if there is none.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) {
        let object = Object::new(
            Content::from(bytes.into()),
            vec![("content-type".to_owned(), "binary/octet-stream".to_owned())],
            None,
            &Options::default(),
        );
        let mut state = self.service.state();
        let bucket = state
            .buckets
            .entry(bucket.to_owned())
            .or_insert_with(Bucket::new);
        bucket.objects.insert(key.to_owned(), Arc::new(object));
    }

    /// Makes an empty bucket, in place of any of that name.
    pub fn create_bucket(&self, bucket: &str) {
        self.service
            .state()
            .buckets
            .insert(bucket.to_owned(), Bucket::new());
    }

    /// The bytes of an object, if there is one.
    #[must_use]
    pub fn object(&self, bucket: &str, key: &str) -> Option<Bytes> {
        let object = self.service.find(bucket, key).ok()?;
        Some(object.content.to_bytes())
    }

    /// The keys in a bucket, in order; none where there is no bucket. Not for synthetic ones.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let mut state = self.service.state();
        let keys = state
            .bucket(bucket)
            .map(|bucket| bucket.objects.keys().cloned().collect());
        keys.unwrap_or_default()
    }

    /// The ids of the uploads that were begun and neither completed nor aborted.
    #[must_use]
    pub fn open_uploads(&self, bucket: &str) -> Vec<String> {
        let mut state = self.service.state();
        let ids = state
            .bucket(bucket)
            .map(|bucket| bucket.uploads.keys().cloned().collect());
        ids.unwrap_or_default()
    }

    /// Changes stored bytes at rest: flips `bit` of the byte at `offset`. The object keeps its
    /// ETag, and its checksum no longer holds.
    pub fn corrupt(&self, bucket: &str, key: &str, offset: u64, bit: u8) {
        let mut state = self.service.state();
        let object = state
            .bucket(bucket)
            .ok()
            .and_then(|bucket| bucket.objects.get_mut(key));
        if let Some(object) = object {
            Arc::make_mut(object).content.flip(offset, bit);
        }
    }

    /// Makes a bucket of `count` objects of `size` bytes that takes no memory for them; their
    /// keys are `prefix` and a number with leading zeros.
    pub fn synthetic_listing(&self, bucket: &str, count: u64, size: u64, prefix: &str) {
        self.service.synthesize(SyntheticRequest {
            bucket: bucket.to_owned(),
            count,
            size,
            prefix: prefix.to_owned(),
        });
    }
}

impl Deref for S3Server {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        &self.server
    }
}

#[derive(Default)]
struct S3(Mutex<State>);

impl S3 {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of the lock panics")
    }

    fn find(&self, bucket: &str, key: &str) -> Result<Arc<Object>> {
        self.state()
            .bucket(bucket)?
            .find(key)
            .ok_or_else(S3Error::no_such_key)
    }

    /// Puts a finished object in place, under the conditions of the request.
    fn store(&self, call: &Call<'_>, object: Object) -> Result<()> {
        let head = &call.request.head;
        let mut state = self.state();
        let bucket = state.bucket(call.bucket)?;
        let existing = bucket.find(call.key);
        if head.header("if-none-match").is_some() && existing.is_some() {
            return Err(S3Error::precondition_failed());
        }
        if let Some(wanted) = head.header("if-match") {
            let existing = existing.ok_or_else(S3Error::no_such_key)?;
            if !names(wanted, &existing.etag) {
                return Err(S3Error::precondition_failed());
            }
        }
        bucket.objects.insert(call.key.to_owned(), Arc::new(object));
        Ok(())
    }
}

impl Service for S3 {
    fn operation(&self, head: &Head) -> &'static str {
        route::operation(head)
    }

    fn handle(&self, op: &'static str, request: &Request, context: &Context) -> Response {
        let (bucket, key) = route::split(&request.head.path);
        let call = &Call {
            request,
            bucket,
            key,
            context,
        };
        let result = match op {
            "ListBuckets" => Ok(buckets::list(self)),
            "CreateBucket" => buckets::create(self, call),
            "DeleteBucket" => buckets::delete(self, call),
            "HeadBucket" => buckets::head(self, call),
            "GetBucketLocation" => buckets::location(self, call),
            "ListObjects" => list::list_v1(self, call),
            "ListObjectsV2" => list::list_v2(self, call),
            "GetObject" | "HeadObject" => read::get(self, call),
            "PutObject" => write::put(self, call),
            "DeleteObject" => write::delete(self, call),
            "DeleteObjects" => write::delete_many(self, call),
            "CopyObject" => copy::copy_object(self, call),
            "CreateMultipartUpload" => multipart::create(self, call),
            "UploadPart" => multipart::upload_part(self, call),
            "UploadPartCopy" => copy::copy_part(self, call),
            "CompleteMultipartUpload" => complete::complete(self, call),
            "AbortMultipartUpload" => multipart::abort(self, call),
            "ListParts" => multipart::list_parts(self, call),
            "ListMultipartUploads" => multipart::list_uploads(self, call),
            _ => Err(S3Error::not_implemented()),
        };
        let response = result.unwrap_or_else(|error| error.response(&request.head));
        identify(response, &request.head)
    }

    fn error(&self, head: &Head, status: u16, code: &str, message: &str) -> Response {
        identify(S3Error::new(status, code, message).response(head), head)
    }

    fn refuse_anonymous(&self, head: &Head) -> Response {
        self.error(head, 403, "AccessDenied", "Access Denied")
    }

    fn replace(&self, path: &str, seed: u64, size: Option<u64>) {
        let (bucket, key) = route::split(path);
        let Ok(existing) = self.find(bucket, key) else {
            return;
        };
        let size = size.unwrap_or(existing.content.len());
        let bytes = seeded_bytes(
            seed,
            usize::try_from(size).expect("an object fits the memory"),
        );
        let options = Options::default();
        let object = Object::new(
            Content::from(bytes),
            existing.headers.clone(),
            None,
            &options,
        );
        if let Ok(bucket) = self.state().bucket(bucket) {
            bucket.objects.insert(key.to_owned(), Arc::new(object));
        }
    }

    fn synthesize(&self, request: SyntheticRequest) {
        let mut bucket = Bucket::new();
        bucket.synthetic = Some(Synthetic::new(request.prefix, request.count, request.size));
        self.state().buckets.insert(request.bucket, bucket);
    }

    fn reset(&self) {
        *self.state() = State::default();
    }
}

fn identify(response: Response, head: &Head) -> Response {
    response
        .header("x-amz-request-id", &head.request_id)
        .header("x-amz-id-2", "testkit")
        .header("server", "s3dlio-testkit")
}
