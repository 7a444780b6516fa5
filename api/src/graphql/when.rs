use async_graphql::InputObject;
use chrono::{DateTime as Instant, NaiveDate, Utc};
use daftar_projections::{AsOf, ledger};

use super::scalars::{Date, DateTime};
use crate::{app::App, problem::Problem};

/// Which books are asked: what was known at an instant, as it applies on a day. Without it: all that is known by now, as it applies today.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct AsOfInput {
    /// What had been recorded by the end of this second; without it all that has been.
    pub recorded: Option<DateTime>,
    /// What applies on this day; without it today.
    pub effective: Option<Date>,
}

/// The same, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct When {
    recorded: Option<Instant<Utc>>,
    pub effective: NaiveDate,
}

impl When {
    pub fn parse(app: &App, input: Option<AsOfInput>) -> Result<Self, Problem> {
        let AsOfInput { recorded, effective } = input.unwrap_or_default();
        let effective = effective.map_or_else(|| Ok(app.today()), |day| day.day("asOf.effective"))?;
        Ok(Self { recorded: recorded.map(|instant| instant.0), effective })
    }

    /// Nothing, where the books of now are asked, which need no moment.
    pub fn past(app: &App, input: Option<AsOfInput>) -> Result<Option<Self>, Problem> {
        input.map(|input| Self::parse(app, Some(input))).transpose()
    }

    pub fn now(app: &App) -> Self {
        Self { recorded: None, effective: app.today() }
    }

    pub async fn as_of(self, app: &App) -> Result<AsOf, Problem> {
        match self.recorded {
            None => Ok(AsOf::now_known(self.effective)),
            Some(instant) => Ok(ledger::at_instant(&app.read_models, instant, self.effective).await?),
        }
    }
}

/// The moment of a list that is asked for as it was.
pub async fn moment(when: Option<When>, app: &App) -> Result<Option<AsOf>, Problem> {
    match when {
        None => Ok(None),
        Some(when) => Ok(Some(when.as_of(app).await?)),
    }
}

/// From a day to another, with both; with one of them up to where there are no more days.
pub fn days(from: (&'static str, Option<Date>), to: (&'static str, Option<Date>)) -> Result<Option<(NaiveDate, NaiveDate)>, Problem> {
    let day = |(field, day): (&'static str, Option<Date>)| day.map(|day| day.day(field)).transpose();
    let ends = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    Ok(match (day(from)?, day(to)?) {
        (None, None) => None,
        (from, to) => Some((from.unwrap_or(ends(1, 1, 1)), to.unwrap_or(ends(9999, 12, 31)))),
    })
}
