//! `sync`: one tree made like another.

use s3dlio::{Error, Meter, SyncAction, SyncOptions, SyncReport, Uri};
use serde_json::{Value, json};

use super::cp::PIPE;
use super::upload::skipped_links;
use super::{MIB, rate};
use crate::args::Sync;
use crate::exit::Failure;
use crate::files;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Sync) -> Result<(), Failure> {
    if args.target == PIPE || args.source == PIPE {
        let detail = "- is no directory or prefix; the directory of that name is ./-";
        return Err(Error::invalid(detail).into());
    }
    let options = SyncOptions {
        delete: args.delete,
        dry_run: args.dry_run,
        follow_symlinks: args.follow_symlinks,
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
        let record = || record(action);
        step(session, args, line(action), record).await?;
    }
    for uri in &report.kept {
        let record = || json!({"op": "skip", "uri": uri.to_string()});
        step(session, args, skipped_line(uri), record).await?;
    }
    skipped_links(session, "sync", report.symlinks);
    let SyncReport {
        files,
        bytes,
        deleted,
        skipped,
        alike,
        symlinks,
        elapsed,
        ..
    } = report;
    if args.dry_run {
        session.output.notice(format_args!(
            "Would do {} things; {alike} files are left as they are.",
            report.actions.len()
        ));
        return Ok(());
    }
    let mib_per_second = rate(*bytes, MIB, *elapsed);
    let human = format_args!(
        "Synced {files} files (total {bytes} bytes), deleted {deleted}, left {alike} in {elapsed:?} ({mib_per_second:.2} MiB/s)"
    );
    let summary = || {
        json!({
            "op": "sync",
            "files": files,
            "failed": failed,
            "bytes": bytes,
            "deleted": deleted,
            "skipped": skipped,
            "alike": alike,
            "symlinks": symlinks,
            "seconds": elapsed.as_secs_f64(),
        })
    };
    session.output.summary(human, summary).await
}

/// One line of what was done, which `--quiet` leaves out, or of a plan, which is what was asked for.
async fn step(
    session: &mut Session,
    args: &Sync,
    human: String,
    json: impl FnOnce() -> Value,
) -> Result<(), Failure> {
    match args.dry_run {
        true => session.output.result(human, json).await,
        false => session.output.summary(human, json).await,
    }
}

/// Of what stays because the source has that name, though it skips it.
fn skipped_line(uri: &Uri) -> String {
    format!("skip {uri}")
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
