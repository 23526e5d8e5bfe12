//! Objects read and written piece by piece: one version comes out, and nothing torn goes in.

use bytes::Bytes;
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use s3dlio::{Client, Config, ErrorKind, Options, Reader, Result, Uri, WriteOptions};
use s3dlio_testkit::{Action, Fault, seeded_bytes};

use crate::place::{PART, Place, data};
use crate::rig::{Rig, rig, rig_with};

/// `len` bytes from `offset` on, or what there is, by as many calls as it takes.
async fn read(
    client: &s3dlio::Client,
    reader: &mut Reader,
    offset: usize,
    len: usize,
) -> Result<Vec<u8>> {
    let mut got = Vec::new();
    while got.len() < len {
        let memory = client.pool().take(len - got.len())?;
        let piece = reader.read_at((offset + got.len()) as u64, memory).await?;
        if piece.is_empty() {
            break;
        }
        got.extend_from_slice(&piece);
    }
    Ok(got)
}

pub async fn a_file_reads_what_is_there(place: Place) {
    let sent = data(4 * PART + 3);
    place.put("object", &sent).await;
    let client = &place.client;
    let mut random = SmallRng::seed_from_u64(9);
    let mut reader = client.reader(&place.uri("object")).await.unwrap();

    // From the start to the end by small reads.
    let mut at = 0;
    while at < sent.len() {
        let len = random.random_range(1..300_000);
        let got = read(client, &mut reader, at, len).await.unwrap();
        assert!(got == sent[at..(at + len).min(sent.len())], "at {at}");
        at += got.len();
    }
    // From anywhere, of any length.
    for _ in 0..60 {
        let at = random.random_range(0..sent.len() + 1000);
        let len = [1, 1000, 200_000, PART, 2 * PART + 1][random.random_range(0..5)];
        for step in [0, len, 2 * len] {
            let at = at + step;
            let got = read(client, &mut reader, at, len).await.unwrap();
            let end = (at + len).min(sent.len());
            assert!(got == sent[at.min(end)..end], "{len} bytes at {at}");
        }
    }
    assert_eq!(reader.size().await.unwrap(), sent.len() as u64);

    place.put("empty", b"").await;
    let mut empty = client.reader(&place.uri("empty")).await.unwrap();
    assert!(read(client, &mut empty, 5, 5).await.unwrap().is_empty());
    assert!(read(client, &mut empty, 0, 5).await.unwrap().is_empty());
    let mut missing = client.reader(&place.uri("missing")).await.unwrap();
    for error in [
        read(client, &mut missing, 0, 5).await.unwrap_err(),
        missing.size().await.unwrap_err(),
    ] {
        assert_eq!(
            (error.kind(), error.op()),
            (ErrorKind::NotFound, Some("open"))
        );
    }
}

pub async fn a_file_shows_when_it_is_finished(place: Place) {
    let (uri, client) = (place.uri("object"), &place.client);
    place.put("object", b"before").await;
    let sent = data(3 * PART + 3);
    let options = WriteOptions::default();
    let mut random = SmallRng::seed_from_u64(10);
    let mut writer = client.writer(&uri, &options).await.unwrap();

    let mut at = 0;
    while at < sent.len() {
        let end = (at + random.random_range(0..2_000_000)).min(sent.len());
        match random.random_bool(0.5) {
            true => writer.write(&sent[at..end]).await.unwrap(),
            false => writer
                .send(Bytes::copy_from_slice(&sent[at..end]))
                .await
                .unwrap(),
        }
        at = end;
    }
    assert_eq!(place.get("object").await, b"before");
    let put = writer.finish().await.unwrap();

    assert!(place.get("object").await == sent);
    assert_eq!(
        (put.size, put.crc32c),
        (sent.len() as u64, s3dlio::checksum::crc32c(&sent))
    );
    let again = writer.finish().await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidInput);
    for large in [false, true] {
        let mut writer = client.writer(&uri, &options).await.unwrap();
        writer
            .write(&sent[..if large { 2 * PART } else { 9 }])
            .await
            .unwrap();
        writer.abort().await;
        assert!(writer.write(b"more").await.is_err());
        assert!(place.get("object").await == sent);
    }
    let only_new = WriteOptions {
        if_none_match: true,
        ..options.clone()
    };
    let mut writer = client.writer(&uri, &only_new).await.unwrap();
    writer.write(b"x").await.unwrap();
    let error = writer.finish().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.op()),
        (ErrorKind::AlreadyExists, Some("open"))
    );
    client
        .writer(&place.uri("nothing"), &options)
        .await
        .unwrap()
        .finish()
        .await
        .unwrap();
    assert!(place.get("nothing").await.is_empty());
}

