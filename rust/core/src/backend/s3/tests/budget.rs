//! What all retries of a process are paid from.

use futures::future::join_all;
use s3dlio_testkit::{Action, Fault, S3Server};

use super::{key, read};
use crate::backend::s3::store::S3Store;
use crate::types::{ByteRange, ReadOptions, WriteOptions};
use crate::{ErrorKind, Payload, Store as _};

const TASKS: usize = 400;
const ATTEMPTS: usize = 8;
/// All that a full budget pays for.
const RETRIES: usize = 1000;

async fn throttling() -> S3Server {
    let server = S3Server::start().await;
    server.create_bucket("bucket");
    server.fault(Fault::always(Action::slow_down()));
    server
}

fn store(server: &S3Server) -> S3Store {
    super::store(
        &server.endpoint(),
        &[("max_attempts", "8"), ("stall_timeout", "60")],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_tasks_do_not_storm_a_server_that_throttles() {
    let server = throttling().await;
    let store = store(&server);
    let key = key("key");

    let answers = join_all((0..TASKS).map(|_| store.stat(&key))).await;

    for answer in &answers {
        let error = answer.as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
    }
    let last = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert!(
        last.map(ToString::to_string)
            .any(|error| error.contains("too many requests of this process fail"))
    );
    let sent = server.requests().len();
    println!(
        "{TASKS} tasks sent {sent} requests; without a budget, {}",
        TASKS * ATTEMPTS
    );
    assert!(sent <= TASKS + RETRIES, "{sent}");

    server.clear_faults();
    let there = Payload::from(&b"there"[..]);
    let options = WriteOptions::default();
    store.write(&key, &there, &options).await.unwrap();
    for _ in 0..RETRIES {
        store.stat(&key).await.unwrap();
    }
    server.fault(Fault::times(ATTEMPTS as u64 - 1, Action::slow_down()));
    store.stat(&key).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_task_alone_has_all_its_attempts() {
    let server = throttling().await;

    let error = store(&server).stat(&key("key")).await.unwrap_err();

    assert_eq!(error.attempts() as usize, ATTEMPTS);
    assert_eq!(server.requests().len(), ATTEMPTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_tasks_do_not_storm_a_server_whose_bodies_break_off() {
    let server = S3Server::start().await;
    server.create_bucket("bucket");
    server.put("bucket", "key", b"there".to_vec());
    let cut = Action::Cut {
        after: 0,
        reset: false,
    };
    server.fault(Fault::always(cut));
    let store = store(&server);
    let options = ReadOptions::default();

    let answers = join_all((0..TASKS).map(|_| read(&store, ByteRange::Whole, &options))).await;

    assert!(answers.iter().all(Result::is_err));
    let sent = server.requests().len();
    println!("{TASKS} tasks sent {sent} requests");
    assert!(sent <= TASKS + RETRIES, "{sent}");

    server.clear_faults();
    for _ in 0..RETRIES {
        read(&store, ByteRange::Whole, &options).await.unwrap();
    }
    let cut = Action::Cut {
        after: 0,
        reset: false,
    };
    server.fault(Fault::times(ATTEMPTS as u64 - 1, cut));
    read(&store, ByteRange::Whole, &options).await.unwrap();
}
