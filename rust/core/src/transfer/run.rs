//! Many objects, a bounded number of them under way; each failure is told and the others go on.

use std::fmt::Display;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::budget::Budget;
use super::expire;
use super::meter::{FileMeter, Meter};
use super::object::{Item, Moved, transfer};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::types::WriteOptions;

/// So many failures without a success between them, and the rest would fail as well.
const GIVE_UP_AFTER: u32 = 32;

/// What has been done.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub files: u64,
    pub moved: Moved,
    /// Whether each of the items is.
    pub which: Vec<bool>,
}

/// Moves all of `items`, and writes them with what `write` asks for; the meter is told of each failure.
///
/// # Errors
/// `InvalidInput` for `max_in_flight` 0.
pub(super) async fn all(
    client: &Client,
    items: Vec<Item>,
    write: &WriteOptions,
    max_in_flight: usize,
    meter: &Meter,
) -> Result<Done> {
    if max_in_flight == 0 {
        return Err(Error::invalid("max_in_flight must be above 0"));
    }
    let bytes = items.iter().filter_map(|item| item.size).sum();
    meter.plan(items.len() as u64, bytes);
    let budget = Budget::new(client.config().memory_limit);
    expire::before(client, &items).await;
    let write = Arc::new(write.clone());
    let mut done = Done {
        which: vec![false; items.len()],
        ..Done::default()
    };
    let mut waiting = items.into_iter().enumerate();
    let mut failed_in_a_row = 0;
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < max_in_flight
            && let Some((index, item)) = waiting.next()
        {
            let (client, budget, meter) = (client.clone(), budget.clone(), meter.clone());
            let write = Arc::clone(&write);
            tasks.spawn(async move {
                let moved = one(&client, &item, write, budget, meter).await;
                moved.map(|moved| (index, moved))
            });
        }
        let Some(finished) = tasks.join_next().await else {
            break;
        };
        match finished.map_err(Error::from).flatten() {
            Ok((index, moved)) => {
                done.files += 1;
                done.which[index] = true;
                done.moved.bytes += moved.bytes;
                done.moved.resumed += moved.resumed;
                failed_in_a_row = 0;
                meter.file_done();
            }
            Err(error) => {
                failed_in_a_row += 1;
                meter.fail(error);
            }
        }
        if failed_in_a_row >= GIVE_UP_AFTER {
            let left = tasks.len() + waiting.len();
            tasks.shutdown().await;
            if left > 0 {
                let detail = format!(
                    "{left} files were not tried after {GIVE_UP_AFTER} failures without a success between them"
                );
                meter.fail(Error::new(ErrorKind::Server, detail).with_retryable(false));
            }
            break;
        }
    }
    Ok(done)
}

/// Moves one object, as an operation of its own.
pub(super) async fn one(
    client: &Client,
    item: &Item,
    write: Arc<WriteOptions>,
    budget: Budget,
    meter: Meter,
) -> Result<Moved> {
    let open = client.begin(item.op, item.object());
    let meter = FileMeter::new(meter, item.size.unwrap_or_default());
    let result = transfer(client, item, write, budget, meter, open.span()).await;
    open.end(result, |moved| (moved.bytes, 1))
}

/// One error for all failures of a call; each was told to the meter already.
pub(super) fn summed_up(meter: &Meter, op: &'static str, target: impl Display) -> Result<()> {
    let summary = meter.take_summary();
    let Some(kind) = summary.kind else {
        return Ok(());
    };
    let more = summary.count - summary.named.len() as u64;
    let more = match more {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let files = if summary.count == 1 { "file" } else { "files" };
    let detail = format!(
        "{} {files} failed: {}{more}",
        summary.count,
        summary.named.join("; ")
    );
    Err(Error::new(kind, detail).at(op, target))
}
