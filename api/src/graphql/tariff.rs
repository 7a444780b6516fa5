//! Tariffs, and what a bill by them would come to. They are for everybody: nobody has to sign in.

use std::num::NonZeroU32;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use daftar_domain::{
    BillingPeriod, Code, UsageBasis, UsageSegment,
    premises::PremisesFacts,
    rating::{Rounding, Supply, rate},
    tariff::{self as domain, Quantity, Series, Version},
};
use daftar_projections::tariffs;

use super::{
    answer, app,
    bill::BillReckoning,
    enums::{CustomerClass, Service, VatCategory},
    scalars::{Date, Decimal},
    when::{AsOfInput, When},
};
use crate::problem::{Flaw, Problem};

#[derive(Clone, Debug)]
struct TariffVersion(Version);

/// A tariff as it was published, and when it stops applying.
#[Object]
impl TariffVersion {
    /// The version's own name.
    async fn code(&self) -> &str {
        self.0.tariff.code.as_str()
    }

    /// Which versions follow one another.
    async fn series(&self) -> &str {
        self.0.tariff.series().as_str()
    }

    /// Where the figures were printed.
    async fn source(&self) -> Option<&str> {
        self.0.tariff.source.as_deref()
    }

    /// What is supplied.
    async fn service(&self) -> Service {
        self.0.tariff.service.into()
    }

    /// To whom.
    async fn class(&self) -> CustomerClass {
        self.0.tariff.class.into()
    }

    /// The ISO 4217 code of the currency.
    async fn currency(&self) -> &'static str {
        self.0.tariff.currency.code()
    }

    /// The first day on which it applies.
    async fn effective_from(&self) -> Date {
        self.0.tariff.effective_from.into()
    }

    /// The first day on which it no longer applies; null while no end is known.
    async fn effective_to(&self) -> Option<Date> {
        self.0.effective_to.map(Date::from)
    }

    /// For how many days its widths and fees are stated.
    async fn normal_days(&self) -> u16 {
        self.0.tariff.period.normal_days
    }

    /// How it is taxed.
    async fn vat_category(&self) -> VatCategory {
        self.0.tariff.vat.category.into()
    }

    /// At which rate: 0.15 is fifteen per cent.
    async fn vat_rate(&self) -> Decimal {
        Decimal::from(self.0.tariff.vat.rate.get())
    }

    /// What usage costs. Usage up to and with a bracket's limit is billed by it, more by the next one, from the first unit on.
    async fn brackets(&self) -> Vec<TariffBracket> {
        self.0.tariff.brackets.iter().map(TariffBracket::from).collect()
    }

    /// What is charged for each period, whatever is used.
    async fn fixed_charges(&self) -> Vec<TariffFixedCharge> {
        let charge = |charge: &domain::FixedCharge| TariffFixedCharge {
            code: charge.code.to_string(),
            amount: Decimal::from(charge.amount.get()),
            breaker_amps_min: charge.when.and_then(|when| when.breaker_amps_min),
            breaker_amps_max: charge.when.and_then(|when| when.breaker_amps_max),
        };
        self.0.tariff.fixed_charges.iter().map(charge).collect()
    }

    /// Percentages of the charge for usage.
    async fn surcharges(&self) -> Vec<TariffSurcharge> {
        let surcharge = |surcharge: &domain::Surcharge| TariffSurcharge {
            code: surcharge.code.to_string(),
            percent_of_usage: Decimal::from(surcharge.percent_of_usage.get()),
        };
        self.0.tariff.surcharges.iter().map(surcharge).collect()
    }

    /// What is taken off for those who used so much.
    async fn reductions(&self) -> Vec<TariffReduction> {
        let reduction = |reduction: &domain::Reduction| TariffReduction {
            code: reduction.code.to_string(),
            from: Decimal::from(reduction.from.to_decimal()),
            to: Decimal::from(reduction.to.to_decimal()),
            amount: Decimal::from(reduction.amount.get()),
        };
        self.0.tariff.reductions.iter().map(reduction).collect()
    }

    /// What authorities pay of the charge, in the order in which it is reckoned.
    async fn subsidies(&self) -> Vec<TariffSubsidy> {
        self.0.tariff.subsidies.iter().map(TariffSubsidy::from).collect()
    }

    /// What usage costs at least.
    async fn minimum_charge(&self) -> Option<Decimal> {
        self.0.tariff.minimum_charge.map(|figure| Decimal::from(figure.get()))
    }

    /// What is charged in place of the bracket's fee when nothing was used.
    async fn zero_usage_fee(&self) -> Option<Decimal> {
        self.0.tariff.zero_usage_fee.map(|figure| Decimal::from(figure.get()))
    }
}

