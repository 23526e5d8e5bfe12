//! `set-tier`

use s3dlio::Uri;
use serde_json::json;

use crate::args::SetTier;
use crate::exit::Failure;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &SetTier) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    let tier = args.tier.as_str();
    session.client.set_tier(&uri, tier).await?;
    let done = || json!({"op": "set-tier", "uri": uri.to_string(), "tier": tier});
    session
        .output
        .result(format_args!("Moved {uri} to {tier}"), done)
        .await
}
