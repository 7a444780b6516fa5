//! Invoices, the documents that are issued for them, and the reckoning that is in these.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::NaiveDate;
use daftar_domain::{
    Money as Amount,
    ids::{AccountId, InvoiceId},
    invoice::{BilledSupply, DocumentLine as Line, Status, Subject, VatTotal as Vat},
};
use daftar_projections::{
    invoices::{self, Detail, Receipt},
    payments,
};

use super::{
    account::Account,
    answer, app,
    at_hand::{Asked, Put, Written, at_hand, quoted},
    bill::{BillSubsidy, BilledService, LineExplanation},
    caller,
    enums::{DocumentKind, InvoiceSort, InvoiceStatus, LineUnit, Revenue, SortDirection, Tender, VatCategory},
    in_order::InOrder,
    language,
    money::Money,
    paging::{Connection, Paging, cost, cursor, part},
    payment::Payment,
    scalars::{Date, DateTime, Decimal},
    siblings::{Together, grouped},
    when::{AsOfInput, When, days, moment},
};
use crate::{
    caller::{Caller, EVERY_DESK, Visible},
    input,
    problem::Problem,
};

/// An invoice as it stands, among those that were asked for with it.
#[derive(Clone, Debug)]
pub struct Invoice {
    row: Arc<invoices::Standing>,
    among: Arc<Invoices>,
}

/// Invoices of one list, all of which whoever asks may see.
#[derive(Debug)]
struct Invoices {
    ids: Vec<(Visible, InvoiceId)>,
    accounts: Together<(), HashMap<AccountId, Account>>,
    documents: Together<(When, Detail), HashMap<InvoiceId, Vec<Document>>>,
    payments: Together<When, HashMap<InvoiceId, Vec<(Payment, Amount)>>>,
    stood: Together<When, HashMap<InvoiceId, (Status, bool, i64)>>,
}

impl Invoice {
    pub fn one(caller: &Caller, row: Option<invoices::Standing>) -> Result<Self, Problem> {
        Self::all(caller, row.into_iter().collect())?.pop().ok_or(Problem::NotFound)
    }

    /// Refuses, if one of them is not to be seen.
    pub fn all(caller: &Caller, rows: Vec<invoices::Standing>) -> Result<Vec<Self>, Problem> {
        let ids = rows.iter().map(|row| Ok((caller.account(row.account_id)?, row.id))).collect::<Result<_, Problem>>()?;
        let among = Arc::new(Invoices {
            ids,
            accounts: Together::default(),
            documents: Together::default(),
            payments: Together::default(),
            stood: Together::default(),
        });
        Ok(rows.into_iter().map(|row| Self { row: Arc::new(row), among: among.clone() }).collect())
    }

    pub fn invoice_id(&self) -> InvoiceId {
        self.row.id
    }

    pub fn account_id(&self) -> AccountId {
        self.row.account_id
    }

    /// Its place among invoices that are in the order of their issue.
    pub fn cursor(&self, list: &str) -> String {
        cursor(list, &[&self.row.issued_on.unwrap_or_default(), &self.row.id])
    }

    fn account_in_brief(&self, _: &Context<'_>) -> Option<InOrder<AccountInBrief<'_>>> {
        Some(InOrder(AccountInBrief(&self.row)))
    }

    fn payments_in_brief(&self, context: &Context<'_>) -> Option<Vec<InOrder<PaymentInBrief>>> {
        let paid = self.row.paid_by(app(context).today()).ok()??;
        Some(paid.into_iter().map(|(receipt, amount)| InOrder(PaymentInBrief { receipt, amount })).collect())
    }

    async fn issued(&self, context: &Context<'_>, when: When, detail: Detail) -> Result<Vec<Document>, Problem> {
        let app = app(context);
        let fetch = async || {
            let ids: Vec<InvoiceId> = self.among.ids.iter().map(|(_, id)| *id).collect();
            let found = invoices::documents_of(&app.read_models, &ids, when.as_of(app).await?, detail).await?;
            Ok(grouped(found.into_iter().map(|(id, document)| (id, Document(Arc::new(document))))))
        };
        let found = self.among.documents.get((when, detail), fetch).await?;
        Ok(found.get(&self.row.id).cloned().unwrap_or_default())
    }
}

at_hand!(Invoice: id, number, status, status_label, overdue, issued_on, due_on, supplied_from, supplied_to, net, vat, total, credited, debited, paid, left_to_pay, account unless account_in_brief, lines, payments(None) unless payments_in_brief);

/// What a customer owes for something, and why.
#[Object]
impl Invoice {
    /// The invoice's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// Its number; null until it is issued.
    async fn number(&self) -> Option<&str> {
        self.row.number.as_deref()
    }

