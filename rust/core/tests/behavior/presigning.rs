//! Signed URLs: made where there is a service and a key, for as long as was asked. The Python suite fetches them.

use s3dlio::{Client, Config, ErrorKind, HttpMethod, Options};

use crate::place::{Place, Target};

pub async fn a_signed_url_is_for_services_alone(place: Place) {
    let uri = place.uri("a b+%");
    let signed = place.client.presign(&uri, HttpMethod::Get, 60).await;
    match place.target {
        Target::Minio | Target::MinioBySdk | Target::Azurite => {
            let url = signed.unwrap();
            assert!(url.reveal().starts_with("http://"), "{}", url.reveal());
            assert!(url.reveal().contains("/a%20b%2B%25?"), "{}", url.reveal());
            assert_eq!(format!("{url} {url:?}"), "*** ***");
        }
        _ => {
            let error = signed.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }
    for seconds in [0, 604_801, u64::MAX] {
        let error = place
            .client
            .presign(&uri, HttpMethod::Get, seconds)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.detail().contains(&seconds.to_string()), "{error}");
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_signed() {
    for (uri, settings) in [
        (
            "s3://bucket/key",
            [("anonymous", "1"), ("region", "us-east-1")],
        ),
        (
            "az://account/container/key",
            [
                ("sas_token", "sv=1&sig=SECRET"),
                ("account_name", "account"),
            ],
        ),
    ] {
        let mut options = Options::default();
        for (name, value) in settings {
            options.set(name, value).unwrap();
        }
        let client = Client::new(Config::load(&options).unwrap());

        let signed = client
            .presign(&uri.parse().unwrap(), HttpMethod::Put, 60)
            .await;

        let error = signed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
    }
}

#[test]
fn methods_are_known_in_any_case() {
    assert_eq!("put".parse::<HttpMethod>().unwrap(), HttpMethod::Put);
    let error = "PATCH".parse::<HttpMethod>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("\"PATCH\""), "{error}");
}
