//! Applications for a connection: how each stands, what it costs and why, and how it came there.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use daftar_domain::{
    Sealed,
    connection_prices::{Quote as Quoted, QuoteLine as Line, When as Asked},
    ids::{AccountId, ApplicationId},
};
use daftar_projections::applications::{self, Step};

use super::{
    account::Account,
    answer, app,
    at_hand::at_hand,
    caller,
    enums::{ApplicationSort, ApplicationStatus, CustomerClass, LineUnit, MeterKind, Phase, Service, SortDirection},
    language,
    money::Money,
    paging::{Connection, Paging, cost},
    scalars::{Date, Decimal},
    siblings::{Together, grouped},
};
use crate::{
    app::App,
    caller::{Caller, EVERY_DESK, Visible},
    input,
    language::Language,
    problem::Problem,
};

/// An application, among those that were asked for with it.
#[derive(Clone, Debug)]
pub struct Application {
    row: Arc<applications::Application>,
    among: Arc<Applications>,
}

/// Applications of one list, all of which whoever asks may see.
#[derive(Debug)]
struct Applications {
    ids: Vec<(Visible, ApplicationId)>,
    accounts: Together<(), HashMap<AccountId, Account>>,
    steps: Together<(), HashMap<ApplicationId, Vec<Step>>>,
}

impl Application {
    /// Refuses, if one of them is not to be seen.
    fn all(caller: &Caller, rows: Vec<applications::Application>) -> Result<Vec<Self>, Problem> {
        let ids = rows.iter().map(|row| Ok((caller.account(row.account_id)?, row.id))).collect::<Result<_, Problem>>()?;
        let among = Arc::new(Applications { ids, accounts: Together::default(), steps: Together::default() });
        Ok(rows.into_iter().map(|row| Self { row: Arc::new(row), among: among.clone() }).collect())
    }

    async fn open(&self, app: &App, sealed: Option<&Vec<u8>>) -> Result<Option<String>, Problem> {
        let Some(sealed) = sealed else { return Ok(None) };
        let sealed: Sealed = serde_json::from_slice(sealed).map_err(|error| Problem::Internal(error.into()))?;
        let opened = app.keyring.open_all(&[(self.row.account_id, &sealed)]).await?.pop();
        Ok(opened.transpose()?.flatten().map(|text| text.reveal().to_owned()))
    }
}

at_hand!(Application: id, status, service, load_kva, phase, diameter_mm, meter, site, submitted_on, question, answer, premises_id, service_point_id, distance_m, area, fee_invoice_id, fee_paid, planned_on, meter_id, agreement_id, reason, changed_on);

/// Somebody's wish to be connected.
#[Object]
impl Application {
    /// The application's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// Where it stands.
    async fn status(&self) -> ApplicationStatus {
        self.row.status.into()
    }

    /// Whose it is.
    async fn account(&self, context: &Context<'_>) -> Option<Result<Account>> {
        let all = self.among.ids.iter().map(|(seen, _)| *seen);
        Some(answer(context, Account::whose(context, &self.among.accounts, all, self.row.account_id).await))
    }

    /// What is to be supplied.
    async fn service(&self) -> Service {
        self.row.service.into()
    }

    /// The load, in kilovolt-amperes; of electricity. As it was asked for, until somebody was there.
    async fn load_kva(&self) -> Option<Decimal> {
        self.row.load_kva.map(Decimal::from)
    }

    /// In how many phases; of electricity.
    async fn phase(&self) -> Option<Phase> {
        self.row.phase.map(Phase::from)
    }

    /// How wide the pipe is, in millimetres; of water.
    async fn diameter_mm(&self) -> Option<u32> {
        self.row.diameter_mm
    }

    /// What kind of meter is to measure it.
    async fn meter(&self) -> MeterKind {
        self.row.meter.into()
    }

    /// Where it is to be, in the customer's words; null once they are forgotten.
    async fn site(&self, context: &Context<'_>) -> Option<Result<Option<String>>> {
        Some(answer(context, self.open(app(context), Some(&self.row.site)).await))
    }

    /// The day on which it came.
    async fn submitted_on(&self) -> Date {
        self.row.submitted_on.into()
    }

    /// What the customer was asked last; null if nothing.
    async fn question(&self) -> Option<&str> {
        self.row.question.as_deref()
    }

    /// What they answered last; null if nothing, or once they are forgotten.
    async fn answer(&self, context: &Context<'_>) -> Option<Result<Option<String>>> {
        Some(answer(context, self.open(app(context), self.row.answer.as_ref()).await))
    }

    /// The place, once somebody was there.
    async fn premises_id(&self) -> Option<ID> {
        self.row.premises_id.map(|id| ID(id.to_string()))
    }

