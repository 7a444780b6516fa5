//! Invoices: every document as it was issued, and where each invoice stands.

mod many;
mod paid;
mod then;

use chrono::NaiveDate;
use daftar_domain::{
    BillingEvent, BillingPeriod, Currency, Decider, Money, Reason, Recorded,
    account::{self, Account, AccountOpened},
    ids::{AccountId, InvoiceId},
    invoice::{
        self, CreditNoteApproved, CreditNoteIssued, DebitNoteIssued, DocumentLine, HoldCause, Invoice, InvoiceCancelled, InvoiceDrafted,
        InvoiceIssued, InvoiceWrittenOff, Status, Subject, TaxDocument, VatTreatment,
    },
    register::DocumentNumber,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Direction, Page, Projector, QueryError, Spot,
    as_of::AsOf,
    columns::{from_bigint, from_name, position, to_bigint, to_name, whole},
    keys,
    order::{FIRST_DAY, LAST_DAY, page},
    rows,
    rows::{Current, History, Table},
};

pub use many::*;
pub use paid::Receipt;

#[derive(Debug, Default)]
pub struct Invoices {
    accounts: Current<AccountRow>,
    receipts: Current<ReceiptRow>,
    invoices: Current<InvoiceRow>,
    standings: History<StandingRow>,
    documents: History<DocumentRow>,
}

rows! {
    struct AccountRow in account {
        account_id: Uuid,
        number: String,
        position: i64,
    }

    struct ReceiptRow in receipt {
        account_id: Uuid,
        payment_id: Uuid,
        receipt: String,
        position: i64,
    }

    struct InvoiceRow in invoice {
        invoice_id: Uuid,
        account_id: Uuid,
        account_number: Option<String>,
        status: String,
        overdue: bool,
        number: Option<String>,
        issued_on: Option<NaiveDate>,
        due_on: Option<NaiveDate>,
        supplied_from: NaiveDate,
        supplied_to: NaiveDate,
        currency: String,
        net: i64,
        vat: i64,
        rounding: i64,
        total: i64,
        credited: i64,
        debited: i64,
        creditable: i64,
        paid: i64,
        written_off: i64,
        left_to_pay: i64,
        settled: bool,
        cancelled: bool,
        issued_position: Option<i64>,
        lines: Option<String>,
        payments: Option<String>,
        revision: i64,
        position: i64,
    }

    struct StandingRow in standing {
        invoice_id: Uuid,
        status: String,
        overdue: bool,
        due_on: Option<NaiveDate>,
        credited: i64,
        debited: i64,
        paid: i64,
        left_to_pay: i64,
        reason: Option<String>,
        effective_on: NaiveDate,
        revision: i64,
        position: i64,
    }

    struct DocumentRow in document {
        document_id: Uuid,
        invoice_id: Uuid,
        account_id: Uuid,
        kind: String,
        number: String,
        counter: i64,
        issued_on: NaiveDate,
        due_on: Option<NaiveDate>,
        currency: String,
        net: i64,
        vat: i64,
        total: i64,
        reason: Option<String>,
        subject: Option<String>,
        content: String,
        position: i64,
    }
}

keys! {
    AccountRow by account_id: Uuid;
    ReceiptRow by account_id: Uuid, payment_id: Uuid;
    InvoiceRow by invoice_id: Uuid;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    Invoice,
    CreditNote,
    DebitNote,
}

impl Projector for Invoices {
    const NAME: &'static str = "invoices";
    const VERSION: i32 = 6;
    const CATEGORIES: &'static [&'static str] = &[Account::CATEGORY, Invoice::CATEGORY];
    const TABLES: &'static str = include_str!("../models/invoices/tables.sql");
    const INDEXES: &'static str = include_str!("../models/invoices/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        match &fact.event {
            BillingEvent::Account(account::Event::AccountOpened(AccountOpened { number, .. })) => {
                self.accounts.insert(AccountRow { account_id: fact.stream.id(), number: number.to_string(), position: position(fact) });
            }
            BillingEvent::Account(event) => self.paying(fact, event),
            BillingEvent::Invoice(event) => self.invoice(fact, event),
            _ => {}
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        vec![&mut self.accounts, &mut self.receipts, &mut self.invoices, &mut self.standings, &mut self.documents]
    }
}

