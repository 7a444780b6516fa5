//! The GraphQL schema. `schema.graphql` is generated from it and committed.

mod account;
mod agreement;
mod application;
mod at_hand;
mod audit;
mod bill;
mod bill_run;
mod collections;
mod consumption;
mod dashboard;
pub mod enums;
mod health;
mod in_order;
mod invoice;
mod known;
mod ledger;
mod live;
mod meter;
mod money;
mod mutations;
mod paging;
mod payment;
mod receivable;
mod repair;
mod roots;
mod scalars;
mod siblings;
mod tariff;
pub mod users;
mod when;
mod workshop;

use std::{fmt, sync::Arc};

use async_graphql::{Context, MergedObject, Request, Response, Schema, ServerError};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use live::Subscriptions;
use mutations::Mutation;
use uuid::Uuid;

use self::{at_hand::Once, known::Known, users::Refusals};
use crate::{app::App, auth::Refusal, caller::Caller, input, language::Language, problem::Problem};
pub use at_hand::json;

/// Deeper than any screen asks, and just deep enough for the tools' introspection.
const DEPTH: usize = 20;
/// Fields of one answer, if every list in it is full.
const COMPLEXITY: usize = 50_000;

type Types = Schema<Query, Mutation, Subscriptions>;

/// The schema, behind what no request may have too much of.
#[derive(Clone)]
pub struct DaftarSchema(Types, Arc<Known>);

impl fmt::Debug for DaftarSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DaftarSchema")
    }
}

impl DaftarSchema {
    /// Has a request read that is to be executed.
    pub fn read(&self, request: &mut Request) {
        self.1.read(request);
    }

    /// What it answers is for [`json`] to write.
    pub async fn execute(&self, mut request: Request) -> Response {
        match within(&mut request) {
            Ok(once) => self.0.execute(once.into_iter().fold(request, Request::data)).await,
            Err(error) => Response::from_errors(vec![error]),
        }
    }

    pub fn follow(&self, mut request: Request) -> BoxStream<'static, Response> {
        match within(&mut request) {
            Ok(_) => self.0.execute_stream(request),
            Err(error) => stream::iter([Response::from_errors(vec![error])]).boxed(),
        }
    }
}

/// Whether it is too much, and if not, whether each thing is asked for once.
fn within(request: &mut Request) -> Result<Option<Once>, ServerError> {
    let document = request.parsed_query()?;
    if roots::few(document) { Ok(Once::of(document)) } else { Err(ServerError::new("Query is too complex.", None)) }
}

/// Everything that can be asked.
#[derive(Debug, Default, MergedObject)]
pub struct Query(
    account::AccountQuery,
    invoice::InvoiceQuery,
    payment::PaymentQuery,
    meter::MeterQuery,
    receivable::ReceivableQuery,
    tariff::TariffQuery,
    application::ApplicationQuery,
    consumption::ConsumptionQuery,
    ledger::LedgerQuery,
    bill_run::BillRunQuery,
    collections::CollectionsQuery,
    repair::RepairQuery,
    workshop::WorkshopQuery,
    health::HealthQuery,
    dashboard::DashboardQuery,
    users::UserQuery,
    audit::AuditQuery,
    enums::LabelQuery,
);

pub fn schema(app: App) -> DaftarSchema {
    DaftarSchema(builder().data(app).finish(), Arc::default())
}

/// The schema as text, as committed.
pub fn sdl() -> String {
    builder().finish().sdl()
}

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscriptions> {
    Schema::build(Query::default(), Mutation::default(), Subscriptions).limit_depth(DEPTH).limit_complexity(COMPLEXITY)
}

fn app<'a>(context: &Context<'a>) -> &'a App {
    context.data_unchecked()
}

fn caller<'a>(context: &Context<'a>) -> &'a Caller {
    context.data_opt().unwrap_or(&Caller::Nobody)
}

/// Turns a problem into an answer in the language of whoever asked. Resolvers return it inside an `Option`, so that one field's
/// problem makes that field null and leaves its neighbours' answers standing.
fn answer<T>(context: &Context<'_>, result: Result<T, Problem>) -> async_graphql::Result<T> {
    result.map_err(|problem| {
        if let Some(refusals) = context.data_opt::<Arc<Refusals>>().filter(|_| Refusal::is_audited(problem.code())) {
            refusals.note(context.field().name(), problem.code());
        }
        problem.answer(language(context))
    })
}

fn language(context: &Context<'_>) -> Language {
    context.data_opt::<Language>().copied().unwrap_or_default()
}

/// An id as people send it.
fn id(field: &'static str, id: &str) -> Result<Uuid, Problem> {
    input::id(field, id, |id| id)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    /// After a change on purpose: `UPDATE_EXPECT=1 cargo test -p daftar-api --lib`.
    #[test]
    fn the_committed_schema_is_this_one() {
        expect_test::expect_file!["../../schema.graphql"].assert_eq(&super::sdl());
    }

    #[tokio::test]
    async fn everything_is_described() {
        let query = "{ __schema { types { name description
            fields { name description args { name description } } inputFields { name description } enumValues { name description } } } }";
        let schema = super::builder().finish().execute(query).await.into_result().unwrap().data.into_json().unwrap();
        let mut silent = vec![];
        for kind in schema["__schema"]["types"].as_array().unwrap() {
            // GraphQL's own need no words of ours.
            if !kind["name"].as_str().is_some_and(|name| name.starts_with("__") || name == "ID") {
                find_silent(kind, "", &mut silent);
            }
        }
        assert_eq!(silent, Vec::<String>::new());
    }

    fn find_silent(thing: &Value, place: &str, silent: &mut Vec<String>) {
        let name = format!("{place}{}", thing["name"].as_str().unwrap());
        if thing["description"].as_str().is_none_or(str::is_empty) {
            silent.push(name.clone());
        }
        for parts in ["fields", "args", "inputFields", "enumValues"] {
            for part in thing[parts].as_array().into_iter().flatten() {
                find_silent(part, &format!("{name}."), silent);
            }
        }
    }
}
