//! Commands on buckets, containers and directories.

use clap::Args;

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