    /// Where it stands.
    async fn status(&self) -> InvoiceStatus {
        self.row.status.into()
    }

    /// The same in words, in the language of the request.
    async fn status_label(&self, context: &Context<'_>) -> &'static str {
        InvoiceStatus::from(self.row.status).label(language(context))
    }

    /// Whether it should have been paid by now.
    async fn overdue(&self) -> bool {
        self.row.overdue
    }

    /// When it was issued; null until it is.
    async fn issued_on(&self) -> Option<Date> {
        self.row.issued_on.map(Date::from)
    }

    /// When it is to be paid; null until it is issued.
    async fn due_on(&self) -> Option<Date> {
        self.row.due_on.map(Date::from)
    }

    /// The first day of what it is for.
    async fn supplied_from(&self) -> Date {
        self.row.supplied.from().into()
    }

    /// The day after the last of what it is for.
    async fn supplied_to(&self) -> Date {
        self.row.supplied.to().into()
    }

    /// Before VAT.
    async fn net(&self) -> Money {
        self.row.net.into()
    }

    /// The VAT.
    async fn vat(&self) -> Money {
        self.row.vat.into()
    }

    /// What the invoice itself comes to.
    async fn total(&self) -> Money {
        self.row.total.into()
    }

    /// What credit notes have taken back.
    async fn credited(&self) -> Money {
        self.row.credited.into()
    }

    /// What debit notes have added.
    async fn debited(&self) -> Money {
        self.row.debited.into()
    }

    /// What is paid, as its account has told it.
    async fn paid(&self) -> Money {
        self.row.paid.into()
    }

    /// What is left to pay.
    async fn left_to_pay(&self) -> Money {
        self.row.left_to_pay.into()
    }

    /// Who is billed.
    async fn account(&self, context: &Context<'_>) -> Option<Result<InOrder<Account>>> {
        let all = self.among.ids.iter().map(|(seen, _)| *seen);
        let account = Account::whose(context, &self.among.accounts, all, self.row.account_id).await;
        Some(answer(context, account.map(InOrder)))
    }

    /// The invoice and its notes as they were issued, in that order. A draft has none.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn documents(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Those issued by then; all of them without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<Document>>> {
        let asked = context.look_ahead();
        let reckoned = asked.field("services").exists() || asked.field("lines").field("explanation").exists();
        let found = async { self.issued(context, When::parse(app(context), as_of)?, detail(reckoned)).await };
        Some(answer(context, found.await))
    }

    /// The lines of the invoice itself, each of which explains itself. A draft has none.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn lines(&self, context: &Context<'_>) -> Option<Result<Vec<InOrder<DocumentLine>>>> {
        let explained = context.look_ahead().field("explanation").exists();
        let lines = async {
            if !explained {
                return Ok(self.row.lines()?.into_iter().map(DocumentLine::Plain).map(InOrder).collect());
            }
            let issued = self.issued(context, When::now(app(context)), Detail::Reckoned).await?;
            Ok(issued.iter().find(|document| document.0.kind == invoices::Kind::Invoice).map(Document::all_lines).unwrap_or_default())
        };
        Some(answer(context, lines.await))
    }

