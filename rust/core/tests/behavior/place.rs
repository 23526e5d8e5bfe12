//! Where a case runs: a client and a fresh, empty bucket (container, directory) of one back end.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use s3dlio::{Client, Config, Observer, Options, Payload, Uri, WriteOptions};
use s3dlio_testkit::seeded_bytes;

/// Small, so that objects of a few parts stay small; the least that S3 takes.
pub const PART: usize = 5 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Memory,
    File,
    Direct,
    Minio,
    /// MinIO, every request through the SDK.
    MinioBySdk,
    Azurite,
}

impl Target {
    /// Keys may hold empty and dot components.
    pub fn holds_any_key(self) -> bool {
        matches!(self, Target::Memory)
    }

    pub fn is_service(self) -> bool {
        matches!(self, Target::Minio | Target::MinioBySdk | Target::Azurite)
    }

    pub fn is_local(self) -> bool {
        matches!(self, Target::File | Target::Direct)
    }
}

pub struct Place {
    pub target: Target,
    pub client: Client,
    /// Ends in `/`.
    pub base: Uri,
}

impl Place {
    pub fn uri(&self, name: &str) -> Uri {
        self.base.join(name)
    }

    pub async fn put(&self, name: &str, data: &[u8]) {
        let body = Payload::from(data.to_vec());
        self.client
            .put(&self.uri(name), body, &WriteOptions::default())
            .await
            .unwrap();
    }

    pub async fn get(&self, name: &str) -> Vec<u8> {
        self.client.get(&self.uri(name)).await.unwrap().to_vec()
    }

    /// All keys below the place, without its own prefix.
    pub async fn names(&self) -> Vec<String> {
        let base = self.base.key().as_str();
        let keys = self.client.list(&self.base, true, None).await.unwrap();
        keys.iter()
            .map(|key| key.strip_prefix(base).unwrap().to_owned())
            .collect()
    }
}

/// Incompressible bytes that differ from call to call.
pub fn data(len: usize) -> Vec<u8> {
    static SEED: AtomicU32 = AtomicU32::new(1);
    seeded_bytes(u64::from(SEED.fetch_add(1, Ordering::Relaxed)), len)
}

pub fn options() -> Options {
    let mut options = Options::default();
    options.set("part_size", PART.to_string()).unwrap();
    options
}

/// Runs one case over one back end. A server that nobody started is a reason to skip only outside `make test`.
pub fn run<C, F>(target: Target, case: C)
where
    C: FnOnce(Place) -> F,
    F: Future<Output = ()>,
{
    run_observed(target, None, case);
}

pub fn run_observed<C, F>(target: Target, observer: Option<Arc<dyn Observer>>, case: C)
where
    C: FnOnce(Place) -> F,
    F: Future<Output = ()>,
{
    if target.is_service() && !servers_run() {
        println!("skipped: no servers here; `make test` starts them");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut options = options();
    let journals = directory.path().join("journals");
    options
        .set("journal_dir", journals.to_str().unwrap())
        .unwrap();
    let mut config = Config::load(&options).unwrap();
    config.s3.sdk_only = target == Target::MinioBySdk;
    let client = Client::with_observer(config, observer);
    let name = format!("suite-{:016x}", rand::random::<u64>());
    let base = match target {
        Target::Memory => format!("memory://{name}/"),
        Target::File => format!("file://{}/{name}/", directory.path().display()),
        Target::Direct => format!("direct://{}/{name}/", directory.path().display()),
        Target::Minio | Target::MinioBySdk => format!("s3://{name}/"),
        Target::Azurite => format!("az:///{name}/"),
    };
    let base: Uri = base.parse().unwrap();
    runtime.block_on(async {
        client.create_bucket(&base).await.unwrap();
        case(Place {
            target,
            client: client.clone(),
            base: base.clone(),
        })
        .await;
        client.delete(&base).await.unwrap();
        client.delete_bucket(&base).await.unwrap();
    });
}

#[expect(
    clippy::disallowed_methods,
    reason = "asks whether the servers were started"
)]
pub fn servers_run() -> bool {
    std::env::var("S3DLIO_TEST_SERVERS").is_ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "asks whether the large cases are wanted"
)]
pub fn runs_in_full() -> bool {
    std::env::var("S3DLIO_TEST_SCALE").is_ok_and(|scale| scale == "full")
}
