//! Azure connection strings: `Name=value` pairs joined by `;`. No error ever quotes a value.

use url::Url;

use crate::config::Secret;
use crate::error::{Error, Result};

const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
/// Published by Microsoft for its emulators; it protects nothing.
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const EMULATOR_ENDPOINT: &str = "http://127.0.0.1:10000/devstoreaccount1";

/// What a connection string tells about the blob service.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub account: Option<String>,
    pub key: Option<Secret>,
    pub sas: Option<Secret>,
    pub endpoint: Option<String>,
}

impl Connection {
    pub fn parse(text: &str) -> Result<Connection> {
        let mut found = Fields::default();
        for (at, field) in text
            .split(';')
            .map(str::trim)
            .filter(|field| !field.is_empty())
            .enumerate()
        {
            let Some((name, value)) = field.split_once('=') else {
                return Err(bad(&format!("field {} is no Name=value pair", at + 1)));
            };
            found.take(name.trim(), value.trim());
        }
        if found.development {
            return Ok(Connection {
                account: Some(EMULATOR_ACCOUNT.to_owned()),
                key: Some(Secret::new(EMULATOR_KEY)),
                sas: None,
                endpoint: Some(EMULATOR_ENDPOINT.to_owned()),
            });
        }
        found.into_connection()
    }
}

#[derive(Default)]
struct Fields {
    account: Option<String>,
    key: Option<Secret>,
    sas: Option<Secret>,
    endpoint: Option<String>,
    suffix: Option<String>,
    protocol: Option<String>,
    development: bool,
}

impl Fields {
    /// Fields of other services (`QueueEndpoint`, ...) say nothing about blobs.
    fn take(&mut self, name: &str, value: &str) {
        let text = || Some(value.to_owned());
        match name.to_ascii_lowercase().as_str() {
            "accountname" => self.account = text(),
            "accountkey" => self.key = Some(Secret::new(value)),
            "sharedaccesssignature" => self.sas = Some(Secret::new(value)),
            "blobendpoint" => self.endpoint = text(),
            "endpointsuffix" => self.suffix = text(),
            "defaultendpointsprotocol" => self.protocol = text(),
            "usedevelopmentstorage" => self.development = value.eq_ignore_ascii_case("true"),
            _ => {}
        }
    }

    fn into_connection(self) -> Result<Connection> {
        if self.key.is_none() && self.sas.is_none() {
            return Err(bad("it has neither AccountKey nor SharedAccessSignature"));
        }
        let endpoint = match (self.endpoint, &self.account) {
            (Some(endpoint), _) => endpoint,
            (None, Some(account)) => {
                let protocol = self.protocol.as_deref().unwrap_or("https");
                let suffix = self.suffix.as_deref().unwrap_or("core.windows.net");
                format!("{protocol}://{account}.blob.{suffix}")
            }
            (None, None) => return Err(bad("it has neither AccountName nor BlobEndpoint")),
        };
        let is_http =
            Url::parse(&endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_http {
            return Err(bad("its blob endpoint is no http:// or https:// URL"));
        }
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Ok(Connection {
            account: self.account,
            key: self.key,
            sas: self.sas,
            endpoint: Some(endpoint),
        })
    }
}

fn bad(what: &str) -> Error {
    Error::invalid(format!("connection_string: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_string_gives_account_key_and_endpoint() {
        let text = "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5PT0=;EndpointSuffix=core.chinacloudapi.cn;";

        let found = Connection::parse(text).unwrap();

        assert_eq!(found.account.as_deref(), Some("acc"));
        assert_eq!(found.key.unwrap().reveal(), "a2V5PT0=");
        assert_eq!(
            found.endpoint.as_deref(),
            Some("https://acc.blob.core.chinacloudapi.cn")
        );
    }

    #[test]
    fn an_endpoint_and_a_signature_are_enough() {
        let text = "BlobEndpoint=https://acc.blob.core.windows.net/;QueueEndpoint=x;SharedAccessSignature=sv=1&sig=a%3D";

        let found = Connection::parse(text).unwrap();

        assert_eq!(
            found.endpoint.as_deref(),
            Some("https://acc.blob.core.windows.net")
        );
        assert_eq!(found.sas.unwrap().reveal(), "sv=1&sig=a%3D");
    }

    #[test]
    fn the_emulator_has_a_short_form() {
        let found = Connection::parse("UseDevelopmentStorage=true").unwrap();

        assert_eq!(found.account.as_deref(), Some("devstoreaccount1"));
        assert_eq!(found.endpoint.as_deref(), Some(EMULATOR_ENDPOINT));
    }

    #[test]
    fn bad_strings_are_refused_without_a_quote() {
        for text in [
            "",
            "SECRET",
            "AccountName=SECRET",
            "AccountKey=SECRET",
            "AccountName=a;AccountKey=SECRET;BlobEndpoint=SECRET",
            "AccountName=a;AccountKey=SECRET;DefaultEndpointsProtocol=ftp",
            "UseDevelopmentStorage=false",
        ] {
            let error = Connection::parse(text).unwrap_err();
            assert_eq!(
                error.kind(),
                crate::error::ErrorKind::InvalidInput,
                "{text:?}"
            );
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }
}
