//! Access tiers: Azure has them, the others say that they do not.

use s3dlio::ErrorKind;

use crate::place::{Place, Target};

pub async fn an_object_moves_between_tiers(place: Place) {
    place.put("object", b"bytes").await;
    let uri = place.uri("object");
    if place.target != Target::Azurite {
        let error = place.client.set_tier(&uri, "Cool").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.detail().starts_with("tier"), "{error}");
        return;
    }

    for (given, kept) in [("cool", "Cool"), ("HOT", "Hot"), ("Archive", "Archive")] {
        place.client.set_tier(&uri, given).await.unwrap();
        let meta = place.client.stat(&uri).await.unwrap();
        assert_eq!(meta.tier.as_deref(), Some(kept));
    }

    let error = place.client.set_tier(&uri, "warm").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.detail().contains("\"warm\""), "{error}");
    let error = place
        .client
        .set_tier(&place.uri("missing"), "Cool")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