    /// What authorities were to pay of it when it was issued. What credit notes have made too much of has gone back to them. A draft has none.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn subsidies(&self, context: &Context<'_>) -> Option<Result<Vec<InOrder<BillSubsidy>>>> {
        let subsidies = async {
            let issued = self.issued(context, When::now(app(context)), Detail::Reckoned).await?;
            let supplies = issued.iter().flat_map(Document::supplies);
            Ok(supplies.flat_map(|supply| BillSubsidy::of(&supply.bill)).map(InOrder).collect())
        };
        Some(answer(context, subsidies.await))
    }

    /// What paid it, the earliest first.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn payments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As of which moment; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<InOrder<InvoicePayment>>>> {
        let found = async {
            let (app, caller, when) = (app(context), caller(context), When::parse(app(context), as_of)?);
            let fetch = async || {
                let ids: Vec<InvoiceId> = self.among.ids.iter().map(|(_, id)| *id).collect();
                let found = payments::of_invoices(&app.read_models, &ids, when.as_of(app).await?).await?;
                let (of, received): (Vec<(InvoiceId, Amount)>, Vec<_>) =
                    found.into_iter().map(|(id, received, amount)| ((id, amount), received)).unzip();
                let paid = Payment::all(caller, received)?;
                Ok(grouped(of.into_iter().zip(paid).map(|((id, amount), payment)| (id, (payment, amount)))))
            };
            let found = self.among.payments.get(when, fetch).await?;
            let own = found.get(&self.row.id).into_iter().flatten().cloned();
            Ok(own.map(|(payment, amount)| InOrder(InvoicePayment { payment: InOrder(payment), amount: amount.into() })).collect())
        };
        Some(answer(context, found.await))
    }

    /// Where it stood at a moment; null if it was not there.
    async fn stood(&self, context: &Context<'_>, #[graphql(desc = "At which.")] as_of: AsOfInput) -> Option<Result<InvoiceStood>> {
        let found = async {
            let (app, when) = (app(context), When::parse(app(context), Some(as_of))?);
            let fetch = async || {
                let ids: Vec<InvoiceId> = self.among.ids.iter().map(|(_, id)| *id).collect();
                Ok(invoices::stood_of(&app.read_models, &ids, when.as_of(app).await?).await?.into_iter().collect())
            };
            let found = self.among.stood.get(when, fetch).await?;
            Ok(found.get(&self.row.id).map(|(status, overdue, left)| InvoiceStood {
                status: (*status).into(),
                overdue: *overdue,
                left_to_pay: Amount::new(*left, self.row.total.currency).into(),
            }))
        };
        answer(context, found.await).transpose()
    }
}

/// What an invoice knows of its account by itself. Neither ever changes.
struct AccountInBrief<'a>(&'a invoices::Standing);

impl Written for AccountInBrief<'_> {
    fn write(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        match (asked.name.as_str(), &self.0.account_number) {
            ("id", _) => quoted(self.0.account_id, out),
            ("number", Some(number)) => number.put(asked, out),
            _ => false,
        }
    }
}

/// What an invoice knows of a payment by itself: what never changes of it, and how much of the invoice it paid.
struct PaymentInBrief {
    receipt: Receipt,
    amount: Amount,
}

impl Written for PaymentInBrief {
    fn write(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        match asked.name.as_str() {
            "payment" => InOrder(&self.receipt).put(asked, out),
            "amount" => Money::from(self.amount).put(asked, out),
            _ => false,
        }
    }
}

impl Written for Receipt {
    fn write(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        match asked.name.as_str() {
            "id" => quoted(self.payment_id, out),
            "tender" => Tender::from(self.tender).put(asked, out),
            "channel" => self.channel.as_str().put(asked, out),
            "reference" => self.reference.as_str().put(asked, out),
            "amount" => Money::from(self.amount).put(asked, out),
            "received_at" => DateTime(self.received_at).put(asked, out),
            "value_on" => Date::from(self.value_on).put(asked, out),
            _ => false,
        }
    }
}

/// What a payment paid of an invoice.
#[derive(Debug, SimpleObject)]
struct InvoicePayment {
    /// The payment.
    payment: InOrder<Payment>,
    /// How much of the invoice it paid.
    amount: Money,
}

