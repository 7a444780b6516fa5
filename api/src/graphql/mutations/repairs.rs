//! Repairs: asked for by customers, worked on by the workshop. What people write is kept encrypted.

use async_graphql::{ComplexObject, Context, ID, InputObject, OneofObject, Result as Answer, SimpleObject};
use daftar_domain::{
    Actor, CommandHash, Decider, StreamName,
    account::{Account, TakeDeposit},
    ids::{BranchId, CashSessionId, CommentId, DepositId, PartId, PartRequestId, RepairId, UserId},
    repair::{
        self as domain, ApproveEstimate, AskForUpdate, AssignTechnician, CancelRepair, ChargeStorage, CloseRepair, Command, Comment,
        DeclineEstimate, DeliverRepair, DescribeDevice, Device, EstimateRepair, FailCheck, FinishWork, OfferTerms, Offered, PassCheck,
        RecordDiagnosis, Repair, RequestPart, RequestRepair, ReturnPart, ReturnUnderWarranty, Side, StartWork, UsePart,
    },
};

use super::{
    By::{self, Staff, StaffAndCustomers},
    MoneyInput, Record, mutations,
    receivable::TillTender,
};
use crate::{
    app::{SeenRepair, Wish, Written, rules},
    caller::{Caller, Role},
    graphql::{
        answer, app, caller,
        enums::{RepairAudience, RepairCoverage},
        repair::Repair as Shown,
        scalars::{Date, Decimal},
    },
    input,
    problem::Problem,
};

/// No request is for more pieces.
const MANY: u32 = 10_000;

/// Whoever repairs.
const BENCH: By = Staff(&[Role::Technician]);
/// Whoever hands devices in and out.
const COUNTER: By = Staff(&[Role::Technician, Role::Cashier, Role::Billing]);
/// Customers, and whoever writes down for them what they want.
const CUSTOMERS: By = StaffAndCustomers(&[Role::Technician, Role::Cashier, Role::Billing]);
/// Whoever makes an offer does not accept it.
const BUYERS: By = StaffAndCustomers(&[Role::Cashier, Role::Billing]);

mutations! {
    RepairMutation

    /// Asks for a device to be repaired.
    request_repair(RequestRepairInput) -> RepairPayload, by CUSTOMERS;
    /// Says that the device is another one, or what its plate says.
    describe_device(DescribeDeviceInput) -> RepairPayload, by COUNTER;
    /// Puts a technician in charge: whoever asks, if nobody else is named.
    assign_technician(AssignTechnicianInput) -> RepairPayload, by BENCH;
    /// Says what is wrong, and who pays.
    record_diagnosis(RecordDiagnosisInput) -> RepairPayload, by BENCH;
    /// Offers to do the work for a price. What stays within the tolerance above what was approved before needs no other approval.
    estimate_repair(EstimateRepairInput) -> RepairPayload, by Staff(&[Role::Technician, Role::Billing]);
    /// Accepts the estimate that the customer has read. Its prices hold from then on, for as long as it says.
    approve_estimate(ApproveEstimateInput) -> RepairPayload, by BUYERS;
    /// Refuses the estimate.
    decline_estimate(DeclineEstimateInput) -> RepairPayload, by BUYERS;
    /// Takes what is paid before the work begins. The invoice is paid with it, as far as it goes.
    take_repair_deposit(TakeRepairDepositInput) -> RepairDepositPayload, by Staff(&[Role::Cashier]);
    /// Asks the branch's stock for a part that the approved estimate has; under warranty for any.
    request_part(RequestPartInput) -> PartRequestPayload, by BENCH;
    /// Says that parts that are here went into the device.
    use_part(UsePartInput) -> RepairPayload, by BENCH;
    /// Gives back parts that are not needed, whether they are here yet or not.
    return_part(ReturnPartInput) -> RepairPayload, by BENCH;
    /// Begins the work, once every part is here and the deposit is paid.
    start_work(WorkInput) -> RepairPayload, by BENCH;
    /// Says that the work is done: every part that came is used or given back.
    finish_work(WorkInput) -> RepairPayload, by BENCH;
    /// Says that the work was looked over, and is good.
    pass_check(WorkInput) -> RepairPayload, by BENCH;
    /// Says that the work was looked over, and is not good.
    fail_check(FailCheckInput) -> RepairPayload, by BENCH;
    /// Charges the days on which a device that is ready was not fetched, by the rule of the house.
    charge_storage(WorkInput) -> RepairPayload, by COUNTER;
    /// Hands the device out.
    deliver_repair(WorkInput) -> RepairPayload, by COUNTER;
    /// Closes a repair whose device was handed out: its invoice is made and issued, and the deposit pays what it can of it.
    close_repair(WorkInput) -> RepairPayload, by Staff(&[Role::Cashier, Role::Billing]);
    /// Gives the repair up. Parts that were put aside for it go back.
    cancel_repair(CancelRepairInput) -> RepairPayload, by COUNTER;
    /// Brings a device back whose repair is under warranty.
    return_under_warranty(ReturnUnderWarrantyInput) -> RepairPayload, by CUSTOMERS;
    /// Writes something about a repair.
    comment_on_repair(CommentOnRepairInput) -> CommentPayload, by CUSTOMERS;
    /// Asks how a repair goes. Whoever waits for a word already has been heard.
    ask_for_update(AskForUpdateInput) -> RepairPayload, by CUSTOMERS;
}

