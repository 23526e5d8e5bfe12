//! Where the value of a setting stands, and what its words mean.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Options, Secret, settings};
use crate::error::{Error, Result};

/// A mistaken unit (8 for 8 MiB) would make a request of every few bytes.
const MIN_PART_SIZE: u64 = 64 << 10;

/// The places a value may come from, best first.
pub(super) struct Values<'a> {
    pub(super) options: &'a Options,
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    pub(super) dotenv: &'a BTreeMap<String, String>,
}

/// Where a value stands, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Option,
    Environment,
    File,
}

impl Level {
    const ALL: [Level; 3] = [Level::Option, Level::Environment, Level::File];
}

pub(super) const S3_KEYS: [&str; 3] = ["access_key_id", "secret_access_key", "session_token"];
pub(super) const AZURE_SECRETS: [&str; 3] = ["account_key", "sas_token", "connection_string"];
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
    pub(super) fn level(&self, names: &[&str]) -> Option<Level> {
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
    pub(super) fn secrets<const N: usize>(&self, names: [&str; N]) -> [Option<Secret>; N] {
        let level = self.level(&names);
        names.map(|name| {
            let found = self.find_at(level?, name)?;
            Some(Secret::new(found.value))
        })
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
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

    pub(super) fn choice(
        &self,
        name: &str,
        words: &'static [&'static str],
    ) -> Result<Option<&'static str>> {
        self.parse(name, &words.join(", "), |text| {
            words.iter().find(|word| **word == text).copied()
        })
    }

    pub(super) fn count(&self, name: &str) -> Result<Option<usize>> {
        self.parse(name, "a whole number above 0 and below 2^64", |text| {
            text.parse().ok().filter(|n| *n > 0)
        })
    }

    pub(super) fn size(&self, name: &str) -> Result<Option<u64>> {
        let expected = "bytes above 0 and below 16 EiB, as 8388608 or 8MiB";
        self.parse(name, expected, |text| {
            parse_size(text).filter(|size| *size > 0)
        })
    }

    pub(super) fn part_size(&self) -> Result<Option<u64>> {
        let expected = "64 KiB or more and below 16 EiB, as 8388608 or 8MiB";
        self.parse("part_size", expected, |text| {
            parse_size(text).filter(|size| *size >= MIN_PART_SIZE)
        })
    }

    pub(super) fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        let expected = "a time above 0 and below 2^64 seconds";
        self.parse_from(name, expected, |text, origin| {
            let time = text.parse::<f64>().ok().filter(|time| *time > 0.0)?;
            let per_second = if origin.ends_with("_MS") { 1000.0 } else { 1.0 };
            Duration::try_from_secs_f64(time / per_second).ok()
        })
    }

    pub(super) fn switch(&self, name: &str) -> Result<Option<bool>> {
        self.parse(name, "true or false", parse_switch)
    }

    pub(super) fn url(&self, name: &str) -> Result<Option<String>> {
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
}

pub(super) fn parse_switch(text: &str) -> Option<bool> {
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
