//! Settings of a server that last until they are changed, unlike faults.

use serde::{Deserialize, Serialize};

/// How a server behaves when no fault applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Requests without an Authorization header (or signed query) are refused with 403.
    pub require_authorization: bool,
    /// Parts but the last must have this many bytes. Small values keep tests small.
    pub min_part_size: u64,
    /// The largest page of a listing; none means what the service has.
    pub page_size: Option<usize>,
    /// ETags are MD5 sums, as S3's are. Without, they are cheap CRCs, for benchmarks of writes.
    pub md5_etags: bool,
    /// Objects written without a checksum get a CRC64NVME, as on AWS. Without, they have none.
    pub default_checksum: bool,
    /// A request that comes while there are this many others is answered 503 SlowDown; none takes any number.
    pub most_in_flight: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            require_authorization: false,
            min_part_size: 5 * 1024 * 1024,
            page_size: None,
            md5_etags: true,
            default_checksum: true,
            most_in_flight: None,
        }
    }
}
