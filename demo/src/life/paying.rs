//! Money that comes, bounces, goes back or never comes; and what is taken off a bill.

use daftar_domain::{
    BillingEvent, Code, Currency, Money,
    account::{
        self, Account, ApplyDeposit, CloseAccount, CreditId, DisputeItem, ItemId, RecordPayment, RefundCredit, ResolveDispute,
        ReturnDeposit, ReversalCause, ReversePayment, Tender, WriteOff,
    },
    ids::{InvoiceId, NoteId, PaymentId, RefundId},
    invoice::{
        self, ApproveCreditNote, CreditLine, Dates, DocumentLine, Draft, DraftInvoice, Heading, Invoice, InvoiceIssued, LineRef, Surplus,
    },
    policy::{Request, Wish},
};
use daftar_store::CommandContext;

use super::{Act, Life, Pay, supplying::reason};
use crate::{
    DemoError,
    people::text,
    world::{Staff, later},
};

impl Life {
    pub(super) async fn pay(&mut self, number: usize, how: Pay) -> Result<(), DemoError> {
        let (today, owed) = (self.today(), self.owes(number).await?);
        if owed <= 0 {
            return Ok(());
        }
        let mut minor = (owed * how.per_mille / 1_000).max(1);
        if how.to_next_fifty {
            minor = (minor / 5_000 + 1) * 5_000;
        }
        let tender = how.tender;
        let payment_id = PaymentId::new(self.world.id(&format!("payment {number} {today} {}", how.per_mille)));
        let channel = match tender {
            Tender::Cash | Tender::Cheque | Tender::Pos => self.till(number),
            Tender::Transfer | Tender::Card | Tender::Wallet => text("bank"),
        };
        let reference = text(&format!("{channel}-{}-{number:05}-{}", today.format("%Y%m%d"), how.per_mille));
        let wish = RecordPayment {
            payment_id,
            external_reference: reference,
            tender,
            channel,
            session: None,
            amount: Money::new(minor, Currency::SAR),
            received_at: self.world.engine.now(),
            value_on: today,
            directed: vec![],
            policy: None,
        };
        let account_id = self.people[number].account_id;
        self.world.ask::<Account>(Staff::Cashier, account_id, &format!("pay {payment_id}"), wish.into()).await?;
        self.people[number].payments.push((payment_id, tender));
        self.world.settle().await?;
        if tender == Tender::Cheque && self.world.dice(&format!("cheque {payment_id}")).chance(220) {
            self.plan(later(today, 4), 9 * 60, Act::Bounce { person: number, payment_id });
        }
        Ok(())
    }

    /// The bank sends the cheque back; there is a fee for that, and the customer comes with cash.
    pub(super) async fn bounce(&mut self, number: usize, payment_id: PaymentId) -> Result<(), DemoError> {
        let (today, account_id) = (self.today(), self.people[number].account_id);
        let fee = Money::new(5_000, Currency::SAR);
        let (cause, why) = (ReversalCause::Bounced, reason("returned by the bank"));
        let wish = ReversePayment { payment_id, cause, bounce_fee: Some(fee), on: today, reason: why };
        self.world.ask::<Account>(Staff::Finance, account_id, &format!("bounce {payment_id}"), wish.into()).await?;
        self.world.settle().await?;
        let invoice_id = InvoiceId::new(self.world.id(&format!("fee {payment_id}")));
        if let Some(draft) = self.fee(number, fee).await? {
            let wish = invoice::Command::DraftInvoice(DraftInvoice { invoice_id, account_id, draft, check: None });
            self.world.ask::<Invoice>(Staff::Finance, invoice_id, &format!("draft {invoice_id}"), wish).await?;
            let approve = invoice::ApproveInvoice { dates: self.terms.dates(today), numbering: self.terms.numbering.clone() };
            let approve = invoice::Command::ApproveInvoice(approve);
            self.world.ask::<Invoice>(Staff::Finance, invoice_id, &format!("approve {invoice_id}"), approve).await?;
            self.world.settle().await?;
        }
        let how = Pay { per_mille: 1_000, to_next_fifty: false, tender: Tender::Cash };
        self.plan(later(today, 5), 10 * 60, Act::Pay { person: number, how });
        Ok(())
    }

