//! Group commit: appends that wait together become one transaction, and pay for one flush to disk.
//!
//! One task writes, over one connection. It takes what waits, at most one write per stream, and hands it to `daftar_log.append`, which
//! checks each write's guard by itself. If the connection breaks before the answer, nobody knows whether the group was committed: it is
//! run again, and a write that is then refused because its own rows are already there was the first time's success.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Row as _,
    postgres::{PgConnection, PgRow},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    PostgresOptions,
    connection::{Backoff, Server, Trouble},
    head::Head,
    reading::{signed, stand_of, unsigned},
};
use crate::{
    StoreError,
    log::{Stand, Write},
};

/// What one group may hold, so that neither side needs much memory and nobody waits long for the lock. One write is always let in.
const GROUP_WRITES: usize = 256;
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// How long a group may take, unless patience is shorter.
const ANSWER: Duration = Duration::from_secs(10);

/// The longest wait for more to come; it is busy waiting.
const LONGEST_MOMENT: Duration = Duration::from_micros(500);

type Answer = Result<Result<u64, Stand>, StoreError>;

#[derive(Debug)]
pub(super) struct Writer {
    server: Server,
    patience: Duration,
    queue: mpsc::Sender<Job>,
}

/// A write that somebody waits for.
#[derive(Debug)]
struct Job {
    write: Write,
    answer: oneshot::Sender<Answer>,
    deadline: Instant,
    /// It was sent before, and the answer was lost: its rows may be there.
    uncertain: bool,
}

impl Writer {
    pub(super) fn start(server: Server, head: Arc<Head>, options: &PostgresOptions) -> Self {
        let (sender, receiver) = mpsc::channel(options.queue.max(1));
        let task = Task {
            server: server.clone(),
            connection: None,
            head,
            queue: receiver,
            waiting: VecDeque::new(),
            singly: 0,
            answer: ANSWER.min(options.patience),
        };
        tokio::spawn(task.run());
        Self { server, patience: options.patience, queue: sender }
    }

    pub(super) async fn append(&self, write: Write) -> Answer {
        let (answer, answered) = oneshot::channel();
        let job = Job { write, answer, deadline: Instant::now() + self.patience, uncertain: false };
        self.queue.send(job).await.map_err(|_| self.ended())?;
        answered.await.map_err(|_| self.ended())?
    }

    fn ended(&self) -> StoreError {
        self.server.failed(std::io::Error::other("the task that writes has ended"))
    }
}

struct Task {
    server: Server,
    connection: Option<PgConnection>,
    head: Arc<Head>,
    queue: mpsc::Receiver<Job>,
    /// Taken from the queue and not yet answered, in order.
    waiting: VecDeque<Job>,
    /// How many of those waiting first go alone, because the server refused them together.
    singly: usize,
    /// How long a group may take before its connection is taken for dead.
    answer: Duration,
}

/// Why a group got no answer.
enum Failure {
    /// It was not sent.
    Unreached(StoreError),
    /// It was sent, and may have been committed.
    AnswerLost(StoreError),
    /// The server said no to all of it, and did nothing.
    Refused(sqlx::Error),
}

impl Task {
    async fn run(mut self) {
        let mut backoff = Backoff::default();
        while self.gather().await {
            let group = self.take_group();
            let begun = Instant::now();
            match self.commit(&group).await {
                Ok(answers) => {
                    backoff = Backoff::default();
                    let (answered, took) = (group.len(), begun.elapsed());
                    for (job, answer) in group.into_iter().zip(answers) {
                        // Whoever stopped waiting does not need to know.
                        let _ = job.answer.send(Ok(answer));
                    }
                    self.let_return(answered, took).await;
                }
                Err(Failure::Refused(error)) => self.refused(group, error),
                Err(Failure::Unreached(error @ StoreError::Unavailable { .. })) => {
                    self.put_back(group, false, error);
                    backoff.wait().await;
                }
                // The server is there, but not one to write to.
                Err(Failure::Unreached(error)) => self.tell(group, error),
                Err(Failure::AnswerLost(error)) => {
                    self.put_back(group, true, error);
                    backoff.wait().await;
                }
            }
        }
    }

    /// Gives those who were just answered a moment to come again, so that they and those who are here already go together and not by turns.
    async fn let_return(&mut self, answered: usize, took: Duration) {
        if answered < 2 {
            return;
        }
        // Those who wait already fill a group by themselves, or they are waited for in vain.
        let all = (answered + self.waiting.len() + self.queue.len()).min(GROUP_WRITES);
        let deadline = Instant::now() + (took / 4).min(LONGEST_MOMENT);
        while self.waiting.len() + self.queue.len() < all && Instant::now() < deadline {
            tokio::task::yield_now().await;
        }
    }

