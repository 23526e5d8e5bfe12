//! Whether two files of one name are the same.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use md5::{Digest as _, Md5};
use tokio::task::JoinSet;

use super::SyncOptions;
use crate::checksum::{Algorithm, Checksum};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::span::Span;
use crate::transfer::found::Found;
use crate::uri::Uri;

/// What two files of the same name and size must have in common to count as the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compare {
    /// Nothing more.
    Size,
    /// The source was not changed after the target was written. Where a service tells times to the second, so are both
    /// compared; a tick of the kernel's clock is no difference.
    #[default]
    SizeAndTime,
    /// The etag, which must be the MD5 of the bytes, as S3 has it for objects written by one request; of files it is
    /// computed. What has another kind of etag counts as different.
    Etag,
    /// The checksum that a service stores; where there is none the bytes are read.
    Checksum,
}

impl Compare {
    /// The words of every face.
    pub const WORDS: [(&'static str, Compare); 4] = [
        ("size", Compare::Size),
        ("size+mtime", Compare::SizeAndTime),
        ("etag", Compare::Etag),
        ("checksum", Compare::Checksum),
    ];
}

impl FromStr for Compare {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Compare::WORDS.iter().find(|(word, _)| *word == text);
        known.map(|(_, compare)| *compare).ok_or_else(|| {
            let words: Vec<&str> = Compare::WORDS.iter().map(|(word, _)| *word).collect();
            Error::invalid(format!("compare={text:?}: expected {}", words.join(", ")))
        })
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Compare::WORDS.iter().find(|(_, compare)| compare == self);
        f.write_str(word.expect("the table has every way").0)
    }
}

/// The sources among `pairs` whose targets are not the same.
pub(super) async fn different(
    client: &Client,
    pairs: Vec<(Found, Found)>,
    options: &SyncOptions,
) -> Result<Vec<Found>> {
    let mut waiting = pairs.into_iter();
    let mut found = Vec::new();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < options.max_in_flight.max(1)
            && let Some((source, target)) = waiting.next()
        {
            match at_a_glance(&source, &target, options.compare) {
                Some(true) => {
                    found.push(source);
                    continue;
                }
                Some(false) => continue,
                None => {}
            }
            let (client, compare) = (client.clone(), options.compare);
            tasks.spawn(async move {
                let same = match compare {
                    Compare::Etag => same_md5(&client, &source, &target).await,
                    _ => same_checksum(&client, &source.uri, &target.uri).await,
                };
                same.map(|same| (!same).then_some(source))
            });
        }
        let Some(finished) = tasks.join_next().await else {
            break;
        };
        found.extend(finished??);
    }
    Ok(found)
}

/// Whether the listings alone tell that the two differ, or that they do not.
fn at_a_glance(source: &Found, target: &Found, compare: Compare) -> Option<bool> {
    if source.size != target.size {
        return Some(true);
    }
    match compare {
        Compare::Size => Some(false),
        // A time that a store does not tell proves nothing.
        Compare::SizeAndTime => Some(match (source.modified, target.modified) {
            (Some(source), Some(target)) => is_later(source, target),
            _ => true,
        }),
        Compare::Etag | Compare::Checksum => None,
    }
}

/// File systems stamp files with the time of the kernel's last tick, of which the slowest kernels have 100 a second: a
/// target may bear an earlier time than the source that it was made from.
const TICK: Duration = Duration::from_millis(10);

fn is_later(source: SystemTime, target: SystemTime) -> bool {
    let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH);
    match (since(source), since(target)) {
        (Ok(source), Ok(target)) if source.subsec_nanos() == 0 || target.subsec_nanos() == 0 => {
            source.as_secs() > target.as_secs()
        }
        _ => source > target + TICK,
    }
}

async fn same_md5(client: &Client, source: &Found, target: &Found) -> Result<bool> {
    let (one, other) = (md5(client, source).await?, md5(client, target).await?);
    Ok(one.is_some() && one == other)
}

/// Lower-case hex; `None` where the etag is something else.
async fn md5(client: &Client, found: &Found) -> Result<Option<String>> {
    if !found.uri.scheme().is_local() {
        let etag = found.etag.as_deref().unwrap_or_default().trim_matches('"');
        let is_md5 = etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit());
        return Ok(is_md5.then(|| etag.to_ascii_lowercase()));
    }
    let mut digest = Md5::new();
    read(client, &found.uri, |bytes| digest.update(bytes)).await?;
    let digest = digest.finalize();
    Ok(Some(
        digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    ))
}

async fn same_checksum(client: &Client, source: &Uri, target: &Uri) -> Result<bool> {
    let (one, other) = (stored(client, source).await?, stored(client, target).await?);
    let algorithm = one.or(other).map_or(Algorithm::Crc32c, |sum| sum.algorithm);
    let of = async |uri: &Uri, stored: Option<Checksum>| match stored {
        Some(stored) if stored.algorithm == algorithm => Ok(stored),
        _ => computed(client, uri, algorithm).await,
    };
    Ok(of(source, one).await? == of(target, other).await?)
}

async fn stored(client: &Client, uri: &Uri) -> Result<Option<Checksum>> {
    if uri.scheme().is_local() {
        return Ok(None);
    }
    Ok(client.stat(uri).await?.checksum)
}

async fn computed(client: &Client, uri: &Uri, algorithm: Algorithm) -> Result<Checksum> {
    let mut sum = Checksum::of(algorithm, &[]);
    read(client, uri, |bytes| {
        sum = sum.then(Checksum::of(algorithm, bytes), bytes.len() as u64);
    })
    .await?;
    Ok(sum)
}

async fn read(client: &Client, uri: &Uri, mut take: impl FnMut(&[u8])) -> Result<()> {
    // Several files are read at once; each holds one part.
    let mut parts = client.stream(uri, 0, &Span::default()).await?;
    while let Some(part) = parts.next().await? {
        take(&part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(size: u64, seconds: u64) -> Found {
        Found {
            name: "n".into(),
            uri: "s3://b/n".parse().unwrap(),
            size: Some(size),
            etag: None,
            modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }

    #[test]
    fn sizes_and_times_tell_at_a_glance() {
        let differ = |source: (u64, u64), target: (u64, u64), compare| {
            at_a_glance(
                &found(source.0, source.1),
                &found(target.0, target.1),
                compare,
            )
        };

        assert_eq!(differ((1, 5), (2, 9), Compare::Checksum), Some(true));
        assert_eq!(differ((1, 5), (1, 5), Compare::SizeAndTime), Some(false));
        assert_eq!(differ((1, 6), (1, 5), Compare::SizeAndTime), Some(true));
        assert_eq!(differ((1, 6), (1, 5), Compare::Size), Some(false));
        assert_eq!(differ((1, 6), (1, 5), Compare::Etag), None);
    }

    #[test]
    fn a_time_to_the_second_is_compared_to_the_second() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);

        assert!(!is_later(at(5500), at(5000)), "written within the second");
        assert!(is_later(at(6500), at(5000)));
        assert!(is_later(at(5600), at(5499)));
        assert!(!is_later(at(5504), at(5499)), "stamped by the last tick");
        assert!(!is_later(at(5000), at(5499)));
    }

    #[test]
    fn words_are_read_and_shown() {
        for (word, compare) in Compare::WORDS {
            assert_eq!(word.parse::<Compare>().unwrap(), compare);
            assert_eq!(compare.to_string(), word);
        }
        let error = "date".parse::<Compare>().unwrap_err();
        assert!(error.to_string().contains("size+mtime"), "{error}");
    }
}
