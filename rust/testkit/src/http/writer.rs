//! Answers written to a socket, whole or in one of the broken ways a fault asks for.

use std::fmt::Write;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::Response;
use crate::clock::http_date;

/// How an answer leaves; the default is whole and at full speed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivery {
    /// The connection ends after so many body bytes, whatever Content-Length says.
    pub(crate) cut: Option<Cut>,
    /// Nothing follows after so many body bytes, but the connection stays open.
    pub(crate) stall: Option<u64>,
    pub(crate) bytes_per_second: Option<f64>,
    /// What Content-Length says beyond the truth.
    pub(crate) length_error: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) after: u64,
    /// The end is a reset (RST) and not an orderly close (FIN).
    pub(crate) reset: bool,
}

/// What is left to do with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    KeepAlive,
    Close,
    Reset,
    /// Leave it open and silent until the peer gives up.
    Hold,
    /// Close, but take what the peer still sends, so that it can read the answer first.
    Linger,
}

/// Writes `response`; `with_body` is false for answers to HEAD.
pub(crate) async fn send<W: AsyncWrite + Unpin>(
    stream: &mut W,
    response: &Response,
    with_body: bool,
    delivery: &Delivery,
) -> io::Result<Outcome> {
    let mut head = Bytes::from(head(response, delivery));
    let cut = delivery.cut.map_or(u64::MAX, |cut| cut.after);
    let limit = cut.min(delivery.stall.unwrap_or(u64::MAX));
    let body = response.body.slice(0..if with_body { limit } else { 0 });

    match delivery.bytes_per_second {
        Some(rate) => {
            stream.write_all_buf(&mut head).await?;
            for piece in body.pieces() {
                drip(stream, piece.clone(), rate).await?;
            }
        }
        None => {
            let mut pieces = body.pieces().iter().cloned();
            // Head and first piece leave in one vectored write: one packet for small objects.
            let mut first = head.chain(pieces.next().unwrap_or_default());
            stream.write_all_buf(&mut first).await?;
            for mut piece in pieces {
                stream.write_all_buf(&mut piece).await?;
            }
        }
    }
    stream.flush().await?;

    Ok(match delivery.cut {
        _ if delivery.stall.is_some_and(|at| at < cut) => Outcome::Hold,
        Some(Cut { reset: true, .. }) => Outcome::Reset,
        Some(_) => Outcome::Close,
        None if delivery.length_error != 0 => Outcome::Close,
        None => Outcome::KeepAlive,
    })
}

async fn drip<W: AsyncWrite + Unpin>(
    stream: &mut W,
    mut piece: Bytes,
    bytes_per_second: f64,
) -> io::Result<()> {
    const STEPS_PER_SECOND: f64 = 50.0;
    let step = (bytes_per_second / STEPS_PER_SECOND).ceil().max(1.0);
    let pause = Duration::from_secs_f64(step / bytes_per_second);
    #[expect(clippy::cast_sign_loss, reason = "it is at least 1")]
    let step = step as usize;
    while piece.has_remaining() {
        let mut now = piece.split_to(step.min(piece.len()));
        stream.write_all_buf(&mut now).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

fn head(response: &Response, delivery: &Delivery) -> String {
    let mut head = format!(
        "HTTP/1.1 {} {}\r\n",
        response.status,
        reason(response.status)
    );
    for (name, value) in &response.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if response.get("date").is_none() {
        let _ = write!(head, "date: {}\r\n", http_date(SystemTime::now()));
    }
    // An answer to HEAD states the length of the body that GET would have, and 204 has none.
    if !matches!(response.status, 204 | 304) && response.get("content-length").is_none() {
        let length = response
            .body
            .len()
            .saturating_add_signed(delivery.length_error);
        let _ = write!(head, "content-length: {length}\r\n");
    }
    head + "\r\n"
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        412 => "Precondition Failed",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
