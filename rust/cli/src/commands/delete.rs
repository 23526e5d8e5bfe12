//! `delete`: exactly what was named, and never more.

use s3dlio::{Error, ErrorKind, Key, Uri};
use serde_json::json;

use super::hint;
use crate::args::Delete;
use crate::exit::Failure;
use crate::jobs::Tally;
use crate::output;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Delete) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    if uri.is_prefix() || args.regex.is_some() {
        return delete_below(session, args, &uri).await;
    }
    let exists = is_there(session, args, &uri).await?;
    announce(session, args, u64::from(exists));
    if args.dry_run {
        return match exists {
            true => show(session, &uri).await,
            false => Ok(()),
        };
    }
    // Also what seems to be missing: the store knows what else may stand there.
    session.client.delete(&uri).await?;
    if !exists && let Some(below) = hint::below(&session.client, &uri).await {
        session.output.notice(format_args!(
            "nothing is named {uri}; there are keys below {below}"
        ));
    }
    done(session, u64::from(exists), 0).await
}

/// Whether there is anything to delete by this very name. A missing key is no failure, but one that is meant as a
/// pattern is: it would stand for keys that nobody has named.
async fn is_there(session: &Session, args: &Delete, uri: &Uri) -> Result<bool, Error> {
    match session.client.exists(uri).await {
        // Who may delete need not be allowed to look.
        Err(error) if error.kind() == ErrorKind::AccessDenied && !args.dry_run => Ok(true),
        Ok(false) if uri.key().as_str().contains('*') => {
            let detail = "there is no object of this name, and delete takes no wildcards: --regex selects keys \
                          below a prefix that ends in `/`";
            Err(Error::new(ErrorKind::NotFound, detail).at("delete", uri))
        }
        answer => answer,
    }
}

async fn delete_below(session: &mut Session, args: &Delete, uri: &Uri) -> Result<(), Failure> {
    let count = count(session, args, uri).await?;
    announce(session, args, count);
    if args.dry_run {
        return Ok(());
    }
    let progress = session.output.progress(count, None);
    let mut tally = Tally::default();
    let told = |deleted, failures: Vec<Error>| {
        tally.succeeded(deleted);
        progress.objects(deleted + failures.len() as u64);
        for failure in &failures {
            tally.failed(failure);
            progress.suspend(|| output::complain(failure));
        }
    };
    let deleted = session
        .client
        .delete_found(uri, args.regex.as_deref(), args.jobs as usize, told)
        .await;
    progress.end();
    if let Err(error) = deleted {
        tally.cut_short(error.at("delete", uri));
    }
    if tally.objects > 0 || tally.failed == 0 {
        done(session, tally.objects, tally.failed).await?;
    }
    tally.end()
}

/// How many keys there are; a dry run shows them. They are listed again to be deleted, so that none is kept.
async fn count(session: &mut Session, args: &Delete, uri: &Uri) -> Result<u64, Failure> {
    let named = |error: Error| error.at("delete", uri);
    let mut scan = session
        .client
        .scan(uri, true, args.regex.as_deref())
        .await
        .map_err(named)?;
    let root = uri.root();
    let mut count = 0;
    while let Some(entry) = scan.next().await.map_err(named)? {
        count += 1;
        if args.dry_run {
            show(session, &root.with_key(Key::new(entry.key))).await?;
        }
    }
    Ok(count)
}

fn announce(session: &Session, args: &Delete, count: u64) {
    match args.dry_run {
        true => session
            .output
            .notice(format_args!("Would delete {count} objects.")),
        false => session
            .output
            .notice(format_args!("Deleting {count} objects…")),
    }
}

async fn show(session: &mut Session, uri: &Uri) -> Result<(), Failure> {
    session
        .output
        .result(uri, || json!({"op": "delete", "uri": uri.to_string()}))
        .await
}

async fn done(session: &mut Session, deleted: u64, failed: u64) -> Result<(), Failure> {
    let record = || json!({"op": "delete", "objects": deleted, "failed": failed});
    let human = match failed {
        0 => "Done.".to_owned(),
        _ => format!("Deleted {deleted} objects."),
    };
    session.output.summary(human, record).await
}
