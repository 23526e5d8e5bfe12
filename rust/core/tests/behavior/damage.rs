//! Bytes that change under way, in either direction: the checksums find it.

use s3dlio::checksum::{Algorithm, Checksum};
use s3dlio::{ErrorKind, Payload, Uri, WriteOptions};
use s3dlio_testkit::{Action, Fault, seeded_bytes};

use crate::rig::{PART, Way, by_both_ways, rig_by};

by_both_ways! {
    a_flipped_byte_is_never_returned,
    a_flipped_byte_is_never_returned_by_a_read_that_went_on,
    headers_are_asked_for_as_ranges_and_whole_objects_are_compared,
    strong_asks_for_the_checksum_that_a_get_did_not_carry,
    a_write_damaged_under_way_is_refused_by_the_service,
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
    let told = unknown.to_string();
    assert!(
        told.contains("verify=strong") && told.contains("CRC32, CRC32C or CRC64NVME of the whole"),
        "{told}"
    );
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
