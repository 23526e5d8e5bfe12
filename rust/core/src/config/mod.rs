//! Settings, read once: explicit option, then environment, then `.env`, then default. Nothing else reads the environment.

mod credentials;
mod dotenv;
mod secret;
mod settings;
mod unknown;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use credentials::{CredentialSource, Credentials, S3Identity};
pub use secret::Secret;
pub use settings::{Kind, SETTINGS, Setting};

use crate::error::{Error, Result};

/// Settings given in the call, by name. Values are checked when the options are resolved into a [`Config`].
#[derive(Clone, Default)]
pub struct Options {
    values: BTreeMap<&'static str, String>,
    credentials: Option<Arc<dyn CredentialSource>>,
}

impl Options {
    /// Sets one option.
    ///
    /// # Errors
    /// `InvalidInput` for a name that no setting has; it tells those that are like it.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> Result<()> {
        let Some(setting) = settings::find(name) else {
            let names = SETTINGS.iter().map(|setting| setting.name);
            return Err(unknown_option(name, names));
        };
        self.values.insert(setting.name, value.into());
        Ok(())
    }

    /// Has `source` asked for the keys of S3.
    pub fn set_credentials(&mut self, source: Arc<dyn CredentialSource>) {
        self.credentials = Some(source);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.credentials.is_none()
    }
}

/// Says that `name` is no option, and which of the `known` ones may be meant.
pub fn unknown_option<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    let like = settings::like(name, known);
    let quoted: Vec<String> = like.iter().map(|name| format!("{name:?}")).collect();
    let hint = match quoted.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}?", quoted.join(" or ")),
    };
    Error::invalid(format!("unknown option {name:?}{hint}"))
}

/// Equal values, and the same source of credentials: not another that would hand out the same.
impl PartialEq for Options {
    fn eq(&self, other: &Self) -> bool {
        let same_source = match (&self.credentials, &other.credentials) {
            (Some(own), Some(others)) => Arc::ptr_eq(own, others),
            (own, others) => own.is_none() && others.is_none(),
        };
        same_source && self.values == other.values
    }
}

impl Eq for Options {}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secrets.
        let source = self.credentials.as_ref().map(|_| &"credentials");
        let names = self.values.keys().chain(source);
        f.debug_set().entries(names).finish()
    }
}

/// A mistaken unit (8 for 8 MiB) would make a request of every few bytes.
const MIN_PART_SIZE: u64 = 64 << 10;

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
    pub profile: Option<String>,
    pub identity: S3Identity,
    /// `Some(true)` puts the bucket in the path, `None` decides by the endpoint.
    pub path_style: Option<bool>,
    pub sign_payload: bool,
    /// Leaves every request to the SDK, for tests that compare both ways.
    #[doc(hidden)]
    pub sdk_only: bool,
}

/// What Azure is given to verify each body with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzureChecksum {
    Md5,
    /// CRC-64/NVME.
    Crc64,
}

#[derive(Debug, Clone)]
pub struct AzConfig {
    pub endpoint_url: Option<String>,
    pub account_name: Option<String>,
    pub account_key: Option<Secret>,
    pub sas_token: Option<Secret>,
    pub connection_string: Option<Secret>,
    pub checksum: AzureChecksum,
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
}

impl Config {
    /// Resolves `options` over the process environment and `.env`.
    ///
    /// # Errors
    /// `InvalidInput` naming the option or variable whose value is not valid.
    pub fn load(options: &Options) -> Result<Config> {
        let env = |name: &str| process_env(name);
        let dotenv = dotenv::once(&env)?;
        let in_environment = process_names();
        unknown::warn(
            in_environment
                .iter()
                .chain(dotenv.keys())
                .map(String::as_str),
        );
        Values {
            options,
            env: &env,
            dotenv,
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
        dotenv: &BTreeMap::new(),
    }
    .count("rt_threads")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn process_env(name: &str) -> Option<String> {
    // Bytes that are not UTF-8 make a bad value, which is told; they do not make the variable go away.
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn process_names() -> Vec<String> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter_map(|name| name.into_string().ok()).collect()
}

/// The places a value may come from, best first.
struct Values<'a> {
    options: &'a Options,
    env: &'a dyn Fn(&str) -> Option<String>,
    dotenv: &'a BTreeMap<String, String>,
}

/// Where a value stands, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Option,
    Environment,
    File,
}

impl Level {
    const ALL: [Level; 3] = [Level::Option, Level::Environment, Level::File];
}

const S3_KEYS: [&str; 3] = ["access_key_id", "secret_access_key", "session_token"];
const AZURE_SECRETS: [&str; 3] = ["account_key", "sas_token", "connection_string"];
/// What decides where credentials are sent, and the credentials. An account name is a host name on Azure.
const LEADS: [(&str, [&str; 3]); 3] = [
    ("endpoint_url", S3_KEYS),
    ("azure_endpoint_url", AZURE_SECRETS),
    ("account_name", AZURE_SECRETS),
];

/// A value and the name a user would have to look for to change it.
struct Found {
    value: String,
    origin: &'static str,
}

