//! Azure's errors: a status, a code in a header, and the XML document around them.

use std::time::SystemTime;

use crate::clock::iso_date;
use crate::http::{Head, Response};
use crate::xml::XmlWriter;

pub(super) type Result<T> = std::result::Result<T, AzureError>;

#[derive(Clone, Debug)]
pub(super) struct AzureError {
    status: u16,
    code: String,
    message: String,
    headers: Vec<(&'static str, String)>,
}

impl AzureError {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            headers: Vec::new(),
        }
    }

    pub(super) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn container_not_found() -> Self {
        Self::new(
            404,
            "ContainerNotFound",
            "The specified container does not exist.",
        )
    }

    pub(super) fn blob_not_found() -> Self {
        Self::new(404, "BlobNotFound", "The specified blob does not exist.")
    }

    pub(super) fn condition_not_met() -> Self {
        let message = "The condition specified using HTTP conditional header(s) is not met.";
        Self::new(412, "ConditionNotMet", message)
    }

    pub(super) fn invalid_header(name: &str) -> Self {
        let message =
            format!("The value for one of the HTTP headers is not in the correct format: {name}");
        Self::new(400, "InvalidHeaderValue", &message)
    }

    pub(super) fn invalid_query(name: &str) -> Self {
        let message = format!(
            "Value for one of the query parameters specified in the request URI is invalid: {name}"
        );
        Self::new(400, "InvalidQueryParameterValue", &message)
    }

    pub(super) fn response(&self, head: &Head) -> Response {
        let message = format!(
            "{}\nRequestId:{}\nTime:{}",
            self.message,
            head.request_id,
            iso_date(SystemTime::now())
        );
        let document = XmlWriter::new()
            .open("Error")
            .text("Code", &self.code)
            .text("Message", message)
            .close("Error")
            .finish();
        let response = Response::new(self.status)
            .xml(document)
            .header("x-ms-error-code", &self.code);
        self.headers
            .iter()
            .fold(response, |response, (name, value)| {
                response.header(name, value)
            })
    }
}
