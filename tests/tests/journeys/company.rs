//! A small company with half a year of history, and two customers in it: one to whom all accounts belong but one, and one to whom that one
//! belongs.
//!
//! The history is the demo's, made once for all tests. What the demo has no example of is added by [`Company::furnish`].

use std::sync::Arc;

use chrono::{Days, NaiveDate, Utc};
use daftar_api::{
    cli::SecretUrl,
    compose::{self, EventStore},
    http::Settings,
};
use daftar_cluster::testing::{server_url, test_database};
use daftar_demo::{Wish, load, make};
use daftar_domain::{
    Actor, CommandHash, Decider, SealedFor, StreamName,
    account::{self, Account, AgreePlan, ItemId, RecordPayment, ReviewPlan, example as accounts},
    ids::{AccountId, ApplicationId, RepairId, UserId},
    repair::{self, Repair},
    user::{self, User},
};
use daftar_projections::{MODELS, rebuild};
use daftar_store::{
    CommandContext, Durability,
    keyring::{Keyring, LocalMasterKey},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, postgres::PgConnectOptions};
use uuid::Uuid;

use super::{
    claiming::{claim, code},
    house::{House, MASTER_KEY, PASSWORD, SIGN_IN, WAIT, Way, contents, migrated},
    mutations::{
        repairs::{cooler, estimate},
        supply::device,
        workshop::{SUNDAY, branch as details, compressor},
    },
};

/// Large enough for somebody to have moved in where somebody else moved out.
const WISH: Wish = Wish { accounts: 26, months: 6, seed: 7 };

/// Of a cashier.
const SESSION: Uuid = Uuid::from_u128(1);

pub struct Company {
    pub house: House,
    /// Access tokens.
    pub owner: String,
    pub stranger: String,
    pub owners: Vec<Uuid>,
    pub strangers: Uuid,
}

impl Company {
    pub async fn open() -> Self {
        Self::with_door(Settings { per_user: MANY, per_address: MANY, ..Settings::default() }).await
    }

    /// Of a hundred accounts and more.
    pub async fn large() -> Self {
        let large = Wish { accounts: 110, ..WISH };
        Self::of(large, Settings { per_user: MANY, per_address: MANY, ..Settings::default() }).await
    }

    pub async fn with_door(door: Settings) -> Self {
        Self::of(WISH, door).await
    }

    async fn of(wish: Wish, door: Settings) -> Self {
        let contents = format!("{wish:?} {}", contents());
        let database = test_database(&contents, async |url| founded(url, wish).await).await;
        let house = House::over(database, Way::Postgres, door).await;
        let accounts = ids(&house, "SELECT account_id FROM read_accounts.account ORDER BY number").await;
        // Somebody who lives where the owner did before: of all strangers the one who comes closest.
        let moved_in =
            "SELECT later.account_id FROM read_agreements.agreement later JOIN read_agreements.agreement earlier USING (service_point_id)
                        WHERE later.account_id <> earlier.account_id AND later.valid_from >= earlier.valid_to ORDER BY 1";
        let strangers = *ids(&house, moved_in).await.first().expect("somebody has moved in");
        let owners: Vec<Uuid> = accounts.into_iter().filter(|account| *account != strangers).collect();
        claimed(&house, "owner", &owners).await;
        claimed(&house, "stranger", &[strangers]).await;
        let [owner, stranger] = ["owner", "stranger"].map(|name| house.sign_in(name));
        let company = Self { house, owner, stranger, owners, strangers };
        company.furnish_users();
        company.furnish();
        company.collect().await;
        company.subsidise().await;
        company.furnish_workshop().await;
        company.furnish_connections().await;
        company
    }

