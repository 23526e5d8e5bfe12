//! A scripted server with one object, and a client that reaches it either way. It cuts, lies and stumbles on command,
//! which no real one does.

use s3dlio::{Client, Config, Options, Payload, Uri, WriteOptions};
use s3dlio_testkit::{RequestRecord, S3Server, seeded_bytes};

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

pub async fn rig_by(way: Way, size: usize, settings: &[(&str, &str)]) -> Rig {
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
                    super::$case(crate::rig::Way::$way).await;
                }
            )*
        }
    };
}

pub(crate) use by_both_ways;
