//! A transfer that was killed goes on where it was: what had arrived is not moved again, and not one byte is wrong.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use s3dlio_testkit::{
    Action, AzureServer, Fault, RequestRecord, S3Server, TestServer, seeded_bytes,
};
use tempfile::TempDir;

/// The least that S3 takes.
const PART: usize = 5 << 20;
const PARTS: usize = 8;
/// Parts that the server answers before it stalls.
const ANSWERED: usize = 3;

/// A scripted service and a directory of this machine.
struct Rig {
    service: Service,
    home: TempDir,
    bytes: Vec<u8>,
}

enum Service {
    S3(S3Server),
    Azure(AzureServer),
}

impl Rig {
    async fn s3() -> Self {
        let server = S3Server::start().await;
        server.create_bucket("bucket");
        Rig::with(Service::S3(server))
    }

    async fn azure() -> Self {
        let server = AzureServer::start().await;
        server.create_container("bucket");
        Rig::with(Service::Azure(server))
    }

    fn with(service: Service) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("target")).unwrap();
        Rig {
            service,
            home,
            bytes: seeded_bytes(11, PARTS * PART),
        }
    }

    fn server(&self) -> &TestServer {
        match &self.service {
            Service::S3(server) => server,
            Service::Azure(server) => server,
        }
    }

    fn uri(&self) -> &'static str {
        match self.service {
            Service::S3(_) => "s3://bucket/object",
            Service::Azure(_) => "az:///bucket/object",
        }
    }

    fn put_object(&self) {
        let bytes = self.bytes.clone();
        match &self.service {
            Service::S3(server) => server.put("bucket", "object", bytes),
            Service::Azure(server) => server.put("bucket", "object", bytes),
        }
    }

    fn object(&self) -> Option<Vec<u8>> {
        let found = match &self.service {
            Service::S3(server) => server.object("bucket", "object"),
            Service::Azure(server) => server.blob("bucket", "object"),
        };
        found.map(|bytes| bytes.to_vec())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn put_source(&self) -> PathBuf {
        let path = self.path("source");
        fs::write(&path, &self.bytes).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_s3-cli"));
        let (endpoint, extra) = match &self.service {
            Service::S3(server) => (server.endpoint(), vec![]),
            Service::Azure(server) => (
                server.endpoint(),
                vec![
                    ("AZURE_STORAGE_ACCOUNT", "devstoreaccount1"),
                    // Signatures are not looked at.
                    ("AZURE_STORAGE_KEY", "a2V5"),
                ],
            ),
        };
        command
            .args(["--endpoint-url", &endpoint, "--json"])
            .args(["--option", &format!("part_size={PART}")])
            .args(["--option", "retry_base=0.001"])
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "us-east-1")
            .env("S3DLIO_LOAD_DOTENV", "0")
            .env("S3DLIO_JOURNAL_DIR", self.path("journals"))
            .envs(extra)
            .stdin(Stdio::null());
        command
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().unwrap())
    }

    async fn finish(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        output.unwrap().unwrap()
    }

    async fn run(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.finish(arguments).await;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// From here on only the first parts are answered.
    fn stall(&self, op: &str, ranged: bool) {
        let stall = Fault::always(Action::Stall { after: None }).op(op);
        let stall = match ranged {
            // The first request has no range, and brings the first part.
            true => stall.header("*range").nth(ANSWERED as u64),
            false => stall.nth(ANSWERED as u64 + 1),
        };
        self.server().fault(stall);
    }

    /// Until then, what is on its way could still arrive after the process is gone.
    async fn all_asked(&self, op: &str) {
        let of_op = |seen: &[RequestRecord]| seen.iter().filter(|seen| seen.op == op).count();
        self.server().wait_until(|seen| of_op(seen) == PARTS).await;
    }

    fn heal(&self) {
        self.server().clear_faults();
        self.server().clear_requests();
    }

    fn count(&self, op: &str) -> usize {
        let requests = self.server().requests();
        requests.iter().filter(|request| request.op == op).count()
    }

    fn ops(&self) -> (&'static str, &'static str) {
        match self.service {
            Service::S3(_) => ("GetObject", "UploadPart"),
            Service::Azure(_) => ("GetBlob", "PutBlock"),
        }
    }
}

/// Killed when it is dropped, so that a failed test leaves nothing running.
struct Running(Child);

impl Running {
    /// Waits until the journal in `directory` tells of so many parts, then kills without mercy.
    async fn kill_after(mut self, directory: &Path, parts: usize) {
        while noted(directory) < parts {
            assert!(self.0.try_wait().unwrap().is_none(), "it ended early");
            tokio::task::yield_now().await;
        }
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn hidden(directory: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_str().unwrap().ends_with(end))
        .collect()
}

/// Parts that the journal tells of.
fn noted(directory: &Path) -> usize {
    let [journal] = &hidden(directory, ".journal")[..] else {
        return 0;
    };
    let text = fs::read_to_string(journal).unwrap_or_default();
    text.matches('\n').count().saturating_sub(1)
}

/// The numbers of the parts that the journal tells of.
fn numbers(directory: &Path) -> Vec<usize> {
    let journal = fs::read_to_string(&hidden(directory, ".journal")[0]).unwrap();
    let number = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        usize::try_from(line["number"].as_u64().unwrap()).unwrap()
    };
    journal.lines().skip(1).map(number).collect()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

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