impl Invoices {
    fn invoice(&mut self, fact: &Recorded<BillingEvent>, event: &invoice::Event) {
        use invoice::Event;
        let recorded_on = fact.metadata.recorded_at.date_naive();
        let change_today = |model: &mut Self, reason: Option<&Reason>, status| {
            model.change(fact, recorded_on, reason, |invoice| invoice.status = to_name(&status));
        };
        match event {
            Event::InvoiceDrafted(InvoiceDrafted { invoice_id: _, account_id, draft }) => {
                self.begin(fact, *account_id, &draft.document);
                change_today(self, None, Status::Draft);
            }
            Event::InvoiceHeld(event) => {
                let reason = match &event.cause {
                    HoldCause::FarAboveAverage { check: _ } => None,
                    HoldCause::Asked { reason } => Some(reason),
                };
                change_today(self, reason, Status::Held);
            }
            Event::InvoiceReleased(event) => change_today(self, Some(&event.reason), Status::Draft),
            Event::DraftDiscarded(event) => change_today(self, Some(&event.reason), Status::Discarded),
            Event::InvoiceApproved(_) => change_today(self, None, Status::Approved),
            Event::InvoiceIssued(event) => self.issued(fact, event),
            // It is promised, and taken once it has its number.
            Event::CreditNoteApproved(CreditNoteApproved { note, numbering: _ }) => {
                self.change(fact, note.issued_on, Some(&note.reason), |invoice| {
                    invoice.creditable -= note.document.net.minor + note.document.vat.minor;
                    invoice.stand();
                });
            }
            Event::CreditNoteIssued(event) => self.credited(fact, event),
            Event::InvoiceCancelled(InvoiceCancelled { cancelled_on, reason, .. }) => {
                self.change(fact, *cancelled_on, Some(reason), |invoice| {
                    invoice.cancelled = true;
                    invoice.stand();
                });
            }
            Event::DebitNoteApproved(_) => {}
            Event::DebitNoteIssued(event) => self.debited(fact, event),
            Event::InvoicePartlyPaid(event) => self.paid(fact, event.paid, event.on),
            Event::InvoiceSettled(event) => self.paid(fact, event.paid, event.on),
            Event::InvoiceReopened(event) => self.paid(fact, event.paid, event.on),
            Event::InvoiceFellOverdue(event) => self.change(fact, event.as_of, None, |invoice| invoice.overdue = true),
            Event::InvoiceWrittenOff(InvoiceWrittenOff { amount, on, reason, .. }) => self.change(fact, *on, Some(reason), |invoice| {
                invoice.written_off += amount.minor;
                invoice.settle();
            }),
        }
    }

    fn begin(&mut self, fact: &Recorded<BillingEvent>, account_id: AccountId, document: &TaxDocument) {
        let TaxDocument { currency, net, vat, rounding, total, .. } = document;
        let account_number = self.accounts.get(&account_id.into()).map(|account| account.number.clone());
        let payments = self.invoices.get(&fact.stream.id()).map_or_else(|| Some(String::new()), |before| before.payments.clone());
        self.invoices.put(InvoiceRow {
            invoice_id: fact.stream.id(),
            account_id: account_id.into(),
            account_number,
            status: to_name(&Status::Draft),
            overdue: false,
            number: None,
            issued_on: None,
            due_on: None,
            supplied_from: document.heading.supplied.from(),
            supplied_to: document.heading.supplied.to(),
            currency: to_name(currency),
            net: net.minor,
            vat: vat.minor,
            rounding: rounding.minor,
            total: total.minor,
            credited: 0,
            debited: 0,
            creditable: net.minor + vat.minor,
            paid: 0,
            written_off: 0,
            left_to_pay: 0,
            settled: false,
            cancelled: false,
            issued_position: None,
            lines: None,
            payments,
            revision: to_bigint(fact.revision),
            position: position(fact),
        });
    }

