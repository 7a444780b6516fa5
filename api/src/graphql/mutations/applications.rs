//! Connections: applied for, looked at, priced, paid, made.

use async_graphql::{ID, InputObject, SimpleObject};
use chrono::NaiveDate;
use daftar_domain::{
    CommandHash, Decider, SealedFor, StreamName, VatCategory,
    account::Account,
    agreement,
    application::{
        Application, AskForInformation, BeginReview, Command, Findings, GiveInformation, InspectSite, InvoiceConnectionFee,
        PriceConnection, RejectApplication, Rejection, ScheduleInstallation, SubmitApplication,
    },
    connection_prices::{self, Capacity, ConnectionPrices, Prices, PublishConnectionPrices},
    ids::{AccountId, AgreementId, ApplicationId, PremisesId, ReadCycleId},
    invoice::VatTreatment,
    premises::Premises,
    tariff::{BadTariff, Figure, Quantity},
};

use super::{
    By::{self, Staff, StaffAndCustomers},
    Record, mutations,
};
use crate::{
    app::{Wish, Written},
    caller::Role,
    graphql::{
        enums::{MeterKind, Phase},
        scalars::{Date, Decimal},
    },
    input,
    problem::{Flaw, Problem},
};

const DESK: By = StaffAndCustomers(&[Role::Billing, Role::Cashier]);
const OFFICE: By = Staff(&[Role::Billing]);
const FIELD: By = Staff(&[Role::Billing, Role::Technician]);

/// No pipe in a street is as wide, in millimetres.
const WIDEST: u32 = 5_000;

mutations! {
    ApplicationMutation

    /// Publishes a table of what connections cost. It applies from its day until the next begins, and is never changed.
    publish_connection_prices(PublishConnectionPricesInput) -> ConnectionPricesPayload, by OFFICE;
    /// Applies for a connection; customers for their own account.
    submit_application(SubmitApplicationInput) -> ApplicationPayload, by DESK;
    /// Begins to look at an application.
    review_application(ReviewApplicationInput) -> ApplicationPayload, by OFFICE;
    /// Asks the customer for what is missing.
    ask_for_information(AskForInformationInput) -> ApplicationPayload, by OFFICE;
    /// Answers what was asked; customers for their own application.
    give_information(GiveInformationInput) -> ApplicationPayload, by DESK;
    /// Records what was found at the place, and keeps the place: from here on no meter goes up there before the fee is paid.
    inspect_site(InspectSiteInput) -> ApplicationPayload, by FIELD;
    /// Says what the connection costs, by the table that applies on that day.
    price_connection(PriceConnectionInput) -> ApplicationPayload, by OFFICE;
    /// Asks for the fee as it was quoted. The invoice follows.
    invoice_connection_fee(InvoiceConnectionFeeInput) -> ApplicationPayload, by OFFICE;
    /// Says when somebody comes with a meter, once the fee is paid. The meter then goes up by `installMeter`.
    schedule_installation(ScheduleInstallationInput) -> ApplicationPayload, by FIELD;
    /// Begins to bill what is supplied.
    activate_connection(ActivateConnectionInput) -> ActivationPayload, by OFFICE;
    /// Refuses an application, before its fee is asked for.
    reject_application(RejectApplicationInput) -> ApplicationPayload, by OFFICE;
    /// Gives an application up, before a meter is up; customers their own. What was paid waits for its refund.
    cancel_application(CancelApplicationInput) -> ApplicationPayload, by DESK;
}

/// A table of what connections cost.
#[derive(Debug, InputObject)]
struct PublishConnectionPricesInput {
    /// The table as the text of its file, in JSON.
    prices: String,
}

/// What is to be carried: a load in phases for electricity, a diameter for water.
#[derive(Debug, InputObject)]
struct CapacityInput {
    /// The load, in kilovolt-amperes; of electricity.
    load_kva: Option<Decimal>,
    /// In how many phases; of electricity.
    phase: Option<Phase>,
    /// How wide the pipe is, in millimetres; of water.
    diameter_mm: Option<i32>,
}

/// A connection that is applied for.
#[derive(Debug, InputObject)]
struct SubmitApplicationInput {
    /// Whose it is to be.
    account_id: ID,
    /// What it is to carry.
    capacity: CapacityInput,
    /// What kind of meter is to measure it.
    meter: MeterKind,
    /// Where it is to be, in one line of at most 200 characters. Kept encrypted.
    site: String,
}