    /// A fee is taxed as the supply is that it is for: under the heading of the last bill.
    async fn fee(&self, number: usize, fee: Money) -> Result<Option<Draft>, DemoError> {
        let Some(last) = self.people[number].invoices.last() else { return Ok(None) };
        let Some(InvoiceIssued { document, .. }) = self.issued(*last).await? else { return Ok(None) };
        let heading: Heading = document.heading.clone();
        let line = DocumentLine {
            code: text("bounced-payment-fee"),
            text: None,
            revenue: invoice::Revenue::BouncedPaymentFee,
            quantity: "1".parse().expect("a quantity"),
            unit: invoice::Unit::Piece,
            price: fee.to_decimal(),
            net: fee,
            vat: invoice::VatTreatment { category: daftar_domain::VatCategory::S, rate: "0.15".parse().expect("a rate"), reason: None },
            credits: None,
        };
        Draft::of_fees(heading, vec![line], self.terms.rounding).map(Some).map_err(|error| DemoError::Store(error.into()))
    }

    /// A tenth of a line of the last bill was too much.
    pub(super) async fn credit(&mut self, number: usize) -> Result<(), DemoError> {
        let (today, Some(&invoice_id)) = (self.today(), self.people[number].invoices.last()) else { return Ok(()) };
        let Some(issued) = self.issued(invoice_id).await? else { return Ok(()) };
        let Some(line) = issued.document.lines.first().filter(|line| line.net.minor >= 1_000) else { return Ok(()) };
        let net = Money::new(line.net.minor / 10, Currency::SAR);
        let note_id = NoteId::new(self.world.id(&format!("note {invoice_id} {today}")));
        let refund = number.is_multiple_of(3);
        let wish = ApproveCreditNote {
            note_id,
            issued_on: today,
            lines: vec![CreditLine { line: LineRef { debit_note: None, line: 1 }, net }],
            surplus: if refund { Surplus::Refund } else { Surplus::AccountCredit },
            reason: reason("goodwill after an outage"),
            numbering: self.terms.credit_numbering(),
        };
        let wish = invoice::Command::ApproveCreditNote(wish);
        // Cancelled or credited in full by then: there is nothing to take off.
        if self.world.answer::<Invoice>(Staff::Billing, invoice_id, &format!("credit {note_id}"), wish).await?.is_err() {
            return Ok(());
        }
        self.world.settle().await?;
        if refund {
            self.refund(number, CreditId::CreditNote(note_id), Tender::Transfer).await?;
        }
        Ok(())
    }

    async fn refund(&mut self, number: usize, credit: CreditId, tender: Tender) -> Result<(), DemoError> {
        let (today, account_id) = (self.today(), self.people[number].account_id);
        let account: Account = self.world.look(account_id).await?;
        let Some(left) = account.receivable().credit(credit).map(|credit| credit.left).filter(|left| left.minor > 0) else { return Ok(()) };
        let refund_id = RefundId::new(self.world.id(&format!("refund {credit:?} {today}")));
        let (approved_by, why) = (self.world.actor(Staff::Finance), reason("asked for by the customer"));
        let wish = RefundCredit { refund_id, credit, amount: left, tender, approved_by, on: today, reason: why };
        self.world.ask::<Account>(Staff::Finance, account_id, &format!("refund {refund_id}"), wish.into()).await?;
        Ok(())
    }

    /// What is disputed waits for two weeks.
    pub(super) async fn dispute(&mut self, number: usize) -> Result<(), DemoError> {
        let (today, account_id) = (self.today(), self.people[number].account_id);
        let account: Account = self.world.look(account_id).await?;
        let open = account.receivable().open_items().filter(|(_, item)| !item.disputed);
        let Some((item, _)) = open.max_by_key(|(_, item)| item.issued_on) else { return Ok(()) };
        let wish = DisputeItem { item, on: today, reason: reason("more than I use") };
        self.world.ask::<Account>(Staff::Billing, account_id, &format!("dispute {item:?} {today}"), wish.into()).await?;
        self.plan(later(today, 14), 12 * 60, Act::Resolve { person: number, item });
        Ok(())
    }

