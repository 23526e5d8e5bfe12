//! The servers over raw sockets, so that nothing here depends on our own client.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod azure;
mod client;
mod control;
mod faults;
mod faults_s3;
mod s3_listing;
mod s3_multipart;
mod s3_objects;
