//! When a supply may not be cut. The law's structure is code; its days, amounts and calendars are a file with a version.
//!
//! What the file does not know is forbidden: after the last day of its calendars nobody is cut until somebody has brought the next ones.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, Weekday};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Code, Money,
    account::{CustomerClass, Debt},
    dunning::HoldGround,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guard {
    pub version: Code,
    /// From the initial warning to the cut, holidays not counted.
    pub warning_days: u16,
    /// From the final notice to the cut.
    pub final_notice_days: u16,
    /// From so much on a supply may be cut; a currency that is not named has no such amount.
    pub smallest_debts: Vec<Money>,
    /// Or after so many months in a row, however little.
    #[serde(default)]
    pub unpaid_months: Option<u16>,
    pub hours: Hours,
    pub rest_days: Vec<Weekday>,
    pub holidays: Vec<Days>,
    /// Of the Umm al-Qura calendar, which is announced and not computed.
    pub ramadan: Vec<Days>,
    pub exams: Vec<Days>,
    /// The last day for which holidays and Ramadan are known, and exams as well if nothing else is said of them.
    pub calendars_until: NaiveDate,
    /// The last day for which exams are known: they are announced year by year, by others.
    #[serde(default)]
    pub exams_until: Option<NaiveDate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hours {
    pub from: NaiveTime,
    pub before: NaiveTime,
}

/// From the first day to the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Days {
    pub name: Code,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// Nobody had the announcement at hand who wrote it down: it was taken rather too long than too short.
    #[serde(default)]
    pub approximate: bool,
}

impl Days {
    fn contain(&self, day: NaiveDate) -> bool {
        (self.from..=self.to).contains(&day)
    }
}

/// What is known of the account when somebody wants to cut.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    pub class: CustomerClass,
    pub debt: Debt,
    pub warned_on: Option<NaiveDate>,
    pub final_notice_on: Option<NaiveDate>,
    pub held: Option<HoldGround>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Prohibited {
    #[error("a promise to pay runs")]
    Promised,
    #[error("an instalment plan runs")]
    OnAPlan,
    #[error("a complaint about the bill is open")]
    ComplaintOpen,
    #[error("somebody there cannot be without power")]
    CriticalNeed,
    #[error("nothing of the debt is for supply that is overdue")]
    NotFromConsumption,
    #[error("{owed} is too little, and {months} unpaid months in a row are too few")]
    TooLittle { owed: Money, months: usize },
    #[error("there was no initial warning")]
    NotWarned,
    #[error("the initial warning of {on} is less than {days} days old, holidays not counted")]
    WarnedTooLately { on: NaiveDate, days: u16 },
    #[error("there was no final notice")]
    NoFinalNotice,
    #[error("the final notice of {on} is less than {days} days old")]
    NoticeTooLate { on: NaiveDate, days: u16 },
    #[error("holidays, Ramadan and exams are known until {until} only")]
    CalendarsEnd { until: NaiveDate },
    #[error("exams are known until {until} only, and people live there")]
    ExamsUnknown { until: NaiveDate },
    #[error("it is a day of rest")]
    RestDay,
    #[error("it is a holiday: {name}")]
    Holiday { name: Code },
    #[error("it is Ramadan, and people live there: {name}")]
    Ramadan { name: Code },
    #[error("there are exams, and people live there: {name}")]
    Exams { name: Code },
    #[error("it is before {from}")]
    TooEarly { from: NaiveTime },
    #[error("it is {before} or later")]
    TooLateInTheDay { before: NaiveTime },
}

impl Guard {
    /// Everything that forbids the cut at this moment, by the clock on the wall there; nothing, if it is allowed.
    pub fn prohibits(&self, at: DateTime<FixedOffset>, evidence: &Evidence) -> Vec<Prohibited> {
        let wall = at.naive_local();
        let mut found = vec![];
        found.extend(evidence.held.map(|ground| match ground {
            HoldGround::PromiseToPay => Prohibited::Promised,
            HoldGround::InstalmentPlan => Prohibited::OnAPlan,
            HoldGround::OpenComplaint => Prohibited::ComplaintOpen,
            HoldGround::ProtectedCustomer => Prohibited::CriticalNeed,
        }));
        found.extend(self.prohibits_for_debt(wall.date(), &evidence.debt));
        found.extend(self.prohibits_for_notices(wall.date(), evidence));
        found.extend(self.prohibits_on(wall.date(), evidence.class));
        if wall.time() < self.hours.from {
            found.push(Prohibited::TooEarly { from: self.hours.from });
        }
        if wall.time() >= self.hours.before {
            found.push(Prohibited::TooLateInTheDay { before: self.hours.before });
        }
        found
    }

    fn prohibits_for_debt(&self, day: NaiveDate, debt: &Debt) -> Option<Prohibited> {
        let owed = debt.late_for_supply(day);
        if owed.minor <= 0 {
            return Some(Prohibited::NotFromConsumption);
        }
        let enough = self.smallest_debts.iter().find(|limit| limit.currency == owed.currency);
        let months = debt.months_unpaid(day);
        let long_enough = self.unpaid_months.is_some_and(|least| months >= usize::from(least));
        let may = long_enough || enough.is_none_or(|limit| owed.minor >= limit.minor);
        (!may).then_some(Prohibited::TooLittle { owed, months })
    }

