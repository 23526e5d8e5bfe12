//! `exists`: an answer by the exit code.

use s3dlio::Uri;
use serde_json::json;

use crate::args::Exists;
use crate::exit::Failure;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Exists) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    let exists = session.client.exists(&uri).await?;
    let record = || json!({"uri": uri.to_string(), "exists": exists});
    session.output.record(record).await?;
    match exists {
        true => Ok(()),
        false => Err(Failure::Absent),
    }
}
