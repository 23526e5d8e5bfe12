//! What the endpoint has shown of itself: whether it is MinIO, whether it takes checksum headers, what its clock says,
//! and where it wants requests to go.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use aws_sdk_s3::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
    BeforeTransmitInterceptorContextMut,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use super::place::Places;
use super::xml::is_complete;

/// Put on an answer whose redirect will be followed, for those who see the answer only.
pub(super) const FOLLOWED: &str = "x-s3dlio-followed";

/// A header that no other S3 service sends.
const ONLY_MINIO: &str = "x-ratelimit-limit";

/// Facts that are found out once and then kept.
#[derive(Debug, Default)]
pub(super) struct Peer {
    is_minio: OnceLock<bool>,
    refuses_checksums: AtomicBool,
    pub(super) places: Places,
    /// Seconds that its clock is ahead of ours.
    skew: AtomicI64,
}

impl Peer {
    pub(super) fn new(endpoint: Option<&str>) -> Self {
        Peer {
            places: Places::new(endpoint),
            ..Peer::default()
        }
    }

    /// `None` until an answer has been seen.
    pub(super) fn is_minio(&self) -> Option<bool> {
        self.is_minio.get().copied()
    }

    /// Takes the headers of an answer. A proxy may answer for the service, and puts its own name into `server`.
    pub(super) fn note<'a>(&self, header: impl Fn(&str) -> Option<&'a str>) {
        if header("x-amz-request-id").is_none() {
            return;
        }
        self.is_minio.get_or_init(|| {
            let server = header("server").unwrap_or_default();
            server.to_ascii_lowercase().contains("minio") || header(ONLY_MINIO).is_some()
        });
    }

    /// What to add to our clock to sign by the service's.
    pub(super) fn skew(&self) -> time::Duration {
        time::Duration::seconds(self.skew.load(Ordering::Relaxed))
    }

    pub(super) fn set_skew(&self, skew: time::Duration) {
        self.skew.store(skew.whole_seconds(), Ordering::Relaxed);
    }

    pub(super) fn refuses_checksums(&self) -> bool {
        self.refuses_checksums.load(Ordering::Relaxed)
    }

    pub(super) fn note_checksum_refusal(&self) {
        self.refuses_checksums.store(true, Ordering::Relaxed);
    }
}

/// Where a request went.
#[derive(Debug)]
struct Asked(String);

impl Storable for Asked {
    type Storer = StoreReplace<Asked>;
}

/// Looks at every answer of a client: notes what it tells of the [`Peer`], and refuses XML that was cut. Sends each
/// request where the peer wants it.
#[derive(Debug)]
pub(super) struct Observer(pub(super) Arc<Peer>);

#[dyn_dispatch_hint]
impl Intercept for Observer {
    fn name(&self) -> &'static str {
        "Observer"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        if let Some(place) = self.0.places.of(request.uri()) {
            request.set_uri(place)?;
        }
        // The request is gone by the time its answer is seen.
        let asked = Asked(request.uri().to_owned());
        config.interceptor_state().store_put(asked);
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        if matches!(answer.status().as_u16(), 307 | 308)
            && let Some(location) = answer.headers().get("location")
            && let Some(Asked(asked)) = config.load::<Asked>()
            && self.0.places.redirected(asked, location)
        {
            let headers = context.response_mut().headers_mut();
            headers.insert(FOLLOWED, "1");
        }
        let headers = context.response().headers();
        self.0.note(|name| headers.get(name));
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        // The body of an object is a stream, which has no bytes to look at here.
        match answer.body().bytes() {
            Some(document) if answer.status().is_success() && !is_complete(document) => {
                Err("its XML is cut".into())
            }
            _ => Ok(()),
        }
    }
}
