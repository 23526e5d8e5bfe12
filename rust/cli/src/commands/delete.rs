//! `delete`: exactly what was named, and never more.

use s3dlio::{Error, Key, Uri};
use serde_json::json;

use crate::args::Delete;
use crate::exit::Failure;
use crate::jobs;
use crate::output;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Delete) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    if uri.is_prefix() || args.regex.is_some() {
        return delete_below(session, args, &uri).await;
    }
    if args.dry_run {
        let exists = session.client.exists(&uri).await?;
        announce(session, args, u64::from(exists));
        return if exists {
            show(session, &uri).await
        } else {
            Ok(())
        };
    }
    announce(session, args, 1);
    let count = session.client.delete(&uri).await?;
    done(session, count, 0).await
}

async fn delete_below(session: &mut Session, args: &Delete, uri: &Uri) -> Result<(), Failure> {
    let found = find(session, args, uri).await?;
    announce(session, args, found.count);
    if args.dry_run {
        return Ok(());
    }
    if args.regex.is_none() {
        let count = session.client.delete(uri).await?;
        return done(session, count, 0).await;
    }
    let client = &session.client;
    let progress = session.output.progress(found.count, None);
    let root = uri.root();
    let work = found.keys.into_iter().map(|key| {
        let (client, uri) = (client.clone(), root.with_key(key));
        async move { client.delete(&uri).await.map(|_| 0) }
    });
    let tally = jobs::run(work, args.jobs, &progress, output::complain).await;
    if tally.failed == 0 {
        done(session, tally.objects, 0).await?;
    }
    tally.end()
}

/// What a pattern selects, or only how many keys there are: a prefix is deleted by its name.
struct Found {
    count: u64,
    keys: Vec<Key>,
}

async fn find(session: &mut Session, args: &Delete, uri: &Uri) -> Result<Found, Failure> {
    let named = |error: Error| error.at("delete", uri);
    let mut scan = session
        .client
        .scan(uri, true, args.regex.as_deref())
        .await
        .map_err(named)?;
    let root = uri.root();
    let mut found = Found {
        count: 0,
        keys: Vec::new(),
    };
    while let Some(entry) = scan.next().await.map_err(named)? {
        found.count += 1;
        if args.dry_run {
            show(session, &root.with_key(Key::new(entry.key))).await?;
        } else if args.regex.is_some() {
            found.keys.push(Key::new(entry.key));
        }
    }
    Ok(found)
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
    session.output.result("Done.", record).await
}
