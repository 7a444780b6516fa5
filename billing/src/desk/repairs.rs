//! A closed repair becomes an invoice, its deposit pays it, and a part's new price reaches the open estimates.

use chrono::NaiveDate;
use daftar_domain::{
    BillingEvent, Recorded, StreamName,
    account::{Account, AccountCharged, ApplyDeposit, ItemId},
    invoice::{Draft, Invoice, Subject},
    part::PartPriceChanged,
    policy,
    repair::{self, Repair, RepairBill, RepricePart},
};
use daftar_projections::repairs::{Repairs, open_with_part};

use super::{Bill, Desk};
use crate::{follower::Interruption, refusals, rows::Unread};

const BILL_REPAIR: &str = "billRepair";
const APPLY_DEPOSIT: &str = "applyRepairDeposit";
const CARRY_PRICE: &str = "carryPartPrice";

impl Desk {
    pub(super) async fn bill_repair(&self, fact: &Recorded<BillingEvent>, bill: &RepairBill, on: NaiveDate) -> Result<(), Interruption> {
        let RepairBill { invoice_id, account_id, repair_id, .. } = *bill;
        let drafting = self.context(fact, BILL_REPAIR, policy::request_id(fact.id, BILL_REPAIR));
        let account = self.look::<Account>(account_id).await?;
        let repair = self.look::<Repair>(repair_id).await?;
        // As the estimate was reckoned that the customer has approved: to the last coin the same.
        let rounding = repair.billed(invoice_id).and_then(|billed| billed.rounding).unwrap_or(self.terms.rounding);
        let draft = self
            .heading(&account, on)
            .and_then(|heading| Draft::of_repair(repair_id, heading, bill.lines.clone(), rounding).map_err(|error| error.to_string()));
        self.bill(&drafting, Bill { invoice_id, account_id, on }, draft).await
    }

    /// What was paid ahead pays the invoice, as far as it goes; what is left of it stays the customer's.
    pub(super) async fn apply_deposits(&self, fact: &Recorded<BillingEvent>, charged: &AccountCharged) -> Result<(), Interruption> {
        let invoice = self.look::<Invoice>(charged.invoice_id).await?;
        let Some(Subject::Repair { repair_id }) = invoice.issued().map(|issued| &issued.subject) else { return Ok(()) };
        let repair = self.look::<Repair>(*repair_id).await?;
        let Some(billed) = repair.billed(charged.invoice_id) else { return Ok(()) };
        for deposit_id in &billed.deposits {
            let id = policy::request_id(policy::request_id(fact.id, APPLY_DEPOSIT), &deposit_id.to_string());
            let wish = ApplyDeposit { deposit_id: *deposit_id, item: ItemId::Invoice(charged.invoice_id), on: charged.issued_on };
            refusals::ask::<Account>(&self.engine, &self.context(fact, APPLY_DEPOSIT, id), &fact.stream, wish.into()).await?;
        }
        Ok(())
    }

    /// To every repair that has the part in its estimate. Whether the price is still open is the repair's to say.
    pub(super) async fn carry_price(&self, fact: &Recorded<BillingEvent>, changed: &PartPriceChanged) -> Result<(), Interruption> {
        // What was offered at the old price is in the rows before they are asked.
        self.rows.caught_up::<Repairs>(&self.engine).await?;
        for repair_id in open_with_part(&self.rows.db, changed.part_id).await.map_err(Unread::from)? {
            let id = policy::request_id(policy::request_id(fact.id, CARRY_PRICE), &repair_id.to_string());
            let wish = RepricePart { part_id: changed.part_id, price: changed.price, on: changed.on };
            let stream = StreamName::of::<Repair>(repair_id);
            refusals::ask::<Repair>(&self.engine, &self.context(fact, CARRY_PRICE, id), &stream, repair::Command::RepricePart(wish))
                .await?;
        }
        Ok(())
    }
}