    fn issued(&mut self, fact: &Recorded<BillingEvent>, event: &InvoiceIssued) {
        let InvoiceIssued { invoice_id, account_id, number, dates, subject, document } = event;
        self.begin(fact, *account_id, document);
        self.change(fact, dates.issued_on, None, |invoice| {
            (invoice.number, invoice.issued_on, invoice.due_on) = (Some(number.to_string()), Some(dates.issued_on), Some(dates.due_on));
            invoice.issued_position = Some(position(fact));
            invoice.lines = Some(json(&document.lines.iter().map(in_short).collect::<Vec<_>>()));
            invoice.stand();
        });
        let row = document_row(fact, Kind::Invoice, (*invoice_id).into(), *account_id, number, dates.issued_on, document);
        self.documents.add(DocumentRow { due_on: Some(dates.due_on), subject: Some(json(subject)), ..row });
    }

    fn credited(&mut self, fact: &Recorded<BillingEvent>, event: &CreditNoteIssued) {
        let CreditNoteIssued { invoice_id: _, account_id, number, note } = event;
        self.change(fact, note.issued_on, Some(&note.reason), |invoice| {
            invoice.credited += note.document.total.minor;
            invoice.stand();
        });
        let row = document_row(fact, Kind::CreditNote, note.note_id.into(), *account_id, number, note.issued_on, &note.document);
        self.documents.add(DocumentRow { reason: Some(note.reason.to_string()), ..row });
    }

    fn debited(&mut self, fact: &Recorded<BillingEvent>, event: &DebitNoteIssued) {
        let DebitNoteIssued { invoice_id: _, account_id, number, note } = event;
        self.change(fact, note.dates.issued_on, Some(&note.reason), |invoice| {
            // What is added to a settled invoice is due when the note says; otherwise the invoice is due as it was.
            if invoice.settled {
                invoice.due_on = Some(note.dates.due_on);
            }
            invoice.debited += note.document.total.minor;
            invoice.creditable += note.document.net.minor + note.document.vat.minor;
            invoice.stand();
        });
        let row = document_row(fact, Kind::DebitNote, note.note_id.into(), *account_id, number, note.dates.issued_on, &note.document);
        self.documents.add(DocumentRow { due_on: Some(note.dates.due_on), reason: Some(note.reason.to_string()), ..row });
    }

    fn paid(&mut self, fact: &Recorded<BillingEvent>, paid: Money, on: NaiveDate) {
        self.change(fact, on, None, |invoice| {
            invoice.paid = paid.minor;
            invoice.settle();
        });
    }

    fn change(
        &mut self,
        fact: &Recorded<BillingEvent>,
        effective_on: NaiveDate,
        reason: Option<&Reason>,
        change: impl FnOnce(&mut InvoiceRow),
    ) {
        let Some(invoice) = self.invoices.get_mut(&fact.stream.id()) else { return };
        change(invoice);
        (invoice.revision, invoice.position) = (to_bigint(fact.revision), position(fact));
        self.standings.add(StandingRow {
            invoice_id: invoice.invoice_id,
            status: invoice.status.clone(),
            overdue: invoice.overdue,
            due_on: invoice.due_on,
            credited: invoice.credited,
            debited: invoice.debited,
            paid: invoice.paid,
            left_to_pay: invoice.left_to_pay,
            reason: reason.map(Reason::to_string),
            effective_on,
            revision: invoice.revision,
            position: invoice.position,
        });
    }
}

impl InvoiceRow {
    /// The account said what is paid or given up.
    fn settle(&mut self) {
        self.stand();
        self.settled = self.left_to_pay == 0;
        self.overdue &= !self.settled;
    }

