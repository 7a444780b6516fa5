//! Agreements: who is billed for what at which place, by which tariff, from when until when.

use async_graphql::{ID, InputObject, SimpleObject};
use daftar_domain::{
    agreement::{
        self, Agreement, ChangeReadCycle, ChangeTariffSeries, Command, EndAgreement, MoveIn, MoveOut, ServicePoint, StartAgreement,
        TransferAgreement,
    },
    ids::{AgreementId, PremisesId, ReadCycleId, ReadingId, ServicePointId},
};

use super::{
    By::{self, Staff},
    Record, mutations,
};
use crate::{
    app::{Wish, Written},
    caller::Role,
    graphql::{enums::Service, scalars::Date},
    input,
    problem::{Flaw, Problem},
};

const BILLING: By = Staff(&[Role::Billing]);

mutations! {
    AgreementMutation

    /// Begins to bill somebody for a service without a reading: a new connection whose meter brings its own, or a supply without a meter.
    start_agreement(StartAgreementInput) -> AgreementPayload, by BILLING;
    /// Ends an agreement without a reading.
    end_agreement(EndAgreementInput) -> AgreementPayload, by BILLING;
    /// Somebody moves in: they are billed from a reading of the meter that is there.
    move_in(MoveInInput) -> AgreementPayload, by BILLING;
    /// Somebody moves out: they are billed up to a reading of the meter.
    move_out(MoveOutInput) -> AgreementPayload, by BILLING;
    /// Passes the supply from one account to another on a day. Debts stay with the account that made them.
    transfer_agreement(TransferAgreementInput) -> AgreementPayload, by BILLING;
    /// Bills an agreement by another tariff series, from a day on.
    change_tariff_series(ChangeTariffSeriesInput) -> AgreementPayload, by BILLING;
    /// Reads an agreement's meter on the days of another cycle, from a day on.
    change_read_cycle(ChangeReadCycleInput) -> AgreementPayload, by BILLING;
}

/// A service at a place: there is one service point for both.
#[derive(Debug, InputObject)]
pub(super) struct PlaceInput {
    /// As `registerPremises` gave it.
    pub premises_id: ID,
    /// What is supplied there.
    pub service: Service,
}

/// On which terms somebody is billed.
#[derive(Debug, InputObject)]
struct TermsInput {
    /// Who is billed.
    account_id: ID,
    /// The code of the tariff series that they are billed by.
    tariff_series: String,
    /// The cycle in which their meter is read.
    read_cycle_id: ID,
    /// The first day that they are billed for.
    from: Date,
}

/// An agreement that begins without a reading.
#[derive(Debug, InputObject)]
struct StartAgreementInput {
    /// What is supplied, and where.
    place: PlaceInput,
    /// On which terms.
    terms: TermsInput,
}

