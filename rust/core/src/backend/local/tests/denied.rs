use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::*;
use crate::client::Client;
use crate::config::{Config, Options};
use crate::error::ErrorKind;
use crate::transfer::{Meter, TransferOptions};
use crate::types::PageRequest;
use crate::uri::Uri;

const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Root may do anything, so the cases run in a child that is somebody else.
#[test]
fn permissions_are_respected_and_told() {
    if !is_root() {
        println!("skipped: only root can become somebody else");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mode = |name: &str, mode| {
        fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir(dir.path().join("locked")).unwrap();
    fs::write(dir.path().join("locked/f"), b"x").unwrap();
    fs::write(dir.path().join("secret"), b"x").unwrap();
    mode("secret", 0o600);
    mode("locked", 0o700);
    // To be searched but not read: a directory in it cannot be made durable by its parent.
    fs::create_dir_all(dir.path().join("passage/theirs")).unwrap();
    std::os::unix::fs::chown(
        dir.path().join("passage/theirs"),
        Some(NOBODY),
        Some(NOBODY),
    )
    .unwrap();
    mode("passage", 0o711);
    mode("", 0o755);

    let child = "backend::local::tests::denied::as_somebody_else";
    let output = Command::new("/proc/self/exe")
        .args(["--exact", child, "--ignored", "--nocapture"])
        .current_dir(dir.path())
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();

    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(dir.path().join("secret").exists());
    assert!(dir.path().join("passage/theirs/f").exists());
}

#[tokio::test]
#[ignore = "started by permissions_are_respected_and_told, in its directory"]
async fn as_somebody_else() {
    transfers_tell_which_file_was_denied(&std::env::current_dir().unwrap()).await;
    for mut place in Place::both() {
        place.base = std::env::current_dir().unwrap();
        let mut errors = Vec::new();
        for name in ["secret", "locked/f"] {
            errors.push(place.get(name, ByteRange::Whole).await.unwrap_err());
        }
        let key = |name| place.key(name);
        errors.push(place.store.stat(&key("locked/f")).await.unwrap_err());
        for name in ["new", "made/new", "locked/f"] {
            errors.push(place.put(name, data(1)).await.unwrap_err());
        }
        errors.push(
            place
                .store
                .create_container(&key("made"))
                .await
                .unwrap_err(),
        );
        errors.push(
            place
                .store
                .delete_container(&key("locked"))
                .await
                .unwrap_err(),
        );
        errors.extend(
            place
                .store
                .delete(&[key("secret"), key("locked/f")])
                .await
                .unwrap()
                .into_iter()
                .map(|failure| failure.error),
        );
        let list = place
            .store
            .list(&key(""), &PageRequest::default())
            .await
            .unwrap_err();
        assert!(list.to_string().contains("/locked"), "{list}");
        errors.push(list);
        errors.push(place.store.prune(&key("")).await.unwrap_err());

        place.put("passage/theirs/f", data(1)).await.unwrap();

        assert_eq!(errors.len(), 12);
        for error in errors {
            assert_eq!(
                (error.kind(), error.errno()),
                (ErrorKind::AccessDenied, Some(libc::EACCES)),
                "{error}"
            );
        }
    }
}

/// Started by the case above, as somebody else too.
async fn transfers_tell_which_file_was_denied(base: &Path) {
    let client = Client::new(Config::load(&Options::default()).unwrap());
    let bucket: Uri = "memory://denied/".parse().unwrap();
    client.create_bucket(&bucket).await.unwrap();
    let object = bucket.join("k");
    let (body, write) = (Payload::from(b"x".to_vec()), WriteOptions::default());
    client.put(&object, body, &write).await.unwrap();
    let (options, meter) = (TransferOptions::default(), Meter::default());
    let path = |name: &str| base.join(name).display().to_string();

    let (secret, stored) = ([path("secret")], [object.to_string()]);
    let up = client.upload_files(&secret, &bucket, &options, &meter);
    let up = up.await.unwrap_err();
    let locked = path("locked");
    let down = client.download_files(&stored, &locked, &options, &meter);
    let down = down.await.unwrap_err();

    for (error, told) in [
        (&*up, format!("cannot read {}: ", path("secret"))),
        (&*down, format!("cannot write {}: ", path("locked/k"))),
    ] {
        assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
        assert!(error.to_string().contains(&told), "{error}");
    }
}
