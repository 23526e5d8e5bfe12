//! `list`: lines as their pages arrive, in constant memory.

use s3dlio::{Entry, Key, Uri};
use serde_json::{Value, json};

use super::utc;
use crate::args::List;
use crate::exit::Failure;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &List) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    let root = uri.root();
    let mut scan = session
        .client
        .scan(&uri, args.recursive, args.pattern.as_deref())
        .await?;
    let mut count = 0u64;
    while let Some(entry) = scan.next().await? {
        count += u64::from(!is_prefix(&entry));
        let line = line(&root, &entry, args);
        session
            .output
            .result(line, || record(&root, &entry))
            .await?;
    }
    session
        .output
        .remark(format_args!("\nTotal objects: {count}"))
        .await
}

fn is_prefix(entry: &Entry) -> bool {
    entry.key.ends_with('/')
}

fn line(root: &Uri, entry: &Entry, args: &List) -> String {
    let name = match args.uris {
        true => root.with_key(Key::new(entry.key.as_str())).to_string(),
        false => entry.key.clone(),
    };
    if !args.long {
        return name;
    }
    let time = entry.last_modified.map_or_else(|| "-".to_owned(), utc);
    let size = if is_prefix(entry) {
        "-".to_owned()
    } else {
        entry.size.to_string()
    };
    format!("{time:<20} {size:>14} {name}")
}

fn record(root: &Uri, entry: &Entry) -> Value {
    let uri = root.with_key(Key::new(entry.key.as_str())).to_string();
    if is_prefix(entry) {
        return json!({"prefix": entry.key, "uri": uri});
    }
    json!({
        "key": entry.key,
        "uri": uri,
        "size": entry.size,
        "etag": entry.etag,
        "last_modified": entry.last_modified.map(utc),
    })
}
