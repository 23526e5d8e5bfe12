//! Settings, read once: explicit option, then environment, then `.env`, then default. Nothing else reads the environment.

mod credentials;
mod dotenv;
mod options;
mod resolve;
mod secret;
mod settings;
#[cfg(test)]
mod tests;
mod unknown;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use credentials::{CredentialSource, Credentials, S3Identity};
pub use options::{Options, unknown_option};
pub use secret::Secret;
pub use settings::{Kind, SETTINGS, Setting};
pub use values::parse_size;

use self::values::Values;
use crate::error::Result;

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

/// Whether anybody has set this: in `options`, the process environment or `.env`.
///
/// # Errors
/// `InvalidInput` for a `.env` that cannot be read, or a name that no setting has.
pub fn is_set(name: &str, options: &Options) -> Result<bool> {
    if settings::find(name).is_none() {
        let names = SETTINGS.iter().map(|setting| setting.name);
        return Err(unknown_option(name, names));
    }
    let env = |name: &str| process_env(name);
    let values = Values {
        options,
        env: &env,
        dotenv: dotenv::once(&env)?,
    };
    Ok(values.level(&[name]).is_some())
}

/// Threads of a runtime for what blocks, as calls to local files do. One that has just finished counts until it is idle,
/// so there are more than requests under way.
pub const BLOCKING_THREADS: usize = 128;

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