/// Prices for usage up to a limit.
#[derive(Debug, SimpleObject)]
struct TariffBracket {
    /// The limit, which is in it; null if it has none.
    up_to: Option<Decimal>,
    /// What is charged for a period in it.
    fee: Decimal,
    /// The prices, one after another.
    segments: Vec<TariffSegment>,
}

impl From<&domain::Bracket> for TariffBracket {
    fn from(bracket: &domain::Bracket) -> Self {
        let segment = |segment: &domain::Segment| TariffSegment {
            width: segment.width.map(|width| Decimal::from(width.to_decimal())),
            price: Decimal::from(segment.price.get()),
        };
        Self {
            up_to: bracket.up_to.map(|up_to| Decimal::from(up_to.to_decimal())),
            fee: Decimal::from(bracket.fee.get()),
            segments: bracket.segments.iter().map(segment).collect(),
        }
    }
}

/// The next so many units, at a price.
#[derive(Debug, SimpleObject)]
struct TariffSegment {
    /// How many; null for the rest of them.
    width: Option<Decimal>,
    /// What one costs.
    price: Decimal,
}

/// What is charged for each period, whatever is used.
#[derive(Debug, SimpleObject)]
struct TariffFixedCharge {
    /// What it is called.
    code: String,
    /// How much.
    amount: Decimal,
    /// Only where the breaker lets at least so much through, in ampere.
    breaker_amps_min: Option<u32>,
    /// Only where the breaker lets at most so much through, in ampere.
    breaker_amps_max: Option<u32>,
}

/// A percentage of the charge for usage, such as half the water's for the sewer.
#[derive(Debug, SimpleObject)]
struct TariffSurcharge {
    /// What it is called.
    code: String,
    /// How many per cent.
    percent_of_usage: Decimal,
}

/// What is taken off for those who used so much.
#[derive(Debug, SimpleObject)]
struct TariffReduction {
    /// What it is called.
    code: String,
    /// From this usage on.
    from: Decimal,
    /// Up to and with this usage.
    to: Decimal,
    /// How much is taken off.
    amount: Decimal,
}

/// What an authority pays of the charge in the customer's place. One of price, percentage and amount says how much.
#[derive(Debug, SimpleObject)]
struct TariffSubsidy {
    /// What it is called.
    code: String,
    /// Who pays.
    authority: String,
    /// Whether it is only for accounts to which the authority has granted it.
    granted: bool,
    /// For how many units of a normal period, from the first one on; null for all.
    quota: Option<Decimal>,
    /// What the customer pays for a unit.
    price: Option<Decimal>,
    /// How many per cent of what the units cost.
    percent_of_usage: Option<Decimal>,
    /// How much for a normal period in which anything was used.
    amount: Option<Decimal>,
    /// The most that it comes to in a normal period; null if there is none.
    cap: Option<Decimal>,
}

impl From<&domain::Subsidy> for TariffSubsidy {
    fn from(subsidy: &domain::Subsidy) -> Self {
        let figure = |figure: &domain::Figure| Some(Decimal::from(figure.get()));
        let (price, percent_of_usage, amount) = match &subsidy.kind {
            domain::SubsidyKind::PriceDifference { price } => (figure(price), None, None),
            domain::SubsidyKind::PercentOfUsage(percent) => (None, figure(percent), None),
            domain::SubsidyKind::Amount(amount) => (None, None, figure(amount)),
        };
        Self {
            code: subsidy.code.to_string(),
            authority: subsidy.authority.to_string(),
            granted: subsidy.entitled == domain::Entitled::Granted,
            quota: subsidy.quota.map(|quota| Decimal::from(quota.to_decimal())),
            price,
            percent_of_usage,
            amount,
            cap: subsidy.cap.as_ref().and_then(figure),
        }
    }
}

