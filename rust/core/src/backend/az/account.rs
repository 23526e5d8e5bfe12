//! Which account, endpoint and credential a URI means: account key, then SAS, then connection string, then Entra.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::connection::Connection;
use crate::config::{AzConfig, Secret};
use crate::error::{Error, Result};
use crate::uri::AZ_FORM;

/// One storage account, ready to be spoken to.
#[derive(Debug)]
pub(super) struct Account {
    pub name: String,
    /// Of the blob service, without a final `/`; emulators have the account in its path.
    pub endpoint: String,
    pub credential: Credential,
}

pub(super) enum Credential {
    /// Decoded.
    SharedKey(Zeroizing<Vec<u8>>),
    /// A query string without `?`.
    Sas(Secret),
    /// A token of whoever runs this: workload identity, managed identity, developer tools.
    Entra,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credential::SharedKey(_) => "SharedKey(***)",
            Credential::Sas(_) => "Sas(***)",
            Credential::Entra => "Entra",
        })
    }
}

impl Account {
    /// The account that a URI names; `named` is empty where the URI leaves it to the configuration.
    pub fn resolve(config: &AzConfig, named: &str) -> Result<Account> {
        let (credential, connection) = choose_credential(config)?;
        let endpoint = config.endpoint_url.clone().or(connection.endpoint);
        let in_endpoint = endpoint.as_deref().and_then(account_in);
        let configured = agree(
            config.account_name.as_deref(),
            connection.account.as_deref(),
        )?
        .map(str::to_owned)
        .or(in_endpoint);
        let name = match (named, configured) {
            ("", Some(configured)) => configured,
            ("", None) => {
                return Err(Error::invalid(
                    "the URI names no account and none is configured (account_name)",
                ));
            }
            (named, Some(configured)) if named != configured => {
                return Err(Error::invalid(format!(
                    "the URI names account {named:?}, the configuration {configured:?}: expected {AZ_FORM}"
                )));
            }
            (named, _) => named.to_owned(),
        };
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_name {
            return Err(Error::invalid(format!(
                "{name:?} is no account name: lower-case letters and digits"
            )));
        }
        let endpoint = endpoint.unwrap_or_else(|| format!("https://{name}.blob.core.windows.net"));
        if matches!(credential, Credential::Entra) && !endpoint.starts_with("https://") {
            return Err(Error::invalid(
                "no account_key, sas_token or connection_string is set, and Entra tokens go over https only",
            ));
        }
        Ok(Account {
            name,
            endpoint,
            credential,
        })
    }
}

/// The credential, and the connection string if that is where it came from.
fn choose_credential(config: &AzConfig) -> Result<(Credential, Connection)> {
    if let Some(key) = &config.account_key {
        return Ok((shared_key(key, "account_key")?, Connection::default()));
    }
    if let Some(token) = &config.sas_token {
        return Ok((signature(token, "sas_token")?, Connection::default()));
    }
    let Some(text) = &config.connection_string else {
        return Ok((Credential::Entra, Connection::default()));
    };
    let connection = Connection::parse(text.reveal())?;
    let credential = match (&connection.key, &connection.sas) {
        (Some(key), _) => shared_key(key, "connection_string: AccountKey")?,
        (None, Some(token)) => signature(token, "connection_string: SharedAccessSignature")?,
        (None, None) => Credential::Entra,
    };
    Ok((credential, connection))
}

fn shared_key(key: &Secret, origin: &str) -> Result<Credential> {
    match BASE64.decode(key.reveal().trim()) {
        Ok(key) if !key.is_empty() => Ok(Credential::SharedKey(Zeroizing::new(key))),
        _ => Err(Error::invalid(format!("{origin} is not base64"))),
    }
}

fn signature(token: &Secret, origin: &str) -> Result<Credential> {
    let query = token.reveal().trim().trim_start_matches('?');
    let signed = query
        .split('&')
        .any(|pair| pair.strip_prefix("sig=").is_some_and(|sig| !sig.is_empty()));
    if !signed || query.contains(|c: char| c.is_whitespace() || c == '#') {
        return Err(Error::invalid(format!(
            "{origin} is no shared access signature: expected a query string with sig="
        )));
    }
    Ok(Credential::Sas(Secret::new(query)))
}

fn agree<'a>(name: Option<&'a str>, connection: Option<&'a str>) -> Result<Option<&'a str>> {
    match (name, connection) {
        (Some(name), Some(other)) if name != other => Err(Error::invalid(format!(
            "account_name is {name:?}, but connection_string is for {other:?}"
        ))),
        (name, connection) => Ok(name.or(connection)),
    }
}

