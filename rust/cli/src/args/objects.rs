//! Commands on objects.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use s3dlio::datagen::ObjectType;

use super::{Properties, bytes};

const LIST_PATTERN: &str = "\
What follows the last `/` of the URI is a regular expression. It must match the first component of
the rest of the key, or with --recursive the whole rest:
  s3-cli list -r 's3://bucket/data/.*\\.csv'";

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

/// Add up the bytes of one object, or of every object below a prefix that ends in `/`
#[derive(Debug, Args)]
pub struct Du {
    /// One object, or a prefix that ends in `/`
    pub uri: String,
    /// The size in KiB, MiB, GiB, ... instead of bytes
    #[arg(long)]
    pub human: bool,
}

/// Show all that the service tells about one object
#[derive(Debug, Args)]
pub struct Stat {
    /// One object
    pub uri: String,
}

/// Write the bytes of one object to stdout
#[derive(Debug, Args)]
pub struct Cat {
    /// One object
    pub uri: String,
    /// First byte to write
    #[arg(long, value_name = "BYTES", default_value_t = 0, value_parser = bytes)]
    pub offset: u64,
    /// Bytes to write [default: to its end]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub length: Option<u64>,
}

/// Tell by the exit code whether there is an object: 0 if there is one, 3 if not
#[derive(Debug, Args)]
pub struct Exists {
    /// One object, by exactly its key: a directory or a prefix is none
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
    #[arg(long, value_name = "BYTES", default_value_t = 0, value_parser = bytes)]
    pub offset: u64,
    /// Bytes to read of each object [default: to its end]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
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
    /// Bytes of each object, alone or as 20MiB or 20MB
    #[arg(short, long, value_name = "BYTES", default_value_t = 20 << 20, value_parser = bytes)]
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
    /// Batches of up to 1000 keys under way at once
    #[arg(short, long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
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

fn object_type() -> impl TypedValueParser<Value = ObjectType> {
    PossibleValuesParser::new(ObjectType::ALL.map(ObjectType::as_str))
        .try_map(|name| name.parse::<ObjectType>())
}
