//! `scheme://container/key`: a URI is not a URL, so the key is every byte that follows, as it stands.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// For messages, because an account is easily left out.
pub(crate) const AZ_FORM: &str =
    "az://ACCOUNT/CONTAINER/KEY, or az:///CONTAINER/KEY for the configured account";

/// The services this library speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    Memory,
    File,
    Direct,
    S3,
    Az,
}

impl Scheme {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Memory => "memory",
            Scheme::File => "file",
            Scheme::Direct => "direct",
            Scheme::S3 => "s3",
            Scheme::Az => "az",
        }
    }

    fn named(text: &str) -> Option<Self> {
        Some(match text {
            "memory" => Scheme::Memory,
            "file" => Scheme::File,
            "direct" => Scheme::Direct,
            "s3" => Scheme::S3,
            "az" => Scheme::Az,
            _ => return None,
        })
    }

    /// Whether keys are paths of the machine itself.
    #[must_use]
    pub fn is_local(self) -> bool {
        matches!(self, Scheme::File | Scheme::Direct)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An object's name below its container; never percent-decoded. For `file://` and `direct://`,
/// the absolute path without its first `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    pub fn new(key: impl Into<String>) -> Self {
        Key(key.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names a prefix rather than one object: empty, or ends in `/`.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.0.is_empty() || self.0.ends_with('/')
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A parsed `scheme://container/key`.
///
/// ```
/// use s3dlio::{Scheme, Uri};
///
/// let uri: Uri = "s3://bucket/a%20b#c".parse()?;
/// assert_eq!((uri.scheme(), uri.container(), uri.key().as_str()), (Scheme::S3, "bucket", "a%20b#c"));
/// let uri: Uri = "file:///data/x".parse()?;
/// assert_eq!((uri.container(), uri.key().as_str()), ("", "data/x"));
/// # Ok::<(), s3dlio::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Uri {
    scheme: Scheme,
    /// `az` only; empty means the configured account.
    account: String,
    container: String,
    key: Key,
    /// The text ended with the container's name: `s3://bucket`.
    bare: bool,
}

impl Uri {
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The storage account of an `az` URI; empty for the configured one, and on every other scheme.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Bucket or container; empty for local schemes.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Names everything below it rather than one object: ends in `/`. `s3://bucket` does not.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.key.is_prefix() && !self.bare
    }

    /// The same store, another key.
    #[must_use]
    pub fn with_key(&self, key: Key) -> Uri {
        Uri {
            scheme: self.scheme,
            account: self.account.clone(),
            container: self.container.clone(),
            key,
            bare: false,
        }
    }

    /// `name` below this URI; a `/` is put between them unless the URI already ends in one.
    #[must_use]
    pub fn join(&self, name: &str) -> Uri {
        let base = self.key.as_str();
        let slash = if self.key.is_prefix() { "" } else { "/" };
        self.with_key(Key::new(format!("{base}{slash}{name}")))
    }

    /// Everything before the key, with its final `/`.
    #[must_use]
    pub fn root(&self) -> Uri {
        self.with_key(Key::default())
    }

    /// [`Uri::root`] and the key.
    pub(crate) fn split(mut self) -> (Uri, Key) {
        let key = std::mem::take(&mut self.key);
        self.bare = false;
        (self, key)
    }

    /// Whether both name the same bucket or container, or both something local.
    pub(crate) fn is_beside(&self, other: &Uri) -> bool {
        // Processors may take 0.1 us to compare nothing with nothing: an empty `String` points to no memory.
        let same =
            |one: &str, other: &str| one.len() == other.len() && (one.is_empty() || one == other);
        self.scheme == other.scheme
            && same(&self.account, &other.account)
            && same(&self.container, &other.container)
    }

    /// Refuses a URI that names no object.
    pub fn require_object(&self) -> Result<()> {
        if self.key.is_empty() {
            return Err(Error::invalid(
                "the URI names no object (all of a bucket or container is named by a final /)",
            ));
        }
        self.require_container()
    }

    /// Refuses a key where a bucket or container is meant; of local schemes the path is the directory.
    pub fn require_no_object(&self) -> Result<()> {
        if !self.scheme.is_local() && !self.key.is_empty() {
            return Err(Error::invalid(format!(
                "{:?} is a key, but a bucket or container is to be named",
                self.key.as_str()
            )));
        }
        Ok(())
    }

    /// Refuses a URI without a bucket, container or path.
    pub fn require_container(&self) -> Result<()> {
        let missing = match self.scheme {
            Scheme::File | Scheme::Direct => self.key.is_empty(),
            _ => self.container.is_empty(),
        };
        if missing && self.scheme == Scheme::Az {
            return Err(Error::invalid(format!(
                "the URI names no container: expected {AZ_FORM}"
            )));
        }
        if missing {
            return Err(Error::invalid(
                "the URI names no bucket, container or directory",
            ));
        }
        Ok(())
    }
}

impl FromStr for Uri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Uri> {
        parse(text).map_err(|error| error.at("parse", redact(text)))
    }
}

/// A URI pasted from a browser may carry a signature after `?`; it must not reach a message.
fn redact(text: &str) -> &str {
    match text.split_once('?') {
        Some((before, query)) if query.contains("sig=") || query.contains("ignature=") => before,
        _ => text,
    }
}