/// What is brought in.
#[derive(Debug, InputObject)]
struct DeviceInput {
    /// What it is, as a code: `pump`, `cooler`.
    kind: String,
    /// What people call it.
    name: String,
    /// The maker's name for it.
    model: String,
    /// The number on its plate, without blanks.
    serial: Option<String>,
}

/// A repair that somebody wants.
#[derive(Debug, InputObject)]
struct RequestRepairInput {
    /// For which account.
    account_id: ID,
    /// The branch that it is brought to.
    branch_id: ID,
    /// What is to be repaired.
    device: DeviceInput,
    /// What is wrong with it, in the customer's words: at most 2000 characters. Kept encrypted.
    complaint: String,
}

/// A device that is described otherwise.
#[derive(Debug, InputObject)]
struct DescribeDeviceInput {
    /// Which repair.
    repair_id: ID,
    /// What is to be repaired.
    device: DeviceInput,
}

/// Whoever is in charge.
#[derive(Debug, InputObject)]
struct AssignTechnicianInput {
    /// Which repair.
    repair_id: ID,
    /// The user's id; whoever asks, if absent.
    technician_id: Option<ID>,
}

/// What somebody found.
#[derive(Debug, InputObject)]
struct RecordDiagnosisInput {
    /// Which repair.
    repair_id: ID,
    /// What is wrong, in a line that the customer reads.
    findings: String,
    /// Who pays.
    coverage: RepairCoverage,
    /// The day.
    on: Date,
}

/// What the work would cost.
#[derive(Debug, InputObject)]
struct EstimateRepairInput {
    /// Which repair.
    repair_id: ID,
    /// Labour and parts.
    lines: Vec<EstimateLineInput>,
    /// What the offer promises, and for how long.
    terms: EstimateTermsInput,
    /// The day.
    on: Date,
}

/// A line of an estimate.
#[derive(Debug, OneofObject)]
enum EstimateLineInput {
    /// Hours of work.
    Labour(LabourInput),
    /// Pieces of a part, at its price.
    Part(PartLineInput),
}

/// Work that is offered.
#[derive(Debug, InputObject)]
struct LabourInput {
    /// A code without blanks, such as `labour`.
    code: String,
    /// What is done, in a line.
    text: Option<String>,
    /// How many hours.
    hours: Decimal,
    /// The price of an hour, without tax.
    price: Decimal,
}

/// Parts that are offered.
#[derive(Debug, InputObject)]
struct PartLineInput {
    /// Which part. It is offered at what it costs now.
    part_id: ID,
    /// How many pieces.
    quantity: i32,
}

