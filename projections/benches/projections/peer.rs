//! cqrs-es, replaying events into a view by its own means: the peer that a rebuild is measured by.

use std::sync::Arc;

use cqrs_es::{
    Aggregate, DomainEvent, EventEnvelope, View,
    event_sink::EventSink,
    persist::{GenericQuery, QueryReplay},
};
use postgres_es::{PostgresEventRepository, PostgresViewRepository, default_postgress_pool};
use serde::{Deserialize, Serialize};
use sqlx::{Executor, PgPool};

use crate::books;

const VIEW: &str = "peer_view";

/// An account as its view has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Account {
    last: Option<Happened>,
    events: u64,
}

/// An event of ours, as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    event_type: String,
    data: serde_json::Value,
}

impl DomainEvent for Happened {
    fn event_type(&self) -> String {
        self.event_type.clone()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

/// Nothing is refused in a replay.
#[derive(Debug, thiserror::Error)]
#[error("refused")]
pub struct Never;

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = Happened;
    type Event = Happened;
    type Error = Never;
    type Services = ();

    async fn handle(&mut self, command: Happened, (): &(), sink: &EventSink<Self>) -> Result<(), Never> {
        sink.write(command, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Happened) {
        self.events += 1;
        self.last = Some(event);
    }
}

impl View<Self> for Account {
    fn update(&mut self, event: &EventEnvelope<Self>) {
        self.apply(event.payload.clone());
    }
}

/// Events a second of a replay of so many accounts, as durable as our rebuild: nothing waits for the disk.
pub async fn replays(url: &str, accounts: u128) -> f64 {
    let db = PgPool::connect(url).await.expect("the server answers");
    let tables = "CREATE TABLE IF NOT EXISTS public.events (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
            sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL,
            metadata json NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence));
        CREATE TABLE IF NOT EXISTS public.peer_view (view_id text PRIMARY KEY, version bigint CHECK (version >= 0) NOT NULL, payload json NOT NULL);
        TRUNCATE public.events; TRUNCATE public.peer_view";
    db.execute(tables).await.expect("tables are made");
    let mut events = 0u32;
    for number in 0..accounts {
        for (sequence, (event_type, data)) in (1i64..).zip(books::of_account(number)) {
            let payload =
                serde_json::to_value(Happened { data: serde_json::from_slice(&data).expect("JSON"), event_type: event_type.clone() });
            sqlx::query("INSERT INTO public.events VALUES ('account', $1, $2, $3, '1', $4, '{}')")
                .bind(number.to_string())
                .bind(sequence)
                .bind(event_type)
                .bind(payload.expect("JSON"))
                .execute(&db)
                .await
                .expect("inserted");
            events += 1;
        }
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    let pool = default_postgress_pool(&format!("{url}{separator}options=-csynchronous_commit%3Doff")).await;
    let views = Arc::new(PostgresViewRepository::<Account, Account>::new(VIEW, pool.clone()));
    let mut query = GenericQuery::<_, Account, Account>::new(views);
    query.use_error_handler(Box::new(|error| panic!("{error}")));
    let replay = QueryReplay::new(PostgresEventRepository::new(pool), query);
    let started = std::time::Instant::now();
    replay.replay_all().await.expect("replayed");
    let rate = f64::from(events) / started.elapsed().as_secs_f64();
    let seen: i64 = sqlx::query_scalar("SELECT sum((payload ->> 'events')::bigint)::bigint FROM public.peer_view")
        .fetch_one(&db)
        .await
        .expect("counted");
    assert_eq!(seen, i64::from(events), "every event is in the view");
    rate
}
