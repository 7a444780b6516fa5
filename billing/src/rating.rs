//! What one supply is billed for some of its days, from what is known of it: the same for a bill run and for a correction.

use std::collections::BTreeMap;

use daftar_domain::{
    BillingPeriod, Code, Decider, NotMeasured, Overestimate, Position, Reason,
    account::{self, Account},
    bill_run::Failure,
    ids::{InvoiceId, MeterId, ReadingId},
    invoice::{BilledSupply, Buyer, DocumentError, Draft, Heading, Seller, TaxForm, VatReasons},
    meter::{self, Meter, NoteReadingsBilled, usage_between},
    rating::{RatingError, Rounding, Supply, rate},
    tariff::Series,
};
use daftar_projections::{
    QueryError,
    billable::{self, Supplied},
};
use sqlx::PgExecutor;

/// The tariffs that bills are rated by.
pub type Tariffs = BTreeMap<Code, Series>;

/// Every tariff as it was known at a position.
pub async fn tariffs(db: impl PgExecutor<'_>, as_of: Position) -> Result<Tariffs, QueryError> {
    let by_code = |series: Series| {
        let code = series.versions().first().map(|version| version.tariff.series().clone());
        code.map(|code| (code, series))
    };
    Ok(billable::tariffs(db, as_of).await?.into_iter().filter_map(by_code).collect())
}

/// A bill for each run of days under one tariff series. What one leaves to be given back, the next brings.
pub fn bills(
    account: &Account,
    supply: &Supplied,
    period: BillingPeriod,
    brought: Option<&Overestimate>,
    tariffs: &Tariffs,
    rounding: Rounding,
) -> Result<Vec<BilledSupply>, Failure> {
    let Supplied { agreement_id, service_point_id, premises_id, service, service_point, premises, .. } = supply;
    let register = register(supply)?;
    let meters: Vec<&Meter> = supply.meters.iter().map(|(_, meter)| &meter.state).collect();
    let mut brought = brought.cloned();
    let mut bills = Vec::with_capacity(1);
    for (days, series) in service_point.series_during(*agreement_id, period) {
        let series = tariffs.get(series).ok_or_else(|| failure("no-tariff", format!("there is no tariff series `{series}`")))?;
        let usage = usage_between(&meters, *premises_id, &register, days).map_err(not_measured)?;
        let facts = premises.facts_on(days.from()).ok_or_else(|| failure("no-premises", "the premises are not registered"))?;
        let supplied = Supply {
            brought: brought.as_ref(),
            vat: account.vat_statuses(),
            grants: account.subsidies(),
            ..Supply::new(days, &usage, facts)
        };
        let bill = rate(series, &supplied, rounding).map_err(of_rating)?;
        brought = bill.carried.clone();
        bills.push(BilledSupply { agreement_id: *agreement_id, service_point_id: *service_point_id, service: *service, bill });
    }
    let ended = service_point.course(*agreement_id).and_then(|(_, to)| to);
    if let Some(left) = brought.filter(|_| ended == Some(period.to())) {
        // No bill comes after it that could give it back.
        return Err(of_rating(RatingError::RebillFirst { periods: left.periods }));
    }
    Ok(bills)
}

/// The readings of a meter that a bill for the period stands on.
pub fn readings(supply: &Supplied, meter: &Meter, register: &Code, period: BillingPeriod) -> Vec<ReadingId> {
    let segments = meter.usage(supply.premises_id, register, period);
    let mut readings: Vec<_> = segments.into_iter().flat_map(|segment| segment.readings).collect();
    readings.dedup();
    readings
}

/// Whether a meter will agree that a bill stands on these: once the invoice has its number it is too late to ask.
pub fn could_be_billed(invoice_id: InvoiceId, meter_id: MeterId, meter: &Meter, reading_ids: &[ReadingId]) -> Result<(), Failure> {
    let wish = NoteReadingsBilled { invoice_id, reading_ids: reading_ids.to_vec() };
    let refused = |rejection| failure("rebill-first", format!("meter {meter_id}: {rejection}"));
    meter.decide(meter::Command::NoteReadingsBilled(wish)).map(drop).map_err(refused)
}

