//! Tariffs: what a unit costs, for whom, from when.

use async_graphql::{InputObject, SimpleObject};

use super::{By::Staff, Record, mutations};
use crate::{
    app::{Published, Wish},
    caller::Role,
    problem::Problem,
};

mutations! {
    TariffMutation

    /// Publishes a tariff as a version of its series: an open version before it ends on the day it begins. A published tariff is never changed.
    publish_tariff(PublishTariffInput) -> TariffPayload, by Staff(&[Role::Billing]);
}

/// A tariff that is to be published.
#[derive(Debug, InputObject)]
struct PublishTariffInput {
    /// The tariff as the text of its file, in JSON.
    tariff: String,
}

/// The tariff as it was published.
#[derive(Debug, SimpleObject)]
struct TariffPayload {
    /// Its code.
    code: String,
    /// The code of the series that it is a version of.
    series: String,
    #[graphql(flatten)]
    record: Record,
}

async fn publish_tariff(wish: &Wish<'_>, input: PublishTariffInput) -> Result<TariffPayload, Problem> {
    let Published { code, series, written } = wish.publish_tariff(&input.tariff).await.map_err(|problem| problem.within("tariff"))?;
    Ok(TariffPayload { code: code.to_string(), series: series.to_string(), record: written.into() })
}
