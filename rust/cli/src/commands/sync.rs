//! `sync`: one tree made like another.

use s3dlio::{Meter, SyncAction, SyncOptions, SyncReport};
use serde_json::{Value, json};

use super::{MIB, rate};
use crate::args::Sync;
use crate::exit::Failure;
use crate::files;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Sync) -> Result<(), Failure> {
    let options = SyncOptions {
        delete: args.delete,
        dry_run: args.dry_run,
        compare: args.compare.parse()?,
        max_in_flight: args.jobs as usize,
        write: args.properties.options(),
    };
    let meter = Meter::default();
    let work = session
        .client
        .sync(&args.source, &args.target, &options, &meter);
    let ended = files::run(session, &meter, work).await;
    if let Some(report) = &ended.report {
        tell(session, args, report, ended.failed).await?;
    }
    ended.failure.map_or(Ok(()), Err)
}

/// What was done, or would be, though some of it may have failed.
async fn tell(
    session: &mut Session,
    args: &Sync,
    report: &SyncReport,
    failed: u64,
) -> Result<(), Failure> {
    for action in &report.actions {
        session
            .output
            .result(line(action), || record(action))
            .await?;
    }
    let SyncReport {
        files,
        bytes,
        deleted,
        skipped,
        elapsed,
        ..
    } = report;
    if args.dry_run {
        session.output.notice(format_args!(
            "Would do {} things; {skipped} files are left as they are.",
            report.actions.len()
        ));
        return Ok(());
    }
    let mib_per_second = rate(*bytes, MIB, *elapsed);
    let human = format_args!(
        "Synced {files} files (total {bytes} bytes), deleted {deleted}, left {skipped} in {elapsed:?} ({mib_per_second:.2} MiB/s)"
    );
    let summary = || {
        json!({
            "op": "sync",
            "files": files,
            "failed": failed,
            "bytes": bytes,
            "deleted": deleted,
            "skipped": skipped,
            "seconds": elapsed.as_secs_f64(),
        })
    };
    session.output.result(human, summary).await
}

fn line(action: &SyncAction) -> String {
    match action {
        SyncAction::Copy { from, to, .. } => format!("copy {from} {to}"),
        SyncAction::Delete { uri } => format!("delete {uri}"),
    }
}

fn record(action: &SyncAction) -> Value {
    match action {
        SyncAction::Copy { from, to, size } => {
            json!({"op": "copy", "from": from.to_string(), "to": to.to_string(), "size": size})
        }
        SyncAction::Delete { uri } => json!({"op": "delete", "uri": uri.to_string()}),
    }
}
