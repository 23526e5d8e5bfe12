//! `delete-bucket`

use s3dlio::Uri;
use serde_json::json;

use crate::args::DeleteBucket;
use crate::exit::Failure;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &DeleteBucket) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    session.client.delete_bucket(&uri).await?;
    let done = || json!({"op": "delete-bucket", "uri": uri.to_string()});
    session
        .output
        .result(format_args!("Deleted {uri}"), done)
        .await
}
