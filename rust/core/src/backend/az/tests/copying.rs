//! Copies above the limit of one request, which the tests set low, against the test kit's server.

use std::sync::Arc;

use s3dlio_testkit::{Action, AzureServer, Fault, seeded_bytes};

use super::{key, shared_key};
use crate::backend::az::AzDriver;
use crate::buffer::Pool;
use crate::config::{Config, Options};
use crate::error::{ErrorKind, Result};
use crate::gate::Gate;
use crate::payload::Payload;
use crate::split::SplitStore;
use crate::types::{CopyLimits, CopyResult, CopySource, WriteOptions};

const PART: usize = 1 << 20;
const SIZE: usize = 2 * PART + 17;

/// A server that holds the source, a store on it that makes copies of more than a part in parts, and the bytes.
async fn rig() -> (AzureServer, SplitStore, Vec<u8>) {
    let server = AzureServer::start().await;
    server.create_container("container");
    let mut config = Config::load(&Options::default()).unwrap();
    config.az = shared_key(server.endpoint());
    config.part_size = PART as u64;
    let config = Arc::new(config);
    let driver = AzDriver {
        config: Arc::clone(&config),
        opened: std::sync::Mutex::default(),
    };
    let mut store = driver.store(&"az:///container/".parse().unwrap()).unwrap();
    store.info.capability.copies = Some(CopyLimits {
        max_single: PART as u64,
        part_size: PART as u64,
    });
    let gate = Gate::fixed(8, u64::MAX);
    let store = SplitStore::new(
        Arc::new(store),
        Arc::new(Pool::default()),
        gate,
        Arc::default(),
        &config,
    );
    let sent = seeded_bytes(7, SIZE);
    let options = WriteOptions {
        metadata: [("epoch".to_owned(), "7".to_owned())].into(),
        content_type: Some("text/x-test".to_owned()),
        ..WriteOptions::default()
    };
    store
        .write(&key("a b/source"), &Payload::from(sent.clone()), &options)
        .await
        .unwrap();
    server.clear_requests();
    (server, store, sent)
}

async fn copy(store: &SplitStore) -> Result<CopyResult> {
    let source = CopySource {
        container: "container".to_owned(),
        key: key("a b/source"),
        meta: store.inner().stat(&key("a b/source")).await?,
    };
    store
        .copy(&source, &key("copy"), &WriteOptions::default())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_copy_is_made_in_pinned_blocks() {
    let (server, store, sent) = rig().await;

    let copied = copy(&store).await.unwrap();

    assert!(server.blob("container", "copy").unwrap() == sent);
    assert_eq!((copied.size, copied.crc32c), (SIZE as u64, None));
    let requests = server.requests();
    let blocks: Vec<_> = requests
        .iter()
        .filter(|request| request.op == "PutBlockFromUrl")
        .collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        assert!(block.header("x-ms-source-if-match").is_some());
        let source = block.header("x-ms-copy-source").unwrap();
        assert!(
            source.contains("/container/a%20b/source?sv=") && source.contains("&sp=r&sig="),
            "{source}"
        );
    }
    let meta = store.inner().stat(&key("copy")).await.unwrap();
    assert_eq!(meta.metadata["epoch"], "7");
    assert_eq!(meta.content_type.as_deref(), Some("text/x-test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_replaced_between_blocks_is_never_spliced() {
    let (server, store, _) = rig().await;
    let replaced = Action::ReplaceObject {
        seed: 9,
        size: None,
    };
    server.fault(Fault::once(replaced).op("GetBlobProperties"));

    let error = copy(&store).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
    assert!(server.blob("container", "copy").is_none());
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("sig="), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_dropped_by_the_service_is_noticed() {
    let (server, store, _) = rig().await;
    let drop = Action::DropPart {
        number: 2,
        hidden: false,
    };
    server.fault(Fault::once(drop).op("PutBlockList"));

    let error = copy(&store).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
}