    /// What is left, and what that is called, by the aggregate's own rules; a test holds them against it.
    fn stand(&mut self) {
        let payable = self.total + self.debited - self.credited;
        self.paid = self.paid.min(payable);
        self.left_to_pay = (payable - self.paid - self.written_off).max(0);
        let status = match self.left_to_pay {
            _ if self.cancelled => Status::Cancelled,
            0 if self.written_off > 0 => Status::WrittenOff,
            0 if self.creditable == 0 && self.net + self.vat + self.debited > 0 => Status::Credited,
            0 => Status::Paid,
            _ if self.paid > 0 => Status::PartlyPaid,
            _ => Status::Open,
        };
        self.status = to_name(&status);
    }
}

fn document_row(
    fact: &Recorded<BillingEvent>,
    kind: Kind,
    document_id: Uuid,
    account_id: AccountId,
    number: &DocumentNumber,
    issued_on: NaiveDate,
    document: &TaxDocument,
) -> DocumentRow {
    DocumentRow {
        document_id,
        invoice_id: fact.stream.id(),
        account_id: account_id.into(),
        kind: to_name(&kind),
        number: number.to_string(),
        counter: to_bigint(number.counter),
        issued_on,
        due_on: None,
        currency: to_name(&document.currency),
        net: document.net.minor,
        vat: document.vat.minor,
        total: document.total.minor,
        reason: None,
        subject: None,
        content: json(document),
        position: position(fact),
    }
}

/// A line as its parts in their order: it reads as the line itself, without their names, which took most of the room.
fn in_short(line: &DocumentLine) -> impl Serialize {
    let DocumentLine { code, text, revenue, quantity, unit, price, net: Money { minor, currency }, vat, credits } = line;
    let VatTreatment { category, rate, reason } = vat;
    (code, text, revenue, quantity, unit, price, (minor, currency), (category, rate, reason), credits)
}

fn json<T: Serialize>(content: &T) -> String {
    String::from_utf8_lossy(&daftar_domain::write(content)).into_owned()
}

/// An invoice as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub id: InvoiceId,
    pub account_id: AccountId,
    /// By which people know the account. Nothing, where the log does not say that it was opened.
    pub account_number: Option<String>,
    pub status: Status,
    pub overdue: bool,
    pub number: Option<String>,
    pub issued_on: Option<NaiveDate>,
    pub due_on: Option<NaiveDate>,
    pub supplied: BillingPeriod,
    pub net: Money,
    pub vat: Money,
    pub total: Money,
    pub credited: Money,
    pub debited: Money,
    pub paid: Money,
    pub left_to_pay: Money,
    lines: Option<String>,
    payments: Option<String>,
    /// Of its stream.
    pub revision: u64,
}

impl Standing {
    /// What was sold, as it was issued; a draft has none.
    pub fn lines(&self) -> Result<Vec<DocumentLine>, QueryError> {
        self.lines.as_ref().map_or(Ok(vec![]), |lines| from_json(lines, "lines"))
    }
}

/// What is read of a row: nothing that only the fold asks for. There are many of them on a page.
struct ListedRow {
    invoice_id: Uuid,
    account_id: Uuid,
    account_number: Option<String>,
    status: String,
    overdue: bool,
    number: Option<String>,
    issued_on: Option<NaiveDate>,
    due_on: Option<NaiveDate>,
    supplied_from: NaiveDate,
    supplied_to: NaiveDate,
    currency: String,
    net: i64,
    vat: i64,
    total: i64,
    credited: i64,
    debited: i64,
    paid: i64,
    left_to_pay: i64,
    lines: Option<String>,
    payments: Option<String>,
    revision: i64,
}

/// Invoices as they stand, of where they are looked for.
macro_rules! standings {
    ($from:literal $(, $value:expr)+ $(,)?) => {
        sqlx::query_as!(
            ListedRow,
            "SELECT invoice_id, account_id, account_number, status, overdue, number, issued_on, due_on, supplied_from, supplied_to, currency, net, vat, total, credited,
                    debited, paid, left_to_pay, lines, payments, revision FROM " + $from,
            $($value),+
        )
    };
}
use standings;

