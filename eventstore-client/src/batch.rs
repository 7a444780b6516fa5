//! Many appends on one long call, each with its own answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::debug;
use uuid::Uuid;

use crate::batch_wire::{appended, chunks};
use crate::client::{Attempt, Client, Repeat};
use crate::convert::{check_expected, check_stream_name, uuid_from_wire};
use crate::error::{Context, Error};
use crate::event::{Appended, Expected, NewEvent};
use crate::headers::Headers;
use crate::wire::streams::{BatchAppendReq, BatchAppendResp};

/// Requests that may wait for the connection; beyond that the callers wait.
const QUEUE: usize = 256;

type Answer = Result<BatchAppendResp, Error>;

impl Client {
    /// Writes the events like [`append`](Client::append), over a call shared by all such writes of this client.
    ///
    /// It saves the server opening a call for each. A refused append leaves the others alone; a lost call is opened
    /// again by the next append, and what was under way is repeated by the rules of `append`.
    pub async fn batch_append(&self, stream: &str, expected: Expected, events: impl Into<Vec<NewEvent>>) -> Result<Appended, Error> {
        check_stream_name(stream)?;
        check_expected(expected)?;
        let events = events.into();
        let repeat = if expected.makes_repeats_harmless() { Repeat::Harmless } else { Repeat::Harmful };
        let context = Context { stream, expected };
        let answer = self.call(repeat, async |attempt| {
            // A fresh one each time: the answer to an earlier attempt must not pass for this one's.
            let id = Uuid::new_v4();
            let registered = self.batches().register(&attempt, self.headers(), id);
            registered.answer(chunks(id, context, &events, attempt.patience)).await
        });
        appended(answer.await?, context)
    }
}

/// The batch call in use, if any.
#[derive(Clone, Default)]
pub(crate) struct Batches {
    current: Arc<Mutex<Option<BatchCall>>>,
}

#[derive(Clone)]
struct BatchCall {
    /// The choice of node it was opened on.
    choice: u64,
    requests: mpsc::Sender<BatchAppendReq>,
    pending: Arc<Pending>,
    /// Ends with the last one who waits for an answer.
    _task: Arc<Task>,
}

struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Batches {
    /// Joins the running call, or opens one on this attempt's node.
    fn register(&self, attempt: &Attempt, headers: &Headers, id: Uuid) -> Registered {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let running = current.as_ref().filter(|call| call.choice == attempt.node.choice);
        if let Some((call, answer)) = running.and_then(|call| Some((call, call.pending.register(id)?))) {
            return Registered { id, batches: self.clone(), call: call.clone(), answer };
        }
        let (requests, queue) = mpsc::channel(QUEUE);
        let pending = Arc::new(Pending::default());
        let (sender, answer) = oneshot::channel();
        pending.answers().get_or_insert_default().insert(id, sender);
        // No deadline: the call lives as long as the connection.
        let request = headers.request(ReceiverStream::new(queue), None);
        let task = tokio::spawn(run(attempt.streams(), request, pending.clone()));
        let call = BatchCall { choice: attempt.node.choice, requests, pending, _task: Arc::new(Task(task)) };
        *current = Some(call.clone());
        Registered { id, batches: self.clone(), call, answer }
    }

    /// Leaves a call that owed somebody an answer for too long; those who still wait keep it.
    fn leave(&self, call: &BatchCall) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|current| Arc::ptr_eq(&current.pending, &call.pending));
    }
}

type StreamsClient = crate::wire::streams::streams_client::StreamsClient<tonic::transport::Channel>;

/// Hands every answer to the append it belongs to, until the call ends.
async fn run(mut client: StreamsClient, request: tonic::Request<ReceiverStream<BatchAppendReq>>, pending: Arc<Pending>) {
    let mut answered = false;
    let end = match client.batch_append(request).await {
        Err(status) => status,
        Ok(response) => {
            let mut answers = response.into_inner();
            loop {
                match answers.message().await {
                    Ok(Some(answer)) => {
                        answered = true;
                        pending.resolve(answer);
                    }
                    Ok(None) => break Status::unavailable("the server ended the batch append"),
                    Err(status) => break status,
                }
            }
        }
    };
    let error = match Context::NONE.error(end.clone()) {
        // A node that answered was the leader, and may have written the rest before it was not.
        Error::NotLeader { .. } if answered => Error::Unavailable { source: Box::new(end) },
        error => error,
    };
    debug!(%error, "batch append ended");
    pending.close(error);
}

/// The appends without answer; `None` once the call has ended.
struct Pending(Mutex<Option<HashMap<Uuid, oneshot::Sender<Answer>>>>);

impl Default for Pending {
    fn default() -> Self {
        Pending(Mutex::new(Some(HashMap::new())))
    }
}

impl Pending {
    fn register(&self, id: Uuid) -> Option<oneshot::Receiver<Answer>> {
        let (sender, answer) = oneshot::channel();
        self.answers().as_mut()?.insert(id, sender);
        Some(answer)
    }

    fn resolve(&self, mut answer: BatchAppendResp) {
        // An answer nobody waits for any more, or that does not say whose it is, is no reason to end the call.
        let Ok(id) = uuid_from_wire(answer.correlation_id.take()) else { return };
        if let Some(waiting) = self.forget(id) {
            let _ = waiting.send(Ok(answer));
        }
    }

    fn forget(&self, id: Uuid) -> Option<oneshot::Sender<Answer>> {
        self.answers().as_mut()?.remove(&id)
    }

    fn close(&self, error: Error) {
        for (_, waiting) in self.answers().take().into_iter().flatten() {
            let _ = waiting.send(Err(error.clone()));
        }
    }

    fn answers(&self) -> MutexGuard<'_, Option<HashMap<Uuid, oneshot::Sender<Answer>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One append's place in the call; given up when the caller no longer waits.
struct Registered {
    id: Uuid,
    batches: Batches,
    call: BatchCall,
    answer: oneshot::Receiver<Answer>,
}

impl Registered {
    async fn answer(mut self, chunks: Vec<BatchAppendReq>) -> Answer {
        for chunk in chunks {
            // The call has ended: its reason is on its way to us.
            if self.call.requests.send(chunk).await.is_err() {
                break;
            }
        }
        let lost = || Err(Error::Unavailable { source: Box::new(Status::unavailable("the batch append was dropped")) });
        (&mut self.answer).await.unwrap_or_else(|_| lost())
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if self.call.pending.forget(self.id).is_some() {
            self.batches.leave(&self.call);
        }
    }
}
