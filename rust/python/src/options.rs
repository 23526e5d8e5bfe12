//! `options=`: a mapping or an `s3dlio.Options`, as the core's options.

use std::path::PathBuf;

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyMapping, PyString};
use s3dlio::Options;
use s3dlio::config::{self, Kind, SETTINGS};

use crate::credentials::Callback;
use crate::errors;

/// Set by the environment only: the runtime is there before the first options are.
const PER_PROCESS: &[&str] = &["rt_threads"];

const CREDENTIALS: &str = "credentials";

/// Names are checked here, values when a client is made of them.
#[derive(Clone, Default)]
pub struct OptionsArgument {
    pub values: Options,
    pub credentials: Option<Callback>,
}

impl<'py> FromPyObject<'_, 'py> for OptionsArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let words = if object.hasattr("as_dict")? {
            object.call_method0("as_dict")?
        } else {
            object.to_owned()
        };
        let Ok(words) = words.cast_into::<PyMapping>() else {
            let given = object.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "options must be a dict or s3dlio.Options, not {given}"
            )));
        };
        let mut options = OptionsArgument::default();
        for item in words.items()?.iter() {
            let (name, value) = item.extract::<(String, Bound<'_, PyAny>)>()?;
            if name == CREDENTIALS {
                options.credentials = match value.is_none() {
                    true => None,
                    false => Some(Callback::new(&value)?),
                };
                continue;
            }
            set(&mut options.values, &name, &value)?;
        }
        Ok(options)
    }
}

impl OptionsArgument {
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.credentials.is_none()
    }

    /// The core's options, with a source of credentials that is new each time.
    pub fn resolve(&self) -> Options {
        let mut options = self.values.clone();
        if let Some(callback) = &self.credentials {
            options.set_credentials(callback.source());
        }
        options
    }
}

/// The same values and the same callable.
impl PartialEq for OptionsArgument {
    fn eq(&self, other: &Self) -> bool {
        let same_callable = match (&self.credentials, &other.credentials) {
            (Some(own), Some(others)) => own.is(others),
            (own, others) => own.is_none() && others.is_none(),
        };
        same_callable && self.values == other.values
    }
}

fn set(options: &mut Options, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    if !words().any(|word| word == name) {
        return Err(errors::to_python(unknown(name)));
    }
    if value.is_none() {
        return Ok(());
    }
    options
        .set(name, text_of(name, value)?)
        .map_err(errors::to_python)
}

fn words() -> impl Iterator<Item = &'static str> {
    let names = SETTINGS.iter().map(|setting| setting.name);
    names.filter(|name| !PER_PROCESS.contains(name))
}

fn unknown(name: &str) -> s3dlio::Error {
    if PER_PROCESS.contains(&name) {
        return s3dlio::Error::invalid(format!(
            "{name} is no option: it holds for the whole process, so set S3DLIO_{}",
            name.to_uppercase()
        ));
    }
    config::unknown_option(name, words().chain([CREDENTIALS]))
}

/// For `s3dlio.Options`: why a word is none of its.
#[pyfunction]
pub fn _unknown_option(name: &str) -> String {
    unknown(name).to_string()
}

fn text_of(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_cow()?.into_owned());
    }
    if let Ok(switch) = value.cast::<PyBool>() {
        return Ok(switch.is_true().to_string());
    }
    match value.extract::<i64>() {
        Ok(number) => return Ok(number.to_string()),
        // The core tells what is too much.
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
            return Ok(value.str()?.to_cow()?.into_owned());
        }
        Err(_) => {}
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(number.value().to_string());
    }
    if let Ok(path) = value.extract::<PathBuf>() {
        return path
            .into_os_string()
            .into_string()
            .map_err(|_| errors::invalid(format!("{name}: not a UTF-8 path")));
    }
    let given = value.get_type().name()?;
    Err(errors::invalid(format!(
        "{name} must be a str, a number, a bool or a path, not {given}"
    )))
}

/// The settings that `options=` and the environment take.
///
/// Returns:
///     One dict per setting, in the order of the reference: `name`, `env` (variables, the first that is set wins), `kind`
///     (`text`, `secret`, `choice`, `count`, `size`, `seconds` or `switch`), `choices`, `default`, `help`, and
///     `per_process` (True where only the environment can set it).
///
/// Example:
///     >>> from s3dlio import settings
///     >>> [s["env"] for s in settings() if s["name"] == "part_size"]
///     [('S3DLIO_PART_SIZE',)]
#[pyfunction]
pub fn settings(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let rows = SETTINGS.iter().map(|setting| {
        let (kind, choices) = match setting.kind {
            Kind::Text => ("text", None),
            Kind::Secret => ("secret", None),
            Kind::Choice(words) => ("choice", Some(words)),
            Kind::Count => ("count", None),
            Kind::Size => ("size", None),
            Kind::Seconds => ("seconds", None),
            Kind::Switch => ("switch", None),
        };
        let row = PyDict::new(py);
        row.set_item("name", setting.name)?;
        row.set_item("env", pyo3::types::PyTuple::new(py, setting.env)?)?;
        row.set_item("kind", kind)?;
        row.set_item(
            "choices",
            choices
                .map(|words| pyo3::types::PyTuple::new(py, words))
                .transpose()?,
        )?;
        row.set_item("default", setting.default)?;
        row.set_item("help", setting.help)?;
        row.set_item("per_process", PER_PROCESS.contains(&setting.name))?;
        Ok(row)
    });
    rows.collect()
}
