//! Which meter measures the service: one at a time.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Event, Rejection, ServicePoint};
use crate::{
    Service,
    ids::{MeterId, PremisesId, ServicePointId},
};

/// Asked before a meter is installed, so that a second one is refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttachMeter {
    pub premises_id: PremisesId,
    pub service: Service,
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetachMeter {
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExchangeMeter {
    pub old: MeterId,
    pub new: MeterId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterAttached {
    pub service_point_id: ServicePointId,
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterDetached {
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

impl ServicePoint {
    pub(super) fn attach_meter(&self, wish: AttachMeter) -> Result<Vec<Event>, Rejection> {
        let AttachMeter { premises_id, service, meter_id, on } = wish;
        let service_point_id = self.identified(premises_id, service)?;
        match self.meter {
            Some(already) if already == meter_id => Ok(vec![]),
            Some(other) => Err(Rejection::MeterPresent(other)),
            None => {
                // Whoever puts a meter up here shows the account's word for it.
                if let Some(application_id) = self.awaited {
                    return Err(Rejection::ConnectionAwaited(application_id));
                }
                self.meter_changes_on(on)?;
                Ok(vec![MeterAttached { service_point_id, meter_id, on }.into()])
            }
        }
    }

    pub(super) fn detach_meter(&self, wish: DetachMeter) -> Result<Vec<Event>, Rejection> {
        let DetachMeter { meter_id, on } = wish;
        match self.meter {
            None => Ok(vec![]),
            Some(present) if present == meter_id => {
                self.meter_changes_on(on)?;
                Ok(vec![MeterDetached { meter_id, on }.into()])
            }
            Some(other) => Err(Rejection::MeterPresent(other)),
        }
    }

    pub(super) fn exchange_meter(&self, wish: ExchangeMeter) -> Result<Vec<Event>, Rejection> {
        let ExchangeMeter { old, new, on } = wish;
        match (self.meter, self.id) {
            (Some(present), _) if present == new => Ok(vec![]),
            (Some(present), Some(service_point_id)) if present == old => {
                self.meter_changes_on(on)?;
                let detached = MeterDetached { meter_id: old, on };
                Ok(vec![detached.into(), MeterAttached { service_point_id, meter_id: new, on }.into()])
            }
            (Some(other), _) => Err(Rejection::MeterPresent(other)),
            (None, _) => Err(Rejection::MeterAbsent(old)),
        }
    }

    pub(super) fn meter_changes_on(&self, on: NaiveDate) -> Result<(), Rejection> {
        match self.meter_since {
            Some(since) if on < since => Err(Rejection::MeterOutOfOrder(since)),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        agreement::{Agreement, Command, example::*},
        ids::service_point_id,
        spec::given,
    };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn one_meter_measures_a_service() {
        let Agreement { premises_id, service, .. } = agreement(1, day("2024-01-01"));
        let attach = |meter_id, on: &str| Command::AttachMeter(AttachMeter { premises_id, service, meter_id, on: day(on) });
        let detach = |meter_id, on: &str| Command::DetachMeter(DetachMeter { meter_id, on: day(on) });
        let exchange = |on: &str| Command::ExchangeMeter(ExchangeMeter { old: METER, new: NEW_METER, on: day(on) });
        let service_point_id = service_point_id(premises_id, service);
        let attached = |meter_id, on: &str| Event::from(MeterAttached { service_point_id, meter_id, on: day(on) });
        let detached = |meter_id, on: &str| Event::from(MeterDetached { meter_id, on: day(on) });
        let here = || attached(METER, "2024-01-01");

        given::<ServicePoint>([]).when(attach(METER, "2024-01-01")).then([here()]);
        given::<ServicePoint>([here()]).when(attach(NEW_METER, "2024-02-01")).then_rejected(Rejection::MeterPresent(METER));
        given::<ServicePoint>([here()]).when(detach(NEW_METER, "2024-02-01")).then_rejected(Rejection::MeterPresent(METER));
        given::<ServicePoint>([here()]).when(detach(METER, "2023-12-31")).then_rejected(Rejection::MeterOutOfOrder(day("2024-01-01")));
        given::<ServicePoint>([here()]).when(detach(METER, "2024-01-01")).then([detached(METER, "2024-01-01")]);
        given::<ServicePoint>([here(), detached(METER, "2024-02-01")])
            .when(attach(NEW_METER, "2024-01-31"))
            .then_rejected(Rejection::MeterOutOfOrder(day("2024-02-01")));
        given::<ServicePoint>([here()])
            .when(exchange("2024-02-01"))
            .then([detached(METER, "2024-02-01"), attached(NEW_METER, "2024-02-01")]);
        given::<ServicePoint>([]).when(exchange("2024-02-01")).then_rejected(Rejection::MeterAbsent(METER));
        let other = MeterId::new(Uuid::from_u128(9));
        given::<ServicePoint>([attached(other, "2024-01-01")]).when(exchange("2024-02-01")).then_rejected(Rejection::MeterPresent(other));
        given::<ServicePoint>([]).when(detach(METER, "2024-02-01")).then_nothing();
    }
}