/// What was meant by a text that begins as a URI but for a slash.
pub(crate) fn with_both_slashes(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(":/")?;
    let scheme = Scheme::named(scheme)?;
    let slash = if scheme.is_local() { "/" } else { "" };
    (!rest.starts_with('/')).then(|| format!("{scheme}://{slash}{rest}"))
}

/// A text without a known scheme and `://`.
fn no_uri(text: &str) -> Error {
    Error::invalid(match (with_both_slashes(text), text.split_once("://")) {
        (Some(meant), _) => format!("not a URI: did you mean {}?", redact(&meant)),
        (None, Some((scheme, _))) => {
            format!("unknown scheme {scheme:?}: expected s3, az, file or direct")
        }
        (None, None) => "not a URI: expected s3://, az://, file:// or direct://".to_owned(),
    })
}

fn parse(text: &str) -> Result<Uri> {
    let known = |(scheme, rest)| Some((Scheme::named(scheme)?, rest));
    let Some((scheme, rest)) = text.split_once("://").and_then(known) else {
        return Err(no_uri(text));
    };
    if text.contains('\0') {
        return Err(Error::invalid("a URI holds no NUL byte"));
    }
    let (account, rest) = match scheme {
        Scheme::Az => {
            let (account, rest) = rest.split_once('/').unwrap_or((rest, ""));
            (account, rest)
        }
        _ => ("", rest),
    };
    let (container, key) = match scheme {
        Scheme::File | Scheme::Direct => {
            let Some(path) = rest.strip_prefix('/') else {
                return Err(Error::invalid(format!(
                    "{scheme}:// takes an absolute path and no host: {scheme}:///path"
                )));
            };
            ("", path)
        }
        _ => rest.split_once('/').unwrap_or((rest, "")),
    };
    if container.is_empty() && !key.is_empty() && !scheme.is_local() {
        return Err(Error::invalid(
            "the URI names a key but no bucket or container",
        ));
    }
    Ok(Uri {
        scheme,
        account: account.to_owned(),
        container: container.to_owned(),
        key: Key::new(key),
        bare: !rest.contains('/'),
    })
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::Az if self.container.is_empty() => write!(f, "az://{}/", self.account),
            Scheme::Az => write!(f, "az://{}/{}/{}", self.account, self.container, self.key),
            Scheme::File | Scheme::Direct => write!(f, "{}:///{}", self.scheme, self.key),
            Scheme::S3 | Scheme::Memory => {
                write!(f, "{}://{}/{}", self.scheme, self.container, self.key)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn the_key_is_every_byte_that_follows() {
        for text in [
            "s3://b/a//b/../c?x#y%41 +\n",
            "az://acc/c/k",
            "az:///c/k",
            "az://acc/",
            "az:///",
            "file:///a",
            "memory://m/x/",
        ] {
            assert_eq!(uri(text).to_string(), text);
        }
        assert_eq!(uri("az://acc/c/k/l").key().as_str(), "k/l");
        assert_eq!(uri("az:///c/k").account(), "");
        assert_eq!(uri("s3://b").to_string(), "s3://b/");
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "",
            "b/k",
            "s4://b/k",
            "file://rel",
            "file://host/x",
            "s3:///k",
            "az://a//k",
            "s3://b/\0",
        ] {
            let error = text.parse::<Uri>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text:?}");
        }
    }

    #[test]
    fn a_slash_that_is_missing_is_told() {
        let meant = |text| with_both_slashes(text);

        assert_eq!(meant("s3:/b/k").as_deref(), Some("s3://b/k"));
        assert_eq!(meant("az:/a/c/").as_deref(), Some("az://a/c/"));
        assert_eq!(meant("file:/tmp/x").as_deref(), Some("file:///tmp/x"));
        for text in [
            "s3://b/k",
            "./s3:/b",
            "c:/x",
            "s3:b",
            "file:///x",
            "a/s3:/b",
        ] {
            assert_eq!(meant(text), None, "{text}");
        }
        let error = "s3:/b/k".parse::<Uri>().unwrap_err();
        assert!(error.to_string().contains("s3://b/k"), "{error}");
    }

    #[test]
    fn an_account_is_not_taken_for_a_container() {
        let error = uri("az://eyes/").require_container().unwrap_err();

        assert!(error.to_string().contains("az:///CONTAINER"), "{error}");
    }

    #[test]
    fn join_adds_one_slash_at_most() {
        assert_eq!(uri("s3://b/p").join("x").to_string(), "s3://b/p/x");
        assert_eq!(uri("s3://b/p/").join("x").to_string(), "s3://b/p/x");
        assert_eq!(uri("s3://b").join("x").to_string(), "s3://b/x");
    }

    #[test]
    fn only_a_final_slash_names_a_prefix() {
        for text in ["s3://b/", "s3://b/p/", "az:///c/", "file:///d/"] {
            assert!(uri(text).is_prefix(), "{text}");
        }
        for text in [
            "s3://b",
            "s3://b/p",
            "az:///c",
            "az://account/c",
            "file:///d",
        ] {
            assert!(!uri(text).is_prefix(), "{text}");
        }
        assert!(uri("s3://b").root().is_prefix());
    }

    #[test]
    fn a_signature_stays_out_of_the_message() {
        let error = "https://a.blob/c?sv=1&sig=SECRET"
            .parse::<Uri>()
            .unwrap_err();

        assert!(!error.to_string().contains("SECRET"), "{error}");
    }
}
