//! What every back end must do, as one set of cases run over each of them.
//!
//! A case is an `async fn(Place)`; it is listed once in `suite!` and becomes one test per back end. What a service
//! cannot do is told by its `Target`, which the cases ask.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]
#![expect(
    clippy::print_stdout,
    reason = "a test says what it saw, and why it is skipped"
)]

mod bytes;
mod cancel;
mod conditions;
mod copy_faults;
mod copying;
mod cp;
mod cuts;
mod damage;
mod errors;
mod files;
mod gate;
mod keys;
mod lent;
mod listing;
mod many;
mod paces;
mod pieces;
mod place;
mod presigning;
mod properties;
mod published;
mod quirks;
mod ranges;
mod read_faults;
mod reads;
mod refusals;
mod rig;
mod scan;
mod spans;
mod sync;
mod tiers;
mod tls;
mod transfer;
mod transfer_faults;
mod trees;
mod vectored;
mod write_faults;

use place::Target;

/// One module per back end, one test per case.
macro_rules! suite {
    ($($module:ident::$case:ident),* $(,)?) => {
        suite!(@on memory Memory, [$($module::$case),*]);
        suite!(@on file File, [$($module::$case),*]);
        suite!(@on direct Direct, [$($module::$case),*]);
        suite!(@on minio Minio, [$($module::$case),*]);
        suite!(@on minio_by_sdk MinioBySdk, [$($module::$case),*]);
        suite!(@on azurite Azurite, [$($module::$case),*]);
    };
    (@on $name:ident $target:ident, [$($module:ident::$case:ident),*]) => {
        mod $name {
            $(
                #[test]
                fn $case() {
                    crate::place::run(crate::Target::$target, crate::$module::$case);
                }
            )*
        }
    };
}

suite! {
    bytes::objects_of_every_size_round_trip,
    bytes::an_object_of_many_parts_round_trips,
    bytes::a_gibibyte_round_trips,
    bytes::ranges_at_every_border,
    bytes::a_range_past_the_end_gives_what_there_is,
    bytes::an_offset_past_the_end_is_refused,
    bytes::ranges_of_an_empty_object,
    bytes::an_overwrite_replaces_everything,
    bytes::an_existing_object_is_kept_when_asked,
    bytes::pieces_are_joined_in_order,
    bytes::reads_fill_the_callers_memory,
    bytes::many_objects_come_in_order,
    bytes::stat_tells_size_etag_and_time,
    keys::odd_keys_round_trip,
    keys::a_directory_is_no_object,
    keys::slashes_and_dots_are_kept_or_refused,
    listing::thousands_of_keys_list_in_order,
    listing::one_level_shows_prefixes,
    listing::the_last_part_is_a_pattern,
    listing::delete_removes_exactly_what_was_named,
    listing::without_its_slash_a_container_is_no_prefix,
    listing::a_prefix_delete_leaves_its_neighbours,
    listing::buckets_are_made_and_removed_once,
    many::stats_come_in_order,
    many::delete_many_removes_exactly_what_was_named,
    many::delete_many_names_each_key_that_is_left,
    scan::entries_tell_size_etag_and_time,
    reads::every_object_is_given_once,
    reads::a_missing_object_ends_it_in_its_turn,
    vectored::spans_are_summed_whatever_the_buffers,
    ranges::each_destination_gets_its_range,
    ranges::a_range_behind_the_end_is_named,
    files::a_file_reads_what_is_there,
    files::a_file_shows_when_it_is_finished,
    errors::a_missing_object_is_not_found,
    errors::a_missing_bucket_is_not_found,
    errors::an_error_names_verb_and_target,
    pieces::pieces_are_the_bytes_of_the_range,
    pieces::an_empty_object_has_no_pieces,
    pieces::what_cannot_be_read_is_an_error,
    pieces::a_replaced_object_is_an_error_and_no_splice,
    properties::metadata_and_content_type_are_kept,
    properties::classes_and_tiers_are_kept,
    properties::an_option_that_cannot_be_kept_is_named,
    properties::a_value_that_cannot_be_sent_is_named,
    copying::a_copy_has_the_bytes_and_properties_of_its_source,
    copying::a_copy_goes_to_another_bucket,
    copying::a_copy_goes_to_another_service_and_back,
    copying::an_object_is_not_copied_onto_itself,
    copying::a_missing_source_is_named,
    copying::cp_and_sync_keep_what_copy_keeps,
    presigning::a_signed_url_is_for_services_alone,
    tiers::an_object_moves_between_tiers,
    cancel::no_cancelled_read_writes_later,
    cancel::a_cancelled_put_leaves_nothing_or_everything,
    spans::each_verb_is_one_operation,
    transfer::a_tree_goes_up_and_comes_down,
    transfer::one_file_goes_to_its_key,
    transfer::one_level_is_all_if_asked,
    transfer::wildcards_select_keys,
    transfer::names_that_are_no_files_are_refused_and_the_rest_comes,
    transfer::links_lead_nowhere_they_should_not,
    transfer::two_sources_of_one_name_are_both_refused,
    transfer::what_is_written_has_the_properties_that_are_asked_for,
    transfer::what_is_there_stays_if_asked,
    sync::a_sync_copies_what_differs_and_deletes_when_told,
    sync::a_sync_never_deletes_for_want_of_a_source,
    sync::a_sync_takes_whole_trees_alone,
    sync::an_empty_bucket_or_directory_is_an_empty_tree,
    sync::a_sync_that_leaves_something_out_tells_what_it_does,
    sync::what_failed_is_not_told_as_done,
    sync::a_sync_never_deletes_what_the_source_has_and_skips,
    sync::a_sync_goes_on_past_what_it_cannot_take,
    sync::what_is_no_key_at_the_target_is_told_when_it_would_go,
    sync::what_is_mistyped_is_refused,
    cp::several_files_and_patterns_are_copied_below_a_place,
    cp::one_file_is_copied_any_way,
    cp::streams_of_unknown_length_go_both_ways,
    published::put_get_delete_list,
    published::get_opts,
    published::put_opts,
    published::stream_get,
    published::list_uses_directories_correctly,
    published::list_with_delimiter,
    published::list_with_offset_exclusivity,
    published::get_nonexistent_object,
    published::rename_and_copy,
    published::copy_if_not_exists,
    published::copy_rename_nonexistent_object,
    published::multipart_out_of_order,
    published::multipart_race_condition,
}