    fn prohibits_for_notices(&self, day: NaiveDate, evidence: &Evidence) -> Vec<Prohibited> {
        let warning = match evidence.warned_on {
            None => Some(Prohibited::NotWarned),
            Some(on) if self.working_span(on, day) < self.warning_days.into() => {
                Some(Prohibited::WarnedTooLately { on, days: self.warning_days })
            }
            Some(_) => None,
        };
        let notice = match evidence.final_notice_on {
            None => Some(Prohibited::NoFinalNotice),
            Some(on) if (day - on).num_days() < self.final_notice_days.into() => {
                Some(Prohibited::NoticeTooLate { on, days: self.final_notice_days })
            }
            Some(_) => None,
        };
        warning.into_iter().chain(notice).collect()
    }

    /// The days after the first, up to and with the last, that are no holidays; no more of them are counted than matter.
    fn working_span(&self, from: NaiveDate, to: NaiveDate) -> usize {
        let days = from.iter_days().skip(1).take_while(|day| *day <= to).filter(|day| among(&self.holidays, *day).is_none());
        days.take(self.warning_days.into()).count()
    }

    /// The calendars that do not reach so far: nobody knows whether they forbid a cut, and so they do.
    pub fn unknown_on(&self, day: NaiveDate) -> impl Iterator<Item = Prohibited> {
        let ended = (day > self.calendars_until).then_some(Prohibited::CalendarsEnd { until: self.calendars_until });
        let exams = self.exams_until.filter(|until| day > *until).map(|until| Prohibited::ExamsUnknown { until });
        ended.into_iter().chain(exams)
    }

    fn prohibits_on(&self, day: NaiveDate, class: CustomerClass) -> Vec<Prohibited> {
        let lived_in = class == CustomerClass::Residential;
        let mut found: Vec<_> = self.unknown_on(day).filter(|why| lived_in || !matches!(why, Prohibited::ExamsUnknown { .. })).collect();
        if self.rest_days.contains(&day.weekday()) {
            found.push(Prohibited::RestDay);
        }
        found.extend(among(&self.holidays, day).map(|name| Prohibited::Holiday { name }));
        if lived_in {
            found.extend(among(&self.ramadan, day).map(|name| Prohibited::Ramadan { name }));
            found.extend(among(&self.exams, day).map(|name| Prohibited::Exams { name }));
        }
        found
    }
}

fn among(spans: &[Days], day: NaiveDate) -> Option<Code> {
    spans.iter().find(|days| days.contain(day)).map(|days| days.name.clone())
}

#[cfg(test)]
mod tests {
    use super::{super::example::*, *};
    use crate::account::{ChargeKind, Owed};

    fn found(at: &str, evidence: Evidence) -> Vec<Prohibited> {
        guard().prohibits(moment(at), &evidence)
    }

    fn code(text: &str) -> Code {
        Code::new(text).unwrap()
    }

    /// A lawful morning, and everything that makes it unlawful, one at a time.
    #[test]
    fn each_prohibition_by_itself() {
        let may = "2024-07-15T09:00:00+03:00";
        assert_eq!(found(may, evidence()), []);
        let held = |ground| found(may, Evidence { held: Some(ground), ..evidence() });
        assert_eq!(held(HoldGround::PromiseToPay), [Prohibited::Promised]);
        assert_eq!(held(HoldGround::InstalmentPlan), [Prohibited::OnAPlan]);
        assert_eq!(held(HoldGround::OpenComplaint), [Prohibited::ComplaintOpen]);
        assert_eq!(held(HoldGround::ProtectedCustomer), [Prohibited::CriticalNeed]);
        let warned = |warned_on: Option<&str>| found(may, Evidence { warned_on: warned_on.map(day), ..evidence() });
        assert_eq!(warned(None), [Prohibited::NotWarned]);
        // Four days of Eid are not counted.
        assert_eq!(warned(Some("2024-06-11")), []);
        assert_eq!(warned(Some("2024-06-12")), [Prohibited::WarnedTooLately { on: day("2024-06-12"), days: 30 }]);
        let noticed = |on: Option<&str>| found(may, Evidence { final_notice_on: on.map(day), ..evidence() });
        assert_eq!(noticed(None), [Prohibited::NoFinalNotice]);
        assert_eq!(noticed(Some("2024-07-11")), []);
        assert_eq!(noticed(Some("2024-07-12")), [Prohibited::NoticeTooLate { on: day("2024-07-12"), days: 4 }]);
    }

