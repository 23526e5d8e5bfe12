//! GET and listings, when answers are not as they should be.

use std::time::Duration;

use super::script::{Answer, Script, answer, http, refusal};
use super::{SECRET, key, read, store, ways};
use crate::checksum::{Algorithm, Checksum};
use crate::types::{ByteRange, PageRequest, ReadOptions};
use crate::{ErrorKind, Span, Store as _};

const ETAG: (&str, &str) = ("etag", "\"e1\"");
const MIDDLE: ByteRange = ByteRange::Bounded { offset: 2, len: 4 };

#[tokio::test]
async fn a_cut_body_goes_on_where_it_stopped() {
    for way in ways() {
        let script = Script::start([
            Answer::Text(http(
                200,
                10,
                &[ETAG, ("x-amz-checksum-crc32c", "4waSgw==")],
                "0123",
            )),
            refusal(503, "SlowDown"),
            Answer::Text(http(
                206,
                6,
                &[ETAG, ("content-range", "bytes 4-9/10")],
                "45",
            )),
            answer(206, &[ETAG, ("content-range", "bytes 6-9/10")], "6789"),
        ])
        .await;
        let options = ReadOptions {
            want_checksum: true,
            span: Span::start(),
            ..ReadOptions::default()
        };

        let (bytes, reply) = read(
            &way(store(&script.endpoint, &[])),
            ByteRange::Whole,
            &options,
        )
        .await
        .unwrap();

        assert_eq!(bytes, b"0123456789");
        assert_eq!(
            (reply.size, reply.attempts, reply.etag.as_deref()),
            (10, 4, Some("\"e1\""))
        );
        assert_eq!(reply.checksum.unwrap().value, 0xe306_9283);
        let taken = Checksum::of(Algorithm::Crc32c, &bytes);
        assert_eq!(reply.taken, Some(taken), "on the way, over both bodies");
        assert!(options.span.time_to_first_byte().is_some());
        let requests = script.requests();
        let headers = |name| {
            requests
                .iter()
                .map(|request| request.header(name))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            headers("range"),
            [
                None,
                Some("bytes=4-9"),
                Some("bytes=4-9"),
                Some("bytes=6-9")
            ]
        );
        assert_eq!(
            headers("if-match"),
            [None, Some("\"e1\""), Some("\"e1\""), Some("\"e1\"")]
        );
        assert_eq!(
            headers("x-amz-checksum-mode"),
            [Some("ENABLED"), None, None, None]
        );
    }
}