    /// One who was connected, one who was refused, and one who is asked something; and the stranger, who has just asked. As the wishes of many
    /// months, they are asked of the engine.
    async fn furnish_connections(&self) {
        use daftar_domain::application::{Application, Command, example};
        let owner = AccountId::new(self.owners[0]);
        let sealed = async |account, text| self.house.app.keyring.seal(account, SealedFor::Contact, text).await.unwrap();
        let engine = &self.house.app.engine;
        let mut last = None;
        let of = |n: u128| ApplicationId::new(Uuid::from_u128(n));
        let mut asked = vec![];
        for (n, account, length) in [(811, owner, 11), (812, owner, 1), (813, owner, 3), (814, AccountId::new(self.strangers), 1)] {
            let mut submit = daftar_domain::application::SubmitApplication {
                application_id: of(n),
                account_id: account,
                site: sealed(account, "شارع العليا").await,
                ..example::submit()
            };
            if n == 812 {
                submit.capacity = daftar_domain::connection_prices::Capacity::Water { diameter_mm: 20 };
            }
            let answer = sealed(account, "أرضي").await;
            let wishes = [vec![Command::SubmitApplication(submit)], example::to_the_end(answer)].concat();
            asked.extend(wishes.into_iter().take(length).map(|wish| (n, wish)));
        }
        let reject =
            daftar_domain::application::RejectApplication { reason: example::reason("no network"), on: example::day("2024-03-11") };
        asked.push((812, Command::RejectApplication(reject)));
        for (at, (n, wish)) in asked.into_iter().enumerate() {
            let context = CommandContext::new(Actor::job("test"), "connect", &at.to_string(), Utc::now());
            last = engine.execute::<Application>(&StreamName::of::<Application>(of(n)), &context, wish).await.unwrap().position();
        }
        let readable = &self.house.app.readable;
        for model in ["applications", "users"] {
            assert!(readable.reached(model, last.expect("something happened"), WAIT).await.unwrap());
        }
    }

