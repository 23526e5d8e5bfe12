//! One run of the program: parse, set up, do the command, wind down, exit code.

use std::ffi::OsString;
use std::future::Future;
use std::time::Duration;

use clap::Parser;
use s3dlio::config::{self, Kind, SETTINGS};
use s3dlio::{Client, Config, Error, Memory, Options};
use tokio::runtime::{Builder, Runtime};

use crate::args::{Cli, Command, Global};
use crate::exit::{self, Failure};
use crate::output::{self, Output};
use crate::signals::Signals;
use crate::{commands, logging, reference};

/// How long aborts of uploads may take after a failure or Ctrl-C; a second Ctrl-C ends the wait.
const WIND_DOWN: Duration = Duration::from_secs(10);
const WIND_DOWN_POLL: Duration = Duration::from_millis(5);

/// What a command works with.
#[derive(Debug)]
pub struct Session {
    pub client: Client,
    pub output: Output,
}

/// Runs one command line, the program's name first, and gives the exit code of the process.
///
/// `memory://` is what `memory` holds. Usable within a process that lives on: everything it starts has ended when it
/// returns, but Ctrl-C and SIGTERM stay caught.
pub fn run(argv: impl IntoIterator<Item = OsString>, memory: &Memory) -> u8 {
    let cli = match Cli::try_parse_from(argv) {
        Ok(cli) => cli,
        Err(message) => {
            // Help goes to stdout, all else to stderr; a reader that is gone has seen enough.
            let _ = message.print();
            return u8::try_from(message.exit_code()).unwrap_or(exit::USAGE);
        }
    };
    logging::start(cli.global.verbose);
    let result = match &cli.command {
        Command::Completion(wanted) => commands::completion::run(wanted),
        _ => execute(&cli, memory),
    };
    match result {
        Ok(()) => exit::DONE,
        Err(failure) => {
            if let Some(message) = failure.message() {
                output::complain(&message);
            }
            failure.exit_code()
        }
    }
}

fn execute(cli: &Cli, memory: &Memory) -> Result<(), Failure> {
    let config = config(cli)?;
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let mut signals = Signals::catch()?;
        let mut output = Output::new(&cli.global);
        if let Command::Reference(args) = &cli.command {
            let page = match args.settings {
                true => reference::configuration(),
                false => reference::reference(),
            };
            output.result(&page, || page.as_str().into()).await?;
            return output.flush().await;
        }
        let mut session = Session {
            client: Client::new(config).with_memory(memory),
            output,
        };
        // As large as the largest command, too much to move around.
        let work = Box::pin(commands::run(&mut session, &cli.command));
        let result = until_signalled(work, &mut signals).await;
        match &result {
            Err(Failure::Interrupted(_) | Failure::Output(_)) => result,
            // A command that failed for some objects has a result for the others.
            _ => session.output.flush().await.and(result),
        }
    });
    if result.is_err() {
        runtime.block_on(wind_down(&runtime));
    }
    // A read from a stalled disk, or a write to a reader that never reads, must not keep us.
    runtime.shutdown_background();
    result
}

async fn until_signalled(
    work: impl Future<Output = Result<(), Failure>>,
    signals: &mut Signals,
) -> Result<(), Failure> {
    tokio::select! {
        signal = signals.next() => Err(Failure::Interrupted(signal)),
        result = work => result,
    }
}

/// Waits for what dropped transfers leave to do: an upload that will not be finished is taken back.
async fn wind_down(runtime: &Runtime) {
    let metrics = runtime.metrics();
    let ended = async {
        while metrics.num_alive_tasks() > 0 || s3dlio::leftovers() > 0 {
            tokio::time::sleep(WIND_DOWN_POLL).await;
        }
    };
    let Ok(mut signals) = Signals::catch() else {
        return;
    };
    tokio::select! {
        _ = tokio::time::timeout(WIND_DOWN, ended) => {}
        _ = signals.next() => {}
    }
}

fn runtime() -> Result<Runtime, Failure> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = config::runtime_threads()? {
        builder.worker_threads(threads);
    }
    builder
        .enable_all()
        .thread_name("s3-cli")
        .max_blocking_threads(config::BLOCKING_THREADS)
        .build()
        .map_err(|cause| Error::from(cause).into())
}

fn config(cli: &Cli) -> Result<Config, Failure> {
    let options = options(&cli.global)?;
    let mut config = Config::load(&options)?;
    // What was asked for on the command line is not cut down by a default.
    if !config::is_set("concurrency", &options)? {
        config.concurrency = config.concurrency.max(commands::jobs(&cli.command));
    }
    Ok(config)
}

fn options(flags: &Global) -> Result<Options, Error> {
    let mut options = Options::default();
    let named = [
        ("endpoint_url", &flags.endpoint_url),
        ("region", &flags.region),
        ("profile", &flags.profile),
        ("ca_bundle", &flags.ca_bundle),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            options.set(name, value)?;
        }
    }
    for (name, value) in &flags.options {
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        if let Some(setting) = setting
            && (setting.kind == Kind::Secret || name == "rt_threads")
        {
            // Every user of the machine can read the command lines of all processes.
            let why = if setting.kind == Kind::Secret {
                "a secret"
            } else {
                "read once per process"
            };
            let instead = setting.env.join(" or ");
            return Err(Error::invalid(format!(
                "--option {name} is {why}: set {instead} instead"
            )));
        }
        options.set(name, value)?;
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(options: &[(&str, &str)]) -> Result<Options, Error> {
        let options = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        super::options(&Global {
            options: options.collect(),
            ..Global::default()
        })
    }

    #[test]
    fn settings_are_taken_by_name() {
        assert!(given(&[("part_size", "16MiB"), ("verify", "off")]).is_ok());
        let error = given(&[("part_sise", "1")]).unwrap_err();
        assert!(error.to_string().contains("part_size"), "{error}");
    }

    #[test]
    fn jobs_lift_a_default_and_no_setting() {
        let concurrency = |given: &[&str]| {
            let command = ["s3-cli", "get", "--jobs", "100", "s3://b/k"];
            let argv = command.iter().chain(given);
            super::config(&Cli::try_parse_from(argv).unwrap())
                .map_err(|failure| failure.message())
                .unwrap()
                .concurrency
        };

        assert_eq!(concurrency(&[]), 100);
        assert_eq!(concurrency(&["--option", "concurrency=5"]), 5);
        assert_eq!(concurrency(&["--option", "concurrency=200"]), 200);
    }

    #[test]
    fn secrets_do_not_belong_on_a_command_line() {
        let error = given(&[("secret_access_key", "s3cr3t")]).unwrap_err();

        assert!(
            error.to_string().contains("AWS_SECRET_ACCESS_KEY"),
            "{error}"
        );
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}
