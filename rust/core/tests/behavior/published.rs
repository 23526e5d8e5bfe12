//! The cases that `object_store` publishes for anybody's stores, run over ours through an adapter.
//!
//! Some do not apply: `multipart`, `multipart_with_opts` and `multipart_put_part_out_of_order` hand a service's part ids
//! about, and `list_paginated` its page tokens, both of which `Client` keeps to itself; `put_get_attributes` asks for
//! cache control, disposition and encoding, which no verb takes; `response_extensions` is about another HTTP client.

mod adapter;
mod upload;

use object_store::Error;
use object_store::integration;

use crate::place::{Place, Target};
use adapter::Adapter;

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        $(
            pub async fn $case(place: Place) {
                integration::$case(&Adapter::new(&place)).await;
            }
        )*
    };
}

cases! {
    put_get_delete_list,
    get_opts,
    stream_get,
    list_uses_directories_correctly,
    list_with_delimiter,
    list_with_offset_exclusivity,
    rename_and_copy,
    copy_if_not_exists,
    copy_rename_nonexistent_object,
    multipart_out_of_order,
}

/// No verb replaces an object only if it is still a certain one.
pub async fn put_opts(place: Place) {
    integration::put_opts(&Adapter::new(&place), false).await;
}

/// Not on Azure: its commit throws away the blocks that another upload of the blob has sent, and the writer of `Client`
/// sends blocks when it has enough bytes, not when the case means it to. Who fails would be a matter of time.
pub async fn multipart_race_condition(place: Place) {
    if place.target == Target::Azurite {
        return;
    }
    integration::multipart_race_condition(&Adapter::new(&place), true).await;
}

pub async fn get_nonexistent_object(place: Place) {
    let error = integration::get_nonexistent_object(&Adapter::new(&place), None)
        .await
        .unwrap_err();

    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}
