//! Repairs as their customers and the workshop see them. What is for staff alone is in no customer's answer.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, resolver_utils::EnumType};
use daftar_domain::{
    Actor, Sealed,
    ids::{AccountId, BranchId, InvoiceId, PartId, RepairId, UserId},
    repair::{Audience, EstimateLine as Line},
};
use daftar_projections::{
    invoices,
    repairs::{self, AskedPart, Entry, File, Found, Offer, Which},
    workshop,
};

use super::{
    account::{Account, opened},
    answer, app,
    at_hand::at_hand,
    caller,
    enums::{RepairAudience, RepairCoverage, RepairSide, RepairSort, RepairStatus, RepairStep, SortDirection, VatCategory},
    invoice::{DocumentLine, Invoice},
    language,
    money::Money,
    paging::{Connection, Paging, cost, cursor, part},
    scalars::{Date, DateTime, Decimal},
    siblings::{Together, grouped},
    workshop::{Branch, Part},
};
use crate::{
    app::App,
    caller::{Caller, EVERY_DESK, Visible},
    problem::Problem,
};

/// A repair, among those that were asked for with it.
#[derive(Clone, Debug)]
pub struct Repair {
    row: Arc<Found>,
    among: Arc<Repairs>,
}

/// Repairs of one list, all of which whoever asks may see.
#[derive(Debug)]
struct Repairs {
    seen: Vec<(Visible, RepairId)>,
    reader: Audience,
    complaints: Vec<(RepairId, AccountId, Sealed)>,
    branch_ids: Vec<BranchId>,
    invoice_ids: Vec<InvoiceId>,
    accounts: Together<(), HashMap<AccountId, Account>>,
    words: Together<(), HashMap<RepairId, Option<String>>>,
    branches: Together<(), HashMap<BranchId, Branch>>,
    invoices: Together<(), HashMap<InvoiceId, Invoice>>,
    offers: Together<(), HashMap<RepairId, Vec<Arc<Offer>>>>,
    files: Together<(), HashMap<RepairId, Vec<Attachment>>>,
    parts: Together<(), HashMap<RepairId, Vec<AskedPart>>>,
    kinds: Together<(), HashMap<PartId, Part>>,
    timelines: Together<(Which, Paging), HashMap<RepairId, Vec<RepairEntry>>>,
    counts: Together<Which, HashMap<RepairId, u64>>,
}

impl Repair {
    /// One that is unknown, or not theirs to see, is not found.
    pub async fn find(app: &App, caller: &Caller, id: RepairId) -> std::result::Result<Self, Problem> {
        caller.user()?;
        let found = repairs::by_id(&app.read_models, id).await?;
        Self::all(caller, found.into_iter().collect())?.pop().ok_or(Problem::NotFound)
    }

    /// Refuses, if one of them is not to be seen.
    pub fn all(caller: &Caller, rows: Vec<Found>) -> std::result::Result<Vec<Self>, Problem> {
        let seen = rows.iter().map(|row| Ok((caller.account(row.account_id)?, row.id))).collect::<std::result::Result<_, Problem>>()?;
        let mut branch_ids: Vec<BranchId> = rows.iter().map(|row| row.branch_id).collect();
        branch_ids.sort_unstable();
        branch_ids.dedup();
        let among = Arc::new(Repairs {
            seen,
            reader: reader(caller),
            complaints: rows.iter().map(|row| (row.id, row.account_id, row.complaint.clone())).collect(),
            branch_ids,
            invoice_ids: rows.iter().filter_map(|row| row.invoice_id).collect(),
            accounts: Together::default(),
            words: Together::default(),
            branches: Together::default(),
            invoices: Together::default(),
            offers: Together::default(),
            files: Together::default(),
            parts: Together::default(),
            kinds: Together::default(),
            timelines: Together::default(),
            counts: Together::default(),
        });
        Ok(rows.into_iter().map(|row| Self { row: Arc::new(row), among: among.clone() }).collect())
    }