at_hand!(InvoicePayment: payment, amount);

/// Where an invoice stood.
#[derive(Debug, SimpleObject)]
struct InvoiceStood {
    /// What that is called.
    status: InvoiceStatus,
    /// Whether it should have been paid by then.
    overdue: bool,
    /// What was left to pay.
    left_to_pay: Money,
}

#[derive(Clone, Debug)]
pub struct Document(Arc<invoices::Document>);

impl Document {
    fn supplies(&self) -> &[BilledSupply] {
        match &self.0.subject {
            Some(Subject::Supply { supplies }) => supplies,
            Some(Subject::Repair { .. } | Subject::Connection { .. } | Subject::Fees) | None => &[],
        }
    }

    fn all_lines(&self) -> Vec<InOrder<DocumentLine>> {
        (0..self.0.content.lines.len()).map(|place| InOrder(DocumentLine::Issued { document: self.clone(), place })).collect()
    }
}

/// What of a document is fetched: the reckoning takes more than all else together.
fn detail(reckoned: bool) -> Detail {
    if reckoned { Detail::Reckoned } else { Detail::Content }
}

/// A tax document, as it was issued. It never changes.
#[Object]
impl Document {
    /// The document's id, for ever.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Which kind of document it is.
    async fn kind(&self) -> DocumentKind {
        self.0.kind.into()
    }

    /// Its number.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// When it was issued.
    async fn issued_on(&self) -> Date {
        self.0.issued_on.into()
    }

    /// When it is to be paid; null for what takes something back.
    async fn due_on(&self) -> Option<Date> {
        self.0.due_on.map(Date::from)
    }

    /// Why a note was issued.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Who sold.
    async fn seller_name(&self) -> &str {
        self.0.content.heading.seller.name.as_str()
    }

    /// Under which number the seller pays the tax.
    async fn seller_vat_number(&self) -> Option<&str> {
        self.0.content.heading.seller.vat_number.as_ref().map(|number| number.as_str())
    }

    /// Before VAT: the sum of the lines.
    async fn net(&self) -> Money {
        self.0.content.net.into()
    }

    /// The VAT: the sum over its categories.
    async fn vat(&self) -> Money {
        self.0.content.vat.into()
    }

    /// What the total is above or below net and VAT, where cash has no smaller coin.
    async fn rounding(&self) -> Money {
        self.0.content.rounding.into()
    }

    /// What it comes to.
    async fn total(&self) -> Money {
        self.0.content.total.into()
    }

    /// The VAT of all lines that are taxed alike.
    async fn vat_totals(&self) -> Vec<VatTotal> {
        self.0.content.vat_totals.iter().map(VatTotal::from).collect()
    }

    /// What was sold, each line explaining itself.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn lines(&self) -> Vec<InOrder<DocumentLine>> {
        self.all_lines()
    }

    /// The whole reckoning of each service that an invoice bills. Notes have none.
    async fn services(&self) -> Vec<BilledService> {
        self.supplies().iter().map(BilledService::from).collect()
    }
}

/// The VAT of all lines that are taxed alike.
#[derive(Debug, SimpleObject)]
struct VatTotal {
    /// How they are taxed.
    category: VatCategory,
    /// At which rate: 0.15 is fifteen per cent.
    rate: Decimal,
    /// By which clause of the law, if not at the standard rate.
    reason: Option<String>,
    /// What is taxed.
    taxable: Money,
    /// The tax.
    amount: Money,
}

impl From<&Vat> for VatTotal {
    fn from(total: &Vat) -> Self {
        Self {
            category: total.vat.category.into(),
            rate: Decimal::from(total.vat.rate.get()),
            reason: total.vat.reason.as_ref().map(ToString::to_string),
            taxable: total.taxable.into(),
            amount: total.amount.into(),
        }
    }
}

#[derive(Clone, Debug)]
pub enum DocumentLine {
    Issued {
        document: Document,
        place: usize,
    },
    /// Of what is not issued yet, or of an invoice where nobody asks how it came about.
    Plain(Line),
}