/// What an offer promises.
#[derive(Debug, InputObject)]
struct EstimateTermsInput {
    /// The last day on which it can be approved.
    valid_until: Date,
    /// For how many days after the approval its prices hold; a week, if absent.
    hold_days: Option<i32>,
    /// What more it may come to without asking again: 0.10 is a tenth, and what holds if it is absent.
    tolerance: Option<Decimal>,
    /// What is paid before the work begins, in the account's currency; nothing, if absent.
    deposit: Option<Decimal>,
    /// For how many days after the delivery the work is vouched for; ninety, if absent.
    warranty_days: Option<i32>,
    /// The standard rate of the value-added tax: 0.15, if absent. A customer who is taxed otherwise is taxed so here, too.
    vat_rate: Option<Decimal>,
}

/// A yes to an estimate.
#[derive(Debug, InputObject)]
struct ApproveEstimateInput {
    /// Which repair.
    repair_id: ID,
    /// The number of the estimate that was read.
    number: i32,
}

/// A no to an estimate.
#[derive(Debug, InputObject)]
struct DeclineEstimateInput {
    /// Which repair.
    repair_id: ID,
    /// The number of the estimate that was read.
    number: i32,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// Money that is paid before the work.
#[derive(Debug, InputObject)]
struct TakeRepairDepositInput {
    /// For which repair.
    repair_id: ID,
    /// How much.
    amount: MoneyInput,
    /// What it was paid by.
    tender: TillTender,
    /// The code of the place where it was taken.
    channel: String,
    /// The cash session that it was taken in.
    session_id: ID,
    /// The day.
    on: Date,
}

/// A part that is needed.
#[derive(Debug, InputObject)]
struct RequestPartInput {
    /// For which repair.
    repair_id: ID,
    /// Which part.
    part_id: ID,
    /// How many pieces.
    quantity: i32,
}

/// Parts that went into a device.
#[derive(Debug, InputObject)]
struct UsePartInput {
    /// Of which repair.
    repair_id: ID,
    /// As `requestPart` gave it.
    request_id: ID,
    /// How many of the request, with those that were used before.
    used_in_all: i32,
    /// The day.
    on: Date,
}

/// Parts that are not needed.
#[derive(Debug, InputObject)]
struct ReturnPartInput {
    /// Of which repair.
    repair_id: ID,
    /// As `requestPart` gave it.
    request_id: ID,
    /// How many of the request, with those that were returned before.
    returned_in_all: i32,
}

/// A step of the work.
#[derive(Debug, InputObject)]
struct WorkInput {
    /// Of which repair.
    repair_id: ID,
    /// The day.
    on: Date,
}

/// Work that is not good.
#[derive(Debug, InputObject)]
struct FailCheckInput {
    /// Of which repair.
    repair_id: ID,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data, for staff.
    reason: String,
}

/// A repair that is given up.
#[derive(Debug, InputObject)]
struct CancelRepairInput {
    /// Which repair.
    repair_id: ID,
    /// The day.
    on: Date,
    /// Why, in a phrase without personal data that the customer reads.
    reason: String,
}

/// A device that comes back.
#[derive(Debug, InputObject)]
struct ReturnUnderWarrantyInput {
    /// Which repair.
    repair_id: ID,
    /// What is wrong with it, in the customer's words: at most 2000 characters. Kept encrypted.
    complaint: String,
}

/// Something that somebody writes.
#[derive(Debug, InputObject)]
struct CommentOnRepairInput {
    /// About which repair.
    repair_id: ID,
    /// At most 2000 characters. Kept encrypted.
    text: String,
    /// Who may read it; everybody, if absent. Customers write for everybody.
    audience: Option<RepairAudience>,
}

/// A question how it goes.
#[derive(Debug, InputObject)]
struct AskForUpdateInput {
    /// With which repair.
    repair_id: ID,
}

/// The repair as it was asked for.
#[derive(Debug, SimpleObject)]
#[graphql(complex)]
struct RepairPayload {
    /// The repair's id, for ever.
    repair_id: ID,
    #[graphql(skip)]
    shown: Option<RepairId>,
    #[graphql(flatten)]
    record: Record,
}

#[ComplexObject]
impl RepairPayload {
    /// The repair as queries see it; null if they do not see what was done yet.
    async fn repair(&self, context: &Context<'_>) -> Option<Answer<Shown>> {
        let shown = self.shown?;
        Some(answer(context, Shown::find(app(context), caller(context), shown).await))
    }
}

/// The deposit as it was taken.
#[derive(Debug, SimpleObject)]
struct RepairDepositPayload {
    /// The deposit's id, for ever.
    deposit_id: ID,
    #[graphql(flatten)]
    repair: RepairPayload,
}

/// The part as it was asked for.
#[derive(Debug, SimpleObject)]
struct PartRequestPayload {
    /// The request's id, for ever.
    request_id: ID,
    #[graphql(flatten)]
    repair: RepairPayload,
}

/// The comment as it was made.
#[derive(Debug, SimpleObject)]
struct CommentPayload {
    /// The comment's id, for ever.
    comment_id: ID,
    #[graphql(flatten)]
    repair: RepairPayload,
}

async fn request_repair(wish: &Wish<'_>, input: RequestRepairInput) -> Result<RepairPayload, Problem> {
    let (device, complaint) = (input.device.parse()?, input::text("complaint", &input.complaint)?);
    let branch_id = input::id("branchId", &input.branch_id, BranchId::new)?;
    let account = wish.account(&input.account_id).await?;
    wish.receiving_branch(branch_id).await?;
    let repair_id = wish.created_in(account.id(), Repair::CATEGORY, RepairId::new);
    let complaint = wish.seal_contact(account.id(), &complaint).await?;
    let said = CommandHash::of(&(branch_id, &device, &complaint));
    let requested_at = wish.context.now;
    let request = RequestRepair { repair_id, account_id: account.id(), branch_id, device, complaint, requested_at };
    ask_as(wish, SeenRepair { id: repair_id, account }, Command::RequestRepair(request), said).await
}

async fn describe_device(wish: &Wish<'_>, input: DescribeDeviceInput) -> Result<RepairPayload, Problem> {
    let device = input.device.parse()?;
    ask(wish, &input.repair_id, Command::DescribeDevice(DescribeDevice { device })).await
}

async fn assign_technician(wish: &Wish<'_>, input: AssignTechnicianInput) -> Result<RepairPayload, Problem> {
    let technician = match input.technician_id {
        Some(id) => input::id("technicianId", &id, UserId::new)?,
        None => wish.caller.user()?,
    };
    wish.check_repairs(technician).await?;
    ask(wish, &input.repair_id, Command::AssignTechnician(AssignTechnician { technician: Actor::user(technician) })).await
}

async fn record_diagnosis(wish: &Wish<'_>, input: RecordDiagnosisInput) -> Result<RepairPayload, Problem> {
    let (findings, on) = (input::description("findings", &input.findings)?, input.on.day("on")?);
    ask(wish, &input.repair_id, Command::RecordDiagnosis(RecordDiagnosis { findings, coverage: input.coverage.into(), on })).await
}

/// What parts cost is looked up, so a repeat is known by what was said.
async fn estimate_repair(wish: &Wish<'_>, input: EstimateRepairInput) -> Result<RepairPayload, Problem> {
    let lines = input::each("lines", input.lines, EstimateLineInput::parse)?;
    let (terms, on) = (input.terms.parse().map_err(|problem| problem.within("terms"))?, input.on.day("on")?);
    let repair = wish.repair(&input.repair_id).await?;
    let account: Account = wish.app.engine.look(&StreamName::of::<Account>(repair.account.id())).await?;
    let currency = account.currency().ok_or(Problem::NotFound)?;
    let deposit = input::money(terms.deposit, currency).map_err(|problem| problem.renamed("terms.deposit"))?;
    let said = CommandHash::of(&(&lines, &terms, on));
    let mut offered = vec![];
    for line in lines {
        offered.push(match line {
            Line::Labour(labour) => labour,
            Line::Part { part_id, quantity } => wish.part_of(part_id).await?.offered(quantity, currency)?,
        });
    }
    let Promised { valid_until, hold_days, tolerance, warranty_days, vat_rate, .. } = terms;
    let vat = rules::vat(vat_rate).for_customer(account.vat_statuses().on(on));
    let terms = OfferTerms { currency, vat, rounding: rules::rounding(wish), valid_until, hold_days, tolerance, deposit, warranty_days };
    ask_as(wish, repair, Command::EstimateRepair(EstimateRepair { offered, terms, on }), said).await
}

async fn approve_estimate(wish: &Wish<'_>, input: ApproveEstimateInput) -> Result<RepairPayload, Problem> {
    let (number, on) = (number(input.number)?, wish.app.today());
    said_today(wish, &input.repair_id, number, Command::ApproveEstimate(ApproveEstimate { number, on })).await
}

async fn decline_estimate(wish: &Wish<'_>, input: DeclineEstimateInput) -> Result<RepairPayload, Problem> {
    let (number, reason, on) = (number(input.number)?, input::reason("reason", &input.reason)?, wish.app.today());
    let said = (number, reason.clone());
    said_today(wish, &input.repair_id, said, Command::DeclineEstimate(DeclineEstimate { number, reason, on })).await
}

async fn take_repair_deposit(wish: &Wish<'_>, input: TakeRepairDepositInput) -> Result<RepairDepositPayload, Problem> {
    let amount = input.amount.parse().map_err(|problem| problem.within("amount"))?;
    let channel = input::code("channel", &input.channel)?;
    let session = Some(input::id("sessionId", &input.session_id, CashSessionId::new)?);
    let on = input.on.day("on")?;
    let repair = wish.repair(&input.repair_id).await?;
    let deposit_id = wish.created_in(repair.id, "deposit", DepositId::new);
    let take = TakeDeposit { deposit_id, amount, tender: input.tender.into(), channel, session, on };
    let written = wish.take_repair_deposit(repair, take).await?;
    Ok(RepairDepositPayload { deposit_id: deposit_id.to_string().into(), repair: RepairPayload::new(repair, written) })
}

async fn request_part(wish: &Wish<'_>, input: RequestPartInput) -> Result<PartRequestPayload, Problem> {
    let part_id = input::id("partId", &input.part_id, PartId::new)?;
    let quantity = input::pieces("quantity", input.quantity, MANY)?;
    let repair = wish.repair(&input.repair_id).await?;
    wish.check_part_is_there(part_id).await?;
    let request_id = wish.created_in(repair.id, "part request", PartRequestId::new);
    let wished = Command::RequestPart(RequestPart { request_id, part_id, quantity });
    let said = CommandHash::of(&wished);
    Ok(PartRequestPayload { request_id: request_id.to_string().into(), repair: ask_as(wish, repair, wished, said).await? })
}

async fn use_part(wish: &Wish<'_>, input: UsePartInput) -> Result<RepairPayload, Problem> {
    let request_id = input::id("requestId", &input.request_id, PartRequestId::new)?;
    let (used_in_all, on) = (input::count("usedInAll", input.used_in_all, 1, MANY)?, input.on.day("on")?);
    ask(wish, &input.repair_id, Command::UsePart(UsePart { request_id, used_in_all, on })).await
}

async fn return_part(wish: &Wish<'_>, input: ReturnPartInput) -> Result<RepairPayload, Problem> {
    let request_id = input::id("requestId", &input.request_id, PartRequestId::new)?;
    let returned_in_all = input::count("returnedInAll", input.returned_in_all, 1, MANY)?;
    ask(wish, &input.repair_id, Command::ReturnPart(ReturnPart { request_id, returned_in_all })).await
}

async fn start_work(wish: &Wish<'_>, input: WorkInput) -> Result<RepairPayload, Problem> {
    let on = input.on.day("on")?;
    ask(wish, &input.repair_id, Command::StartWork(StartWork { on })).await
}

async fn finish_work(wish: &Wish<'_>, input: WorkInput) -> Result<RepairPayload, Problem> {
    let on = input.on.day("on")?;
    ask(wish, &input.repair_id, Command::FinishWork(FinishWork { on })).await
}

async fn pass_check(wish: &Wish<'_>, input: WorkInput) -> Result<RepairPayload, Problem> {
    let on = input.on.day("on")?;
    ask(wish, &input.repair_id, Command::PassCheck(PassCheck { checked_by: wish.actor(), on })).await
}

async fn fail_check(wish: &Wish<'_>, input: FailCheckInput) -> Result<RepairPayload, Problem> {
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.repair_id, Command::FailCheck(FailCheck { checked_by: wish.actor(), reason, on })).await
}

