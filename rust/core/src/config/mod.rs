//! Settings, read once: explicit option, then environment, then `.env`, then default. Nothing else reads the environment.

mod dotenv;
mod secret;
mod settings;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use secret::Secret;
pub use settings::{Kind, SETTINGS, Setting, nearest};

use crate::error::{Error, Result};

/// Settings given in the call, by name. Values are checked when the options are resolved into a [`Config`].
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Options(BTreeMap<&'static str, String>);

impl Options {
    /// Sets one option.
    ///
    /// # Errors
    /// `InvalidInput` for a name that no setting has; it tells the nearest one.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> Result<()> {
        let Some(setting) = settings::find(name) else {
            let names = SETTINGS.iter().map(|setting| setting.name);
            let hint = nearest(name, names).map(|near| format!("; did you mean {near:?}?"));
            let hint = hint.unwrap_or_default();
            return Err(Error::invalid(format!("unknown option {name:?}{hint}")));
        };
        self.0.insert(setting.name, value.into());
        Ok(())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secrets.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How much a read is compared with what the service stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    Strong,
    Auto,
    Off,
}

#[derive(Debug, Clone)]
pub struct S3Config {
    pub endpoint_url: Option<String>,
    pub region: Option<String>,
    /// Key id, secret, and the token of temporary credentials; without them the SDK's chain is asked.
    pub credentials: Option<StaticCredentials>,
    pub profile: Option<String>,
    /// Requests go unsigned; no credentials are looked for.
    pub anonymous: bool,
    /// `Some(true)` puts the bucket in the path, `None` decides by the endpoint.
    pub path_style: Option<bool>,
    pub sign_payload: bool,
}

#[derive(Debug, Clone)]
pub struct StaticCredentials {
    pub access_key_id: Secret,
    pub secret_access_key: Secret,
    pub session_token: Option<Secret>,
}

#[derive(Debug, Clone)]
pub struct AzConfig {
    pub endpoint_url: Option<String>,
    pub account_name: Option<String>,
    pub account_key: Option<Secret>,
    pub sas_token: Option<Secret>,
    pub connection_string: Option<Secret>,
}

#[derive(Debug, Clone)]
pub struct RetryConfig {
    pub max_attempts: u32,
    pub base: Duration,
    pub max: Duration,
    pub deadline: Duration,
    pub connect_timeout: Duration,
    pub stall_timeout: Duration,
}

/// All settings of one client, checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub s3: S3Config,
    pub az: AzConfig,
    pub retry: RetryConfig,
    /// PEM file of authorities to trust beside the system's.
    pub ca_bundle: Option<String>,
    /// Bytes.
    pub part_size: u64,
    pub concurrency: usize,
    /// Bytes.
    pub memory_limit: u64,
    pub verify: Verify,
    pub durable: bool,
    pub direct_strict: bool,
    /// Where uploads note how far they are; `None` where there is no home to keep it in.
    pub journal_dir: Option<PathBuf>,
    /// Bytes.
    pub max_decompressed: u64,
}

impl Config {
    /// Resolves `options` over the process environment and `.env`.
    ///
    /// # Errors
    /// `InvalidInput` naming the option or variable whose value is not valid.
    pub fn load(options: &Options) -> Result<Config> {
        let env = |name: &str| process_env(name);
        Values {
            options,
            env: &env,
            dotenv: dotenv::load(&env)?,
        }
        .resolve()
    }
}

/// Threads of the runtime; asked once per process, before there is a client.
///
/// # Errors
/// `InvalidInput` naming the variable.
pub fn runtime_threads() -> Result<Option<usize>> {
    let env = |name: &str| process_env(name);
    let options = Options::default();
    Values {
        options: &options,
        env: &env,
        dotenv: BTreeMap::new(),
    }
    .count("rt_threads")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The places a value may come from, best first.
struct Values<'a> {
    options: &'a Options,
    env: &'a dyn Fn(&str) -> Option<String>,
    dotenv: BTreeMap<String, String>,
}