/// An agreement that ends without a reading.
#[derive(Debug, InputObject)]
struct EndAgreementInput {
    /// What is supplied, and where.
    place: PlaceInput,
    /// As it was given when the agreement began.
    agreement_id: ID,
    /// The day after the last.
    to: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// Somebody who moves in.
#[derive(Debug, InputObject)]
struct MoveInInput {
    /// What is supplied, and where.
    place: PlaceInput,
    /// On which terms.
    terms: TermsInput,
    /// The readings of the place's meter from which they pay.
    reading_ids: Vec<ID>,
}

/// Somebody who moves out.
#[derive(Debug, InputObject)]
struct MoveOutInput {
    /// What is supplied, and where.
    place: PlaceInput,
    /// As it was given when the agreement began.
    agreement_id: ID,
    /// The day after the last.
    to: Date,
    /// The readings of the place's meter up to which they pay.
    reading_ids: Vec<ID>,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// A supply that passes to another account.
#[derive(Debug, InputObject)]
struct TransferAgreementInput {
    /// What is supplied, and where.
    place: PlaceInput,
    /// The agreement that ends.
    agreement_id: ID,
    /// The terms of the one that begins when it does.
    terms: TermsInput,
    /// The readings of the place's meter up to which one pays and from which the other does.
    reading_ids: Vec<ID>,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// Another tariff series for an agreement.
#[derive(Debug, InputObject)]
struct ChangeTariffSeriesInput {
    /// What is supplied, and where.
    place: PlaceInput,
    /// As it was given when the agreement began.
    agreement_id: ID,
    /// The code of the series.
    tariff_series: String,
    /// The first day that is billed by it.
    effective_on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// Another read cycle for an agreement.
#[derive(Debug, InputObject)]
struct ChangeReadCycleInput {
    /// What is supplied, and where.
    place: PlaceInput,
    /// As it was given when the agreement began.
    agreement_id: ID,
    /// As `defineReadCycle` gave it.
    read_cycle_id: ID,
    /// The first day of the change.
    effective_on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// The agreement as it was asked for.
#[derive(Debug, SimpleObject)]
struct AgreementPayload {
    /// The agreement's id, for ever; of a transfer, the one that begins.
    agreement_id: ID,
    /// The service point that it is at.
    service_point_id: ID,
    #[graphql(flatten)]
    record: Record,
}

async fn start_agreement(wish: &Wish<'_>, input: StartAgreementInput) -> Result<AgreementPayload, Problem> {
    let place = place(wish, &input.place).await?;
    let agreement = agreement(wish, &place, input.terms).await?;
    let start = Command::StartAgreement(StartAgreement { agreement: agreement.clone() });
    Ok(place.payload(agreement.agreement_id, wish.begin_agreement(agreement, start).await?))
}

async fn end_agreement(wish: &Wish<'_>, input: EndAgreementInput) -> Result<AgreementPayload, Problem> {
    let (to, reason) = (input.to.day("to")?, input::reason("reason", &input.reason)?);
    let place = place(wish, &input.place).await?;
    let of = place.agreement(&input.agreement_id)?;
    let end = Command::EndAgreement(EndAgreement { agreement_id: of.agreement_id, to, reason });
    Ok(place.payload(of.agreement_id, wish.end_agreement(place.id, of, end).await?))
}

async fn move_in(wish: &Wish<'_>, input: MoveInInput) -> Result<AgreementPayload, Problem> {
    let place = place(wish, &input.place).await?;
    let (agreement, reads) = (agreement(wish, &place, input.terms).await?, place.reads(wish, input.reading_ids).await?);
    let move_in = Command::MoveIn(MoveIn { agreement: agreement.clone(), reads });
    Ok(place.payload(agreement.agreement_id, wish.begin_agreement(agreement, move_in).await?))
}

async fn move_out(wish: &Wish<'_>, input: MoveOutInput) -> Result<AgreementPayload, Problem> {
    let (to, reason) = (input.to.day("to")?, input::reason("reason", &input.reason)?);
    let place = place(wish, &input.place).await?;
    let (of, reads) = (place.agreement(&input.agreement_id)?, place.reads(wish, input.reading_ids).await?);
    let move_out = Command::MoveOut(MoveOut { agreement_id: of.agreement_id, to, reads, reason });
    Ok(place.payload(of.agreement_id, wish.end_agreement(place.id, of, move_out).await?))
}

async fn transfer_agreement(wish: &Wish<'_>, input: TransferAgreementInput) -> Result<AgreementPayload, Problem> {
    let reason = input::reason("reason", &input.reason)?;
    let place = place(wish, &input.place).await?;
    let (of, reads) = (place.agreement(&input.agreement_id)?, place.reads(wish, input.reading_ids).await?);
    let agreement = agreement(wish, &place, input.terms).await?;
    let begun = agreement.agreement_id;
    let transfer = TransferAgreement { from_agreement: of.agreement_id, agreement, reads, reason };
    Ok(place.payload(begun, wish.transfer_agreement(of, transfer).await?))
}

async fn change_tariff_series(wish: &Wish<'_>, input: ChangeTariffSeriesInput) -> Result<AgreementPayload, Problem> {
    let (effective_on, reason) = (input.effective_on.day("effectiveOn")?, input::reason("reason", &input.reason)?);
    let tariff_series = input::code("tariffSeries", &input.tariff_series)?;
    wish.check_series(tariff_series.as_str()).await?;
    let place = place(wish, &input.place).await?;
    let agreement_id = place.agreement(&input.agreement_id)?.agreement_id;
    let change = ChangeTariffSeries { agreement_id, tariff_series, effective_on, reason };
    Ok(place.payload(agreement_id, wish.ask::<ServicePoint>(place.id, Command::ChangeTariffSeries(change)).await?))
}

async fn change_read_cycle(wish: &Wish<'_>, input: ChangeReadCycleInput) -> Result<AgreementPayload, Problem> {
    let (effective_on, reason) = (input.effective_on.day("effectiveOn")?, input::reason("reason", &input.reason)?);
    let read_cycle_id = input::id("readCycleId", &input.read_cycle_id, ReadCycleId::new)?;
    wish.check_cycle(read_cycle_id).await?;
    let place = place(wish, &input.place).await?;
    let agreement_id = place.agreement(&input.agreement_id)?.agreement_id;
    let change = ChangeReadCycle { agreement_id, read_cycle_id, effective_on, reason };
    Ok(place.payload(agreement_id, wish.ask::<ServicePoint>(place.id, Command::ChangeReadCycle(change)).await?))
}

/// A service point as it is.
pub(super) struct Place {
    pub premises_id: PremisesId,
    pub service: daftar_domain::Service,
    pub id: ServicePointId,
    pub point: ServicePoint,
}

pub(super) async fn place(wish: &Wish<'_>, input: &PlaceInput) -> Result<Place, Problem> {
    let within = |problem: Problem| problem.within("place");
    let premises_id = input::id("premisesId", &input.premises_id, PremisesId::new).map_err(within)?;
    let service = input.service.into();
    let (id, point) = wish.service_point(premises_id, service).await.map_err(within)?;
    Ok(Place { premises_id, service, id, point })
}

async fn agreement(wish: &Wish<'_>, place: &Place, terms: TermsInput) -> Result<Agreement, Problem> {
    let terms = async {
        let tariff_series = input::code("tariffSeries", &terms.tariff_series)?;
        let read_cycle_id = input::id("readCycleId", &terms.read_cycle_id, ReadCycleId::new)?;
        let from = terms.from.day("from")?;
        wish.check_series(tariff_series.as_str()).await?;
        wish.check_cycle(read_cycle_id).await?;
        Ok(Agreement {
            agreement_id: wish.created_in(place.id, "agreement", AgreementId::new),
            account_id: wish.account(&terms.account_id).await?.id(),
            premises_id: place.premises_id,
            service: place.service,
            tariff_series,
            read_cycle_id,
            from,
        })
    };
    terms.await.map_err(|problem: Problem| problem.within("terms"))
}

impl Place {
    fn agreement(&self, id: &ID) -> Result<&Agreement, Problem> {
        let agreement_id = input::id("agreementId", id, AgreementId::new)?;
        self.point.agreement(agreement_id).ok_or_else(|| agreement::Rejection::NoSuchAgreement(agreement_id).into())
    }

    /// Readings of the meter that measures the service here.
    async fn reads(&self, wish: &Wish<'_>, ids: Vec<ID>) -> Result<Vec<ReadingId>, Problem> {
        let meter = match self.point.meter() {
            Some(meter_id) => wish.meter(meter_id).await?,
            None => daftar_domain::meter::Meter::default(),
        };
        input::each("readingIds", ids, |id| {
            let id = input::id("", &id, ReadingId::new)?;
            if meter.reading(id).is_some() { Ok(id) } else { Err(Problem::invalid("", Flaw::Unknown)) }
        })
    }

    fn payload(&self, agreement_id: AgreementId, written: Written) -> AgreementPayload {
        let (agreement_id, service_point_id) = (agreement_id.to_string().into(), self.id.to_string().into());
        AgreementPayload { agreement_id, service_point_id, record: written.into() }
    }
}