    /// The service point that is kept for it, once somebody was there.
    async fn service_point_id(&self) -> Option<ID> {
        self.row.service_point_id.map(|id| ID(id.to_string()))
    }

    /// How far it is from the network, in metres, once somebody was there.
    async fn distance_m(&self) -> Option<Decimal> {
        self.row.distance_m.map(Decimal::from)
    }

    /// The code of the district, once somebody was there.
    async fn area(&self) -> Option<&str> {
        self.row.area.as_deref()
    }

    /// What it costs, and why; null until it is priced.
    async fn quote(&self, context: &Context<'_>) -> Option<Quote> {
        self.row.quote.as_ref().map(|quote| Quote::of(quote, language(context)))
    }

    /// The invoice for the fee, once it was asked for.
    async fn fee_invoice_id(&self) -> Option<ID> {
        self.row.invoice_id.map(|id| ID(id.to_string()))
    }

    /// Whether the fee is paid and nothing of it was taken back.
    async fn fee_paid(&self) -> bool {
        self.row.fee_paid
    }

    /// The day on which somebody comes with a meter.
    async fn planned_on(&self) -> Option<Date> {
        self.row.planned_on.map(Date::from)
    }

    /// The meter, once it is up.
    async fn meter_id(&self) -> Option<ID> {
        self.row.meter_id.map(|id| ID(id.to_string()))
    }

    /// The agreement by which what is supplied is billed, once it is.
    async fn agreement_id(&self) -> Option<ID> {
        self.row.agreement_id.map(|id| ID(id.to_string()))
    }

    /// Why it came to nothing, if it did.
    async fn reason(&self) -> Option<&str> {
        self.row.reason.as_deref()
    }

    /// The day of what happened last.
    async fn changed_on(&self) -> Date {
        self.row.changed_on.into()
    }

    /// What happened to it, in its order.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn steps(&self, context: &Context<'_>) -> Option<Result<Vec<ApplicationStep>>> {
        let fetch = async || {
            let ids: Vec<ApplicationId> = self.among.ids.iter().map(|(_, id)| *id).collect();
            Ok(grouped(applications::steps_of(&app(context).read_models, &ids).await?))
        };
        let found = self.among.steps.get((), fetch).await;
        let own = found.map(|all| all.get(&self.row.id).into_iter().flatten().map(ApplicationStep::from).collect());
        Some(answer(context, own))
    }
}

/// What happened to an application, on its day.
#[derive(Debug, SimpleObject)]
struct ApplicationStep {
    /// Where it stood afterwards.
    status: ApplicationStatus,
    /// The day.
    on: Date,
    /// What was asked, or why, or for which day; null if nothing is to be said.
    note: Option<String>,
}

impl From<&Step> for ApplicationStep {
    fn from(step: &Step) -> Self {
        Self { status: step.status.into(), on: step.on.into(), note: step.note.clone() }
    }
}

/// What a connection costs.
#[derive(Debug, SimpleObject)]
struct Quote {
    /// The code of the table that it was reckoned by.
    prices: String,
    /// What it is for, line by line.
    lines: Vec<QuoteLine>,
    /// Before tax.
    net: Money,
    /// The tax.
    vat: Money,
    /// What is to be paid.
    total: Money,
    /// The last day on which it is good.
    valid_until: Date,
}

/// A line of a quote, and what decided about it.
#[derive(Debug, SimpleObject)]
struct QuoteLine {
    /// The charge, as the table calls it.
    code: String,
    /// The charge, as people read it.
    text: Option<String>,
    /// How much of it.
    quantity: Decimal,
    /// What that counts.
    unit: LineUnit,
    /// For one.
    price: Decimal,
    /// For all, before tax.
    net: Money,
    /// Why this price, in the language of the request.
    because: String,
}

impl Quote {
    fn of(quote: &Quoted, language: Language) -> Self {
        Self {
            prices: quote.prices.to_string(),
            lines: quote.lines.iter().map(|line| QuoteLine::of(line, language)).collect(),
            net: quote.net.into(),
            vat: quote.vat.into(),
            total: quote.total.into(),
            valid_until: quote.valid_until.into(),
        }
    }
}

impl QuoteLine {
    fn of(quoted: &Line, language: Language) -> Self {
        let line = &quoted.line;
        Self {
            code: line.code.to_string(),
            text: line.text.as_ref().map(ToString::to_string),
            quantity: line.quantity.to_decimal().into(),
            unit: line.unit.into(),
            price: line.price.into(),
            net: line.net.into(),
            because: because(quoted, language),
        }
    }
}

