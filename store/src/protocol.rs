//! EventStoreDB's protocol as examples, held against a node over the wire: ours, or any server behind a connection string.
//!
//! Each case uses streams of its own with random names and never assumes an empty log. Where servers rightly differ, the case says so.

mod all;
mod append;
mod batch;
mod calls;
mod cluster;
mod delete;
mod filters;
mod metadata;
mod read;
mod subject;
mod subscribe;

use std::fmt;

use futures::future::BoxFuture;

use crate::contract::{CaseResult, Failure, patiently};
pub use subject::Subject;

/// One example, by the sentence that it shows.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub run: fn(Subject) -> BoxFuture<'static, CaseResult>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Gives every case to the macro `$instantiate`, which makes tests of them, or a list.
#[macro_export]
macro_rules! protocol_cases {
    ($instantiate:ident) => {
        $instantiate! {
            append: an_append_says_where_it_ended
            append: what_is_expected_of_a_stream_must_be_so
            append: a_conflict_says_what_was_expected_and_what_is
            append: a_repeat_is_answered_as_the_first_time
            append: a_repeat_that_is_only_partly_there_conflicts
            append: the_same_ids_at_the_end_are_new_events
            append: an_append_of_nothing_only_asks
            append: an_append_is_whole_or_not_at_all
            append: events_come_back_as_they_were
            append: ids_travel_as_text_and_as_halves
            append: an_event_says_its_type_and_content_type
            append: an_append_over_the_limit_is_refused
            append: nonsense_is_refused_and_changes_nothing
            append: a_thousand_appends_have_one_winner_a_revision
            batch: writes_are_gathered_and_answered_by_correlation_id
            batch: a_conflict_does_not_end_the_call
            batch: writes_to_one_stream_keep_their_order
            batch: a_refusal_says_why
            batch: a_write_past_its_deadline_is_not_done
            read: a_stream_is_read_forwards
            read: a_stream_is_read_backwards
            read: a_count_may_be_anything
            read: a_missing_stream_is_said_to_be_missing
            read: the_ends_of_a_stream_are_told_to_those_who_know
            read: a_long_stream_is_read_whole_both_ways
            read: combinations_without_meaning_are_refused
            metadata: metadata_is_set_and_read
            metadata: a_stream_with_only_metadata_is_missing
            metadata: a_maximum_count_hides_older_events
            metadata: truncating_hides_what_is_before
            metadata: a_maximum_age_hides_older_events
            delete: a_deleted_stream_is_missing_and_begins_anew
            delete: a_tombstone_is_for_ever
            delete: a_deletion_of_another_revision_says_so
            delete: deleted_events_are_still_in_the_log
            all: the_log_is_read_forwards_from_a_position_and_backwards_from_before_it
            all: beyond_either_end_of_the_log_there_is_nothing
            all: a_position_that_cannot_be_is_refused
            all: links_are_resolved_if_wished
            filters: prefixes_choose_streams_and_types
            filters: expressions_choose_streams_and_types
            filters: expressions_may_look_ahead
            filters: a_filtered_count_counts_what_matches
            filters: a_filter_without_meaning_is_refused
            subscribe: a_stream_is_followed_from_its_start
            subscribe: a_stream_is_followed_from_after_a_revision
            subscribe: a_stream_is_followed_from_its_end
            subscribe: a_missing_stream_is_waited_for
            subscribe: a_tombstone_ends_a_subscription_with_an_error
            subscribe: the_log_is_followed_from_after_a_position
            subscribe: the_log_is_followed_from_its_end
            subscribe: checkpoints_keep_their_cadence
            subscribe: a_checkpoint_is_a_place_to_resume_from
            subscribe: nothing_is_lost_or_doubled_under_many_writers
            cluster: gossip_names_a_leader_that_answers
            cluster: the_features_name_what_can_be_called
        }
    };
}

macro_rules! list {
    ($($module:ident: $case:ident)*) => {
        /// Every case, in the order in which they are best read.
        pub const CASES: &[Case] = &[$(Case { name: stringify!($case), run: |subject| Box::pin(patiently($module::$case(subject))) }),*];
    };
}
protocol_cases!(list);

/// Runs the case of this name against the server behind a connection string: what a test made by [`protocol_cases!`] calls.
pub async fn run(name: &str, url: &str) -> CaseResult {
    let case = CASES.iter().find(|case| case.name == name).ok_or_else(|| Failure(format!("`{name}` is no case")))?;
    (case.run)(Subject::connect(url)?).await
}