    /// Its page of what happened to all of these repairs, as its reader may see it.
    async fn page(
        &self,
        context: &Context<'_>,
        paging: Paging,
        only_comments: bool,
    ) -> std::result::Result<Connection<RepairEntry>, Problem> {
        let list = if only_comments { "repair/comments" } else { "repair/timeline" };
        let place = paging.place(list)?.map(|[revision]: [String; 1]| part::<u64>(&revision)).transpose()?;
        let (app, among, which) = (app(context), &self.among, Which { reader: self.among.reader, only_comments });
        let fetch = async || {
            let found = repairs::timeline(&app.read_models, &among.ids(), which, place, paging.limit()).await?;
            RepairEntry::all(app, among, found).await
        };
        let found = among.timelines.get((which, paging.clone()), fetch).await?;
        let (app, among, id) = (app.clone(), among.clone(), self.row.id);
        let count = move || {
            let (app, among) = (app.clone(), among.clone());
            async move {
                let fetch = async || Ok(repairs::entry_counts(&app.read_models, &among.ids(), which).await?.into_iter().collect());
                Ok(among.counts.get(which, fetch).await?.get(&id).copied().unwrap_or_default())
            }
        };
        Ok(Connection::new(&paging, self.of(&found), |entry| cursor(list, &[&entry.revision]), count))
    }

    async fn offers(&self, context: &Context<'_>) -> std::result::Result<Vec<Estimate>, Problem> {
        let fetch = async || {
            let found = repairs::offers(&app(context).read_models, &self.among.ids()).await?;
            Ok(grouped(found.into_iter().map(|(id, offer)| (id, Arc::new(offer)))))
        };
        let found = self.among.offers.get((), fetch).await?;
        Ok(self.of(&found).into_iter().map(Estimate).collect())
    }

    fn of<T: Clone>(&self, all: &HashMap<RepairId, Vec<T>>) -> Vec<T> {
        all.get(&self.row.id).cloned().unwrap_or_default()
    }
}

impl Repairs {
    fn ids(&self) -> Vec<RepairId> {
        self.seen.iter().map(|(_, id)| *id).collect()
    }

    fn owners(&self) -> HashMap<RepairId, AccountId> {
        self.seen.iter().map(|(seen, id)| (*id, seen.id())).collect()
    }
}

/// Customers read what is for everybody.
pub fn reader(caller: &Caller) -> Audience {
    if caller.staff(EVERY_DESK).is_ok() { Audience::Internal } else { Audience::Public }
}

at_hand!(Repair: id, status, status_label, visit, complaint, technician_id, coverage, approved, warranty_until, ready_on, waiting_since, requested_at, moved_at);

/// A device from the request to the invoice.
#[Object]
impl Repair {
    /// The repair's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// Whose device it is.
    async fn account(&self, context: &Context<'_>) -> Option<Result<Account>> {
        let all = self.among.seen.iter().map(|(seen, _)| *seen);
        Some(answer(context, Account::whose(context, &self.among.accounts, all, self.row.account_id).await))
    }

    /// The branch that it was brought to.
    async fn branch(&self, context: &Context<'_>) -> Option<Result<Branch>> {
        let branch = async {
            let fetch = async || {
                let found = workshop::branches_by_ids(&app(context).read_models, &self.among.branch_ids).await?;
                Ok(found.into_iter().map(|row| (row.id, Branch::from(row))).collect())
            };
            self.among.branches.get((), fetch).await?.get(&self.row.branch_id).cloned().ok_or(Problem::NotFound)
        };
        Some(answer(context, branch.await))
    }

    /// Where it stands.
    async fn status(&self) -> RepairStatus {
        self.row.status.into()
    }

