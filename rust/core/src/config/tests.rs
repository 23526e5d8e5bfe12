//! Where each value comes from, and which may stand together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::values::Values;
use super::{Config, CredentialSource, Credentials, Options, S3Identity, parse_size};
use crate::error::{Error, Result};

fn resolve(
    options: &[(&str, &str)],
    env: &[(&str, &str)],
    file: &[(&str, &str)],
) -> Result<Config> {
    let mut given = Options::default();
    for (name, value) in options {
        given.set(name, *value)?;
    }
    let lookup = |name: &str| {
        env.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    };
    let dotenv = file
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Values {
        options: &given,
        env: &lookup,
        dotenv: &dotenv,
    }
    .resolve()
}

#[test]
fn option_beats_environment_beats_file_beats_default() {
    let part =
        |options: &[_], env: &[_], file: &[_]| resolve(options, env, file).unwrap().part_size;
    let var = "S3DLIO_PART_SIZE";

    assert_eq!(part(&[], &[], &[]), 8 << 20);
    assert_eq!(part(&[], &[], &[(var, "5MiB")]), 5 << 20);
    assert_eq!(part(&[], &[(var, "6MiB")], &[(var, "5MiB")]), 6 << 20);
    assert_eq!(
        part(&[("part_size", "7340032")], &[(var, "6MiB")], &[]),
        7 << 20
    );
}

#[test]
fn options_are_seconds_and_ms_variables_milliseconds() {
    let base = |options: &[_], env: &[_]| resolve(options, env, &[]).unwrap().retry.base;

    assert_eq!(
        base(&[("retry_base", "0.25")], &[]),
        Duration::from_millis(250)
    );
    assert_eq!(
        base(&[], &[("S3DLIO_RETRY_BASE_MS", "40")]),
        Duration::from_millis(40)
    );
}

#[test]
fn journals_are_kept_in_the_cache_of_the_user() {
    let place = |options: &[_], env: &[_]| resolve(options, env, &[]).unwrap().journal_dir;
    let home = ("HOME", "/home/u");

    assert_eq!(place(&[], &[]), None);
    assert_eq!(
        place(&[], &[home]),
        Some("/home/u/.cache/s3dlio/uploads".into())
    );
    assert_eq!(
        place(&[], &[home, ("XDG_CACHE_HOME", "/c")]),
        Some("/c/s3dlio/uploads".into())
    );
    assert_eq!(place(&[("journal_dir", "/j")], &[home]), Some("/j".into()));
}

#[test]
fn a_bad_value_names_its_variable() {
    let text = |env: &[_]| resolve(&[], env, &[]).unwrap_err().to_string();

    assert!(text(&[("S3DLIO_MAX_ATTEMPTS", "0")]).contains("S3DLIO_MAX_ATTEMPTS=0"));
    assert!(text(&[("S3DLIO_PART_SIZE", "8")]).contains("64 KiB or more"));
    assert!(text(&[("S3DLIO_VERIFY", "maybe")]).contains("strong, auto, off"));
    assert!(text(&[("AWS_ENDPOINT_URL", "localhost:9000")]).contains("AWS_ENDPOINT_URL="));
    assert!(text(&[("AWS_ACCESS_KEY_ID", "AKIA")]).contains("secret_access_key"));
}

#[test]
fn an_unknown_option_names_the_nearest() {
    let error = resolve(&[("part_sise", "1")], &[], &[]).unwrap_err();

    assert_eq!(
        error.to_string(),
        "unknown option \"part_sise\"; did you mean \"part_size\"?"
    );
}

#[test]
fn a_credential_is_never_completed_from_another_place() {
    let env = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AZURE_STORAGE_KEY", "a2V5"),
    ];
    let half = resolve(&[("access_key_id", "other")], &env, &[]).unwrap_err();
    let pair = [("access_key_id", "other"), ("secret_access_key", "own")];
    let sas = resolve(&[("sas_token", "sv=1")], &env, &[]).unwrap().az;

    assert!(
        half.to_string().contains("secret_access_key is not"),
        "{half}"
    );
    let S3Identity::Keys(own) = resolve(&pair, &env, &[]).unwrap().s3.identity else {
        panic!("keys were given");
    };
    assert!(
        own.session_token.is_none(),
        "the token belongs to the other key"
    );
    assert!(sas.account_key.is_none() && sas.sas_token.is_some());
}

#[test]
fn the_best_place_decides_who_signs() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
    ];
    let who = |options: &[_], env: &[_], file: &[_]| match resolve(options, env, file)
        .unwrap()
        .s3
        .identity
    {
        S3Identity::Keys(_) => "keys",
        S3Identity::Source(_) => "source",
        S3Identity::Profile => "profile",
        S3Identity::Chain => "chain",
        S3Identity::Anonymous => "nobody",
    };

    assert_eq!(who(&[], &[], &[]), "chain");
    assert_eq!(who(&[("profile", "p")], &keys, &[]), "profile");
    assert_eq!(who(&[], &[("AWS_PROFILE", "p")], &keys), "chain");
    assert_eq!(
        who(&[], &[("AWS_PROFILE", "p"), keys[0], keys[1]], &[]),
        "keys"
    );
    assert_eq!(who(&[("anonymous", "1")], &keys, &[]), "nobody");
    let given = [("access_key_id", "id"), ("secret_access_key", "key")];
    assert_eq!(who(&given, &[("S3DLIO_ANONYMOUS", "1")], &[]), "keys");
}

