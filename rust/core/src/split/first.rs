//! The first request of a read: the head of its answer tells of what, and its body comes while others are asked for the
//! rest.

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::SplitStore;
use super::read::require_filled;
use crate::buffer::IoBufMut;
use crate::checksum::Algorithm;
use crate::config::Verify;
use crate::error::Result;
use crate::gate::Ask;
use crate::span::Span;
use crate::types::{ByteRange, Destination, Opened, ReadOptions, ReadReply};
use crate::uri::Key;

/// A longer body gets a task of its own. Where it is polled by a thread that blocks on it, each piece that comes would
/// have to wake that thread.
const OWN_TASK: usize = 256 << 10;

type Came = Result<(IoBufMut, ReadReply)>;

const OPENED: &str = "memory comes only from where it was opened";

/// The bytes of the first request, which may be still on their way. Dropping it stops the request.
#[derive(Debug)]
pub(super) enum Head {
    Coming(JoinSet<Came>),
    Here(IoBufMut, ReadReply),
}

impl Head {
    /// Returns when the body is there. May be given up and called again.
    pub(super) async fn come(&mut self) -> Result<()> {
        if let Head::Coming(task) = self {
            let (buf, reply) = task.join_next().await.expect("it is joined once")??;
            *self = Head::Here(buf, reply);
        }
        Ok(())
    }

    /// What has come: just `fill` bytes, as the answer promised.
    pub(super) fn bytes(self, fill: usize, offset: u64) -> Came {
        let Head::Here(buf, reply) = self else {
            unreachable!("it has come");
        };
        require_filled(reply.filled, fill, offset)?;
        Ok((buf, reply))
    }
}

/// The first request of a read. Its answer tells size, etag and, where it is for a whole object, checksum; later ones
/// ask for that etag.
#[derive(Debug)]
pub(crate) struct First {
    pub key: Key,
    pub range: ByteRange,
    /// The only version that will do.
    pub etag: Option<String>,
    /// For the checksum of its bytes; by default that of the stored one.
    pub algorithm: Option<Algorithm>,
    pub into: Destination,
    pub span: Span,
}

impl SplitStore {
    /// Returns when all of its bytes are there.
    pub(crate) async fn first(&self, first: First) -> Came {
        let First {
            key,
            range,
            etag,
            algorithm,
            into,
            span,
        } = first;
        let options = ReadOptions {
            if_match: etag,
            want_checksum: self.verify != Verify::Off && range == ByteRange::Whole,
            algorithm,
            streamed: self.streamed,
            span,
        };
        let ask = Ask::single(into.held());
        self.request(ask, self.store.read(&key, range, into, &options))
            .await
    }

    /// As [`SplitStore::first`], but returns when the head of the answer is there. The body goes on coming.
    pub(super) async fn begin(&self, first: First) -> Result<(Opened, Head)> {
        let (opened, mut known) = oneshot::channel();
        let into = Destination::Shared {
            into: Box::new(first.into),
            opened,
        };
        let mut request = Box::pin({
            let (store, first) = (self.clone(), First { into, ..first });
            async move { store.first(first).await }
        });
        let opened = tokio::select! {
            biased;
            done = &mut request => {
                let (buf, reply) = done?;
                let opened = known.try_recv().expect(OPENED);
                return Ok((opened, Head::Here(buf, reply)));
            }
            opened = &mut known => opened,
        };
        let Ok(opened) = opened else {
            // It has failed, and is about to tell why.
            return Err(request.await.expect_err(OPENED));
        };
        if opened.fill < OWN_TASK {
            let (buf, reply) = request.await?;
            return Ok((opened, Head::Here(buf, reply)));
        }
        let mut task = JoinSet::new();
        task.spawn(request);
        Ok((opened, Head::Coming(task)))
    }
}
