//! `.env` of the current directory: only the names of the three services, read once per process.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::Lines;
use std::sync::OnceLock;

use crate::error::{Error, Result};

pub(super) const SWITCH: &str = "S3DLIO_LOAD_DOTENV";
const PREFIXES: [&str; 3] = ["AWS_", "AZURE_", "S3DLIO_"];

static NOTHING: BTreeMap<String, String> = BTreeMap::new();
/// A process that changes its directory later keeps the settings it began with.
static READ: OnceLock<BTreeMap<String, String>> = OnceLock::new();

/// What `./.env` held when it was first asked for; empty where there is none, or where `S3DLIO_LOAD_DOTENV=0`.
///
/// # Errors
/// `InvalidInput` for a line that cannot be read; the next call reads the file again.
pub(super) fn once(
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<&'static BTreeMap<String, String>> {
    if is_off(env)? {
        return Ok(&NOTHING);
    }
    if let Some(values) = READ.get() {
        return Ok(values);
    }
    let values = read(Path::new(".env"))?;
    // Whoever was first has told what it read.
    if READ.set(values).is_ok() {
        tell(&READ);
    }
    Ok(READ.get().expect("it has been set"))
}

fn is_off(env: &dyn Fn(&str) -> Option<String>) -> Result<bool> {
    match env(SWITCH) {
        None => Ok(false),
        Some(value) if value.is_empty() => Ok(false),
        Some(value) => match super::values::parse_switch(&value) {
            Some(on) => Ok(!on),
            None => Err(Error::invalid(format!(
                "{SWITCH}={value}: expected true or false"
            ))),
        },
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    if !path.is_file() {
        return Ok(values);
    }
    let bytes = std::fs::read(path)
        .map_err(|cause| Error::from(cause).with_detail(path.display().to_string()))?;
    // Other programs keep their own things in this file: what is not ours may be anything.
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    while let Some(line) = lines.next() {
        let Some(name) = name_of(line).filter(|name| is_ours(name)) else {
            continue;
        };
        let Some((value, more)) = value_of(line, lines.clone()) else {
            // The line itself may hold a secret.
            return Err(Error::invalid(format!(
                "{}: the value of {name} cannot be read",
                path.display()
            )));
        };
        values.insert(name.to_owned(), value);
        lines = more;
    }
    Ok(values)
}

/// The value that begins on `line`, and the lines behind it: within quotes it may go on over several.
fn value_of<'a>(line: &str, mut rest: Lines<'a>) -> Option<(String, Lines<'a>)> {
    let mut entry = line.to_owned();
    loop {
        if let Some(Ok((_, value))) = dotenvy::from_read_iter(entry.as_bytes()).next() {
            return Some((value, rest));
        }
        entry.extend(["\n", rest.next()?]);
    }
}

fn is_ours(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// What stands before the first `=` of a line.
fn name_of(line: &str) -> Option<&str> {
    let name = line.split('=').next()?.trim();
    Some(name.strip_prefix("export ").unwrap_or(name).trim())
}

fn tell(read: &OnceLock<BTreeMap<String, String>>) {
    let Some(values) = read.get().filter(|values| !values.is_empty()) else {
        return;
    };
    let names: Vec<&str> = values.keys().map(String::as_str).collect();
    tracing::info!(file = ".env", names = names.join(" "), "settings read");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_the_services_are_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        std::fs::write(
            &path,
            "AWS_REGION=eu-1\nHTTPS_PROXY=http://evil\nexport S3DLIO_VERIFY='off' # why\nPATH=/x\nAZURE_STORAGE_ACCOUNT=a\n",
        )
        .unwrap();

        let values = read(&path).unwrap();

        assert_eq!(
            values.into_iter().collect::<Vec<_>>(),
            [
                ("AWS_REGION".to_owned(), "eu-1".to_owned()),
                ("AZURE_STORAGE_ACCOUNT".to_owned(), "a".to_owned()),
                ("S3DLIO_VERIFY".to_owned(), "off".to_owned()),
            ]
        );
        assert!(read(&directory.path().join("none")).unwrap().is_empty());
    }

    #[test]
    fn a_bad_line_is_told_without_its_text() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        std::fs::write(&path, "AWS_SECRET_ACCESS_KEY='s3cr3t\n").unwrap();

        let error = read(&path).unwrap_err();

        assert!(error.to_string().contains(".env"), "{error}");
        assert!(
            !format!("{error} {error:?}").contains("s3cr3t"),
            "{error:?}"
        );
    }

    #[test]
    fn lines_of_others_may_be_anything() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        let mut text =
            b"\xef\xbb\xbfAWS_REGION=eu-1\nFOO=with some spaces\nJUSTANAME\nBAR=it's\n".to_vec();
        text.extend(b"BYTES=\xff\nJSON={\"a\": 1, \"b\": \"c d\"}\nS3DLIO_VERIFY=off\n");
        std::fs::write(&path, text).unwrap();

        let names: Vec<String> = read(&path).unwrap().into_keys().collect();

        assert_eq!(names, ["AWS_REGION", "S3DLIO_VERIFY"]);
    }

    #[test]
    fn the_switch_takes_the_words_of_all_switches() {
        let off = |value: &str| {
            let value = value.to_owned();
            is_off(&move |_| Some(value.clone()))
        };

        assert!(!is_off(&|_| None).unwrap());
        assert!(off("0").unwrap() && off("No").unwrap());
        assert!(!off("1").unwrap() && !off("").unwrap());
        assert!(off("maybe").unwrap_err().to_string().contains(SWITCH));
    }
}
