//! Subsidies: what an authority pays of an invoice in the customer's place.
//!
//! A subsidy pays its invoice when that is charged, before any money that waits. It is never the customer's to have: it pays nothing else,
//! is not refunded and not written off, and none of it lies idle but while its invoice is being billed anew. What the invoice no longer
//! needs of it, because a credit note has lowered what it comes to, goes back to the authority, and the note pays in its place.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Allocated, Credit, CreditId, Draft, ItemId, Posting, Receivable};
use crate::{
    Code, Money,
    ids::{InvoiceId, NoteId, SubsidyId},
    share,
};

/// What an authority pays of an invoice that is charged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChargedSubsidy {
    pub subsidy_id: SubsidyId,
    pub scheme: Code,
    pub authority: Code,
    pub amount: Money,
}

/// An authority owes so much of an invoice: it pays the invoice in the fact that follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubsidyCredited {
    pub subsidy_id: SubsidyId,
    pub invoice_id: InvoiceId,
    pub scheme: Code,
    pub authority: Code,
    pub amount: Money,
    pub on: NaiveDate,
}

/// The authority owes so much less.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubsidyTakenBack {
    pub subsidy_id: SubsidyId,
    pub invoice_id: InvoiceId,
    pub scheme: Code,
    pub authority: Code,
    pub amount: Money,
    /// The credit note that pays the invoice in its place; none, if it was paying nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<NoteId>,
    pub on: NaiveDate,
}

/// As it stands: in the order in which its invoice was charged with them, which is that of their priority.
#[derive(Clone, Debug)]
pub(super) struct Subsidy {
    id: SubsidyId,
    scheme: Code,
    authority: Code,
    /// Credited, less what was taken back.
    stands: Money,
}

impl Posting for SubsidyCredited {
    fn post(&self, receivable: &mut Receivable) {
        let Self { subsidy_id, invoice_id, amount, on, .. } = *self;
        receivable.credits.insert(CreditId::Subsidy(subsidy_id), Credit { subsidy: true, ..Credit::new(amount, on) });
        let (scheme, authority) = (self.scheme.clone(), self.authority.clone());
        receivable.subsidies.entry(invoice_id).or_default().push(Subsidy { id: subsidy_id, scheme, authority, stands: amount });
    }
}

impl Posting for SubsidyTakenBack {
    fn post(&self, receivable: &mut Receivable) {
        let Self { subsidy_id, invoice_id, amount, replaced_by, .. } = *self;
        let of_invoice = receivable.subsidies.entry(invoice_id).or_default();
        if let Some(subsidy) = of_invoice.iter_mut().find(|subsidy| subsidy.id == subsidy_id) {
            subsidy.stands.minor -= amount.minor;
        }
        match replaced_by {
            Some(note_id) => receivable.replace(ItemId::Invoice(invoice_id), subsidy_id, note_id, amount),
            None => receivable.change_credit(CreditId::Subsidy(subsidy_id), |credit| credit.left.minor -= amount.minor),
        }
    }
}

impl Receivable {
    /// What authorities pay of an invoice.
    pub fn subsidised(&self, invoice_id: InvoiceId) -> i64 {
        self.subsidies.get(&invoice_id).into_iter().flatten().map(|subsidy| subsidy.stands.minor).sum()
    }

    /// What there is of an invoice and its debit notes, less its credit notes.
    pub fn comes_to(&self, invoice_id: InvoiceId) -> i64 {
        let charged = self.items.values().filter(|item| item.invoice_id == Some(invoice_id)).map(|item| item.amount.minor);
        let credited = self.credit_notes.values().filter(|(of, _)| *of == invoice_id).map(|(_, amount)| amount.minor);
        charged.sum::<i64>() - credited.sum::<i64>()
    }

