//! Which subsidies an authority has granted to the account, and for which days.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Account, Event, Rejection};
use crate::{Code, Description, Reason, SubsidyGrants};

/// What the authority has decided. A later word about the same days counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GrantSubsidy {
    /// As tariffs call it.
    pub scheme: Code,
    pub from: NaiveDate,
    /// The day after the last; open if absent.
    pub to: Option<NaiveDate>,
    /// Where it is written: the number of the authority's decision, and nothing about a person.
    pub proof: Description,
    /// When the authority looks at it again.
    pub renew_by: Option<NaiveDate>,
}

/// From a day on it is not granted any more: not granted at all, if that day is not after its first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndSubsidy {
    pub scheme: Code,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubsidyGranted {
    pub scheme: Code,
    pub from: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<NaiveDate>,
    pub proof: Description,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_by: Option<NaiveDate>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubsidyEnded {
    pub scheme: Code,
    /// The first day without it.
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Subsidies {
    grants: SubsidyGrants,
    /// Of each scheme, to tell a word said twice from another.
    last: BTreeMap<Code, Word>,
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Granted(SubsidyGranted),
    Ended(NaiveDate),
}

impl Subsidies {
    pub(super) fn grants(&self) -> &SubsidyGrants {
        &self.grants
    }

    pub(super) fn granted(&mut self, fact: &SubsidyGranted) {
        self.grants.grant(fact.scheme.clone(), fact.from, fact.to);
        self.last.insert(fact.scheme.clone(), Word::Granted(fact.clone()));
    }

    pub(super) fn ended(&mut self, fact: &SubsidyEnded) {
        self.grants.end(fact.scheme.clone(), fact.on);
        self.last.insert(fact.scheme.clone(), Word::Ended(fact.on));
    }
}

impl Account {
    pub(super) fn grant_subsidy(&self, wish: GrantSubsidy) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let GrantSubsidy { scheme, from, to, proof, renew_by } = wish;
        if to.is_some_and(|to| to <= from) {
            return Err(Rejection::SubsidyPeriodEmpty);
        }
        let granted = SubsidyGranted { scheme, from, to, proof, renew_by };
        match self.subsidies.last.get(&granted.scheme) {
            Some(Word::Granted(already)) if *already == granted => Ok(vec![]),
            Some(_) | None => Ok(vec![granted.into()]),
        }
    }

    pub(super) fn end_subsidy(&self, wish: EndSubsidy) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let EndSubsidy { scheme, on, reason } = wish;
        if self.subsidies.last.get(&scheme) == Some(&Word::Ended(on)) {
            return Ok(vec![]);
        }
        if !self.subsidies.grants.holds_from(&scheme, on) {
            return Err(Rejection::SubsidyNotGranted);
        }
        Ok(vec![SubsidyEnded { scheme, on, reason }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{Command, example::*},
        spec::given,
    };

    fn granted(from: &str, to: Option<&str>) -> SubsidyGranted {
        SubsidyGranted { from: day(from), to: to.map(day), ..subsidy_granted() }
    }

    fn grant(SubsidyGranted { scheme, from, to, proof, renew_by }: SubsidyGranted) -> Command {
        Command::GrantSubsidy(GrantSubsidy { scheme, from, to, proof, renew_by })
    }

    fn ended(on: &str) -> SubsidyEnded {
        SubsidyEnded { scheme: code("homes"), on: day(on), reason: reason("income above the limit") }
    }

    fn end(SubsidyEnded { scheme, on, reason }: SubsidyEnded) -> Command {
        Command::EndSubsidy(EndSubsidy { scheme, on, reason })
    }

    #[test]
    fn a_subsidy_is_granted_for_days() {
        for to in [None, Some("2024-02-02")] {
            given::<Account>([opened()]).when(grant(granted("2024-02-01", to))).then([granted("2024-02-01", to).into()]);
        }
        for to in ["2024-02-01", "2024-01-01"] {
            given::<Account>([opened()]).when(grant(granted("2024-02-01", Some(to)))).then_rejected(Rejection::SubsidyPeriodEmpty);
        }
        given::<Account>([]).when(grant(granted("2024-02-01", None))).then_rejected(Rejection::NotOpen);
    }

    #[test]
    fn a_grant_is_recorded_once_until_something_else_is_said() {
        let (first, second) = (granted("2024-02-01", None), granted("2024-02-01", Some("2024-03-01")));
        given::<Account>([opened(), first.clone().into()]).when(grant(first.clone())).then_nothing();
        given::<Account>([opened(), first.clone().into()]).when(grant(second.clone())).then([second.clone().into()]);
        given::<Account>([opened(), first.clone().into(), second.into()]).when(grant(first.clone())).then([first.clone().into()]);
        let renewed = SubsidyGranted { renew_by: None, ..first.clone() };
        given::<Account>([opened(), first.into()]).when(grant(renewed.clone())).then([renewed.into()]);
    }

    #[test]
    fn only_what_is_granted_ends() {
        let facts = || [opened(), granted("2024-02-01", Some("2024-06-01")).into()];
        for on in ["2024-01-01", "2024-02-01", "2024-05-31"] {
            given::<Account>(facts()).when(end(ended(on))).then([ended(on).into()]);
        }
        given::<Account>(facts()).when(end(ended("2024-06-01"))).then_rejected(Rejection::SubsidyNotGranted);
        let other = SubsidyEnded { scheme: code("farms"), ..ended("2024-03-01") };
        given::<Account>(facts()).when(end(other)).then_rejected(Rejection::SubsidyNotGranted);
        let over = || facts().into_iter().chain([ended("2024-03-01").into()]);
        given::<Account>(over()).when(end(ended("2024-03-01"))).then_nothing();
        given::<Account>(over()).when(end(ended("2024-04-01"))).then_rejected(Rejection::SubsidyNotGranted);
        given::<Account>(over()).when(end(ended("2024-02-15"))).then([ended("2024-02-15").into()]);
        let again = granted("2024-02-01", None);
        given::<Account>(over()).when(grant(again.clone())).then([again.into()]);
    }

    #[test]
    fn rating_is_told_of_it() {
        let account = account([granted("2024-02-01", None).into(), ended("2024-03-01").into()]);
        let held: Vec<_> =
            ["2024-01-31", "2024-02-01", "2024-02-29", "2024-03-01"].map(|on| account.subsidies().holds_on(&code("homes"), day(on))).into();
        assert_eq!(held, [false, true, true, false]);
    }
}
