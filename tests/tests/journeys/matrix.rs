//! Every field and every mutation, asked for with another customer's token.
//!
//! What is asked follows from the introspected schema, so that nothing that is added is forgotten. Each refusal is paired with somebody who is
//! not refused the same question about the same thing: a refusal of what nobody gets proves nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use daftar_tests::socket::{Heard, Socket};
use serde_json::{Map, Value, json};

use super::{
    company::Company,
    mutations::{repairs::cooler, workshop::SUNDAY},
    schema::{Field, Schema},
};

/// To whom a field of `Query` or `Subscription` is shown, and what it is asked about.
enum Shown {
    /// To staff, and to the customer whose it is. First the owner's, then the stranger's.
    Owner(Vec<Value>, Vec<Value>),
    /// To staff; not all of them have something behind every field.
    Staff(Vec<Value>),
    /// To everybody their own.
    Each,
    /// To everybody the same.
    Everybody(Vec<Value>),
}
use Shown::*;

/// **Add a line here when you add a query or a subscription**: who sees it, and arguments with which there is something to see.
fn shown(things: &Things) -> BTreeMap<&'static str, Shown> {
    let Things {
        accounts,
        numbers,
        invoices,
        invoice_numbers,
        meters,
        events,
        references,
        runs,
        repairs,
        parts,
        branches,
        applications,
        users,
        ..
    } = things;
    let each = |name: &'static str, of: &[Value]| of.iter().map(|value| json!({ name: value })).collect::<Vec<_>>();
    let owned = |name: &'static str, of: &(Vec<Value>, Vec<Value>)| Owner(each(name, &of.0), each(name, &of.1));
    let with = |more: Value, of: &(Vec<Value>, Vec<Value>)| {
        let one = |account: &Value| merged(&json!({ "accountId": account }), &more);
        Owner(of.0.iter().map(one).collect(), of.1.iter().map(one).collect())
    };
    let staff = || Staff(vec![json!({})]);
    let of = |account: &Value| json!({ "filter": { "accountId": account } });
    let applied = Owner(vec![of(&accounts.0[0])], vec![of(&accounts.1[0])]);
    BTreeMap::from([
        ("account", owned("id", accounts)),
        ("accountByNumber", owned("number", numbers)),
        ("myAccounts", Each),
        ("accounts", staff()),
        ("searchAccounts", Staff(vec![json!({ "by": { "phone": "0505550101" } })])),
        ("invoice", owned("id", invoices)),
        ("invoiceByNumber", owned("number", invoice_numbers)),
        ("invoices", staff()),
        ("unpaidInvoices", staff()),
        ("waitingInvoices", Staff(["HELD", "DRAFT", "APPROVED"].map(|status| json!({ "status": status })).to_vec())),
        ("payments", staff()),
        ("paymentsByReference", Staff(each("reference", references))),
        ("dailyCash", Staff(vec![json!({ "from": "2026-05-01" })])),
        ("meter", Staff(each("id", meters))),
        ("meters", staff()),
        ("statement", with(json!({}), accounts)),
        ("aging", staff()),
        ("subsidiesOwed", staff()),
        ("tariffs", Everybody(["2026-10-01", "2021-01-01", "2022-06-01"].map(|day| json!({ "on": day })).to_vec())),
        (
            "estimateBill",
            Everybody(vec![
                json!({ "input": { "series": "ksa-sec-residential", "usage": "7000", "from": "2026-09-01", "to": "2026-10-01" } }),
                json!({ "input": { "series": "made-up-subsidised-homes", "usage": "400", "from": "2026-09-01", "to": "2026-10-01" } }),
            ]),
        ),
        ("consumption", with(json!({ "from": "2026-05-01", "to": "2026-11-01" }), accounts)),
        ("application", owned("id", applications)),
        ("applications", applied),
        ("applicationBoard", staff()),
        ("chartOfAccounts", staff()),
        ("trialBalance", staff()),
        ("generalLedger", Staff(vec![json!({ "account": 1100, "currency": "SAR", "from": "2026-05-01" })])),
        ("journal", Staff(each("eventId", events))),
        ("accountingPeriods", staff()),
        ("turnover", Staff(vec![json!({ "from": "2026-10-01", "to": "2026-11-01" })])),
        ("billRun", Staff(each("name", runs))),
        ("arrears", staff()),
        ("arrearsByStep", staff()),
        ("dunningOutcomes", Staff(vec![json!({ "from": "2026-01-01", "to": "2027-01-01" })])),
        ("workOrder", Staff(each("id", &[json!(daftar_domain::disconnection::example::ORDER)]))),
        ("workOrders", staff()),
        ("instalmentPlans", staff()),
        ("badDebts", staff()),
        ("billRuns", staff()),
        ("billRunExceptions", Staff(each("name", runs))),
        ("repair", owned("id", repairs)),
        ("repairs", staff()),
        ("myRepairs", Each),
        ("parts", staff()),
        ("part", Staff(each("id", parts))),
        ("stock", Staff(each("branchId", branches))),
        ("branches", Everybody(vec![json!({ "withClosed": true })])),
        ("freeSlots", Everybody(vec![json!({ "branchId": branches[0], "day": SUNDAY })])),
        ("appointments", Staff(vec![json!({ "branchId": branches[0], "day": SUNDAY })])),
        ("myAppointments", Each),
        ("readModels", staff()),
        ("dashboard", staff()),
        ("me", Each),
        ("sessions", Each),
        ("users", staff()),
        ("user", Staff(each("id", users))),
        ("acts", Staff(vec![json!({ "filter": { "act": "deactivateUser" } }), json!({ "filter": { "refused": true } })])),
        ("labels", Everybody(vec![json!({})])),
        ("accountActivity", owned("accountId", accounts)),
        ("billRunProgress", Staff(each("name", runs))),
    ])
}

