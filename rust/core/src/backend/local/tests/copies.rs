use super::*;
use crate::error::ErrorKind;
use crate::types::CopySource;

impl Place {
    pub(super) async fn source(&self, name: &str) -> CopySource {
        CopySource {
            container: String::new(),
            key: self.key(name),
            meta: self.store.stat(&self.key(name)).await.unwrap(),
        }
    }
}

#[tokio::test]
async fn a_copy_is_a_file_of_its_own() {
    let place = Place::file();
    let sent = data(20 << 20);
    place.put("f", sent.clone()).await.unwrap();
    let source = place.source("f").await;

    let copied = place
        .store
        .copy(&source, &place.key("deep/er/copy"))
        .await
        .unwrap();
    place.put("f", data(3)).await.unwrap();

    assert_eq!(fs::read(place.path("deep/er/copy")).unwrap(), sent);
    let key = place.key("deep/er/copy");
    assert_eq!(place.store.stat(&key).await.unwrap().etag, copied.etag);
    assert_eq!(temporaries(&place.path("deep/er")), 0);
}

#[tokio::test]
async fn a_file_that_has_changed_is_not_copied() {
    let place = Place::file();
    place.put("f", data(10)).await.unwrap();
    place.put("copy", data(5)).await.unwrap();
    let source = place.source("f").await;
    place.put("f", data(11)).await.unwrap();

    let error = place
        .store
        .copy(&source, &place.key("copy"))
        .await
        .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
    assert_eq!(fs::read(place.path("copy")).unwrap(), data(5));
    assert_eq!(place.temporaries(), 0);
}

#[tokio::test]
async fn a_copy_that_fails_leaves_the_old_file() {
    let place = Place::file();
    place.put("f", data(10)).await.unwrap();
    let source = place.source("f").await;
    fs::create_dir(place.path("directory")).unwrap();
    fs::remove_file(place.path("f")).unwrap();

    let gone = place.store.copy(&source, &place.key("copy")).await;
    place.put("f", data(10)).await.unwrap();
    let source = place.source("f").await;
    let onto = place.store.copy(&source, &place.key("directory")).await;

    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(onto.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(place.temporaries(), 0);
}

#[tokio::test]
async fn a_copy_that_fails_tells_which_file_it_was() {
    let place = Place::file();
    place.put("f", data(10)).await.unwrap();
    let source = place.source("f").await;

    let written = place.store.copy(&source, &Key::new("proc/x")).await;
    fs::remove_file(place.path("f")).unwrap();
    let read = place.store.copy(&source, &place.key("copy")).await;

    let error = written.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    assert!(
        error.detail().starts_with("cannot write /proc/x: "),
        "{error}"
    );
    let error = read.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let start = format!("cannot read {}: ", place.path("f").display());
    assert!(error.detail().starts_with(&start), "{error}");
}

#[tokio::test]
async fn a_file_that_tells_no_size_and_has_bytes_is_not_copied() {
    let place = Place::file();
    let key = Key::new("proc/cpuinfo");
    let source = CopySource {
        container: String::new(),
        meta: place.store.stat(&key).await.unwrap(),
        key,
    };

    let copied = place.store.copy(&source, &place.key("copy")).await;

    assert_eq!(copied.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(!place.path("copy").exists());
}