    /// The same in words, in the language of the request.
    async fn status_label(&self, context: &Context<'_>) -> &'static str {
        RepairStatus::from(self.row.status).label(language(context))
    }

    /// How often the device has come in.
    async fn visit(&self) -> u32 {
        self.row.visit
    }

    /// What is repaired.
    async fn device(&self) -> Device {
        let device = &self.row.device;
        Device {
            kind: device.kind.to_string(),
            name: device.name.to_string(),
            model: device.model.to_string(),
            serial: device.serial.as_ref().map(ToString::to_string),
        }
    }

    /// What was wrong with it when it first came in, in the customer's words; null once the person is forgotten.
    async fn complaint(&self, context: &Context<'_>) -> Option<Result<String>> {
        let words = async {
            let fetch = async || {
                let sealed: Vec<(AccountId, &Sealed)> = self.among.complaints.iter().map(|(_, of, words)| (*of, words)).collect();
                let words = opened(app(context), &sealed).await?;
                Ok(self.among.complaints.iter().map(|(id, ..)| *id).zip(words).collect())
            };
            Ok(self.among.words.get((), fetch).await?.get(&self.row.id).cloned().flatten())
        };
        answer(context, words.await).transpose()
    }

    /// The user who is in charge; null while nobody is.
    async fn technician_id(&self) -> Option<ID> {
        self.row.technician.as_deref().map(|actor| ID(actor.strip_prefix("user:").unwrap_or(actor).to_owned()))
    }

    /// Who pays; null before the diagnosis.
    async fn coverage(&self) -> Option<RepairCoverage> {
        self.row.coverage.map(Into::into)
    }

    /// The offer that waits for an answer or was taken up; null while there is none.
    async fn estimate(&self, context: &Context<'_>) -> Option<Result<Estimate>> {
        let (number, _) = self.row.estimated?;
        let offers = answer(context, self.offers(context).await);
        let current = |offers: Vec<Estimate>| offers.into_iter().find(|offer| (offer.0.visit, offer.0.number) == (self.row.visit, number));
        offers.map(current).transpose()
    }

    /// All offers that were ever made, the first first.
    #[graphql(complexity = "1 + 3 * child_complexity")]
    async fn estimates(&self, context: &Context<'_>) -> Option<Result<Vec<Estimate>>> {
        Some(answer(context, self.offers(context).await))
    }

    /// What the customer has agreed to pay; null while they have not.
    async fn approved(&self) -> Option<Money> {
        self.row.approved.map(Money::from)
    }

    /// The invoice for it; null until it is made, and for work under warranty.
    async fn invoice(&self, context: &Context<'_>) -> Option<Result<Invoice>> {
        let id = self.row.invoice_id?;
        let invoice = async {
            let fetch = async || {
                let found = invoices::by_ids(&app(context).read_models, &self.among.invoice_ids).await?;
                Ok(Invoice::all(caller(context), found)?.into_iter().map(|invoice| (invoice.invoice_id(), invoice)).collect())
            };
            Ok(self.among.invoices.get((), fetch).await?.get(&id).cloned())
        };
        answer(context, invoice.await).transpose()
    }

    /// The last day on which the work is vouched for; null while it is not done.
    async fn warranty_until(&self) -> Option<Date> {
        self.row.warranty_until.map(Date::from)
    }

    /// Since when it can be fetched; null while it cannot.
    async fn ready_on(&self) -> Option<Date> {
        self.row.ready_on.map(Date::from)
    }

    /// Since when the customer waits for a word; null while they do not.
    async fn waiting_since(&self) -> Option<DateTime> {
        self.row.waiting_since.map(DateTime)
    }

    /// When it was asked for.
    async fn requested_at(&self) -> DateTime {
        DateTime(self.row.requested_at)
    }

    /// When it last went on.
    async fn moved_at(&self) -> DateTime {
        DateTime(self.row.moved_at)
    }

    /// What happened, in its order.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn timeline(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<RepairEntry>>> {
        let page = async { self.page(context, Paging::new(first, after)?, false).await };
        Some(answer(context, page.await))
    }

    /// What people wrote, in its order.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn comments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<RepairEntry>>> {
        let page = async { self.page(context, Paging::new(first, after)?, true).await };
        Some(answer(context, page.await))
    }

    /// What was attached, the first first.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn files(&self, context: &Context<'_>) -> Option<Result<Vec<Attachment>>> {
        let files = async {
            let fetch = async || {
                let found = repairs::files(&app(context).read_models, &self.among.ids(), self.among.reader).await?;
                Attachment::all(app(context), &self.among, found).await
            };
            Ok(self.of(&*self.among.files.get((), fetch).await?))
        };
        Some(answer(context, files.await))
    }

    /// The parts that were asked of the stock, by visit; for staff.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn parts(&self, context: &Context<'_>) -> Option<Result<Vec<PartRequest>>> {
        let parts = async {
            caller(context).staff(EVERY_DESK)?;
            let fetch = async || Ok(grouped(repairs::parts(&app(context).read_models, &self.among.ids()).await?));
            let found = self.among.parts.get((), fetch).await?;
            let among = (self.among.clone(), found.clone());
            Ok(self.of(&found).into_iter().map(|asked| PartRequest { asked, among: among.clone() }).collect())
        };
        Some(answer(context, parts.await))
    }
}

/// What is repaired.
#[derive(Debug, SimpleObject)]
struct Device {
    /// What it is, as a code.
    kind: String,
    /// What people call it.
    name: String,
    /// The maker's name for it.
    model: String,
    /// The number on its plate; null if nobody could read it.
    serial: Option<String>,
}

