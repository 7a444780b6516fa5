use crate::{
    Decider, DecodeError, EventSchema, StreamName, account, agreement, application, appointment, bill_run, branch, connection_prices,
    correction, disconnection, dunning, invoice, ledger::periods, meter, part, payment, policy::refused, premises, read_cycle, register,
    repair, reservation, settlement, stock, tariff, user, user::audit,
};

/// Declares whose events are the books: for each aggregate what its events are called among all others.
macro_rules! books {
    ($($name:ident: $module:ident::$aggregate:ident)+) => {
        /// Every category whose events are the books. A reader of the whole log asks for these and stops at one it cannot read.
        pub const CATEGORIES: &[&str] = &[$($module::$aggregate::CATEGORY),+];

        /// Any event of any aggregate, for those who read the whole log.
        #[derive(Clone, Debug, PartialEq)]
        pub enum BillingEvent {
            $($name($module::Event)),+
        }

        impl BillingEvent {
            pub fn decode(stream: &StreamName, event_type: &str, version: u16, data: &[u8]) -> Result<Self, DecodeError> {
                match stream.category() {
                    $($module::$aggregate::CATEGORY => $module::Event::decode(event_type, version, data).map(Self::$name),)+
                    other => Err(DecodeError::UnknownCategory { category: other.to_owned() }),
                }
            }

            /// Of the stream that it belongs in.
            pub fn category(&self) -> &'static str {
                match self { $(Self::$name(_) => $module::$aggregate::CATEGORY),+ }
            }

            pub fn event_type(&self) -> &'static str {
                match self { $(Self::$name(event) => event.event_type()),+ }
            }

            pub fn version(&self) -> u16 {
                match self { $(Self::$name(event) => event.version()),+ }
            }

            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$name(event) => event.encode()),+ }
            }
        }

        /// Any aggregate, for those who fold the whole log.
        #[derive(Clone, Debug)]
        pub enum Aggregate {
            $($name(Box<$module::$aggregate>)),+
        }

        impl Aggregate {
            /// As it was before this event, its first.
            pub fn before(event: &BillingEvent) -> Self {
                match event { $(BillingEvent::$name(_) => Self::$name(Box::default())),+ }
            }

            /// The state after one more fact of its stream. What is not a fact of it changes nothing.
            pub fn evolve(&mut self, event: &BillingEvent) {
                match (self, event) {
                    $((Self::$name(state), BillingEvent::$name(event)) => **state = std::mem::take(&mut **state).evolve(event),)+
                    _ => {}
                }
            }
        }

        $(impl From<$module::Event> for BillingEvent {
            fn from(event: $module::Event) -> Self {
                Self::$name(event)
            }
        })+
    };
}

books! {
    Account: account::Account
    AccountingPeriods: periods::AccountingPeriods
    Audit: audit::Audit
    ServicePoint: agreement::ServicePoint
    Application: application::Application
    AppointmentDay: appointment::AppointmentDay
    BillRun: bill_run::BillRun
    Branch: branch::Branch
    ConnectionPrices: connection_prices::ConnectionPrices
    Correction: correction::Correction
    Disconnection: disconnection::Disconnection
    Dunning: dunning::Dunning
    Invoice: invoice::Invoice
    Meter: meter::Meter
    Part: part::Part
    Payment: payment::Payment
    Premises: premises::Premises
    ReadCycle: read_cycle::ReadCycle
    RefusedRequest: refused::RefusedRequest
    Register: register::Register
    Repair: repair::Repair
    Reservation: reservation::Reservation
    Settlement: settlement::Settlement
    Stock: stock::Stock
    Tariff: tariff::TariffSeries
    User: user::User
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_event_no_one_knows_is_named_not_skipped() {
        let decode = |category, event_type, version, data: &[u8]| {
            let stream = StreamName::new(category, Uuid::nil()).unwrap();
            BillingEvent::decode(&stream, event_type, version, data).unwrap_err().to_string()
        };
        assert_eq!(decode("account", "AccountMoved", 1, b"{}"), "no reader for `AccountMoved` version 1");
        assert_eq!(decode("account", "AccountOpened", 7, b"{}"), "no reader for `AccountOpened` version 7");
        assert_eq!(decode("account", "AccountOpened", 1, b"{}"), "`AccountOpened` version 1 does not have the form of its schema");
        assert_eq!(decode("horse", "AccountOpened", 1, b"{}"), "no aggregate keeps its events in `horse`");
    }
}
