//! Requests by the short way: where they go, who signs them, and by whose clock.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::endpoint::ParamsBuilder;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::script::{Script, answer, refusal};
use super::{config, key, read, store};
use crate::backend::Driver as _;
use crate::backend::s3::road::Road;
use crate::backend::s3::road::tests::EVALUATED;
use crate::backend::s3::service::Service;
use crate::backend::s3::sign::tests::DERIVED;
use crate::backend::s3::sign::{sha256, stamp};
use crate::backend::s3::store::S3Store;
use crate::backend::s3::{KEPT, S3Driver};
use crate::config::{Config, Options};
use crate::transport::Transport;
use crate::types::{ByteRange, ReadOptions, WriteOptions};
use crate::{ErrorKind, Payload, Store as _};

const ETAG: (&str, &str) = ("etag", "\"e1\"");

/// Far from any clock that a test may run by.
const ITS_TIME: OffsetDateTime = time::macros::datetime!(2013-05-24 12:00 UTC);

async fn signed_headers(given: &[(&str, &str)]) -> Vec<Option<String>> {
    let script = Script::start([answer(200, &[ETAG], "abc")]).await;
    let store = store(&script.endpoint, given);
    read(&store, ByteRange::Whole, &ReadOptions::default())
        .await
        .unwrap();
    let names = ["authorization", "x-amz-security-token", "x-amz-date"];
    let request = &script.requests()[0];
    names
        .map(|name| request.header(name).map(str::to_owned))
        .into()
}

#[tokio::test]
async fn a_session_token_is_sent_and_signed() {
    let headers = signed_headers(&[("session_token", "the-token")]).await;

    let authorization = headers[0].as_deref().unwrap();
    assert!(
        authorization.contains("/us-east-1/s3/aws4_request,"),
        "{authorization}"
    );
    assert!(
        authorization
            .contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"),
        "{authorization}"
    );
    assert_eq!(headers[1].as_deref(), Some("the-token"));
}

#[tokio::test]
async fn an_anonymous_request_is_not_signed() {
    assert_eq!(
        signed_headers(&[("anonymous", "1")]).await,
        [None, None, None]
    );
}

#[tokio::test]
async fn the_way_to_a_bucket_and_its_key_are_found_once() {
    let script = Script::start((0..4).map(|_| answer(200, &[ETAG], "abc"))).await;
    let driver = crate::backend::s3::driver(&Arc::new(config(&script.endpoint, &[])));
    let before = (EVALUATED.get(), DERIVED.get());

    for uri in [
        "s3://bucket/a",
        "s3://bucket/b",
        "s3://bucket/c",
        "s3://other/a",
    ] {
        let uri = uri.parse().unwrap();
        let store = driver.open(&uri).await.unwrap();
        read(&*store, ByteRange::Whole, &ReadOptions::default())
            .await
            .unwrap();
    }

    let found = (EVALUATED.get() - before.0, DERIVED.get() - before.1);
    assert_eq!(found, (2, 2), "once for each of two buckets");
}

#[tokio::test]
async fn stores_of_buckets_without_end_are_not_kept() {
    let driver = S3Driver {
        service: Arc::new(Service::new(Arc::new(config("http://127.0.0.1:9", &[])))),
        stores: Mutex::default(),
    };

    for number in 0..=KEPT {
        let uri = format!("s3://bucket-{number}/").parse().unwrap();
        driver.open(&uri).await.unwrap();
    }

    assert!(driver.stores.lock().unwrap().len() <= KEPT);
}

#[tokio::test]
async fn an_endpoint_that_wants_buckets_in_the_host_name_is_asked_there() {
    let store = store("http://storage.test:9000", &[]);
    let place = async || store.road().await.unwrap().map(Road::place);
    assert_eq!(place().await.unwrap(), "storage.test:9000 /bucket/");

    assert!(store.service.peer.places.want_bucket_in_host());

    assert_eq!(place().await.unwrap(), "bucket.storage.test:9000 /");
}

#[tokio::test]
async fn a_redirect_takes_the_short_way_from_its_own_bucket_only() {
    let moved = store("http://storage.test:9000", &[]);
    let other = S3Store::new(Arc::clone(&moved.service), "other");
    let places = &moved.service.peer.places;

    assert!(places.redirected(
        "http://storage.test:9000/bucket/a?x=1",
        "http://node7.storage.test:9000/bucket/a?x=1"
    ));

    assert!(moved.road().await.unwrap().is_none());
    assert!(other.road().await.unwrap().is_some());
}