/// The rule is the house's, so a repeat is known by what was said.
async fn charge_storage(wish: &Wish<'_>, input: WorkInput) -> Result<RepairPayload, Problem> {
    let on = input.on.day("on")?;
    let repair = wish.repair(&input.repair_id).await?;
    let account: Account = wish.app.engine.look(&StreamName::of::<Account>(repair.account.id())).await?;
    let currency = account.currency().ok_or(Problem::NotFound)?;
    let rule = rules::storage(currency, account.vat_statuses().on(on));
    ask_as(wish, repair, Command::ChargeStorage(ChargeStorage { rule, on }), CommandHash::of(&on)).await
}

async fn deliver_repair(wish: &Wish<'_>, input: WorkInput) -> Result<RepairPayload, Problem> {
    let on = input.on.day("on")?;
    ask(wish, &input.repair_id, Command::DeliverRepair(DeliverRepair { on })).await
}

async fn close_repair(wish: &Wish<'_>, input: WorkInput) -> Result<RepairPayload, Problem> {
    let on = input.on.day("on")?;
    ask(wish, &input.repair_id, Command::CloseRepair(CloseRepair { on })).await
}

async fn cancel_repair(wish: &Wish<'_>, input: CancelRepairInput) -> Result<RepairPayload, Problem> {
    let (on, reason) = (input.on.day("on")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.repair_id, Command::CancelRepair(CancelRepair { reason, on })).await
}

