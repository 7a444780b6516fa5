//! Ids that cannot be taken for one another, and how they are derived.
//!
//! Nothing here is random: a command's id comes from who asked and the key they gave, and everything created by the command from that.
//! A retry therefore meets what the first try made.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The root of every id derived from text.
const DAFTAR: Uuid = Uuid::from_u128(0x6461_6674_6172_5000_8000_6c65_6467_6572);

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

typed_ids! {
    /// Who is billed.
    ///
    /// ```compile_fail
    /// use daftar_domain::ids::{AccountId, InvoiceId};
    /// fn bill(_: AccountId) {}
    /// bill(InvoiceId::new(uuid::Uuid::nil())); // an invoice is not an account
    /// ```
    AccountId
    /// What measures.
    MeterId
    /// What is owed, and why.
    InvoiceId
    /// What was taken off an invoice, or added to it, after it was issued.
    NoteId
    /// Money that a customer paid, or is about to.
    PaymentId
    /// Money that goes back to a customer.
    RefundId
    /// Money of the customer's that is kept against debts.
    DepositId
    /// A cashier's till, from its opening to its count.
    CashSessionId
    /// Where documents get their numbers: see [`register_id`].
    RegisterId
    /// A cycle's accounts, billed together.
    BillRunId
    /// An invoice that is being cancelled and billed anew.
    CorrectionId
    /// The company's accounting periods: see [`accounting_periods_id`].
    AccountingPeriodsId
    /// What is being mended.
    RepairId
    /// A kind of spare part.
    PartId
    /// A part at a branch: see [`stock_id`].
    StockId
    /// So many of a part, for a repair.
    PartRequestId
    /// Parts that came in, or a count that differed.
    StockMoveId
    /// Where devices are mended and customers received.
    BranchId
    /// A day's appointments at a branch: see [`appointment_day_id`].
    AppointmentDayId
    /// Somebody who comes at an hour.
    AppointmentId
    /// Something said about a repair.
    CommentId
    /// Something shown of a repair.
    AttachmentId
    /// Somebody's wish to be connected.
    ApplicationId
    /// What connections to a service cost: see [`connection_prices_id`].
    ConnectionPricesId
    /// What an authority pays of an invoice: see [`subsidy_id`].
    SubsidyId
    /// A debt that is paid in parts.
    InstalmentPlanId
    /// A supply that is cut, and restored.
    DisconnectionId
    /// What holds an account's dunning up.
    DunningHoldId
    /// A way to reach an account's holder.
    ContactId
    /// One of an account's addresses.
    AddressId
    /// A file of balances brought over from another system.
    ImportBatchId
    /// Where service is supplied.
    PremisesId
    /// One service at one premises, for ever: see [`service_point_id`].
    ServicePointId
    /// Who is billed for a service, from a date to a date.
    AgreementId
    /// A group of meters read on the same days.
    ReadCycleId
    /// A figure taken from, or estimated for, a register.
    ReadingId
    /// A meter's turn on the test bench.
    MeterTestId
    /// A value that only one may hold: see [`crate::reservation`].
    ReservationId
    /// What a gateway paid out at one time: see [`settlement_id`].
    SettlementId
    /// Versions of a tariff that follow one another.
    TariffSeriesId
    /// Who signs in.
    UserId
}

/// The id of a command: the same actor asking the same thing with the same key asks the same command.
pub fn command_id(actor: &crate::Actor, wish: &str, idempotency_key: &str) -> Uuid {
    derive(DAFTAR, &[actor.as_str(), wish, idempotency_key])
}

/// The id of what a command creates.
pub fn created_id(command_id: Uuid, category: &str) -> Uuid {
    derive(command_id, &[category])
}

/// The id of a register: found by its code, as a tariff series is.
pub fn register_id(code: &str) -> RegisterId {
    RegisterId::new(derive(DAFTAR, &["register", code]))
}

/// The id of a settlement, by what its gateway calls it: reported again, it is the same.
pub fn settlement_id(gateway: &crate::Code, reference: &crate::Code) -> SettlementId {
    SettlementId::new(derive(DAFTAR, &["settlement", gateway.as_str(), reference.as_str()]))
}

/// The id of what an authority settled at one time, by what it calls that.
pub fn subsidy_settlement_id(authority: &crate::Code, reference: &crate::Code) -> SettlementId {
    SettlementId::new(derive(DAFTAR, &["subsidy_settlement", authority.as_str(), reference.as_str()]))
}

/// The id of what an authority pays under a scheme of one of an invoice's supplies, counted from 0. There can be only one, because its id is its
/// name.
pub fn subsidy_id(invoice_id: InvoiceId, supply: usize, scheme: &crate::Code, authority: &crate::Code) -> SubsidyId {
    SubsidyId::new(derive(invoice_id.into(), &["subsidy", &supply.to_string(), scheme.as_str(), authority.as_str()]))
}

