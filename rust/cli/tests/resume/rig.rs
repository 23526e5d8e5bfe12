//! `s3-cli` beside a scripted service, killed once so many parts are in a journal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use s3dlio_testkit::{
    Action, AzureServer, Fault, RequestRecord, S3Server, TestServer, seeded_bytes,
};
use tempfile::TempDir;

/// The least that S3 takes.
pub const PART: usize = 5 << 20;
pub const PARTS: usize = 8;
/// Parts that the server answers before it stalls.
pub const ANSWERED: usize = 3;

/// A scripted service and a directory of this machine.
pub struct Rig {
    pub service: Service,
    home: TempDir,
    pub bytes: Vec<u8>,
}

pub enum Service {
    S3(S3Server),
    Azure(AzureServer),
}

impl Rig {
    pub async fn s3() -> Self {
        let server = S3Server::start().await;
        server.create_bucket("bucket");
        Rig::with(Service::S3(server))
    }

    pub async fn azure() -> Self {
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

    pub fn server(&self) -> &TestServer {
        match &self.service {
            Service::S3(server) => server,
            Service::Azure(server) => server,
        }
    }

    pub fn uri(&self) -> &'static str {
        match self.service {
            Service::S3(_) => "s3://bucket/object",
            Service::Azure(_) => "az:///bucket/object",
        }
    }

    pub fn put_object(&self) {
        let bytes = self.bytes.clone();
        match &self.service {
            Service::S3(server) => server.put("bucket", "object", bytes),
            Service::Azure(server) => server.put("bucket", "object", bytes),
        }
    }

    pub fn object(&self) -> Option<Vec<u8>> {
        let found = match &self.service {
            Service::S3(server) => server.object("bucket", "object"),
            Service::Azure(server) => server.blob("bucket", "object"),
        };
        found.map(|bytes| bytes.to_vec())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn put_source(&self) -> PathBuf {
        let path = self.path("source");
        fs::write(&path, &self.bytes).unwrap();
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
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

    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().unwrap())
    }

    pub async fn finish(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        output.unwrap().unwrap()
    }

    pub async fn run(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.finish(arguments).await;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// From here on only the first parts are answered.
    pub fn stall(&self, op: &str, ranged: bool) {
        let stall = Fault::always(Action::Stall { after: None }).op(op);
        let stall = match ranged {
            // The first request has no range, and brings the first part.
            true => stall.header("*range").nth(ANSWERED as u64),
            false => stall.nth(ANSWERED as u64 + 1),
        };
        self.server().fault(stall);
    }

    /// Until then, what is on its way could still arrive after the process is gone.
    pub async fn all_asked(&self, op: &str) {
        let of_op = |seen: &[RequestRecord]| seen.iter().filter(|seen| seen.op == op).count();
        self.server().wait_until(|seen| of_op(seen) == PARTS).await;
    }

    pub fn heal(&self) {
        self.server().clear_faults();
        self.server().clear_requests();
    }

    pub fn count(&self, op: &str) -> usize {
        let requests = self.server().requests();
        requests.iter().filter(|request| request.op == op).count()
    }

    pub fn ops(&self) -> (&'static str, &'static str) {
        match self.service {
            Service::S3(_) => ("GetObject", "UploadPart"),
            Service::Azure(_) => ("GetBlob", "PutBlock"),
        }
    }
}

/// Killed when it is dropped, so that a failed test leaves nothing running.
pub struct Running(pub Child);

impl Running {
    /// Waits until the journal in `directory` tells of so many parts, then kills without mercy.
    pub async fn kill_after(mut self, directory: &Path, parts: usize) {
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

pub fn hidden(directory: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_str().unwrap().ends_with(end))
        .collect()
}

/// Parts that the journal tells of.
pub fn noted(directory: &Path) -> usize {
    let [journal] = &hidden(directory, ".journal")[..] else {
        return 0;
    };
    let text = fs::read_to_string(journal).unwrap_or_default();
    text.matches('\n').count().saturating_sub(1)
}

/// The numbers of the parts that the journal tells of.
pub fn numbers(directory: &Path) -> Vec<usize> {
    let journal = fs::read_to_string(&hidden(directory, ".journal")[0]).unwrap();
    let number = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        usize::try_from(line["number"].as_u64().unwrap()).unwrap()
    };
    journal.lines().skip(1).map(number).collect()
}

pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}
