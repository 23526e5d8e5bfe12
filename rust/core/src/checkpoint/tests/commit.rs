//! A save is seen whole or not at all, whatever fails and whoever else saves.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;

use super::faulty::{Faulty, Judge, Verdict};
use super::*;
use crate::gate::Gate;
use crate::split::SplitStore;
use crate::store::Store;

/// The client's store behind one that fails as `judge` says.
async fn faulty(client: &Client, judge: Judge) -> (SplitStore, Arc<Faulty>) {
    let store = client.store(&BASE.parse().unwrap()).await.unwrap();
    let inner = Arc::clone(store.inner());
    let faulty = Arc::new(Faulty {
        inner,
        judge,
        addresses: Mutex::default(),
    });
    let store: Arc<dyn Store> = faulty.clone();
    let gate = Gate::fixed(64, u64::MAX);
    (
        SplitStore::new(
            store,
            Arc::clone(client.pool()),
            gate,
            Arc::default(),
            client.config(),
        ),
        faulty,
    )
}

fn shard() -> Location {
    Location::new(&BASE.parse().unwrap(), "m", 0).unwrap()
}

fn timeout() -> Error {
    Error::new(ErrorKind::Timeout, "no answer")
}

fn compression(client: &Client, level: Option<i32>) -> Option<Compression> {
    level.map(|level| Compression::new(level, Arc::clone(client.pool()), client.config()).unwrap())
}

#[tokio::test]
async fn a_save_removes_the_data_before_it() {
    let client = client().await;
    for (level, seed) in [(None, 1), (Some(1), 2), (None, 3), (Some(21), 4)] {
        let store = shards(&client, level);
        let report = store
            .put_shard("m", 0, bytes(1000, seed).into())
            .await
            .unwrap();

        let data = report.uri.key().to_string();
        assert_eq!(
            keys(&client).await,
            [data, "checkpoints/m/shard-00000.json".into()]
        );
        assert_eq!(*store.get_shard("m", 0).await.unwrap(), *bytes(1000, seed));
    }
}

#[tokio::test]
async fn a_failure_at_any_call_leaves_the_shard_before_or_after() {
    for level in [None, Some(1)] {
        let client = client_with(&[("part_size", "1MiB")]).await;
        let store = shards(&client, level);
        let mut saved = bytes(100, 0);
        store.put_shard("m", 0, saved.clone().into()).await.unwrap();
        let mut failures = 0;
        for fail_at in 0.. {
            let calls = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&calls);
            let judge: Judge = Box::new(move |op, _| match op {
                // A failed abort is a warning of the upload's own.
                "abort_upload" => Verdict::Pass,
                _ if counted.fetch_add(1, Ordering::SeqCst) == fail_at => Verdict::Fail(timeout()),
                _ => Verdict::Pass,
            });
            let (broken, _) = faulty(&client, judge).await;
            let next = bytes(2 * FRAME + 9, 1 + fail_at as u32);
            let compression = compression(&client, level);

            let result = save::save(
                &broken,
                &shard(),
                &next.clone().into(),
                compression.as_ref(),
            )
            .await;

            if result.is_ok() {
                saved = next;
            } else {
                failures += 1;
            }
            assert!(
                *store.get_shard("m", 0).await.unwrap() == saved,
                "call {fail_at} at {level:?}"
            );
            if calls.load(Ordering::SeqCst) <= fail_at {
                break;
            }
        }
        // Every part, the finish and the record; neither the look at the former record nor the removal counts.
        assert!(failures >= 4, "{failures}");
    }
}

#[tokio::test]
async fn a_lost_answer_to_the_commit_is_looked_up() {
    let client = client().await;
    let judge: Judge = Box::new(|op, key| match op {
        "write" if key.ends_with(".json") => Verdict::Lose(timeout()),
        _ => Verdict::Pass,
    });
    let (broken, _) = faulty(&client, judge).await;

    save::save(&broken, &shard(), &bytes(10, 1).into(), None)
        .await
        .unwrap();

    assert_eq!(
        *shards(&client, None).get_shard("m", 0).await.unwrap(),
        *bytes(10, 1)
    );
}

