//! One S3 request, taken apart, and what operations ask of it.

use super::error::{Result, S3Error};
use crate::http::Request;
use crate::service::Context;

pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    pub(super) context: &'a Context,
}

impl Call<'_> {
    pub(super) fn upload_id(&self) -> &str {
        self.request.head.query("uploadId").unwrap_or_default()
    }

    pub(super) fn check_key(&self) -> Result<()> {
        if self.key.len() > 1024 {
            let message = "Your key is too long";
            return Err(S3Error::new(400, "KeyTooLongError", message));
        }
        Ok(())
    }

    /// A query value that must be a number where it is given.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>> {
        let Some(text) = self.request.head.query(name) else {
            return Ok(None);
        };
        let message = || format!("Provided {name} not an integer or within integer range");
        text.parse()
            .map(Some)
            .map_err(|_| S3Error::invalid_argument(&message()))
    }
}
