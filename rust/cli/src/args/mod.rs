//! What may stand on the command line, and what it means.

mod buckets;
mod files;
mod objects;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use s3dlio::config;

pub use buckets::{CreateBucket, DeleteBucket};
pub use files::{Cp, Download, Properties, Sync, Upload};
pub use objects::{Cat, Delete, Du, Exists, Get, List, Presign, Put, SetTier, Stat};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    something failed; each failure is named on stderr
  2    wrong usage, or input that is not valid
  3    not found
  4    access denied
  5    temporary: throttled, server error, timeout, no connection
  130  interrupted by Ctrl-C (143: by SIGTERM)";

const COMPLETION: &str = "\
In bash, for this session or in ~/.bashrc:
  source <(s3-cli completion bash)";

/// Move data between storage and programs: s3://, az://, file:// and direct://
#[derive(Debug, Parser)]
#[command(
    name = "s3-cli",
    bin_name = "s3-cli",
    version,
    after_help = EXIT_CODES,
    max_term_width = 100,
    arg_required_else_help = true,
    propagate_version = false
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Log to stderr: -v where requests go and what is tried again, -vv every operation, -vvv every detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No progress and no notices: results and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Results as JSON, one value per line
    #[arg(long, global = true)]
    pub json: bool,
    /// Base URL of the service, where it is not the cloud's own
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Region that S3 requests are signed for
    #[arg(long, global = true, value_name = "NAME")]
    pub region: Option<String>,
    /// Profile of the AWS configuration files
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// PEM file of certificate authorities to trust beside the system's
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_bundle: Option<String>,
    /// Any other setting by its name, such as part_size=16MiB; may be repeated
    #[arg(long = "option", global = true, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub options: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    CreateBucket(CreateBucket),
    DeleteBucket(DeleteBucket),
    List(List),
    Stat(Stat),
    Exists(Exists),
    Get(Get),
    Put(Put),
    Upload(Upload),
    Download(Download),
    Cp(Cp),
    Sync(Sync),
    Delete(Delete),
    Du(Du),
    Cat(Cat),
    Completion(Completion),
    Presign(Presign),
    SetTier(SetTier),
    #[command(hide = true)]
    Reference(Reference),
}

/// Print a script that completes command lines, for a shell to read
#[derive(Debug, Args)]
#[command(after_help = COMPLETION)]
pub struct Completion {
    /// The shell that is to read it
    pub shell: Shell,
}

/// Print the reference of all commands as Markdown
#[derive(Debug, Args)]
pub struct Reference {
    /// That of all settings instead
    #[arg(long)]
    pub settings: bool,
}

fn name_and_value(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn bytes(text: &str) -> Result<u64, &'static str> {
    config::parse_size(text).ok_or("expected bytes, as 8388608, 8MiB or 8MB")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;
    use s3dlio::datagen::ObjectType;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("s3-cli").chain(line.split_whitespace()))
    }

    #[test]
    fn the_definitions_agree_with_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn put_takes_the_flags_of_its_habits() {
        let cli =
            parse("put -c -j 8 -n 1200 -o npz -s 4096 -d 2 -x 1.5 -t russ-{}.obj s3://b/").unwrap();

        let Command::Put(put) = cli.command else {
            panic!("not put")
        };
        assert!(put.create_bucket);
        assert_eq!((put.jobs, put.num, put.size), (8, 1200, 4096));
        assert_eq!(
            (put.object_type, put.dedup, put.compress),
            (ObjectType::Npz, 2, 1.5)
        );
        assert_eq!(
            (put.template.as_str(), put.uri_prefix.as_str()),
            ("russ-{}.obj", "s3://b/")
        );
    }

    #[test]
    fn defaults_are_those_of_the_reference() {
        let Command::Put(put) = parse("put s3://b/p").unwrap().command else {
            panic!("not put")
        };
        let Command::Get(get) = parse("get s3://b/p").unwrap().command else {
            panic!("not get")
        };

        assert_eq!((put.jobs, put.num, put.size), (32, 1, 20_971_520));
        assert_eq!(
            (put.object_type, put.template.as_str()),
            (ObjectType::Raw, "object_{}_of_{}.dat")
        );
        assert_eq!((get.jobs, get.offset, get.length), (64, 0, None));
    }

    #[test]
    fn sizes_take_units() {
        let line = "get s3://b/k --offset 2KiB --length 1MB";
        let Command::Get(get) = parse(line).unwrap().command else {
            panic!("not get")
        };
        let Command::Put(put) = parse("put s3://b/ -s 1GiB").unwrap().command else {
            panic!("not put")
        };

        assert_eq!((get.offset, get.length), (2048, Some(1_000_000)));
        assert_eq!(put.size, 1 << 30);
    }

    #[test]
    fn paths_and_flags_stand_in_any_order() {
        let Command::Upload(upload) = parse("upload a b/* -j 8 s3://b/p/").unwrap().command else {
            panic!("not upload")
        };
        let Command::Download(download) = parse("download -r s3://b/p/ d").unwrap().command else {
            panic!("not download")
        };

        assert_eq!(upload.paths, ["a", "b/*", "s3://b/p/"]);
        assert_eq!(upload.jobs, 8);
        assert_eq!(download.paths, ["s3://b/p/", "d"]);
        assert!(!download.no_recursive);
    }

    #[test]
    fn global_flags_stand_before_and_after_the_command() {
        for line in ["-vv --json list s3://b/", "list s3://b/ -v --json -v"] {
            let global = parse(line).unwrap().global;
            assert_eq!((global.verbose, global.json), (2, true), "{line}");
        }
        let options = parse("stat s3://b/k --option verify=off --option x=a=b")
            .unwrap()
            .global
            .options;
        assert_eq!(options[1], ("x".to_owned(), "a=b".to_owned()));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "get s3://b/k -j 0",
            "put s3://b/ -n 0",
            "put s3://b/ -s 1m",
            "put s3://b/ -o PICKLE",
            "completion csh",
            "stat",
            "list a b",
            "frob",
            "sync a b --compare date",
            "stat x --option y",
            "cp a b --metadata y",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
        let bare = parse("").unwrap_err();
        assert_eq!(
            bare.kind(),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        assert_eq!(bare.exit_code(), 2);
    }
}
