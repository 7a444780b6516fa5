//! The tariff series: which versions were published. A published version is never edited; a change is a successor.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Placement, Series, SeriesError, Tariff};
use crate::{Code, Decider, StreamName, ids, schema::events};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    PublishTariff(PublishTariff),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishTariff {
    pub tariff: Tariff,
}

events! {
    TariffPublished 1
    TariffClosed 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TariffPublished {
    pub tariff: Tariff,
}

/// An open version ended because another begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TariffClosed {
    pub code: Code,
    /// The first day it no longer applies.
    pub effective_to: NaiveDate,
    pub successor: Code,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("`{code}` is of the series `{series}`, not of `{expected}`")]
    OtherSeries { code: Code, series: Code, expected: Code },
    #[error(transparent)]
    NoPlace(#[from] SeriesError),
}

#[derive(Clone, Debug, Default)]
pub struct TariffSeries {
    series: Series,
}

impl Decider for TariffSeries {
    const CATEGORY: &'static str = "tariff";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::PublishTariff(wish) => self.publish(wish),
        }
    }

    fn evolve(self, event: &Event) -> Self {
        let series = match event {
            Event::TariffPublished(TariffPublished { tariff }) => self.series.with(tariff.clone()),
            Event::TariffClosed(TariffClosed { code, effective_to, successor: _ }) => self.series.closed(code, *effective_to),
        };
        Self { series }
    }
}

impl TariffSeries {
    /// The stream of the series with this code.
    pub fn stream(series: &Code) -> StreamName {
        StreamName::of::<Self>(ids::tariff_series_id(series.as_str()))
    }

    /// What rating needs of it.
    pub fn series(&self) -> &Series {
        &self.series
    }

