//! What was meant by a name that nothing has: all that lies below it, without the `/` that says so.

use s3dlio::{Client, Uri};

use crate::args::Command;
use crate::exit::{self, Failure};
use crate::output;
use crate::session::Session;

/// The prefix that `uri` is without its final `/`, if there is a key below it. Asks once; what fails is no hint.
pub async fn below(client: &Client, uri: &Uri) -> Option<Uri> {
    if uri.key().is_prefix() {
        return None;
    }
    let prefix = uri.join("");
    let mut scan = client.scan(&prefix, true, None).await.ok()?;
    scan.next().await.ok()?.map(|_| prefix)
}

/// The failure, with the hint if it is that something was not found which is a prefix.
pub async fn with(session: &Session, command: &Command, failure: Failure) -> Failure {
    if failure.exit_code() != exit::NOT_FOUND {
        return failure;
    }
    for text in objects(command) {
        // A path of this machine is told by itself that it is a directory.
        let Ok(uri) = text.parse() else {
            continue;
        };
        let Some(prefix) = below(&session.client, &uri).await else {
            continue;
        };
        // Else it was something else that is missing, as the bucket of the target.
        if !matches!(session.client.exists(&uri).await, Ok(false)) {
            continue;
        }
        match failure {
            Failure::Storage(error) => return Failure::IsPrefix(error, prefix.to_string()),
            // It has been named already.
            failure => {
                output::complain(&format_args!("there are keys below {prefix}"));
                return failure;
            }
        }
    }
    failure
}

/// What the command takes for single objects.
fn objects(command: &Command) -> &[String] {
    match command {
        Command::Cat(args) => std::slice::from_ref(&args.uri),
        Command::Du(args) => std::slice::from_ref(&args.uri),
        Command::Get(args) => std::slice::from_ref(&args.uri),
        Command::Stat(args) => std::slice::from_ref(&args.uri),
        Command::Cp(args) => sources(&args.paths),
        Command::Download(args) => sources(&args.paths),
        _ => &[],
    }
}

/// All but the target, which stands last.
fn sources(paths: &[String]) -> &[String] {
    paths.split_last().map_or(&[], |(_, sources)| sources)
}
