//! Connections that end anywhere, and answers that are longer or shorter than they say: the right bytes come, or a
//! named error, and never other bytes.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use s3dlio::{Client, ErrorKind, Payload, Uri, WriteOptions};
use s3dlio_testkit::{Action, Authority, Fault, Flaw, TlsFront, seeded_bytes};
use tempfile::NamedTempFile;

use crate::bytes::fill;
use crate::rig::PART;
use crate::tls::{Service, bundle};

/// One that needs several parts.
const LARGE: usize = 2 * PART + 77;
const SMALL: usize = 70_001;

/// A scripted service with one object, and a client whose retries take no time.
pub struct Rig {
    pub service: Service,
    pub client: Client,
    pub object: Uri,
    pub sent: Vec<u8>,
    pub name: &'static str,
    _front: Option<(TlsFront, NamedTempFile)>,
}

impl Rig {
    /// Each service, plain and behind TLS.
    pub async fn all(size: usize, settings: &[(&str, &str)]) -> Vec<Rig> {
        let mut rigs = Vec::new();
        for sealed in [false, true] {
            for service in Service::all().await {
                rigs.push(Rig::new(service, sealed, size, settings).await);
            }
        }
        rigs
    }

    async fn new(service: Service, sealed: bool, size: usize, given: &[(&str, &str)]) -> Rig {
        let part = PART.to_string();
        let mut settings = vec![("part_size", part.as_str()), ("retry_max", "0.01")];
        settings.extend(given);
        let sent = seeded_bytes(3, size);
        let name = match &service {
            Service::S3(server) => {
                server.put("bucket", "object", sent.clone());
                if sealed { "s3, TLS" } else { "s3" }
            }
            Service::Azure(server) => {
                server.put("bucket", "object", sent.clone());
                if sealed { "azure, TLS" } else { "azure" }
            }
        };
        let mut front = None;
        let client = if sealed {
            let authority = Authority::new();
            let identity = authority.issue("127.0.0.1", Flaw::None);
            let (before, trusted) =
                front.insert((service.behind(identity).await, bundle(&authority)));
            settings.push(("ca_bundle", trusted.path().to_str().unwrap()));
            service.client_at(&format!("https://{}", before.address()), &settings)
        } else {
            service.client_at(&format!("http://{}", service.server().address()), &settings)
        };
        Rig {
            object: service.object(),
            service,
            client,
            sent,
            name,
            _front: front,
        }
    }

    /// What the service holds.
    fn stored(&self) -> Vec<u8> {
        let bytes = match &self.service {
            Service::S3(server) => server.object("bucket", "object"),
            Service::Azure(server) => server.blob("bucket", "object"),
        };
        bytes.unwrap().to_vec()
    }

    /// What the service calls a read, a write of all, and one of a part.
    fn operations(&self) -> [&'static str; 3] {
        match self.service {
            Service::S3(_) => ["GetObject", "PutObject", "UploadPart"],
            Service::Azure(_) => ["GetBlob", "PutBlob", "PutBlock"],
        }
    }

    pub fn fault_reads(&self, fault: Fault) {
        self.service.server().fault(fault.op(self.operations()[0]));
    }

    fn start_over(&self) {
        self.service.server().clear_faults();
        self.service.server().clear_requests();
    }

    async fn put(&self, body: &[u8]) -> s3dlio::Result<()> {
        let body = Payload::from(body.to_vec());
        let options = WriteOptions::default();
        let put = self.client.put(&self.object, body, &options);
        put.await.map(drop)
    }

    /// Reads in one of the ways there are: all of the object, a range, into memory of ours.
    async fn bytes(&self, way: usize, from: usize, to: usize) -> s3dlio::Result<Vec<u8>> {
        match way % 3 {
            0 => {
                let whole = self.client.get(&self.object).await?;
                Ok(whole[from..to].to_vec())
            }
            1 => {
                let len = (to - from) as u64;
                let range = self.client.get_range(&self.object, from as u64, Some(len));
                Ok(range.await?.to_vec())
            }
            _ => {
                let mut memory = vec![0; to - from];
                fill(&self.client, &self.object, from, &mut memory).await?;
                Ok(memory)
            }
        }
    }