/// An application that somebody looks at.
#[derive(Debug, InputObject)]
struct ReviewApplicationInput {
    /// As `submitApplication` gave it.
    application_id: ID,
    /// The day.
    on: Date,
}

/// What is missing.
#[derive(Debug, InputObject)]
struct AskForInformationInput {
    /// As `submitApplication` gave it.
    application_id: ID,
    /// What is asked, in a phrase without personal data.
    question: String,
    /// The day.
    on: Date,
}

/// What was asked for.
#[derive(Debug, InputObject)]
struct GiveInformationInput {
    /// As `submitApplication` gave it.
    application_id: ID,
    /// The answer, in one line of at most 200 characters. Kept encrypted.
    answer: String,
}

/// What was found at the place.
#[derive(Debug, InputObject)]
struct InspectSiteInput {
    /// As `submitApplication` gave it.
    application_id: ID,
    /// The place, as `registerPremises` gave it.
    premises_id: ID,
    /// What the connection is to carry.
    capacity: CapacityInput,
    /// How far it is from the network, in metres.
    distance_m: Decimal,
    /// The code of the district.
    area: String,
    /// What kind of meter is to measure it.
    meter: MeterKind,
    /// The day.
    on: Date,
}

/// A connection that is to be priced.
#[derive(Debug, InputObject)]
struct PriceConnectionInput {
    /// As `submitApplication` gave it.
    application_id: ID,
    /// The day, which decides about table, class and tax.
    on: Date,
}

/// A fee that is to be asked for.
#[derive(Debug, InputObject)]
struct InvoiceConnectionFeeInput {
    /// As `submitApplication` gave it.
    application_id: ID,
    /// The invoice's day.
    on: Date,
}

/// When somebody comes.
#[derive(Debug, InputObject)]
struct ScheduleInstallationInput {
    /// As `submitApplication` gave it.
    application_id: ID,
    /// The day on which they come.
    planned_on: Date,
    /// The day on which that is said.
    on: Date,
}

/// On which terms what is supplied is billed.
#[derive(Debug, InputObject)]
struct ActivateConnectionInput {
    /// As `submitApplication` gave it.
    application_id: ID,
    /// The code of the tariff series that the account is billed by.
    tariff_series: String,
    /// The cycle in which the meter is read.
    read_cycle_id: ID,
    /// The first day that is billed.
    from: Date,
}

/// An application that is refused.
#[derive(Debug, InputObject)]
struct RejectApplicationInput {
    /// As `submitApplication` gave it.
    application_id: ID,
    /// Why, in a phrase without personal data.
    reason: String,
    /// The day.
    on: Date,
}

