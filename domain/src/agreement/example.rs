//! Made-up agreements for examples and tests.

use uuid::Uuid;

use super::*;

pub const METER: MeterId = MeterId::new(Uuid::from_u128(64));
pub const APPLICATION: ApplicationId = ApplicationId::new(Uuid::from_u128(67));
pub const NEW_METER: MeterId = MeterId::new(Uuid::from_u128(65));

/// The n-th agreement, of the n-th account.
pub fn agreement(n: u128, from: NaiveDate) -> Agreement {
    Agreement {
        agreement_id: AgreementId::new(Uuid::from_u128(600 + n)),
        account_id: AccountId::new(Uuid::from_u128(700 + n)),
        premises_id: PremisesId::new(Uuid::from_u128(41)),
        service: Service::Electricity,
        tariff_series: Code::new("made-up-residential").expect("a code"),
        read_cycle_id: ReadCycleId::new(Uuid::from_u128(51)),
        from,
    }
}

pub fn reads() -> Vec<ReadingId> {
    vec![ReadingId::new(Uuid::from_u128(66))]
}

/// One of every event.
pub fn events() -> Vec<Event> {
    let day = |month| NaiveDate::from_ymd_opt(2024, month, 1).expect("a date");
    let reason = || Reason::new("asked for").expect("a reason");
    let agreement = agreement(1, day(1));
    let Agreement { agreement_id, account_id, premises_id, service, .. } = agreement;
    let service_point_id = service_point_id(premises_id, service);
    vec![
        MeterAttached { service_point_id, meter_id: METER, on: day(1) }.into(),
        AgreementStarted { service_point_id, agreement, cause: StartCause::MoveIn, reads: reads() }.into(),
        TariffSeriesChanged {
            agreement_id,
            tariff_series: Code::new("made-up-commercial").expect("a code"),
            effective_on: day(3),
            reason: reason(),
        }
        .into(),
        ReadCycleChanged { agreement_id, read_cycle_id: ReadCycleId::new(Uuid::from_u128(52)), effective_on: day(4), reason: reason() }
            .into(),
        AgreementEnded { agreement_id, account_id, to: day(9), cause: EndCause::MoveOut, reads: reads(), reason: reason() }.into(),
        MeterDetached { meter_id: METER, on: day(9) }.into(),
        ConnectionAwaited { service_point_id, application_id: APPLICATION }.into(),
        ConnectionForgone { application_id: APPLICATION }.into(),
        ConnectionMade { application_id: APPLICATION, meter_id: METER, on: day(10) }.into(),
    ]
}