/// The id of a bill run, by the name that people call it: asked for again, it is gone on with.
pub fn bill_run_id(name: &str) -> BillRunId {
    BillRunId::new(derive(DAFTAR, &["bill_run", name]))
}

/// The id of the invoice that a run makes for an account. There can be only one, because its id is its name.
pub fn run_invoice_id(run_id: BillRunId, account_id: AccountId) -> InvoiceId {
    InvoiceId::new(derive(run_id.into(), &["invoice", &account_id.to_string()]))
}

/// The id of a file of opening balances, by the name that its sender gave the batch.
pub fn import_batch_id(batch: &str) -> ImportBatchId {
    ImportBatchId::new(derive(DAFTAR, &["opening_balances", batch]))
}

/// The id of the correction of an invoice: the first, or the one after so many that were refused.
pub fn correction_id(invoice_id: InvoiceId, refused: u32) -> CorrectionId {
    CorrectionId::new(derive(invoice_id.into(), &["correction", &refused.to_string()]))
}

/// The id of what was read anew in place of a reading.
pub fn reread_id(reading_id: ReadingId, value: rust_decimal::Decimal) -> ReadingId {
    ReadingId::new(derive(reading_id.into(), &["read again", &value.normalize().to_string()]))
}

/// The id of the credit note by which a correction cancels the wrong invoice.
pub fn correction_note_id(correction_id: CorrectionId) -> NoteId {
    NoteId::new(derive(correction_id.into(), &["note"]))
}

/// The id of the invoice by which a correction bills anew.
pub fn correction_invoice_id(correction_id: CorrectionId) -> InvoiceId {
    InvoiceId::new(derive(correction_id.into(), &["invoice"]))
}

/// The id of the correction of a later invoice that follows from this one.
pub fn cascaded_correction_id(correction_id: CorrectionId, later: InvoiceId) -> CorrectionId {
    CorrectionId::new(derive(correction_id.into(), &["later", &later.to_string()]))
}

/// The id of the invoice for a repair's visit. There can be only one, because its id is its name.
pub fn repair_invoice_id(repair_id: RepairId, visit: u32) -> InvoiceId {
    InvoiceId::new(derive(repair_id.into(), &["invoice", &visit.to_string()]))
}

/// The id of the invoice for a connection's fee. There can be only one, because its id is its name.
pub fn connection_invoice_id(application_id: ApplicationId) -> InvoiceId {
    InvoiceId::new(derive(application_id.into(), &["invoice"]))
}

/// The id of the credit note by which the fee of a connection that is not made is given back.
pub fn connection_refund_id(application_id: ApplicationId) -> NoteId {
    NoteId::new(derive(application_id.into(), &["refund"]))
}

/// The id of the tables of what connections to a service cost in a currency.
pub fn connection_prices_id(service: crate::Service, currency: crate::Currency) -> ConnectionPricesId {
    ConnectionPricesId::new(derive(DAFTAR, &["connection_prices", service.code(), currency.code()]))
}

/// The id of a part's stock at a branch.
pub fn stock_id(branch_id: BranchId, part_id: PartId) -> StockId {
    StockId::new(derive(branch_id.into(), &["stock", &part_id.to_string()]))
}

/// The id of a branch's appointments of a day, so that whoever books meets whoever has booked.
pub fn appointment_day_id(branch_id: BranchId, day: chrono::NaiveDate) -> AppointmentDayId {
    AppointmentDayId::new(derive(branch_id.into(), &["appointment_day", &day.to_string()]))
}

/// The id of what a policy asks because of an event: told twice, it asks the same thing.
pub(crate) fn policy_command_id(event_id: Uuid, policy: &str) -> Uuid {
    derive(event_id, &["policy", policy])
}

/// The id of the one calendar of accounting periods.
pub fn accounting_periods_id() -> AccountingPeriodsId {
    AccountingPeriodsId::new(derive(DAFTAR, &["accounting_periods"]))
}

/// The id of a tariff series: its code is its identity, so its stream can be found by anyone who knows the code.
pub fn tariff_series_id(code: &str) -> TariffSeriesId {
    TariffSeriesId::new(derive(DAFTAR, &["tariff", code]))
}

/// The id of the n-th event of a command in a stream: the same at every retry, so that the store can recognise the repeat.
pub fn event_id(command_id: Uuid, stream: &crate::StreamName, index: usize) -> Uuid {
    derive(command_id, &[stream.as_str(), &index.to_string()])
}