    fn publish(&self, PublishTariff { tariff }: PublishTariff) -> Result<Vec<Event>, Rejection> {
        if let Some(first) = self.series.versions().first().filter(|first| first.tariff.series() != tariff.series()) {
            let (series, expected) = (tariff.series().clone(), first.tariff.series().clone());
            return Err(Rejection::OtherSeries { code: tariff.code.clone(), series, expected });
        }
        match self.series.place(&tariff)? {
            Placement::Already => Ok(vec![]),
            Placement::Free => Ok(vec![TariffPublished { tariff }.into()]),
            Placement::Closing(code) => {
                let closed = TariffClosed { code, effective_to: tariff.effective_from, successor: tariff.code.clone() };
                Ok(vec![closed.into(), TariffPublished { tariff }.into()])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Days;
    use proptest::{collection::vec, option, prelude::*};

    use super::*;
    use crate::{
        Currency, EventSchema, Service,
        account::CustomerClass,
        spec::given,
        tariff::{
            Terms,
            example::{changed, everything, open_from, running},
        },
    };

    fn publish(tariff: Tariff) -> Command {
        Command::PublishTariff(PublishTariff { tariff })
    }

    fn published(tariff: Tariff) -> Event {
        Event::TariffPublished(TariffPublished { tariff })
    }

    fn closed(code: &str, effective_to: &str, successor: &str) -> Event {
        let (code, successor) = (code.parse().unwrap(), successor.parse().unwrap());
        Event::TariffClosed(TariffClosed { code, effective_to: effective_to.parse().unwrap(), successor })
    }

    fn history() -> [Event; 3] {
        [published(open_from("a", "2020-01-01")), closed("a", "2021-01-01", "b"), published(open_from("b", "2021-01-01"))]
    }

    #[test]
    fn a_version_is_published_once() {
        given::<TariffSeries>([]).when(publish(everything())).then([published(everything())]);
        given::<TariffSeries>([published(everything())]).when(publish(everything())).then_nothing();
    }

    #[test]
    fn a_successor_closes_an_open_version_and_follows_a_closed_one() {
        let [first, closed, second] = history();
        given::<TariffSeries>([first]).when(publish(open_from("b", "2021-01-01"))).then([closed, second]);
        let first = published(running("a", "2020-01-01", "2021-01-01"));
        given::<TariffSeries>([first]).when(publish(open_from("b", "2021-01-01"))).then([published(open_from("b", "2021-01-01"))]);
    }

    #[test]
    fn a_version_that_was_closed_since_is_still_the_one_that_was_published() {
        given::<TariffSeries>(history()).when(publish(open_from("a", "2020-01-01"))).then_nothing();
    }

    #[test]
    fn what_came_before_the_first_version_may_be_published_after_it() {
        let earlier = running("z", "2019-01-01", "2020-01-01");
        given::<TariffSeries>(history()).when(publish(earlier.clone())).then([published(earlier)]);
    }

    #[test]
    fn a_published_version_is_never_edited() {
        let dearer = changed(open_from("a", "2020-01-01"), |terms| terms.brackets[0].segments[0].price = "0.19".parse().unwrap());
        let reused = Rejection::NoPlace(SeriesError::CodeReused(dearer.code.clone()));
        given::<TariffSeries>(history()).when(publish(dearer)).then_rejected(reused);
    }

    #[test]
    fn gaps_and_overlaps_are_refused() {
        let overlap = |code: &str, other: &str, on: &str| {
            Rejection::NoPlace(SeriesError::Overlap { code: code.parse().unwrap(), other: other.parse().unwrap(), on: on.parse().unwrap() })
        };
        let gap = |code: &str, from: &str, until: &str| {
            Rejection::NoPlace(SeriesError::Gap { code: code.parse().unwrap(), from: from.parse().unwrap(), until: until.parse().unwrap() })
        };
        for (tariff, rejection) in [
            (open_from("c", "2021-01-01"), overlap("c", "b", "2021-01-01")),
            (open_from("c", "2020-06-01"), overlap("c", "a", "2020-06-01")),
            (open_from("c", "2019-06-01"), overlap("c", "a", "2020-01-01")),
            (running("c", "2019-01-01", "2020-01-02"), overlap("c", "a", "2020-01-01")),
            (running("c", "2019-01-01", "2019-12-31"), gap("c", "2019-12-31", "2020-01-01")),
        ] {
            given::<TariffSeries>(history()).when(publish(tariff)).then_rejected(rejection);
        }
        let ended = [published(running("a", "2020-01-01", "2021-01-01"))];
        given::<TariffSeries>(ended).when(publish(open_from("c", "2021-01-02"))).then_rejected(gap("c", "2021-01-01", "2021-01-02"));
    }

    proptest! {
        /// Whatever is asked, in whatever order: what was published holds together, and asking again changes nothing.
        #[test]
        fn no_history_has_a_gap_or_an_overlap(wishes in vec((0..6_u64, 0..40_u64, option::of(1..40_u64)), 1..12)) {
            let mut state = TariffSeries::default();
            for (code, start, length) in wishes {
                let from = NaiveDate::default() + Days::new(start);
                let tariff = changed(open_from(&format!("v{code}"), "2020-01-01"), |terms| {
                    terms.effective_from = from;
                    terms.effective_to = length.map(|length| from + Days::new(length));
                });
                let Ok(events) = state.decide(publish(tariff.clone())) else { continue };
                for event in &events {
                    prop_assert_eq!(&Event::decode(event.event_type(), event.version(), &event.encode()).unwrap(), event);
                }
                state = events.iter().fold(state, TariffSeries::evolve);
                prop_assert_eq!(state.decide(publish(tariff)), Ok(vec![]));
                let versions = state.series().versions();
                prop_assert!(versions.windows(2).all(|pair| pair[0].effective_to == Some(pair[1].effective_from())));
                prop_assert!(versions.iter().all(|version| version.effective_to.is_none_or(|to| version.effective_from() < to)));
            }
        }
    }

    #[test]
    fn versions_of_a_series_bill_the_same_thing() {
        let differs = |change: fn(&mut Terms), what| {
            let other = changed(open_from("c", "2022-01-01"), change);
            let refused = SeriesError::Differs { code: other.code.clone(), other: "a".parse().unwrap(), what };
            given::<TariffSeries>(history()).when(publish(other)).then_rejected(Rejection::NoPlace(refused));
        };
        differs(|terms| terms.service = Service::Water, "service");
        differs(|terms| terms.class = CustomerClass::Commercial, "class");
        differs(|terms| terms.currency = Currency::EGP, "currency");
        let stranger = changed(open_from("c", "2022-01-01"), |terms| terms.series = Some("other".parse().unwrap()));
        let (code, series, expected) = ("c".parse().unwrap(), "other".parse().unwrap(), "made-up".parse().unwrap());
        given::<TariffSeries>(history()).when(publish(stranger)).then_rejected(Rejection::OtherSeries { code, series, expected });
    }

    #[test]
    fn a_series_has_one_stream_for_ever() {
        let name = TariffSeries::stream(&"ksa-sec-residential".parse().unwrap());
        assert_eq!(name.to_string(), "tariff-5dbee398-231f-5885-9548-baa5f8113b65");
        assert_ne!(name, TariffSeries::stream(&"ksa-water-2016".parse().unwrap()));
    }
}