    /// Nothing of the item is open or paid by more or less: another pays it.
    fn replace(&mut self, item: ItemId, subsidy_id: SubsidyId, note_id: NoteId, amount: Money) {
        let (subsidy, note) = (CreditId::Subsidy(subsidy_id), CreditId::CreditNote(note_id));
        self.change_credit(note, |credit| credit.left.minor -= amount.minor);
        let Some(paid) = self.allocations.get_mut(&(item, subsidy)) else { return };
        let vat = share::proportion(paid.vat, amount.minor.unsigned_abs(), paid.amount.minor.unsigned_abs());
        paid.amount.minor -= amount.minor;
        paid.vat.minor -= vat.minor;
        let moved = Allocated { amount, vat, ..*paid };
        if paid.amount.is_zero() {
            self.allocations.remove(&(item, subsidy));
        }
        match self.allocations.get_mut(&(item, note)) {
            Some(by_note) => {
                by_note.amount.minor += moved.amount.minor;
                by_note.vat.minor += moved.vat.minor;
                by_note.effective_on = by_note.effective_on.max(moved.effective_on);
            }
            None => drop(self.allocations.insert((item, note), moved)),
        }
    }
}

impl Draft {
    /// Pays an invoice that was just charged. A credit note may have come first: of what it took off, no authority pays anything.
    pub(super) fn subsidise(&mut self, invoice_id: InvoiceId, subsidies: Vec<ChargedSubsidy>, on: NaiveDate) {
        let item = ItemId::Invoice(invoice_id);
        for ChargedSubsidy { subsidy_id, scheme, authority, amount } in subsidies {
            let most = self.receivable.comes_to(invoice_id) - self.receivable.subsidised(invoice_id);
            let amount = Money::new(amount.minor.min(most), amount.currency);
            if amount.minor > 0 {
                self.record(SubsidyCredited { subsidy_id, invoice_id, scheme, authority, amount, on });
                self.direct(CreditId::Subsidy(subsidy_id), &[item], on);
            }
        }
    }

    /// What is more than its invoice comes to after this note goes back, the last subsidy first.
    ///
    /// The note pays in its place before it pays anything else. It is never too small for that: no more was subsidised than the invoice
    /// came to before it, and so no more is too much now than it took off.
    pub(super) fn take_back(&mut self, invoice_id: InvoiceId, note_id: NoteId, on: NaiveDate) {
        let mut too_much = self.receivable.subsidised(invoice_id) - self.receivable.comes_to(invoice_id).max(0);
        for Subsidy { id, stands, .. } in self.receivable.subsidies.get(&invoice_id).cloned().into_iter().flatten().rev() {
            let amount = too_much.min(stands.minor);
            if amount > 0 {
                // While its invoice is billed anew it waits, whole. Otherwise all of it is in the invoice.
                let waits = self.receivable.credits.get(&CreditId::Subsidy(id)).is_some_and(|credit| !credit.left.is_zero());
                self.return_subsidy(invoice_id, id, amount, (!waits).then_some(note_id), on);
                too_much -= amount;
            }
        }
    }

    /// An invoice was billed anew, or was to be: what is left of its subsidies pays it again, and goes back if it does not need them.
    pub(super) fn subsidise_again(&mut self, item: ItemId, on: NaiveDate) {
        let ItemId::Invoice(invoice_id) = item else { return };
        for Subsidy { id, .. } in self.receivable.subsidies.get(&invoice_id).cloned().into_iter().flatten() {
            self.recover(CreditId::Subsidy(id), item, on);
            let left = self.receivable.credits.get(&CreditId::Subsidy(id)).map_or(0, |credit| credit.left.minor);
            if left > 0 {
                self.return_subsidy(invoice_id, id, left, None, on);
            }
        }
    }

    fn return_subsidy(&mut self, invoice_id: InvoiceId, id: SubsidyId, minor: i64, replaced_by: Option<NoteId>, on: NaiveDate) {
        let of_invoice = self.receivable.subsidies.get(&invoice_id).into_iter().flatten();
        let Some(Subsidy { scheme, authority, stands, .. }) = of_invoice.into_iter().find(|subsidy| subsidy.id == id).cloned() else {
            return;
        };
        // The books move on no day before their cause.
        let on = self.receivable.credits.get(&CreditId::Subsidy(id)).map_or(on, |credit| on.max(credit.value_on));
        let amount = Money::new(minor, stands.currency);
        self.record(SubsidyTakenBack { subsidy_id: id, invoice_id, scheme, authority, amount, replaced_by, on });
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Actor, Currency, Decider,
        account::{
            Account, AgreePlan, ChargeAccount, Command, Event, FreeAllocations, ReapplyCredit, RecordPayment, Rejection, SettleFinally,
            Tender, WriteOff, WriteOffSmallBalances, example::*,
        },
        invoice::Surplus,
        spec::given,
    };

