//! What an actual reading does to the estimates before it.

use serde::{Deserialize, Serialize};

use rust_decimal::Decimal;

use super::{
    Event, Meter, Reading,
    consumption::{Anchor, share},
    readings::Installation,
};
use crate::{BillingPeriod, Code, ids::ReadingId};

/// What to do about estimates once the truth is known. It depends on the tariff, which the meter does not know, so it arrives in the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TrueUpRules {
    /// Usage that the estimates left out is spread by days over all the days since the last actual reading, so that one bill does not
    /// climb the slabs for all of them.
    pub respread: bool,
    pub overestimated: Overestimated,
}

/// What follows when less was used than was billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Overestimated {
    /// The estimated bills are cancelled and billed again.
    Rebill,
    /// The next bill carries the difference as a credit.
    Credit,
}

impl TrueUpRules {
    /// A credit at the price of the estimated period is right only if a marginal tariff charged one price for all of it. Under whole-quantity and
    /// hybrid tariffs, or across a slab's border, less usage may have another price altogether.
    pub const fn for_tariff(one_slab_of_a_marginal_tariff: bool) -> Self {
        Self { respread: true, overestimated: if one_slab_of_a_marginal_tariff { Overestimated::Credit } else { Overestimated::Rebill } }
    }
}

/// An actual reading settled what estimates had left open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimatesTruedUp {
    pub register: Code,
    /// The actual reading before the estimates; this one itself if there is none.
    pub since: ReadingId,
    pub actual: ReadingId,
    pub settlement: Settlement,
    /// The estimates that count no more. A bill that stands on one is to be cancelled and billed again.
    pub superseded: Vec<ReadingId>,
    pub parts: Vec<TrueUpPart>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Settlement {
    /// By days over all the periods since the last actual reading.
    Respread,
    /// The estimates stand; the next bill takes what they left out.
    CarriedForward,
    /// Too much was estimated: the estimates give way.
    Rebilled,
    /// Too much was estimated: the estimates stand, and the next bill gives back the difference.
    Credited,
}

/// The days between two of the readings concerned, as they were estimated and as they are settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrueUpPart {
    pub period: BillingPeriod,
    /// The estimate that ends them; none for the days up to the actual reading.
    pub estimate: Option<ReadingId>,
    pub estimated: Decimal,
    pub settled: Decimal,
}

impl Meter {
    /// The settlement that an actual reading brings, if there are estimates for it to settle. It may be among those that count already, or not yet.
    pub(super) fn true_up(&self, installation: &Installation, actual: &Reading, rules: TrueUpRules) -> Option<Event> {
        let register = self.register_of(&actual.register).ok()?;
        let neighbours = self.neighbours(installation, actual);
        let Some(since) = neighbours.previous_actual else {
            return self.orphans(installation, actual, neighbours.next_actual);
        };
        let gone = |reading: &Reading| self.readings.gone(register, since, reading);
        let between = |reading: &&Reading| since.taken_at < reading.taken_at && !reading.is_actual();
        let before_next = |reading: &&Reading| neighbours.next_actual.is_none_or(|next| reading.taken_at < next.taken_at);
        let estimates = self.standing_in(installation, &actual.register).filter(between).filter(before_next);
        // An estimate of the same instant was put first, and gives way like those before.
        let (before, after): (Vec<_>, Vec<_>) = estimates.partition(|estimate| estimate.taken_at <= actual.taken_at);
        // Past a reset, an estimate was reckoned on a dial that no longer shows it.
        let reset = self.readings.reset_to(actual).is_some();
        let overtaken = after.iter().filter(|estimate| reset || gone(estimate) < gone(actual));

        let too_much = before.last().is_some_and(|last| gone(actual) < gone(last));
        let settlement = match (too_much, rules.respread, rules.overestimated) {
            (false, true, _) => Settlement::Respread,
            (false, false, _) => Settlement::CarriedForward,
            (true, _, Overestimated::Rebill) => Settlement::Rebilled,
            (true, _, Overestimated::Credit) => Settlement::Credited,
        };
        let gives_way = |estimate: &&&Reading| match settlement {
            // A day ends with one figure, and the actual one is it.
            _ if estimate.border() == actual.border() => true,
            Settlement::Respread => true,
            Settlement::Rebilled => rules.respread || gone(actual) < gone(estimate),
            Settlement::CarriedForward | Settlement::Credited => false,
        };
        let superseded: Vec<_> = before.iter().filter(gives_way).chain(overtaken).map(|estimate| estimate.reading_id).collect();
        if before.is_empty() && superseded.is_empty() {
            return None;
        }

        let all = |kept: &dyn Fn(&Reading) -> bool| {
            let kept: Vec<_> = before.iter().copied().filter(|estimate| kept(estimate)).collect();
            self.anchors(register, [since].into_iter().chain(kept).chain([actual]))
        };
        let estimated = self.anchors(register, [since].into_iter().chain(before.iter().copied()));
        let settled = all(&|estimate| !superseded.contains(&estimate.reading_id));
        let ends = estimated.iter().skip(1).map(|anchor| (anchor.border, Some(*anchor))).chain([(actual.border(), None)]);
        let mut parts: Vec<TrueUpPart> = Vec::new();
        let mut from = since.border();
        for (to, estimate) in ends {
            let Ok(period) = BillingPeriod::new(from, to) else { continue };
            let in_period = |anchors: &[Anchor]| -> Decimal {
                let steps = anchors.windows(2).filter_map(|pair| {
                    let days = BillingPeriod::new(pair[0].border, pair[1].border).ok()?.intersection(period)?;
                    Some(share(pair[0], pair[1], days))
                });
                steps.sum()
            };
            let estimate_id = estimate.map(|anchor| anchor.reading_id);
            parts.push(TrueUpPart { period, estimate: estimate_id, estimated: in_period(&estimated), settled: in_period(&settled) });
            from = to;
        }
        let register = actual.register.clone();
        Some(EstimatesTruedUp { register, since: since.reading_id, actual: actual.reading_id, settlement, superseded, parts }.into())
    }

    /// Estimates that lost the reading they were reckoned from. Whatever they said, the first actual reading says better.
    fn orphans(&self, installation: &Installation, actual: &Reading, next_actual: Option<&Reading>) -> Option<Event> {
        let estimates = self.standing_in(installation, &actual.register).filter(|reading| !reading.is_actual());
        let before_next = estimates.filter(|reading| next_actual.is_none_or(|next| reading.taken_at < next.taken_at));
        let superseded: Vec<_> = before_next.map(|reading| reading.reading_id).collect();
        if superseded.is_empty() {
            return None;
        }
        let (register, actual) = (actual.register.clone(), actual.reading_id);
        Some(EstimatesTruedUp { register, since: actual, actual, settlement: Settlement::Rebilled, superseded, parts: vec![] }.into())
    }
}