/// The document for what was billed, in the form that its buyer needs, if the account can be charged with it.
pub fn draft(
    account: &Account,
    billed: Vec<BilledSupply>,
    seller: &Seller,
    vat_reasons: &VatReasons,
    rounding: Rounding,
) -> Result<Draft, Failure> {
    let days = |supply: &BilledSupply| supply.bill.period;
    let (first, last) = (billed.iter().map(|supply| days(supply).from()).min(), billed.iter().map(|supply| days(supply).to()).max());
    let (Some(first), Some(last)) = (first, last) else { return Err(of_document(DocumentError::NoLines)) };
    let supplied = BillingPeriod::new(first, last).map_err(|error| failure("no-days", error))?;
    let buyer = Buyer::of(account);
    let form = TaxForm::for_buyer(buyer.as_ref(), account, supplied.last_day());
    let heading = Heading { form, seller: seller.clone(), buyer, supplied };
    let draft = Draft::of_supplies(heading, billed, vat_reasons, rounding).map_err(of_document)?;
    account.could_be_charged(draft.document.total, draft.document.vat).map_err(of_account)?;
    Ok(draft)
}

/// The register that counts the service, whichever meter it is on.
pub fn register(supply: &Supplied) -> Result<Code, Failure> {
    let mut found: Vec<&Code> = Vec::with_capacity(1);
    for (meter_id, meter) in &supply.meters {
        match meter.state.registers_for(supply.service).collect::<Vec<_>>()[..] {
            [] => return Err(failure("no-register", format!("no register of meter {meter_id} counts what is supplied"))),
            [register] => found.push(register),
            ref several => {
                let named = several.iter().map(|register| register.as_str()).collect::<Vec<_>>().join(", ");
                let why = format!("meter {meter_id} counts on registers {named}, and a tariff has prices for one");
                return Err(failure("several-registers", why));
            }
        }
    }
    found.dedup();
    match found[..] {
        [register] => Ok(register.clone()),
        [] => Err(failure("no-meter", "nothing measures the supply")),
        _ => Err(failure("no-register", "the meters count it on registers of different names")),
    }
}

pub fn not_measured(missing: NotMeasured) -> Failure {
    failure("not-measured", missing)
}

fn of_rating(error: RatingError) -> Failure {
    let code = match &error {
        RatingError::NoTariff { .. } => "no-tariff",
        RatingError::ReadRequired { .. } => "read-required",
        RatingError::UsageOutsidePeriod { .. } => "usage-outside-period",
        RatingError::NegativeUsage { .. } => "negative-usage",
        RatingError::RebillFirst { .. } => "rebill-first",
        RatingError::BadQuantity { .. } => "bad-quantity",
        RatingError::BreakerUnknown { .. } => "breaker-unknown",
        RatingError::TooLarge => "too-large",
    };
    failure(code, error)
}

fn of_document(error: DocumentError) -> Failure {
    let code = match &error {
        DocumentError::NoLines => "nothing-to-charge",
        DocumentError::OtherCurrency { .. } => "other-currency",
        DocumentError::VatReasonMissing(_) => "vat-reason-missing",
        DocumentError::RateWithoutTax(_) => "rate-without-tax",
        DocumentError::BelowZero(_) => "below-zero",
        DocumentError::NotSealedAsLegal | DocumentError::BuyerIncomplete => "buyer-incomplete",
        DocumentError::TooLarge => "too-large",
    };
    failure(code, error)
}

fn of_account(rejection: account::Rejection) -> Failure {
    let code = match &rejection {
        account::Rejection::OtherCurrency { .. } => "other-currency",
        account::Rejection::AmountTooLarge => "too-large",
        _ => "not-chargeable",
    };
    failure(code, rejection)
}

