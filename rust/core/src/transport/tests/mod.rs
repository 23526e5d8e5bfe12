//! Exchanges with servers that cut, stall, close and ramble, over real sockets.

mod bodies;
mod exchanges;
mod kept;
mod sealed;
mod server;
mod stalls;
mod trust;

use bytes::Bytes;
use http::Method;

use self::server::Server;
use super::{Request, Response, Transport};
use crate::config::{Config, Options};
use crate::error::Result;
use crate::payload::Payload;

/// What a test that must not wait takes for silence.
const STALL: &str = "0.2";

fn transport(given: &[(&str, &str)]) -> Transport {
    let mut options = Options::default();
    for (name, value) in given {
        options.set(name, *value).unwrap();
    }
    Transport::new(&Config::load(&options).unwrap()).unwrap()
}

async fn send(
    transport: &Transport,
    server: &Server,
    method: Method,
    body: &Payload,
) -> Result<Response> {
    transport.send(request(server, method, body)).await
}

fn request<'a>(server: &'a Server, method: Method, body: &'a Payload) -> Request<'a> {
    Request {
        method,
        endpoint: &server.endpoint,
        target: "/target?query",
        headers: &[("x-a", "b")],
        body,
        repeatable: false,
        patience: None,
    }
}

async fn get(transport: &Transport, server: &Server) -> Result<Response> {
    send(transport, server, Method::GET, &Payload::default()).await
}

async fn text(response: Response) -> Result<String> {
    let body: Bytes = response.body.collect(1 << 20).await?;
    Ok(String::from_utf8(body.to_vec()).unwrap())
}
