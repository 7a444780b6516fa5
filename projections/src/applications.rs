//! Applications for a connection: how each stands, and how it came there.

use chrono::NaiveDate;
use daftar_domain::{
    BillingEvent, Decider, Recorded, Service,
    application::{self, Application as Aggregate, ApplicationSubmitted, Status},
    connection_prices::{Capacity, Phase, Quote},
    ids::{AccountId, AgreementId, ApplicationId, InvoiceId, MeterId, PremisesId, ServicePointId},
    meter::MeterKind,
};
use rust_decimal::Decimal;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Page, Projector, QueryError, Spot,
    columns::{from_bigint, from_name, position, sealed, to_bigint, to_name, uuids},
    keys,
    order::page,
    rows,
    rows::{Current, History, Table},
};

#[derive(Debug, Default)]
pub struct Applications {
    applications: Current<ApplicationRow>,
    steps: History<StepRow>,
}

rows! {
    struct ApplicationRow in application {
        application_id: Uuid,
        account_id: Uuid,
        status: String,
        service: String,
        load_kva: Option<Decimal>,
        phase: Option<String>,
        diameter_mm: Option<i64>,
        meter: String,
        site: Vec<u8>,
        submitted_on: NaiveDate,
        question: Option<String>,
        answer: Option<Vec<u8>>,
        premises_id: Option<Uuid>,
        service_point_id: Option<Uuid>,
        distance_m: Option<Decimal>,
        area: Option<String>,
        quote: Option<String>,
        total: Option<i64>,
        currency: Option<String>,
        valid_until: Option<NaiveDate>,
        invoice_id: Option<Uuid>,
        fee_paid: bool,
        planned_on: Option<NaiveDate>,
        meter_id: Option<Uuid>,
        agreement_id: Option<Uuid>,
        reason: Option<String>,
        changed_on: NaiveDate,
        revision: i64,
        position: i64,
    }

    struct StepRow in step {
        application_id: Uuid,
        status: String,
        effective_on: NaiveDate,
        note: Option<String>,
        position: i64,
    }
}

keys! {
    ApplicationRow by application_id: Uuid;
}

impl Projector for Applications {
    const NAME: &'static str = "applications";
    const VERSION: i32 = 2;
    const CATEGORIES: &'static [&'static str] = &[Aggregate::CATEGORY];
    const TABLES: &'static str = include_str!("../models/applications/tables.sql");
    const INDEXES: &'static str = include_str!("../models/applications/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        use application::Event;
        let BillingEvent::Application(event) = &fact.event else { return };
        match event {
            Event::ApplicationSubmitted(event) => self.submitted(fact, event),
            Event::ReviewBegun(event) => self.step(fact, Status::UnderReview, event.on, None, |_| {}),
            Event::InformationAsked(event) => {
                let question = event.question.to_string();
                self.step(fact, Status::NeedsInformation, event.on, Some(question.clone()), |row| row.question = Some(question));
            }
            Event::InformationGiven(event) => {
                self.step(fact, Status::UnderReview, event.on, None, |row| row.answer = Some(sealed(&event.answer)));
            }
            Event::SiteInspected(event) => self.step(fact, Status::SiteInspected, event.on, None, |row| {
                let application::Findings { capacity, distance_m, area, meter } = &event.findings;
                row.carries(*capacity);
                row.meter = to_name(meter);
                row.premises_id = Some(event.premises_id.into());
                row.service_point_id = Some(event.service_point_id.into());
                row.distance_m = Some(distance_m.to_decimal());
                row.area = Some(area.to_string());
                row.quoted(None);
            }),
            Event::ConnectionPriced(event) => self.step(fact, Status::Priced, event.on, None, |row| row.quoted(Some(&event.quote))),
            Event::ConnectionFeeInvoiced(event) => {
                self.step(fact, Status::FeeInvoiced, event.on, None, |row| row.invoice_id = Some(event.invoice_id.into()));
            }
            Event::ConnectionFeePaid(event) => self.fee(fact, true, event.on),
            Event::ConnectionFeeReopened(event) => self.fee(fact, false, event.on),
            Event::InstallationScheduled(event) => {
                let note = Some(event.planned_on.to_string());
                self.step(fact, Status::InstallScheduled, event.on, note, |row| row.planned_on = Some(event.planned_on));
            }
            Event::ConnectionInstalled(event) => {
                self.step(fact, Status::Installed, event.on, None, |row| row.meter_id = Some(event.meter_id.into()));
            }
            Event::ConnectionActivated(event) => {
                self.step(fact, Status::Activated, event.on, None, |row| row.agreement_id = Some(event.agreement_id.into()));
            }
            Event::ApplicationRejected(event) => {
                let reason = event.reason.to_string();
                self.step(fact, Status::Rejected, event.on, Some(reason.clone()), |row| row.reason = Some(reason));
            }
            Event::ApplicationCancelled(event) => {
                let reason = event.reason.to_string();
                self.step(fact, Status::Cancelled, event.on, Some(reason.clone()), |row| row.reason = Some(reason));
            }
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        vec![&mut self.applications, &mut self.steps]
    }
}