async fn return_under_warranty(wish: &Wish<'_>, input: ReturnUnderWarrantyInput) -> Result<RepairPayload, Problem> {
    let (complaint, on) = (input::text("complaint", &input.complaint)?, wish.app.today());
    let repair = wish.repair(&input.repair_id).await?;
    let complaint = wish.seal_contact(repair.account.id(), &complaint).await?;
    let said = CommandHash::of(&complaint);
    ask_as(wish, repair, Command::ReturnUnderWarranty(ReturnUnderWarranty { complaint, on }), said).await
}

async fn comment_on_repair(wish: &Wish<'_>, input: CommentOnRepairInput) -> Result<CommentPayload, Problem> {
    let text = input::text("text", &input.text)?;
    let audience = input.audience.map_or(domain::Audience::Public, Into::into);
    let repair = wish.repair(&input.repair_id).await?;
    let comment_id = wish.created_in(repair.id, "comment", CommentId::new);
    let text = wish.seal_contact(repair.account.id(), &text).await?;
    let said = CommandHash::of(&(audience, &text));
    let comment = Comment { comment_id, by: wish.actor(), side: side(wish.caller), audience, text, at: wish.context.now };
    let repair = ask_as(wish, repair, Command::Comment(comment), said).await?;
    Ok(CommentPayload { comment_id: comment_id.to_string().into(), repair })
}

