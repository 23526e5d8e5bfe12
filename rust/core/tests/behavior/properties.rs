//! What a caller says of an object is kept, or refused by name; never lost in silence.

use s3dlio::{ErrorKind, Payload, WriteOptions};

use crate::place::{PART, Place, Target, data};

/// One request, and parts: services take the options in different ones.
const SIZES: [usize; 2] = [3, PART + 1];

fn metadata(name: &str, value: &str) -> WriteOptions {
    WriteOptions {
        metadata: [(name.to_owned(), value.to_owned())].into(),
        ..WriteOptions::default()
    }
}

fn content_type(text: &str) -> WriteOptions {
    WriteOptions {
        content_type: Some(text.to_owned()),
        ..WriteOptions::default()
    }
}

fn storage_class(name: &str) -> WriteOptions {
    WriteOptions {
        storage_class: Some(name.to_owned()),
        ..WriteOptions::default()
    }
}

fn tier(name: &str) -> WriteOptions {
    WriteOptions {
        tier: Some(name.to_owned()),
        ..WriteOptions::default()
    }
}

async fn refusal(place: &Place, size: usize, options: &WriteOptions) -> s3dlio::Error {
    let uri = place.uri("refused");
    let error = place
        .client
        .put(&uri, Payload::from(data(size)), options)
        .await
        .unwrap_err();
    assert!(!place.client.exists(&uri).await.unwrap());
    assert_eq!(error.attempts(), 0, "nothing was sent: {error}");
    error
}

pub async fn metadata_and_content_type_are_kept(place: Place) {
    if place.target.is_local() {
        return;
    }
    for size in SIZES {
        let uri = place.uri("object");
        let options = WriteOptions {
            content_type: Some("text/x-test".into()),
            ..metadata("Epoch", "7 of 9")
        };

        place
            .client
            .put(&uri, Payload::from(data(size)), &options)
            .await
            .unwrap();

        let meta = place.client.stat(&uri).await.unwrap();
        assert_eq!(meta.content_type.as_deref(), Some("text/x-test"));
        assert_eq!(
            meta.metadata.into_iter().collect::<Vec<_>>(),
            [("epoch".to_owned(), "7 of 9".to_owned())]
        );
    }
}

pub async fn classes_and_tiers_are_kept(place: Place) {
    for size in SIZES {
        // An archived object cannot be written over everywhere.
        let uri = place.uri(&format!("object-{size}"));
        let put = async |options: WriteOptions| {
            let body = Payload::from(data(size));
            place.client.put(&uri, body, &options).await.unwrap();
            place.client.stat(&uri).await.unwrap()
        };
        match place.target {
            Target::Minio | Target::MinioBySdk | Target::Memory => {
                let meta = put(storage_class("REDUCED_REDUNDANCY")).await;
                assert_eq!(meta.storage_class.as_deref(), Some("REDUCED_REDUNDANCY"));
            }
            Target::Azurite => {
                for (given, kept) in [
                    ("hot", "Hot"),
                    ("Cool", "Cool"),
                    ("COLD", "Cold"),
                    ("archive", "Archive"),
                ] {
                    assert_eq!(put(tier(given)).await.tier.as_deref(), Some(kept));
                }
            }
            Target::File | Target::Direct => {}
        }
    }
}

pub async fn an_option_that_cannot_be_kept_is_named(place: Place) {
    let local = place.target.is_local();
    let azure = place.target == Target::Azurite;
    for (options, option, kept) in [
        (metadata("a", "b"), "metadata", !local),
        (content_type("text/plain"), "content_type", !local),
        (storage_class("STANDARD"), "storage_class", !local && !azure),
        (tier("Hot"), "tier", azure),
    ] {
        if kept {
            continue;
        }
        for size in SIZES {
            let error = refusal(&place, size, &options).await;
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.detail().starts_with(option), "{error}");
        }
    }
}

pub async fn a_value_that_cannot_be_sent_is_named(place: Place) {
    if place.target.is_local() {
        return;
    }
    for (options, named) in [
        (metadata("a", "two\nlines"), "\"a\""),
        (metadata("a", "x\r\nx-amz-acl: public-read"), "\"a\""),
        (metadata("a", "ünïcödé"), "\"a\""),
        (metadata("a b", "x"), "\"a b\""),
        (content_type("text/plain\n"), "content_type"),
    ] {
        for size in SIZES {
            let error = refusal(&place, size, &options).await;
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.detail().contains(named), "{error}");
        }
    }
    if place.target == Target::Azurite {
        let error = refusal(&place, 3, &tier("warm")).await;
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.detail().contains("\"warm\""), "{error}");
        let error = refusal(&place, 3, &metadata("with-dash", "x")).await;
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}
