//! Reckoning a reading that nobody took, and what to expect of one that somebody did.

use chrono::{DateTime, Months, NaiveDate, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::{Event, Meter, MeterKind, Reading, ReadingKind, Rejection, readings::Installation};
use crate::{BillingPeriod, Code, UsageBasis, ids::ReadingId, money::round_half_up};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimateReading {
    pub reading_id: ReadingId,
    pub register: Code,
    pub taken_on: NaiveDate,
    pub taken_at: DateTime<Utc>,
    pub rules: EstimationRules,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimationRules {
    /// By what last year's usage is multiplied to look like this year's.
    pub trend: Decimal,
    /// What a customer of the class uses in a day, for a meter without a history.
    pub class_daily_average: Option<Decimal>,
    /// After so many in a row someone must go and look.
    pub max_successive: usize,
}

impl Default for EstimationRules {
    fn default() -> Self {
        Self { trend: Decimal::ONE, class_daily_average: None, max_successive: 3 }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingEstimated {
    pub reading: Reading,
    pub method: EstimationMethod,
    pub days: i64,
    /// To six decimals; the quantity comes from the unrounded one.
    pub daily_average: Decimal,
    /// What the days came to, before the dial's decimals cut it off.
    pub reckoned: Decimal,
    /// What the dial moves by, in billed units.
    pub quantity: Decimal,
    /// With this one, since the last actual reading.
    pub successive: usize,
}

/// In the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EstimationMethod {
    SamePeriodLastYear,
    LastActualPeriod,
    ClassDefault,
}

/// Usage over some days, as a fraction, so that nothing is rounded before the end.
#[derive(Clone, Copy, Debug)]
struct Pace {
    quantity: Decimal,
    days: Decimal,
}

impl Pace {
    fn over(self, days: i64) -> Decimal {
        self.quantity * Decimal::from(days) / self.days
    }
}

impl Meter {
    pub(super) fn estimate(&self, wish: EstimateReading) -> Result<Vec<Event>, Rejection> {
        let EstimateReading { reading_id, register: code, taken_on, taken_at, rules } = wish;
        let register = self.register_of(&code)?;
        if let Some(known) = self.readings.get(reading_id) {
            let known = &known.reading;
            // All but the figure, which is not the caller's.
            let again = Reading { reading_id, register: code, kind: ReadingKind::Estimated, value: known.value, taken_on, taken_at };
            return if *known == again { Ok(vec![]) } else { Err(Rejection::ReadingIdReused(reading_id)) };
        }
        if self.device()?.kind == MeterKind::Prepaid {
            return Err(Rejection::PrepaidIsNotEstimated);
        }
        let installation = self.installation_on(taken_on).ok_or(Rejection::NotInstalledThen(taken_on))?;
        let standing: Vec<_> = self.standing_in(installation, &code).collect();
        let last = *standing.last().ok_or(Rejection::NothingToEstimateFrom)?;
        if taken_at <= last.taken_at {
            return Err(Rejection::LaterReadingKnown(last.reading_id));
        }
        let last_actual = standing.iter().rposition(|reading| reading.is_actual()).unwrap_or(0);
        let since_actual = standing.len() - 1 - last_actual;
        if since_actual >= rules.max_successive {
            return Err(Rejection::VisitDue { estimates: since_actual });
        }
        let border = taken_on + chrono::Days::new(1);
        let days = (border - last.border()).num_days();
        if days <= 0 {
            return Err(Rejection::NoDaysToEstimate);
        }
        let (method, pace) = self.pace(installation, &code, last.border(), border, &rules).ok_or(Rejection::NothingToEstimateFrom)?;
        let reckoned = pace.over(days);
        // Cut off, not rounded: an estimate does not take the customer's benefit of the doubt.
        let gone = (reckoned / register.multiplier).round_dp_with_strategy(register.decimals, RoundingStrategy::ToZero);
        if register.turn(standing[last_actual].value, last.value) + gone >= register.capacity() {
            return Err(Rejection::EstimateTooLarge);
        }
        let passed = last.value + gone;
        let value = if passed < register.capacity() { passed } else { passed - register.capacity() };
        let quantity = gone * register.multiplier;
        let reading = Reading { reading_id, register: code, kind: ReadingKind::Estimated, value, taken_on, taken_at };
        let (daily_average, reckoned) = (round_half_up(pace.over(1), 6), round_half_up(reckoned, 6));
        Ok(vec![ReadingEstimated { reading, method, days, daily_average, reckoned, quantity, successive: since_actual + 1 }.into()])
    }

    fn pace(
        &self,
        installation: &Installation,
        register: &Code,
        from: NaiveDate,
        to: NaiveDate,
        rules: &EstimationRules,
    ) -> Option<(EstimationMethod, Pace)> {
        let last_year = self.last_year(installation, register, from, to).map(|pace| Pace { quantity: pace.quantity * rules.trend, ..pace });
        let last_period = || self.last_actual_periods(installation, register, from, 1);
        let class = || rules.class_daily_average.map(|average| Pace { quantity: average, days: Decimal::ONE });
        let last_year = last_year.map(|pace| (EstimationMethod::SamePeriodLastYear, pace));
        let last_period = || last_period().map(|pace| (EstimationMethod::LastActualPeriod, pace));
        last_year.or_else(last_period).or_else(|| class().map(|pace| (EstimationMethod::ClassDefault, pace)))
    }

    /// The usage to expect from one border to another: as last year, or as in the last three periods, or as the class does.
    pub(super) fn expected(
        &self,
        installation: &Installation,
        register: &Code,
        from: NaiveDate,
        to: NaiveDate,
        class_daily_average: Option<Decimal>,
    ) -> Option<Decimal> {
        let days = (to - from).num_days();
        if days <= 0 {
            return None;
        }
        let class = || class_daily_average.map(|average| Pace { quantity: average, days: Decimal::ONE });
        let recent = || self.last_actual_periods(installation, register, from, 3);
        let pace = self.last_year(installation, register, from, to).or_else(recent).or_else(class)?;
        Some(pace.over(days))
    }

    /// The same days of last year, if every one of them was measured.
    fn last_year(&self, installation: &Installation, register: &Code, from: NaiveDate, to: NaiveDate) -> Option<Pace> {
        let year = Months::new(12);
        let period = BillingPeriod::new(from.checked_sub_months(year)?, to.checked_sub_months(year)?).ok()?;
        let segments = self.usage_in(installation, register, period);
        let measured = segments.iter().all(|segment| segment.basis == UsageBasis::Measured);
        let days: i64 = segments.iter().map(|segment| segment.period.days()).sum();
        let whole = measured && days == period.days();
        whole.then(|| Pace { quantity: segments.iter().map(|segment| segment.quantity).sum(), days: Decimal::from(days) })
    }

    /// The last measured steps that ended by a date.
    fn last_actual_periods(&self, installation: &Installation, register: &Code, by: NaiveDate, count: usize) -> Option<Pace> {
        let anchors = self.anchors_in(installation, register);
        let steps = anchors.windows(2).rev().filter(|pair| pair[0].actual && pair[1].actual && pair[1].border <= by);
        let (quantity, days) = steps.take(count).fold((Decimal::ZERO, 0), |(quantity, days), pair| {
            (quantity + pair[1].total - pair[0].total, days + (pair[1].border - pair[0].border).num_days())
        });
        (days > 0).then(|| Pace { quantity, days: Decimal::from(days) })
    }
}
