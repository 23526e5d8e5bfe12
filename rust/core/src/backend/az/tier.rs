//! Set Blob Tier: moves a blob between access tiers.

use azure_core::http::Method;

use super::AzStore;
use super::meta::tier_name;
use crate::error::Result;
use crate::uri::Key;

impl AzStore {
    /// Leaving the archive takes hours, and is answered when it begins.
    pub(super) async fn change_tier(&self, key: &Key, tier: &str) -> Result<()> {
        let call = self
            .session
            .blob(Method::Put, &self.container, key)?
            .query("comp", "tier")
            .header("x-ms-access-tier", tier_name(tier)?);
        let mut attempts = self.session.attempts();
        self.session.send(&call, &[200, 202], &mut attempts).await?;
        attempts.succeed();
        Ok(())
    }
}
