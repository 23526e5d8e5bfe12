//! Which S3 operation a request asks for.

use crate::http::Head;

/// Query keys that turn a request into an operation that is not served here.
const FOREIGN: [&str; 24] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "encryption",
    "inventory",
    "legal-hold",
    "lifecycle",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "publicAccessBlock",
    "replication",
    "restore",
    "retention",
    "select",
    "tagging",
    "versioning",
    "versions",
    "website",
];

/// The bucket and the key of a decoded path; either may be empty.
pub(super) fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_once('/').unwrap_or((path, ""))
}

/// The operation's name, or `Unknown`.
pub(super) fn operation(head: &Head) -> &'static str {
    let (bucket, key) = split(&head.path);
    if FOREIGN.iter().any(|name| head.query(name).is_some()) {
        return "Unknown";
    }
    match (bucket.is_empty(), key.is_empty()) {
        (true, _) if head.method == "GET" => "ListBuckets",
        (true, _) => "Unknown",
        (false, true) => bucket_operation(head),
        (false, false) => object_operation(head),
    }
}

fn bucket_operation(head: &Head) -> &'static str {
    let has = |name| head.query(name).is_some();
    match head.method.as_str() {
        "PUT" => "CreateBucket",
        "DELETE" => "DeleteBucket",
        "HEAD" => "HeadBucket",
        "POST" if has("delete") => "DeleteObjects",
        "GET" if has("location") => "GetBucketLocation",
        "GET" if has("uploads") => "ListMultipartUploads",
        "GET" if head.query("list-type") == Some("2") => "ListObjectsV2",
        "GET" => "ListObjects",
        _ => "Unknown",
    }
}

fn object_operation(head: &Head) -> &'static str {
    let has = |name| head.query(name).is_some();
    let copies = head.header("x-amz-copy-source").is_some();
    match head.method.as_str() {
        "PUT" if has("uploadId") && copies => "UploadPartCopy",
        "PUT" if has("uploadId") => "UploadPart",
        "PUT" if copies => "CopyObject",
        "PUT" => "PutObject",
        "GET" if has("uploadId") => "ListParts",
        "GET" => "GetObject",
        "HEAD" => "HeadObject",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "DELETE" => "DeleteObject",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        _ => "Unknown",
    }
}
