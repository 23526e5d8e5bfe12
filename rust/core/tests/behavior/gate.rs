//! Concurrency follows what the service takes, and large transfers leave room for small requests.

use std::future::Future;
use std::time::Duration;

use s3dlio::Uri;
use s3dlio_testkit::{Action, Fault, Options, RequestRecord};

use crate::rig::{Rig, rig_with};

/// Far longer than any of it takes.
const DEADLINE: Duration = Duration::from_mins(1);
/// Longer than that: what is not answered is not tried again.
const NEVER: (&str, &str) = ("stall_timeout", "600");

/// A server that answers after a while, as one that is far away.
async fn distant(size: usize, settings: &[(&str, &str)]) -> Rig {
    let rig = rig_with(size, settings).await;
    let later = Fault::always(Action::Delay { ms: 3 }).op("GetObject");
    rig.server.fault(later);
    rig
}

fn refused(requests: &[RequestRecord]) -> usize {
    let refused = requests
        .iter()
        .filter(|request| request.status == Some(503));
    refused.count()
}

async fn get_many(rig: &Rig, count: usize) {
    let uris = vec![rig.object.clone(); count];
    for got in rig.client.get_many(&uris, 64).await.unwrap() {
        assert!(*got == rig.sent);
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(DEADLINE, work).await;
    result.expect("it ends long before the deadline")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_takes_few_requests_is_not_stormed_and_gets_more_when_it_takes_more() {
    let rig = distant(
        4096,
        &[("concurrency", "16"), ("max_attempts", "20"), NEVER],
    )
    .await;
    let takes_few = Options {
        most_in_flight: Some(4),
        ..Options::default()
    };
    rig.server.set_options(takes_few);

    in_time(get_many(&rig, 100)).await;
    let settling = refused(&rig.server.requests());
    rig.server.clear_requests();
    in_time(get_many(&rig, 300)).await;
    let requests = rig.server.requests();
    let settled = refused(&requests);

    println!("{settling} of the first 100 requests were refused, and {settled} of 300 more");
    assert!(settling > 0 && settled <= 75);

    // Enough to come from one request to all of them.
    rig.server.set_options(Options::default());
    in_time(get_many(&rig, 1000)).await;
    rig.server.clear_requests();
    rig.server.clear_faults();
    let silence = Fault::always(Action::Stall { after: None }).op("GetObject");
    rig.server.fault(silence);
    let under_way = rig.server.wait_until(|requests| requests.len() == 16);
    tokio::select! {
        () = get_many(&rig, 16) => panic!("nothing was answered"),
        () = in_time(under_way) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_request_passes_a_large_one_that_is_stuck() {
    let settings = [("concurrency", "8"), ("part_size", "65536"), NEVER];
    let rig = rig_with(64 << 16, &settings).await;
    let silence = Fault::always(Action::Stall { after: None }).op("GetObject");
    rig.server.fault(silence.header("range"));
    let stuck = |requests: &[RequestRecord]| {
        let parts = requests.iter().filter(|request| request.op == "GetObject");
        parts.count() == 8
    };

    let stats = async {
        // The first request is no part.
        rig.server.wait_until(stuck).await;
        for _ in 0..10 {
            rig.client.stat(&rig.object).await.unwrap();
        }
    };
    tokio::select! {
        _ = rig.client.get(&rig.object) => panic!("nothing was answered"),
        () = in_time(stats) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_batches_of_a_prefix_are_deleted_side_by_side() {
    let rig = rig_with(1, &[NEVER]).await;
    let uris: Vec<Uri> = (0..40)
        .map(|i| format!("s3://bucket/p/{i}").parse().unwrap())
        .collect();
    let objects = uris.iter().map(|uri| (uri.clone(), b"x".as_slice().into()));
    let options = s3dlio::WriteOptions::default();
    rig.client.put_many(objects, 8, &options).await.unwrap();
    rig.server.set_options(Options {
        page_size: Some(10),
        ..Options::default()
    });
    let silence = Fault::once(Action::Stall { after: None }).op("DeleteObjects");
    rig.server.fault(silence);
    let prefix = "s3://bucket/p/".parse().unwrap();

    let answered = rig.server.wait_until(|requests| {
        let batches = requests
            .iter()
            .filter(|request| request.op == "DeleteObjects");
        batches.filter(|batch| batch.status == Some(200)).count() == 3
    });
    tokio::select! {
        _ = rig.client.delete(&prefix) => panic!("one batch was not answered"),
        () = in_time(answered) => {}
    }
}
