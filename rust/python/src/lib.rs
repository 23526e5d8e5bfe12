//! The Python face: arguments in, one call of the core, results out. No logic lives here.

#![deny(unsafe_code)]
#![expect(clippy::elidable_lifetime_names, reason = "'py names the interpreter")]

mod arguments;
mod buckets;
mod buffer;
mod checkpoint;
mod cli;
mod clients;
mod copying;
mod credentials;
mod delete_many;
mod errands;
mod errors;
mod files;
mod generate;
mod iter_many;
mod listing;
mod logging;
mod many;
mod objects;
mod open;
mod options;
mod owned;
mod presign;
mod progress;
mod put_many;
mod put_vectored;
mod read_into_many;
mod reports;
mod results;
mod runtime;
mod scan;
mod stat_many;
mod sync;
mod tiers;
mod twins;

#[pyo3::pymodule(gil_used = false)]
mod _s3dlio {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::buckets::{create_bucket, create_bucket_async, delete_bucket, delete_bucket_async};
    #[pymodule_export]
    use crate::buffer::{_restore_buffer, Buffer};
    #[pymodule_export]
    use crate::checkpoint::Shards;
    #[pymodule_export]
    use crate::cli::run_cli;
    #[pymodule_export]
    use crate::copying::{copy, copy_async};
    #[pymodule_export]
    use crate::delete_many::{delete_many, delete_many_async};
    #[pymodule_export]
    use crate::files::{download, download_async, upload, upload_async};
    #[pymodule_export]
    use crate::generate::{generate, generate_async};
    #[pymodule_export]
    use crate::iter_many::Reads;
    #[pymodule_export]
    use crate::listing::{delete, delete_async, list, list_async, list_uris, list_uris_async};
    #[pymodule_export]
    use crate::logging::init_logging;
    #[pymodule_export]
    use crate::many::{get_many, get_many_async, get_many_stats, get_many_stats_async};
    #[pymodule_export]
    use crate::objects::{
        exists, exists_async, get, get_async, get_range, get_range_async, put, put_async,
        read_into, read_into_async, stat, stat_async,
    };
    #[pymodule_export]
    use crate::open::{Reader, Writer};
    #[pymodule_export]
    use crate::options::{_unknown_option, settings};
    #[pymodule_export]
    use crate::presign::{presign, presign_async};
    #[pymodule_export]
    use crate::progress::{Meter, TransferProgress};
    #[pymodule_export]
    use crate::put_many::Writes;
    #[pymodule_export]
    use crate::put_vectored::{put_vectored, put_vectored_async};
    #[pymodule_export]
    use crate::read_into_many::{read_into_many, read_into_many_async};
    #[pymodule_export]
    use crate::reports::{SyncReport, TransferReport};
    #[pymodule_export]
    use crate::results::{CopyResult, Entry, GenerateReport, PutResult, ShardReport};
    #[pymodule_export]
    use crate::scan::Pages;
    #[pymodule_export]
    use crate::stat_many::{stat_many, stat_many_async};
    #[pymodule_export]
    use crate::sync::{sync, sync_async};
    #[pymodule_export]
    use crate::tiers::{set_tier, set_tier_async};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        crate::errors::load_classes(module.py())?;
        // Whoever imports it first is the main thread to Python; that must not be a thread of ours that calls back.
        module.py().import("threading")?;
        crate::runtime::register_hooks(module)
    }
}