    /// Somebody who worked here once, and somebody who was not let in.
    fn furnish_users(&self) {
        let register = "mutation($key: String!) { registerStaff(idempotencyKey: $key,
            input: { userName: \"former\", roles: [CASHIER], password: \"correct horse battery\" }) }";
        let former = self.house.graphql("en", register, json!({ "key": "former" }))["data"]["registerStaff"].clone();
        let deactivate = "mutation($user: ID!, $key: String!) { deactivateUser(userId: $user, reason: \"left\", idempotencyKey: $key) }";
        let left = self.house.graphql("en", deactivate, json!({ "user": former, "key": "former" }));
        assert_eq!(left["data"]["deactivateUser"], true, "{left}");
        let refused = self.house.ask("", "en", SIGN_IN, json!({ "name": "former", "password": PASSWORD }));
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_CREDENTIALS", "{refused}");
    }

    /// What the demo has no example of. A new field is seen by the matrix once there is something behind it: put it here.
    fn furnish(&self) {
        let account = self.owners[0];
        let contact = json!({ "kind": "WHATS_APP", "name": "سكرتارية", "value": "0505550101" });
        self.done("addContact", "AddContactInput", json!({ "accountId": account, "contact": contact }));
        let address = json!({ "kind": "MAIL", "text": "ص.ب 1" });
        self.done("addAddress", "AddAddressInput", json!({ "accountId": account, "address": address }));

        let paid = |reference: &str| {
            json!({ "accountId": account, "externalReference": reference, "tender": "CASH", "channel": "till-1", "sessionId": SESSION,
                "amount": { "amount": "10.00", "currency": "SAR" }, "receivedAt": "2026-11-06T09:00:00Z", "valueOn": "2026-11-06" })
        };
        self.done("recordPayment", "RecordPaymentInput", paid("R-1"));
        let mistaken = self.done("recordPayment", "RecordPaymentInput", paid("R-2"))["paymentId"].clone();
        let reverse = json!({ "accountId": account, "paymentId": mistaken, "cause": "MISTAKE", "on": "2026-11-06", "reason": "another's" });
        self.done("reversePayment", "ReversePaymentInput", reverse);

        let meters =
            "query($account: ID!) { meters(filter: { accountId: $account, service: ELECTRICITY }) { nodes { id life { premisesId } } } }";
        let meters = self.house.graphql("en", meters, json!({ "account": account }));
        let meter = &meters["data"]["meters"]["nodes"][0];
        let seal = json!({ "meterId": meter["id"], "seal": { "number": "S-1", "place": "cover" }, "on": "2026-11-06" });
        self.done("applySeal", "ApplySealInput", seal);
        self.done(
            "breakSeal",
            "BreakSealInput",
            json!({ "meterId": meter["id"], "number": "S-1", "on": "2026-11-07", "reason": "inspected" }),
        );
        let premises = meter["life"].as_array().unwrap().iter().map(|step| &step["premisesId"]).find(|id| id.is_string()).unwrap();
        let facts = json!({ "dwellings": 1, "area": "RUH-07", "breakerAmps": 60, "loadKva": "12.5" });
        let amended = json!({ "premisesId": premises, "facts": facts, "effectiveOn": "2026-11-07", "reason": "extended" });
        self.done("amendPremises", "AmendPremisesInput", amended);

        let mut device = device("tested");
        device["certifiedUntil"] = json!("2030-12-31");
        let tested = self.done("registerMeter", "RegisterMeterInput", device)["meterId"].clone();
        self.done("sendMeterToBench", "SendMeterToBenchInput", json!({ "meterId": tested, "on": "2026-11-02", "reason": "sample" }));
        let test = json!({ "meterId": tested, "on": "2026-11-03", "passed": true, "errorPercent": "0.4", "certifiedUntil": "2031-12-31" });
        self.done("recordMeterTest", "RecordMeterTestInput", test);
        let egypt = include_str!("../../../fixtures/tariffs/egypt-residential-2020-21.json")
            .replace("\"zeroUsageFee\": null", "\"zeroUsageFee\": \"9\"");
        let jordan = include_str!("../../../fixtures/tariffs/jordan-2022-subsidised.json")
            .replace("\"minimumCharge\": null", "\"minimumCharge\": \"1\"");
        let subsidised = include_str!("../../../fixtures/tariffs/made-up/subsidised-homes.json").to_owned();
        for tariff in [egypt, jordan, subsidised] {
            self.done("publishTariff", "PublishTariffInput", json!({ "tariff": tariff }));
        }
    }

    /// Debts that are followed or paid in instalments, and a supply that was cut, and restored too late.
    async fn collect(&self) {
        use daftar_domain::{
            account::Debt,
            disconnection::{
                ApproveDisconnection, Command, Disconnection, DispatchDisconnection, DispatchReconnection, LiftCause, RequestDisconnection,
                ScheduleDisconnection, Way, example as orders,
            },
            dunning::{
                self, AdvanceDunning, Dunning, HoldDunning, HoldGround,
                example::{HOLD, day, debt, hold, ladder, lift},
            },
        };
        let [first, second] = [self.owners[0], self.owners[1]].map(AccountId::new);
        let advance = |account_id, on: &str, debt: Debt| {
            dunning::Command::AdvanceDunning(AdvanceDunning { account_id, day: day(on), debt, ladder: ladder() })
        };
        for (account, on, owed) in
            [(first, "2026-05-01", debt(&["2026-04-20"])), (second, "2026-05-01", debt(&["2026-04-20"])), (second, "2026-05-02", debt(&[]))]
        {
            self.execute::<Dunning>(account, advance(account, on, owed)).await;
        }
        let (third, item, due_on) = self.behind(None).await;
        let down = RecordPayment { directed: vec![item], value_on: due_on, ..accounts::record_payment(7, 100) };
        let (down_payment, rule, first_on) = (Some(down.payment_id), accounts::any_plan_rule(), due_on + Days::new(7));
        let plan = AgreePlan { items: vec![item], down_payment, on: due_on, first_on, rule, ..accounts::agree_plan(1, 3) };
        let missed = ReviewPlan { on: first_on + Days::new(1) };
        // It was broken; the next was agreed by mistake, and the one after it runs.
        let (on, plan_id) = (first_on + Days::new(2), accounts::plan_id(2));
        let again = |n| AgreePlan {
            items: vec![item],
            on,
            first_on: on + Days::new(7),
            rule: accounts::any_plan_rule(),
            ..accounts::agree_plan(n, 3)
        };
        let mistaken = account::CancelPlan { plan_id, on, reason: accounts::reason("another was meant") };
        for wish in [account::Command::from(down), plan.into(), missed.into(), again(2).into(), mistaken.into(), again(3).into()] {
            self.execute::<Account>(third, wish).await;
        }
        // Another will never pay, and the state gives back his VAT.
        let (fourth, item, due_on) = self.behind(Some(third)).await;
        let (approved_by, limit, reason) = (Actor::user("finance"), accounts::sar(1_000_000), accounts::reason("not to be found"));
        let lost = account::WriteOff { item, approved_by, limit, on: due_on + Days::new(30), reason };
        let claim = account::ClaimVatRelief { item, after_months: 1, on: due_on + Days::new(31), claimed_by: Actor::user("finance") };
        for wish in [account::Command::from(lost), claim.into()] {
            self.execute::<Account>(fourth, wish).await;
        }
        let promise = HoldDunning { account_id: first, hold_id: HOLD, ..hold(HoldGround::PromiseToPay, "2026-05-02", Some("2999-12-31")) };
        self.execute::<Dunning>(first, dunning::Command::HoldDunning(promise)).await;
        // It holds still, and not for as long as was said.
        self.execute::<Dunning>(first, dunning::Command::LiftDunningHold(lift("2999-06-30"))).await;
        let (at, guard, evidence) = (orders::at("08:00"), orders::guard(), orders::evidence());
        let request = RequestDisconnection { account_id: first, ..orders::request(Way::Crew) };
        let plan = ScheduleDisconnection { at, planned_for: at, guard: guard.clone(), evidence: evidence.clone() };
        let send = DispatchDisconnection { at, guard, evidence };
        for command in [
            Command::RequestDisconnection(request),
            Command::ApproveDisconnection(ApproveDisconnection { at }),
            Command::ScheduleDisconnection(plan.clone()),
            Command::DispatchDisconnection(send.clone()),
            Command::ReportNotDisconnected(orders::not_done("08:10")),
            Command::ScheduleDisconnection(ScheduleDisconnection { at: orders::at("08:20"), ..plan }),
            Command::DispatchDisconnection(DispatchDisconnection { at: orders::at("08:30"), ..send }),
            Command::ReportDisconnected(orders::done("08:40")),
            Command::LiftDisconnection(orders::lift("09:00", LiftCause::DebtSettled)),
            Command::DispatchReconnection(DispatchReconnection { at: orders::at("09:10") }),
            Command::ReportReconnected(orders::done("11:10")),
        ] {
            self.execute::<Disconnection>(orders::ORDER, command).await;
        }
        let credited = "SELECT EXISTS (SELECT FROM read_collections.work_order WHERE compensated_on IS NOT NULL)
                           AND EXISTS (SELECT FROM read_receivables.movement WHERE cause = 'compensation')";
        self.house.until("what was owed for the delay was credited", credited).await;
    }

    /// A customer who is granted subsidies, and what authorities paid of a bill.
    async fn subsidise(&self) {
        use daftar_domain::invoice::{Command, Invoice, IssueAtOnce, example as invoices};
        let grant = json!({ "accountId": self.owners[0], "scheme": "families", "from": "2026-01-01", "to": "2027-01-01", "proof": "decision 2026/117",
            "renewBy": "2026-12-01" });
        self.done("grantSubsidy", "GrantSubsidyInput", grant);
        let account_id = AccountId::new(self.owners[0]);
        let (draft, dates, number) = (invoices::subsidised("100"), invoices::dates(), invoices::number("SUB", 1));
        let wish = IssueAtOnce { invoice_id: invoices::INVOICE, account_id, draft, dates, number };
        self.execute::<Invoice>(invoices::INVOICE, Command::IssueAtOnce(wish)).await;
        let credited = "SELECT count(*) = 2 FROM read_receivables.movement WHERE cause = 'subsidy'";
        self.house.until("its subsidies were credited", credited).await;
        let paid = json!({ "authority": "ministry-of-energy", "reference": "2024-Q2", "amount": { "amount": "12.50", "currency": "SAR" },
            "settledOn": "2024-08-01" });
        self.done("recordSubsidySettlement", "RecordSubsidySettlementInput", paid);
    }

    /// One whose debts nobody follows: the oldest bill that is open, and when it was due.
    async fn behind(&self, besides: Option<AccountId>) -> (AccountId, ItemId, NaiveDate) {
        for id in self.owners[2..].iter().copied().map(AccountId::new).filter(|id| Some(*id) != besides) {
            let account = self.house.app.engine.look::<Account>(&StreamName::of::<Account>(id)).await.unwrap();
            let open = account.receivable().open_items().filter(|(_, item)| !item.disputed && item.open.minor > 1_000);
            if let Some((due_on, item)) = open.map(|(item, open)| (open.due_on, item)).min() {
                return (id, item, due_on);
            }
        }
        panic!("somebody is behind")
    }

    async fn execute<D: Decider>(&self, id: impl Into<Uuid>, command: D::Command)
    where
        D::Rejection: std::error::Error,
    {
        let (id, engine) = (id.into(), &self.house.app.engine);
        let context = CommandContext::new(Actor::job("test"), D::CATEGORY, &format!("{id} {}", CommandHash::of(&command)), Utc::now());
        let outcome = engine.execute::<D>(&StreamName::of::<D>(id), &context, command).await.unwrap_or_else(|error| panic!("{error:?}"));
        for model in MODELS.iter().filter(|model| model.needs(D::CATEGORY)) {
            assert!(self.house.app.readable.reached(model.name, outcome.position().unwrap(), WAIT).await.unwrap());
        }
    }

    /// Devices in every state of their repair, and where they are repaired.
    async fn furnish_workshop(&self) {
        let branch =
            self.done("openBranch", "OpenBranchInput", json!({ "code": "RUH-OLAYA", "details": details(), "on": "2026-01-01" }))["branchId"]
                .clone();
        let former =
            self.done("openBranch", "OpenBranchInput", json!({ "code": "RUH-OLD", "details": details(), "on": "2026-01-01" }))["branchId"]
                .clone();
        self.done("closeBranch", "CloseBranchInput", json!({ "branchId": former, "on": "2026-06-30" }));
        let part = self.done("registerPart", "RegisterPartInput", compressor())["partId"].clone();
        let requested = |account: Uuid, complaint: &str| {
            let request = json!({ "accountId": account, "branchId": branch, "device": cooler(), "complaint": complaint });
            self.done("requestRepair", "RequestRepairInput", request)["repairId"].clone()
        };
        let of = |repair: &Value, more: Value| {
            let mut input = json!({ "repairId": repair });
            merge(&mut input, more);
            input
        };
        let estimated = |complaint: &str| {
            let repair = requested(self.owners[0], complaint);
            self.done(
                "recordDiagnosis",
                "RecordDiagnosisInput",
                of(&repair, json!({ "findings": "الضاغط لا يعمل", "coverage": "CUSTOMER", "on": "2026-10-02" })),
            );
            self.done("estimateRepair", "EstimateRepairInput", estimate(&repair, &part, "2026-10-03"));
            repair
        };
        let day = |repair: &Value, day: &str| of(repair, json!({ "on": day }));
        let closed = estimated("لا يبرد");
        self.done("assignTechnician", "AssignTechnicianInput", of(&closed, json!({})));
        self.done("approveEstimate", "ApproveEstimateInput", of(&closed, json!({ "number": 1 })));
        let deposit = json!({ "amount": { "amount": "100.00", "currency": "SAR" }, "tender": "CASH", "channel": "till-1", "sessionId": SESSION, "on": "2026-10-04" });
        self.done("takeRepairDeposit", "TakeRepairDepositInput", of(&closed, deposit));
        let request =
            self.done("requestPart", "RequestPartInput", of(&closed, json!({ "partId": part, "quantity": 1 })))["requestId"].clone();
        // It runs short, and then comes.
        self.house.until("short", "SELECT count(*) = 1 FROM read_repairs.part_request JOIN read_workshop.part USING (part_id) WHERE missing = 1 AND code = 'CMP-12'").await;
        let shelf = |more: Value| {
            let mut shelf = json!({ "branchId": branch, "partId": part, "on": "2026-10-05" });
            merge(&mut shelf, more);
            shelf
        };
        let cost = json!({ "amount": "900.00", "currency": "SAR" });
        self.done("receiveStock", "ReceiveStockInput", shelf(json!({ "quantity": 3, "cost": cost, "reference": "GRN-1" })));
        self.done("countStock", "CountStockInput", shelf(json!({ "counted": 2, "reason": "stocktaking" })));
        self.done("setReorderLevel", "SetReorderLevelInput", json!({ "branchId": branch, "partId": part, "level": 2 }));
        self.house
            .until(
                "here",
                "SELECT count(*) = 1 FROM read_repairs.part_request JOIN read_workshop.part USING (part_id) WHERE here AND code = 'CMP-12'",
            )
            .await;
        self.done("startWork", "WorkInput", day(&closed, "2026-10-05"));
        self.done("usePart", "UsePartInput", of(&closed, json!({ "requestId": request, "usedInAll": 1, "on": "2026-10-05" })));
        self.house.until("used", "SELECT count(*) = 3 FROM read_workshop.stock_move JOIN read_workshop.stock USING (stock_id) JOIN read_workshop.part USING (part_id) WHERE code = 'CMP-12'").await;
        self.done("finishWork", "WorkInput", day(&closed, "2026-10-06"));
        self.done("passCheck", "WorkInput", day(&closed, "2026-10-06"));
        self.done("deliverRepair", "WorkInput", day(&closed, "2026-10-07"));
        self.done("closeRepair", "WorkInput", day(&closed, "2026-10-07"));
        self.done("commentOnRepair", "CommentOnRepairInput", of(&closed, json!({ "text": "شكرًا لكم" })));
        self.done("commentOnRepair", "CommentOnRepairInput", of(&closed, json!({ "text": "عميل قديم", "audience": "INTERNAL" })));
        self.attached(&closed).await;
        estimated("يصدر صوتًا");
        estimated("يسرب الماء");
        let waiting = requested(self.owners[0], "لا يعمل");
        self.done("askForUpdate", "AskForUpdateInput", of(&waiting, json!({})));
        let strangers = requested(self.strangers, "بطيء");
        self.done("commentOnRepair", "CommentOnRepairInput", of(&strangers, json!({ "text": "هل وصل؟" })));
        let come = |account: Uuid, repair: &Value, at: &str| json!({ "accountId": account, "branchId": branch, "repairId": repair, "day": SUNDAY, "at": at });
        self.done("bookAppointment", "BookAppointmentInput", come(self.owners[0], &waiting, "09:00"));
        self.done("bookAppointment", "BookAppointmentInput", come(self.strangers, &strangers, "09:30"));
    }

    async fn attached(&self, repair: &Value) {
        let name = self.house.app.keyring.seal(AccountId::new(self.owners[0]), SealedFor::Contact, "مبرد.jpg").await.unwrap();
        let wish = repair::AttachFile { name, ..repair::example::attach(1) };
        self.told(repair, "attach", repair::Command::AttachFile(wish)).await;
    }

    async fn told(&self, repair: &Value, key: &str, command: repair::Command) {
        let context = CommandContext::new(Actor::job("test"), "furnish", key, Utc::now());
        let stream = StreamName::of::<Repair>(RepairId::new(uuid(repair)));
        let told = self.house.app.engine.execute::<Repair>(&stream, &context, command).await.unwrap();
        self.house.app.readable.reached("repairs", told.position().unwrap(), WAIT).await.unwrap();
    }

    /// As the admin.
    pub fn done(&self, mutation: &str, input_type: &str, input: Value) -> Value {
        let id = match mutation {
            "recordPayment" => "paymentId",
            "registerMeter" => "meterId",
            "openBranch" => "branchId",
            "registerPart" => "partId",
            "requestRepair" => "repairId",
            "requestPart" => "requestId",
            _ => "",
        };
        let query = format!(
            "mutation($input: {input_type}!, $key: String!) {{ {mutation}(input: $input, idempotencyKey: $key) {{ readable {id} }} }}"
        );
        let answer = self.house.graphql(
            "en",
            &query,
            json!({ "input": input, "key": Uuid::new_v5(&SESSION, format!("{mutation} {input}").as_bytes()) }),
        );
        assert_eq!(answer["data"][mutation]["readable"], true, "{answer}");
        answer["data"][mutation].clone()
    }
}

fn uuid(id: &Value) -> Uuid {
    id.as_str().unwrap().parse().unwrap()
}

fn merge(input: &mut Value, more: Value) {
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
}

/// No test here is about limits.
pub const MANY: daftar_api::http::limits::Rate = daftar_api::http::limits::Rate { per_second: 1_000_000, burst: 1_000_000 };

async fn ids(house: &House, sql: &'static str) -> Vec<Uuid> {
    sqlx::query_scalar(sql).fetch_all(&house.read_models).await.unwrap()
}

/// A database with the whole history in log and read models.
async fn founded(url: &str, wish: Wish) -> anyhow::Result<()> {
    migrated(url).await?;
    let mut server = PgConnection::connect(&server_url()).await?;
    let scratch = format!("scratch_{}", Uuid::new_v4().simple());
    server.execute(AssertSqlSafe(format!("CREATE DATABASE {scratch}"))).await?;
    let options = server_url().parse::<PgConnectOptions>()?.database(&scratch);
    daftar_projections::migrate(&mut PgConnection::connect_with(&options).await?).await?;
    let pool = PgPool::connect_with(options).await?;
    let company = make(wish, &pool, &|_| ()).await?;
    pool.close().await;
    server.execute(AssertSqlSafe(format!("DROP DATABASE {scratch} WITH (FORCE)"))).await?;

    let url = SecretUrl::from(url);
    let EventStore::Log(log) = compose::open_store(&url, WAIT, Durability::UnsafeForTests).await? else { unreachable!("it is PostgreSQL") };
    let read_models = compose::open_read_models(&url, WAIT).await?;
    let keyring = Keyring::new(read_models.clone(), Arc::new(LocalMasterKey::new(MASTER_KEY))).await?;
    load::load(&company, &log, &keyring, &mut *read_models.acquire().await?, &|_| ()).await?;
    rebuild::rebuild(MODELS, &log, &read_models.connect_options(), rebuild::MEMORY, &|_| ()).await?;
    read_models.close().await;
    Ok(())
}

/// The first account the way that customers go: a code is sent to a phone that the company knows them by. The others without it: so many claims
/// are stopped at the door.
async fn claimed(house: &House, name: &str, accounts: &[Uuid]) {
    const CONFIRM: &str = "mutation Confirm($claim: ID!, $code: String!, $new: NewCustomerInput) { confirmClaim(claimId: $claim, code: $code, newCustomer: $new) }";
    let [first, others @ ..] = accounts else { return };
    let phones = "query Phones($id: ID!) { account(id: $id) { number contacts { kind value } } }";
    let found = house.graphql("en", phones, json!({ "id": first }));
    let (number, contacts) = (&found["data"]["account"]["number"], &found["data"]["account"]["contacts"]);
    let mobile = contacts.as_array().unwrap().iter().find(|contact| contact["kind"] == "MOBILE").unwrap()["value"].as_str().unwrap();
    let claim = claim(house, "", number.as_str().unwrap(), mobile);
    let new = json!({ "userName": name, "password": PASSWORD });
    let confirmed = house.ask("", "en", CONFIRM, json!({ "claim": claim, "code": code(house, &claim).await, "new": new }));
    let user = confirmed["data"]["confirmClaim"].as_str().unwrap_or_else(|| panic!("{confirmed}")).parse().unwrap();
    for account in others {
        let context = CommandContext::new(Actor::job("test"), "claim", &account.to_string(), Utc::now());
        let wish = user::Command::ClaimAccount(user::ClaimAccount { account_id: AccountId::new(*account) });
        house.app.engine.execute::<User>(&StreamName::of::<User>(UserId::new(user)), &context, wish).await.unwrap();
    }
}
