//! An object in parts, written in the order in which they were given, whatever order their ends are waited for in.

use async_trait::async_trait;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use s3dlio::Writer;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::adapter::{generic, put_result, translated};

type Part = (PutPayload, oneshot::Sender<()>);

#[derive(Debug)]
pub struct Parts {
    location: Path,
    /// Nothing once no more parts may come.
    waiting: Option<mpsc::UnboundedSender<Part>>,
    writing: JoinSet<s3dlio::Result<s3dlio::PutResult>>,
}

impl Parts {
    pub fn new(writer: Writer, location: Path) -> Self {
        let (parts, arriving) = mpsc::unbounded_channel();
        let mut writing = JoinSet::new();
        writing.spawn(write(writer, arriving));
        Parts {
            location,
            waiting: Some(parts),
            writing,
        }
    }
}

async fn write(
    mut writer: Writer,
    mut parts: mpsc::UnboundedReceiver<Part>,
) -> s3dlio::Result<s3dlio::PutResult> {
    while let Some((part, done)) = parts.recv().await {
        for piece in part {
            writer.send(piece).await?;
        }
        // Nobody may wait for it.
        let _ = done.send(());
    }
    writer.finish().await
}

#[async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (done, written) = oneshot::channel();
        if let Some(parts) = &self.waiting {
            // Where the writer has failed, `written` says so.
            let _ = parts.send((data, done));
        }
        Box::pin(async { written.await.map_err(generic) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.waiting = None;
        let written = self.writing.join_next().await;
        let written = written.expect("an upload ends once").map_err(generic)?;
        written
            .map(put_result)
            .map_err(|error| translated(error, &self.location))
    }

    async fn abort(&mut self) -> Result<()> {
        self.writing.shutdown().await;
        Ok(())
    }
}
