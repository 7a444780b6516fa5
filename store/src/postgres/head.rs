//! How far the log reaches, as this process knows it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::{sync::watch, task::JoinHandle, time::MissedTickBehavior};

use super::{
    connection::{Backoff, Server},
    reading,
};

/// How often the log is asked, should a notification have been lost.
const POLL: Duration = Duration::from_secs(1);

/// How long the answer may take before the connection is taken for dead.
const ANSWER: Duration = Duration::from_secs(10);

/// The greatest position that any reader can already see. It only ever rises.
#[derive(Debug)]
pub(super) struct Head {
    position: Arc<watch::Sender<u64>>,
    writer: Arc<AtomicU32>,
    listening: JoinHandle<()>,
}

impl Head {
    /// Follows what every process appends, from a position that is known to be there.
    pub(super) fn follow(server: &Server, position: u64) -> Arc<Self> {
        let position = Arc::new(watch::Sender::new(position));
        let writer = Arc::default();
        let listening = tokio::spawn(listen(server.clone(), Arc::clone(&position), Arc::clone(&writer)));
        Arc::new(Self { position, writer, listening })
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.position.subscribe()
    }

    /// Everything up to here has been committed.
    pub(super) fn reached(&self, position: u64) {
        raise(&self.position, position);
    }

    /// What this server process notifies of, our own writer says by itself as soon as it is answered. To ask the log about each of our own
    /// commits would make every append dearer by a query.
    pub(super) fn is_written_by(&self, server_process: u32) {
        self.writer.store(server_process, Ordering::Relaxed);
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn raise(head: &watch::Sender<u64>, position: u64) {
    head.send_if_modified(|head| {
        let further = position > *head;
        *head = position.max(*head);
        further
    });
}

/// Listens for ever, over one connection that is made anew whenever it breaks.
async fn listen(server: Server, position: Arc<watch::Sender<u64>>, writer: Arc<AtomicU32>) {
    let mut backoff = Backoff::default();
    loop {
        let lost = match listener(&server).await {
            Ok(listener) => {
                backoff = Backoff::default();
                hear(listener, &position, &writer).await
            }
            Err(error) => error,
        };
        tracing::debug!(store = server.name(), error = %lost, "the connection that listens is lost; making it anew");
        backoff.wait().await;
    }
}

async fn listener(server: &Server) -> Result<PgListener, sqlx::Error> {
    let preparing = server.clone();
    let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None).after_connect(move |connection, _| {
        let server = preparing.clone();
        Box::pin(async move { server.prepare(connection).await.map_err(|error| sqlx::Error::Configuration(error.into())) })
    });
    let mut listener = PgListener::connect_with(&pool.connect_with(server.options().clone()).await?).await?;
    listener.listen("daftar_log").await?;
    Ok(listener)
}

async fn hear(mut listener: PgListener, position: &watch::Sender<u64>, writer: &AtomicU32) -> sqlx::Error {
    // It would come back by itself, but unchecked by us.
    listener.eager_reconnect(false);
    let mut poll = tokio::time::interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let news = tokio::select! {
            heard = listener.try_recv() => match heard {
                Ok(Some(said)) if said.process_id() == writer.load(Ordering::Relaxed) => false,
                Ok(Some(said)) => said.payload().parse().map_or(true, |reached: u64| reached > *position.borrow()),
                Ok(None) => return std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(),
                Err(error) => return error,
            },
            _ = poll.tick() => true,
        };
        if news {
            // Anyone may notify of anything. Only what can be read is believed, and one look does for all that was said meanwhile.
            while listener.next_buffered().is_some() {}
            match tokio::time::timeout(ANSWER, reading::head(&mut listener)).await {
                Ok(Ok(reached)) => raise(position, reached),
                Ok(Err(error)) => return error,
                Err(_) => return std::io::Error::from(std::io::ErrorKind::TimedOut).into(),
            }
        }
    }
}
