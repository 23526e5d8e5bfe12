//! Uploads that nobody went on with: their journals go, and what the services hold of them.

use std::time::Duration;

use super::journal::{Journal, Leftover};
use super::object::{Item, endpoints};
use crate::client::Client;
use crate::error::Result;
use crate::gate::Ask;
use crate::uri::Uri;

/// Since the last part was noted. Azure drops the blocks of an upload after as long.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// For all of it: an upload does not wait longer for others.
const PATIENCE: Duration = Duration::from_secs(10);

/// Before `items` are moved, if any of them is an upload. What fails is left to a later call.
pub(super) async fn before(client: &Client, items: &[Item]) {
    let is_upload = |item: &Item| item.from.scheme().is_local() && !item.to.scheme().is_local();
    if !items.iter().any(is_upload) {
        return;
    }
    if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, drop_expired(client)).await {
        tracing::info!(%error, "journals of earlier uploads could not be looked through");
    }
}

async fn drop_expired(client: &Client) -> Result<()> {
    let Some(directory) = client.config().journal_dir.clone() else {
        return Ok(());
    };
    let here = endpoints(client.config());
    for path in Journal::older_than(directory, KEPT).await? {
        let Some(left) = Journal::find(path).await? else {
            continue;
        };
        let to: Uri = left.header.of.to.parse()?;
        // Partial files of this machine are not in the way of anything, and other services are for calls that go there.
        if to.scheme().is_local() || left.header.of.endpoints != here {
            continue;
        }
        // One that the service has dropped already, or will not let us drop, is not kept for that.
        if let Err(error) = abort(client, &to, &left).await {
            tracing::info!(%to, %error, "an upload of long ago could not be aborted");
        }
        left.journal.remove().await?;
    }
    Ok(())
}

async fn abort(client: &Client, to: &Uri, left: &Leftover) -> Result<()> {
    let store = client.object(to).await?;
    let upload = left.header.upload();
    let work = store.inner().abort_upload(to.key(), &upload);
    store.request(Ask::single(0), work).await
}
