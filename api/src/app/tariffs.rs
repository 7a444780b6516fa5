//! Tariffs, as their files say.

use daftar_domain::{
    Code,
    tariff::{BadTariff, Command, PublishTariff, Tariff, TariffSeries},
};

use super::{Wish, Written};
use crate::problem::{Flaw, Problem};

/// A tariff as it was published.
#[derive(Clone, Debug)]
pub struct Published {
    pub code: Code,
    pub series: Code,
    pub written: Written,
}

impl Wish<'_> {
    /// Publishes a tariff from the text of its file. What is wrong with that is told with its line and place.
    pub async fn publish_tariff(&self, text: &str) -> Result<Published, Problem> {
        let tariff: Tariff = text.parse().map_err(|error: BadTariff| {
            let BadTariff { line, place, reason, .. } = error;
            Problem::invalid(place, Flaw::Unreadable { reason: format!("line {line}: {reason}") })
        })?;
        let (code, series) = (tariff.code.clone(), tariff.series().clone());
        let written =
            self.ask::<TariffSeries>(TariffSeries::stream(&series).id(), Command::PublishTariff(PublishTariff { tariff })).await?;
        Ok(Published { code, series, written })
    }
}