/// The account that an endpoint belongs to: the path of an emulator, else the first label of `<account>.blob.<suffix>`.
fn account_in(endpoint: &str) -> Option<String> {
    let url = Url::parse(endpoint).ok()?;
    let first = url.path_segments()?.next()?;
    if !first.is_empty() {
        return Some(first.to_owned());
    }
    let Some(Host::Domain(domain)) = url.host() else {
        return None;
    };
    let (account, rest) = domain.split_once('.')?;
    rest.starts_with("blob.").then(|| account.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AzureChecksum;
    use crate::error::ErrorKind;

    fn none() -> AzConfig {
        AzConfig {
            endpoint_url: None,
            account_name: None,
            account_key: None,
            sas_token: None,
            connection_string: None,
            checksum: AzureChecksum::Md5,
        }
    }

    fn keyed() -> AzConfig {
        AzConfig {
            account_key: Some(Secret::new("a2V5")),
            ..none()
        }
    }

    #[test]
    fn the_best_credential_wins() {
        let all = AzConfig {
            account_name: Some("acc".into()),
            sas_token: Some(Secret::new("?sv=1&sig=x")),
            connection_string: Some(Secret::new("AccountName=acc;AccountKey=c3Ry")),
            ..keyed()
        };
        let chosen = |config: &AzConfig| Account::resolve(config, "").unwrap().credential;

        assert!(matches!(chosen(&all), Credential::SharedKey(key) if *key == b"key"));
        let all = AzConfig {
            account_key: None,
            ..all
        };
        assert!(matches!(chosen(&all), Credential::Sas(token) if token.reveal() == "sv=1&sig=x"));
        let all = AzConfig {
            sas_token: None,
            ..all
        };
        assert!(matches!(chosen(&all), Credential::SharedKey(key) if *key == b"str"));
        let all = AzConfig {
            connection_string: None,
            ..all
        };
        assert!(matches!(chosen(&all), Credential::Entra));
    }

    #[test]
    fn the_account_comes_from_the_uri_or_the_configuration_and_both_agree() {
        let resolve = |config: &AzConfig, named: &str| Account::resolve(config, named);
        let configured = AzConfig {
            account_name: Some("acc".into()),
            ..keyed()
        };

        assert_eq!(
            resolve(&keyed(), "own").unwrap().endpoint,
            "https://own.blob.core.windows.net"
        );
        assert_eq!(resolve(&configured, "").unwrap().name, "acc");
        assert_eq!(resolve(&configured, "acc").unwrap().name, "acc");
        for (config, named) in [
            (&configured, "other"),
            (&keyed(), ""),
            (&keyed(), "a.evil.org/"),
        ] {
            assert_eq!(
                resolve(config, named).unwrap_err().kind(),
                ErrorKind::InvalidInput
            );
        }
    }

    #[test]
    fn an_endpoint_tells_its_account() {
        let emulator = AzConfig {
            endpoint_url: Some("http://127.0.0.1:1/devstoreaccount1".into()),
            ..keyed()
        };
        let public = AzConfig {
            endpoint_url: Some("https://acc.blob.core.windows.net".into()),
            ..keyed()
        };
        let own_domain = AzConfig {
            endpoint_url: Some("https://data.example.org".into()),
            ..keyed()
        };

        assert_eq!(
            Account::resolve(&emulator, "").unwrap().name,
            "devstoreaccount1"
        );
        assert_eq!(Account::resolve(&public, "").unwrap().name, "acc");
        Account::resolve(&public, "other").unwrap_err();
        assert_eq!(
            Account::resolve(&own_domain, "acc").unwrap().endpoint,
            "https://data.example.org"
        );
    }

    #[test]
    fn a_connection_string_gives_everything() {
        let config = AzConfig {
            connection_string: Some(Secret::new(
                "AccountName=acc;AccountKey=a2V5;BlobEndpoint=http://h/acc",
            )),
            ..none()
        };

        let account = Account::resolve(&config, "").unwrap();

        assert_eq!(
            (account.name.as_str(), account.endpoint.as_str()),
            ("acc", "http://h/acc")
        );
        let clash = AzConfig {
            account_name: Some("other".into()),
            ..config
        };
        Account::resolve(&clash, "").unwrap_err();
    }

    #[test]
    fn bad_secrets_are_refused_and_never_shown() {
        let bad_key = AzConfig {
            account_key: Some(Secret::new("SECRET!")),
            ..none()
        };
        let bad_sas = AzConfig {
            sas_token: Some(Secret::new("sv=SECRET")),
            ..none()
        };
        let no_tls = AzConfig {
            endpoint_url: Some("http://h/acc".into()),
            ..none()
        };

        for config in [bad_key, bad_sas, no_tls] {
            let error = Account::resolve(&config, "acc").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
        let shown = format!("{:?}", Account::resolve(&keyed(), "acc").unwrap());
        assert!(!shown.contains("key") && shown.contains("***"), "{shown}");
    }
}