async fn reader_of(rig: &Rig) -> Reader {
    rig.server.clear_requests();
    rig.client.reader(&rig.object).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn small_reads_in_a_row_are_read_ahead() {
    let rig = rig(20 << 20).await;
    let mut reader = reader_of(&rig).await;

    for at in (0..20 << 20).step_by(64 << 10) {
        let got = read(&rig.client, &mut reader, at, 64 << 10).await.unwrap();
        assert!(got == rig.sent[at..at + (64 << 10)]);
    }

    // The first by itself, then blocks of 4 MiB.
    let requests = rig.server.requests();
    assert_eq!(requests.len(), 1 + 5);
    assert!(requests.iter().all(|request| request.op == "GetObject"));
    assert!(
        requests[1..]
            .iter()
            .all(|request| request.header("if-match").is_some())
    );
    assert_eq!(reader.size().await.unwrap(), 20 << 20);
    assert_eq!(rig.server.requests().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_here_and_there_ask_for_no_more_than_they_give() {
    let rig = rig(20 << 20).await;
    let mut reader = reader_of(&rig).await;
    assert_eq!(reader.size().await.unwrap(), 20 << 20);

    for at in [19 << 20, 5 << 20, 0, 12 << 20] {
        read(&rig.client, &mut reader, at, 1000).await.unwrap();
    }

    let requests = rig.server.requests();
    let ops: Vec<&str> = requests.iter().map(|request| request.op).collect();
    assert_eq!(
        ops,
        [
            "HeadObject",
            "GetObject",
            "GetObject",
            "GetObject",
            "GetObject"
        ]
    );
    assert_eq!(requests[2].header("range"), Some("bytes=5242880-5243879"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_object_is_never_spliced() {
    let rig = rig(20 << 20).await;
    for len in [1000, 64 << 10, 6 << 20] {
        rig.put().await.unwrap();
        let mut reader = reader_of(&rig).await;
        read(&rig.client, &mut reader, 0, len).await.unwrap();
        rig.server
            .put("bucket", "object", seeded_bytes(99, 20 << 20));

        let error = read(&rig.client, &mut reader, 10 << 20, len)
            .await
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
    }
    // Also where it was being read ahead, and where the size was asked for before.
    rig.put().await.unwrap();
    let mut reader = reader_of(&rig).await;
    reader.size().await.unwrap();
    rig.server
        .put("bucket", "object", seeded_bytes(99, 20 << 20));
    let error = read(&rig.client, &mut reader, 0, 1000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_fails_can_be_read_again() {
    let rig = rig_with(20 << 20, &[("max_attempts", "1")]).await;
    let mut reader = reader_of(&rig).await;
    read(&rig.client, &mut reader, 0, 1000).await.unwrap();
    rig.server
        .fault(Fault::always(Action::fail(500, "InternalError")).op("GetObject"));

    let error = read(&rig.client, &mut reader, 1000, 1000)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server, "{error}");
    rig.server.clear_faults();

    let got = read(&rig.client, &mut reader, 1000, 1000).await.unwrap();
    assert!(got == rig.sent[1000..2000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_file_leaves_no_upload() {
    let rig = rig(10).await;
    let uri: Uri = "s3://bucket/large".parse().unwrap();
    let options = WriteOptions::default();
    let mut writer = rig.client.writer(&uri, &options).await.unwrap();
    writer.write(&seeded_bytes(4, 2 * PART + 5)).await.unwrap();
    rig.server
        .wait_until(|requests| requests.iter().any(|request| request.op == "UploadPart"))
        .await;

    drop(writer);

    rig.abort_answered().await;
    assert!(rig.server.object("bucket", "large").is_none());
    assert!(rig.server.open_uploads("bucket").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_part_spoils_the_file() {
    let rig = rig_with(10, &[("max_attempts", "1")]).await;
    rig.server
        .fault(Fault::once(Action::fail(403, "AccessDenied")).op("UploadPart"));
    let options = WriteOptions::default();
    let mut writer = rig.client.writer(&rig.object, &options).await.unwrap();

    let body = seeded_bytes(4, 40 * PART);
    let error = writer.write(&body).await.unwrap_err();
    let after = writer.finish().await.unwrap_err();

    assert_eq!(
        (error.kind(), error.op()),
        (ErrorKind::AccessDenied, Some("open"))
    );
    assert_eq!(after.kind(), ErrorKind::InvalidInput);
    rig.abort_answered().await;
    assert!(rig.server.object("bucket", "object").unwrap() == rig.sent);
}

#[tokio::test]
async fn a_file_that_tells_no_size_and_has_bytes_is_not_empty() {
    let client = Client::new(Config::load(&Options::default()).unwrap());
    let cpus: Uri = "file:///proc/cpuinfo".parse().unwrap();

    let size = client.reader(&cpus).await.unwrap().size().await;
    let mut reader = client.reader(&cpus).await.unwrap();
    let bytes = read(&client, &mut reader, 0, 10).await;

    assert_eq!(size.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(bytes.unwrap_err().kind(), ErrorKind::Unsupported);
}