    /// The error, where one came and no other bytes.
    async fn read(&self, way: usize, from: usize, to: usize) -> Option<s3dlio::Error> {
        match self.bytes(way, from, to).await {
            Ok(bytes) => {
                assert!(bytes == self.sent[from..to], "{}, way {way}", self.name);
                None
            }
            Err(error) => Some(error),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_are_cut_anywhere_give_the_right_bytes() {
    let seed = 21;
    println!("seed {seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    for (size, rounds) in [(SMALL, 60), (LARGE, 12)] {
        for rig in Rig::all(size, &[]).await {
            for round in 0..rounds {
                rig.start_over();
                let cut = Action::Cut {
                    after: random.random_range(0..size as u64),
                    reset: random.random(),
                };
                let times = random.random_range(1..4);
                rig.fault_reads(Fault::times(times, cut.clone()).nth(random.random_range(1..3)));
                let from = random.random_range(0..size);
                let to = random.random_range(from..size) + 1;

                let error = rig.read(round, from, to).await;

                assert!(
                    error.is_none(),
                    "{}, round {round}, {cut:?} x {times}: {error:?}",
                    rig.name
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_are_cut_every_time_give_a_named_error_or_the_right_bytes() {
    let seed = 22;
    println!("seed {seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    for rig in Rig::all(SMALL, &[("max_attempts", "3")]).await {
        let mut errors = 0;
        for round in 0..60 {
            rig.start_over();
            rig.fault_reads(Fault::always(Action::Cut {
                after: random.random_range(0..SMALL as u64 / 2),
                reset: random.random(),
            }));

            if let Some(error) = rig.read(round, 0, SMALL).await {
                errors += 1;
                assert_eq!(error.kind(), ErrorKind::ConnectionFailed, "{error}");
                assert_eq!((error.attempts(), error.retryable()), (3, true), "{error}");
            }
        }
        println!("{}: {errors} errors", rig.name);
        assert!(errors > 0, "{}", rig.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_are_cut_anywhere_arrive_whole() {
    let seed = 23;
    println!("seed {seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    for (size, rounds) in [(SMALL, 40), (LARGE, 8)] {
        for rig in Rig::all(size, &[]).await {
            let [_, whole, part] = rig.operations();
            for round in 0..rounds {
                rig.start_over();
                let reset = random.random();
                let (op, smallest) = if size == LARGE {
                    (part, 77)
                } else {
                    (whole, size)
                };
                let fault = match round % 3 {
                    0 => Action::LoseAnswer { reset },
                    1 => Action::LoseRequest { reset },
                    _ => Action::CutUpload {
                        after: random.random_range(0..smallest as u64),
                    },
                };
                let times = random.random_range(1..4);
                rig.service
                    .server()
                    .fault(Fault::times(times, fault).op(op));
                let body = seeded_bytes(100 + round, size);

                let outcome = rig.put(&body).await;

                outcome.unwrap_or_else(|error| panic!("{}, round {round}: {error}", rig.name));
                assert!(rig.stored() == body, "{}, round {round}", rig.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_on_a_connection_that_was_closed_costs_no_attempt() {
    for rig in Rig::all(SMALL, &[("max_attempts", "1")]).await {
        let [_, whole, _] = rig.operations();
        let lose = || Fault::once(Action::LoseRequest { reset: false }).op(whole);
        rig.put(&rig.sent).await.unwrap();

        rig.service.server().fault(lose());
        rig.put(&rig.sent).await.unwrap();

        // The answer to a second try would tell of the first.
        rig.service.server().fault(lose());
        let fresh: Uri = format!("{}-fresh", rig.object).parse().unwrap();
        let options = WriteOptions {
            if_none_match: true,
            ..WriteOptions::default()
        };
        let put = rig
            .client
            .put(&fresh, Payload::from(rig.sent.clone()), &options);
        let error = put.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionFailed, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_every_time_leaves_the_object_as_it_was() {
    for size in [SMALL, LARGE] {
        for rig in Rig::all(SMALL, &[("max_attempts", "3")]).await {
            let [_, whole, part] = rig.operations();
            for op in [whole, part] {
                let cut = Action::CutUpload { after: 50 };
                rig.service.server().fault(Fault::always(cut).op(op));
            }

            let error = rig.put(&seeded_bytes(9, size)).await.unwrap_err();

            assert_eq!(error.kind(), ErrorKind::ConnectionFailed, "{error}");
            assert_eq!((error.attempts(), error.retryable()), (3, true), "{error}");
            assert!(rig.stored() == rig.sent, "{}", rig.name);
        }
    }
}

/// Azure keeps no sum that a read is compared with, so its word on the size of a whole blob is taken.
fn is_taken_at_its_word(rig: &Rig, way: usize) -> bool {
    way == 0 && matches!(rig.service, Service::Azure(_))
}

fn assert_known(error: &s3dlio::Error) {
    let known = [
        ErrorKind::Integrity,
        ErrorKind::ConnectionFailed,
        ErrorKind::ShortRead,
    ];
    assert!(known.contains(&error.kind()), "{:?}: {error}", error.kind());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_lies_is_an_error_or_makes_no_difference() {
    for size in [SMALL, LARGE] {
        for rig in Rig::all(size, &[("max_attempts", "3")]).await {
            for delta in [-1, 1, -1000, 1000] {
                for way in 0..3 {
                    if is_taken_at_its_word(&rig, way) {
                        continue;
                    }
                    rig.start_over();
                    rig.fault_reads(Fault::always(Action::ContentLength { delta }));

                    if let Some(error) = rig.read(way, 0, size).await {
                        println!("{}, {size} and {delta}, way {way}: {error}", rig.name);
                        assert_known(&error);
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_length_lied_serves_nobody_else() {
    for rig in Rig::all(SMALL, &[]).await {
        // What is left over would be read as the next answer.
        rig.fault_reads(Fault::once(Action::ContentLength { delta: -20_000 }));
        let lied = rig.client.get_range(&rig.object, 0, Some(SMALL as u64));
        println!("{}: {:?}", rig.name, lied.await.err());

        let after = rig.read(0, 0, SMALL).await;

        assert!(after.is_none(), "{}: {after:?}", rig.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_lacks_its_end_is_never_taken_for_whole() {
    for size in [SMALL, LARGE] {
        for rig in Rig::all(size, &[("max_attempts", "3")]).await {
            for by in [1, 5000, size as u64] {
                for way in 0..3 {
                    if is_taken_at_its_word(&rig, way) {
                        continue;
                    }
                    rig.start_over();
                    rig.fault_reads(Fault::always(Action::Truncate { by }));

                    let error = rig.read(way, 0, size).await;

                    let error = error.unwrap_or_else(|| panic!("{}, way {way}", rig.name));
                    println!("{}, {size} less {by}, way {way}: {error}", rig.name);
                    assert_known(&error);
                }
            }
        }
    }
}
