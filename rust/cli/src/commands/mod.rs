//! One file per command.

mod cat;
pub mod completion;
mod cp;
mod create_bucket;
mod delete;
mod delete_bucket;
mod download;
mod du;
mod exists;
mod get;
mod hint;
mod list;
mod presign;
mod put;
mod set_tier;
mod stat;
mod sync;
mod upload;

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::macros::format_description;

use crate::args::Command;
use crate::exit::Failure;
use crate::session::Session;

const MIB: f64 = 1_048_576.0;
const MB: f64 = 1e6;

pub async fn run(session: &mut Session, command: &Command) -> Result<(), Failure> {
    match execute(session, command).await {
        Err(failure) => Err(hint::with(session, command, failure).await),
        done => done,
    }
}

async fn execute(session: &mut Session, command: &Command) -> Result<(), Failure> {
    match command {
        Command::CreateBucket(args) => create_bucket::run(session, args).await,
        Command::DeleteBucket(args) => delete_bucket::run(session, args).await,
        Command::List(args) => list::run(session, args).await,
        Command::Stat(args) => stat::run(session, args).await,
        Command::Exists(args) => exists::run(session, args).await,
        Command::Get(args) => get::run(session, args).await,
        Command::Put(args) => put::run(session, args).await,
        Command::Upload(args) => upload::run(session, args).await,
        Command::Download(args) => download::run(session, args).await,
        Command::Cp(args) => cp::run(session, args).await,
        Command::Sync(args) => sync::run(session, args).await,
        Command::Delete(args) => delete::run(session, args).await,
        Command::Du(args) => du::run(session, args).await,
        Command::Cat(args) => cat::run(session, args).await,
        Command::Completion(args) => completion::run(args),
        Command::Presign(args) => presign::run(session, args).await,
        Command::SetTier(args) => set_tier::run(session, args).await,
        Command::Reference(_) => Ok(()),
    }
}

/// Requests that the command wants under way at once.
pub fn jobs(command: &Command) -> usize {
    match command {
        Command::Get(args) => args.jobs as usize,
        Command::Put(args) => args.jobs as usize,
        Command::Upload(args) => args.jobs as usize,
        Command::Download(args) => args.jobs as usize,
        Command::Cp(args) => args.jobs as usize,
        Command::Sync(args) => args.jobs as usize,
        Command::Delete(args) => args.jobs as usize,
        _ => 1,
    }
}

/// As `2025-07-16T22:53:33Z`.
fn utc(time: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    OffsetDateTime::from(time)
        .format(format)
        .expect("the format asks for what a time has")
}

/// `amount` per second.
fn rate(amount: u64, unit: f64, elapsed: Duration) -> f64 {
    amount as f64 / unit / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_to_the_second() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_752_706_413_999);

        assert_eq!(utc(time), "2025-07-16T22:53:33Z");
    }

    #[test]
    fn a_rate_is_per_second() {
        assert!((rate(24_000 << 20, MIB, Duration::from_secs(4)) - 6000.0).abs() < 1e-9);
        assert!(rate(0, MIB, Duration::ZERO).abs() < 1e-9);
    }
}
