use std::os::unix::fs::symlink;

use super::*;
use crate::error::ErrorKind;

#[tokio::test]
async fn delete_removes_exactly_what_was_named() {
    for place in Place::both() {
        for name in ["obj_1", "obj_10", "target"] {
            place.put(name, data(1)).await.unwrap();
        }
        symlink("target", place.path("link")).unwrap();
        fs::create_dir(place.path("dir")).unwrap();

        let keys = ["obj_1", "missing", "no/such", "obj_10/below", "link", "dir"]
            .map(|name| place.key(name));
        let failures = place.store.delete(&keys).await.unwrap();

        let failed: Vec<_> = failures
            .iter()
            .map(|failure| (failure.key.as_str(), failure.error.kind()))
            .collect();
        assert_eq!(
            failed,
            [(place.key("dir").as_str(), ErrorKind::InvalidInput)]
        );
        let mut left: Vec<_> = fs::read_dir(&place.base)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["dir", "obj_10", "target"]);
    }
}

#[tokio::test]
async fn a_key_that_no_file_can_have_fails_alone() {
    let place = Place::file();
    place.put("f", data(1)).await.unwrap();

    let failures = place
        .store
        .delete(&[Key::new("a//b"), place.key("f")])
        .await
        .unwrap();

    assert_eq!(failures.len(), 1);
    assert_eq!(
        (failures[0].key.as_str(), failures[0].error.kind()),
        ("a//b", ErrorKind::InvalidInput)
    );
    assert!(!place.path("f").exists());
}

#[tokio::test]
async fn prune_leaves_no_empty_directory_but_the_one_named() {
    let place = Place::file();
    fs::create_dir_all(place.path("p/a/b/c")).unwrap();
    fs::create_dir_all(place.path("p/d")).unwrap();
    place.put("p/keep/f", data(1)).await.unwrap();
    place.put("outside/f", data(1)).await.unwrap();
    symlink("../outside", place.path("p/d/link")).unwrap();
    symlink("nowhere", place.path("p/a/broken")).unwrap();

    place.store.prune(&place.key("p/")).await.unwrap();

    let left: Vec<_> = fs::read_dir(place.path("p"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["keep"]);
    assert!(place.path("outside/f").exists());
    fs::remove_file(place.path("p/keep/f")).unwrap();
    place.store.prune(&place.key("p/")).await.unwrap();
    assert_eq!(fs::read_dir(place.path("p")).unwrap().count(), 0);
    place.store.prune(&place.key("missing/")).await.unwrap();
}

#[tokio::test]
async fn a_container_is_a_directory() {
    for place in Place::both() {
        for at in ["a/b", "c/"] {
            place.store.create_container(&place.key(at)).await.unwrap();
            assert!(place.path(at).is_dir());
            let again = place
                .store
                .create_container(&place.key(at))
                .await
                .unwrap_err();
            assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        }
        place.put("a/b/f", data(1)).await.unwrap();
        let in_file = place
            .store
            .create_container(&place.key("a/b/f/g"))
            .await
            .unwrap_err();
        assert_eq!(in_file.kind(), ErrorKind::InvalidInput);

        let full = place
            .store
            .delete_container(&place.key("a"))
            .await
            .unwrap_err();
        assert_eq!(
            (full.kind(), full.errno()),
            (ErrorKind::NotEmpty, Some(libc::ENOTEMPTY))
        );
        assert!(full.to_string().contains("a/b/f"), "{full}");

        fs::remove_file(place.path("a/b/f")).unwrap();
        place
            .store
            .delete_container(&place.key("a/"))
            .await
            .unwrap();
        assert!(!place.path("a").exists());
        let gone = place
            .store
            .delete_container(&place.key("a"))
            .await
            .unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn only_directories_are_removed_as_containers() {
    let place = Place::file();
    place.put("f", data(1)).await.unwrap();
    fs::create_dir(place.path("dir")).unwrap();
    symlink("dir", place.path("link")).unwrap();

    for name in ["f", "link"] {
        let error = place
            .store
            .delete_container(&place.key(name))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
    }
    for root in [Key::default(), Key::new("/")] {
        assert_eq!(
            place
                .store
                .delete_container(&root)
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::InvalidInput
        );
        assert_eq!(
            place
                .store
                .create_container(&root)
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::InvalidInput
        );
        assert_eq!(
            place.store.prune(&root).await.unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
}

#[tokio::test]
async fn what_a_transfer_left_is_told_apart_from_files() {
    let place = Place::file();
    let names = ["d/sub/.s3dlio-01.tmp", "d/.s3dlio-02.journal"];
    fs::create_dir_all(place.path("d/sub")).unwrap();
    for name in names {
        fs::write(place.path(name), b"x").unwrap();
    }
    let delete = async || place.store.delete_container(&place.key("d")).await;

    let error = delete().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotEmpty);
    assert!(error.to_string().contains(".s3dlio-0"), "{error}");
    assert!(error.to_string().contains("cut off"), "{error}");

    place.put("d/sub/f", data(1)).await.unwrap();
    let error = delete().await.unwrap_err();
    assert!(error.to_string().ends_with("d/sub/f"), "{error}");

    for name in names.iter().chain(&["d/sub/f"]) {
        fs::remove_file(place.path(name)).unwrap();
    }
    delete().await.unwrap();
}