pub async fn by_id(db: impl PgExecutor<'_>, id: InvoiceId) -> Result<Option<Standing>, QueryError> {
    let row = standings!("read_invoices.invoice WHERE invoice_id = $1", Uuid::from(id));
    row.fetch_optional(db).await?.map(Standing::try_from).transpose()
}

/// By the number of the invoice, or of a note to it.
pub async fn by_number(db: impl PgExecutor<'_>, number: &str) -> Result<Option<Standing>, QueryError> {
    let row =
        standings!("read_invoices.invoice WHERE invoice_id = (SELECT invoice_id FROM read_invoices.document WHERE number = $1)", number,);
    row.fetch_optional(db).await?.map(Standing::try_from).transpose()
}

/// An account's issued invoices, the latest first, after one that was seen.
pub async fn of_account(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    after: Option<(NaiveDate, InvoiceId)>,
    limit: u32,
) -> Result<Vec<Standing>, QueryError> {
    let (day, id) = after.map_or((LAST_DAY, Uuid::max()), |(day, id)| (day, id.into()));
    let rows = standings!(
        "read_invoices.invoice WHERE account_id = $1 AND (issued_on, invoice_id) < ($2, $3)
         ORDER BY issued_on DESC, invoice_id DESC LIMIT $4",
        Uuid::from(account_id),
        day,
        id,
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Standing::try_from).collect()
}

/// Which issued invoices are meant: those to which all that is named here applies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub account_id: Option<AccountId>,
    /// Any of these.
    pub statuses: Option<Vec<Status>>,
    pub overdue: Option<bool>,
    pub currency: Option<Currency>,
    /// From a day to another, with both.
    pub issued: Option<(NaiveDate, NaiveDate)>,
}

impl Filter {
    fn statuses(&self) -> Option<Vec<String>> {
        self.statuses.as_ref().map(|statuses| statuses.iter().map(to_name).collect())
    }
}

/// What issued invoices can be listed in the order of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    IssuedOn,
    DueOn,
    LeftToPay,
    Number,
}

impl Standing {
    pub fn spot(&self, by: Order) -> Spot {
        let ids = [self.id.into()];
        match by {
            Order::IssuedOn => Spot::of(self.issued_on, ids),
            Order::DueOn => Spot::of(self.due_on, ids),
            Order::LeftToPay => Spot::new(&self.left_to_pay.minor, ids),
            Order::Number => Spot::of(self.number.clone(), ids),
        }
    }
}

/// Rows of a page that [`latest`] fetches.
const SHORT: u32 = 101;

/// Of all issued invoices the latest, which are asked for most: to plan the statement takes longer than to find its page. PostgreSQL keeps a
/// plan only where that looks cheap whatever is asked, and takes a limit that it does not know for a tenth of all rows. The limit inside tells
/// it that there are few.
async fn latest(db: impl PgExecutor<'_>, page: &Page<Order>) -> Result<Vec<Standing>, QueryError> {
    let (day, [id]) = page.begins::<NaiveDate>()?;
    let rows = standings!(
        "(SELECT * FROM read_invoices.invoice WHERE issued_on IS NOT NULL AND (issued_on, invoice_id) < ($1, $2)
                        ORDER BY issued_on DESC, invoice_id DESC LIMIT 101) AS page
         ORDER BY issued_on DESC, invoice_id DESC LIMIT $3",
        day,
        id,
        i64::from(page.limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Standing::try_from).collect()
}

