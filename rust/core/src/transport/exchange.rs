//! One request and the head of its answer, on one connection.

use std::sync::Arc;
use std::time::Duration;

use super::body::Body;
use super::connection::{Connection, Sent, ended, malformed};
use super::head::{Framing, Head};
use super::idle::Home;
use super::request::Gather;
use super::{Request, Response};
use crate::error::{Error, ErrorKind, Result};

/// An exchange that came to nothing.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) error: Error,
    /// The connection broke before anything of an answer came.
    pub(super) unheard: bool,
}

#[derive(Debug)]
pub(super) struct Answer {
    connection: Connection,
    head: Head,
    framing: Framing,
    /// The connection can take another request when the body has been read.
    reusable: bool,
}

impl Answer {
    pub(super) fn into_response(self, home: &Arc<Home>) -> Response {
        let home = self.reusable.then(|| Arc::clone(home));
        Response {
            status: self.head.status,
            headers: self.head.headers,
            body: Body::new(self.connection, self.framing, home),
        }
    }
}

pub(super) async fn exchange(
    mut connection: Connection,
    head: &[u8],
    request: &Request<'_>,
    patience: Duration,
) -> Result<Answer, Lost> {
    let answer = answer(&mut connection, head, request, patience).await;
    let (head, sent_all) = answer.map_err(|error| Lost {
        unheard: error.kind() == ErrorKind::ConnectionFailed && connection.ahead.is_empty(),
        error,
    })?;
    let framing = head.framing(&request.method).map_err(heard)?;
    if !sent_all && head.status < 300 {
        // It cannot have what it claims to have taken.
        return Err(heard(ended("the service had the whole request")));
    }
    Ok(Answer {
        reusable: sent_all && head.keeps_alive && framing != Framing::Close,
        connection,
        head,
        framing,
    })
}

fn heard(error: Error) -> Lost {
    Lost {
        error,
        unheard: false,
    }
}

/// The final head, and whether all of the request was out when it came.
async fn answer(
    connection: &mut Connection,
    head: &[u8],
    request: &Request<'_>,
    patience: Duration,
) -> Result<(Head, bool)> {
    let mut gather = Gather::new(head, request.body);
    connection.rewatch(None);
    let sent_all = loop {
        match connection.send(&mut gather).await {
            Ok(Sent::All) => break true,
            Ok(Sent::Interrupted) => {
                connection.rewatch(None);
                let head = next(connection).await?;
                if !is_interim(&head)? {
                    return Ok((head, false));
                }
            }
            Err(error) if error.kind() == ErrorKind::ConnectionFailed => {
                // A service that refuses a body may say why before it hangs up.
                let said = next(connection)
                    .await
                    .ok()
                    .filter(|head| head.status >= 400);
                return said.map(|head| (head, false)).ok_or(error);
            }
            Err(error) => return Err(error),
        }
    };
    connection.rewatch(Some(patience));
    loop {
        let head = next(connection).await?;
        if !is_interim(&head)? {
            return Ok((head, sent_all));
        }
    }
}

async fn next(connection: &mut Connection) -> Result<Head> {
    loop {
        if !connection.ahead.is_empty()
            && let Some(head) = Head::take(&mut connection.ahead)?
        {
            return Ok(head);
        }
        if connection.read_ahead().await? == 0 {
            return Err(ended("an answer came"));
        }
    }
}

/// News on the way to an answer, which nobody asked for.
fn is_interim(head: &Head) -> Result<bool> {
    match head.status {
        101 => Err(malformed("it switches protocols")),
        status => Ok(status < 200),
    }
}
