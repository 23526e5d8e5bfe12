//! `cp`: files and objects to another place, or one from and to a pipe.

use s3dlio::{Error, Meter, TransferOptions};
use serde_json::json;

use super::upload::{done, split};
use crate::args::Cp;
use crate::exit::Failure;
use crate::files;
use crate::session::Session;

/// Standard input or output.
pub(super) const PIPE: &str = "-";

pub async fn run(session: &mut Session, args: &Cp) -> Result<(), Failure> {
    let (sources, target) = split(&args.paths, "DST")?;
    match (sources, target) {
        ([source], PIPE) if source != PIPE => to_stdout(session, source).await,
        ([source], target) if source == PIPE && target != PIPE => {
            from_stdin(session, args, target).await
        }
        _ if args.paths.iter().any(|path| path == PIPE) => {
            Err(Error::invalid("- stands for one of one SRC and DST").into())
        }
        _ => {
            let options = TransferOptions {
                recursive: args.recursive,
                follow_symlinks: args.follow_symlinks,
                max_in_flight: args.jobs as usize,
                write: args.properties.options(),
                ..TransferOptions::default()
            };
            let meter = Meter::default();
            let client = &session.client;
            // It may be any of all transfers, too much to move around.
            let work = Box::pin(client.copy_files(sources, target, &options, &meter));
            let ended = files::run(session, &meter, work).await;
            done(session, "cp", "Copied", ended).await
        }
    }
}

async fn from_stdin(session: &mut Session, args: &Cp, target: &str) -> Result<(), Failure> {
    let uri = s3dlio::locate(target).await?;
    let options = args.properties.options();
    let stdin = tokio::io::stdin();
    let put = session.client.put_from(&uri, stdin, &options).await?;
    let record = || json!({"op": "cp", "uri": uri.to_string(), "bytes": put.size});
    session
        .output
        .summary(format_args!("Copied {} bytes to {uri}", put.size), record)
        .await
}

/// Standard output is the object's, so there is nothing else to say on it.
async fn to_stdout(session: &mut Session, source: &str) -> Result<(), Failure> {
    let uri = s3dlio::locate(source).await?;
    let mut stdout = session.output.raw();
    let result = session.client.get_to(&uri, &mut stdout).await;
    match stdout.failure() {
        Some(cause) => Err(cause.into()),
        None => Ok(result.map(drop)?),
    }
}
