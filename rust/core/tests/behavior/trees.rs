//! Trees of files, and their way up and down.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use s3dlio::{Client, Meter, TransferOptions, TransferReport, Uri};

use crate::place::{PART, data};

pub type Files = BTreeMap<String, Vec<u8>>;

pub fn tree() -> Files {
    let sized = [
        ("empty", 0),
        ("one", 1),
        ("deep/er/a b+c%20#", 4096),
        ("deep/part", PART),
        ("deep/ü", 70_000),
        ("large.bin", 2 * PART + 7),
    ];
    sized
        .into_iter()
        .map(|(name, size)| (name.to_owned(), data(size)))
        .collect()
}

pub fn write(root: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// All files below a directory; nothing is left of what a transfer needs under way.
pub fn read(root: &Path) -> Files {
    let mut files = Files::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.insert(name.to_owned(), fs::read(&path).unwrap());
        }
    }
    files
}

pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

pub async fn upload(client: &Client, sources: &[String], target: &Uri) -> TransferReport {
    let options = TransferOptions::default();
    client
        .upload_files(sources, target, &options, &Meter::default())
        .await
        .unwrap()
}

pub async fn download(client: &Client, source: &Uri, directory: &Path) -> TransferReport {
    let options = TransferOptions::default();
    client
        .download_files(
            &[source.to_string()],
            &text(directory),
            &options,
            &Meter::default(),
        )
        .await
        .unwrap()
}
