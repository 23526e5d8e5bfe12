//! `cp`: one file or object to another place, or from and to a pipe.

use std::io;

use s3dlio::{Error, Meter, Uri};
use serde_json::json;

use super::upload::done;
use crate::args::Cp;
use crate::exit::Failure;
use crate::files;
use crate::session::Session;

/// Standard input or output.
const PIPE: &str = "-";

pub async fn run(session: &mut Session, args: &Cp) -> Result<(), Failure> {
    match (args.source.as_str(), args.target.as_str()) {
        (PIPE, PIPE) => Err(Error::invalid("one of SRC and DST must not be -").into()),
        (PIPE, target) => from_stdin(session, target).await,
        (source, PIPE) => to_stdout(session, source).await,
        (source, target) => {
            let meter = Meter::default();
            let work = session.client.copy_file(source, target, &meter);
            let report = files::run(session, &meter, work).await?;
            done(session, "cp", "Copied", &report).await
        }
    }
}

async fn from_stdin(session: &mut Session, target: &str) -> Result<(), Failure> {
    let uri: Uri = target.parse()?;
    let put = session.client.put_from(&uri, tokio::io::stdin()).await?;
    let record = || json!({"op": "cp", "uri": uri.to_string(), "bytes": put.size});
    session
        .output
        .result(format_args!("Copied {} bytes to {uri}", put.size), record)
        .await
}

/// Standard output is the object's, so there is nothing else to say on it.
async fn to_stdout(session: &mut Session, source: &str) -> Result<(), Failure> {
    let uri: Uri = source.parse()?;
    let stdout = session.output.raw();
    let result = session.client.get_to(&uri, stdout).await;
    match result {
        // A reader that has seen enough is no failure.
        Err(error) if error.code() == Some("EPIPE") => {
            Err(io::Error::from(io::ErrorKind::BrokenPipe).into())
        }
        result => Ok(result.map(drop)?),
    }
}
