//! What a real server never does on command: the scripted one cuts, lies and stumbles, and no wrong byte comes through.

use std::time::Duration;

use s3dlio::checksum::{Algorithm, Checksum};
use s3dlio::{Client, Config, ErrorKind, Options, Payload, Uri, WriteOptions};
use s3dlio_testkit::{Action, Fault, RequestRecord, S3Server, seeded_bytes};
use tokio::task::JoinSet;

use crate::lent::lend;

pub const PART: usize = 5 << 20;

pub struct Rig {
    pub server: S3Server,
    pub client: Client,
    pub object: Uri,
    pub sent: Vec<u8>,
}

/// A scripted server that holds one object of `size` bytes, and a client whose retries take no time.
pub async fn rig(size: usize) -> Rig {
    rig_with(size, &[]).await
}

pub async fn rig_with(size: usize, settings: &[(&str, &str)]) -> Rig {
    rig_by(Way::Short, size, settings).await
}

/// How requests reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Short,
    Sdk,
}

async fn rig_by(way: Way, size: usize, settings: &[(&str, &str)]) -> Rig {
    let server = S3Server::start().await;
    server.create_bucket("bucket");
    let endpoint = server.endpoint();
    let mut options = Options::default();
    let fixed = [
        ("endpoint_url", endpoint.as_str()),
        ("access_key_id", "AKIAEXAMPLE"),
        ("secret_access_key", "not-checked"),
        ("region", "us-east-1"),
        ("retry_base", "0.001"),
        ("retry_max", "0.01"),
    ];
    let part = PART.to_string();
    for (name, value) in fixed
        .iter()
        .chain(&[("part_size", part.as_str())])
        .chain(settings)
    {
        options.set(name, *value).unwrap();
    }
    let mut config = Config::load(&options).unwrap();
    config.s3.sdk_only = way == Way::Sdk;
    let client = Client::new(config);
    let rig = Rig {
        server,
        client,
        object: "s3://bucket/object".parse().unwrap(),
        sent: seeded_bytes(3, size),
    };
    rig.put().await.unwrap();
    rig.server.clear_requests();
    rig
}

impl Rig {
    pub async fn put(&self) -> s3dlio::Result<()> {
        let body = Payload::from(self.sent.clone());
        self.client
            .put(&self.object, body, &WriteOptions::default())
            .await
            .map(drop)
    }

    /// A request is on record from its arrival on; what it did shows once it has been answered.
    pub async fn abort_answered(&self) {
        let answered = |request: &RequestRecord| {
            request.op == "AbortMultipartUpload" && request.status.is_some()
        };
        self.server
            .wait_until(|requests| requests.iter().any(answered))
            .await;
    }

    pub fn count(&self, op: &str) -> usize {
        self.server
            .requests()
            .iter()
            .filter(|request| request.op == op)
            .count()
    }
}

pub fn ranges(requests: &[RequestRecord]) -> Vec<Option<String>> {
    requests
        .iter()
        .map(|request| request.header("range").map(str::to_owned))
        .collect()
}

/// Each case by each way.
macro_rules! by_both_ways {
    ($($case:ident),* $(,)?) => {
        by_both_ways!(@by short Short, [$($case),*]);
        by_both_ways!(@by sdk Sdk, [$($case),*]);
    };
    (@by $name:ident $way:ident, [$($case:ident),*]) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(super::Way::$way).await;
                }
            )*
        }
    };
}

by_both_ways! {
    a_small_get_is_one_request,
    a_large_get_asks_for_no_head_and_pins_its_ranges,
    a_body_cut_short_is_resumed_where_it_stopped,
    a_body_cut_in_every_range_still_arrives_whole,
    an_object_replaced_during_a_resume_is_never_spliced,
    an_object_replaced_between_ranges_is_never_spliced,
    two_slow_downs_are_waited_out,
    throttling_without_end_is_told_with_its_attempts,
    a_flipped_byte_is_never_returned,
    a_flipped_byte_is_never_returned_by_a_read_that_went_on,
    headers_are_asked_for_as_ranges_and_whole_objects_are_compared,
    the_rest_does_not_wait_for_the_first_window,
    a_write_damaged_under_way_is_refused_by_the_service,
    strong_asks_for_the_checksum_that_a_get_did_not_carry,
    an_error_inside_a_200_is_an_error,
    a_lost_answer_to_complete_is_resolved_by_asking,
    a_lost_answer_to_complete_that_stays_lost_is_told_as_such,
    a_part_that_the_service_drops_is_noticed,
    an_ignored_range_is_cut_out_of_what_comes,
    parts_and_resumed_bodies_are_cut_out_of_what_comes_too,
    a_false_content_range_is_refused,
    a_stalled_body_is_dropped_and_tried_again,
    a_dropped_put_aborts_its_upload,
    a_listing_that_fails_or_repeats_raises,
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
    let rig = rig_by(way, 3 * PART, &[]).await;
    rig.server.fault(
        Fault::once(Action::ReplaceObject {
            seed: 99,
            size: None,
        })
        .op("GetObject"),
    );

    let error = rig.client.get(&rig.object).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
}

