//! URLs that let others in, for a while.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Client;
use crate::config::Secret;
use crate::error::{Error, Result};
use crate::types::HttpMethod;
use crate::uri::Uri;

/// A week, the longest that S3 grants; seconds.
const LIFETIMES: RangeInclusive<u64> = 1..=604_800;

impl Client {
    /// A URL with which anybody can do one thing with one object, for `expires_in` seconds. It is as secret as what it is
    /// for, and not logged. The object need not exist, and no request is sent about it.
    ///
    /// # Errors
    /// `InvalidInput` for a lifetime beyond 1 to 604800 seconds; `Unsupported` where there is no such thing, or no key to
    /// sign with.
    pub async fn presign(&self, uri: &Uri, method: HttpMethod, expires_in: u64) -> Result<Secret> {
        let open = self.begin("presign", uri);
        let work = async {
            if !LIFETIMES.contains(&expires_in) {
                return Err(Error::invalid(format!(
                    "expires_in is {expires_in} seconds; it must be from {} to {}",
                    LIFETIMES.start(),
                    LIFETIMES.end()
                )));
            }
            let store = self.object(uri).await?;
            let lifetime = Duration::from_secs(expires_in);
            store.inner().presign(uri.key(), method, lifetime).await
        };
        let result = work.await;
        open.end(result, |_| (0, 1))
    }
}
