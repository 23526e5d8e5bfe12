//! The verb: writes a set of generated objects, many at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::object::Objects;
use super::put::put;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::types::WriteOptions;
use crate::uri::Uri;

/// What a finished [`generate`] has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generated {
    pub objects: u64,
    pub bytes: u64,
    pub elapsed: Duration,
}

/// Writes all of `objects` below `prefix` with what `how` asks for, at most `max_in_flight` of them under way.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use s3dlio::datagen::{self, GenerateOptions, Objects};
/// use s3dlio::{Client, Config, Options, WriteOptions};
///
/// let client = Client::new(Config::load(&Options::default())?);
/// let prefix = "memory://bucket/".parse()?;
/// client.ensure_bucket(&prefix).await?;
/// let options = GenerateOptions { num: 3, size: 1000, ..GenerateOptions::default() };
/// let (objects, how) = (Objects::new(&options)?, WriteOptions::default());
/// let done = datagen::generate(&client, &prefix, &objects, &how, 32).await?;
/// assert_eq!((done.objects, done.bytes), (3, 3000));
/// assert_eq!(client.list(&prefix, true, None).await?[2], "object_2_of_3.dat");
/// # Ok::<(), s3dlio::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first object that cannot be written; it is named. Others may have been written.
pub async fn generate(
    client: &Client,
    prefix: &Uri,
    objects: &Objects,
    how: &WriteOptions,
    max_in_flight: usize,
) -> Result<Generated> {
    if max_in_flight == 0 {
        return Err(Error::invalid("max_in_flight must be above 0"));
    }
    let started = Instant::now();
    let at_once = usize::try_from(objects.num())
        .unwrap_or(usize::MAX)
        .min(max_in_flight);
    let memory = client.config().memory_limit / at_once as u64;
    let mut written = Generated {
        objects: 0,
        bytes: 0,
        elapsed: Duration::ZERO,
    };
    let how = Arc::new(how.clone());
    let mut waiting = 0..objects.num();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < at_once
            && let Some(number) = waiting.next()
        {
            let (client, uri) = (client.clone(), prefix.join(&objects.name(number)));
            let (object, how) = (objects.object(number), Arc::clone(&how));
            tasks.spawn(async move { put(&client, &uri, &object, &how, memory, |_| ()).await });
        }
        let Some(finished) = tasks.join_next().await else {
            break;
        };
        written.objects += 1;
        written.bytes += finished??.size;
    }
    written.elapsed = started.elapsed();
    Ok(written)
}