impl Values<'_> {
    fn find(&self, name: &str) -> Option<Found> {
        let level = self.level(&[name])?;
        let found = self.find_at(level, name)?;
        if level == Level::File && self.leads_away(name) {
            static TOLD: AtomicBool = AtomicBool::new(false);
            if !TOLD.swap(true, Ordering::Relaxed) {
                let origin = found.origin;
                tracing::warn!(
                    "{origin} of .env is ignored: the credentials in use do not come from that file"
                );
            }
            return None;
        }
        Some(found)
    }

    /// The best place that has one of these settings.
    fn level(&self, names: &[&str]) -> Option<Level> {
        let has_one = |level: &Level| {
            names
                .iter()
                .any(|name| self.find_at(*level, name).is_some())
        };
        Level::ALL.into_iter().find(has_one)
    }

    /// Whether a file that happens to lie in the current directory would send another place's credentials to a host of
    /// its own choice.
    fn leads_away(&self, name: &str) -> bool {
        LEADS.iter().any(|(lead, secrets)| {
            let has_source = *secrets == S3_KEYS && self.options.credentials.is_some();
            *lead == name && (has_source || self.level(secrets) != Some(Level::File))
        })
    }

    fn find_at(&self, level: Level, name: &str) -> Option<Found> {
        let setting = settings::find(name).expect("resolve asks for settings of the table");
        if level == Level::Option {
            let value = self.options.values.get(name)?.clone();
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
        let level = self.level(&names);
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
        self.parse(name, "bytes above 0, as 8388608 or 8MiB", |text| {
            parse_size(text).filter(|size| *size > 0)
        })
    }

    fn part_size(&self) -> Result<Option<u64>> {
        let expected = "64 KiB or more, as 8388608 or 8MiB";
        self.parse("part_size", expected, |text| {
            parse_size(text).filter(|size| *size >= MIN_PART_SIZE)
        })
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        self.parse_from(name, "a time above 0", |text, origin| {
            let time = text.parse::<f64>().ok().filter(|time| *time > 0.0)?;
            let per_second = if origin.ends_with("_MS") { 1000.0 } else { 1.0 };
            Duration::try_from_secs_f64(time / per_second).ok()
        })
    }

    fn switch(&self, name: &str) -> Result<Option<bool>> {
        self.parse(name, "true or false", parse_switch)
    }

    fn resolve(&self) -> Result<Config> {
        let addressing = self.choice("addressing_style", settings::ADDRESSING)?;
        let azure_endpoint = match self.options.values.contains_key("endpoint_url") {
            true => "endpoint_url",
            false => "azure_endpoint_url",
        };
        let [account_key, sas_token, connection_string] = self.secrets(AZURE_SECRETS);
        let identity = self.s3_identity()?;
        Ok(Config {
            s3: S3Config {
                endpoint_url: self.url("endpoint_url")?,
                region: self.text("region"),
                profile: self.text("profile"),
                identity,
                path_style: addressing.and_then(|style| match style {
                    "path" => Some(true),
                    "virtual" => Some(false),
                    _ => None,
                }),
                sign_payload: self.choice("sign_payload", settings::SIGN_PAYLOAD)?
                    == Some("always"),
                sdk_only: false,
            },
            az: AzConfig {
                endpoint_url: self.url(azure_endpoint)?,
                account_name: self.text("account_name"),
                account_key,
                sas_token,
                connection_string,
                checksum: match self.choice("azure_checksum", settings::AZURE_CHECKSUM)? {
                    Some("crc64") => AzureChecksum::Crc64,
                    _ => AzureChecksum::Md5,
                },
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
            part_size: self.part_size()?.unwrap_or(8 << 20),
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
        if let Some(Found { value, origin }) = self.find(name)
            && value.contains('@')
        {
            // Not shown: it is a password that stands before the sign.
            return Err(Error::invalid(format!(
                "{origin}: a URL without user name and password is expected"
            )));
        }
        self.parse(name, "an http:// or https:// URL", |text| {
            let url = url::Url::parse(text).ok()?;
            matches!(url.scheme(), "http" | "https").then(|| text.trim_end_matches('/').to_owned())
        })
    }

    /// Who signs. The best place that names anybody decides, so that a profile given in the call is not overruled by
    /// keys of the environment.
    fn s3_identity(&self) -> Result<S3Identity> {
        let [id, secret, _token] = S3_KEYS;
        let keys = self.level(&[id, secret]);
        let profile = self.level(&["profile"]);
        let anonymous = self.switch("anonymous")? == Some(true);
        if let Some(source) = &self.options.credentials {
            let rival = [id, secret, "profile", "anonymous"]
                .into_iter()
                .find(|name| self.options.values.contains_key(name));
            return match rival {
                None => Ok(S3Identity::Source(Arc::clone(source))),
                Some(rival) => Err(Error::invalid(format!(
                    "credentials and {rival} are both given: only one can say who signs"
                ))),
            };
        }
        let best = [keys, profile].into_iter().flatten().min();
        if anonymous && self.level(&["anonymous"]) <= best.or(Some(Level::File)) {
            return Ok(S3Identity::Anonymous);
        }
        if keys.is_some() && keys == best {
            return self.s3_keys().map(S3Identity::Keys);
        }
        Ok(match profile {
            Some(Level::Option) => S3Identity::Profile,
            _ => S3Identity::Chain,
        })
    }

    /// Both keys: half a pair is a slip that the credential chain would hide.
    fn s3_keys(&self) -> Result<Credentials> {
        match self.secrets(S3_KEYS) {
            [Some(access_key_id), Some(secret_access_key), session_token] => Ok(Credentials {
                access_key_id,
                secret_access_key,
                session_token,
                expiry: None,
            }),
            [Some(_), None, _] => Err(Error::invalid(
                "access_key_id is set but secret_access_key is not",
            )),
            [None, Some(_), _] => Err(Error::invalid(
                "secret_access_key is set but access_key_id is not",
            )),
            [None, None, _] => Err(Error::invalid(
                "session_token is set without access_key_id and secret_access_key",
            )),
        }
    }
}

fn parse_switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Bytes as people write them: a whole number, alone or with `B`, `KiB`, `MiB`, `GiB`, `TiB`, `kB`, `MB`, `GB` or `TB`.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
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
}