async fn two_slow_downs_are_waited_out(way: Way) {
    let rig = rig_by(way, 1000, &[]).await;
    for op in ["GetObject", "PutObject", "HeadObject"] {
        rig.server.clear_requests();
        rig.server
            .fault(Fault::times(2, Action::slow_down()).op(op));

        match op {
            "GetObject" => drop(rig.client.get(&rig.object).await.unwrap()),
            "PutObject" => rig.put().await.unwrap(),
            _ => drop(rig.client.stat(&rig.object).await.unwrap()),
        }

        assert_eq!(rig.count(op), 3, "{op}");
    }
}

async fn throttling_without_end_is_told_with_its_attempts(way: Way) {
    let rig = rig_by(way, 1000, &[("max_attempts", "4")]).await;
    rig.server.fault(Fault::always(Action::slow_down()));

    let error = rig.client.get(&rig.object).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
    assert_eq!(
        (error.attempts(), error.status(), error.code()),
        (4, Some(503), Some("SlowDown"))
    );
    assert!(error.request_id().is_some() && error.retryable());
    assert!(error.to_string().contains("4 attempts in"), "{error}");
}

async fn a_flipped_byte_is_never_returned(way: Way) {
    let rig = rig_by(way, 3 * PART, &[]).await;
    for offset in [0, 4096, PART as u64, 3 * PART as u64 - 1] {
        rig.server.clear_faults();
        let flip = Action::FlipBit {
            offset,
            bit: 3,
            of: s3dlio_testkit::FlipOrigin::Object,
        };
        rig.server.fault(Fault::always(flip).op("GetObject"));

        let error = rig.client.get(&rig.object).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "byte {offset}: {error}");

        let error = rig
            .client
            .get_many_stats(std::slice::from_ref(&rig.object), 2)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "byte {offset}: {error}");
    }
}

async fn a_flipped_byte_is_never_returned_by_a_read_that_went_on(way: Way) {
    const CUT: u64 = 300_000;
    let rig = rig_by(way, PART + 1000, &[]).await;
    for algorithm in [Algorithm::Crc32c, Algorithm::Crc64Nvme] {
        let stored = |kind, name: &str| Action::SetHeader {
            name: format!("x-amz-checksum-{name}"),
            value: (algorithm == kind).then(|| Checksum::of(kind, &rig.sent).to_base64()),
        };
        let faults = |flip: Option<Action>| {
            rig.server.clear_faults();
            let cut = Action::Cut {
                after: CUT,
                reset: false,
            };
            let first = Fault::once(cut)
                .op("GetObject")
                .and(stored(Algorithm::Crc32c, "crc32c"))
                .and(stored(Algorithm::Crc64Nvme, "crc64nvme"));
            match flip {
                None => rig.server.fault(first),
                Some(flip) => {
                    rig.server.fault(first.and(flip.clone()));
                    rig.server.fault(Fault::always(flip).op("GetObject"));
                }
            }
        };
        let uris = std::slice::from_ref(&rig.object);

        faults(None);
        assert!(*rig.client.get(&rig.object).await.unwrap() == rig.sent);
        faults(None);
        rig.client.get_many_stats(uris, 2).await.unwrap();

        for offset in [0, CUT - 1, CUT, PART as u64 - 1, PART as u64] {
            let flip = Action::FlipBit {
                offset,
                bit: 6,
                of: s3dlio_testkit::FlipOrigin::Object,
            };

            faults(Some(flip.clone()));
            let error = rig.client.get(&rig.object).await.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Integrity,
                "{algorithm:?} byte {offset}: {error}"
            );
            faults(Some(flip));
            let error = rig.client.get_many_stats(uris, 2).await.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Integrity,
                "{algorithm:?} byte {offset}: {error}"
            );
        }
    }
}

