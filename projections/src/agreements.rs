//! Agreements: who is billed for which service at which premises, by which tariff, and which meter measures it.

mod many;

use chrono::NaiveDate;
use daftar_domain::{
    BillingEvent, Decider, Recorded, Service,
    agreement::{
        self, Agreement as Terms, AgreementEnded, AgreementStarted, MeterAttached, MeterDetached, ReadCycleChanged, ServicePoint,
        TariffSeriesChanged,
    },
    ids::{AccountId, AgreementId, MeterId, PremisesId, ReadCycleId, ServicePointId},
    premises::{self, AddressCorrected, Premises, PremisesAmended, PremisesFacts, PremisesRegistered},
};
use rust_decimal::Decimal;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Projector, QueryError,
    as_of::AsOf,
    columns::{from_bigint, from_name, position, sealed, to_bigint, to_name},
    keys, rows,
    rows::{Current, History, Table},
};

pub use many::*;

#[derive(Debug, Default)]
pub struct Agreements {
    agreements: Current<AgreementRow>,
    tariff_series: History<TariffSeriesRow>,
    read_cycles: History<ReadCycleRow>,
    ended: History<EndedRow>,
    meters: History<MeterRow>,
    premises: Current<PremisesRow>,
    premises_facts: History<PremisesFactsRow>,
}

rows! {
    struct AgreementRow in agreement {
        agreement_id: Uuid,
        service_point_id: Uuid,
        account_id: Uuid,
        premises_id: Uuid,
        service: String,
        valid_from: NaiveDate,
        valid_to: Option<NaiveDate>,
        start_cause: String,
        end_cause: Option<String>,
        end_reason: Option<String>,
        revision: i64,
        position: i64,
    }

    struct TariffSeriesRow in tariff_series {
        agreement_id: Uuid,
        tariff_series: String,
        effective_on: NaiveDate,
        reason: Option<String>,
        position: i64,
    }

    struct ReadCycleRow in read_cycle {
        agreement_id: Uuid,
        read_cycle_id: Uuid,
        effective_on: NaiveDate,
        reason: Option<String>,
        position: i64,
    }

    struct EndedRow in ended {
        agreement_id: Uuid,
        valid_to: NaiveDate,
        position: i64,
    }

    struct MeterRow in meter {
        service_point_id: Uuid,
        meter_id: Uuid,
        attached: bool,
        effective_on: NaiveDate,
        position: i64,
    }

    struct PremisesRow in premises {
        premises_id: Uuid,
        address: Vec<u8>,
        registered_on: NaiveDate,
        revision: i64,
        position: i64,
    }

    struct PremisesFactsRow in premises_facts {
        premises_id: Uuid,
        dwellings: i64,
        breaker_amps: Option<i64>,
        load_kva: Option<Decimal>,
        area: String,
        effective_on: NaiveDate,
        reason: Option<String>,
        position: i64,
    }
}

keys! {
    AgreementRow by agreement_id: Uuid;
    PremisesRow by premises_id: Uuid;
}

impl Projector for Agreements {
    const NAME: &'static str = "agreements";
    const VERSION: i32 = 1;
    const CATEGORIES: &'static [&'static str] = &[ServicePoint::CATEGORY, Premises::CATEGORY];
    const TABLES: &'static str = include_str!("../models/agreements/tables.sql");
    const INDEXES: &'static str = include_str!("../models/agreements/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        match &fact.event {
            BillingEvent::ServicePoint(event) => self.service_point(fact, event),
            BillingEvent::Premises(event) => self.premises(fact, event),
            // None of another category comes here.
            _ => {}
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        let Self { agreements, tariff_series, read_cycles, ended, meters, premises, premises_facts } = self;
        vec![agreements, tariff_series, read_cycles, ended, meters, premises, premises_facts]
    }
}

impl Agreements {
    fn service_point(&mut self, fact: &Recorded<BillingEvent>, event: &agreement::Event) {
        match event {
            agreement::Event::AgreementStarted(event) => self.started(fact, event),
            agreement::Event::AgreementEnded(AgreementEnded { agreement_id, account_id: _, to, cause, reads: _, reason }) => {
                self.ended.add(EndedRow { agreement_id: (*agreement_id).into(), valid_to: *to, position: position(fact) });
                self.change(fact, *agreement_id, |agreement| {
                    agreement.valid_to = Some(*to);
                    agreement.end_cause = Some(to_name(cause));
                    agreement.end_reason = Some(reason.to_string());
                });
            }
            agreement::Event::TariffSeriesChanged(TariffSeriesChanged { agreement_id, tariff_series, effective_on, reason }) => {
                self.tariff_series.add(TariffSeriesRow {
                    agreement_id: (*agreement_id).into(),
                    tariff_series: tariff_series.to_string(),
                    effective_on: *effective_on,
                    reason: Some(reason.to_string()),
                    position: position(fact),
                });
                self.change(fact, *agreement_id, |_| {});
            }
            agreement::Event::ReadCycleChanged(ReadCycleChanged { agreement_id, read_cycle_id, effective_on, reason }) => {
                self.read_cycles.add(ReadCycleRow {
                    agreement_id: (*agreement_id).into(),
                    read_cycle_id: (*read_cycle_id).into(),
                    effective_on: *effective_on,
                    reason: Some(reason.to_string()),
                    position: position(fact),
                });
                self.change(fact, *agreement_id, |_| {});
            }
            agreement::Event::MeterAttached(MeterAttached { service_point_id: _, meter_id, on }) => self.meter(fact, *meter_id, true, *on),
            agreement::Event::MeterDetached(MeterDetached { meter_id, on }) => self.meter(fact, *meter_id, false, *on),
            agreement::Event::ConnectionAwaited(_) | agreement::Event::ConnectionMade(_) | agreement::Event::ConnectionForgone(_) => {}
        }
    }

