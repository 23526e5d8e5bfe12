//! `stat`

use std::fmt::Write;

use s3dlio::{ObjectMeta, Scheme, Uri};
use serde_json::{Map, Value, json};

use super::utc;
use crate::args::Stat;
use crate::exit::Failure;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Stat) -> Result<(), Failure> {
    let uri: Uri = args.uri.parse()?;
    let facts = facts(&uri, &session.client.stat(&uri).await?);
    session
        .output
        .result(shown(&uri, &facts), || with_uri(&uri, &facts))
        .await
}

type Facts = Vec<(&'static str, Value)>;

/// The same keys on every scheme, in one order; null where the service has no such thing.
fn facts(uri: &Uri, meta: &ObjectMeta) -> Facts {
    let mut facts = vec![
        ("size", json!(meta.size)),
        ("last_modified", json!(meta.last_modified.map(utc))),
        ("etag", json!(meta.etag)),
        ("content_type", json!(meta.content_type)),
        ("content_language", json!(meta.content_language)),
        ("storage_class", json!(meta.storage_class)),
        ("metadata", json!(meta.metadata)),
        ("version_id", json!(meta.version_id)),
        ("replication_status", json!(meta.replication_status)),
        ("server_side_encryption", json!(meta.server_side_encryption)),
        ("ssekms_key_id", json!(meta.ssekms_key_id)),
    ];
    if uri.scheme() == Scheme::Az {
        facts.push(("tier", json!(meta.tier)));
    }
    facts
}

fn shown(uri: &Uri, facts: &Facts) -> String {
    let mut text = format!("Stat for {uri}:");
    for (name, value) in facts {
        let value = match value {
            Value::Null => "None".to_owned(),
            Value::String(value) => value.clone(),
            value => value.to_string(),
        };
        write!(text, "\n  {name}: {value}").expect("writing to memory does not fail");
    }
    text
}

fn with_uri(uri: &Uri, facts: &Facts) -> Value {
    let uri = ("uri".to_owned(), json!(uri.to_string()));
    let facts = facts
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    Value::Object(std::iter::once(uri).chain(facts).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eleven_keys_and_none_where_there_is_nothing() {
        let uri: Uri = "s3://b/k".parse().unwrap();
        let meta = ObjectMeta {
            size: 5,
            etag: Some("\"x\"".into()),
            ..ObjectMeta::default()
        };

        let text = shown(&uri, &facts(&uri, &meta));

        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "Stat for s3://b/k:",
                "  size: 5",
                "  last_modified: None",
                "  etag: \"x\"",
                "  content_type: None",
                "  content_language: None",
                "  storage_class: None",
                "  metadata: {}",
                "  version_id: None",
                "  replication_status: None",
                "  server_side_encryption: None",
                "  ssekms_key_id: None",
            ]
        );
    }
}
