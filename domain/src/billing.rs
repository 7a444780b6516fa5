use crate::{
    Decider, DecodeError, EventSchema, StreamName, account, agreement, bill_run, correction, invoice, ledger, meter, payment, policy,
    premises, read_cycle, register, reservation, tariff,
};

/// Every category whose events are the books. A reader of the whole log asks for these and stops at one it cannot read.
pub const CATEGORIES: &[&str] = &[
    account::Account::CATEGORY,
    ledger::AccountingPeriods::CATEGORY,
    agreement::ServicePoint::CATEGORY,
    bill_run::BillRun::CATEGORY,
    correction::Correction::CATEGORY,
    invoice::Invoice::CATEGORY,
    meter::Meter::CATEGORY,
    payment::Payment::CATEGORY,
    premises::Premises::CATEGORY,
    read_cycle::ReadCycle::CATEGORY,
    policy::RefusedRequest::CATEGORY,
    register::Register::CATEGORY,
    reservation::Reservation::CATEGORY,
    tariff::TariffSeries::CATEGORY,
];

/// Any event of any aggregate, for those who read the whole log.
#[derive(Clone, Debug, PartialEq)]
pub enum BillingEvent {
    Account(account::Event),
    AccountingPeriods(ledger::periods::Event),
    ServicePoint(agreement::Event),
    BillRun(bill_run::Event),
    Correction(correction::Event),
    Invoice(invoice::Event),
    Meter(meter::Event),
    Payment(payment::Event),
    Premises(premises::Event),
    ReadCycle(read_cycle::Event),
    RefusedRequest(policy::refused::Event),
    Register(register::Event),
    Reservation(reservation::Event),
    Tariff(tariff::Event),
}

impl BillingEvent {
    pub fn decode(stream: &StreamName, event_type: &str, version: u16, data: &[u8]) -> Result<Self, DecodeError> {
        match stream.category() {
            account::Account::CATEGORY => account::Event::decode(event_type, version, data).map(Self::Account),
            ledger::AccountingPeriods::CATEGORY => ledger::periods::Event::decode(event_type, version, data).map(Self::AccountingPeriods),
            agreement::ServicePoint::CATEGORY => agreement::Event::decode(event_type, version, data).map(Self::ServicePoint),
            bill_run::BillRun::CATEGORY => bill_run::Event::decode(event_type, version, data).map(Self::BillRun),
            correction::Correction::CATEGORY => correction::Event::decode(event_type, version, data).map(Self::Correction),
            invoice::Invoice::CATEGORY => invoice::Event::decode(event_type, version, data).map(Self::Invoice),
            meter::Meter::CATEGORY => meter::Event::decode(event_type, version, data).map(Self::Meter),
            payment::Payment::CATEGORY => payment::Event::decode(event_type, version, data).map(Self::Payment),
            premises::Premises::CATEGORY => premises::Event::decode(event_type, version, data).map(Self::Premises),
            read_cycle::ReadCycle::CATEGORY => read_cycle::Event::decode(event_type, version, data).map(Self::ReadCycle),
            policy::RefusedRequest::CATEGORY => policy::refused::Event::decode(event_type, version, data).map(Self::RefusedRequest),
            register::Register::CATEGORY => register::Event::decode(event_type, version, data).map(Self::Register),
            reservation::Reservation::CATEGORY => reservation::Event::decode(event_type, version, data).map(Self::Reservation),
            tariff::TariffSeries::CATEGORY => tariff::Event::decode(event_type, version, data).map(Self::Tariff),
            other => Err(DecodeError::UnknownCategory { category: other.to_owned() }),
        }
    }
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
