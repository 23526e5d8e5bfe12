//! `create-bucket`

use s3dlio::Uri;
use serde_json::json;

use crate::args::CreateBucket;
use crate::exit::Failure;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &CreateBucket) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    session.client.create_bucket(&uri).await?;
    let done = || json!({"op": "create-bucket", "uri": uri.to_string()});
    session
        .output
        .result(format_args!("Created {uri}"), done)
        .await
}
