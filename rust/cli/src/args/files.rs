//! Commands on files, and what is written by all that write.

use clap::Args;
use clap::builder::PossibleValuesParser;
use s3dlio::{Compare, WriteOptions};

use super::name_and_value;

const WILDCARDS: &str = "\
Wildcards in a key are *, ? and [...], which stand for any characters, `/` among them. In a path they stop at a `/`, \
and ** does not. What exists by the very name is never taken for a pattern.";

const RESUME: &str = "\
A large file that was stopped, by Ctrl-C or a crash, goes on where it was when the command is run again.";

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
    /// Take what symlinks below a directory lead to, instead of skipping them
    #[arg(long)]
    pub follow_symlinks: bool,
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
    /// Delete below DST what SRC has not; what it has and skips stays
    #[arg(long)]
    pub delete: bool,
    /// Only print what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Take what symlinks below a directory lead to, instead of skipping them
    #[arg(long)]
    pub follow_symlinks: bool,
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
