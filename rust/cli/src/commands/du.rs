//! `du`: bytes and objects below a prefix, added up as the pages of its listing arrive.

use s3dlio::Uri;
use serde_json::json;

use crate::args::Du;
use crate::exit::Failure;
use crate::session::Session;

const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

pub async fn run(session: &mut Session, args: &Du) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    let (bytes, objects) = match uri.key().is_prefix() {
        true => below(session, &uri).await?,
        false => (session.client.stat(&uri).await?.size, 1),
    };
    let size = match args.human {
        true => human(bytes),
        false => format!("{bytes} bytes"),
    };
    let record = || json!({"op": "du", "uri": uri.to_string(), "bytes": bytes, "objects": objects});
    session
        .output
        .result(format_args!("{size} in {objects} objects: {uri}"), record)
        .await
}

async fn below(session: &Session, uri: &Uri) -> Result<(u64, u64), Failure> {
    let mut scan = session.client.scan(uri, true, None).await?;
    let (mut bytes, mut objects) = (0, 0);
    while let Some(entry) = scan.next().await.map_err(|error| error.at("list", uri))? {
        bytes += entry.size;
        objects += 1;
    }
    Ok((bytes, objects))
}

/// In the largest unit of which there is one or more, to a hundredth.
fn human(bytes: u64) -> String {
    let Some(last) = bytes
        .checked_ilog2()
        .map(|power| power / 10)
        .filter(|unit| *unit > 0)
    else {
        return format!("{bytes} bytes");
    };
    let unit = (1u64 << (10 * last)) as f64;
    format!("{:.2} {}", bytes as f64 / unit, UNITS[last as usize - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_the_unit_that_fits() {
        assert_eq!(human(0), "0 bytes");
        assert_eq!(human(1023), "1023 bytes");
        assert_eq!(human(1024), "1.00 KiB");
        assert_eq!(human(20 << 20), "20.00 MiB");
        assert_eq!(human(3 << 39), "1.50 TiB");
        assert_eq!(human(u64::MAX), "16.00 EiB");
    }
}