/// The promise that a whole object is compared with its checksum holds where a range was asked for, too.
async fn headers_are_asked_for_as_ranges_and_whole_objects_are_compared(way: Way) {
    let rig = rig_by(way, 2 * PART, &[]).await;
    let whole: Uri = "s3://bucket/whole".parse().unwrap();
    let body = Payload::from(rig.sent[..4096].to_vec());
    let options = WriteOptions::default();
    rig.client.put(&whole, body, &options).await.unwrap();
    let read = async |uri: &Uri| {
        rig.server.clear_requests();
        let into = rig.client.pool().take(4096).unwrap();
        let read = rig.client.read_into(uri, 0, into).await;
        if let Ok(read) = &read {
            assert!(**read == rig.sent[..4096]);
        }
        let requests = rig.server.requests();
        let asked = requests.iter().map(|request| {
            let range = request.header("range").unwrap_or_default().to_owned();
            (request.op, range)
        });
        (read.map(drop), asked.collect::<Vec<_>>())
    };
    let all = ("GetObject", String::new());
    let range = ("GetObject", "bytes=0-4095".to_owned());
    let head = ("HeadObject", String::new());

    let asks = [
        (&rig.object, vec![&all]),
        (&rig.object, vec![&range]),
        (&whole, vec![&range, &head]),
        (&whole, vec![&all]),
        (&rig.object, vec![&all]),
    ];
    for (uri, expected) in asks {
        let asked = read(uri).await.1;
        assert_eq!(asked.iter().collect::<Vec<_>>(), expected, "{uri}");
    }

    let flip = Action::FlipBit {
        offset: 4095,
        bit: 0,
        of: s3dlio_testkit::FlipOrigin::Object,
    };
    rig.server.fault(Fault::always(flip).op("GetObject"));
    let (damaged, asked) = read(&whole).await;
    assert_eq!(damaged.unwrap_err().kind(), ErrorKind::Integrity);
    assert_eq!(asked, [range, head]);
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

async fn a_write_damaged_under_way_is_refused_by_the_service(way: Way) {
    let rig = rig_by(way, 1000, &[]).await;
    for (op, size) in [("PutObject", 1000), ("UploadPart", 2 * PART)] {
        let flip = Action::FlipUpload {
            offset: 500,
            bit: 0,
        };
        rig.server.fault(Fault::always(flip).op(op));
        let body = Payload::from(seeded_bytes(9, size));

        let error = rig
            .client
            .put(&rig.object, body, &WriteOptions::default())
            .await
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Integrity, "{op}: {error}");
        assert!(rig.server.object("bucket", "object").unwrap() == rig.sent);
    }
}

async fn strong_asks_for_the_checksum_that_a_get_did_not_carry(way: Way) {
    let rig = rig_by(way, 1000, &[("verify", "strong")]).await;
    let silent = |op: &str| {
        let name = "x-amz-checksum-crc32c".to_owned();
        let hide = Action::SetHeader { name, value: None };
        Fault::always(hide).op(op)
    };
    rig.server.fault(silent("GetObject"));

    assert!(*rig.client.get(&rig.object).await.unwrap() == *rig.sent);
    assert_eq!(rig.count("HeadObject"), 1);

    let flip = Action::FlipBit {
        offset: 7,
        bit: 0,
        of: s3dlio_testkit::FlipOrigin::Body,
    };
    rig.server.clear_faults();
    rig.server.fault(silent("GetObject").and(flip));
    let damaged = rig.client.get(&rig.object).await.unwrap_err();
    assert_eq!(damaged.kind(), ErrorKind::Integrity, "{damaged}");

    rig.server.clear_faults();
    rig.server.fault(silent("GetObject"));
    rig.server.fault(silent("HeadObject"));
    let unknown = rig.client.get(&rig.object).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Integrity, "{unknown}");
    assert!(unknown.to_string().contains("verify=strong"), "{unknown}");
}

async fn an_error_inside_a_200_is_an_error(way: Way) {
    let rig = rig_by(way, 1000, &[("max_attempts", "2")]).await;
    let large = Payload::from(seeded_bytes(4, 2 * PART));
    let uri: Uri = "s3://bucket/large".parse().unwrap();
    let fault = Action::ErrorIn200 {
        code: "InternalError".into(),
        message: "try again".into(),
        work: false,
    };
    rig.server
        .fault(Fault::always(fault).op("CompleteMultipartUpload"));

    let error = rig
        .client
        .put(&uri, large, &WriteOptions::default())
        .await
        .unwrap_err();

    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Server, Some("InternalError")),
        "{error}"
    );
    assert!(rig.server.object("bucket", "large").is_none());
    rig.abort_answered().await;
    assert!(rig.server.open_uploads("bucket").is_empty());
}

