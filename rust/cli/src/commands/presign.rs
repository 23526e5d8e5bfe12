//! `presign`

use s3dlio::{HttpMethod, Uri};
use serde_json::json;

use crate::args::Presign;
use crate::exit::Failure;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Presign) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    let method: HttpMethod = args.method.parse()?;
    let url = session
        .client
        .presign(&uri, method, args.expires_in)
        .await?;
    let record = || {
        json!({
            "uri": uri.to_string(),
            "method": method.as_str(),
            "expires_in": args.expires_in,
            "url": url.reveal(),
        })
    };
    session.output.result(url.reveal(), record).await
}