/// The id of a service at a premises. There can be only one, because its id is its name.
pub fn service_point_id(premises_id: PremisesId, service: crate::Service) -> ServicePointId {
    ServicePointId::new(derive(premises_id.into(), &["service_point", service.code()]))
}

/// The id of the deposit that a row of opening balances brings with it.
pub(crate) fn opening_deposit_id(batch_id: ImportBatchId, row: u32) -> DepositId {
    DepositId::new(derive(batch_id.into(), &["deposit", &row.to_string()]))
}

/// The id of the reservation of a value: `parts` name it, in the one spelling that its kind prescribes.
pub(crate) fn reservation_id(kind: &str, parts: &[&str]) -> ReservationId {
    ReservationId::new(derive(derive(DAFTAR, &["reservation", kind]), parts))
}

/// Parts are length-prefixed: `("ab", "c")` and `("a", "bc")` are different names.
fn derive(namespace: Uuid, parts: &[&str]) -> Uuid {
    let mut name = String::with_capacity(parts.iter().map(|part| "999:".len() + part.len()).sum());
    for part in parts {
        let _ = write!(name, "{}:{part}", part.len());
    }
    Uuid::new_v5(&namespace, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, StreamName};

    #[test]
    fn a_retry_derives_the_same_ids_and_another_wish_derives_others() {
        let id = command_id(&Actor::user("1"), "openAccount", "k");
        assert_eq!(id, command_id(&Actor::user("1"), "openAccount", "k"));
        assert_ne!(id, command_id(&Actor::user("2"), "openAccount", "k"));
        assert_ne!(id, command_id(&Actor::user("1"), "openAccoun", "tk"));
        let stream = StreamName::new("account", created_id(id, "account")).unwrap();
        assert_ne!(event_id(id, &stream, 0), event_id(id, &stream, 1));
    }

    /// These are on disk in every deployment: a change here would turn every retry into a second wish.
    #[test]
    fn derived_ids_never_change() {
        let id = command_id(&Actor::user("1"), "openAccount", "k");
        assert_eq!(id.to_string(), "2a5c47d3-8ccf-567b-a315-a5b3e4ba5cc6");
        assert_eq!(created_id(id, "account").to_string(), "2d5349fb-34fa-5199-a27a-4c980d10d01b");
        let service_point = service_point_id(PremisesId::new(Uuid::from_u128(1)), crate::Service::Water);
        assert_eq!(service_point.to_string(), "929e65bf-4f34-5209-b808-9dea64684925");
        assert_eq!(register_id("RUH").to_string(), "952b5b63-e9f9-53fe-b79f-1913b0e56454");
        let invoice = run_invoice_id(BillRunId::new(Uuid::from_u128(1)), AccountId::new(Uuid::from_u128(2)));
        assert_eq!(invoice.to_string(), "a60b2c7b-1f5c-53cf-bae8-33d5c2f120bf");
        let correction = CorrectionId::new(Uuid::from_u128(1));
        let later = cascaded_correction_id(correction, InvoiceId::new(Uuid::from_u128(2)));
        assert_eq!(correction_note_id(correction).to_string(), "4b2e5c08-2d03-53a6-afbd-46c8dc11b117");
        assert_eq!(correction_invoice_id(correction).to_string(), "9f4095a9-87cb-57ff-b300-3a052b6128dc");
        assert_eq!(later.to_string(), "b845c8b7-09d3-5b5d-add4-f820fb01123a");
        let application = ApplicationId::new(Uuid::from_u128(1));
        assert_eq!(connection_invoice_id(application).to_string(), "9f4095a9-87cb-57ff-b300-3a052b6128dc");
        assert_eq!(connection_refund_id(application).to_string(), "c541d24f-e417-507b-816b-3bfa1d41618f");
        assert_eq!(connection_prices_id(crate::Service::Water, crate::Currency::SAR).to_string(), "e4621ffe-2e4d-55bd-912f-20add7e89428");
        assert_eq!(accounting_periods_id().to_string(), "2f9bd759-7257-5792-81a2-1842fed885c4");
        assert_eq!(policy_command_id(id, "chargeAccount").to_string(), "6fee7ea6-f897-50c5-b914-d2c8dc259036");
        assert_eq!(opening_deposit_id(ImportBatchId::new(Uuid::from_u128(1)), 3).to_string(), "c8384381-422b-5d22-90e7-adae08638283");
        assert_eq!(reservation_id("meterSerial", &["ACME", "0042"]).to_string(), "de7ed586-1568-57ff-9557-72dc3764e8e7");
        assert_eq!(event_id(id, &StreamName::new("account", Uuid::nil()).unwrap(), 0).to_string(), "aed51d90-e969-5435-a86e-8882c87b77a0");
    }
}
