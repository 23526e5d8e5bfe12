//! What only this back end does, against scripted answers and (where there is one) a real MinIO.

mod budget;
mod copying;
mod credentials;
mod live;
mod reading;
mod script;
mod signing;
mod writing;

use std::sync::Arc;

use super::service::Service;
use super::store::S3Store;
use crate::backend::backoff::tests::own_budget;
use crate::buffer::Pool;
use crate::config::{Config, Options};
use crate::types::{ByteRange, Destination, ReadOptions, ReadReply};
use crate::uri::Key;
use crate::{Result, Store};

const SECRET: &str = "a-secret-that-must-not-show";

/// A store of the bucket `bucket`.
fn store(endpoint: &str, more: &[(&str, &str)]) -> S3Store {
    let mut service = Service::new(Arc::new(config(endpoint, more)));
    service.budget = own_budget();
    S3Store::new(Arc::new(service), "bucket")
}

/// Settings whose retries take milliseconds.
fn config(endpoint: &str, more: &[(&str, &str)]) -> Config {
    let given = [
        ("endpoint_url", endpoint),
        ("region", "us-east-1"),
        ("access_key_id", "an-access-key"),
        ("secret_access_key", SECRET),
        ("retry_base", "0.001"),
        ("retry_max", "0.01"),
        ("max_attempts", "4"),
        ("stall_timeout", "2"),
    ];
    let mut options = Options::default();
    for (name, value) in given.iter().chain(more) {
        options.set(name, *value).unwrap();
    }
    Config::load(&options).unwrap()
}

/// For each of a store's ways; the second goes through the SDK.
fn ways() -> [fn(S3Store) -> S3Store; 2] {
    [
        |store| store,
        |store| {
            for road in &store.roads {
                road.set(None).unwrap();
            }
            store
        },
    ]
}

fn key(text: &str) -> Key {
    Key::new(text)
}

/// The bytes that a read filled.
async fn read(
    store: &dyn Store,
    range: ByteRange,
    options: &ReadOptions,
) -> Result<(Vec<u8>, ReadReply)> {
    let into = Destination::Allocate {
        pool: Arc::new(Pool::default()),
        window: u64::MAX,
    };
    let (buf, reply) = store.read(&key("key"), range, into, options).await?;
    assert!(reply.filled <= buf.len());
    Ok((buf[..reply.filled].to_vec(), reply))
}
