//! The one table of settings: name, environment variables, default and meaning. Faces and docs are generated from it.

/// Where the words of a value are turned into a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Never shown.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number above 0.
    Count,
    /// Bytes, as [`parse_size`](super::parse_size) takes them.
    Size,
    /// Seconds, fractions allowed; a variable whose name ends in `_MS` holds milliseconds.
    Seconds,
    /// `1 0 true false yes no on off`.
    Switch,
}

/// One setting as every face knows it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The word in `options=` and, on the command line, in `--option NAME=VALUE`.
    pub name: &'static str,
    /// Environment variables, the first that is set wins.
    pub env: &'static [&'static str],
    pub kind: Kind,
    /// As shown in the reference.
    pub default: &'static str,
    pub help: &'static str,
}

const fn setting(
    name: &'static str,
    env: &'static [&'static str],
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        env,
        kind,
        default,
        help,
    }
}

pub const VERIFY: &[&str] = &["strong", "auto", "off"];
pub const DIRECT: &[&str] = &["auto", "strict"];
pub const ADDRESSING: &[&str] = &["auto", "path", "virtual"];
pub const AZURE_CHECKSUM: &[&str] = &["md5", "crc64"];
pub const SIGN_PAYLOAD: &[&str] = &["auto", "always"];

/// Every setting, in the order of the reference.
pub const SETTINGS: &[Setting] = &[
    setting(
        "endpoint_url",
        &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
        Kind::Text,
        "AWS",
        "Base URL of the S3 service; given as an option it also serves az://.",
    ),
    setting(
        "region",
        &["AWS_REGION", "AWS_DEFAULT_REGION"],
        Kind::Text,
        "profile, else us-east-1",
        "Region that requests are signed for.",
    ),
    setting(
        "access_key_id",
        &["AWS_ACCESS_KEY_ID"],
        Kind::Secret,
        "credential chain",
        "S3 access key.",
    ),
    setting(
        "secret_access_key",
        &["AWS_SECRET_ACCESS_KEY"],
        Kind::Secret,
        "credential chain",
        "S3 secret key.",
    ),
    setting(
        "session_token",
        &["AWS_SESSION_TOKEN"],
        Kind::Secret,
        "none",
        "Token of temporary credentials.",
    ),
    setting(
        "anonymous",
        &["S3DLIO_ANONYMOUS"],
        Kind::Switch,
        "false",
        "Send S3 requests unsigned, for public buckets.",
    ),
    setting(
        "profile",
        &["AWS_PROFILE"],
        Kind::Text,
        "default",
        "Profile of the AWS configuration files.",
    ),
    setting(
        "addressing_style",
        &["S3DLIO_ADDRESSING_STYLE"],
        Kind::Choice(ADDRESSING),
        "auto",
        "Bucket in the path or in the host name; auto takes the path off AWS.",
    ),
    setting(
        "ca_bundle",
        &["AWS_CA_BUNDLE_PATH", "AWS_CA_BUNDLE"],
        Kind::Text,
        "system roots",
        "PEM file of certificate authorities to trust beside the system's.",
    ),
    setting(
        "sign_payload",
        &["S3DLIO_SIGN_PAYLOAD"],
        Kind::Choice(SIGN_PAYLOAD),
        "auto",
        "always hashes each body with SHA-256; auto signs a CRC header instead.",
    ),
    setting(
        "azure_endpoint_url",
        &["AZURE_STORAGE_ENDPOINT"],
        Kind::Text,
        "https://<account>.blob.core.windows.net",
        "Base URL of the Azure account's blob service.",
    ),
    setting(
        "account_name",
        &["AZURE_STORAGE_ACCOUNT"],
        Kind::Text,
        "none",
        "Azure storage account.",
    ),
    setting(
        "account_key",
        &["AZURE_STORAGE_KEY"],
        Kind::Secret,
        "none",
        "Shared key of the account, base64.",
    ),
    setting(
        "sas_token",
        &["AZURE_STORAGE_SAS_TOKEN"],
        Kind::Secret,
        "none",
        "Shared access signature, the query string without `?`.",
    ),
    setting(
        "connection_string",
        &["AZURE_STORAGE_CONNECTION_STRING"],
        Kind::Secret,
        "none",
        "Azure connection string.",
    ),
    setting(
        "azure_checksum",
        &["S3DLIO_AZURE_CHECKSUM"],
        Kind::Choice(AZURE_CHECKSUM),
        "md5",
        "Checksum that Azure verifies of each body: crc64 costs far less CPU; emulators know md5 only.",
    ),
    setting(
        "connect_timeout",
        &["S3DLIO_CONNECT_TIMEOUT_SECS"],
        Kind::Seconds,
        "5",
        "Seconds to connect, per try.",
    ),
    setting(
        "stall_timeout",
        &["S3DLIO_STALL_TIMEOUT_SECS"],
        Kind::Seconds,
        "30",
        "Seconds without a byte before a transfer is dropped and tried again.",
    ),
    setting(
        "max_attempts",
        &["S3DLIO_MAX_ATTEMPTS"],
        Kind::Count,
        "8",
        "Tries of one request, the first included.",
    ),
    setting(
        "retry_base",
        &["S3DLIO_RETRY_BASE_MS"],
        Kind::Seconds,
        "0.1",
        "Seconds of the first back-off.",
    ),
    setting(
        "retry_max",
        &["S3DLIO_RETRY_MAX_MS"],
        Kind::Seconds,
        "15",
        "Seconds of the longest back-off.",
    ),
    setting(
        "retry_deadline",
        &["S3DLIO_RETRY_DEADLINE_SECS"],
        Kind::Seconds,
        "180",
        "Seconds after which no further try is made.",
    ),
    setting(
        "part_size",
        &["S3DLIO_PART_SIZE"],
        Kind::Size,
        "8 MiB",
        "Bytes of a part of a large transfer, 64 KiB at least.",
    ),
    setting(
        "concurrency",
        &["S3DLIO_CONCURRENCY"],
        Kind::Count,
        "64",
        "Requests under way at once, per client and service: the most there may be. S3 and Azure get fewer while they \
         ask to slow down, and more than 32 only while that moves more.",
    ),
    setting(
        "memory_limit",
        &["S3DLIO_MEMORY_LIMIT"],
        Kind::Size,
        "1 GiB",
        "Bytes that one call holds at once of what it streams, but always one part of each object.",
    ),
    setting(
        "verify",
        &["S3DLIO_VERIFY"],
        Kind::Choice(VERIFY),
        "auto",
        "Compare reads with the stored checksum: strong also asks for it, auto where it costs no request, off never.",
    ),
    setting(
        "durable",
        &["S3DLIO_DURABLE"],
        Kind::Switch,
        "true",
        "fsync local files and their directories.",
    ),
    setting(
        "direct",
        &["S3DLIO_DIRECT"],
        Kind::Choice(DIRECT),
        "auto",
        "direct:// on a file system without O_DIRECT: auto falls back, strict fails.",
    ),
    setting(
        "journal_dir",
        &["S3DLIO_JOURNAL_DIR"],
        Kind::Text,
        "s3dlio/uploads in the user's cache directory",
        "Where uploads of large files note how far they are, to go on after a crash.",
    ),
    setting(
        "rt_threads",
        &["S3DLIO_RT_THREADS"],
        Kind::Count,
        "one per core",
        "Threads of the I/O runtime, beside up to 128 for local files; read once per process.",
    ),
];

