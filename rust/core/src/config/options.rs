//! Settings that a caller gives, not yet checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::CredentialSource;
use super::settings::{self, SETTINGS};
use crate::error::{Error, Result};

/// Settings given in the call, by name. Values are checked when the options are resolved into a [`crate::Config`].
#[derive(Clone, Default)]
pub struct Options {
    pub(super) values: BTreeMap<&'static str, String>,
    pub(super) credentials: Option<Arc<dyn CredentialSource>>,
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
