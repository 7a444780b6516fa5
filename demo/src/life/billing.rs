//! What ends a month: its bills, what falls overdue, and the closing of its books.

use daftar_billing::{bill_run::Cycle, period_close};
use daftar_domain::{
    BillingEvent, Currency,
    account::{Account, ItemId, Tender},
    bill_run::Filter,
    ids::{AccountId, InvoiceId, bill_run_id},
    invoice::{self, ApproveInvoice, Invoice, InvoiceIssued, ReleaseInvoice, Subject},
    policy,
};

use super::{Act, Life, Pay, supplying::reason};
use crate::{
    DemoError,
    people::{Habit, month, text},
    world::{Staff, later},
};

impl Life {
    /// The month's run; once more two days later for those that could not be billed, when what was wrong is put right.
    pub(super) async fn bill(&mut self, name: &str, n: i64, again: bool) -> Result<(), DemoError> {
        let today = self.today();
        self.hear().await?;
        let filter = Filter { failed_in: again.then(|| bill_run_id(name)), ..Filter::default() };
        let cut_off = Some(month(self.first, n + 1));
        let cycle = Cycle { cycle: text(name), cut_off, issued_on: again.then_some(today), filter };
        let plan = self.world.runs.plan_for(cycle, &self.terms).await?;
        let run = if again { format!("{name}-again") } else { name.to_owned() };
        let report = self.world.runs.execute(&run, plan, &|_| ()).await?;
        self.world.settle().await?;
        self.hear().await?;
        if !again {
            if report.tally.failed > 0 {
                self.plan(later(today, 2), 6 * 60, Act::Bill { name: name.to_owned(), month: n, again: true });
            }
            self.plan_payments(n + 1);
            self.plan_farewells();
        }
        Ok(())
    }

    /// Whose invoices there are now, and which wait for a person.
    pub(super) async fn hear(&mut self) -> Result<(), DemoError> {
        let numbers: std::collections::BTreeMap<AccountId, usize> =
            self.people.iter().map(|person| (person.account_id, person.number)).collect();
        for fact in self.world.news().await? {
            let BillingEvent::Invoice(event) = &fact.event else { continue };
            match event {
                invoice::Event::InvoiceIssued(InvoiceIssued { invoice_id, account_id, subject: Subject::Supply { .. }, .. }) => {
                    if let Some(number) = numbers.get(account_id) {
                        self.people[*number].invoices.push(*invoice_id);
                    }
                }
                invoice::Event::InvoiceHeld(_) => {
                    let invoice_id = InvoiceId::new(fact.stream.id());
                    self.plan(later(self.today(), 1), 11 * 60, Act::ReleaseInvoice(invoice_id));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Somebody has asked the customer, and the bill is right.
    pub(super) async fn release_invoice(&mut self, invoice_id: InvoiceId) -> Result<(), DemoError> {
        let today = self.today();
        let release = ReleaseInvoice { released_by: self.world.actor(Staff::Billing), reason: reason("the customer had guests") };
        let approve = ApproveInvoice { dates: self.terms.dates(today), numbering: self.terms.numbering.clone() };
        let wishes = [invoice::Command::ReleaseInvoice(release), invoice::Command::ApproveInvoice(approve)];
        for (step, wish) in wishes.into_iter().enumerate() {
            self.world.ask::<Invoice>(Staff::Billing, invoice_id, &format!("release {step} {invoice_id}"), wish).await?;
        }
        self.world.settle().await?;
        self.hear().await
    }

    /// Every invoice that is not paid by its day falls overdue.
    pub(super) async fn day_end(&mut self) -> Result<(), DemoError> {
        let day = self.today().pred_opt().unwrap_or_default();
        for number in 0..self.people.len() {
            let account: Account = self.world.look(self.people[number].account_id).await?;
            let late = account.receivable().open_items().filter(|(_, item)| item.due_on < day);
            let late: Vec<InvoiceId> =
                late.filter_map(|(id, _)| if let ItemId::Invoice(invoice_id) = id { Some(invoice_id) } else { None }).collect();
            for invoice_id in late {
                if !self.world.look::<Invoice>(invoice_id).await?.is_overdue() {
                    self.ask_as_policy(policy::day_end(invoice_id, day)).await?;
                }
            }
        }
        self.world.settle().await
    }

    pub(super) async fn close(&mut self, n: i64) -> Result<(), DemoError> {
        let (today, by) = (self.today(), self.world.actor(Staff::Finance));
        let name = month(self.first, n).format("%Y-%m").to_string();
        self.closing.close(period_close::month(&text(&name))?, today, &by).await?;
        Ok(())
    }

    /// Who pays how, and when.
    fn plan_payments(&mut self, n: i64) {
        let first = month(self.first, n);
        for number in 0..self.people.len() {
            let mut dice = self.world.dice(&format!("payment {n} of {number}"));
            let tender = *dice.pick(&[Tender::Transfer, Tender::Transfer, Tender::Pos, Tender::Cash]);
            let whole = Pay { per_mille: 1_000, to_next_fifty: false, tender };
            let minutes = 8 * 60 + dice.below(12 * 60);
            let on = |life: &mut Self, day: u64, how: Pay| life.plan(later(first, day), minutes, Act::Pay { person: number, how });
            match self.people[number].habit {
                Habit::Early => on(self, 1 + dice.below(5), whole),
                Habit::InTime => on(self, 6 + dice.below(9), whole),
                Habit::Late if dice.chance(150) => {}
                Habit::Late => on(self, 18 + dice.below(9), whole),
                Habit::InParts => {
                    on(self, 8, Pay { per_mille: 600, ..whole });
                    if dice.chance(600) {
                        on(self, 21, whole);
                    }
                }
                Habit::RoundsUp => on(self, 4 + dice.below(8), Pay { to_next_fifty: true, ..whole }),
                Habit::ByCheque => on(self, 10, Pay { tender: Tender::Cheque, ..whole }),
                Habit::Stops { in_month, comes_back } => {
                    if n <= in_month || comes_back && n > in_month + 6 {
                        on(self, 7 + dice.below(7), whole);
                    }
                }
            }
        }
    }

    /// Who has moved out settles what is left.
    fn plan_farewells(&mut self) {
        let today = self.today();
        for number in 0..self.people.len() {
            if self.people[number].to.is_some_and(|to| to < today && later(to, 40) > today) {
                self.plan(later(today, 19), 10 * 60, Act::Leave(number));
            }
        }
    }

    pub(super) async fn owes(&self, number: usize) -> Result<i64, DemoError> {
        let account: Account = self.world.look(self.people[number].account_id).await?;
        Ok(account.receivable().balance(Currency::SAR).minor)
    }
}