/// Where a value stands, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Option,
    Environment,
    File,
}

impl Level {
    const ALL: [Level; 3] = [Level::Option, Level::Environment, Level::File];
}

/// A value and the name a user would have to look for to change it.
struct Found {
    value: String,
    origin: &'static str,
}

impl Values<'_> {
    fn find(&self, name: &str) -> Option<Found> {
        Level::ALL
            .into_iter()
            .find_map(|level| self.find_at(level, name))
    }

    fn find_at(&self, level: Level, name: &str) -> Option<Found> {
        let setting = settings::find(name).expect("resolve asks for settings of the table");
        if level == Level::Option {
            let value = self.options.0.get(name)?.clone();
            return Some(Found {
                value,
                origin: setting.name,
            });
        }
        setting.env.iter().find_map(|origin| {
            let value = match level {
                Level::Environment => (self.env)(origin)?,
                _ => self.dotenv.get(*origin)?.clone(),
            };
            (!value.is_empty()).then_some(Found { value, origin })
        })
    }

    /// Settings that only make sense together, all from the best place that has one of them: half a credential must
    /// not be completed by, or lose to, another one of lower rank.
    fn secrets<const N: usize>(&self, names: [&str; N]) -> [Option<Secret>; N] {
        let has_one = |level: &Level| {
            names
                .iter()
                .any(|name| self.find_at(*level, name).is_some())
        };
        let level = Level::ALL.into_iter().find(has_one);
        names.map(|name| {
            let found = self.find_at(level?, name)?;
            Some(Secret::new(found.value))
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        self.find(name).map(|found| found.value)
    }

    fn parse<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        self.parse_from(name, expected, |text, _| parse(text))
    }

    /// As `parse`, where the name of the option or variable matters too.
    fn parse_from<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str, &str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(Found { value, origin }) = self.find(name) else {
            return Ok(None);
        };
        match parse(value.trim(), origin) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(Error::invalid(format!(
                "{origin}={value}: expected {expected}"
            ))),
        }
    }

    fn choice(&self, name: &str, words: &'static [&'static str]) -> Result<Option<&'static str>> {
        self.parse(name, &words.join(", "), |text| {
            words.iter().find(|word| **word == text).copied()
        })
    }

    fn count(&self, name: &str) -> Result<Option<usize>> {
        self.parse(name, "a whole number above 0", |text| {
            text.parse().ok().filter(|n| *n > 0)
        })
    }

    fn size(&self, name: &str) -> Result<Option<u64>> {
        self.parse(name, "bytes above 0, as 8388608 or 8MiB", parse_size)
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        self.parse_from(name, "a time above 0", |text, origin| {
            let time = text.parse::<f64>().ok().filter(|time| *time > 0.0)?;
            let per_second = if origin.ends_with("_MS") { 1000.0 } else { 1.0 };
            Duration::try_from_secs_f64(time / per_second).ok()
        })
    }

    fn switch(&self, name: &str) -> Result<Option<bool>> {
        self.parse(name, "true or false", |text| {
            match text.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Some(true),
                "0" | "false" | "no" | "off" => Some(false),
                _ => None,
            }
        })
    }

    fn resolve(&self) -> Result<Config> {
        let addressing = self.choice("addressing_style", settings::ADDRESSING)?;
        let azure_endpoint = match self.options.0.contains_key("endpoint_url") {
            true => "endpoint_url",
            false => "azure_endpoint_url",
        };
        let [account_key, sas_token, connection_string] =
            self.secrets(["account_key", "sas_token", "connection_string"]);
        Ok(Config {
            s3: S3Config {
                endpoint_url: self.url("endpoint_url")?,
                region: self.text("region"),
                credentials: self.s3_credentials()?,
                profile: self.text("profile"),
                anonymous: self.switch("anonymous")?.unwrap_or(false),
                path_style: addressing.and_then(|style| match style {
                    "path" => Some(true),
                    "virtual" => Some(false),
                    _ => None,
                }),
                sign_payload: self.choice("sign_payload", settings::SIGN_PAYLOAD)?
                    == Some("always"),
            },
            az: AzConfig {
                endpoint_url: self.url(azure_endpoint)?,
                account_name: self.text("account_name"),
                account_key,
                sas_token,
                connection_string,
            },
            retry: RetryConfig {
                max_attempts: self
                    .count("max_attempts")?
                    .map_or(8, |count| u32::try_from(count).unwrap_or(u32::MAX)),
                base: self
                    .seconds("retry_base")?
                    .unwrap_or(Duration::from_millis(100)),
                max: self
                    .seconds("retry_max")?
                    .unwrap_or(Duration::from_secs(15)),
                deadline: self
                    .seconds("retry_deadline")?
                    .unwrap_or(Duration::from_mins(3)),
                connect_timeout: self
                    .seconds("connect_timeout")?
                    .unwrap_or(Duration::from_secs(5)),
                stall_timeout: self
                    .seconds("stall_timeout")?
                    .unwrap_or(Duration::from_secs(30)),
            },
            ca_bundle: self.text("ca_bundle"),
            part_size: self.size("part_size")?.unwrap_or(8 << 20),
            concurrency: self.count("concurrency")?.unwrap_or(64),
            memory_limit: self.size("memory_limit")?.unwrap_or(1 << 30),
            verify: match self.choice("verify", settings::VERIFY)? {
                Some("strong") => Verify::Strong,
                Some("off") => Verify::Off,
                _ => Verify::Auto,
            },
            durable: self.switch("durable")?.unwrap_or(true),
            direct_strict: self.choice("direct", settings::DIRECT)? == Some("strict"),
            journal_dir: self.journal_dir(),
            max_decompressed: self.size("max_decompressed")?.unwrap_or(1 << 30),
        })
    }

    fn journal_dir(&self) -> Option<PathBuf> {
        let set = |name| (self.env)(name).filter(|value| !value.is_empty());
        let cache = || match set("XDG_CACHE_HOME") {
            Some(cache) => Some(PathBuf::from(cache)),
            None => Some(PathBuf::from(set("HOME")?).join(".cache")),
        };
        match self.text("journal_dir") {
            Some(directory) => Some(PathBuf::from(directory)),
            None => Some(cache()?.join("s3dlio/uploads")),
        }
    }

    fn url(&self, name: &str) -> Result<Option<String>> {
        self.parse(name, "an http:// or https:// URL", |text| {
            let url = url::Url::parse(text).ok()?;
            matches!(url.scheme(), "http" | "https").then(|| text.trim_end_matches('/').to_owned())
        })
    }

    /// Both keys or none: half a pair is a slip that the credential chain would hide.
    fn s3_credentials(&self) -> Result<Option<StaticCredentials>> {
        let [access_key_id, secret_access_key, session_token] =
            self.secrets(["access_key_id", "secret_access_key", "session_token"]);
        match (access_key_id, secret_access_key) {
            (Some(access_key_id), Some(secret_access_key)) => Ok(Some(StaticCredentials {
                access_key_id,
                secret_access_key,
                session_token,
            })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(Error::invalid(
                "access_key_id is set but secret_access_key is not",
            )),
            (None, Some(_)) => Err(Error::invalid(
                "secret_access_key is set but access_key_id is not",
            )),
        }
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit.trim() {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(1 << shift)
        .filter(|size| *size > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            dotenv,
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
        let own = resolve(&pair, &env, &[]).unwrap().s3.credentials.unwrap();
        assert!(
            own.session_token.is_none(),
            "the token belongs to the other key"
        );
        assert!(sas.account_key.is_none() && sas.sas_token.is_some());
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
}
