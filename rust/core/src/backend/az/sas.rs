//! Service signatures: a query string that allows one thing on one blob until it expires, signed with the account's key.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>

use std::time::{Duration, SystemTime};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use time::OffsetDateTime;
use time::macros::format_description;

use super::shared_key::SharedKey;
use crate::config::Secret;
use crate::uri::Key;

/// The form of the text that is signed; it has stayed the same since 2020-12-06.
const VERSION: &str = "2024-11-04";

/// What a signature allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant<'a> {
    pub container: &'a str,
    pub key: &'a Key,
    /// Letters in the service's order, `racwd`.
    pub permissions: &'static str,
    pub expires: SystemTime,
    /// Whether plain HTTP is refused.
    pub https_only: bool,
}

impl<'a> Grant<'a> {
    /// For as long as `lifetime` from now on.
    pub fn new(
        container: &'a str,
        key: &'a Key,
        permissions: &'static str,
        lifetime: Duration,
        endpoint: &str,
    ) -> Self {
        Grant {
            container,
            key,
            permissions,
            expires: SystemTime::now() + lifetime,
            https_only: endpoint.starts_with("https://"),
        }
    }

    /// The query string, without its question mark.
    pub fn sign(&self, key: &SharedKey) -> Secret {
        let expires = utc(self.expires);
        let protocol = if self.https_only {
            "https"
        } else {
            "https,http"
        };
        let resource = format!("/blob/{}/{}/{}", key.account(), self.container, self.key);
        let text = [
            self.permissions,
            "", // start
            &expires,
            &resource,
            "", // stored access policy
            "", // address
            protocol,
            VERSION,
            "b",
            "", // snapshot
            "", // encryption scope
            "", // five headers of the answer
            "",
            "",
            "",
            "",
        ];
        let signature = key.sign(&text.join("\n"));
        let query = [
            ("sv", VERSION),
            ("spr", protocol),
            ("se", &expires),
            ("sr", "b"),
            ("sp", self.permissions),
            ("sig", &signature),
        ];
        let pairs = query.map(|(name, value)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        });
        Secret::new(pairs.join("&"))
    }
}

fn utc(time: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    OffsetDateTime::from(time)
        .format(format)
        .expect("the format asks for what a time has")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use zeroize::Zeroizing;

    use super::*;

    const KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// Worked out with Python's hmac from the documented text.
    #[test]
    fn a_known_grant_has_its_known_signature() {
        let key = SharedKey::new("acc", Zeroizing::new(BASE64.decode(KEY).unwrap()));
        let object = Key::new("a b/ü+%25");
        let grant = |permissions, https_only| Grant {
            container: "container",
            key: &object,
            permissions,
            expires: SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000),
            https_only,
        };

        assert_eq!(
            grant("r", true).sign(&key).reveal(),
            "sv=2024%2D11%2D04&spr=https&se=2026%2D09%2D21T14%3A13%3A20Z&sr=b&sp=r&sig=IJFyuFiqt75aj%2FfDLYAJDRD8OuEV3ovoQ%2BxDy965FaE%3D"
        );
        assert_eq!(
            grant("cw", false).sign(&key).reveal(),
            "sv=2024%2D11%2D04&spr=https%2Chttp&se=2026%2D09%2D21T14%3A13%3A20Z&sr=b&sp=cw&sig=K1j4xzjLKzoSTb3Rsvns0UIeE%2B9wo0Tx8V9iIcvm3IA%3D"
        );
    }
}
