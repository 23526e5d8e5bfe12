//! What may stand on the command line, and what it means.

use std::fmt;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use s3dlio::datagen::ObjectType;
use s3dlio::{Compare, WriteOptions};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    something failed; each failure is named on stderr
  2    wrong usage, or input that is not valid
  3    not found
  4    access denied
  5    temporary: throttled, server error, timeout, no connection
  130  interrupted by Ctrl-C (143: by SIGTERM)";

const LIST_PATTERN: &str = "\
What follows the last `/` of the URI is a regular expression. It must match the first component of
the rest of the key, or with --recursive the whole rest:
  s3-cli list -r 's3://bucket/data/.*\\.csv'";

const WILDCARDS: &str = "\
Wildcards in a key are *, ? and [...], which stand for any characters, `/` among them. In a path they stop at a `/`, \
and ** does not. What exists by the very name is never taken for a pattern.";

const COMPLETION: &str = "\
In bash, for this session or in ~/.bashrc:
  source <(s3-cli completion bash)";

const RESUME: &str = "\
A large file that was stopped, by Ctrl-C or a crash, goes on where it was when the command is run again.";

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
    /// Log to stderr: -v what is done, -vv every operation, -vvv every detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No progress and no notices on stderr; results and errors only
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

/// What objects are written with.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Properties of what is written")]
pub struct Properties {
    /// MIME type [default: the service's, or that of the object that is copied]
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
    /// User metadata; may be repeated [default: none, or that of the object that is copied]
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub metadata: Vec<(String, String)>,
    /// Storage class of S3, such as STANDARD_IA
    #[arg(long, value_name = "CLASS")]
    pub storage_class: Option<String>,
    /// Access tier of Azure: Hot, Cool, Cold or Archive
    #[arg(long)]
    pub tier: Option<String>,
    /// Fail where there is an object already
    #[arg(long)]
    pub if_none_match: bool,
}

impl Properties {
    pub fn options(&self) -> WriteOptions {
        WriteOptions {
            if_none_match: self.if_none_match,
            metadata: self.metadata.iter().cloned().collect(),
            content_type: self.content_type.clone(),
            storage_class: self.storage_class.clone(),
            tier: self.tier.clone(),
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    CreateBucket(CreateBucket),
    DeleteBucket(DeleteBucket),
    List(List),
    Stat(Stat),
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

/// Create a bucket, a container or a directory
#[derive(Debug, Args)]
pub struct CreateBucket {
    /// Such as s3://bucket, az://account/container, az:///container or file:///directory
    pub uri: String,
}

/// Delete a bucket, a container or a directory that holds nothing
#[derive(Debug, Args)]
pub struct DeleteBucket {
    /// Such as s3://bucket, az://account/container, az:///container or file:///directory
    pub uri: String,
}

/// List keys, one per line, and count them
#[derive(Debug, Args)]
#[command(after_help = LIST_PATTERN)]
pub struct List {
    /// Prefix that ends in `/`, or one with a regular expression after it
    pub uri: String,
    /// Everything below the prefix, instead of its first level
    #[arg(short, long)]
    pub recursive: bool,
    /// Time of the last change and size in bytes before each key
    #[arg(short, long)]
    pub long: bool,
    /// Regular expression beside a URI that ends in `/`
    #[arg(long, value_name = "REGEX")]
    pub pattern: Option<String>,
    /// Whole URIs instead of keys
    #[arg(long)]
    pub uris: bool,
}

/// Show all that the service tells about one object
#[derive(Debug, Args)]
pub struct Stat {
    /// One object
    pub uri: String,
}

/// Read objects to their end, many at once, and throw the bytes away
#[derive(Debug, Args)]
pub struct Get {
    /// One object, or a prefix that ends in `/`
    pub uri: String,
    /// Objects under way at once
    #[arg(short, long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
    /// First byte to read of each object
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub offset: u64,
    /// Bytes to read of each object [default: to its end]
    #[arg(long, value_name = "BYTES")]
    pub length: Option<u64>,
}

/// Write generated objects, many at once
#[derive(Debug, Args)]
pub struct Put {
    /// Where the objects go; a `/` is put before their names unless it ends in one
    pub uri_prefix: String,
    /// Create the bucket first if it does not exist
    #[arg(short, long)]
    pub create_bucket: bool,
    /// Objects under way at once, no more than there are
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
    /// How many objects
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub num: u64,
    /// Format of the objects: bytes, or files that NumPy, TensorFlow or HDF5 read
    #[arg(short, long, value_name = "TYPE", ignore_case = true, default_value = "RAW", value_parser = object_type())]
    pub object_type: ObjectType,
    /// Bytes of each object
    #[arg(short, long, value_name = "BYTES", default_value_t = 20 << 20)]
    pub size: u64,
    /// Names of the objects: the first {} is the number from 0, a second one how many there are
    #[arg(short, long, default_value = "object_{}_of_{}.dat")]
    pub template: String,
    /// How often each block of 4 KiB (of TFRECORD, each record) occurs within all the objects
    #[arg(short, long, value_name = "FACTOR", default_value_t = 1)]
    pub dedup: u64,
    /// How much smaller a compressor makes the data: from 1, not at all, to 100
    #[arg(short = 'x', long, value_name = "FACTOR", default_value_t = 1.0)]
    pub compress: f64,
    /// Number that decides the content: the same one gives the same bytes [default: random]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub properties: Properties,
}

/// Write files and directories to a store, many at once
#[derive(Debug, Args)]
#[command(after_help = RESUME, override_usage = "s3-cli upload [OPTIONS] <SRC>... <DEST>")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Upload {
    /// Files, directories, or patterns of *, ?, [...] and ** (across directories); the last one is where they go: a
    /// prefix that ends in `/`, or the key of a single file
    #[arg(required = true, value_name = "SRC")]
    pub paths: Vec<String>,
    /// Create the bucket first if it does not exist
    #[arg(short, long)]
    pub create_bucket: bool,
    /// Files under way at once
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
    /// Also what lies in directories below, which is the default
    #[arg(short, long, overrides_with = "no_recursive")]
    pub recursive: bool,
    /// Only the files of the directories that are named
    #[arg(long)]
    pub no_recursive: bool,
    /// Upload what symlinks below a directory lead to, instead of skipping them
    #[arg(long)]
    pub follow_symlinks: bool,
    #[command(flatten)]
    pub properties: Properties,
}

/// Read objects into files below a directory, many at once
#[derive(Debug, Args)]
#[command(after_help = RESUME, override_usage = "s3-cli download [OPTIONS] <SRC>... <DIR>")]
pub struct Download {
    /// Objects, prefixes that end in `/`, or keys with *, ? and [...], which stand for any characters, `/` among them;
    /// the last one is the directory where the files go, which is made if it does not exist
    #[arg(required = true, value_name = "SRC")]
    pub paths: Vec<String>,
    /// Objects under way at once
    #[arg(short, long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
    /// Also what lies deeper below a prefix, which is the default
    #[arg(short, long, overrides_with = "no_recursive")]
    pub recursive: bool,
    /// Only the first level below a prefix, and wildcards stop at a `/`
    #[arg(long)]
    pub no_recursive: bool,
}

/// Copy files and objects: up, down, from store to store, or from and to a pipe
#[derive(Debug, Args)]
#[command(after_help = WILDCARDS, override_usage = "s3-cli cp [OPTIONS] <SRC>... <DST>")]
pub struct Cp {
    /// Files, objects, patterns of them, or - for standard input; the last one is where they go: a file, an object, a
    /// directory or a prefix that ends in `/`, or - for standard output
    #[arg(required = true, value_name = "SRC")]
    pub paths: Vec<String>,
    /// Also directories, and prefixes that end in `/`, with all they hold
    #[arg(short, long)]
    pub recursive: bool,
    /// Files under way at once
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
    #[command(flatten)]
    pub properties: Properties,
}

/// Make a directory or prefix like another one: copy what is missing or different
#[derive(Debug, Args)]
pub struct Sync {
    /// Directory or prefix to read
    #[arg(value_name = "SRC")]
    pub source: String,
    /// Directory or prefix to change
    #[arg(value_name = "DST")]
    pub target: String,
    /// Delete below DST what SRC has not
    #[arg(long)]
    pub delete: bool,
    /// Only print what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// What files of one name must have in common to be left alone
    #[arg(long, value_name = "HOW", default_value_t = Compare::default().to_string(),
          value_parser = PossibleValuesParser::new(Compare::WORDS.map(|(word, _)| word)))]
    pub compare: String,
    /// Files under way at once
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
    #[command(flatten)]
    pub properties: Properties,
}

