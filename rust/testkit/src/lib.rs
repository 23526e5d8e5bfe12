//! Test servers that behave as S3 and Azure Blob do, and misbehave on command; seeded data.
//!
//! The servers keep everything in memory and speak plain HTTP/1.1 on a free port of 127.0.0.1; [`TlsFront`] puts TLS
//! before one, and [`ProxyServer`] a proxy.
//! They have their own threads, so that a test may block, and stop when they are dropped.
//!
//! ```
//! use s3dlio_testkit::{Action, Fault, S3Server, seeded_bytes};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let server = S3Server::start().await;
//! server.put("bucket", "key", seeded_bytes(1, 1000));
//! server.fault(Fault::once(Action::Cut { after: 100, reset: false }).op("GetObject"));
//! // ... point a client at server.endpoint() and look at server.requests() ...
//! # }
//! ```

#![deny(unsafe_code)]

mod azure;
mod checksum;
mod clock;
mod condition;
mod connection;
mod control;
mod data;
mod fault;
mod front;
mod http;
mod journal;
mod listing;
mod options;
mod proxy;
mod s3;
mod server;
mod service;
mod synthetic;
mod tls;
mod xml;

pub use azure::AzureServer;
pub use data::seeded_bytes;
pub use fault::{Action, Fault, FlipOrigin};
pub use journal::RequestRecord;
pub use options::Options;
pub use proxy::{ProxyRecord, ProxyServer};
pub use s3::S3Server;
pub use server::{Statistics, TestServer};
pub use tls::{Authority, Flaw, Identity, TlsFront};