/// An offer, and what came of the prices in it.
#[derive(Clone, Debug)]
struct Estimate(Arc<Offer>);

/// What the work will cost.
#[Object(name = "RepairEstimate")]
impl Estimate {
    /// Estimates of one visit are counted from 1: whoever answers one names it.
    async fn number(&self) -> u32 {
        self.0.number
    }

    /// Of which visit.
    async fn visit(&self) -> u32 {
        self.0.visit
    }

    /// Labour and parts.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn lines(&self) -> Vec<EstimateLine> {
        self.0.estimate.lines.iter().cloned().map(EstimateLine).collect()
    }

    /// Before VAT.
    async fn net(&self) -> Money {
        self.0.estimate.net.into()
    }

    /// The VAT.
    async fn vat(&self) -> Money {
        self.0.estimate.vat.into()
    }

    /// What the customer is to pay.
    async fn total(&self) -> Money {
        self.0.estimate.total.into()
    }

    /// What is paid before the work begins.
    async fn deposit(&self) -> Money {
        self.0.estimate.terms.deposit.into()
    }

    /// How it is taxed.
    async fn vat_category(&self) -> VatCategory {
        self.0.estimate.terms.vat.category.into()
    }

    /// At which rate: 0.15 is fifteen percent.
    async fn vat_rate(&self) -> Decimal {
        self.0.estimate.terms.vat.rate.get().into()
    }

    /// The last day on which it can be approved.
    async fn valid_until(&self) -> Date {
        self.0.estimate.terms.valid_until.into()
    }

    /// For how many days after the approval its prices hold.
    async fn hold_days(&self) -> i32 {
        self.0.estimate.terms.hold_days.into()
    }

    /// What more it may come to without asking again: 0.10 is a tenth.
    async fn tolerance(&self) -> Decimal {
        self.0.estimate.terms.tolerance.get().into()
    }

    /// For how many days after the delivery the work is vouched for.
    async fn warranty_days(&self) -> i32 {
        self.0.estimate.terms.warranty_days.into()
    }

    /// Whether the customer has to agree to it: not if it stays within what they agreed to before.
    async fn needs_approval(&self) -> bool {
        self.0.needs_approval
    }

    /// When it was made.
    async fn offered_on(&self) -> Date {
        self.0.offered_on.into()
    }
}

#[derive(Clone, Debug)]
struct EstimateLine(Line);

/// Labour, or a part.
#[Object]
impl EstimateLine {
    /// Which part; null of labour.
    async fn part_id(&self) -> Option<ID> {
        self.0.part_id.map(|id| ID(id.to_string()))
    }

    /// As the invoice will have it.
    async fn line(&self) -> DocumentLine {
        DocumentLine::Plain(self.0.line.clone())
    }
}

/// Something that happened to a repair.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct RepairEntry {
    #[graphql(skip)]
    revision: u64,
    /// What happened.
    what: RepairStep,
    /// Where the repair stood after it.
    status: RepairStatus,
    /// Who may see it.
    audience: RepairAudience,
    /// Whose word it is; null where nobody says anything.
    side: Option<RepairSide>,
    /// The comment's id, if it is one.
    comment_id: Option<ID>,
    /// What somebody wrote, or the name of what they attached; null once the person is forgotten, and where nobody wrote.
    text: Option<String>,
    /// What the workshop noted.
    note: Option<String>,
    /// When it was recorded.
    recorded_at: DateTime,
    #[graphql(skip)]
    actor: String,
}

at_hand!(RepairEntry: what, status, audience, side, comment_id, text, note, recorded_at, label);

#[async_graphql::ComplexObject]
impl RepairEntry {
    /// What happened, in the language of the request.
    async fn label(&self, context: &Context<'_>) -> &'static str {
        self.what.label(language(context))
    }

    /// Who did it; for staff.
    async fn actor(&self, context: &Context<'_>) -> Option<Result<&str>> {
        Some(answer(context, caller(context).staff(EVERY_DESK).map(|()| self.actor.as_str())))
    }
}

impl RepairEntry {
    async fn all(app: &App, among: &Repairs, found: Vec<(RepairId, Entry)>) -> std::result::Result<HashMap<RepairId, Vec<Self>>, Problem> {
        let owners = among.owners();
        let sealed: Vec<_> = found.iter().filter_map(|(id, entry)| Some((*owners.get(id)?, entry.words.as_ref()?))).collect();
        let mut words = opened(app, &sealed).await?.into_iter();
        let entries = found.iter().map(|(id, entry)| {
            let text = entry.words.as_ref().and_then(|_| words.next().flatten());
            Ok((*id, Self::of(entry, text)?))
        });
        Ok(grouped(entries.collect::<std::result::Result<Vec<_>, Problem>>()?))
    }

