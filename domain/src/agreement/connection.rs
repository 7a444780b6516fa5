//! A service that is to be connected: from when its application has a place until a meter measures there, or will not.
//!
//! Meanwhile the place itself refuses every meter that comes without the account's word that the fee is paid, whoever brings it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Event, MeterAttached, Rejection, ServicePoint};
use crate::{
    Service,
    account::Clearance,
    ids::{ApplicationId, MeterId, PremisesId, ServicePointId},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AwaitConnection {
    pub application_id: ApplicationId,
    pub premises_id: PremisesId,
    pub service: Service,
}

/// The meter that the account has let up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConnectMeter {
    pub premises_id: PremisesId,
    pub service: Service,
    pub clearance: Clearance,
    pub on: NaiveDate,
}

/// The application has ended: whoever comes next is not kept out by it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForgoConnection {
    pub application_id: ApplicationId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionAwaited {
    pub service_point_id: ServicePointId,
    pub application_id: ApplicationId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionMade {
    pub application_id: ApplicationId,
    pub meter_id: MeterId,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionForgone {
    pub application_id: ApplicationId,
}

impl ServicePoint {
    pub(super) fn await_connection(&self, wish: AwaitConnection) -> Result<Vec<Event>, Rejection> {
        let AwaitConnection { application_id, premises_id, service } = wish;
        let service_point_id = self.identified(premises_id, service)?;
        // Told late, by a policy, what has been made already.
        if self.awaited == Some(application_id) || self.connected == Some(application_id) {
            return Ok(vec![]);
        }
        match (self.awaited, self.meter) {
            (Some(other), _) => Err(Rejection::ConnectionAwaited(other)),
            (None, Some(meter_id)) => Err(Rejection::MeterPresent(meter_id)),
            (None, None) => Ok(vec![ConnectionAwaited { service_point_id, application_id }.into()]),
        }
    }

    pub(super) fn connect_meter(&self, wish: ConnectMeter) -> Result<Vec<Event>, Rejection> {
        let ConnectMeter { premises_id, service, clearance, on } = wish;
        let service_point_id = self.identified(premises_id, service)?;
        let (application_id, meter_id) = (clearance.application_id(), clearance.meter_id());
        match (self.meter, self.awaited) {
            (Some(already), _) if already == meter_id => Ok(vec![]),
            (Some(other), _) => Err(Rejection::MeterPresent(other)),
            (None, Some(awaited)) if awaited == application_id => {
                self.meter_changes_on(on)?;
                let attached = MeterAttached { service_point_id, meter_id, on };
                Ok(vec![attached.into(), ConnectionMade { application_id, meter_id, on }.into()])
            }
            (None, Some(other)) => Err(Rejection::ConnectionAwaited(other)),
            (None, None) => Err(Rejection::NoConnectionAwaited),
        }
    }

    /// Whether the meter that an application is cleared for could go up here.
    pub fn could_connect(&self, meter_id: MeterId, on: NaiveDate) -> Result<(), Rejection> {
        match self.meter {
            Some(other) if other != meter_id => Err(Rejection::MeterPresent(other)),
            Some(_) => Ok(()),
            None => self.meter_changes_on(on),
        }
    }

    pub(super) fn forgo_connection(&self, wish: ForgoConnection) -> Result<Vec<Event>, Rejection> {
        let ForgoConnection { application_id } = wish;
        Ok(if self.awaited == Some(application_id) { vec![ConnectionForgone { application_id }.into()] } else { vec![] })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        Decider,
        account::{Account, ChargeAccount, ClearConnection, Command as OfAccount, example as account},
        agreement::{Agreement, AttachMeter, Command, MeterDetached, example::*},
        ids::service_point_id,
        spec::given,
    };

    const STRANGER: ApplicationId = ApplicationId::new(Uuid::from_u128(68));

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// The word of an account that has paid: there is no other way to come by one.
    fn cleared(application_id: ApplicationId, meter_id: MeterId) -> Clearance {
        let charged: ChargeAccount = account::charge(account::ChargeOf::default());
        let clear = ClearConnection { application_id, invoice_id: charged.invoice_id, meter_id, on: day("2024-04-02") };
        let wishes = [OfAccount::from(charged), account::record_payment(1, 11_500).into(), clear.into()];
        let paid = wishes
            .into_iter()
            .fold(account::account([]), |account, wish| account.decide(wish).unwrap().iter().fold(account, Account::evolve));
        paid.clearance(application_id).unwrap()
    }

    #[test]
    fn no_meter_goes_up_where_a_connection_is_awaited_but_by_the_accounts_word() {
        let Agreement { premises_id, service, .. } = agreement(1, day("2024-01-01"));
        let service_point_id = service_point_id(premises_id, service);
        let (on, when) = (day("2024-04-02"), Command::ConnectMeter);
        let await_it = |application_id| Command::AwaitConnection(AwaitConnection { application_id, premises_id, service });
        let attach = || Command::AttachMeter(AttachMeter { premises_id, service, meter_id: METER, on });
        let connect = |application_id, meter_id| ConnectMeter { premises_id, service, clearance: cleared(application_id, meter_id), on };
        let awaited = || Event::from(ConnectionAwaited { service_point_id, application_id: APPLICATION });
        let attached = || Event::from(MeterAttached { service_point_id, meter_id: METER, on });
        let made = || Event::from(ConnectionMade { application_id: APPLICATION, meter_id: METER, on });
        let forgo = |application_id| Command::ForgoConnection(ForgoConnection { application_id });

        given::<ServicePoint>([]).when(await_it(APPLICATION)).then([awaited()]);
        given::<ServicePoint>([awaited()]).when(await_it(STRANGER)).then_rejected(Rejection::ConnectionAwaited(APPLICATION));
        given::<ServicePoint>([attached()]).when(await_it(APPLICATION)).then_rejected(Rejection::MeterPresent(METER));

        given::<ServicePoint>([awaited()]).when(attach()).then_rejected(Rejection::ConnectionAwaited(APPLICATION));
        given::<ServicePoint>([awaited()]).when(when(connect(APPLICATION, METER))).then([attached(), made()]);
        given::<ServicePoint>([awaited()]).when(when(connect(STRANGER, METER))).then_rejected(Rejection::ConnectionAwaited(APPLICATION));
        given::<ServicePoint>([]).when(when(connect(APPLICATION, METER))).then_rejected(Rejection::NoConnectionAwaited);

        let connected = || [awaited(), attached(), made()];
        given::<ServicePoint>(connected()).when(when(connect(APPLICATION, NEW_METER))).then_rejected(Rejection::MeterPresent(METER));
        given::<ServicePoint>(connected()).when(await_it(APPLICATION)).then_nothing();
        // Afterwards it is a place like any other.
        let down = MeterDetached { meter_id: METER, on };
        given::<ServicePoint>(connected().into_iter().chain([down.into()])).when(attach()).then([attached()]);

        let forgone = || Event::from(ConnectionForgone { application_id: APPLICATION });
        given::<ServicePoint>([awaited()]).when(forgo(APPLICATION)).then([forgone()]);
        given::<ServicePoint>([awaited()]).when(forgo(STRANGER)).then_nothing();
        given::<ServicePoint>([awaited(), forgone()]).when(attach()).then([attached()]);
        given::<ServicePoint>([awaited(), forgone()]).when(await_it(STRANGER)).then([ConnectionAwaited {
            service_point_id,
            application_id: STRANGER,
        }
        .into()]);
    }
}