async fn a_lost_answer_to_complete_is_resolved_by_asking(way: Way) {
    let rig = rig_by(way, 1000, &[]).await;
    let sent = seeded_bytes(5, 2 * PART + 1);
    let uri: Uri = "s3://bucket/large".parse().unwrap();
    rig.server
        .fault(Fault::once(Action::LoseAnswer { reset: true }).op("CompleteMultipartUpload"));

    rig.client
        .put(&uri, Payload::from(sent.clone()), &WriteOptions::default())
        .await
        .unwrap();

    assert!(rig.server.object("bucket", "large").unwrap() == sent);
}

async fn a_lost_answer_to_complete_that_stays_lost_is_told_as_such(way: Way) {
    for (status, code, kind) in [
        (403, "AccessDenied", ErrorKind::AccessDenied),
        (500, "InternalError", ErrorKind::Server),
    ] {
        let rig = rig_by(way, 1000, &[]).await;
        let uri: Uri = "s3://bucket/large".parse().unwrap();
        let complete = |action| Fault::once(action).op("CompleteMultipartUpload");
        rig.server
            .fault(complete(Action::LoseAnswer { reset: true }));
        rig.server
            .fault(complete(Action::fail(404, "NoSuchUpload")).nth(2));
        rig.server
            .fault(Fault::always(Action::fail(status, code)).op("HeadObject"));

        let body = Payload::from(seeded_bytes(5, 2 * PART + 1));
        let options = WriteOptions::default();
        let error = rig.client.put(&uri, body, &options).await.unwrap_err();

        assert_eq!(error.kind(), kind, "{error}");
        let told = error.to_string();
        assert!(
            told.contains("whether the object was written is not known"),
            "{told}"
        );
    }
}

async fn a_part_that_the_service_drops_is_noticed(way: Way) {
    let rig = rig_by(way, 1000, &[]).await;
    let uri: Uri = "s3://bucket/large".parse().unwrap();
    rig.server.fault(
        Fault::once(Action::DropPart {
            number: 2,
            hidden: false,
        })
        .op("CompleteMultipartUpload"),
    );

    let body = Payload::from(seeded_bytes(5, 3 * PART));
    let error = rig
        .client
        .put(&uri, body, &WriteOptions::default())
        .await
        .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
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

async fn a_dropped_put_aborts_its_upload(way: Way) {
    let rig = rig_by(way, 1000, &[]).await;
    rig.server.fault(
        Fault::once(Action::StallUpload { after: 1000 })
            .op("UploadPart")
            .nth(2),
    );
    let uri: Uri = "s3://bucket/large".parse().unwrap();
    let client = rig.client.clone();
    let body = Payload::from(seeded_bytes(6, 4 * PART));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { client.put(&uri, body, &WriteOptions::default()).await });
    rig.server
        .wait_until(|requests| requests.iter().any(|request| request.op == "UploadPart"))
        .await;

    tasks.shutdown().await;

    rig.abort_answered().await;
    assert!(rig.server.object("bucket", "large").is_none());
    assert!(rig.server.open_uploads("bucket").is_empty());
}

async fn a_listing_that_fails_or_repeats_raises(way: Way) {
    let rig = rig_by(way, 10, &[]).await;
    rig.server.synthetic_listing("many", 3000, 1, "k");
    let uri: Uri = "s3://many/".parse().unwrap();
    assert_eq!(rig.client.list(&uri, true, None).await.unwrap().len(), 3000);

    rig.server.fault(
        Fault::always(Action::fail(403, "AccessDenied"))
            .op("ListObjectsV2")
            .nth(2),
    );
    let denied = rig.client.list(&uri, true, None).await.unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::AccessDenied, "{denied}");

    rig.server.clear_faults();
    rig.server
        .fault(Fault::always(Action::RepeatToken).op("ListObjectsV2"));
    let repeated = rig.client.list(&uri, true, None).await.unwrap_err();
    assert_eq!(repeated.kind(), ErrorKind::Server, "{repeated}");

    rig.server.clear_faults();
    rig.server
        .fault(Fault::always(Action::MalformedXml { body: None }).op("ListObjectsV2"));
    rig.client.list(&uri, true, None).await.unwrap_err();
}