    fn of(entry: &Entry, text: Option<String>) -> std::result::Result<Self, Problem> {
        Ok(Self {
            revision: entry.revision,
            what: step(&entry.what).ok_or_else(|| Problem::Internal(format!("`{}` is no step of a repair", entry.what).into()))?,
            status: entry.status.into(),
            audience: entry.audience.into(),
            side: entry.side.map(Into::into),
            comment_id: entry.comment_id.map(|id| ID(id.to_string())),
            text,
            note: entry.note.clone(),
            recorded_at: DateTime(entry.recorded_at),
            actor: entry.actor.clone(),
        })
    }
}

/// The word for an event's type.
fn step(event_type: &str) -> Option<RepairStep> {
    let items = RepairStep::items().iter();
    items.into_iter().find(|item| item.name.replace('_', "").eq_ignore_ascii_case(event_type)).map(|item| item.value)
}

/// Something that was attached. Its bytes are at `/repairs/{repair}/files/{id}`.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "RepairFile")]
struct Attachment {
    /// The file's id, for ever.
    id: ID,
    /// As its sender called it; null once the person is forgotten.
    name: Option<String>,
    /// What it is, as its content says.
    media_type: String,
    /// How large it is.
    bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    sha256: String,
    /// Whose it is.
    side: RepairSide,
    /// Who may see it.
    audience: RepairAudience,
    /// When it was attached.
    attached_at: DateTime,
}

impl Attachment {
    async fn all(app: &App, among: &Repairs, found: Vec<(RepairId, File)>) -> std::result::Result<HashMap<RepairId, Vec<Self>>, Problem> {
        let owners = among.owners();
        let sealed: Vec<_> = found.iter().filter_map(|(id, file)| Some((*owners.get(id)?, &file.name))).collect();
        let names = opened(app, &sealed).await?;
        let files = found.into_iter().zip(names).map(|((id, file), name)| {
            let file = Self {
                id: ID(file.id.to_string()),
                name,
                media_type: file.media_type,
                bytes: file.bytes,
                sha256: file.digest.to_string(),
                side: file.side.into(),
                audience: file.audience.into(),
                attached_at: DateTime(file.attached_at),
            };
            (id, file)
        });
        Ok(grouped(files))
    }
}

/// What a repair asked of the stock, among all that those of one list asked.
#[derive(Clone, Debug)]
struct PartRequest {
    asked: AskedPart,
    among: (Arc<Repairs>, Arc<HashMap<RepairId, Vec<AskedPart>>>),
}

/// A part that a repair asked for, and what became of it.
#[Object]
impl PartRequest {
    /// The request's id, for ever.
    async fn id(&self) -> ID {
        ID(self.asked.id.to_string())
    }

    /// In which visit.
    async fn visit(&self) -> u32 {
        self.asked.visit
    }

    /// Which part.
    async fn part(&self, context: &Context<'_>) -> Option<Result<Part>> {
        let found = async {
            let (among, all) = &self.among;
            let fetch = async || {
                let ids: Vec<PartId> = all.values().flatten().map(|asked| asked.part_id).collect();
                let found = Part::all(workshop::parts_by_ids(&app(context).read_models, &ids).await?);
                Ok(found.into_iter().map(|part| (part.part_id(), part)).collect())
            };
            among.kinds.get((), fetch).await?.get(&self.asked.part_id).cloned().ok_or(Problem::NotFound)
        };
        Some(answer(context, found.await))
    }

    /// How many pieces.
    async fn quantity(&self) -> u32 {
        self.asked.quantity
    }

    /// Whether they are put aside for it.
    async fn here(&self) -> bool {
        self.asked.here
    }

    /// How many were missing when it was asked; null if none was.
    async fn missing(&self) -> Option<u32> {
        self.asked.missing
    }

    /// How many went into the device.
    async fn used(&self) -> u32 {
        self.asked.used
    }