    /// Waits for something to write; false when nobody is left who could ask for it.
    async fn gather(&mut self) -> bool {
        let room = GROUP_WRITES.saturating_sub(self.waiting.len());
        if self.waiting.is_empty() {
            let mut arrived = Vec::with_capacity(room);
            self.queue.recv_many(&mut arrived, room).await;
            self.waiting.extend(arrived);
        } else {
            self.waiting.extend(std::iter::from_fn(|| self.queue.try_recv().ok()).take(room));
        }
        !self.waiting.is_empty()
    }

    /// The writes of the next transaction: at most one per stream, the others of that stream wait for theirs in order.
    fn take_group(&mut self) -> Vec<Job> {
        let most = if self.singly > 0 { 1 } else { GROUP_WRITES };
        self.singly = self.singly.saturating_sub(1);
        let (mut group, mut bytes, mut streams) = (Vec::new(), 0, HashSet::new());
        let mut later = VecDeque::with_capacity(self.waiting.len());
        for job in self.waiting.drain(..) {
            let size: usize = job.write.rows.iter().map(|row| row.event.size()).sum();
            let fits = group.is_empty() || (group.len() < most && bytes + size <= GROUP_BYTES);
            if streams.insert(base(&job.write.guard.stream).to_owned()) && fits {
                bytes += size;
                group.push(job);
            } else {
                later.push_back(job);
            }
        }
        self.waiting = later;
        group
    }

    /// One transaction; the answers are in the order of the group.
    async fn commit(&mut self, group: &[Job]) -> Result<Vec<Result<u64, Stand>>, Failure> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect(&self.server, &self.head).await.map_err(Failure::Unreached)?),
        };
        let answers = match tokio::time::timeout(self.answer, append(connection, group)).await {
            Ok(Ok(answers)) => Ok(answers),
            Ok(Err(error)) => match Trouble::of(&error) {
                Trouble::Lost => Err(Failure::AnswerLost(self.server.error(error))),
                Trouble::Denied | Trouble::Other => Err(Failure::Refused(error)),
            },
            Err(_) => Err(Failure::AnswerLost(StoreError::DeadlineExceeded { store: self.server.name().to_owned() })),
        };
        match &answers {
            Ok(answers) => {
                let ends =
                    group.iter().zip(answers).filter_map(|(job, answer)| Some(answer.as_ref().ok()? + job.write.rows.len() as u64 - 1));
                if let Some(end) = ends.max() {
                    self.head.reached(end);
                }
            }
            Err(Failure::Refused(_)) => {}
            Err(Failure::Unreached(_) | Failure::AnswerLost(_)) => self.connection = None,
        }
        answers
    }

    /// A group that the server could not be given, or whose answer was lost, comes first again; those whose time is up are told.
    fn put_back(&mut self, group: Vec<Job>, uncertain: bool, error: StoreError) {
        tracing::warn!(store = self.server.name(), %error, writes = group.len(), "the log could not be written to; trying again");
        for mut job in group.into_iter().rev() {
            job.uncertain |= uncertain;
            self.waiting.push_front(job);
        }
        let now = Instant::now();
        let (in_time, late): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(|job| job.deadline > now);
        self.waiting.extend(in_time);
        self.tell(late, error);
    }

    /// Gives everyone the same bad news.
    fn tell(&self, jobs: impl IntoIterator<Item = Job>, error: StoreError) {
        let error = Arc::new(error);
        for job in jobs {
            let (store, source) = (self.server.name().to_owned(), Arc::clone(&error).into());
            let _ = job.answer.send(Err(match *error {
                StoreError::Unavailable { .. } | StoreError::DeadlineExceeded { .. } => StoreError::Unavailable { store, source },
                StoreError::AccessDenied { .. } => StoreError::AccessDenied { store },
                StoreError::StreamDeleted { .. } | StoreError::Failed { .. } => StoreError::Failed { store, source },
            }));
        }
    }

    /// The server refused the whole group because of one of it: each goes alone, so that the others do not suffer.
    fn refused(&mut self, group: Vec<Job>, error: sqlx::Error) {
        if group.len() == 1 {
            return self.tell(group, self.server.error(error));
        }
        self.singly = group.len();
        for job in group.into_iter().rev() {
            self.waiting.push_front(job);
        }
    }
}