    /// 115.00 of which a ministry pays 30.00 and then 20.00.
    fn subsidised() -> ChargeAccount {
        ChargeAccount {
            subsidies: vec![charged_subsidy(1, "homes", 3_000), charged_subsidy(1, "families", 2_000)],
            ..charge(ChargeOf::default())
        }
    }

    fn paid(scheme: &str, amount: i64, vat: i64, still_due: i64) -> Event {
        allocated_on(subsidy(1, scheme), 1, (amount, vat, still_due), "2024-03-01")
    }

    fn told(event: Event, minor: i64) -> Event {
        let Event::CreditAllocated(fact) = event else { panic!("{event:?}") };
        crate::account::CreditAllocated { echo: echo(1, minor), ..fact }.into()
    }

    fn charged_and_paid() -> Vec<Event> {
        vec![
            charged(ChargeOf::default()),
            subsidy_credited(1, "homes", 3_000),
            paid("homes", 3_000, 391, 8_500),
            subsidy_credited(1, "families", 2_000),
            told(paid("families", 2_000, 261, 6_500), 5_000),
        ]
    }

    fn facts(then: impl IntoIterator<Item = Event>) -> impl Iterator<Item = Event> {
        [opened()].into_iter().chain(charged_and_paid()).chain(then)
    }

    fn after(account: &Account, command: impl Into<Command>) -> (Account, Vec<Event>) {
        let events = decided(account, command);
        (events.iter().fold(account.clone(), Account::evolve), events)
    }

    fn subsidised_account() -> Account {
        account(charged_and_paid())
    }

    fn taken_back(events: &[Event]) -> Vec<(&str, i64, bool)> {
        let taken = events.iter().filter_map(|event| if let Event::SubsidyTakenBack(fact) = event { Some(fact) } else { None });
        taken.map(|fact| (fact.scheme.as_str(), fact.amount.minor, fact.replaced_by.is_some())).collect()
    }

    fn open(account: &Account) -> i64 {
        account.receivable().due(Currency::SAR).minor
    }

    fn unapplied(account: &Account) -> i64 {
        account.receivable().unapplied(Currency::SAR).minor
    }

    #[test]
    fn it_pays_its_invoice_when_that_is_charged_and_before_money_that_waits() {
        given::<Account>([opened()]).when(subsidised().into()).then(charged_and_paid());
        let (account, events) = after(&account([payment_received(1, 9_000)]), subsidised());
        assert_eq!(allocations(&events), [(invoice(1), 3_000), (invoice(1), 2_000), (invoice(1), 6_500)]);
        assert_eq!((open(&account), unapplied(&account)), (0, 2_500), "the customer pays what is left, and keeps the rest");
    }

    #[test]
    fn of_what_a_note_took_off_before_nothing_is_subsidised() {
        for (note, credited) in [(6_500, vec![3_000, 2_000]), (7_500, vec![3_000, 1_000]), (9_000, vec![2_500]), (11_500, vec![])] {
            let (noted, _) = after(&account([]), credit_account(1, 1, note, Surplus::AccountCredit));
            let (account, events) = after(&noted, subsidised());
            let amounts: Vec<_> = events
                .iter()
                .filter_map(|event| if let Event::SubsidyCredited(fact) = event { Some(fact.amount.minor) } else { None })
                .collect();
            assert_eq!(amounts, credited, "{note}");
            assert_eq!((open(&account), unapplied(&account)), (0, 0), "{note}");
        }
    }

    #[test]
    fn what_a_note_makes_too_much_goes_back_the_last_first_and_the_note_pays_in_its_place() {
        for (note, expected, still_open, surplus) in [
            (6_500, vec![], 0, 0),
            (6_501, vec![("families", 1, true)], 0, 0),
            (8_500, vec![("families", 2_000, true)], 0, 0),
            (9_000, vec![("families", 2_000, true), ("homes", 500, true)], 0, 0),
            (11_500, vec![("families", 2_000, true), ("homes", 3_000, true)], 0, 0),
            (2_300, vec![], 4_200, 0),
        ] {
            let (account, events) = after(&subsidised_account(), credit_account(1, 1, note, Surplus::AccountCredit));
            assert_eq!(taken_back(&events), expected, "{note}");
            assert_eq!((open(&account), unapplied(&account)), (still_open, surplus), "{note}");
            assert_eq!(account.receivable().subsidised(invoice_id(1)), 5_000.min(11_500 - note), "{note}");
        }
    }

