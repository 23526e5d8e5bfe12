//! The configuration that the values make, with the defaults of those that nobody gives.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::values::{AZURE_SECRETS, Level, S3_KEYS, Values};
use super::{
    AzConfig, AzureChecksum, Config, Credentials, RetryConfig, S3Config, S3Identity, Verify,
    settings,
};
use crate::error::{Error, Result};

impl Values<'_> {
    pub(super) fn resolve(&self) -> Result<Config> {
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
