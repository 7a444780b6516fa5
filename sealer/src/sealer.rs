//! Follows the log, for ever; remembers, signs, publishes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use daftar_domain::{Position, StreamName};
use daftar_projections::{chain, elected, in_office};
use daftar_proof::{
    AuthenticTiles, Contradiction, Guard, Hash, Head, Intent, Leaf, LogKeys, ProveError, ResumeError, TileError, TileWriter,
    prove_consistency,
};
use daftar_store::{EventReader, Followed, Scope, StoreError, StoredEvent};
use futures::{StreamExt, TryStreamExt};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    folder,
    tables::{self, Last, Remembered, Tiles},
};

/// Events taken from the log at a time.
const CHUNK: usize = 2_000;

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// When a checkpoint is due, and where else it goes.
#[derive(Clone, Debug)]
pub struct Options {
    pub every: Duration,
    pub events: u64,
    /// Gets tiles and checkpoint too.
    pub folder: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { every: Duration::from_secs(10), events: 10_000, folder: None }
    }
}

/// Any number of processes may run; one of them seals. Dropping the future stops it at once.
pub struct Sealer {
    log: Arc<dyn EventReader>,
    database: PgConnectOptions,
    keys: LogKeys,
    options: Options,
}

/// Why nothing is sealed any more until somebody has looked into it: to go on would be to sign a second history.
#[derive(Debug, Error)]
pub enum Stopped {
    #[error("event {revision} of `{stream}`, the last that was sealed, is not in the log as it was")]
    OtherLog { stream: String, revision: u64 },
    #[error("the stored tiles are not those of the tree that was sealed")]
    Resume(#[from] ResumeError),
    #[error("the tree does not prove itself")]
    Tiles(#[from] ProveError<TileError>),
    #[error("this is not signed")]
    Contradiction(#[from] Contradiction),
}

#[derive(Debug, Error)]
enum Interruption {
    #[error("the log ended")]
    LogEnded,
    #[error(transparent)]
    Log(#[from] StoreError),
    #[error("the seal's database failed")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("keys", &self.keys).field("options", &self.options).finish_non_exhaustive()
    }
}

impl Sealer {
    pub fn new(log: Arc<dyn EventReader>, database: PgConnectOptions, keys: LogKeys, options: Options) -> Self {
        Self { log, database, keys, options }
    }

    /// Runs until it would have to contradict itself. Whatever else fails is tried again.
    pub async fn run(self) -> Stopped {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let mut progressed = false;
            let Err(interruption) = self.lead(&mut progressed).await else { continue };
            if let Interruption::Stopped(stopped) = interruption {
                tracing::error!(reason = %chain(&stopped), "the sealer stopped");
                return stopped;
            }
            pause = if progressed { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            tracing::warn!(reason = %chain(&interruption), ?pause, "the sealer was interrupted; trying again");
            sleep(pause).await;
        }
    }

    /// Waits to be the only one, then follows. What is remembered is written in the session that holds the office: who has lost it cannot write.
    async fn lead(&self, progressed: &mut bool) -> Result<(), Interruption> {
        let mut db = PgConnection::connect_with(&self.database).await?;
        elected(&mut db, "daftar sealer").await?;
        let mut seal = Seal::resume(&mut db, &*self.log).await?;
        tracing::info!(leaves = seal.tree.head().size, "the sealer follows the log");
        if let Some(intent) = seal.again()? {
            // The process before this one may have died between remembering and publishing, or had other keys.
            self.publish(&mut db, intent).await?;
        }
        let mut events = self.log.subscribe(seal.position(), Scope::Everything).ready_chunks(CHUNK);
        let mut due = None;
        loop {
            let coming = async {
                match due {
                    Some(due) => timeout_at(due, events.next()).await.ok(),
                    None => Some(events.next().await),
                }
            };
            if let Some(chunk) = in_office(&mut db, coming).await? {
                for followed in chunk.ok_or(Interruption::LogEnded)? {
                    let Followed::Event(event) = followed? else { continue };
                    seal.push(&event);
                    due.get_or_insert_with(|| Instant::now() + self.options.every);
                    if seal.pending() >= self.options.events {
                        self.seal(&mut db, &mut seal).await?;
                        (due, *progressed) = (None, true);
                    }
                }
            }
            if due.is_some_and(|due| due <= Instant::now()) {
                self.seal(&mut db, &mut seal).await?;
                (due, *progressed) = (None, true);
            }
        }
    }

    async fn seal(&self, db: &mut PgConnection, seal: &mut Seal) -> Result<(), Interruption> {
        if let Some(intent) = seal.remember(db).await? {
            self.publish(db, intent).await?;
        }
        Ok(())
    }

    async fn publish(&self, db: &mut PgConnection, intent: Intent) -> Result<(), Interruption> {
        let head = intent.head();
        let note = intent.sign(&self.keys);
        tables::publish(&mut *db, head.size, &note).await?;
        tracing::info!(leaves = head.size, root = %head.root, "sealed");
        if let Some(folder) = &self.options.folder
            && let Err(error) = folder::bring_up(db, folder, head, &note).await
        {
            // It is brought up with the next checkpoint; the tables have all of it.
            tracing::warn!(reason = %chain(&error), "the seal's folder could not be brought up to date");
        }
        Ok(())
    }
}

/// The tree, and how far of it is remembered.
struct Seal {
    tree: TileWriter,
    guard: Guard,
    remembered: Option<Head>,
    last: Option<Last>,
}

impl Seal {
    async fn resume(db: &mut PgConnection, log: &dyn EventReader) -> Result<Self, Interruption> {
        let Some((Remembered { head, last }, tiles)) = tables::remembered(db).await? else {
            return Ok(Self { tree: TileWriter::default(), guard: Guard::new(None), remembered: None, last: None });
        };
        let mut authentic = AuthenticTiles::open(&tiles, head).map_err(|error| Stopped::Resume(error.into()))?;
        let sealed = authentic.leaf(head.size - 1).map_err(|error| Stopped::Resume(error.into()))?;
        let tree = TileWriter::resume(&tiles, head).map_err(Stopped::Resume)?;
        check_log(log, &last, sealed).await?;
        Ok(Self { tree, guard: Guard::new(Some(head)), remembered: Some(head), last: Some(last) })
    }

    fn position(&self) -> Option<Position> {
        self.last.as_ref().map(|last| last.position)
    }

    fn pending(&self) -> u64 {
        self.tree.head().size - self.remembered.map_or(0, |head| head.size)
    }

    fn push(&mut self, event: &StoredEvent) {
        self.tree.push(leaf_hash(event));
        self.last = Some(Last::of(event));
    }

    /// What is remembered already, to be signed again.
    fn again(&mut self) -> Result<Option<Intent>, Stopped> {
        Ok(self.remembered.map(|head| self.guard.admit(head, &[])).transpose()?)
    }

    /// Remembers the tree as it is. Only then may it be signed.
    async fn remember(&mut self, db: &mut PgConnection) -> Result<Option<Intent>, Interruption> {
        let Some(last) = self.last.clone() else { return Ok(None) };
        let (head, written) = (self.tree.head(), self.tree.take_tiles());
        let proof = match self.remembered {
            // Every hash of the proof is in a tile that has changed since.
            Some(old) => self.proof(old, head, &written)?,
            None => Vec::new(),
        };
        let intent = self.guard.admit(head, &proof).map_err(Stopped::from)?;
        tables::remember(db, &Remembered { head, last }, &written).await?;
        self.remembered = Some(head);
        Ok(Some(intent))
    }

    fn proof(&self, old: Head, head: Head, written: &[daftar_proof::WrittenTile]) -> Result<Vec<Hash>, Stopped> {
        let mut tiles = AuthenticTiles::open(Tiles::of(written), head).map_err(|error| Stopped::Tiles(error.into()))?;
        Ok(prove_consistency(&mut tiles, old.size, head.size)?)
    }
}

/// Whether the log still has the last event that was sealed: a log that was taken back to an older day would be sealed twice from there.
async fn check_log(log: &dyn EventReader, last: &Last, sealed: Hash) -> Result<(), Interruption> {
    let other = || Stopped::OtherLog { stream: last.stream.clone(), revision: last.revision };
    let stream: StreamName = last.stream.parse().map_err(|_| other())?;
    let found = log.read(&stream, last.revision).try_next().await?;
    let is_there = found.is_some_and(|event| event.revision == last.revision && leaf_hash(&event) == sealed);
    if is_there { Ok(()) } else { Err(other().into()) }
}

fn leaf_hash(event: &StoredEvent) -> Hash {
    let StoredEvent { stream, revision, id, event_type, data, metadata, .. } = event;
    Leaf { stream, revision: *revision, id: *id, event_type, data, metadata }.hash()
}