    fn started(&mut self, fact: &Recorded<BillingEvent>, event: &AgreementStarted) {
        let AgreementStarted { service_point_id, agreement, cause, reads: _ } = event;
        let Terms { agreement_id, account_id, premises_id, service, tariff_series, read_cycle_id, from } = agreement;
        self.agreements.insert(AgreementRow {
            agreement_id: (*agreement_id).into(),
            service_point_id: (*service_point_id).into(),
            account_id: (*account_id).into(),
            premises_id: (*premises_id).into(),
            service: to_name(service),
            valid_from: *from,
            valid_to: None,
            start_cause: to_name(cause),
            end_cause: None,
            end_reason: None,
            revision: to_bigint(fact.revision),
            position: position(fact),
        });
        self.tariff_series.add(TariffSeriesRow {
            agreement_id: (*agreement_id).into(),
            tariff_series: tariff_series.to_string(),
            effective_on: *from,
            reason: None,
            position: position(fact),
        });
        self.read_cycles.add(ReadCycleRow {
            agreement_id: (*agreement_id).into(),
            read_cycle_id: (*read_cycle_id).into(),
            effective_on: *from,
            reason: None,
            position: position(fact),
        });
    }

    fn meter(&mut self, fact: &Recorded<BillingEvent>, meter_id: MeterId, attached: bool, effective_on: NaiveDate) {
        let service_point_id = fact.stream.id();
        self.meters.add(MeterRow { service_point_id, meter_id: meter_id.into(), attached, effective_on, position: position(fact) });
    }

    fn premises(&mut self, fact: &Recorded<BillingEvent>, event: &premises::Event) {
        match event {
            premises::Event::PremisesRegistered(PremisesRegistered { premises_id, address, facts, registered_on }) => {
                self.premises.insert(PremisesRow {
                    premises_id: (*premises_id).into(),
                    address: sealed(address),
                    registered_on: *registered_on,
                    revision: to_bigint(fact.revision),
                    position: position(fact),
                });
                self.premises_facts.add(facts_row(fact, facts, *registered_on, None));
            }
            premises::Event::PremisesAmended(PremisesAmended { facts, effective_on, reason }) => {
                self.premises_facts.add(facts_row(fact, facts, *effective_on, Some(reason.to_string())));
                self.change_premises(fact, |_| {});
            }
            premises::Event::AddressCorrected(AddressCorrected { address }) => {
                self.change_premises(fact, |premises| premises.address = sealed(address))
            }
        }
    }

    fn change(&mut self, fact: &Recorded<BillingEvent>, id: AgreementId, change: impl FnOnce(&mut AgreementRow)) {
        if let Some(agreement) = self.agreements.get_mut(&id.into()) {
            change(agreement);
            (agreement.revision, agreement.position) = (to_bigint(fact.revision), position(fact));
        }
    }

    fn change_premises(&mut self, fact: &Recorded<BillingEvent>, change: impl FnOnce(&mut PremisesRow)) {
        if let Some(premises) = self.premises.get_mut(&fact.stream.id()) {
            change(premises);
            (premises.revision, premises.position) = (to_bigint(fact.revision), position(fact));
        }
    }
}

fn facts_row(fact: &Recorded<BillingEvent>, facts: &PremisesFacts, effective_on: NaiveDate, reason: Option<String>) -> PremisesFactsRow {
    let PremisesFacts { dwellings, breaker_amps, load_kva, area } = facts;
    PremisesFactsRow {
        premises_id: fact.stream.id(),
        dwellings: dwellings.get().into(),
        breaker_amps: breaker_amps.map(i64::from),
        load_kva: *load_kva,
        area: area.to_string(),
        effective_on,
        reason,
        position: position(fact),
    }
}

/// An agreement with the series and cycle of the date that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    pub id: AgreementId,
    pub service_point_id: ServicePointId,
    pub account_id: AccountId,
    pub premises_id: PremisesId,
    pub service: Service,
    pub tariff_series: String,
    pub read_cycle_id: ReadCycleId,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub meter_id: Option<MeterId>,
    pub revision: u64,
}

/// The agreements of an account that run on a date.
pub async fn of_account(db: impl PgExecutor<'_>, account_id: AccountId, as_of: AsOf) -> Result<Vec<Agreement>, QueryError> {
    of_accounts(db, &[account_id], as_of).await
}