/// What customers may ask for, with an input that is granted to the owner.
///
/// **Add a line here when you add a mutation that customers may ask for.** One that is for staff needs none.
fn granted(things: &Things) -> BTreeMap<&'static str, Value> {
    let account = &things.accounts.0[0];
    let contact = |value: &str| json!({ "kind": "MOBILE", "value": value });
    let address = |text: &str| json!({ "kind": "MAIL", "text": text });
    BTreeMap::from([
        ("chooseLanguage", json!({ "accountId": account, "language": "ENGLISH" })),
        ("addContact", json!({ "accountId": account, "contact": contact("0505550102") })),
        ("changeContact", json!({ "accountId": account, "contactId": things.contact, "contact": contact("0505550103") })),
        ("removeContact", json!({ "accountId": account, "contactId": things.contact })),
        ("addAddress", json!({ "accountId": account, "address": address("ص.ب 2") })),
        ("changeAddress", json!({ "accountId": account, "addressId": things.address, "address": address("ص.ب 3") })),
        ("removeAddress", json!({ "accountId": account, "addressId": things.address })),
        ("submitApplication", json!({ "accountId": account, "capacity": { "diameterMm": 20 }, "meter": "SMART", "site": "شارع العليا" })),
        ("giveInformation", json!({ "applicationId": things.asked, "answer": "أرضي" })),
        ("cancelApplication", json!({ "applicationId": things.asked, "reason": "sold the land" })),
        ("startPayment", json!({ "accountId": account, "amount": { "amount": "1.00", "currency": "SAR" }, "gateway": "simulated" })),
        ("requestRepair", json!({ "accountId": account, "branchId": things.branches[0], "device": cooler(), "complaint": "لا يبرد" })),
        ("approveEstimate", json!({ "repairId": things.estimated[0], "number": 1 })),
        ("declineEstimate", json!({ "repairId": things.estimated[1], "number": 1, "reason": "too much" })),
        ("returnUnderWarranty", json!({ "repairId": things.closed, "complaint": "لا يبرد" })),
        ("commentOnRepair", json!({ "repairId": things.closed, "text": "شكرًا" })),
        ("askForUpdate", json!({ "repairId": things.estimated[0] })),
        ("bookAppointment", json!({ "accountId": account, "branchId": things.branches[0], "day": SUNDAY, "at": "10:00" })),
        ("cancelAppointment", json!({ "appointmentId": things.appointment })),
        (
            "reportReading",
            json!({ "meterId": things.own_meter.0, "register": things.own_meter.1, "value": things.own_meter.2, "takenOn": "2026-11-20", "takenAt": "2026-11-20T09:00:00Z" }),
        ),
    ])
}

/// What is asked about whoever asks, or by people whom nobody knows yet: there is no other customer in it.
const OF_ONESELF: &[&str] = &[
    "signIn",
    "refreshSession",
    "signOut",
    "revokeSession",
    "changePassword",
    "enrolSecondFactor",
    "confirmSecondFactor",
    "claimAccount",
    "confirmClaim",
];