#[tokio::test]
async fn a_removal_that_fails_does_not_fail_the_save() {
    let client = client().await;
    let judge: Judge = Box::new(|op, _| match op {
        "delete" => Verdict::Fail(Error::new(ErrorKind::AccessDenied, "no")),
        _ => Verdict::Pass,
    });
    let (broken, _) = faulty(&client, judge).await;
    for seed in 0..2 {
        save::save(&broken, &shard(), &bytes(10, seed).into(), None)
            .await
            .unwrap();
    }

    assert_eq!(
        *shards(&client, None).get_shard("m", 0).await.unwrap(),
        *bytes(10, 1)
    );
    assert_eq!(keys(&client).await.len(), 3);
}

#[tokio::test]
async fn a_damaged_record_can_be_saved_over() {
    let client = client().await;
    let store = shards(&client, None);
    client
        .put(
            shard().record(),
            b"noise".as_slice().into(),
            &WriteOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(
        store.get_shard("m", 0).await.unwrap_err().kind(),
        ErrorKind::CheckpointCorrupt
    );

    store.put_shard("m", 0, bytes(10, 1).into()).await.unwrap();

    assert_eq!(*store.get_shard("m", 0).await.unwrap(), *bytes(10, 1));
}

#[tokio::test]
async fn a_load_overtaken_by_saves_reads_the_record_again() {
    for overtaken in [1, 5, 6] {
        let client = client().await;
        let store = shards(&client, None);
        store.put_shard("m", 0, bytes(10, 0).into()).await.unwrap();
        let rounds = Arc::new(AtomicUsize::new(0));
        let (counted, other) = (Arc::clone(&rounds), client.clone());
        // Each time the data is about to be read, another save has just replaced it.
        let judge: Judge = Box::new(move |op, key| {
            let round = counted.load(Ordering::SeqCst);
            if op == "read" && key.ends_with(".bin") && round < overtaken {
                counted.store(round + 1, Ordering::SeqCst);
                let store = shards(&other, None);
                let put = store.put_shard("m", 0, bytes(10, round as u32 + 1).into());
                futures::executor::block_on(put).unwrap();
            }
            Verdict::Pass
        });
        let (slow, _) = faulty(&client, judge).await;
        let plan = LoadPlan::new(client.config(), 2);

        let loaded = load::load(
            &slow,
            &shard(),
            client.pool(),
            plan,
            &crate::Span::default(),
        )
        .await;

        if overtaken <= 5 {
            assert_eq!(*loaded.unwrap(), *bytes(10, overtaken as u32));
        } else {
            let error = loaded.unwrap_err();
            assert_eq!(
                (error.kind(), error.retryable()),
                (ErrorKind::Checkpoint, true)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_saves_and_loads_see_whole_versions() {
    let client = client().await;
    let version = |seed: u8| vec![seed; 1000 + 37 * usize::from(seed)];
    shards(&client, None)
        .put_shard("m", 0, version(0).into())
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    for writer in 0..4u8 {
        let store = shards(&client, (writer % 2 == 0).then_some(1));
        tasks.spawn(async move {
            for round in 0..25 {
                store
                    .put_shard("m", 0, version(writer * 50 + round).into())
                    .await
                    .unwrap();
            }
            0
        });
    }
    for _ in 0..4 {
        let store = shards(&client, None);
        tasks.spawn(async move {
            let mut overtaken = 0;
            for _ in 0..200 {
                match store.get_shard("m", 0).await {
                    Ok(loaded) => assert_eq!(*loaded, version(loaded[0])),
                    Err(error) if error.kind() == ErrorKind::Checkpoint => overtaken += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            overtaken
        });
    }

    let mut overtaken = 0;
    while let Some(result) = tasks.join_next().await {
        overtaken += result.unwrap();
    }

    println!("{overtaken} of 800 loads were overtaken more than 5 times");
}

#[tokio::test]
async fn a_raw_save_sends_the_callers_memory() {
    let client = client().await;
    let (store, faulty) = faulty(&client, Box::new(|_, _| Verdict::Pass)).await;
    let data = bytes(3 * FRAME, 1);
    let range = data.as_ptr() as usize..data.as_ptr() as usize + data.len();

    save::save(&store, &shard(), &data.clone().into(), None)
        .await
        .unwrap();

    let addresses = faulty.addresses.lock().unwrap().clone();
    let inside = addresses
        .iter()
        .filter(|address| range.contains(address))
        .count();
    assert_eq!(
        (inside, addresses.len()),
        (3, 4),
        "three parts, and the record"
    );
}