/// Issued invoices; as of a moment those that had been issued by then, as they stood.
pub async fn list(db: impl PgExecutor<'_>, filter: &Filter, page: &Page<Order>, as_of: Option<AsOf>) -> Result<Vec<Standing>, QueryError> {
    if let Some(as_of) = as_of {
        return then::list(db, filter, page, as_of).await;
    }
    if *filter == Filter::default() && (page.by, page.direction) == (Order::IssuedOn, Direction::Descending) && page.limit <= SHORT {
        return latest(db, page).await;
    }
    let ((from, to), statuses) = (filter.issued.unzip(), filter.statuses());
    macro_rules! by {
        ($by:literal as $key:ty) => {
            page!(
                db,
                page,
                ListedRow,
                "SELECT invoice_id, account_id, account_number, status, overdue, number, issued_on, due_on, supplied_from, supplied_to, currency, net, vat, total, credited,
                        debited, paid, left_to_pay, lines, payments, revision FROM read_invoices.invoice
                 WHERE (account_id = $4 OR $4 IS NULL) AND (status = ANY($5) OR $5 IS NULL) AND (overdue = $6 OR $6 IS NULL)
                   AND (currency = $7 OR $7 IS NULL) AND issued_on IS NOT NULL AND (issued_on >= $8 OR $8 IS NULL)
                   AND (issued_on <= $9 OR $9 IS NULL)",
                $by as $key,
                ("invoice_id" 0) behind "($2, $3)",
                [filter.account_id.map(Uuid::from), statuses.as_deref(), filter.overdue, filter.currency.map(Currency::code), from, to]
            )
        };
    }
    let rows = match page.by {
        Order::IssuedOn => by!("issued_on" as NaiveDate),
        Order::DueOn => by!("due_on" as NaiveDate),
        Order::LeftToPay => by!("left_to_pay" as i64),
        Order::Number => by!("number" as String),
    };
    rows.into_iter().map(Standing::try_from).collect()
}

/// What some invoices in one currency come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sum {
    pub invoices: u64,
    pub total: Money,
    pub left_to_pay: Money,
}

pub async fn sums(db: impl PgExecutor<'_>, filter: &Filter) -> Result<Vec<Sum>, QueryError> {
    let ((from, to), statuses) = (filter.issued.unwrap_or((FIRST_DAY, LAST_DAY)), filter.statuses());
    let rows = sqlx::query!(
        r#"SELECT currency, count(*) AS "invoices!", sum(total) AS "total!", sum(left_to_pay) AS "left_to_pay!" FROM read_invoices.invoice
           WHERE (account_id = $1 OR $1 IS NULL) AND (status = ANY($2) OR $2 IS NULL) AND (overdue = $3 OR $3 IS NULL)
             AND (currency = $4 OR $4 IS NULL) AND issued_on BETWEEN $5 AND $6
           GROUP BY currency ORDER BY currency"#,
        filter.account_id.map(Uuid::from),
        statuses.as_deref(),
        filter.overdue,
        filter.currency.map(Currency::code),
        from,
        to,
    );
    let sums = rows.fetch_all(db).await?.into_iter().map(|row| {
        let currency = from_name(row.currency).map_err(malformed("currency"))?;
        let money = |sum, column| Ok::<_, QueryError>(Money::new(whole(sum).map_err(malformed(column))?, currency));
        Ok(Sum {
            invoices: from_bigint(row.invoices),
            total: money(row.total, "total")?,
            left_to_pay: money(row.left_to_pay, "left_to_pay")?,
        })
    });
    sums.collect()
}

/// How many [`list`] has on all of its pages.
pub async fn count(db: impl PgExecutor<'_>, filter: &Filter, as_of: Option<AsOf>) -> Result<u64, QueryError> {
    match as_of {
        None => Ok(sums(db, filter).await?.into_iter().map(|sum| sum.invoices).sum()),
        Some(as_of) => then::count(db, filter, as_of).await,
    }
}

/// What was due before a day and has something left to pay, the longest due first, after one that was seen.
pub async fn due_before(
    db: impl PgExecutor<'_>,
    day: NaiveDate,
    after: Option<(NaiveDate, InvoiceId)>,
    limit: u32,
) -> Result<Vec<Standing>, QueryError> {
    let (after_day, id) = after.map_or((FIRST_DAY, Uuid::nil()), |(day, id)| (day, id.into()));
    let rows = standings!(
        "read_invoices.invoice WHERE left_to_pay > 0 AND due_on < $1 AND (due_on, invoice_id) > ($2, $3)
         ORDER BY due_on, invoice_id LIMIT $4",
        day,
        after_day,
        id,
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Standing::try_from).collect()
}