/// Delete one object, or every object below a prefix that ends in `/`
#[derive(Debug, Args)]
pub struct Delete {
    /// One object, or a prefix that ends in `/`
    pub uri: String,
    /// Only print what would be deleted, as URIs
    #[arg(long)]
    pub dry_run: bool,
    /// Only keys below the prefix whose whole rest matches
    #[arg(long, visible_alias = "pattern", value_name = "REGEX")]
    pub regex: Option<String>,
    /// Batches under way at once, where a regular expression selects
    #[arg(short, long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
}

/// Print the reference of all commands as Markdown
#[derive(Debug, Args)]
pub struct Reference {
    /// That of all settings instead
    #[arg(long)]
    pub settings: bool,
}

/// Print a URL that lets whoever has it do one thing with one object, for a while
#[derive(Debug, Args)]
pub struct Presign {
    /// One object of s3:// or az://, which need not exist
    pub uri: String,
    /// What for: GET, PUT, HEAD or DELETE
    #[arg(long, default_value = "GET")]
    pub method: String,
    /// How long it holds: from 1 second to 604800, a week
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub expires_in: u64,
}

/// Move an object of Azure to another access tier
#[derive(Debug, Args)]
pub struct SetTier {
    /// One object of az://
    pub uri: String,
    /// Hot, Cool, Cold or Archive; leaving Archive takes the service hours
    pub tier: String,
}

/// Add up the bytes of one object, or of every object below a prefix that ends in `/`
#[derive(Debug, Args)]
pub struct Du {
    /// One object, or a prefix that ends in `/`
    pub uri: String,
    /// The size in KiB, MiB, GiB, ... instead of bytes
    #[arg(long)]
    pub human: bool,
}

/// Write the bytes of one object to stdout
#[derive(Debug, Args)]
pub struct Cat {
    /// One object
    pub uri: String,
    /// First byte to write
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub offset: u64,
    /// Bytes to write [default: to its end]
    #[arg(long, value_name = "BYTES")]
    pub length: Option<u64>,
}

/// Print a script that completes command lines, for a shell to read
#[derive(Debug, Args)]
#[command(after_help = COMPLETION)]
pub struct Completion {
    /// The shell that is to read it
    pub shell: Shell,
}

fn object_type() -> impl TypedValueParser<Value = ObjectType> {
    PossibleValuesParser::new(ObjectType::ALL.map(ObjectType::as_str))
        .try_map(|name| name.parse::<ObjectType>())
}

fn name_and_value(text: &str) -> Result<(String, String), NoValue> {
    let (name, value) = text.split_once('=').ok_or(NoValue)?;
    Ok((name.to_owned(), value.to_owned()))
}

#[derive(Debug)]
struct NoValue;

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected NAME=VALUE")
    }
}

impl std::error::Error for NoValue {}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

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
