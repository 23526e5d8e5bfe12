//! `put`: writes generated objects, made while others are under way.

use std::sync::Arc;
use std::time::Instant;

use s3dlio::Uri;
use s3dlio::datagen::{self, GenerateOptions, Objects};
use serde_json::json;

use super::{MB, rate};
use crate::args::Put;
use crate::exit::Failure;
use crate::jobs;
use crate::output;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Put) -> Result<(), Failure> {
    let prefix: Uri = args.uri_prefix.parse()?;
    let seed = args.seed.unwrap_or_else(rand::random);
    let objects = Objects::new(&GenerateOptions {
        num: args.num,
        size: args.size,
        object_type: args.object_type,
        template: args.template.clone(),
        dedup: args.dedup,
        compress: args.compress,
        seed,
    })?;
    if args.create_bucket {
        session.client.ensure_bucket(&prefix).await?;
    }

    let client = &session.client;
    let at_once = u32::try_from(args.num).unwrap_or(u32::MAX).min(args.jobs);
    let memory = client.config().memory_limit / u64::from(at_once);
    let progress = session.output.progress(args.num, Some(objects.size()));
    let started = Instant::now();
    let options = Arc::new(args.properties.options());
    let mut work = (0..args.num).map(|number| {
        let (client, uri) = (client.clone(), prefix.join(&objects.name(number)));
        let (object, progress) = (objects.object(number), progress.clone());
        let options = Arc::clone(&options);
        async move {
            let told = |bytes| progress.bytes(bytes);
            let put = datagen::put(&client, &uri, &object, &options, memory, told).await?;
            Ok(put.size)
        }
    });
    let tally = jobs::run(
        async || Ok(work.next()),
        at_once,
        &progress,
        output::complain,
    )
    .await;
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
