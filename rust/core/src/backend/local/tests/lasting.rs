use super::*;
use crate::types::UploadId;

impl Place {
    /// What was synced since the last call: names below this place's directory, and those of the directories above it.
    fn synced(&self) -> Vec<String> {
        let synced = std::mem::take(&mut *self.store.local.lasting.synced.lock().unwrap());
        let name = |path: PathBuf| match path.strip_prefix(&self.base) {
            Ok(below) if is_temporary(&file_name(below)) => "bytes".to_owned(),
            Ok(below) => format!("./{}", below.display()),
            Err(_) => path.display().to_string(),
        };
        synced.into_iter().map(name).collect()
    }

    /// Those of the directories above this place's, from the inside out.
    fn above(&self) -> Vec<String> {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| fs::metadata(path).unwrap().dev();
        let own = device(&self.base);
        let above = self.base.ancestors().skip(1);
        above
            .take_while(|path| device(path) == own)
            .map(|path| path.display().to_string())
            .collect()
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_str().unwrap().to_owned()
}

fn expected(first: &[&str], above: &[String], last: &[&str]) -> Vec<String> {
    let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    [own(first), above.to_vec(), own(last)].concat()
}

#[tokio::test]
async fn a_directory_that_was_found_lasts_before_its_file_is_acknowledged() {
    for place in Place::both() {
        // As left by a task that has not synced yet, or by a run that was cut off.
        fs::create_dir_all(place.path("found/deep")).unwrap();

        place.put("found/deep/f", data(5000)).await.unwrap();

        let all = expected(
            &["./found", "./"],
            &place.above(),
            &["bytes", "./found/deep"],
        );
        assert_eq!(place.synced(), all);
    }
}

#[tokio::test]
async fn a_directory_that_is_known_to_last_costs_nothing() {
    let place = Place::file();
    place.put("made/here/f", data(5000)).await.unwrap();
    place.synced();

    place.put("made/here/g", data(5000)).await.unwrap();
    assert_eq!(place.synced(), ["bytes", "./made/here"]);
    place.put("made/next/f", data(5000)).await.unwrap();
    assert_eq!(place.synced(), ["./made", "bytes", "./made/next"]);
}

#[tokio::test]
async fn a_directory_that_took_the_place_of_another_is_not_known() {
    let place = Place::file();
    for _ in 0..3 {
        place.put("made/f", data(10)).await.unwrap();
        place.synced();
        fs::remove_dir_all(place.path("made")).unwrap();

        place.put("made/f", data(10)).await.unwrap();

        assert_eq!(place.synced(), ["./", "bytes", "./made"]);
    }
}

#[tokio::test]
async fn an_upload_in_parts_waits_for_its_directory_too() {
    let place = Place::file();
    fs::create_dir(place.path("found")).unwrap();
    let (key, options) = (place.key("found/f"), WriteOptions::default());
    let upload: UploadId = place
        .store
        .start_upload(&key, 1 << 20, &options)
        .await
        .unwrap();
    let body = data(10).into();
    let part = place.store.put_part(&key, &upload, 1, &body).await.unwrap();
    assert!(place.synced().is_empty());

    place
        .store
        .finish_upload(&key, &upload, &[part], &options)
        .await
        .unwrap();

    let all = expected(&["./"], &place.above(), &["bytes", "./found"]);
    assert_eq!(place.synced(), all);
}

#[tokio::test]
async fn a_container_lasts_when_it_is_made() {
    let place = Place::file();

    place
        .store
        .create_container(&place.key("a/b"))
        .await
        .unwrap();

    assert_eq!(place.synced(), expected(&["./"], &place.above(), &["./a"]));
}

#[tokio::test]
async fn what_need_not_last_is_not_synced() {
    let place = Place {
        store: LocalStore::new(Scheme::File, Local::new(false, None)),
        ..Place::file()
    };

    place.put("a/b/f", data(10)).await.unwrap();
    place.store.create_container(&place.key("c")).await.unwrap();
    place.store.delete(&[place.key("a/b/f")]).await.unwrap();

    assert!(place.synced().is_empty());
}