    #[test]
    fn of_a_paid_invoice_the_customer_gets_what_he_paid_and_the_authority_what_it_did() {
        let (paid, _) = after(&subsidised_account(), record_payment(1, 6_500));
        for (surplus, note, back, subsidised) in
            [(Surplus::AccountCredit, 11_500, 6_500, 0), (Surplus::Refund, 8_500, 6_500, 3_000), (Surplus::Refund, 500, 500, 5_000)]
        {
            let (account, _) = after(&paid, credit_account(1, 1, note, surplus));
            let receivable = account.receivable();
            assert_eq!((unapplied(&account), receivable.subsidised(invoice_id(1))), (back, subsidised), "{note}");
            let (refunded, _) = after(&account, refund(credit_note(1), 1, back));
            assert!(refunded.receivable().is_settled(), "{note}");
        }
    }

    #[test]
    fn its_invoice_is_told_that_as_much_is_paid_as_before() {
        let (account, events) = after(&subsidised_account(), credit_account(1, 1, 9_000, Surplus::AccountCredit));
        let echoes: Vec<_> = events
            .iter()
            .filter_map(|event| if let Event::CreditAllocated(fact) = event { fact.echo } else { None })
            .map(|echo| echo.total.minor)
            .collect();
        assert_eq!(echoes, [2_500], "115.00 less the note of 90.00, and all of that is paid");
        assert_eq!(open(&account), 0);
    }

    #[test]
    fn it_pays_nothing_else_and_is_nobodys_to_have() {
        let (freed, _) =
            after(&subsidised_account(), FreeAllocations { item: invoice(1), on: day("2024-04-02"), reason: reason("wrong tariff") });
        assert_eq!((open(&freed), unapplied(&freed)), (11_500, 5_000));
        let (other, events) = after(&freed, charge(ChargeOf { n: 2, ..ChargeOf::default() }));
        assert_eq!(allocations(&events), []);
        for account in [&subsidised_account(), &other] {
            assert_eq!(account.decide(refund(subsidy(1, "homes"), 1, 1).into()), Err(Rejection::SubsidyNotRefunded));
        }
        let (approved_by, on) = (Actor::user("9"), day("2024-10-01"));
        let settle = SettleFinally { refund_id: refund_id(7), tender: Tender::Transfer, approved_by, on, reason: reason("moved away") };
        assert_eq!(decided(&freed, settle.clone()), []);
        // Not even if it lay idle, which it never does.
        let idle = account([charged(ChargeOf { minor: 0, vat: 0, ..ChargeOf::default() }), subsidy_credited(1, "homes", 50)]);
        let (owing, events) = after(&idle, charge(ChargeOf { n: 2, ..ChargeOf::default() }));
        assert_eq!((allocations(&events), unapplied(&owing)), (vec![], 50));
        assert_eq!(decided(&idle, WriteOffSmallBalances { on: day("2024-04-02") }), []);
        assert_eq!(decided(&idle, settle), []);
        let small = ChargeAccount { subsidies: vec![charged_subsidy(1, "homes", 50)], ..charge(ChargeOf::default()) };
        let (small, _) = after(&account([]), small);
        let (small, _) = after(&small, FreeAllocations { item: invoice(1), on: day("2024-04-02"), reason: reason("wrong tariff") });
        assert_eq!(decided(&small, WriteOffSmallBalances { on: day("2024-04-02") }), []);
    }

    #[test]
    fn a_rebill_takes_it_back_from_the_wrong_invoice_and_the_right_one_has_its_own() {
        let (account, _) = after(&subsidised_account(), record_payment(1, 6_500));
        let (account, _) = after(&account, FreeAllocations { item: invoice(1), on: day("2024-04-02"), reason: reason("wrong tariff") });
        let (account, events) = after(&account, credit_account(1, 1, 11_500, Surplus::AccountCredit));
        assert_eq!(taken_back(&events), [("families", 2_000, false), ("homes", 3_000, false)]);
        assert_eq!(allocations(&events), [(invoice(1), 11_500)]);
        let right = ChargeAccount {
            subsidies: vec![charged_subsidy(2, "homes", 2_500)],
            ..charge(ChargeOf { n: 2, minor: 9_200, vat: 1_200, ..ChargeOf::default() })
        };
        let (account, events) = after(&account, right);
        assert_eq!(allocations(&events), [(invoice(2), 2_500)]);
        let (account, events) = after(&account, ReapplyCredit { item: invoice(1), on: day("2024-04-03") });
        assert_eq!((allocations(&events), taken_back(&events)), (vec![(invoice(2), 6_500)], vec![]));
        assert_eq!((open(&account), unapplied(&account)), (200, 0));
    }

