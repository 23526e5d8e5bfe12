//! `put`: writes generated objects, made while others are under way.

use std::time::Instant;

use s3dlio::datagen::{self, Raw, Template};
use s3dlio::{Client, Error, ErrorKind, Uri};
use serde_json::json;

use super::{MB, rate};
use crate::args::{ObjectType, Put};
use crate::exit::Failure;
use crate::jobs;
use crate::output;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Put) -> Result<(), Failure> {
    let ObjectType::Raw = args.object_type;
    let prefix: Uri = args.uri_prefix.parse()?;
    let template = Template::new(&args.template, args.num)?;
    let seed = args.seed.unwrap_or_else(rand::random);
    if args.create_bucket {
        create_unless_there(&session.client, &prefix).await?;
    }

    let client = &session.client;
    let at_once = u32::try_from(args.num).unwrap_or(u32::MAX).min(args.jobs);
    let memory = client.config().memory_limit / u64::from(at_once);
    let size = args.size;
    let progress = session
        .output
        .progress(args.num, args.num.checked_mul(size));
    let started = Instant::now();
    let work = (0..args.num).map(|number| {
        let (client, uri) = (client.clone(), prefix.join(&template.name(number)));
        let progress = progress.clone();
        async move {
            let raw = Raw::new(seed, number);
            let put = datagen::put(&client, &uri, raw, size, memory, |bytes| {
                progress.bytes(bytes);
            })
            .await?;
            Ok(put.size)
        }
    });
    let tally = jobs::run(work, at_once, &progress, output::complain).await;
    let elapsed = started.elapsed();

    let (objects, bytes) = (tally.objects, tally.bytes);
    let objects_per_second = rate(objects, 1.0, elapsed);
    let mb_per_second = rate(bytes, MB, elapsed);
    let human = format_args!(
        "Uploaded {objects} objects (total {bytes} bytes) in {elapsed:?} ({objects_per_second:.2} objects/s, {mb_per_second:.2} MB/s)"
    );
    let record = json!({
        "op": "put",
        "objects": objects,
        "failed": tally.failed,
        "bytes": bytes,
        "seconds": elapsed.as_secs_f64(),
        "objects_per_second": objects_per_second,
        "mb_per_second": mb_per_second,
        "seed": seed,
    });
    if tally.objects > 0 {
        session.output.result(human, || record).await?;
    }
    tally.end()
}

async fn create_unless_there(client: &Client, uri: &Uri) -> Result<(), Error> {
    match client.create_bucket(uri).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}