impl DocumentLine {
    fn line(&self) -> &Line {
        match self {
            Self::Issued { document, place } => &document.0.content.lines[*place],
            Self::Plain(line) => line,
        }
    }

    /// The lines of a supply are those of its bills, in their order.
    fn explained(&self) -> Option<LineExplanation> {
        let Self::Issued { document, place } = self else { return None };
        let mut reckoned = document.supplies().iter().flat_map(|supply| supply.bill.lines.iter().map(move |line| (&supply.bill, line)));
        reckoned.nth(*place).map(|(bill, line)| LineExplanation::new(bill, line))
    }
}

at_hand!(DocumentLine: code, text, revenue, quantity, unit, price, net, vat_category, vat_rate);

/// One thing sold. Below zero only where it takes off another line's charge.
#[Object]
impl DocumentLine {
    /// What it is called in tariffs and ledgers.
    async fn code(&self) -> &str {
        self.line().code.as_str()
    }

    /// What the code alone does not say.
    async fn text(&self) -> Option<&str> {
        self.line().text.as_ref().map(|text| text.as_str())
    }

    /// What kind of income it is.
    async fn revenue(&self) -> Revenue {
        self.line().revenue.into()
    }

    /// How much of it.
    async fn quantity(&self) -> Decimal {
        Decimal::from(self.line().quantity.to_decimal())
    }

    /// What the quantity counts.
    async fn unit(&self) -> LineUnit {
        self.line().unit.into()
    }

    /// What one costs.
    async fn price(&self) -> Decimal {
        Decimal::from(self.line().price)
    }

    /// What it comes to before VAT.
    async fn net(&self) -> Money {
        self.line().net.into()
    }

    /// How it is taxed.
    async fn vat_category(&self) -> VatCategory {
        self.line().vat.category.into()
    }

    /// At which rate: 0.15 is fifteen per cent.
    async fn vat_rate(&self) -> Decimal {
        Decimal::from(self.line().vat.rate.get())
    }

    /// Why it is there and how its amount came about; null for what was not rated by a tariff.
    async fn explanation(&self) -> Option<LineExplanation> {
        self.explained()
    }
}

/// Which issued invoices: those to which everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct InvoiceFilter {
    /// One of these.
    statuses: Option<Vec<InvoiceStatus>>,
    /// Overdue, or not.
    overdue: Option<bool>,
    /// In the currency of this ISO 4217 code.
    currency: Option<String>,
    /// Issued on this day or later.
    issued_from: Option<Date>,
    /// Issued on this day or earlier.
    issued_to: Option<Date>,
}

impl InvoiceFilter {
    fn parse(self) -> Result<invoices::Filter, Problem> {
        let statuses = self.statuses.map(|statuses| statuses.into_iter().map(Into::into).collect());
        let currency = self.currency.as_deref().map(input::currency).transpose()?;
        let issued = days(("issuedFrom", self.issued_from), ("issuedTo", self.issued_to))?;
        Ok(invoices::Filter { account_id: None, statuses, overdue: self.overdue, currency, issued })
    }
}

#[derive(Debug, Default)]
pub struct InvoiceQuery;

#[Object]
impl InvoiceQuery {
    /// An invoice by its id. An id that is unknown, or not yours to see, is NOT_FOUND.
    async fn invoice(&self, context: &Context<'_>, #[graphql(desc = "The invoice's id.")] id: ID) -> Option<Result<Invoice>> {
        let invoice = async {
            let id = InvoiceId::new(super::id("id", &id)?);
            Invoice::one(caller(context), invoices::by_id(&app(context).read_models, id).await?)
        };
        Some(answer(context, invoice.await))
    }

    /// An invoice by its number, or by that of a note to it. A number that is unknown, or not yours to see, is NOT_FOUND.
    async fn invoice_by_number(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As it is printed.")] number: String,
    ) -> Option<Result<Invoice>> {
        let invoice = async {
            Invoice::one(caller(context), invoices::by_number(&app(context).read_models, &input::line("number", &number)?).await?)
        };
        Some(answer(context, invoice.await))
    }