impl Applications {
    fn submitted(&mut self, fact: &Recorded<BillingEvent>, event: &ApplicationSubmitted) {
        let ApplicationSubmitted { application_id: _, account_id, capacity, meter, site, on } = event;
        let mut row = ApplicationRow {
            application_id: fact.stream.id(),
            account_id: (*account_id).into(),
            status: to_name(&Status::Submitted),
            service: to_name(&capacity.service()),
            load_kva: None,
            phase: None,
            diameter_mm: None,
            meter: to_name(meter),
            site: sealed(site),
            submitted_on: *on,
            question: None,
            answer: None,
            premises_id: None,
            service_point_id: None,
            distance_m: None,
            area: None,
            quote: None,
            total: None,
            currency: None,
            valid_until: None,
            invoice_id: None,
            fee_paid: false,
            planned_on: None,
            meter_id: None,
            agreement_id: None,
            reason: None,
            changed_on: *on,
            revision: to_bigint(fact.revision),
            position: position(fact),
        };
        row.carries(*capacity);
        self.applications.insert(row);
        self.add_step(fact, Status::Submitted, *on, None);
    }

    /// Paid, it stands where it stood when the payment was taken back.
    fn fee(&mut self, fact: &Recorded<BillingEvent>, paid: bool, on: NaiveDate) {
        let Some(planned) = self.applications.get(&fact.stream.id()).map(|row| row.planned_on.is_some()) else { return };
        let status = match (paid, planned) {
            (false, _) => Status::FeeInvoiced,
            (true, false) => Status::FeePaid,
            (true, true) => Status::InstallScheduled,
        };
        self.step(fact, status, on, None, |row| row.fee_paid = paid);
    }

    fn step(
        &mut self,
        fact: &Recorded<BillingEvent>,
        status: Status,
        on: NaiveDate,
        note: Option<String>,
        change: impl FnOnce(&mut ApplicationRow),
    ) {
        self.add_step(fact, status, on, note);
        if let Some(row) = self.applications.get_mut(&fact.stream.id()) {
            change(row);
            (row.status, row.changed_on) = (to_name(&status), on);
            (row.revision, row.position) = (to_bigint(fact.revision), position(fact));
        }
    }

    fn add_step(&mut self, fact: &Recorded<BillingEvent>, status: Status, effective_on: NaiveDate, note: Option<String>) {
        self.steps.add(StepRow {
            application_id: fact.stream.id(),
            status: to_name(&status),
            effective_on,
            note,
            position: position(fact),
        });
    }
}

impl ApplicationRow {
    fn carries(&mut self, capacity: Capacity) {
        (self.load_kva, self.phase, self.diameter_mm) = match capacity {
            Capacity::Electricity { load_kva, phase } => (Some(load_kva.to_decimal()), Some(to_name(&phase)), None),
            Capacity::Water { diameter_mm } => (None, None, Some(diameter_mm.into())),
        };
    }

    fn quoted(&mut self, quote: Option<&Quote>) {
        self.quote = quote.map(|quote| String::from_utf8_lossy(&daftar_domain::write(quote)).into_owned());
        self.total = quote.map(|quote| quote.total.minor);
        self.currency = quote.map(|quote| to_name(&quote.total.currency));
        self.valid_until = quote.map(|quote| quote.valid_until);
    }
}

/// An application, as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    pub id: ApplicationId,
    pub account_id: AccountId,
    pub status: Status,
    pub service: Service,
    pub load_kva: Option<Decimal>,
    pub phase: Option<Phase>,
    pub diameter_mm: Option<u32>,
    pub meter: MeterKind,
    /// Sealed with the account's contact key, as is the answer.
    pub site: Vec<u8>,
    pub submitted_on: NaiveDate,
    pub question: Option<String>,
    pub answer: Option<Vec<u8>>,
    pub premises_id: Option<PremisesId>,
    pub service_point_id: Option<ServicePointId>,
    pub distance_m: Option<Decimal>,
    pub area: Option<String>,
    pub quote: Option<Quote>,
    pub invoice_id: Option<InvoiceId>,
    pub fee_paid: bool,
    pub planned_on: Option<NaiveDate>,
    pub meter_id: Option<MeterId>,
    pub agreement_id: Option<AgreementId>,
    pub reason: Option<String>,
    pub changed_on: NaiveDate,
    pub revision: u64,
}

/// What happened to an application, on its day.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub status: Status,
    pub on: NaiveDate,
    pub note: Option<String>,
}

/// Which applications: with nothing said, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    pub account_id: Option<AccountId>,
    pub status: Option<Status>,
}