async fn ask_for_update(wish: &Wish<'_>, input: AskForUpdateInput) -> Result<RepairPayload, Problem> {
    let repair = wish.repair(&input.repair_id).await?;
    ask_as(wish, repair, Command::AskForUpdate(AskForUpdate { at: wish.context.now }), CommandHash::of(&"askForUpdate")).await
}

impl DeviceInput {
    fn parse(self) -> Result<Device, Problem> {
        let parse = || {
            Ok(Device {
                kind: input::code("kind", &self.kind)?,
                name: input::description("name", &self.name)?,
                model: input::description("model", &self.model)?,
                serial: self.serial.as_deref().map(|serial| input::code("serial", serial)).transpose()?,
            })
        };
        parse().map_err(|problem: Problem| problem.within("device"))
    }
}

/// A line as it was said: what the part costs is not known yet.
#[derive(Debug, serde::Serialize)]
enum Line {
    Labour(Offered),
    Part { part_id: PartId, quantity: daftar_domain::tariff::Quantity },
}

impl EstimateLineInput {
    fn parse(self) -> Result<Line, Problem> {
        match self {
            Self::Labour(LabourInput { code, text, hours, price }) => {
                let parse = || {
                    let code = input::code("code", &code)?;
                    let text = text.as_deref().map(|text| input::description("text", text)).transpose()?;
                    let quantity = input::quantity("hours", hours.number("hours")?)?;
                    let price = input::figure("price", price.number("price")?)?;
                    Ok(Line::Labour(Offered { part_id: None, code, text, quantity, price }))
                };
                parse().map_err(|problem: Problem| problem.within("labour"))
            }
            Self::Part(PartLineInput { part_id, quantity }) => {
                let parse = || {
                    let part_id = input::id("partId", &part_id, PartId::new)?;
                    let pieces = input::pieces("quantity", quantity, MANY)?;
                    Ok(Line::Part { part_id, quantity: input::quantity("quantity", pieces.get().into())? })
                };
                parse().map_err(|problem: Problem| problem.within("part"))
            }
        }
    }
}