#[derive(Debug)]
struct Nobody;

#[async_trait::async_trait]
impl CredentialSource for Nobody {
    async fn credentials(&self) -> Result<Credentials> {
        Err(Error::invalid("nobody has keys"))
    }
}

#[test]
fn a_source_stands_alone_and_above_the_environment() {
    let resolve = |options: &Options| {
        let file = BTreeMap::from([
            ("AWS_ACCESS_KEY_ID".to_owned(), "id".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "key".to_owned()),
            ("AWS_ENDPOINT_URL".to_owned(), "http://file".to_owned()),
        ]);
        Values {
            options,
            env: &|_| None,
            dotenv: &file,
        }
        .resolve()
    };
    let mut options = Options::default();
    options.set_credentials(Arc::new(Nobody));

    let s3 = resolve(&options).unwrap().s3;
    assert!(matches!(s3.identity, S3Identity::Source(_)));
    assert_eq!(
        s3.endpoint_url, None,
        "a file does not lead a source's keys"
    );
    for rival in ["access_key_id", "profile", "anonymous"] {
        let mut both = options.clone();
        both.set(rival, "1").unwrap();
        let error = resolve(&both).unwrap_err();
        assert!(error.to_string().contains(rival), "{error}");
    }
}

#[test]
fn options_are_equal_with_the_same_source() {
    let mut options = Options::default();
    options.set_credentials(Arc::new(Nobody));
    let mut other = Options::default();
    other.set_credentials(Arc::new(Nobody));

    assert!(options == options.clone());
    assert!(options != other && options != Options::default());
    assert!(!options.is_empty());
}

#[test]
fn a_file_leads_only_its_own_credentials() {
    let s3 = [
        ("AWS_ENDPOINT_URL", "http://file"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
    ];
    let az = [
        ("AZURE_STORAGE_ENDPOINT", "http://file/a"),
        ("AZURE_STORAGE_ACCOUNT", "a"),
        ("AZURE_STORAGE_SAS_TOKEN", "sig=x"),
    ];
    let led = |options: &[_], env: &[_], file: &[_]| {
        let config = resolve(options, env, file).unwrap();
        let az = config.az.endpoint_url.is_some();
        assert_eq!(az, config.az.account_name.is_some());
        config.s3.endpoint_url.is_some() || az
    };

    assert!(led(&[], &[], &s3));
    assert!(led(&[], &[], &az));
    assert!(!led(&[], &[], &s3[..1]));
    assert!(!led(&[], &[], &az[..2]));
    assert!(!led(&[], &s3[1..], &s3));
    assert!(!led(&[], &[("AZURE_STORAGE_KEY", "a2V5")], &az));
    assert!(!led(&[("account_key", "a2V5")], &[], &az));
    assert!(led(&[], &s3[..1], &s3[1..]), "the environment may lead");
}

#[test]
fn a_password_in_a_url_is_refused_and_not_shown() {
    for name in ["endpoint_url", "azure_endpoint_url"] {
        let error = resolve(&[(name, "http://user:s3cr3t@host/")], &[], &[]).unwrap_err();

        assert!(error.to_string().starts_with(name), "{error}");
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}

#[test]
fn secrets_never_show() {
    let config = resolve(
        &[
            ("access_key_id", "AKIAX"),
            ("secret_access_key", "s3cr3t"),
            ("account_key", "a2V5"),
        ],
        &[],
        &[],
    )
    .unwrap();
    let shown = format!("{config:?}");

    for secret in ["AKIAX", "s3cr3t", "a2V5"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn sizes_are_taken_as_people_write_them() {
    for (text, size) in [
        ("0", Some(0)),
        ("8388608", Some(8 << 20)),
        ("8MiB", Some(8 << 20)),
        ("8 MiB", Some(8 << 20)),
        ("3KiB", Some(3072)),
        ("2GiB", Some(2 << 30)),
        ("1TiB", Some(1 << 40)),
        ("5kB", Some(5000)),
        ("5MB", Some(5_000_000)),
        ("5GB", Some(5_000_000_000)),
        ("7B", Some(7)),
        ("", None),
        ("MiB", None),
        ("1.5MiB", None),
        ("-1", None),
        ("1m", None),
        ("99999999TiB", None),
    ] {
        assert_eq!(parse_size(text), size, "{text}");
    }
    assert!(resolve(&[("memory_limit", "0")], &[], &[]).is_err());
}