/// An application that is given up.
#[derive(Debug, InputObject)]
struct CancelApplicationInput {
    /// As `submitApplication` gave it.
    application_id: ID,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// The table as it was published.
#[derive(Debug, SimpleObject)]
struct ConnectionPricesPayload {
    /// Its code.
    code: String,
    #[graphql(flatten)]
    record: Record,
}

/// The application as it was asked for.
#[derive(Debug, SimpleObject)]
struct ApplicationPayload {
    /// The application's id, for ever.
    application_id: ID,
    #[graphql(flatten)]
    record: Record,
}

/// The connection as it is billed.
#[derive(Debug, SimpleObject)]
struct ActivationPayload {
    /// The application's id.
    application_id: ID,
    /// The agreement's id, for ever.
    agreement_id: ID,
    #[graphql(flatten)]
    record: Record,
}

async fn publish_connection_prices(wish: &Wish<'_>, input: PublishConnectionPricesInput) -> Result<ConnectionPricesPayload, Problem> {
    let prices: Prices = input.prices.parse().map_err(|error: BadTariff| {
        let BadTariff { line, place, reason, .. } = error;
        Problem::invalid(place, Flaw::Unreadable { reason: format!("line {line}: {reason}") }).within("prices")
    })?;
    let (code, stream) = (prices.code.to_string(), ConnectionPrices::stream(prices.service, prices.currency));
    let publish = connection_prices::Command::PublishConnectionPrices(PublishConnectionPrices { prices });
    Ok(ConnectionPricesPayload { code, record: wish.ask::<ConnectionPrices>(stream.id(), publish).await?.into() })
}

async fn submit_application(wish: &Wish<'_>, input: SubmitApplicationInput) -> Result<ApplicationPayload, Problem> {
    let account_id = wish.account(&input.account_id).await?.id();
    let (capacity, meter) = (input.capacity.parse().map_err(|problem| problem.within("capacity"))?, input.meter.into());
    let site = input::line("site", &input.site)?;
    let application_id = wish.created_in(account_id, Application::CATEGORY, ApplicationId::new);
    let said = CommandHash::of(&(account_id, capacity, meter, &site));
    let (site, on) = (wish.seal(account_id, SealedFor::Contact, &site).await?, wish.app.today());
    let submit = Command::SubmitApplication(SubmitApplication { application_id, account_id, capacity, meter, site, on });
    Ok(payload(application_id, wish.ask_as::<Application>(application_id, submit, said).await?))
}

async fn review_application(wish: &Wish<'_>, input: ReviewApplicationInput) -> Result<ApplicationPayload, Problem> {
    let on = input.on.day("on")?;
    ask(wish, &input.application_id, Command::BeginReview(BeginReview { on })).await
}

async fn ask_for_information(wish: &Wish<'_>, input: AskForInformationInput) -> Result<ApplicationPayload, Problem> {
    let (question, on) = (input::reason("question", &input.question)?, input.on.day("on")?);
    ask(wish, &input.application_id, Command::AskForInformation(AskForInformation { question, on })).await
}

async fn give_information(wish: &Wish<'_>, input: GiveInformationInput) -> Result<ApplicationPayload, Problem> {
    let (id, account_id) = own(wish, &input.application_id).await?;
    let answer = input::line("answer", &input.answer)?;
    let said = CommandHash::of(&answer);
    let (answer, on) = (wish.seal(account_id, SealedFor::Contact, &answer).await?, wish.app.today());
    let give = Command::GiveInformation(GiveInformation { answer, on });
    Ok(payload(id, wish.ask_as::<Application>(id, give, said).await?))
}

async fn inspect_site(wish: &Wish<'_>, input: InspectSiteInput) -> Result<ApplicationPayload, Problem> {
    let (id, _) = own(wish, &input.application_id).await?;
    let premises_id = input::id("premisesId", &input.premises_id, PremisesId::new)?;
    let capacity = input.capacity.parse().map_err(|problem| problem.within("capacity"))?;
    let distance_m = quantity("distanceM", input.distance_m)?;
    let (area, meter, on) = (input::code("area", &input.area)?, input.meter.into(), input.on.day("on")?);
    if !wish.exists(&StreamName::of::<Premises>(premises_id)).await? {
        return Err(Problem::invalid("premisesId", Flaw::Unknown));
    }
    let findings = Findings { capacity, distance_m, area, meter };
    Ok(payload(id, wish.inspect_site(id, InspectSite { premises_id, findings, on }).await?))
}

async fn price_connection(wish: &Wish<'_>, input: PriceConnectionInput) -> Result<ApplicationPayload, Problem> {
    let ((id, account_id), on) = (own(wish, &input.application_id).await?, input.on.day("on")?);
    let engine = &wish.app.engine;
    let account: Account = engine.look(&StreamName::of::<Account>(account_id)).await?;
    let application = wish.application(id).await?;
    let service = application.submitted().ok_or(Problem::NotFound)?.capacity.service();
    let currency = account.currency().ok_or(Problem::NotFound)?;
    let tables: ConnectionPrices = engine.look(&ConnectionPrices::stream(service, currency)).await?;
    let prices = tables.on(on)?.clone();
    let class = account.class_on(on).ok_or(Problem::NotFound)?;
    let price = Command::PriceConnection(PriceConnection { prices, class, exempt: exemption(&account, on), on });
    // The table of the day is no part of what was said: published meanwhile, another does not make it another wish.
    Ok(payload(id, wish.ask_as::<Application>(id, price, CommandHash::of(&on)).await?))
}

async fn invoice_connection_fee(wish: &Wish<'_>, input: InvoiceConnectionFeeInput) -> Result<ApplicationPayload, Problem> {
    let on = input.on.day("on")?;
    ask(wish, &input.application_id, Command::InvoiceConnectionFee(InvoiceConnectionFee { on })).await
}

async fn schedule_installation(wish: &Wish<'_>, input: ScheduleInstallationInput) -> Result<ApplicationPayload, Problem> {
    let (planned_on, on) = (input.planned_on.day("plannedOn")?, input.on.day("on")?);
    ask(wish, &input.application_id, Command::ScheduleInstallation(ScheduleInstallation { planned_on, on })).await
}

async fn activate_connection(wish: &Wish<'_>, input: ActivateConnectionInput) -> Result<ActivationPayload, Problem> {
    let ((id, account_id), from) = (own(wish, &input.application_id).await?, input.from.day("from")?);
    let (tariff_series, read_cycle_id) =
        (input::code("tariffSeries", &input.tariff_series)?, input::id("readCycleId", &input.read_cycle_id, ReadCycleId::new)?);
    wish.check_series(tariff_series.as_str()).await?;
    wish.check_cycle(read_cycle_id).await?;
    let application = wish.application(id).await?;
    let found = application.found().ok_or(Rejection::NotNow(application.status().ok_or(Problem::NotFound)?))?;
    let agreement_id = wish.created_in(id, "agreement", AgreementId::new);
    let (premises_id, service) = (found.premises_id, found.findings.capacity.service());
    let agreement = agreement::Agreement { agreement_id, account_id, premises_id, service, tariff_series, read_cycle_id, from };
    let written = wish.activate_connection(id, agreement, from).await?;
    Ok(ActivationPayload { application_id: ID(id.to_string()), agreement_id: ID(agreement_id.to_string()), record: written.into() })
}

async fn reject_application(wish: &Wish<'_>, input: RejectApplicationInput) -> Result<ApplicationPayload, Problem> {
    let (reason, on) = (input::reason("reason", &input.reason)?, input.on.day("on")?);
    ask(wish, &input.application_id, Command::RejectApplication(RejectApplication { reason, on })).await
}

async fn cancel_application(wish: &Wish<'_>, input: CancelApplicationInput) -> Result<ApplicationPayload, Problem> {
    let (id, _) = own(wish, &input.application_id).await?;
    let reason = input::reason("reason", &input.reason)?;
    Ok(payload(id, wish.cancel_application(id, reason, wish.app.today()).await?))
}

/// An application that somebody asks for. One that is not there, or another's, is not found.
async fn own(wish: &Wish<'_>, id: &str) -> Result<(ApplicationId, AccountId), Problem> {
    let id = input::id("applicationId", id, ApplicationId::new)?;
    let account_id = wish.application(id).await?.account_id().ok_or(Problem::NotFound)?;
    Ok((id, wish.caller.account(account_id)?.id()))
}

async fn ask(wish: &Wish<'_>, id: &str, command: Command) -> Result<ApplicationPayload, Problem> {
    let (id, _) = own(wish, id).await?;
    Ok(payload(id, wish.ask::<Application>(id, command).await?))
}

fn payload(id: ApplicationId, written: Written) -> ApplicationPayload {
    ApplicationPayload { application_id: ID(id.to_string()), record: written.into() }
}

/// The customer's own treatment, where it is not the standard one.
fn exemption(account: &Account, on: NaiveDate) -> Option<VatTreatment> {
    let status = account.vat_statuses().on(on).filter(|status| status.category != VatCategory::S)?;
    Some(VatTreatment { category: status.category, rate: Figure::ZERO, reason: status.reason.clone() })
}

fn quantity(field: &'static str, given: Decimal) -> Result<Quantity, Problem> {
    Quantity::new(given.number(field)?).map_err(|_| Problem::invalid(field, Flaw::NotADecimal))
}

impl CapacityInput {
    fn parse(self) -> Result<Capacity, Problem> {
        match (self.load_kva, self.phase, self.diameter_mm) {
            (Some(load), Some(phase), None) => Ok(Capacity::Electricity { load_kva: quantity("loadKva", load)?, phase: phase.into() }),
            (None, None, Some(diameter)) => {
                let diameter = input::count("diameterMm", diameter, 1, WIDEST)?;
                let diameter_mm =
                    u16::try_from(diameter).map_err(|_| Problem::invalid("diameterMm", Flaw::NotACount { least: 1, most: WIDEST }))?;
                Ok(Capacity::Water { diameter_mm })
            }
            (Some(_), None, _) => Err(Problem::invalid("phase", Flaw::Blank)),
            (Some(_), Some(_), Some(_)) => Err(Problem::invalid("diameterMm", Flaw::Unknown)),
            (None, _, _) => Err(Problem::invalid("loadKva", Flaw::Blank)),
        }
    }
}
