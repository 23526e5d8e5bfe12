//! Bytes that are taken piece by piece: in order, in bounds, and of one object.

use s3dlio::{ErrorKind, Result, Uri};

use crate::place::{PART, Place, data};

async fn read(place: &Place, uri: &Uri, offset: u64, length: Option<u64>) -> Result<Vec<u8>> {
    let mut pieces = place.client.pieces(uri, offset, length, 1 << 20).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await? {
        assert!(!piece.is_empty() && piece.len() <= PART);
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

pub async fn pieces_are_the_bytes_of_the_range(place: Place) {
    let sent = data(3 * PART + 17);
    let size = sent.len() as u64;
    let part = PART as u64;
    place.put("object", &sent).await;
    let uri = place.uri("object");

    for (offset, length) in [
        (0, None),
        (0, Some(size)),
        (0, Some(1)),
        (1, None),
        (part - 1, Some(2)),
        (part, Some(part)),
        (7, Some(2 * part)),
        (size - 1, None),
        (size - 1, Some(u64::MAX)),
        (5, Some(0)),
    ] {
        let got = read(&place, &uri, offset, length).await.unwrap();
        let end = length.map_or(size, |len| size.min(offset.saturating_add(len)));
        assert!(
            got == sent[offset as usize..end as usize],
            "{offset} {length:?}"
        );
    }
}

pub async fn an_empty_object_has_no_pieces(place: Place) {
    place.put("empty", &[]).await;

    for length in [None, Some(0), Some(5)] {
        let got = read(&place, &place.uri("empty"), 0, length).await.unwrap();
        assert!(got.is_empty());
    }
}

pub async fn what_cannot_be_read_is_an_error(place: Place) {
    place.put("object", &[1; 10]).await;
    let (object, nothing) = (place.uri("object"), place.uri("nothing"));

    for (uri, offset, length, kind) in [
        (&object, 10, None, ErrorKind::InvalidInput),
        (&object, 11, Some(3), ErrorKind::InvalidInput),
        (&object, 11, Some(0), ErrorKind::InvalidInput),
        (&nothing, 0, None, ErrorKind::NotFound),
        (&nothing, 1, None, ErrorKind::NotFound),
        (&nothing, 0, Some(0), ErrorKind::NotFound),
    ] {
        let error = read(&place, uri, offset, length).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{offset} {length:?}: {error}");
        assert_eq!(error.target(), Some(uri.to_string().as_str()));
    }
}

pub async fn a_replaced_object_is_an_error_and_no_splice(place: Place) {
    for offset in [0, 1] {
        place.put("object", &data(3 * PART)).await;
        let uri = place.uri("object");
        let mut pieces = place.client.pieces(&uri, offset, None, 1).await.unwrap();

        place.put("object", &data(3 * PART)).await;
        let failed = loop {
            match pieces.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("two objects were read as one"),
                Err(error) => break error,
            }
        };

        assert_eq!(failed.kind(), ErrorKind::Precondition, "{failed}");
        let again = pieces.next().await.unwrap_err();
        assert_eq!(again.kind(), failed.kind(), "no end after a failure");
    }
}