/// What an offer promises, with what is usual where nothing was said.
#[derive(Debug, serde::Serialize)]
struct Promised {
    valid_until: chrono::NaiveDate,
    hold_days: u16,
    tolerance: daftar_domain::tariff::Figure,
    deposit: rust_decimal::Decimal,
    warranty_days: u16,
    vat_rate: Option<daftar_domain::tariff::Figure>,
}

impl EstimateTermsInput {
    fn parse(self) -> Result<Promised, Problem> {
        let days = |field, days: Option<i32>, usual: u16| match days {
            Some(days) => input::count(field, days, 0, u16::MAX.into()).map(|days| u16::try_from(days).unwrap_or(u16::MAX)),
            None => Ok(usual),
        };
        let figure = |field, number: Option<Decimal>| number.map(|number| input::figure(field, number.number(field)?)).transpose();
        Ok(Promised {
            valid_until: self.valid_until.day("validUntil")?,
            hold_days: days("holdDays", self.hold_days, rules::HOLD_DAYS)?,
            tolerance: figure("tolerance", self.tolerance)?.unwrap_or_else(rules::tolerance),
            deposit: self.deposit.map(|deposit| deposit.number("deposit")).transpose()?.unwrap_or_default(),
            warranty_days: days("warrantyDays", self.warranty_days, rules::WARRANTY_DAYS)?,
            vat_rate: figure("vatRate", self.vat_rate)?,
        })
    }
}

impl RepairPayload {
    fn new(repair: SeenRepair, written: Written) -> Self {
        let shown = written.readable.then_some(repair.id);
        Self { repair_id: repair.id.to_string().into(), shown, record: written.into() }
    }
}

async fn ask(wish: &Wish<'_>, repair_id: &str, command: Command) -> Result<RepairPayload, Problem> {
    let repair = wish.repair(repair_id).await?;
    let said = CommandHash::of(&command);
    ask_as(wish, repair, command, said).await
}

/// What is said on the day on which it is asked: sent again tomorrow it is still the same.
async fn said_today(wish: &Wish<'_>, repair_id: &str, said: impl serde::Serialize, command: Command) -> Result<RepairPayload, Problem> {
    let repair = wish.repair(repair_id).await?;
    ask_as(wish, repair, command, CommandHash::of(&said)).await
}

async fn ask_as(wish: &Wish<'_>, repair: SeenRepair, command: Command, said: CommandHash) -> Result<RepairPayload, Problem> {
    Ok(RepairPayload::new(repair, wish.ask_as::<Repair>(repair.id, command, said).await?))
}

fn side(caller: &Caller) -> Side {
    match caller {
        Caller::Staff { .. } => Side::Staff,
        Caller::Customer { .. } | Caller::Nobody => Side::Customer,
    }
}

fn number(number: i32) -> Result<u32, Problem> {
    input::count("number", number, 1, MANY)
}