/// What is to be estimated.
#[derive(Debug, InputObject)]
struct EstimateInput {
    /// By which tariff series.
    series: String,
    /// How much is used, as a decimal string.
    usage: Decimal,
    /// The first day.
    from: Date,
    /// The day after the last.
    to: Date,
    /// How many dwellings are behind the meter; one without it.
    dwellings: Option<u32>,
    /// How much the breaker lets through, in ampere; a tariff may ask for it.
    breaker_amps: Option<u32>,
}

impl EstimateInput {
    fn usage(&self) -> Result<Quantity, Problem> {
        self.usage.number("usage")?.to_string().parse().map_err(|_| Problem::invalid("usage", Flaw::NotADecimal))
    }

    fn period(&self) -> Result<BillingPeriod, Problem> {
        let (from, to) = (self.from.day("from")?, self.to.day("to")?);
        let longest = 366 * 2;
        match BillingPeriod::new(from, to) {
            Ok(period) if period.days() <= longest => Ok(period),
            _ => Err(Problem::invalid("to", Flaw::NotAPeriod { longest })),
        }
    }

    fn premises(&self) -> Result<PremisesFacts, Problem> {
        let out_of_range = Problem::invalid("dwellings", Flaw::NotACount { least: 1, most: u32::MAX });
        let dwellings = NonZeroU32::new(self.dwellings.unwrap_or(1)).ok_or(out_of_range)?;
        // No tariff asks for the area, and the one who asks here names no place.
        Ok(PremisesFacts { dwellings, breaker_amps: self.breaker_amps, load_kva: None, area: Code::new("unstated").expect("a code") })
    }
}

#[derive(Debug, Default)]
pub struct TariffQuery;

#[Object]
impl TariffQuery {
    /// The tariffs that were published, version by version, in the order of their series and days. For everybody.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn tariffs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "For this service; for any without it.")] service: Option<Service>,
        #[graphql(desc = "For this class of customers; for any without it.")] class: Option<CustomerClass>,
        #[graphql(desc = "Only those that apply on this day.")] on: Option<Date>,
        #[graphql(desc = "As they were known then; now without it. Its effective day does not matter here.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<TariffVersion>>> {
        let found = async {
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            let on = on.map(|day| day.day("on")).transpose()?;
            let as_of = when.as_of(app).await?;
            let found = tariffs::all(&app.read_models, service.map(Into::into), class.map(Into::into), as_of).await?;
            Ok(found.into_iter().filter(|version| on.is_none_or(|day| version.applies_on(day))).map(TariffVersion).collect())
        };
        Some(answer(context, found.await))
    }

    /// What so much usage would cost, with every step explained. Nothing is recorded, and nobody has to sign in.
    #[graphql(complexity = "1 + child_complexity")]
    async fn estimate_bill(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be estimated.")] input: EstimateInput,
    ) -> Option<Result<BillReckoning>> {
        let bill = async {
            let (app, unknown) = (app(context), || Problem::invalid("series", Flaw::Unknown));
            let code = Code::new(input.series.trim()).map_err(|_| unknown())?;
            let (period, quantity, premises) = (input.period()?, input.usage()?, input.premises()?);
            let versions = tariffs::versions(&app.read_models, &code, When::now(app).as_of(app).await?).await?;
            if versions.is_empty() {
                return Err(unknown());
            }
            let series = Series::of(versions.into_iter().map(|version| version.tariff)).map_err(|error| Problem::Internal(error.into()))?;
            let basis = UsageBasis::Measured;
            let usage = [UsageSegment { period, quantity: quantity.to_decimal(), readings: vec![], basis, corrects: vec![] }];
            let bill = rate(&series, &Supply::new(period, &usage, &premises), Rounding::default());
            let bill = bill.map_err(|error| Problem::Refused(Box::new(error)))?;
            Ok(BillReckoning(bill))
        };
        Some(answer(context, bill.await))
    }
}
