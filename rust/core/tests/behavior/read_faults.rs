//! Reads from a server that cuts, stalls, lies about ranges and replaces what is read: no wrong byte comes through.

use std::time::Duration;

use s3dlio::ErrorKind;
use s3dlio_testkit::{Action, Fault, RequestRecord};
use tokio::task::JoinSet;

use crate::lent::lend;
use crate::rig::{PART, Way, by_both_ways, ranges, rig_by};

by_both_ways! {
    a_small_get_is_one_request,
    a_large_get_asks_for_no_head_and_pins_its_ranges,
    the_rest_does_not_wait_for_the_first_window,
    a_body_cut_short_is_resumed_where_it_stopped,
    a_body_cut_in_every_range_still_arrives_whole,
    a_stalled_body_is_dropped_and_tried_again,
    an_object_replaced_during_a_resume_is_never_spliced,
    an_object_replaced_between_ranges_is_never_spliced,
    an_ignored_range_is_cut_out_of_what_comes,
    parts_and_resumed_bodies_are_cut_out_of_what_comes_too,
    a_false_content_range_is_refused,
}

async fn a_small_get_is_one_request(way: Way) {
    let rig = rig_by(way, 4096, &[]).await;

    rig.client.get(&rig.object).await.unwrap();

    let ops: Vec<&str> = rig
        .server
        .requests()
        .iter()
        .map(|request| request.op)
        .collect();
    assert_eq!(ops, ["GetObject"]);
}

async fn a_large_get_asks_for_no_head_and_pins_its_ranges(way: Way) {
    let rig = rig_by(way, 3 * PART, &[]).await;

    assert!(*rig.client.get(&rig.object).await.unwrap() == rig.sent);

    let requests = rig.server.requests();
    assert!(
        requests.iter().all(|request| request.op == "GetObject"),
        "{requests:?}"
    );
    assert_eq!(
        ranges(&requests)
            .iter()
            .filter(|range| range.is_none())
            .count(),
        1
    );
    assert!(
        requests[1..]
            .iter()
            .all(|request| request.header("if-match").is_some())
    );
}

/// The first body never comes to its end, and the rest is asked for all the same.
async fn the_rest_does_not_wait_for_the_first_window(way: Way) {
    let rig = rig_by(way, 3 * PART, &[("stall_timeout", "3600")]).await;
    let second = format!("bytes={PART}-{}", 2 * PART - 1);
    let asked = |requests: &[RequestRecord]| {
        ranges(requests)
            .iter()
            .any(|range| range.as_deref() == Some(&second))
    };

    for by_stream in [false, true] {
        rig.server.clear_requests();
        let stall = Action::Stall { after: Some(1000) };
        rig.server.fault(Fault::once(stall).op("GetObject"));
        let (client, object) = (rig.client.clone(), rig.object.clone());
        let mut reads = JoinSet::new();
        reads.spawn(async move {
            match by_stream {
                false => client.get(&object).await.map(drop),
                true => client
                    .read_and_drop(&object, 1 << 30, |_| ())
                    .await
                    .map(drop),
            }
        });

        let seen = rig.server.wait_until(asked);
        tokio::time::timeout(Duration::from_mins(1), seen)
            .await
            .expect("the second part is asked for");
    }
}

async fn a_body_cut_short_is_resumed_where_it_stopped(way: Way) {
    let rig = rig_by(way, 1 << 20, &[]).await;
    for reset in [false, true] {
        rig.server.clear_requests();
        rig.server.fault(
            Fault::once(Action::Cut {
                after: 300_000,
                reset,
            })
            .op("GetObject"),
        );

        assert!(*rig.client.get(&rig.object).await.unwrap() == rig.sent);

        let requests = rig.server.requests();
        assert_eq!(requests.len(), 2, "{requests:?}");
        let range = requests[1]
            .header("range")
            .expect("the second try asks for the rest");
        let from: u64 = range
            .trim_start_matches("bytes=")
            .split('-')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert!(from <= 300_000 && (reset || from > 0), "{range}");
        assert!(requests[1].header("if-match").is_some());
    }
}

async fn a_body_cut_in_every_range_still_arrives_whole(way: Way) {
    let rig = rig_by(way, 3 * PART + 7, &[]).await;
    rig.server.fault(
        Fault::always(Action::Cut {
            after: 1_000_000,
            reset: false,
        })
        .op("GetObject")
        .every(2),
    );

    assert!(*rig.client.get(&rig.object).await.unwrap() == rig.sent);
}