/// Drafts in a status, which wait for somebody, after one that was seen.
pub async fn waiting(db: impl PgExecutor<'_>, status: Status, after: Option<InvoiceId>, limit: u32) -> Result<Vec<Standing>, QueryError> {
    let rows = standings!(
        "read_invoices.invoice WHERE status IN ('draft', 'held', 'approved') AND status = $1 AND invoice_id > $2
         ORDER BY invoice_id LIMIT $3",
        to_name(&status),
        after.map_or(Uuid::nil(), Uuid::from),
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(Standing::try_from).collect()
}

/// Where an invoice stood, and what was left to pay; nothing, if it was not there.
pub async fn stood(db: impl PgExecutor<'_>, id: InvoiceId, as_of: AsOf) -> Result<Option<(Status, bool, i64)>, QueryError> {
    Ok(stood_of(db, &[id], as_of).await?.pop().map(|(_, stood)| stood))
}

/// A document as it was issued.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: Uuid,
    pub kind: Kind,
    pub number: String,
    pub issued_on: NaiveDate,
    pub due_on: Option<NaiveDate>,
    pub reason: Option<String>,
    /// What an invoice is for; the bill of a supply explains itself in it. Fetched with [`Detail::Reckoned`].
    pub subject: Option<Subject>,
    pub content: TaxDocument,
}

/// An invoice and its notes, in the order in which they were issued.
pub async fn documents(db: impl PgExecutor<'_>, id: InvoiceId, as_of: AsOf) -> Result<Vec<Document>, QueryError> {
    Ok(documents_of(db, &[id], as_of, Detail::Reckoned).await?.into_iter().map(|(_, document)| document).collect())
}

impl TryFrom<ListedRow> for Standing {
    type Error = QueryError;

    fn try_from(row: ListedRow) -> Result<Self, QueryError> {
        let currency: Currency = from_name(row.currency).map_err(malformed("currency"))?;
        let money = |minor| Money::new(minor, currency);
        let supplied = BillingPeriod::new(row.supplied_from, row.supplied_to);
        Ok(Self {
            id: InvoiceId::new(row.invoice_id),
            account_id: AccountId::new(row.account_id),
            account_number: row.account_number,
            status: from_name(row.status).map_err(malformed("status"))?,
            overdue: row.overdue,
            number: row.number,
            issued_on: row.issued_on,
            due_on: row.due_on,
            supplied: supplied.map_err(|error| malformed("supplied_to")(serde::de::Error::custom(error)))?,
            net: money(row.net),
            vat: money(row.vat),
            total: money(row.total),
            credited: money(row.credited),
            debited: money(row.debited),
            paid: money(row.paid),
            left_to_pay: money(row.left_to_pay),
            lines: row.lines,
            payments: row.payments,
            revision: from_bigint(row.revision),
        })
    }
}

fn from_json<T: DeserializeOwned>(text: &str, column: &'static str) -> Result<T, QueryError> {
    serde_json::from_str(text).map_err(malformed(column))
}

fn malformed(column: &'static str) -> impl Fn(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Invoices::NAME, column, source }
}

#[cfg(test)]
mod tests {
    use daftar_domain::{invoice::CreditNoteIssued, invoice::example};

    use super::*;

    #[test]
    fn what_is_written_in_short_reads_as_it_was() {
        let mut lines = 0;
        for event in example::events() {
            let document = match &event {
                invoice::Event::InvoiceIssued(event) => &event.document,
                invoice::Event::CreditNoteIssued(CreditNoteIssued { note, .. }) => &note.document,
                _ => continue,
            };
            for line in &document.lines {
                assert_eq!(from_json::<DocumentLine>(&json(&in_short(line)), "lines").unwrap(), *line);
                lines += 1;
            }
        }
        assert!(lines > 1);
    }
}