#[tokio::test]
async fn a_body_that_is_signed_is_hashed_once_and_as_it_is() {
    let refused = refusal(503, "SlowDown");
    let script = Script::start([refused, answer(200, &[ETAG], "")]).await;
    let store = store(&script.endpoint, &[("sign_payload", "always")]);
    // More than is hashed on the spot.
    let body = Payload::from(vec![7; 300 << 10]);

    store
        .write(&key("key"), &body, &WriteOptions::default())
        .await
        .unwrap();

    for request in script.requests() {
        let told = request.header("x-amz-content-sha256");
        let body = Payload::from(request.body.clone());
        assert_eq!(told, Some(sha256(&body).as_str()));
    }
}

#[tokio::test]
async fn a_service_with_another_clock_is_signed_for_by_its_clock() {
    let its_date = ITS_TIME.format(&Rfc2822).unwrap().replace("+0000", "GMT");
    let skewed = [("date", its_date.as_str())];
    // A refused HEAD has no document to say why.
    let without_why = answer(403, &skewed, "");
    let with_why = answer(
        403,
        &skewed,
        "<Error><Code>RequestTimeTooSkewed</Code></Error>",
    );
    for refused in [without_why, with_why] {
        let found = answer(200, &[ETAG], "");
        let script = Script::start([refused, found, answer(200, &[ETAG], "abc")]).await;
        let store = store(&script.endpoint, &[]);

        store.stat(&key("key")).await.unwrap();
        let options = ReadOptions::default();
        read(&store, ByteRange::Whole, &options).await.unwrap();

        let requests = script.requests();
        let times: Vec<&str> = requests
            .iter()
            .map(|request| request.header("x-amz-date").unwrap())
            .collect();
        assert_eq!(times[0][..8], stamp(OffsetDateTime::now_utc())[..8]);
        assert!(
            times[1].starts_with("20130524T12") && times[2].starts_with("20130524T12"),
            "{times:?}"
        );
        assert!(
            requests[1]
                .header("authorization")
                .unwrap()
                .contains("/20130524/"),
            "{requests:?}"
        );
    }
}

#[tokio::test]
async fn a_denial_by_a_good_clock_is_one() {
    let now = OffsetDateTime::now_utc()
        .format(&Rfc2822)
        .unwrap()
        .replace("+0000", "GMT");
    let script = Script::start([answer(403, &[("date", now.as_str())], "")]).await;

    let error = store(&script.endpoint, &[])
        .stat(&key("key"))
        .await
        .unwrap_err();

    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::AccessDenied, 1),
        "{error}"
    );
}

#[tokio::test]
async fn an_error_after_the_success_of_a_put_is_one() {
    let late = "<Error><Code>InternalError</Code><Message>a &amp; b</Message></Error>";
    let script = Script::start([answer(200, &[ETAG], late), refusal(403, "AccessDenied")]).await;

    let error = store(&script.endpoint, &[])
        .write(
            &key("key"),
            &Payload::from(&b"abc"[..]),
            &WriteOptions::default(),
        )
        .await
        .unwrap_err();

    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::AccessDenied, 2),
        "{error}"
    );
}

#[tokio::test]
async fn metadata_cannot_become_headers() {
    for value in ["a\r\nx-amz-acl: public-read", "é"] {
        let options = WriteOptions {
            metadata: [("name".to_owned(), value.to_owned())].into(),
            ..WriteOptions::default()
        };

        let error = store("http://127.0.0.1:9", &[])
            .write(&key("key"), &Payload::default(), &options)
            .await
            .unwrap_err();

        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("metadata \"name\""), "{error}");
    }
}

#[tokio::test]
async fn buckets_are_where_the_rules_say() {
    let transport = Transport::new(&Config::load(&Options::default()).unwrap()).unwrap();
    let aws = || ParamsBuilder::default().region("eu-west-1");
    let own = || aws().endpoint("http://127.0.0.1:9000");
    for (bucket, rules, place) in [
        ("bucket", aws(), Some("bucket.s3.eu-west-1.amazonaws.com /")),
        (
            "dotted.bucket",
            aws(),
            Some("s3.eu-west-1.amazonaws.com /dotted.bucket/"),
        ),
        (
            "bucket",
            aws().region("cn-north-1"),
            Some("bucket.s3.cn-north-1.amazonaws.com.cn /"),
        ),
        (
            "bucket",
            aws().use_fips(true),
            Some("bucket.s3-fips.eu-west-1.amazonaws.com /"),
        ),
        (
            "bucket",
            own().force_path_style(true),
            Some("127.0.0.1:9000 /bucket/"),
        ),
        (
            "bucket",
            aws().endpoint("http://minio:9000/at"),
            Some("bucket.minio:9000 /at/"),
        ),
        ("bucket--euw1-az1--x-s3", aws(), None),
    ] {
        let road = Road::to(bucket, rules, &transport).await;

        let found = road.map(|road| road.place());
        assert_eq!(found.as_deref(), place, "{bucket}");
    }
}