/// Which case of its charge held and what that case asks, and which step of the price.
fn because(quoted: &Line, language: Language) -> String {
    let Asked { classes, phases, diameters_mm, areas, meters, load_kva_up_to, distance_m_up_to } = &quoted.because;
    let or = language.choose(" أو ", " or ");
    let listed = |arabic: &str, english: &str, words: Vec<String>| {
        (!words.is_empty()).then(|| format!("{} {}", language.choose(arabic, english), words.join(or)))
    };
    let conditions = [
        listed("الفئة", "class", classes.iter().map(|class| CustomerClass::from(*class).label(language).to_owned()).collect()),
        listed("الأطوار", "phases", phases.iter().map(|phase| Phase::from(*phase).label(language).to_owned()).collect()),
        listed("القطر بالمليمتر", "diameter in mm", diameters_mm.iter().map(ToString::to_string).collect()),
        listed("المنطقة", "area", areas.iter().map(ToString::to_string).collect()),
        listed("العداد", "meter", meters.iter().map(|meter| MeterKind::from(*meter).label(language).to_owned()).collect()),
        load_kva_up_to.map(|load| language.choose(format!("القدرة حتى {load} ك.ف.أ"), format!("load up to {load} kVA"))),
        distance_m_up_to.map(|far| language.choose(format!("المسافة حتى {far} م"), format!("distance up to {far} m"))),
    ];
    let conditions: Vec<String> = conditions.into_iter().flatten().collect();
    let conditions = if conditions.is_empty() {
        language.choose("لكل من سواهم", "for everybody else").to_owned()
    } else {
        conditions.join(language.choose("، ", ", "))
    };
    let case = language.choose(format!("الحالة {}: {conditions}", quoted.case), format!("case {}: {conditions}", quoted.case));
    match quoted.step {
        Some(step) => language.choose(format!("{case}؛ الشريحة {step}"), format!("{case}; step {step}")),
        None => case,
    }
}

/// How many applications stand at a state.
#[derive(Debug, SimpleObject)]
struct ApplicationCount {
    /// The state.
    status: ApplicationStatus,
    /// How many.
    applications: u64,
}

/// Which applications: those to which everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct ApplicationFilter {
    /// Of this account.
    account_id: Option<ID>,
    /// Standing at this state.
    status: Option<ApplicationStatus>,
}

#[derive(Debug, Default)]
pub struct ApplicationQuery;

#[Object]
impl ApplicationQuery {
    /// An application; customers see their own.
    async fn application(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As `submitApplication` gave it.")] id: ID,
    ) -> Option<Result<Application>> {
        let found = async {
            let id = input::id("id", &id, ApplicationId::new)?;
            caller(context).user()?;
            let row = applications::by_id(&app(context).read_models, id).await?.ok_or(Problem::NotFound)?;
            Application::all(caller(context), vec![row])?.pop().ok_or(Problem::NotFound)
        };
        Some(answer(context, found.await))
    }

    /// Applications. Staff see all of them, customers those of an account of theirs that they name.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn applications(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<ApplicationFilter>,
        #[graphql(desc = "What they are in the order of; SUBMITTED_ON without it.")] order_by: Option<ApplicationSort>,
        #[graphql(desc = "Which way; ASCENDING without it.")] direction: Option<SortDirection>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Application>>> {
        let page = async {
            let (caller, app) = (caller(context), app(context));
            let ApplicationFilter { account_id, status } = filter.unwrap_or_default();
            let account_id = match account_id {
                Some(id) => Some(caller.account(input::id("accountId", &id, AccountId::new)?)?.id()),
                None => caller.staff(EVERY_DESK).map(|()| None)?,
            };
            let (filter, paging) = (applications::Filter { account_id, status: status.map(Into::into) }, Paging::new(first, after)?);
            let by = order_by.unwrap_or(ApplicationSort::SubmittedOn);
            let ordered = paging.ordered("applications", by, direction.unwrap_or(SortDirection::Ascending))?;
            let found = applications::list(&app.read_models, &filter, &ordered.page).await?;
            let at = move |application: &Application| ordered.cursor(&application.row.spot(ordered.page.by));
            let pool = app.read_models.clone();
            let count = move || {
                let (pool, filter) = (pool.clone(), filter.clone());
                async move { Ok(applications::count(&pool, &filter).await?) }
            };
            Ok(Connection::new(&paging, Application::all(caller, found)?, at, count))
        };
        Some(answer(context, page.await))
    }

    /// How many applications stand at each state; for staff.
    #[graphql(complexity = "1 + 12 * child_complexity")]
    async fn application_board(&self, context: &Context<'_>) -> Option<Result<Vec<ApplicationCount>>> {
        let found = async {
            caller(context).staff(EVERY_DESK)?;
            let counted = applications::board(&app(context).read_models).await?;
            Ok(counted.into_iter().map(|(status, applications)| ApplicationCount { status: status.into(), applications }).collect())
        };
        Some(answer(context, found.await))
    }
}
