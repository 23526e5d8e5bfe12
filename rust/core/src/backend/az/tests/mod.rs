//! What only a service can answer, against an emulator at `AZURE_STORAGE_ENDPOINT`, and what only a
//! misbehaving one does, against a scripted server. The behaviour suite covers the rest.

mod access;
mod copying;
mod deletes;
mod faults;
mod objects;
mod server;
mod tokens;

use std::sync::Arc;

use super::driver;
use crate::buffer::Pool;
use crate::config::{AzConfig, AzureChecksum, Config, Options, Secret};
use crate::error::Error;
use crate::payload::Payload;
use crate::store::Store;
use crate::types::{ByteRange, Destination, Page, PageRequest, ReadOptions, WriteOptions};
use crate::uri::{Key, Uri};

const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

#[expect(
    clippy::disallowed_methods,
    reason = "tells a test where its server is"
)]
pub(super) fn endpoint() -> Option<String> {
    let endpoint = std::env::var("AZURE_STORAGE_ENDPOINT")
        .ok()
        .filter(|url| url.ends_with(ACCOUNT));
    if endpoint.is_none() {
        println!("skipped: AZURE_STORAGE_ENDPOINT names no emulator");
    }
    endpoint
}

pub(super) fn shared_key(endpoint: String) -> AzConfig {
    AzConfig {
        endpoint_url: Some(endpoint),
        account_name: None,
        account_key: Some(Secret::new(KEY)),
        sas_token: None,
        connection_string: None,
        checksum: AzureChecksum::Md5,
    }
}

pub(super) async fn open(az: AzConfig, container: &str) -> Arc<dyn Store> {
    let mut config = Config::load(&Options::default()).unwrap();
    config.az = az;
    config.retry.max_attempts = 2;
    let uri: Uri = format!("az:///{container}/").parse().unwrap();
    driver(&Arc::new(config)).open(&uri).await.unwrap()
}

/// A store on a container of its own; `None` without a server.
pub(super) async fn fresh() -> Option<Arc<dyn Store>> {
    let store = open(
        shared_key(endpoint()?),
        &format!("t{:016x}", rand::random::<u64>()),
    )
    .await;
    store.create_container(&Key::default()).await.unwrap();
    Some(store)
}

pub(super) fn key(text: &str) -> Key {
    Key::new(text)
}

pub(super) async fn put(store: &dyn Store, name: &str, body: &'static [u8]) {
    let written = store
        .write(&key(name), &Payload::from(body), &WriteOptions::default())
        .await;
    written.unwrap_or_else(|error| panic!("{name:?}: {error}"));
}

pub(super) async fn get(store: &dyn Store, name: &str, range: ByteRange) -> Result<Vec<u8>, Error> {
    let into = Destination::Allocate {
        pool: Arc::new(Pool::default()),
        window: u64::MAX,
    };
    let (buf, reply) = store
        .read(&key(name), range, into, &ReadOptions::default())
        .await?;
    assert_eq!(reply.filled, buf.len());
    Ok(buf.to_vec())
}

pub(super) async fn keys(store: &dyn Store, prefix: &str, one_level: bool) -> Page {
    store
        .list(
            &key(prefix),
            &PageRequest {
                one_level,
                ..PageRequest::default()
            },
        )
        .await
        .unwrap()
}

pub(super) fn names(page: &Page) -> Vec<&str> {
    page.entries
        .iter()
        .map(|entry| entry.key.as_str())
        .collect()
}