    /// Issued invoices of all accounts, for staff. As of a moment they can be in the order of ISSUED_ON and NUMBER, which never change.
    #[allow(clippy::too_many_arguments, reason = "they are the field's, each described")]
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn invoices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<InvoiceFilter>,
        #[graphql(desc = "What they are in the order of; ISSUED_ON without it.")] order_by: Option<InvoiceSort>,
        #[graphql(desc = "Which way; DESCENDING without it.")] direction: Option<SortDirection>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
        #[graphql(desc = "Those issued by then, as they stood then; the filter means that too. As they stand now without it.")]
        as_of: Option<AsOfInput>,
    ) -> Option<Result<Connection<Invoice>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            caller.staff(EVERY_DESK)?;
            let (filter, paging) = (filter.unwrap_or_default().parse()?, Paging::new(first, after)?);
            let by = order_by.unwrap_or(InvoiceSort::IssuedOn);
            let ordered = paging.ordered("invoices", by, direction.unwrap_or(SortDirection::Descending))?;
            let as_of = moment(When::past(app, as_of)?, app).await?;
            let found = invoices::list(&app.read_models, &filter, &ordered.page, as_of).await?;
            let at = move |invoice: &Invoice| ordered.cursor(&invoice.row.spot(ordered.page.by));
            let pool = app.read_models.clone();
            let count = move || {
                let (pool, filter) = (pool.clone(), filter.clone());
                async move { Ok(invoices::count(&pool, &filter, as_of).await?) }
            };
            Ok(Connection::new(&paging, Invoice::all(caller, found)?, at, count))
        };
        Some(answer(context, page.await))
    }

    /// Invoices that were due before a day and have something left to pay, the longest due first; for staff.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn unpaid_invoices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The day; today without it.")] due_before: Option<Date>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Invoice>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            caller.staff(EVERY_DESK)?;
            let day = due_before.map_or_else(|| Ok(app.today()), |day| day.day("dueBefore"))?;
            let paging = Paging::new(first, after)?;
            let found = invoices::due_before(&app.read_models, day, place(&paging, "unpaidInvoices")?, paging.limit()).await?;
            let at = |invoice: &Invoice| cursor("unpaidInvoices", &[&invoice.row.due_on.unwrap_or_default(), &invoice.row.id]);
            let pool = app.read_models.clone();
            let count = move || {
                let pool = pool.clone();
                async move { Ok(invoices::count_due_before(&pool, day).await?) }
            };
            Ok(Connection::new(&paging, Invoice::all(caller, found)?, at, count))
        };
        Some(answer(context, page.await))
    }

    /// Invoices that are not issued and wait for somebody, in the order of their ids; for staff.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn waiting_invoices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "DRAFT, HELD or APPROVED; HELD without it.")] status: Option<InvoiceStatus>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Invoice>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            caller.staff(EVERY_DESK)?;
            let (status, paging) = (status.map_or(Status::Held, Into::into), Paging::new(first, after)?);
            let place = paging.place("invoices/waiting")?.map(|[id]: [String; 1]| Ok::<_, Problem>(InvoiceId::new(part(&id)?)));
            let found = invoices::waiting(&app.read_models, status, place.transpose()?, paging.limit()).await?;
            let pool = app.read_models.clone();
            let count = move || {
                let pool = pool.clone();
                async move {
                    let waiting = invoices::waiting_by_status(&pool).await?;
                    Ok(waiting.into_iter().find(|(found, _)| *found == status).map_or(0, |(_, count)| count))
                }
            };
            Ok(Connection::new(&paging, Invoice::all(caller, found)?, |invoice| cursor("invoices/waiting", &[&invoice.row.id]), count))
        };
        Some(answer(context, page.await))
    }
}

/// A place in a list that is in the order of days.
pub fn place(paging: &Paging, list: &str) -> Result<Option<(NaiveDate, InvoiceId)>, Problem> {
    paging.place(list)?.map(|[day, id]: [String; 2]| Ok((part(&day)?, InvoiceId::new(part(&id)?)))).transpose()
}