async fn a_stalled_body_is_dropped_and_tried_again(way: Way) {
    let rig = rig_by(way, 1 << 20, &[("stall_timeout", "1")]).await;
    rig.server.fault(
        Fault::once(Action::Stall {
            after: Some(10_000),
        })
        .op("GetObject"),
    );

    assert!(*rig.client.get(&rig.object).await.unwrap() == rig.sent);

    assert_eq!(rig.count("GetObject"), 2);
}

async fn an_object_replaced_during_a_resume_is_never_spliced(way: Way) {
    let rig = rig_by(way, 1 << 20, &[]).await;
    let cut = Fault::once(Action::Cut {
        after: 300_000,
        reset: false,
    })
    .op("GetObject");
    rig.server.fault(cut.and(Action::ReplaceObject {
        seed: 99,
        size: None,
    }));

    let error = rig.client.get(&rig.object).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
}

async fn an_object_replaced_between_ranges_is_never_spliced(way: Way) {
    // Not every gateway knows conditions, nor every cache.
    for (whole, conditions) in [(true, true), (true, false), (false, true), (false, false)] {
        let rig = rig_by(way, 3 * PART, &[]).await;
        rig.server.fault(
            Fault::once(Action::ReplaceObject {
                seed: 99,
                size: None,
            })
            .op("GetObject"),
        );
        if !conditions {
            rig.server
                .fault(Fault::always(Action::ignore("if-match")).op("GetObject"));
        }

        let read = match whole {
            true => rig.client.get(&rig.object).await,
            false => {
                let len = Some(2 * PART as u64);
                rig.client.get_range(&rig.object, 1, len).await
            }
        };

        let error = read.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
    }
}

fn ignored_range() -> Fault {
    Fault::always(Action::IgnoreHeader {
        name: "range".into(),
    })
    .op("GetObject")
}

/// All of the object comes where a part was asked for: the part is cut out of it.
async fn an_ignored_range_is_cut_out_of_what_comes(way: Way) {
    let rig = rig_by(way, 100_000, &[]).await;
    rig.server.fault(ignored_range());
    let (client, uri) = (&rig.client, &rig.object);

    for (offset, length) in [
        (0, Some(10)),
        (500, Some(1000)),
        (99_999, Some(1)),
        (99_000, Some(5000)),
        (500, None),
    ] {
        let got = client.get_range(uri, offset, length).await.unwrap();
        let end = length.map_or(100_000, |length| (offset + length).min(100_000));
        // Fits: a test's object is small.
        assert!(
            *got == rig.sent[offset as usize..end as usize],
            "{offset} {length:?}"
        );
    }

    let past = client.get_range(uri, 100_000, Some(1)).await.unwrap_err();
    assert_eq!(past.code(), Some("InvalidRange"), "{past}");

    let (memory, lent) = lend(3000);
    drop(client.read_into(uri, 50_000, memory).await.unwrap());
    assert!(lent.back().await == rig.sent[50_000..53_000]);
    assert!(
        rig.server
            .requests()
            .iter()
            .any(|request| request.status == Some(200))
    );
}

async fn parts_and_resumed_bodies_are_cut_out_of_what_comes_too(way: Way) {
    let rig = rig_by(way, 3 * PART + 7, &[]).await;
    rig.server.fault(ignored_range());

    assert!(*rig.client.get(&rig.object).await.unwrap() == rig.sent);

    rig.server.clear_faults();
    rig.server.clear_requests();
    let cut = Action::Cut {
        after: 1_000_000,
        reset: false,
    };
    rig.server.fault(Fault::once(cut).op("GetObject"));
    rig.server.fault(ignored_range());
    let got = rig
        .client
        .get_range(&rig.object, 100, Some(2_000_000))
        .await
        .unwrap();

    assert!(*got == rig.sent[100..2_000_100]);
    assert_eq!(rig.count("GetObject"), 2);
}

async fn a_false_content_range_is_refused(way: Way) {
    let rig = rig_by(way, 100_000, &[]).await;
    for value in [
        "bytes 501-1500/100000",
        "bytes 500-1498/100000",
        "bytes x-y/z",
    ] {
        rig.server.clear_faults();
        let header = Action::SetHeader {
            name: "content-range".into(),
            value: Some(value.into()),
        };
        rig.server.fault(Fault::always(header).op("GetObject"));

        let error = rig
            .client
            .get_range(&rig.object, 500, Some(1000))
            .await
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Integrity, "{value}: {error}");
    }
}
