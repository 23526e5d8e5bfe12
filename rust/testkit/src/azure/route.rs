//! Which Azure Blob operation a request asks for.

use crate::http::Head;

/// The account, the container and the blob of a decoded path; each may be empty.
pub(super) fn split(path: &str) -> (&str, &str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (account, rest) = path.split_once('/').unwrap_or((path, ""));
    let (container, blob) = rest.split_once('/').unwrap_or((rest, ""));
    (account, container, blob)
}

/// The operation's name, or `Unknown`.
pub(super) fn operation(head: &Head) -> &'static str {
    let (_, container, blob) = split(&head.path);
    let comp = head.query("comp").unwrap_or_default();
    let method = head.method.as_str();
    if container.is_empty() {
        return match (method, comp) {
            ("GET", "list") => "ListContainers",
            _ => "Unknown",
        };
    }
    if blob.is_empty() {
        return match (method, head.query("restype"), comp) {
            ("PUT", Some("container"), "") => "CreateContainer",
            ("DELETE", Some("container"), "") => "DeleteContainer",
            ("GET" | "HEAD", Some("container"), "") => "GetContainerProperties",
            ("GET", Some("container"), "list") => "ListBlobs",
            _ => "Unknown",
        };
    }
    let copies = head.header("x-ms-copy-source").is_some();
    let typed = head.header("x-ms-blob-type").is_some();
    match (method, comp) {
        ("PUT", "block") if copies => "PutBlockFromUrl",
        ("PUT", "block") => "PutBlock",
        ("PUT", "blocklist") => "PutBlockList",
        ("PUT", "tier") => "SetBlobTier",
        ("PUT", "") if copies && typed => "PutBlobFromUrl",
        ("PUT", "") if copies => "CopyBlob",
        ("PUT", "") => "PutBlob",
        ("GET", "blocklist") => "GetBlockList",
        ("GET", "") => "GetBlob",
        ("HEAD", "") => "GetBlobProperties",
        ("DELETE", "") => "DeleteBlob",
        _ => "Unknown",
    }
}