/// The setting of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// What may be meant by a word that nobody knows: the known one that is a few slips away, else those that have it in
/// them, or that it has in it.
pub(super) fn like<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let known: Vec<&str> = known.into_iter().collect();
    let distance = |candidate: &&&str| edit_distance(word, candidate);
    if let Some(nearest) = known.iter().min_by_key(distance)
        && distance(&nearest) * LETTERS_PER_SLIP <= word.len()
    {
        return vec![nearest];
    }
    let akin = |candidate: &&str| candidate.contains(word) || word.contains(candidate);
    match word.len() < LETTERS_PER_SLIP {
        true => Vec::new(),
        false => known.into_iter().filter(akin).collect(),
    }
}

/// With more slips than that, a word could be any other.
const LETTERS_PER_SLIP: usize = 3;

/// Levenshtein distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_variables_are_unique() {
        let mut words: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        words.extend(SETTINGS.iter().flat_map(|setting| setting.env));
        let total = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), total);
    }

    #[test]
    fn a_slip_finds_its_neighbour() {
        let names = || SETTINGS.iter().map(|setting| setting.name);
        assert_eq!(like("endpont_url", names()), ["endpoint_url"]);
        assert_eq!(like("conection_string", names()), ["connection_string"]);
    }

    #[test]
    fn a_part_of_names_finds_them_and_nonsense_nothing() {
        let names = || SETTINGS.iter().map(|setting| setting.name);
        let timeouts = ["connect_timeout", "stall_timeout"];
        assert_eq!(like("timeout", names()), timeouts);
        assert_eq!(like("region_name", names()), ["region"]);
        for nonsense in ["", "x", "frobnicate", "retries"] {
            assert!(like(nonsense, names()).is_empty(), "{nonsense}");
        }
    }
}
