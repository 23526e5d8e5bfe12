//! A transfer that was killed goes on where it was: what had arrived is not moved again, and not one byte is wrong.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod rig;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use s3dlio_testkit::{Action, Fault, RequestRecord, seeded_bytes};

use rig::{ANSWERED, PART, PARTS, Rig, Running, Service, hidden, names, noted, numbers};

async fn kill_download(rig: &Rig) -> PathBuf {
    let target = rig.path("target");
    rig.stall(rig.ops().0, true);
    let running = rig.start(&["download", rig.uri(), target.to_str().unwrap()]);
    rig.all_asked(rig.ops().0).await;
    running.kill_after(&target, ANSWERED).await;
    assert_eq!(hidden(&target, ".tmp").len(), 1);
    assert!(!target.join("object").exists());
    target
}

async fn kill_upload(rig: &Rig) -> PathBuf {
    let source = rig.put_source();
    rig.stall(rig.ops().1, false);
    let running = rig.start(&["upload", source.to_str().unwrap(), rig.uri()]);
    rig.all_asked(rig.ops().1).await;
    running.kill_after(&rig.path("journals"), ANSWERED).await;
    assert_eq!(rig.object(), None);
    source
}

async fn download_goes_on(rig: Rig) {
    rig.put_object();
    let target = kill_download(&rig).await;
    let directory = target.to_str().unwrap();
    rig.heal();

    let listed = rig.finish(&["list", &format!("file://{directory}/")]).await;
    assert_eq!(listed.stdout, b"", "what is under way is no object");
    let report = rig.run(&["download", rig.uri(), directory]).await;

    assert!(fs::read(target.join("object")).unwrap() == rig.bytes);
    assert_eq!(names(&target), ["object"]);
    assert_eq!(report["resumed"], ANSWERED * PART);
    assert_eq!(rig.count(rig.ops().0), PARTS - ANSWERED);
    assert!(rig.server().requests().iter().all(has_range_or_is_head));
}

