//! Each verb of the client opens and closes one operation.

use std::sync::{Arc, Mutex};

use s3dlio::{Observer, Operation, Payload, WriteOptions};

use crate::place::{self, Place};

#[derive(Default)]
struct Log(Mutex<Vec<Row>>);

#[derive(Debug, Clone, PartialEq)]
struct Row {
    op: &'static str,
    bytes: u64,
    objects: u64,
    first_byte: bool,
    failed: bool,
}

impl Observer for Log {
    fn finished(&self, operation: &Operation<'_>) {
        if let Some(first) = operation.first_byte {
            assert!(first <= operation.elapsed);
        }
        self.0.lock().unwrap().push(Row {
            op: operation.op,
            bytes: operation.bytes,
            objects: operation.objects,
            first_byte: operation.first_byte.is_some(),
            failed: operation.error.is_some(),
        });
    }
}

pub async fn each_verb_is_one_operation(place: Place) {
    let target = place.target;
    // The place's own client shows its operations to nobody; a second one is observed.
    std::thread::spawn(move || {
        let log = Arc::new(Log::default());
        place::run_observed(
            target,
            Some(Arc::clone(&log) as Arc<dyn Observer>),
            |place| verbs(place, log),
        );
    })
    .join()
    .unwrap();
}

async fn verbs(place: Place, log: Arc<Log>) {
    log.0.lock().unwrap().clear();
    let (uri, client) = (place.uri("a"), &place.client);

    client
        .put(
            &uri,
            Payload::from(b"12345".to_vec()),
            &WriteOptions::default(),
        )
        .await
        .unwrap();
    client.get(&uri).await.unwrap();
    client.stat(&uri).await.unwrap();
    client.list(&place.base, true, None).await.unwrap();
    client
        .get_many(&[uri.clone(), uri.clone()], 2)
        .await
        .unwrap();
    client
        .get_many_stats(std::slice::from_ref(&uri), 2)
        .await
        .unwrap();
    let mut pieces = client.pieces(&uri, 1, None, 1).await.unwrap();
    while pieces.next().await.unwrap().is_some() {}
    client.get(&place.uri("missing")).await.unwrap_err();
    client.delete(&uri).await.unwrap();

    let row = |op, bytes, objects, first_byte, failed| Row {
        op,
        bytes,
        objects,
        first_byte,
        failed,
    };
    assert_eq!(
        *log.0.lock().unwrap(),
        [
            row("put", 5, 1, false, false),
            row("get", 5, 1, true, false),
            row("stat", 0, 1, false, false),
            row("list", 0, 1, true, false),
            row("get", 5, 1, true, false),
            row("get", 5, 1, true, false),
            row("get", 5, 1, true, false),
            row("get", 4, 1, true, false),
            row("get", 0, 1, false, true),
            row("delete", 0, 1, false, false),
        ]
    );
}
