//! `download`: objects to files below a directory.

use s3dlio::{Meter, TransferOptions};

use super::upload::{done, split};
use crate::args::Download;
use crate::exit::Failure;
use crate::files;
use crate::session::Session;

pub async fn run(session: &mut Session, args: &Download) -> Result<(), Failure> {
    let (sources, directory) = split(&args.paths, "DIR")?;
    let options = TransferOptions {
        recursive: !args.no_recursive,
        max_in_flight: args.jobs as usize,
        ..TransferOptions::default()
    };
    let meter = Meter::default();
    let work = session
        .client
        .download_files(sources, directory, &options, &meter);
    let ended = files::run(session, &meter, work).await;
    done(session, "download", "Downloaded", ended).await
}
