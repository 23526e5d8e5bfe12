//! HTTP/1.1 as bytes on a socket, so that a broken answer is broken exactly as asked.

mod content;
mod message;
mod reader;
mod writer;

pub(crate) use content::Content;
pub(crate) use message::{Head, Request, Response};
pub(crate) use reader::Reader;
pub(crate) use writer::{Cut, Delivery, Outcome, send};
