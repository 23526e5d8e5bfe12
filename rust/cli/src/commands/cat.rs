//! `cat`: the bytes of one object as they are, in bounded memory.

use s3dlio::Uri;

use crate::args::Cat;
use crate::exit::Failure;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Cat) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    let client = &session.client;
    let memory = client.config().memory_limit;
    let mut pieces = client
        .pieces(&uri, args.offset, args.length, memory)
        .await?;
    while let Some(part) = pieces.next().await? {
        session.output.bytes(&part).await?;
    }
    Ok(())
}