fn has_range_or_is_head(request: &RequestRecord) -> bool {
    request.method == "HEAD"
        || request.header("range").is_some()
        || request.header("x-ms-range").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_download_goes_on() {
    download_goes_on(Rig::s3().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_download_from_azure_goes_on() {
    download_goes_on(Rig::azure().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_object_is_read_from_the_start() {
    let mut rig = Rig::s3().await;
    rig.put_object();
    let target = kill_download(&rig).await;
    rig.heal();
    rig.bytes = seeded_bytes(12, rig.bytes.len());
    rig.put_object();

    let report = rig
        .run(&["download", rig.uri(), target.to_str().unwrap()])
        .await;

    assert!(fs::read(target.join("object")).unwrap() == rig.bytes);
    assert_eq!(names(&target), ["object"]);
    assert_eq!(report["resumed"], 0);
    assert_eq!(rig.count("GetObject"), PARTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_rotted_is_read_again() {
    let rig = Rig::s3().await;
    rig.put_object();
    let target = kill_download(&rig).await;
    rig.heal();
    let [partial] = &hidden(&target, ".tmp")[..] else {
        panic!("one partial file")
    };
    let mut bytes = fs::read(partial).unwrap();
    bytes[PART / 2] ^= 1;
    fs::write(partial, bytes).unwrap();

    let report = rig
        .run(&["download", rig.uri(), target.to_str().unwrap()])
        .await;

    assert!(fs::read(target.join("object")).unwrap() == rig.bytes);
    assert_eq!(report["resumed"], (ANSWERED - 1) * PART);
    assert_eq!(rig.count("GetObject"), PARTS - ANSWERED + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_whose_checksum_is_wrong_in_the_end_shows_nothing() {
    let rig = Rig::s3().await;
    rig.put_object();
    let target = kill_download(&rig).await;
    rig.heal();
    let noted = numbers(&target);
    let missing = (1..=PARTS).find(|number| !noted.contains(number)).unwrap();
    let flip = Action::FlipBit {
        offset: ((missing - 1) * PART) as u64 + 5,
        bit: 1,
        of: s3dlio_testkit::FlipOrigin::Object,
    };
    rig.server().fault(Fault::always(flip).op("GetObject"));

    let output = rig
        .finish(&["download", rig.uri(), target.to_str().unwrap()])
        .await;

    assert_eq!(output.status.code(), Some(1));
    assert!(!target.join("object").exists());
    assert_eq!(hidden(&target, ".journal"), Vec::<PathBuf>::new());
}

async fn upload_goes_on(rig: Rig) {
    let source = kill_upload(&rig).await;
    rig.heal();

    let report = rig
        .run(&["upload", source.to_str().unwrap(), rig.uri()])
        .await;

    assert!(rig.object().unwrap() == rig.bytes);
    assert_eq!(report["resumed"], ANSWERED * PART);
    assert_eq!(rig.count(rig.ops().1), PARTS - ANSWERED);
    assert_eq!(rig.count("CreateMultipartUpload"), 0);
    assert_eq!(names(&rig.path("journals")), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_upload_goes_on() {
    upload_goes_on(Rig::s3().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_upload_to_azure_goes_on() {
    upload_goes_on(Rig::azure().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_file_that_changed_is_sent_again() {
    let mut rig = Rig::s3().await;
    let source = kill_upload(&rig).await;
    rig.heal();
    let number = numbers(&rig.path("journals"))[0];
    rig.bytes[(number - 1) * PART + 7] ^= 1;
    fs::write(&source, &rig.bytes).unwrap();

    let report = rig
        .run(&["upload", source.to_str().unwrap(), rig.uri()])
        .await;

    assert!(rig.object().unwrap() == rig.bytes);
    assert_eq!(report["resumed"], (ANSWERED - 1) * PART);
    assert_eq!(rig.count("UploadPart"), PARTS - ANSWERED + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_size_is_sent_from_the_start() {
    let mut rig = Rig::s3().await;
    let source = kill_upload(&rig).await;
    rig.heal();
    rig.bytes.extend(b"more");
    fs::write(&source, &rig.bytes).unwrap();

    let report = rig
        .run(&["upload", source.to_str().unwrap(), rig.uri()])
        .await;

    assert!(rig.object().unwrap() == rig.bytes);
    assert_eq!(report["resumed"], 0);
    let Service::S3(server) = &rig.service else {
        unreachable!("made above")
    };
    assert_eq!(server.open_uploads("bucket"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_the_service_forgot_starts_over() {
    let rig = Rig::s3().await;
    let source = kill_upload(&rig).await;
    rig.heal();
    let gone = Action::fail(404, "NoSuchUpload");
    rig.server().fault(Fault::once(gone).op("UploadPart"));

    let report = rig
        .run(&["upload", source.to_str().unwrap(), rig.uri()])
        .await;

    assert!(rig.object().unwrap() == rig.bytes);
    assert_eq!(report["resumed"], 0);
    assert_eq!(rig.count("CreateMultipartUpload"), 1);
    assert_eq!(names(&rig.path("journals")), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_with_other_properties_starts_over() {
    let rig = Rig::s3().await;
    let source = kill_upload(&rig).await;
    rig.heal();
    let source = source.to_str().unwrap();

    let report = rig
        .run(&["upload", "--content-type", "text/x-test", source, rig.uri()])
        .await;

    assert!(rig.object().unwrap() == rig.bytes);
    assert_eq!(report["resumed"], 0);
    assert_eq!(names(&rig.path("journals")), Vec::<String>::new());
}

async fn upload_another(rig: &Rig) {
    let other = rig.path("other");
    fs::write(&other, b"small").unwrap();
    let uri = rig.uri().replace("object", "other");
    rig.run(&["upload", other.to_str().unwrap(), &uri]).await;
}

/// As if the last part had been noted so many days ago.
fn age(journal: &Path, days: u64) {
    let then = SystemTime::now() - Duration::from_hours(days * 24);
    let journal = fs::File::options().append(true).open(journal).unwrap();
    journal.set_modified(then).unwrap();
}

async fn an_upload_expires(rig: Rig) {
    kill_upload(&rig).await;
    rig.heal();
    let journals = rig.path("journals");
    let [journal] = &hidden(&journals, ".journal")[..] else {
        panic!("one journal")
    };

    age(journal, 6);
    upload_another(&rig).await;
    assert_eq!(names(&journals).len(), 1, "it may still go on");

    age(journal, 8);
    upload_another(&rig).await;
    assert_eq!(names(&journals), Vec::<String>::new());
    if let Service::S3(server) = &rig.service {
        assert_eq!(server.open_uploads("bucket"), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_went_on_with_is_given_up() {
    an_upload_expires(Rig::s3().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_to_azure_is_too() {
    an_upload_expires(Rig::azure().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_journal_goes_whatever_the_service_says() {
    let rig = Rig::s3().await;
    kill_upload(&rig).await;
    rig.heal();
    let journals = rig.path("journals");
    age(&hidden(&journals, ".journal")[0], 8);
    let gone = Action::fail(404, "NoSuchUpload");
    rig.server()
        .fault(Fault::always(gone).op("AbortMultipartUpload"));

    upload_another(&rig).await;

    assert_eq!(names(&journals), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_of_another_service_is_left_to_it() {
    let (rig, other) = (Rig::s3().await, Rig::s3().await);
    kill_upload(&rig).await;
    let journal = &hidden(&rig.path("journals"), ".journal")[0];
    age(journal, 8);
    fs::create_dir(other.path("journals")).unwrap();
    let there = other.path("journals").join(journal.file_name().unwrap());
    fs::rename(journal, &there).unwrap();

    upload_another(&other).await;

    assert!(there.exists());
    assert_eq!(other.count("AbortMultipartUpload"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_an_upload_to_go_on_with_but_not_that_of_a_pipe() {
    let rig = Rig::s3().await;
    let source = rig.put_source();
    let Service::S3(server) = &rig.service else {
        unreachable!("made above")
    };
    let arguments = ["upload", source.to_str().unwrap(), rig.uri()];
    rig.stall("UploadPart", false);
    let mut running = rig.start(&arguments);
    rig.all_asked("UploadPart").await;
    while noted(&rig.path("journals")) < ANSWERED {
        tokio::task::yield_now().await;
    }

    assert_eq!(interrupt(&mut running.0).await, Some(130));
    assert_eq!(server.open_uploads("bucket").len(), 1);
    rig.heal();
    let report = rig.run(&arguments).await;
    assert_eq!(report["resumed"], ANSWERED * PART);
    assert_eq!(server.open_uploads("bucket"), Vec::<String>::new());

    rig.heal();
    rig.stall("UploadPart", false);
    let mut piped = rig.command(&["cp", "-", "s3://bucket/piped"]);
    piped.stdin(fs::File::open(&source).unwrap());
    piped.stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = Running(piped.spawn().unwrap());
    let stalled = |seen: &[RequestRecord]| {
        let parts = seen.iter().filter(|seen| seen.op == "UploadPart");
        parts.count() > ANSWERED
    };
    rig.server().wait_until(stalled).await;
    assert_eq!(interrupt(&mut running.0).await, Some(130));
    assert_eq!(server.open_uploads("bucket"), Vec::<String>::new());
}

async fn interrupt(child: &mut Child) -> Option<i32> {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        tokio::task::yield_now().await;
    }
}