#[tokio::test]
async fn a_replaced_object_is_not_spliced() {
    let other = [("etag", "\"e2\""), ("content-range", "bytes 4-9/10")];
    for second in [
        refusal(412, "PreconditionFailed"),
        answer(206, &other, "456789"),
    ] {
        let script = Script::start([Answer::Text(http(200, 10, &[ETAG], "0123")), second]).await;

        let error = read(
            &store(&script.endpoint, &[]),
            ByteRange::Whole,
            &ReadOptions::default(),
        )
        .await
        .unwrap_err();

        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::Precondition, 2),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_stalled_body_is_dropped() {
    for way in ways() {
        let script = Script::start([
            Answer::Stall(http(200, 10, &[ETAG], "0123")),
            answer(206, &[ETAG, ("content-range", "bytes 4-9/10")], "456789"),
        ])
        .await;
        let store = way(store(&script.endpoint, &[("stall_timeout", "0.2")]));

        let (bytes, reply) = read(&store, ByteRange::Whole, &ReadOptions::default())
            .await
            .unwrap();

        assert_eq!((bytes.as_slice(), reply.attempts), (&b"0123456789"[..], 2));
    }
}

#[tokio::test]
async fn no_answer_at_all_is_a_timeout() {
    for way in ways() {
        let script = Script::start([Answer::Stall(String::new())]).await;
        let limits = [("stall_timeout", "0.2"), ("max_attempts", "1")];
        let store = way(store(&script.endpoint, &limits));

        let error = store.stat(&key("key")).await.unwrap_err();

        assert_eq!(
            (error.kind(), error.retryable()),
            (ErrorKind::Timeout, true),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_ignored_range_is_cut_to_the_range() {
    let script = Script::start([answer(200, &[ETAG], "0123456789")]).await;

    let (bytes, reply) = read(
        &store(&script.endpoint, &[]),
        MIDDLE,
        &ReadOptions::default(),
    )
    .await
    .unwrap();

    assert_eq!((bytes.as_slice(), reply.size), (&b"2345"[..], 10));
    assert_eq!(script.requests()[0].header("range"), Some("bytes=2-5"));
}

#[tokio::test]
async fn another_range_is_refused() {
    for headers in [&[ETAG, ("content-range", "bytes 0-3/10")][..], &[ETAG]] {
        let script = Script::start([answer(206, headers, "0123")]).await;

        let error = read(
            &store(&script.endpoint, &[]),
            MIDDLE,
            &ReadOptions::default(),
        )
        .await
        .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
    }
}

#[tokio::test]
async fn a_range_past_the_end_is_told_from_an_empty_object() {
    let script = Script::start([refusal(416, "InvalidRange"), refusal(416, "InvalidRange")]).await;
    let store = store(&script.endpoint, &[]);

    let empty = read(&store, ByteRange::From(0), &ReadOptions::default())
        .await
        .unwrap();
    let error = read(&store, ByteRange::From(5), &ReadOptions::default())
        .await
        .unwrap_err();

    assert_eq!((empty.0.len(), empty.1.size), (0, 0));
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::InvalidInput, Some("InvalidRange"))
    );
}

#[tokio::test]
async fn failures_are_told_with_everything_but_secrets() {
    for way in ways() {
        let busy = || refusal(503, "SlowDown");
        let script = Script::start([busy(), busy(), busy(), busy()]).await;

        let error = read(
            &way(store(&script.endpoint, &[])),
            ByteRange::Whole,
            &ReadOptions::default(),
        )
        .await
        .unwrap_err();

        assert_eq!(
            (error.kind(), error.attempts(), error.status()),
            (ErrorKind::Throttled, 4, Some(503))
        );
        assert_eq!(
            error.to_string(),
            "SlowDown (503): 4 attempts: SlowDown it is (request id 17A)"
        );
        assert!(!format!("{error:?}").contains(SECRET));
    }
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_and_named() {
    for way in ways() {
        let endpoint = Script::start([]).await.endpoint.clone();
        tokio::task::yield_now().await;

        let error = way(store(&endpoint, &[]))
            .stat(&key("key"))
            .await
            .unwrap_err();

        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::ConnectionFailed, 4),
            "{error}"
        );
        assert!(error.to_string().contains("refused"), "{error}");
    }
}

#[tokio::test]
async fn a_head_that_fails_has_its_kind() {
    for way in ways() {
        for (status, kind) in [
            (404, ErrorKind::NotFound),
            (403, ErrorKind::AccessDenied),
            (301, ErrorKind::InvalidInput),
        ] {
            let script =
                Script::start([answer(status, &[("x-amz-bucket-region", "eu-west-1")], "")]).await;

            let error = way(store(&script.endpoint, &[]))
                .stat(&key("key"))
                .await
                .unwrap_err();

            assert_eq!(
                (error.kind(), error.status()),
                (kind, Some(status)),
                "{error}"
            );
            assert_eq!(
                status == 301,
                error.to_string().contains("eu-west-1"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_listing_that_cannot_be_read_raises() {
    let cut = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>1</Size></Contents><Cont";
    for body in [
        cut,
        "",
        "<html></html>",
        "<Error><Code>InternalError</Code></Error>",
    ] {
        let answers = [(); 4].map(|()| answer(200, &[], body));
        let script = Script::start(answers).await;

        let listed = store(&script.endpoint, &[])
            .list(&key(""), &PageRequest::default())
            .await;

        let error = listed.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Server, "{body}: {error}");
    }
}

#[tokio::test]
async fn the_deadline_ends_the_tries() {
    let answers = (0..1000).map(|_| refusal(500, "InternalError"));
    let script = Script::start(answers).await;
    let limits = [
        ("max_attempts", "1000"),
        ("retry_deadline", "0.3"),
        ("retry_base", "0.05"),
        ("retry_max", "0.05"),
    ];
    let started = std::time::Instant::now();

    let error = store(&script.endpoint, &limits)
        .stat(&key("key"))
        .await
        .unwrap_err();

    println!(
        "gave up after {:?} and {} attempts",
        started.elapsed(),
        error.attempts()
    );
    assert!(error.attempts() > 1 && started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_stat_tells_how_an_object_is_kept() {
    for way in ways() {
        let kept = [
            ETAG,
            ("x-amz-replication-status", "COMPLETED"),
            ("x-amz-server-side-encryption", "aws:kms"),
            (
                "x-amz-server-side-encryption-aws-kms-key-id",
                "arn:aws:kms:us-east-1:1:key/2",
            ),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-version-id", "v1"),
            ("content-language", "de"),
        ];
        let head = http(200, 7, &kept, "");
        let script = Script::start([Answer::Text(head), answer(200, &[ETAG], "")]).await;
        let store = way(store(&script.endpoint, &[]));

        let told = store.stat(&key("key")).await.unwrap();
        let silent = store.stat(&key("key")).await.unwrap();

        assert_eq!(told.size, 7);
        for (found, expected) in [
            (told.replication_status, "COMPLETED"),
            (told.server_side_encryption, "aws:kms"),
            (told.ssekms_key_id, "arn:aws:kms:us-east-1:1:key/2"),
            (told.storage_class, "STANDARD_IA"),
            (told.version_id, "v1"),
            (told.content_language, "de"),
        ] {
            assert_eq!(found.as_deref(), Some(expected));
        }
        let unsaid = [
            silent.replication_status,
            silent.server_side_encryption,
            silent.ssekms_key_id,
        ];
        assert_eq!(unsaid, [None, None, None]);
    }
}

fn of_untold_length(encoding: &str, body: &str) -> Answer {
    Answer::Text(format!(
        "HTTP/1.1 200 OK\r\netag: \"e1\"\r\n{encoding}connection: close\r\n\r\n{body}"
    ))
}

#[tokio::test]
async fn a_body_in_chunks_is_as_long_as_it_is() {
    const CHUNKED: &str = "transfer-encoding: chunked\r\n";
    for way in ways() {
        for (range, expected) in [(ByteRange::Whole, "012345"), (MIDDLE, "2345")] {
            let script = Script::start([
                of_untold_length(CHUNKED, "3\r\n012\r\n3\r\n3"),
                of_untold_length(CHUNKED, "3\r\n012\r\n3\r\n345\r\n0\r\n\r\n"),
            ])
            .await;
            let store = way(store(&script.endpoint, &[]));

            let (bytes, reply) = read(&store, range, &ReadOptions::default()).await.unwrap();

            assert_eq!(bytes, expected.as_bytes());
            assert_eq!((reply.size, reply.attempts), (6, 2));
        }
    }
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_is_not_taken() {
    for way in ways() {
        let script = Script::start([of_untold_length("", "012345")]).await;
        let store = way(store(&script.endpoint, &[]));

        let error = read(&store, ByteRange::Whole, &ReadOptions::default())
            .await
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
    }
}
