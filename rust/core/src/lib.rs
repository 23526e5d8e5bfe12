//! Moves data between storage and the memory of AI programs: `s3://`, `az://`, `file://` and `direct://` behind one set
//! of verbs, with zero-copy buffers and verified checkpoints.

#![deny(unsafe_code)]
#![warn(missing_debug_implementations)]

mod backend;
/// Steps of the hot paths, for the benchmarks beside this crate. No part of its interface.
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench {
    pub use crate::backend::s3::bench::{Signing, read_listing};
    pub use crate::checkpoint::bench::Codec;
    pub use crate::transport::bench::read_head;
}
#[expect(
    unsafe_code,
    reason = "owned memory for I/O; each block says who keeps it alive"
)]
pub mod buffer;
mod checkpoint;
pub mod checksum;
mod client;
pub mod config;
pub mod datagen;
mod error;
mod gate;
mod leftover;
mod pattern;
mod payload;
mod span;
mod split;
mod store;
mod transfer;
mod transport;
pub mod types;
mod uri;

pub use backend::{Frozen, Memory};
pub use buffer::{Buffer, IoBufMut, Pool};
pub use checkpoint::{CheckpointStore, ShardReport};
pub use client::{Client, Pieces, Reader, Reads, Scan, Writer, Writes};
pub use config::{Config, CredentialSource, Credentials, Options, Secret};
pub use error::{Error, ErrorKind, Result};
pub use leftover::leftovers;
pub use payload::Payload;
pub use span::{Observer, Operation, Span};
pub use split::RangeInto;
pub use store::Store;
pub use transfer::{
    Compare, Meter, Partial, SyncAction, SyncOptions, SyncReport, TransferOptions,
    TransferProgress, TransferReport, locate,
};
pub use types::{CopyResult, Entry, HttpMethod, ObjectMeta, PutResult, WriteOptions};
pub use uri::{Key, Scheme, Uri};