    #[test]
    fn days_and_hours() {
        let at = |at: &str| found(at, evidence());
        assert_eq!(at("2024-07-15T07:29:59+03:00"), [Prohibited::TooEarly { from: "07:30:00".parse().unwrap() }]);
        assert_eq!(at("2024-07-15T07:30:00+03:00"), []);
        assert_eq!(at("2024-07-15T11:59:59+03:00"), []);
        assert_eq!(at("2024-07-15T12:00:00+03:00"), [Prohibited::TooLateInTheDay { before: "12:00:00".parse().unwrap() }]);
        // The clock on the wall there counts, and not Riyadh's.
        assert_eq!(at("2024-07-15T09:00:00+00:00"), []);
        assert_eq!(at("2024-07-19T09:00:00+03:00"), [Prohibited::RestDay]);
        assert_eq!(at("2024-09-23T09:00:00+03:00"), [Prohibited::Holiday { name: code("national-day-2024") }]);
        let shops = |at: &str| found(at, Evidence { class: CustomerClass::Commercial, ..evidence() });
        assert_eq!(shops("2027-12-30T09:00:00+03:00"), []);
        assert_eq!(shops("2028-01-03T09:00:00+03:00"), [Prohibited::CalendarsEnd { until: day("2027-12-31") }]);
    }

    #[test]
    fn ramadan_and_exams_protect_those_who_live_there() {
        let long_ago = |class| Evidence {
            class,
            warned_on: Some(day("2024-01-01")),
            final_notice_on: Some(day("2024-02-01")),
            debt: crate::dunning::example::debt(&["2023-12-01"]),
            held: None,
        };
        for (at, why) in [
            ("2024-03-10T09:00:00+03:00", None),
            ("2024-03-11T09:00:00+03:00", Some(Prohibited::Ramadan { name: code("ramadan-1445") })),
            ("2024-04-07T09:00:00+03:00", Some(Prohibited::Ramadan { name: code("ramadan-1445") })),
            ("2024-05-26T09:00:00+03:00", Some(Prohibited::Exams { name: code("third-term-1445") })),
            ("2024-06-11T09:00:00+03:00", None),
            ("2024-12-31T09:00:00+03:00", None),
            ("2025-01-01T09:00:00+03:00", Some(Prohibited::ExamsUnknown { until: day("2024-12-31") })),
        ] {
            assert_eq!(found(at, long_ago(CustomerClass::Residential)), Vec::from_iter(why), "{at}");
            assert_eq!(found(at, long_ago(CustomerClass::Commercial)), [], "{at}");
        }
    }

    /// By the Umm al-Qura calendar.
    #[test]
    fn ramadan_of_the_years_to_come() {
        for (first, last) in [("2025-03-01", "2025-03-29"), ("2026-02-18", "2026-03-19"), ("2027-02-08", "2027-03-09")] {
            let fasted = |day: NaiveDate| {
                guard().prohibits_on(day, CustomerClass::Residential).iter().any(|why| matches!(why, Prohibited::Ramadan { .. }))
            };
            let (first, last) = (day(first), day(last));
            assert!(first.iter_days().take_while(|day| *day <= last).all(fasted), "{first}");
            assert!(!fasted(first.pred_opt().unwrap()) && !fasted(last.succ_opt().unwrap()), "{first}");
            assert!(among(&guard().holidays, last.succ_opt().unwrap()).is_some(), "Eid follows {last}");
        }
    }

    #[test]
    fn enough_or_long_enough_and_only_for_supply() {
        let may = "2024-07-15T09:00:00+03:00";
        let owing = |kind, minor, dues: &[&str]| {
            let owed = dues.iter().map(|due| Owed { due_on: day(due), kind, amount: sar(minor) }).collect();
            found(may, Evidence { debt: Debt { currency: crate::Currency::SAR, owed }, ..evidence() })
        };
        let halves = ["2024-01-15", "2024-02-15", "2024-03-15", "2024-04-15", "2024-05-15", "2024-06-15"];
        assert_eq!(owing(ChargeKind::Supply, 40_000, &["2024-06-01"]), []);
        let little = |owed, months| [Prohibited::TooLittle { owed: sar(owed), months }];
        assert_eq!(owing(ChargeKind::Supply, 39_999, &["2024-06-01"]), little(39_999, 1));
        assert_eq!(owing(ChargeKind::Supply, 1_000, &halves), []);
        assert_eq!(owing(ChargeKind::Supply, 1_000, &halves[1..]), little(5_000, 5));
        assert_eq!(owing(ChargeKind::Supply, 40_000, &["2024-07-15"]), [Prohibited::NotFromConsumption]);
        for kind in [ChargeKind::LateFee, ChargeKind::ReconnectFee, ChargeKind::Repair, ChargeKind::ConnectionFee] {
            assert_eq!(owing(kind, 90_000, &["2024-06-01"]), [Prohibited::NotFromConsumption], "{kind:?}");
        }
    }

    #[test]
    fn a_word_that_the_rules_do_not_know_is_named() {
        let good = include_str!("../../../fixtures/collections/guard-ksa.json");
        let wrong = good.replace("\"exams\"", "\"exam\"");
        assert!(serde_json::from_str::<Guard>(&wrong).unwrap_err().to_string().contains("unknown field `exam`"));
    }
}
