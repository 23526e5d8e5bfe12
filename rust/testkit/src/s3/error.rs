//! S3's errors: a status, a code, and the XML document around them.

use crate::http::{Head, Response};
use crate::xml::XmlWriter;

pub(super) type Result<T> = std::result::Result<T, S3Error>;

#[derive(Clone, Debug)]
pub(super) struct S3Error {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    headers: Vec<(&'static str, String)>,
}

impl S3Error {
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

    pub(super) fn no_such_bucket() -> Self {
        Self::new(404, "NoSuchBucket", "The specified bucket does not exist")
    }

    pub(super) fn no_such_key() -> Self {
        Self::new(404, "NoSuchKey", "The specified key does not exist.")
    }

    pub(super) fn no_such_upload() -> Self {
        let message = "The specified upload does not exist. The upload ID may be invalid, or the \
                       upload may have been aborted or completed.";
        Self::new(404, "NoSuchUpload", message)
    }

    pub(super) fn precondition_failed() -> Self {
        let message = "At least one of the pre-conditions you specified did not hold";
        Self::new(412, "PreconditionFailed", message)
    }

    pub(super) fn invalid_argument(message: &str) -> Self {
        Self::new(400, "InvalidArgument", message)
    }

    pub(super) fn invalid_request(message: &str) -> Self {
        Self::new(400, "InvalidRequest", message)
    }

    pub(super) fn malformed_xml() -> Self {
        let message = "The XML you provided was not well-formed or did not validate";
        Self::new(400, "MalformedXML", message)
    }

    pub(super) fn not_implemented() -> Self {
        let message =
            "A header or query you provided implies functionality that is not implemented";
        Self::new(501, "NotImplemented", message)
    }

    pub(super) fn response(&self, head: &Head) -> Response {
        let document = XmlWriter::new()
            .open("Error")
            .text("Code", &self.code)
            .text("Message", &self.message)
            .text("Resource", &head.path)
            .text("RequestId", &head.request_id)
            .text("HostId", "testkit")
            .close("Error")
            .finish();
        let response = Response::new(self.status).xml(document);
        self.headers
            .iter()
            .fold(response, |response, (name, value)| {
                response.header(name, value)
            })
    }
}