    /// How many went back.
    async fn returned(&self) -> u32 {
        self.asked.returned
    }
}

/// Which repairs: those to which everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct RepairFilter {
    /// Of this account.
    account_id: Option<ID>,
    /// Brought to this branch.
    branch_id: Option<ID>,
    /// Standing there.
    status: Option<RepairStatus>,
    /// With this user in charge.
    technician_id: Option<ID>,
    /// Those whose customers wait for a word, or those whose customers do not.
    waiting: Option<bool>,
}

impl RepairFilter {
    fn parse(self) -> std::result::Result<repairs::Filter, Problem> {
        let account = self.account_id.map(|id| super::id("accountId", &id).map(AccountId::new)).transpose()?;
        let technician = self.technician_id.map(|id| super::id("technicianId", &id).map(UserId::new)).transpose()?;
        Ok(repairs::Filter {
            accounts: account.map(|account| vec![account]),
            branch_id: self.branch_id.map(|id| super::id("branchId", &id).map(BranchId::new)).transpose()?,
            status: self.status.map(Into::into),
            technician: technician.map(Actor::user),
            waiting: self.waiting,
        })
    }
}

#[derive(Debug, Default)]
pub struct RepairQuery;

#[Object]
impl RepairQuery {
    /// A repair by its id. An id that is unknown, or not yours to see, is NOT_FOUND.
    async fn repair(&self, context: &Context<'_>, #[graphql(desc = "As `requestRepair` gave it.")] id: ID) -> Option<Result<Repair>> {
        let repair = async { Repair::find(app(context), caller(context), RepairId::new(super::id("id", &id)?)).await };
        Some(answer(context, repair.await))
    }

    /// Repairs of all accounts, for staff.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn repairs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<RepairFilter>,
        #[graphql(desc = "What they are in the order of; REQUESTED_AT without it.")] order_by: Option<RepairSort>,
        #[graphql(desc = "Which way; DESCENDING without it.")] direction: Option<SortDirection>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Repair>>> {
        let page = async {
            caller(context).staff(EVERY_DESK)?;
            let filter = filter.unwrap_or_default().parse().map_err(|problem| problem.within("filter"))?;
            list(context, "repairs", filter, (order_by, direction), Paging::new(first, after)?).await
        };
        Some(answer(context, page.await))
    }

    /// Repairs that are yours: a customer's own, and those that somebody of the workshop is in charge of.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn my_repairs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Those that stand there; all without it.")] status: Option<RepairStatus>,
        #[graphql(desc = "What they are in the order of; REQUESTED_AT without it.")] order_by: Option<RepairSort>,
        #[graphql(desc = "Which way; DESCENDING without it.")] direction: Option<SortDirection>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Repair>>> {
        let page = async {
            let (status, everything) = (status.map(Into::into), repairs::Filter::default());
            let filter = match caller(context) {
                Caller::Nobody => return Err(Problem::Unauthenticated),
                Caller::Customer { accounts, .. } => {
                    repairs::Filter { accounts: Some(accounts.iter().copied().collect()), status, ..everything }
                }
                Caller::Staff { user, .. } => repairs::Filter { technician: Some(Actor::user(user)), status, ..everything },
            };
            list(context, "myRepairs", filter, (order_by, direction), Paging::new(first, after)?).await
        };
        Some(answer(context, page.await))
    }
}

async fn list(
    context: &Context<'_>,
    name: &'static str,
    filter: repairs::Filter,
    (by, direction): (Option<RepairSort>, Option<SortDirection>),
    paging: Paging,
) -> std::result::Result<Connection<Repair>, Problem> {
    let (caller, app) = (caller(context), app(context));
    let by = by.unwrap_or(RepairSort::RequestedAt);
    let ordered = paging.ordered(name, by, direction.unwrap_or(SortDirection::Descending))?;
    let found = repairs::list(&app.read_models, &filter, &ordered.page).await?;
    let at = move |repair: &Repair| ordered.cursor(&repair.row.spot(ordered.page.by));
    let pool = app.read_models.clone();
    let count = move || {
        let (pool, filter) = (pool.clone(), filter.clone());
        async move { Ok(repairs::count(&pool, &filter).await?) }
    };
    Ok(Connection::new(&paging, Repair::all(caller, found)?, at, count))
}

#[cfg(test)]
mod tests {
    use daftar_domain::{EventSchema, repair::example};

    use super::*;

    #[test]
    fn every_event_has_its_word() {
        for event in example::events() {
            assert!(step(event.event_type()).is_some(), "{}", event.event_type());
        }
    }
}
