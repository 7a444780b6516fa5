//! What belongs to the members of one list is fetched for all of them together, by the first of them that asks.
//!
//! So the number of statements follows from the query alone, never from how long its lists are: one for each level of them.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{sync::OnceCell, task::yield_now};

use crate::problem::Problem;

type Fetched<T> = Arc<OnceCell<Result<Arc<T>, Failed>>>;

/// One thing that siblings have, by the arguments that it was asked for with.
pub struct Together<A, T>(Mutex<HashMap<A, Fetched<T>>>);

#[derive(Clone, Copy, Debug)]
enum Failed {
    Unavailable,
    Otherwise,
}

impl<A: Eq + Hash, T> Together<A, T> {
    /// What was fetched for these arguments. Who asks first fetches, the others wait for it.
    ///
    /// To fetch takes kilobytes of state, which every field that might do it would have to carry: it has a box of its own, if it is done.
    /// It begins when it is waited for, and not for whoever only looks whether it is there.
    pub async fn get(&self, arguments: A, fetch: impl AsyncFnOnce() -> Result<T, Problem>) -> Result<Arc<T>, Problem> {
        let cell = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(arguments).or_default().clone();
        let mut first = None;
        let fetched = cell.get_or_init(async || {
            yield_now().await;
            match Box::pin(fetch()).await {
                Ok(fetched) => Ok(Arc::new(fetched)),
                Err(problem) => {
                    let failed = if matches!(problem, Problem::Unavailable(_)) { Failed::Unavailable } else { Failed::Otherwise };
                    first = Some(problem);
                    Err(failed)
                }
            }
        });
        match (fetched.await.clone(), first) {
            (Ok(fetched), _) => Ok(fetched),
            (Err(_), Some(problem)) => Err(problem),
            (Err(Failed::Unavailable), None) => Err(Problem::Unavailable(FOR_ALL.into())),
            (Err(Failed::Otherwise), None) => Err(Problem::Internal(FOR_ALL.into())),
        }
    }
}

/// The first of them has said why.
const FOR_ALL: &str = "what a whole list needed failed";

impl<A, T> Default for Together<A, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A, T> fmt::Debug for Together<A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Together")
    }
}

/// What belongs to each, in the order in which it was found.
pub fn grouped<K: Eq + Hash, V>(found: impl IntoIterator<Item = (K, V)>) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for (key, value) in found {
        groups.entry(key).or_default().push(value);
    }
    groups
}