pub fn failure(code: &str, why: impl ToString) -> Failure {
    let why: String = why.to_string().chars().take(200).collect();
    Failure { code: Code::new(code).expect("a code"), why: Reason::new(why).expect("a sentence of ours") }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use daftar_domain::{
        Service,
        agreement::{Agreement, AgreementEnded, AgreementStarted, Event, ServicePoint, example as agreements},
        ids::{AgreementId, ServicePointId},
        meter::{Device, MeterRegistered, Register, example as meters},
        premises::{self, Premises},
        tariff::{PublishTariff, Tariff, TariffSeries},
    };
    use daftar_projections::billable::Known;
    use uuid::Uuid;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn metered(meter: Meter, service_point: ServicePoint, agreement_id: AgreementId) -> Supplied {
        let premises = premises::example::events().iter().take(1).fold(Premises::default(), Premises::evolve);
        Supplied {
            agreement_id,
            service_point_id: ServicePointId::new(Uuid::nil()),
            premises_id: meters::PREMISES,
            service: Service::Electricity,
            service_point,
            premises,
            meters: vec![(meters::METER, Known { state: meter, stood: None })],
            billed: vec![],
            drafted: None,
        }
    }

    #[test]
    fn a_service_on_several_registers_is_named_and_not_guessed() {
        let peak = Register { code: Code::new("1.8.1").unwrap(), ..meters::register() };
        let device = Device { registers: vec![meters::register(), peak], ..meters::device() };
        let registered = MeterRegistered { device, registered_on: day("2024-01-01") };
        let meter = Meter::default().evolve(&registered.into());
        let found = register(&metered(meter, ServicePoint::default(), AgreementId::new(Uuid::nil()))).unwrap_err();
        assert_eq!(found.code.as_str(), "several-registers");
        assert!(found.why.as_str().contains("1.8.1, and a tariff has prices for one"), "{}", found.why);
    }

    #[test]
    fn what_was_estimated_too_much_is_given_back_before_the_agreement_ends() {
        let tariff: Tariff = r#"{"code":"homes-2024","series":"homes","service":"electricity","class":"residential","currency":"SAR",
            "effectiveFrom":"2020-01-01","period":{"normalDays":30,"toleranceDays":3},"vat":{"category":"S","rate":"0.15"},
            "brackets":[{"upTo":null,"fee":"0","segments":[{"width":null,"price":"0.18"}]}],
            "fixedCharges":[],"midPeriodChange":"prorate"}"#
            .parse()
            .unwrap();
        let published = TariffSeries::default().decide(daftar_domain::tariff::Command::PublishTariff(PublishTariff { tariff })).unwrap();
        let series = published.iter().fold(TariffSeries::default(), TariffSeries::evolve).series().clone();
        let terms = Agreement {
            tariff_series: Code::new("homes").unwrap(),
            from: day("2024-01-02"),
            ..agreements::agreement(1, day("2024-01-02"))
        };
        let agreement_id = terms.agreement_id;
        let started =
            agreements::events().into_iter().find_map(|event| if let Event::AgreementStarted(fact) = event { Some(fact) } else { None });
        let started = AgreementStarted { agreement: terms, ..started.unwrap() };
        let ended =
            agreements::events().into_iter().find_map(|event| if let Event::AgreementEnded(fact) = event { Some(fact) } else { None });
        let ended = AgreementEnded { agreement_id, to: day("2024-08-02"), ..ended.unwrap() };
        let running = ServicePoint::default().evolve(&started.into());
        let over = running.clone().evolve(&ended.into());
        let tariffs = Tariffs::from([(Code::new("homes").unwrap(), series)]);
        let (july, june) = (
            BillingPeriod::new(day("2024-07-02"), day("2024-08-02")).unwrap(),
            BillingPeriod::new(day("2024-06-02"), day("2024-07-02")).unwrap(),
        );
        let brought = |quantity: &str| Overestimate { quantity: quantity.parse().unwrap(), periods: vec![june] };
        let billed = |service_point: &ServicePoint, brought: &Overestimate| {
            let meter = meters::installed_with(&[("100", "2024-07-01"), ("410", "2024-08-01")]);
            let supply = metered(meter, service_point.clone(), agreement_id);
            bills(&Account::default(), &supply, july, Some(brought), &tariffs, Rounding::default())
        };
        let left = |bills: Vec<BilledSupply>| bills[0].bill.carried.as_ref().map(|carried| carried.quantity.to_string());
        assert_eq!(
            left(billed(&running, &brought("400")).unwrap()).as_deref(),
            Some("90"),
            "310 of 400 are given back, and the next bill brings the rest"
        );
        assert_eq!(left(billed(&over, &brought("310")).unwrap()), None);
        let lost = billed(&over, &brought("400")).unwrap_err();
        assert_eq!(lost.code.as_str(), "rebill-first");
        assert!(lost.why.as_str().contains("2024-06-02 to 2024-07-01"), "{}", lost.why);
    }
}