pub async fn by_id(db: impl PgExecutor<'_>, id: ApplicationId) -> Result<Option<Application>, QueryError> {
    let found = sqlx::query_as!(ApplicationRow, "SELECT * FROM read_applications.application WHERE application_id = $1", Uuid::from(id));
    found.fetch_optional(db).await?.map(Application::try_from).transpose()
}

/// What applications can be listed in the order of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    SubmittedOn,
    ChangedOn,
}

impl Application {
    pub fn spot(&self, by: Order) -> Spot {
        let ids = [self.id.into()];
        match by {
            Order::SubmittedOn => Spot::new(&self.submitted_on, ids),
            Order::ChangedOn => Spot::new(&self.changed_on, ids),
        }
    }
}

pub async fn list(db: impl PgExecutor<'_>, filter: &Filter, page: &Page<Order>) -> Result<Vec<Application>, QueryError> {
    macro_rules! by {
        ($by:literal) => {
            page!(
                db,
                page,
                ApplicationRow,
                "SELECT * FROM read_applications.application WHERE (account_id = $4 OR $4 IS NULL) AND (status = $5 OR $5 IS NULL)",
                $by as NaiveDate,
                ("application_id" 0) behind "($2, $3)",
                [filter.account_id.map(Uuid::from), filter.status.as_ref().map(to_name)]
            )
        };
    }
    let rows = match page.by {
        Order::SubmittedOn => by!("submitted_on"),
        Order::ChangedOn => by!("changed_on"),
    };
    rows.into_iter().map(Application::try_from).collect()
}

pub async fn count(db: impl PgExecutor<'_>, filter: &Filter) -> Result<u64, QueryError> {
    let found = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_applications.application
           WHERE ($1::uuid IS NULL OR account_id = $1) AND ($2::text IS NULL OR status = $2)"#,
        filter.account_id.map(Uuid::from),
        filter.status.as_ref().map(to_name),
    );
    Ok(from_bigint(found.fetch_one(db).await?))
}

/// How many stand at each state: what the board has at the head of its columns.
pub async fn board(db: impl PgExecutor<'_>) -> Result<Vec<(Status, u64)>, QueryError> {
    let found = sqlx::query!(r#"SELECT status, count(*) AS "count!" FROM read_applications.application GROUP BY status"#);
    let counted =
        found.fetch_all(db).await?.into_iter().map(|row| Ok((from_name(row.status).map_err(malformed("status"))?, from_bigint(row.count))));
    let mut counted: Vec<(Status, u64)> = counted.collect::<Result<_, QueryError>>()?;
    counted.sort_unstable();
    Ok(counted)
}

/// What happened to each of these, in its order.
pub async fn steps_of(db: impl PgExecutor<'_>, ids: &[ApplicationId]) -> Result<Vec<(ApplicationId, Step)>, QueryError> {
    let ids = uuids(ids);
    let found = sqlx::query!(
        "SELECT application_id, status, effective_on, note FROM read_applications.step WHERE application_id = ANY($1) ORDER BY application_id, position",
        &ids,
    );
    let steps = found.fetch_all(db).await?.into_iter().map(|row| {
        let status = from_name(row.status).map_err(malformed("status"))?;
        Ok((ApplicationId::new(row.application_id), Step { status, on: row.effective_on, note: row.note }))
    });
    steps.collect()
}

impl TryFrom<ApplicationRow> for Application {
    type Error = QueryError;

    fn try_from(row: ApplicationRow) -> Result<Self, QueryError> {
        Ok(Self {
            id: ApplicationId::new(row.application_id),
            account_id: AccountId::new(row.account_id),
            status: from_name(row.status).map_err(malformed("status"))?,
            service: from_name(row.service).map_err(malformed("service"))?,
            load_kva: row.load_kva,
            phase: row.phase.map(from_name).transpose().map_err(malformed("phase"))?,
            diameter_mm: row.diameter_mm.and_then(|diameter| u32::try_from(diameter).ok()),
            meter: from_name(row.meter).map_err(malformed("meter"))?,
            site: row.site,
            submitted_on: row.submitted_on,
            question: row.question,
            answer: row.answer,
            premises_id: row.premises_id.map(PremisesId::new),
            service_point_id: row.service_point_id.map(ServicePointId::new),
            distance_m: row.distance_m,
            area: row.area,
            quote: row.quote.map(|quote| serde_json::from_str(&quote)).transpose().map_err(malformed("quote"))?,
            invoice_id: row.invoice_id.map(InvoiceId::new),
            fee_paid: row.fee_paid,
            planned_on: row.planned_on,
            meter_id: row.meter_id.map(MeterId::new),
            agreement_id: row.agreement_id.map(AgreementId::new),
            reason: row.reason,
            changed_on: row.changed_on,
            revision: from_bigint(row.revision),
        })
    }
}

fn malformed(column: &'static str) -> impl FnOnce(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Applications::NAME, column, source }
}