async fn connect(server: &Server, head: &Head) -> Result<PgConnection, StoreError> {
    let mut connection = server.connect().await?;
    let process = sqlx::query_scalar::<_, i32>("SELECT pg_backend_pid()").persistent(false).fetch_one(&mut connection).await;
    head.is_written_by(process.map_err(|error| server.error(error))?.cast_unsigned());
    Ok(connection)
}

/// A stream and the metadata streams over it are written to one after another: a write's guard covers two of them.
fn base(stream: &str) -> &str {
    stream.trim_start_matches("$$")
}

async fn append(connection: &mut PgConnection, group: &[Job]) -> Result<Vec<Result<u64, Stand>>, sqlx::Error> {
    const SQL: &str = "SELECT head, accepted, revisions, metadata_revisions, metadata \
        FROM daftar_log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let writes = || group.iter().map(|job| &job.write);
    let guards = || writes().map(|write| &write.guard);
    let rows = || writes().zip(1..).flat_map(|(write, guard)| write.rows.iter().map(move |row| (guard, row)));
    let events = || rows().map(|(_, row)| &row.event);
    let query = sqlx::query(SQL)
        .bind(guards().map(|guard| guard.stream.as_str()).collect::<Vec<_>>())
        .bind(guards().map(|guard| guard.revision.map(signed)).collect::<Vec<_>>())
        .bind(guards().map(|guard| guard.metadata_revision.map(signed)).collect::<Vec<_>>())
        .bind(rows().map(|(guard, _)| guard).collect::<Vec<i32>>())
        .bind(rows().map(|(_, row)| row.stream.as_str()).collect::<Vec<_>>())
        .bind(rows().map(|(_, row)| signed(row.revision)).collect::<Vec<_>>())
        .bind(events().map(|event| event.id).collect::<Vec<_>>())
        .bind(events().map(|event| event.event_type.as_str()).collect::<Vec<_>>())
        .bind(events().map(|event| event.content_type == crate::ContentType::Json).collect::<Vec<_>>())
        .bind(events().map(|event| &*event.data).collect::<Vec<_>>())
        .bind(events().map(|event| &*event.metadata).collect::<Vec<_>>());
    // The commit is behind the row: the answer is complete only when the server is ready for the next query, and this waits for that.
    let answer = query.fetch_one(&mut *connection).await?;

    let mut first = unsigned(answer.try_get(0)?)? + 1;
    let accepted: Vec<bool> = answer.try_get(1)?;
    let mut answers = Vec::with_capacity(group.len());
    for (guard, (job, accepted)) in group.iter().zip(accepted).enumerate() {
        if accepted {
            answers.push(Ok(first));
            first += job.write.rows.len() as u64;
            continue;
        }
        let before = if job.uncertain { already_there(connection, &job.write).await? } else { None };
        answers.push(match before {
            Some(position) => Ok(position),
            None => Err(stand(&answer, guard)?),
        });
    }
    Ok(answers)
}

/// Where the streams of a guard that was refused end.
fn stand(answer: &PgRow, guard: usize) -> Result<Stand, sqlx::Error> {
    let revisions: Vec<Option<i64>> = answer.try_get(2)?;
    let metadata_revisions: Vec<Option<i64>> = answer.try_get(3)?;
    let metadata: Vec<Option<Vec<u8>>> = answer.try_get(4)?;
    let of_guard = |numbers: &[Option<i64>]| numbers.get(guard).copied().flatten();
    stand_of(of_guard(&revisions), of_guard(&metadata_revisions), metadata.into_iter().nth(guard).flatten())
}

/// The position of the write's first row, if all its rows are in their places already: an earlier try, whose answer was lost, put them there.
async fn already_there(connection: &mut PgConnection, write: &Write) -> Result<Option<u64>, sqlx::Error> {
    const SQL: &str = "SELECT min(e.position), count(*) FROM unnest($1::text[], $2::bigint[], $3::uuid[]) AS w (stream, revision, id) \
        JOIN daftar_log.events e ON e.stream = w.stream AND e.revision = w.revision AND e.id = w.id";
    let found = sqlx::query(SQL)
        .bind(write.rows.iter().map(|row| row.stream.as_str()).collect::<Vec<_>>())
        .bind(write.rows.iter().map(|row| signed(row.revision)).collect::<Vec<_>>())
        .bind(write.rows.iter().map(|row| row.event.id).collect::<Vec<_>>())
        .fetch_one(connection)
        .await?;
    let (first, count): (Option<i64>, i64) = (found.try_get(0)?, found.try_get(1)?);
    first.filter(|_| usize::try_from(count).is_ok_and(|count| count == write.rows.len())).map(unsigned).transpose()
}