    pub(super) async fn resolve(&mut self, number: usize, item: ItemId) -> Result<(), DemoError> {
        let (today, account_id) = (self.today(), self.people[number].account_id);
        let wish = ResolveDispute { item, on: today, reason: reason("the meter was tested") };
        self.world.ask::<Account>(Staff::Billing, account_id, &format!("resolve {item:?} {today}"), wish.into()).await?;
        self.world.settle().await
    }

    /// What nobody will pay any more.
    pub(super) async fn write_off(&mut self, number: usize) -> Result<(), DemoError> {
        let (today, account_id) = (self.today(), self.people[number].account_id);
        let account: Account = self.world.look(account_id).await?;
        let old: Vec<ItemId> =
            account.receivable().open_items().filter(|(_, item)| later(item.due_on, 120) < today).map(|(id, _)| id).collect();
        for item in old {
            let (approved_by, limit) = (self.world.actor(Staff::Finance), Money::new(100_000_000, Currency::SAR));
            let wish = WriteOff { item, approved_by, limit, on: today, reason: reason("not to be found") };
            self.world.ask::<Account>(Staff::Finance, account_id, &format!("write off {item:?} {today}"), wish.into()).await?;
        }
        self.world.settle().await
    }

    /// The deposit pays what is open and the rest of it goes back, as does what was paid too much; then there is nothing more between us.
    pub(super) async fn leave(&mut self, number: usize) -> Result<(), DemoError> {
        let (today, account_id, deposit) = (self.today(), self.people[number].account_id, self.people[number].deposit);
        let account: Account = self.world.look(account_id).await?;
        if let Some(deposit_id) = deposit {
            let open: Vec<ItemId> = account.receivable().open_items().map(|(id, _)| id).collect();
            for item in open {
                let wish = ApplyDeposit { deposit_id, item, on: today };
                self.world.ask::<Account>(Staff::Finance, account_id, &format!("apply {item:?} {today}"), wish.into()).await?;
            }
            let (approved_by, why) = (self.world.actor(Staff::Finance), reason("moved out"));
            let wish = ReturnDeposit { deposit_id, tender: Tender::Transfer, approved_by, on: today, reason: why };
            self.world.ask::<Account>(Staff::Finance, account_id, &format!("return {deposit_id}"), wish.into()).await?;
        }
        for (payment_id, tender) in self.people[number].payments.clone() {
            let tender = if tender == Tender::Cheque { Tender::Transfer } else { tender };
            self.refund(number, CreditId::Payment(payment_id), tender).await?;
        }
        self.world.settle().await?;
        let wish = account::Command::CloseAccount(CloseAccount { closed_on: today, reason: reason("moved out") });
        // Who still owes keeps the account until it is settled.
        let _not_yet = self.world.answer::<Account>(Staff::Billing, account_id, &format!("close {number} {today}"), wish).await?;
        Ok(())
    }

    /// What the end of a day asks, as the job that asks it.
    pub(super) async fn ask_as_policy(&self, request: Request) -> Result<(), DemoError> {
        let Request { name, command_id, stream, wish } = request;
        let actor = daftar_domain::Actor::job(name);
        let now = self.world.engine.now();
        let context = CommandContext { command_id, actor, correlation_id: command_id, causation_id: command_id, now };
        if let Wish::Invoice(wish) = wish {
            self.world.engine.execute::<Invoice>(&stream, &context, *wish).await.map_err(|error| DemoError::Store(error.into()))?;
        }
        Ok(())
    }

    /// An invoice as it was issued.
    pub(super) async fn issued(&self, invoice_id: InvoiceId) -> Result<Option<InvoiceIssued>, DemoError> {
        let issued = self.world.history::<Invoice>(invoice_id).await?.into_iter().find_map(|fact| match fact.event {
            BillingEvent::Invoice(invoice::Event::InvoiceIssued(issued)) => Some(issued),
            _ => None,
        });
        Ok(issued)
    }

    /// Of the branch that looks after the customer's district.
    pub(super) fn till(&self, number: usize) -> Code {
        text(&format!("till-{}", self.places[self.people[number].place].district.branch))
    }

    pub(super) fn dates(&self) -> Dates {
        self.terms.dates(self.today())
    }
}
