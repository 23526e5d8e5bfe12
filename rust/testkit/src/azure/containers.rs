//! Operations on containers themselves.

use super::error::{AzureError, Result};
use super::state::Container;
use super::{Azure, Call};
use crate::clock::http_date;
use crate::http::Response;
use crate::xml::XmlWriter;

pub(super) fn create(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let named_well = (3..=63).contains(&call.container.len())
        && call
            .container
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'$'));
    if !named_well {
        let message = "The specified resource name contains invalid characters.";
        return Err(AzureError::new(400, "InvalidResourceName", message));
    }
    let mut state = azure.state();
    if state.containers.contains_key(call.container) {
        let message = "The specified container already exists.";
        return Err(AzureError::new(409, "ContainerAlreadyExists", message));
    }
    let container = Container::new(state.next_etag());
    let response = describe(Response::new(201), &container);
    state
        .containers
        .insert(call.container.to_owned(), container);
    Ok(response)
}

pub(super) fn delete(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let removed = azure.state().containers.remove(call.container);
    removed.ok_or_else(AzureError::container_not_found)?;
    Ok(Response::new(202))
}

pub(super) fn properties(azure: &Azure, call: &Call<'_>) -> Result<Response> {
    let mut state = azure.state();
    let container = state.container(call.container)?;
    Ok(describe(Response::new(200), container))
}

pub(super) fn list(azure: &Azure, call: &Call<'_>) -> Response {
    let prefix = call.request.head.query("prefix").unwrap_or_default();
    let state = azure.state();
    let shown = state
        .containers
        .iter()
        .filter(|(name, _)| name.starts_with(prefix));
    let document = XmlWriter::new()
        .open("EnumerationResults")
        .open("Containers")
        .each(shown, |xml, (name, container)| {
            xml.open("Container")
                .text("Name", name)
                .open("Properties")
                .text("Last-Modified", http_date(container.created))
                .text("Etag", &container.etag)
                .close("Properties")
                .close("Container")
        })
        .close("Containers")
        .text("NextMarker", "")
        .close("EnumerationResults")
        .finish();
    Response::new(200).xml(document)
}

fn describe(response: Response, container: &Container) -> Response {
    response
        .header("etag", &container.etag)
        .header("last-modified", http_date(container.created))
}
