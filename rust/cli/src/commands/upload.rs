//! `upload`: files and directories to a store.

use s3dlio::{Error, Meter, TransferOptions, TransferReport, Uri};
use serde_json::{Value, json};

use super::{MIB, rate};
use crate::args::Upload;
use crate::exit::Failure;
use crate::files::{self, Ended};
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Upload) -> Result<(), Failure> {
    let (sources, target) = split(&args.paths, "DEST")?;
    let target: Uri = target.parse()?;
    let options = TransferOptions {
        recursive: !args.no_recursive,
        create_bucket: args.create_bucket,
        follow_symlinks: args.follow_symlinks,
        max_in_flight: args.jobs as usize,
        write: args.properties.options(),
    };
    let meter = Meter::default();
    let work = session
        .client
        .upload_files(sources, &target, &options, &meter);
    let ended = files::run(session, &meter, work).await;
    done(session, "upload", "Uploaded", ended).await
}

/// Sources, and the target that stands last, which is called `name`. The parser would only take flags before or after
/// all of them.
pub(super) fn split<'a>(paths: &'a [String], name: &str) -> Result<(&'a [String], &'a str), Error> {
    match paths {
        [sources @ .., target] if !sources.is_empty() => Ok((sources, target)),
        _ => Err(Error::invalid(format!("{name} is missing"))),
    }
}

/// The last line of a transfer of files, of which some may have failed.
pub(super) async fn done(
    session: &mut Session,
    op: &str,
    word: &str,
    ended: Ended<TransferReport>,
) -> Result<(), Failure> {
    let failed = ended.failed;
    if let Some(report) = ended.report
        && (report.files > 0 || ended.failure.is_none())
    {
        summary(session, op, word, &report, failed).await?;
    }
    ended.failure.map_or(Ok(()), Err)
}

/// Of symlinks that were left out, which are easily taken for done.
pub(super) fn skipped_links(session: &Session, op: &str, count: u64) {
    let (links, them) = match count {
        0 => return,
        1 => ("symlink", "it"),
        _ => ("symlinks", "them"),
    };
    let instead = match op {
        "download" => String::new(),
        _ => format!(" (--follow-symlinks takes {them} along)"),
    };
    session
        .output
        .notice(format_args!("Skipped {count} {links}{instead}"));
}

async fn summary(
    session: &mut Session,
    op: &str,
    word: &str,
    report: &TransferReport,
    failed: u64,
) -> Result<(), Failure> {
    skipped_links(session, op, report.symlinks);
    if report.resumed > 0 {
        session.output.notice(format_args!(
            "Went on where an earlier run was stopped: {} bytes were there",
            report.resumed
        ));
    }
    let TransferReport {
        files,
        bytes,
        elapsed,
        ..
    } = report;
    let mib_per_second = rate(bytes - report.resumed, MIB, *elapsed);
    let human = format_args!(
        "{word} {files} files (total {bytes} bytes) in {elapsed:?} ({mib_per_second:.2} MiB/s)"
    );
    session
        .output
        .summary(human, || record(op, report, failed))
        .await
}

fn record(op: &str, report: &TransferReport, failed: u64) -> Value {
    json!({
        "op": op,
        "files": report.files,
        "failed": failed,
        "bytes": report.bytes,
        "resumed": report.resumed,
        "skipped": report.skipped,
        "symlinks": report.symlinks,
        "seconds": report.elapsed.as_secs_f64(),
    })
}