/// Fields that have nothing behind them in the company, and why. Each is still refused to strangers.
///
/// **When the matrix misses a field that you have added**, let something be behind it in `company.rs`. A line here is for what cannot be.
const NOTHING_BEHIND: &[(&str, &str)] = &[
    ("Agreement.validTo", "only of one that is asked for as of a day before its end"),
    ("Dashboard.waiting", "no invoice waits at the end of the history"),
    ("WaitingCount.count", "no invoice waits at the end of the history"),
    ("WaitingCount.status", "no invoice waits at the end of the history"),
    ("ReadModelHealth.lastError", "no read model has failed"),
    ("ReadModelHealth.lastErrorAt", "no read model has failed"),
    ("ReadModelHealth.stoppedBecause", "no read model has stopped"),
    ("Session.agent", "the test's own client has no name"),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_customer_sees_anything_of_another() {
    let company = Company::open().await;
    let (schema, things) = (Schema::of(&company.house), Things::of(&company).await);
    let mut shown = shown(&things);
    let mut matrix = Matrix { company: &company, things: &things, schema: &schema, seen: BTreeSet::new() };
    let mut missing = vec![];
    for field in schema.roots("Query") {
        match shown.remove(field.name.as_str()) {
            Some(to) => matrix.walk(field, &to),
            None => missing.push(format!("`Query.{0}`: add a line `(\"{0}\", …)` to `shown`", field.name)),
        }
    }
    let reachable = |root: &Field| schema.ways(root).into_keys().collect::<BTreeSet<_>>();
    let types: BTreeSet<String> = schema.roots("Query").iter().flat_map(reachable).collect();
    let nothing: BTreeSet<&str> = NOTHING_BEHIND.iter().map(|(field, _)| *field).collect();
    for (name, field) in types.iter().flat_map(|name| schema.types[name].fields.iter().map(move |field| (name, field))) {
        let cell = format!("{name}.{}", field.name);
        match (matrix.seen.contains(&cell), nothing.contains(cell.as_str())) {
            (false, false) => {
                missing.push(format!("`{cell}`: nobody sees anything there; let there be something behind it in `Company::furnish`"))
            }
            (true, true) => missing.push(format!("`{cell}` has something behind it: take it off `NOTHING_BEHIND`")),
            (true, false) | (false, true) => {}
        }
    }
    let listed = ["accountActivity", "billRunProgress"];
    missing.extend(
        shown.into_keys().filter(|name| !listed.contains(name)).map(|name| format!("`{name}` is in `shown`, and not in the schema")),
    );
    assert!(missing.is_empty(), "the matrix (tests/tests/journeys/matrix.rs) does not cover:\n{}", missing.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_customer_follows_anything_of_another() {
    let company = Company::open().await;
    let (schema, things) = (Schema::of(&company.house), Things::of(&company).await);
    let shown = shown(&things);
    for field in schema.roots("Subscription") {
        let to = shown.get(field.name.as_str()).unwrap_or_else(|| {
            panic!(
                "the matrix (tests/tests/journeys/matrix.rs) does not cover `Subscription.{0}`: add a line `(\"{0}\", …)` to `shown`",
                field.name
            )
        });
        let (subjects, getter, code) = match to {
            Owner(owners, _) => (owners, &company.owner, "NOT_FOUND"),
            Staff(subjects) => (subjects, &company.house.admin, "FORBIDDEN"),
            Each | Everybody(_) => panic!("`Subscription.{}` is shown to everybody: say how that is tested", field.name),
        };
        let follow = |token: &str, arguments: &Value| {
            let (query, variables) = schema.question("subscription", std::slice::from_ref(field), arguments.as_object().unwrap());
            let mut socket = Socket::introduced(company.house.server, token, "en");
            socket.subscribe("1", &query, &variables);
            match socket.hear(Duration::from_secs(10)) {
                Heard::Told(told) => told,
                other => panic!("{other:?} to {query}"),
            }
        };
        let subject = subjects.first().expect("something to follow");
        let denied = follow(&company.stranger, subject);
        assert_eq!((&denied["type"], &denied["payload"][0]["extensions"]["code"]), (&json!("error"), &json!(code)), "{denied}");
        let got = follow(getter, subject);
        assert_eq!(got["type"], "next", "{got}");
        assert!(got["payload"]["data"][field.name.as_str()].is_object(), "{got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_customer_does_anything_to_another() {
    let company = Company::open().await;
    let (schema, things) = (Schema::of(&company.house), Things::of(&company).await);
    let granted = granted(&things);
    let events = async || {
        let count = "SELECT count(*) FROM daftar_log.events WHERE type <> 'ActNoted'";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&company.house.read_models).await.unwrap()
    };
    let mut missing = vec![];
    for mutation in schema.roots("Mutation").iter().filter(|mutation| !OF_ONESELF.contains(&mutation.name.as_str())) {
        let name = mutation.name.as_str();
        let arguments: Map<String, Value> = mutation
            .arguments
            .iter()
            .map(|argument| {
                let given = (argument.name == "input").then(|| granted.get(name).cloned()).flatten();
                (argument.name.clone(), given.unwrap_or_else(|| schema.example(&argument.name, &argument.of, &|name| things.known(name))))
            })
            .collect();
        let ask = |token: &str, key: &str| {
            let mut arguments = arguments.clone();
            arguments.insert("idempotencyKey".to_owned(), json!(key));
            let (query, variables) = schema.wish(mutation, &arguments);
            company.house.ask(token, "en", &query, variables)
        };
        let before = events().await;
        let denied = ask(&company.stranger, "stranger");
        assert!(denied["data"][name].is_null(), "{name}: {denied}");
        assert_eq!(events().await, before, "{name} was denied, and left something: {denied}");
        let code = &denied["errors"][0]["extensions"]["code"];
        match (granted.contains_key(name), code.as_str().unwrap_or_default()) {
            (false, "FORBIDDEN") => {}
            (true, "NOT_FOUND") => {
                let done = ask(&company.owner, "owner");
                assert!(!done["data"][name].is_null(), "{name} is not granted to the owner: {done}");
            }
            (true, _) => missing.push(format!("`{name}` is in `granted`, and refused with another code than NOT_FOUND: {denied}")),
            (false, _) => missing.push(format!(
                "`Mutation.{name}`: customers may ask for it, so add an input that the owner is granted to `granted`: {denied}"
            )),
        }
    }
    assert!(missing.is_empty(), "the matrix (tests/tests/journeys/matrix.rs) does not cover:\n{}", missing.join("\n"));
}

struct Matrix<'a> {
    company: &'a Company,
    things: &'a Things,
    schema: &'a Schema,
    /// Fields behind which somebody saw something, as `Type.field`.
    seen: BTreeSet<String>,
}

impl Matrix<'_> {
    fn walk(&mut self, root: &Field, to: &Shown) {
        for (name, way) in self.schema.ways(root) {
            match to {
                Owner(owners, strangers) => {
                    self.look(&way, owners, &name, &[&self.company.owner, &self.company.house.admin]);
                    for subject in owners.iter().take(1) {
                        self.denied(&way, subject, "NOT_FOUND");
                    }
                    for subject in strangers {
                        let own = self.ask(&self.company.stranger, &way, subject);
                        assert!(own["data"][root.name.as_str()].is_object() || own["data"][root.name.as_str()].is_array(), "{own}");
                        self.things.are_not_in(&own);
                    }
                }
                Staff(subjects) => {
                    self.look(&way, subjects, &name, &[&self.company.house.admin]);
                    self.denied(&way, &subjects[0], "FORBIDDEN");
                }
                Each => {
                    self.look(&way, &[json!({})], &name, &[&self.company.owner, &self.company.house.admin]);
                    self.things.are_not_in(&self.ask(&self.company.stranger, &way, &json!({})));
                }
                Everybody(subjects) => {
                    self.look(&way, subjects, &name, &[&self.company.owner]);
                    for subject in subjects {
                        assert_eq!(self.ask(&self.company.owner, &way, subject), self.ask(&self.company.stranger, &way, subject));
                    }
                }
            }
        }
    }

    /// Asks about one thing after another until all fields of the type have been seen by somebody.
    fn look(&mut self, way: &[Field], subjects: &[Value], name: &str, tokens: &[&str]) {
        for token in tokens {
            for subject in subjects {
                let unseen = |field: &&Field| !self.seen.contains(&format!("{name}.{}", field.name));
                if !self.schema.types[name].fields.iter().any(|field| unseen(&field)) {
                    return;
                }
                let answer = self.ask(token, way, subject);
                let mut found = BTreeSet::new();
                gather(&answer["data"], way, &mut found);
                self.seen.extend(found.into_iter().map(|field| format!("{name}.{field}")));
            }
        }
    }

    fn denied(&self, way: &[Field], subject: &Value, code: &str) {
        let denied = self.ask(&self.company.stranger, way, subject);
        let root = way[0].name.as_str();
        assert!(denied["data"][root].is_null(), "the stranger sees `{root}` of {subject}: {denied}");
        assert_eq!(denied["errors"][0]["extensions"]["code"], code, "{root} of {subject}: {denied}");
    }

    fn ask(&self, token: &str, way: &[Field], subject: &Value) -> Value {
        let (query, variables) = self.schema.question("query", way, subject.as_object().unwrap());
        let answer = self.company.house.ask(token, "en", &query, variables);
        for error in answer["errors"].as_array().into_iter().flatten() {
            assert!(error["extensions"]["code"] != "INVALID_QUERY" && error["extensions"]["code"] != "INTERNAL", "{query}: {error}");
        }
        answer
    }
}

/// The fields at the end of a way that have something in them.
fn gather(value: &Value, way: &[Field], found: &mut BTreeSet<String>) {
    match (value, way) {
        (Value::Array(values), _) => values.iter().for_each(|value| gather(value, way, found)),
        (Value::Object(fields), [next, rest @ ..]) => gather(&fields[&next.name], rest, found),
        (Value::Object(fields), []) => {
            let is_there = |value: &Value| !value.is_null() && value.as_array().is_none_or(|values| !values.is_empty());
            found.extend(fields.iter().filter(|(_, value)| is_there(value)).map(|(name, _)| name.clone()));
        }
        _ => {}
    }
}

fn merged(value: &Value, more: &Value) -> Value {
    let fields = [value, more].into_iter().flat_map(|value| value.as_object().unwrap().clone());
    Value::Object(fields.collect())
}

/// What there is to ask about.
struct Things {
    /// The owner's, and the stranger's; here and below.
    accounts: (Vec<Value>, Vec<Value>),
    numbers: (Vec<Value>, Vec<Value>),
    invoices: (Vec<Value>, Vec<Value>),
    invoice_numbers: (Vec<Value>, Vec<Value>),
    meters: Vec<Value>,
    events: Vec<Value>,
    references: Vec<Value>,
    runs: Vec<Value>,
    repairs: (Vec<Value>, Vec<Value>),
    parts: Vec<Value>,
    /// The first is open.
    branches: Vec<Value>,
    /// Two of the owner's that wait for an answer.
    estimated: Vec<Value>,
    closed: Value,
    appointment: Value,
    applications: (Vec<Value>, Vec<Value>),
    /// An application of the owner's that waits for an answer.
    asked: Value,
    users: Vec<Value>,
    contact: Value,
    address: Value,
    /// With its register and what it could show next.
    own_meter: (Value, Value, Value),
    /// What a stranger must never be told: ids and numbers.
    secrets: BTreeSet<String>,
}

impl Things {
    async fn of(company: &Company) -> Self {
        let pool = &company.house.read_models;
        let column = async |sql: &'static str, strangers: bool| -> Vec<Value> {
            let found: Vec<String> = sqlx::query_scalar(sql).bind(company.strangers).bind(strangers).fetch_all(pool).await.unwrap();
            assert!(!found.is_empty(), "nothing for {sql}, {strangers}");
            found.into_iter().map(Value::from).collect()
        };
        let both = async |sql: &'static str| (column(sql, false).await, column(sql, true).await);
        let accounts = both("SELECT account_id::text FROM read_accounts.account WHERE (account_id = $1) = $2 ORDER BY number").await;
        let numbers = both("SELECT number FROM read_accounts.account WHERE (account_id = $1) = $2 ORDER BY number").await;
        // The most remarkable first: those with the most documents.
        let invoices = both(
            "SELECT invoice_id::text FROM read_invoices.invoice WHERE (account_id = $1) = $2
             ORDER BY (SELECT count(*) FROM read_invoices.document WHERE document.invoice_id = invoice.invoice_id) DESC, 1",
        )
        .await;
        let invoice_numbers =
            both("SELECT number FROM read_invoices.invoice WHERE (account_id = $1) = $2 AND number IS NOT NULL ORDER BY number").await;
        let payments = both("SELECT payment_id::text FROM read_payments.payment WHERE (account_id = $1) = $2 ORDER BY 1").await;
        let meters = column("SELECT meter_id::text FROM read_meters.meter WHERE $1 IS NOT NULL AND NOT $2 ORDER BY serial", false).await;
        let references = column("SELECT reference FROM read_payments.payment WHERE (account_id = $1) = $2 ORDER BY 1 LIMIT 3", false).await;
        let events =
            column("SELECT event_id::text FROM read_ledger.journal WHERE $1 IS NOT NULL AND NOT $2 ORDER BY position DESC LIMIT 40", false)
                .await;
        let runs =
            column("SELECT cycle FROM read_bill_runs.run WHERE $1 IS NOT NULL AND NOT $2 ORDER BY held + failed DESC, 1", false).await;
        let repairs =
            both("SELECT repair_id::text FROM read_repairs.repair WHERE (account_id = $1) = $2 ORDER BY status, requested_at").await;
        let parts =
            column("SELECT part_id::text FROM read_workshop.part WHERE $1 IS NOT NULL AND NOT $2 ORDER BY code = 'CMP-12' DESC", false)
                .await;
        let branches = column(
            "SELECT branch_id::text FROM read_workshop.branch WHERE $1 IS NOT NULL AND NOT $2 ORDER BY code <> 'RUH-OLAYA', closed_on",
            false,
        )
        .await;
        let estimated = column(
            "SELECT repair_id::text FROM read_repairs.repair WHERE (account_id = $1) = $2 AND status = 'estimated' ORDER BY requested_at",
            false,
        )
        .await;
        let closed = column(
            "SELECT repair_id::text FROM read_repairs.repair WHERE (account_id = $1) = $2 AND status = 'closed' ORDER BY requested_at DESC",
            false,
        )
        .await;
        let appointments = both("SELECT appointment_id::text FROM read_workshop.appointment WHERE (account_id = $1) = $2").await;
        let applications =
            both("SELECT application_id::text FROM read_applications.application WHERE (account_id = $1) = $2 ORDER BY position DESC")
                .await;
        let asked = column(
            "SELECT application_id::text FROM read_applications.application WHERE (account_id = $1) = $2 AND status = 'needsInformation'",
            false,
        );
        let asked = asked.await.remove(0);
        let users = column("SELECT user_id::text FROM read_users.person WHERE ($1::uuid IS NOT NULL) = $2", true).await;
        let secrets = [&accounts.0, &numbers.0, &invoices.0, &invoice_numbers.0, &payments.0, &repairs.0, &appointments.0, &applications.0];
        let secrets = secrets.into_iter().flatten().map(|secret| secret.as_str().unwrap().to_owned()).collect();
        let first = "query First($id: ID!) { account(id: $id) { contacts { id } addresses { id } } }";
        let first = company.house.graphql("en", first, json!({ "id": accounts.0[0] }));
        let (contact, address) = (&first["data"]["account"]["contacts"][0]["id"], &first["data"]["account"]["addresses"][0]["id"]);
        let (meter, register, next): (String, String, String) = sqlx::query_as(
            "SELECT meter.meter_id::text, register, trunc(max(value) + 1)::text
             FROM read_meters.meter JOIN read_readings.reading ON reading.meter_id = meter.meter_id
             WHERE account_id <> $1 AND status = 'installed' GROUP BY 1, 2 ORDER BY 1 LIMIT 1",
        )
        .bind(company.strangers)
        .fetch_one(pool)
        .await
        .unwrap();
        Self {
            contact: contact.clone(),
            address: address.clone(),
            own_meter: (meter.into(), register.into(), next.into()),
            accounts,
            numbers,
            invoices,
            invoice_numbers,
            meters,
            events,
            references,
            runs,
            repairs,
            parts,
            branches,
            estimated,
            closed: closed[0].clone(),
            appointment: appointments.0[0].clone(),
            applications,
            asked,
            users,
            secrets,
        }
    }

    /// An owner's thing for a name that an input has.
    fn known(&self, name: &str) -> Option<Value> {
        match name {
            "accountId" => Some(self.accounts.0[0].clone()),
            "invoiceId" => Some(self.invoices.0[0].clone()),
            "applicationId" => Some(self.applications.0[0].clone()),
            "meterId" | "oldMeterId" => Some(self.meters[0].clone()),
            "repairId" => Some(self.closed.clone()),
            _ => None,
        }
    }

    fn are_not_in(&self, answer: &Value) {
        let text = answer.to_string();
        for secret in &self.secrets {
            assert!(!text.contains(secret), "the stranger is told of {secret}: {answer}");
        }
    }
}
