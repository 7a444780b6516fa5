//! What is shown now, and again after each change: subscriptions.
//!
//! The read models say of every step whose facts it was made of. Whoever follows something hears of its steps, waits until all models that show
//! it have come as far, and looks again by the same function that looked at first: what may be seen is decided anew each time.

use std::time::Duration;

use async_graphql::{Context, ID, Result, Subscription};
use daftar_domain::{
    Position,
    ids::{AccountId, InvoiceId, RepairId, bill_run_id},
};
use daftar_projections::{Moved, Readable, Step, accounts, invoices};
use futures::{StreamExt, stream, stream::BoxStream};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use super::{account::Account, answer, app, bill_run::BillRun, caller, invoice::Invoice, language, repair::Repair};
use crate::{app::App, caller::Caller, problem::Problem};

/// One value after the other, until somebody stops listening.
type Live<T> = BoxStream<'static, Result<T>>;

/// Changes that follow one another faster are shown together.
const PAUSE: Duration = Duration::from_millis(50);

/// How long models may take to catch up with one that has moved.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Subscriptions;

/// Everything that can be followed live. Each gives first what is so now, and then what is so after each change: whoever was cut off
/// follows anew and has missed nothing.
#[Subscription(name = "Subscription")]
impl Subscriptions {
    /// An account, whenever something happens on it: charges, payments, credits, or a change of who and what it is.
    async fn account_activity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which account. One that is unknown, or not yours to see, is NOT_FOUND.")] account_id: ID,
    ) -> Result<Live<Account>> {
        let id = AccountId::new(answer(context, super::id("accountId", &account_id))?);
        let models = &["accounts", "agreements", "invoices", "payments", "receivables"];
        live(context, Followed { id: id.into(), models }, move |app, caller| async move {
            Account::one(&caller, accounts::by_id(&app.read_models, id).await?.ok_or(Problem::NotFound)?)
        })
        .await
    }

    /// An invoice, whenever it is issued, paid, credited or falls overdue.
    async fn invoice(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which invoice. One that is unknown, or not yours to see, is NOT_FOUND.")] id: ID,
    ) -> Result<Live<Invoice>> {
        let id = InvoiceId::new(answer(context, super::id("id", &id))?);
        live(context, Followed { id: id.into(), models: &["invoices", "payments"] }, move |app, caller| async move {
            Invoice::one(&caller, invoices::by_id(&app.read_models, id).await?)
        })
        .await
    }

    /// A repair, whenever something happens to it, is said or shown.
    async fn repair(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which repair. One that is unknown, or not yours to see, is NOT_FOUND.")] id: ID,
    ) -> Result<Live<Repair>> {
        let id = RepairId::new(answer(context, super::id("id", &id))?);
        live(
            context,
            Followed { id: id.into(), models: &["repairs"] },
            move |app, caller| async move { Repair::find(&app, &caller, id).await },
        )
        .await
    }

    /// A bill run, whenever it has come further; for those who bill or keep the books.
    async fn bill_run_progress(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The name that the run was started under. One that is unknown is NOT_FOUND.")] name: String,
    ) -> Result<Live<BillRun>> {
        let id = bill_run_id(name.trim());
        live(context, Followed { id: id.into(), models: &["bill_runs"] }, move |app, caller| async move {
            BillRun::find(&app, &caller, id).await
        })
        .await
    }
}

/// What somebody follows: an aggregate, in the models that show it.
#[derive(Clone, Copy, Debug)]
struct Followed {
    id: Uuid,
    models: &'static [&'static str],
}

/// What `look` finds now, and whenever what is followed has changed. What cannot be seen now cannot be followed.
async fn live<T, F>(
    context: &Context<'_>,
    followed: Followed,
    look: impl Fn(App, Caller) -> F + Copy + Send + Sync + 'static,
) -> Result<Live<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    let (app, caller, language) = (app(context).clone(), caller(context).clone(), language(context));
    // Listens before it looks: nothing happens in between.
    let changes = Changes { steps: app.readable.steps(), readable: app.readable.clone(), followed, shown: None, last: Instant::now() };
    let first = answer(context, look(app.clone(), caller.clone()).await)?;
    let later = stream::unfold((changes, app, caller), move |(mut changes, app, caller)| async move {
        changes.next().await?;
        let found = look(app.clone(), caller.clone()).await.map_err(|problem| problem.answer(language));
        Some((found, (changes, app, caller)))
    });
    Ok(stream::iter([Ok(first)]).chain(later).boxed())
}

/// The changes of what is followed, one after the other.
struct Changes {
    steps: Receiver<Step>,
    readable: Readable,
    followed: Followed,
    /// All models that show it have come as far.
    shown: Option<Position>,
    last: Instant,
}

impl Changes {
    /// Waits for the next. None comes any more if nobody listens to the read models.
    async fn next(&mut self) -> Option<()> {
        loop {
            match self.steps.recv().await {
                Ok(Step::Moved(moved)) if self.is_news(&moved) => {
                    sleep_until(self.last + PAUSE).await;
                    self.settle(moved.position).await;
                    break;
                }
                Ok(Step::Moved(_)) => {}
                Ok(Step::Unheard) | Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return None,
            }
        }
        self.last = Instant::now();
        Some(())
    }

    fn is_news(&self, moved: &Moved) -> bool {
        let concerns = moved.changed.as_ref().is_none_or(|changed| changed.contains(&self.followed.id));
        concerns && self.followed.models.contains(&moved.model.as_str()) && self.shown < Some(moved.position)
    }

    /// Lets the other models come as far. If one of them takes too long, its own step is news again.
    async fn settle(&mut self, position: Position) {
        let reached = self.followed.models.iter().map(|model| self.readable.reached(model, position, PATIENCE));
        if futures::future::join_all(reached).await.into_iter().all(|reached| reached.unwrap_or(false)) {
            self.shown = self.shown.max(Some(position));
        }
    }
}

#[cfg(test)]
mod tests {
    use daftar_projections::MODELS;

    #[test]
    fn what_is_followed_is_in_models_that_there_are() {
        for name in ["accounts", "agreements", "bill_runs", "invoices", "payments", "receivables", "repairs"] {
            assert!(MODELS.iter().any(|model| model.name == name), "{name}");
        }
    }
}
