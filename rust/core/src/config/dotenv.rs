//! `.env` of the current directory: only the names of the three services, and never an endpoint that would send
//! credentials of another origin to a foreign host.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

const PREFIXES: [&str; 3] = ["AWS_", "AZURE_", "S3DLIO_"];

/// Endpoints, and the credentials that must stand in the same file for each to be believed.
const PAIRED: [(&str, &[&str]); 3] = [
    ("AWS_ENDPOINT_URL", &["AWS_SECRET_ACCESS_KEY"]),
    ("AWS_ENDPOINT_URL_S3", &["AWS_SECRET_ACCESS_KEY"]),
    (
        "AZURE_STORAGE_ENDPOINT",
        &[
            "AZURE_STORAGE_KEY",
            "AZURE_STORAGE_SAS_TOKEN",
            "AZURE_STORAGE_CONNECTION_STRING",
        ],
    ),
];

/// The usable settings of `./.env`; empty where there is none, or where `S3DLIO_LOAD_DOTENV=0`.
pub(super) fn load(env: &dyn Fn(&str) -> Option<String>) -> Result<BTreeMap<String, String>> {
    if env("S3DLIO_LOAD_DOTENV")
        .is_some_and(|value| matches!(value.as_str(), "0" | "false" | "no" | "off"))
    {
        return Ok(BTreeMap::new());
    }
    let path = Path::new(".env");
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    let entries = dotenvy::from_path_iter(path).map_err(|cause| unreadable(&cause))?;
    let mut values = BTreeMap::new();
    for entry in entries {
        let (name, value) = entry.map_err(|cause| unreadable(&cause))?;
        if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            values.insert(name, value);
        }
    }
    drop_unpaired_endpoints(&mut values, env);
    if !values.is_empty() {
        let names: Vec<&str> = values.keys().map(String::as_str).collect();
        tracing::info!(file = ".env", names = names.join(" "), "settings read");
    }
    Ok(values)
}

/// The parser's own text quotes the line, and the line may hold a secret.
fn unreadable(cause: &dotenvy::Error) -> Error {
    match cause {
        dotenvy::Error::LineParse(_, at) => {
            Error::invalid(format!(".env: a line cannot be read (at column {at})"))
        }
        dotenvy::Error::Io(cause) => Error::new(ErrorKind::LocalIo, format!(".env: {cause}")),
        _ => Error::invalid(".env cannot be read"),
    }
}

fn drop_unpaired_endpoints(
    values: &mut BTreeMap<String, String>,
    env: &dyn Fn(&str) -> Option<String>,
) {
    for (endpoint, credentials) in PAIRED {
        let own = credentials
            .iter()
            .any(|name| values.contains_key(*name) && env(name).is_none());
        if !own && values.remove(endpoint).is_some() {
            tracing::warn!(
                "{endpoint} of .env is ignored: the credentials in use do not come from that file"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_needs_its_credentials_beside_it() {
        let file = |names: &[&str]| -> BTreeMap<String, String> {
            names
                .iter()
                .map(|name| ((*name).to_owned(), "x".to_owned()))
                .collect()
        };
        let keep = |mut values: BTreeMap<String, String>, env: &dyn Fn(&str) -> Option<String>| {
            drop_unpaired_endpoints(&mut values, env);
            values.contains_key("AWS_ENDPOINT_URL")
        };
        let both = || file(&["AWS_ENDPOINT_URL", "AWS_SECRET_ACCESS_KEY"]);

        assert!(keep(both(), &|_| None));
        assert!(!keep(file(&["AWS_ENDPOINT_URL"]), &|_| None));
        assert!(!keep(both(), &|name| (name == "AWS_SECRET_ACCESS_KEY")
            .then(|| "env".to_owned())));
    }
}
