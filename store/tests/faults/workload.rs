//! What the writers of the fault tests do.

use daftar_store::log::{ExpectedState, Log};
use futures::future::join_all;
use uuid::Uuid;

use crate::support;

const WRITERS: usize = 8;
pub const EVENTS: usize = 2;

/// Events that may have been written and not yet acknowledged.
pub const MOST_UNDER_WAY: usize = WRITERS * EVENTS;

/// Several writers at once, each with a stream of its own and a hand in one that they share, for as long as `goes_on` says.
pub async fn write(log: Log, goes_on: impl Fn() -> bool, acknowledge: impl Fn(&[Uuid])) {
    let shared = format!("shared-{}", Uuid::new_v4());
    join_all((0..WRITERS).map(async |_| {
        let own = format!("own-{}", Uuid::new_v4());
        let mut expected = ExpectedState::NoStream;
        for turn in 0.. {
            if !goes_on() {
                return;
            }
            let events: Vec<_> = (0..EVENTS).map(|_| support::event(rand::random())).collect();
            let ids: Vec<_> = events.iter().map(|event| event.id).collect();
            if turn % 4 == 3 {
                log.append(&shared, ExpectedState::Any, events).await.expect("an append succeeds");
            } else {
                let written = log.append(&own, expected, events).await.expect("an append succeeds");
                expected = ExpectedState::last(written.revision);
            }
            acknowledge(&ids);
        }
    }))
    .await;
}