    #[test]
    fn a_rebill_that_cancels_nothing_leaves_it_where_it_was() {
        let free = FreeAllocations { item: invoice(1), on: day("2024-04-02"), reason: reason("wrong tariff") };
        let reapply = ReapplyCredit { item: invoice(1), on: day("2024-04-03") };
        let (freed, _) = after(&subsidised_account(), free);
        let (account, events) = after(&freed, reapply.clone());
        assert_eq!((allocations(&events), taken_back(&events)), (vec![(invoice(1), 3_000), (invoice(1), 2_000)], vec![]));
        assert_eq!((open(&account), unapplied(&account)), (6_500, 0));
        // Somebody has paid for it meanwhile: what it does not need is not kept for anybody.
        let meant = RecordPayment { directed: vec![invoice(1)], ..record_payment(3, 9_500) };
        let (paid, _) = after(&freed, meant);
        let (account, events) = after(&paid, reapply.clone());
        assert_eq!(
            (allocations(&events), taken_back(&events)),
            (vec![(invoice(1), 2_000)], vec![("homes", 1_000, false), ("families", 2_000, false)])
        );
        assert!(account.receivable().is_settled());
        // What was given up is recovered with it first.
        let give_up =
            WriteOff { item: invoice(1), approved_by: Actor::user("9"), limit: sar(11_500), on: day("2024-04-02"), reason: reason("gone") };
        let (given_up, _) = after(&freed, give_up);
        let (account, events) = after(&given_up, reapply);
        assert_eq!((allocations(&events), taken_back(&events)), (vec![(invoice(1), 3_000), (invoice(1), 2_000)], vec![]));
        assert_eq!((open(&account), unapplied(&account)), (0, 0));
    }

    #[test]
    fn a_plan_over_what_is_left_outlives_a_note_that_takes_it_back() {
        let (account, _) = after(&subsidised_account(), charge(ChargeOf { n: 2, ..ChargeOf::default() }));
        let (account, _) = after(&account, AgreePlan { rule: any_plan_rule(), ..agree_plan(1, 3) });
        let (account, events) = after(&account, credit_account(1, 1, 9_000, Surplus::AccountCredit));
        assert_eq!(taken_back(&events), [("families", 2_000, true), ("homes", 500, true)]);
        assert!(!events.iter().any(|event| matches!(event, Event::PlanBroken(_) | Event::PlanCancelled(_))), "{events:?}");
        assert_eq!(open(&account), 11_500);
    }

    #[test]
    fn what_it_paid_is_part_of_what_the_note_frees_when_it_is_billed_anew_after_all() {
        let (account, _) = after(&subsidised_account(), credit_account(1, 1, 9_000, Surplus::AccountCredit));
        let free = FreeAllocations { item: invoice(1), on: day("2024-05-02"), reason: reason("wrong tariff") };
        let (account, events) = after(&account, free);
        let freed: Vec<_> = events
            .iter()
            .filter_map(|event| if let Event::AllocationFreed(fact) = event { Some((fact.amount.minor, fact.vat.minor)) } else { None })
            .collect();
        assert_eq!(freed, [(9_000, 1_174), (2_500, 326)]);
        assert_eq!(account.receivable().item(invoice(1)).map(|item| (item.open, item.open_vat)), Some((sar(11_500), sar(1_500))));
    }

    #[test]
    fn a_note_and_a_charge_told_twice_change_nothing() {
        given::<Account>(facts([])).when(subsidised().into()).then_nothing();
        let note = credit_account(1, 1, 7_500, Surplus::AccountCredit);
        let events = decided(&subsidised_account(), note.clone());
        assert_eq!(events[..2], [account_credited(1, 1, 7_500, Surplus::AccountCredit), subsidy_taken_back(1, "families", 1_000, Some(1))]);
        given::<Account>(facts([])).when(note.clone().into()).then(events.clone());
        given::<Account>(facts(events)).when(note.into()).then_nothing();
    }
}
