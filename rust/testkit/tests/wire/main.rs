//! The servers over raw sockets, so that nothing here depends on our own client.

mod azure;
mod client;
mod control;
mod faults;
mod faults_s3;
mod s3_listing;
mod s3_multipart;
mod s3_objects;
