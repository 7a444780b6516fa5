//! Every query and subscription as a client sends it, and what it is answered: what is there, and why not.
//!
//! The company's history is the same to the last byte each time, and so is what it is asked: the answers are beside this file. What depends
//! on today is asked as of a day.

use std::{collections::BTreeSet, fmt::Write, time::Duration};

use daftar_tests::socket::{Heard, Socket};
use expect_test::expect_file;
use serde_json::{Value, json};

use super::{company::Company, mutations::workshop::SUNDAY, schema::Schema};

/// A question, and who gets what for an answer.
struct Case {
    root: &'static str,
    query: &'static str,
    variables: Value,
    by: By,
    /// Other variables, with which it is refused.
    refused: Vec<Value>,
}

#[derive(Clone, Copy, PartialEq)]
enum By {
    Everybody,
    /// Asked by the stranger.
    Customers,
    Staff,
}

fn case(root: &'static str, by: By, query: &'static str, variables: Value, refused: Vec<Value>) -> Case {
    Case { root, query, variables, by, refused }
}

/// **Add a case here when you add a query or a subscription**, and run with `UPDATE_EXPECT=1`.
fn cases(asked: &Asked) -> Vec<Case> {
    use By::*;
    let Asked { account, number, invoice, invoice_number, meter, event, reference, order, admin, workshop } = asked;
    let nowhere = "00000000-0000-0000-0000-000000000007";
    // The stranger's, as `Company` furnishes it.
    let application = "00000000-0000-0000-0000-00000000032e";
    let page = || vec![json!({ "first": 0 }), json!({ "first": 101 }), json!({ "after": "bm8" })];
    vec![
        case(
            "account",
            Customers,
            "query($id: ID!) { account(id: $id) { number holderName class currency language allocationPolicy standing openedOn closedOn contacts { kind name value }
               addresses { kind text } agreements(asOf: { effective: \"2026-10-15\" }) { service tariffSeries validFrom validTo premises { area dwellings breakerAmps } meter { maker kind } }
               balances { owed { amount currency formatted } planned { amount } unapplied { amount } deposit { amount } due { amount } }
               openItems { document kind amount { amount } open { amount } planned { amount } issuedOn dueOn disputed }
               aging(asOf: { effective: \"2026-11-05\" }) { currency bands { band amount { amount } } planned { amount } disputed { amount } unapplied { amount } }
               subsidies { scheme from to proof renewBy }
               instalmentPlans { state total { amount } paid { amount } instalments { dueOn amount { amount } paid { amount } } }
               invoices(first: 1) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor } edges { cursor node { number } } }
               payments(first: 1) { totalCount nodes { tender channel reference amount { amount } allocated { amount } valueOn } }
               invoicesThen: invoices(first: 1, asOf: { effective: \"2026-10-31\" }) { totalCount nodes { number status leftToPay { amount } } }
               paymentsThen: payments(first: 1, asOf: { effective: \"2026-10-31\" }) { totalCount nodes { valueOn allocated { amount } } } } }",
            json!({ "id": account }),
            vec![json!({ "id": nowhere }), json!({ "id": "seven" })],
        ),
        case(
            "accountByNumber",
            Customers,
            "query($number: String!) { accountByNumber(number: $number) { id number } }",
            json!({ "number": number }),
            vec![json!({ "number": "0000000000" }), json!({ "number": "'; DROP TABLE x --" })],
        ),
        case("myAccounts", Customers, "{ myAccounts { number standing } }", json!({}), vec![]),
        case(
            "accounts",
            Staff,
            "query($filter: AccountFilter, $first: Int, $after: String) { accounts(filter: $filter, first: $first, after: $after) { totalCount nodes { number class standing } } }",
            json!({ "filter": { "class": "RESIDENTIAL", "standing": "ACTIVE" }, "first": 3 }),
            [page(), vec![json!({ "filter": { "currency": "riyal" } })]].concat(),
        ),
        case(
            "searchAccounts",
            Staff,
            "query($by: AccountSearchInput!, $first: Int, $after: String) { searchAccounts(by: $by, first: $first, after: $after) { totalCount nodes { number contacts { name value } } } }",
            json!({ "by": { "phone": "٠٥٠٥٥٥٠١٠١" } }),
            vec![json!({ "by": { "name": "" } }), json!({ "by": { "phone": "0505550101" }, "first": 0 }), json!({ "by": { "phone": "0505550101" }, "after": "bm8" })],
        ),
        case(
            "invoice",
            Customers,
            "query($id: ID!) { invoice(id: $id) { number status statusLabel overdue issuedOn dueOn suppliedFrom suppliedTo net { amount } vat { amount } total { formatted }
               credited { amount } debited { amount } paid { amount } leftToPay { amount } account { number }
               lines { code revenue quantity unit price net { amount } vatCategory vatRate explanation { text tariff from to days factor dwellings estimated slab { bracket number above upTo } } }
               documents { kind number issuedOn reason sellerName sellerVatNumber rounding { amount } vatTotals { category rate reason taxable { amount } amount { amount } } }
               payments { amount { amount } payment { reference } } stood(asOf: { effective: \"2026-10-31\" }) { status overdue leftToPay { amount } } } }",
            json!({ "id": invoice }),
            vec![json!({ "id": nowhere }), json!({ "id": "" })],
        ),
        // The owner's, as `Company` furnishes it.
        case(
            "invoice",
            Staff,
            "query($id: ID!) { invoice(id: $id) { number net { amount } vat { amount } total { amount } paid { amount } leftToPay { amount }
               subsidies { scheme authority units amount { amount } explanation tariff from to }
               documents { services { bill { total { amount } toPay { amount } subsidies { scheme } } } } } }",
            json!({ "id": daftar_domain::invoice::example::INVOICE }),
            vec![],
        ),
        case(
            "invoiceByNumber",
            Customers,
            "query($number: String!) { invoiceByNumber(number: $number) { number total { amount } } }",
            json!({ "number": invoice_number }),
            vec![json!({ "number": "RUH-INV-1999-000001" })],
        ),
        case(
            "invoices",
            Staff,
            "query($filter: InvoiceFilter, $first: Int, $after: String) { invoices(filter: $filter, first: $first, after: $after) { totalCount nodes { number status issuedOn } } }",
            json!({ "filter": { "statuses": ["PAID"], "issuedFrom": "2026-06-01", "issuedTo": "2026-07-31" }, "first": 3 }),
            [page(), vec![json!({ "filter": { "issuedFrom": "x" } })]].concat(),
        ),
        // What their rows know, and what has to be fetched for it.
        case(
            "invoices",
            Staff,
            "query($filter: InvoiceFilter) { invoices(filter: $filter, first: 2) { edges { cursor node { number account { number }
               payments { amount { formatted } payment { tender channel reference amount { amount currency } receivedAt valueOn } } } } pageInfo { startCursor endCursor } } }",
            json!({ "filter": { "statuses": ["PAID"], "issuedTo": "2026-07-31" } }),
            vec![json!({ "filter": { "issuedTo": "soon" } })],
        ),
        case(
            "invoices",
            Staff,
            "query($filter: InvoiceFilter) { invoices(filter: $filter, first: 2) { nodes { account { number holderName } payments { payment { reference allocated { amount } account { number } } } } } }",
            json!({ "filter": { "statuses": ["PAID"], "issuedTo": "2026-07-31" } }),
            vec![json!({ "filter": { "issuedTo": "soon" } })],
        ),
        case(
            "invoices",
            Staff,
            "query($by: InvoiceSort, $direction: SortDirection, $after: String) { invoices(orderBy: $by, direction: $direction, after: $after, first: 3) { nodes { number dueOn leftToPay { amount } } } }",
            json!({ "by": "LEFT_TO_PAY", "direction": "DESCENDING" }),
            // Of this list in another order; and in this one, but with what is no amount.
            ["aW52b2ljZXMvSVNTVUVEX09OL0RFU0NFTkRJTkd8MjAyNi0xMC0wMXwwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDc",
             "aW52b2ljZXMvTEVGVF9UT19QQVkvREVTQ0VORElOR3xtdWNofDAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwNw"]
            .map(|after| json!({ "by": "LEFT_TO_PAY", "direction": "DESCENDING", "after": after })).to_vec(),
        ),
        case(
            "invoices",
            Staff,
            "query($asOf: AsOfInput, $filter: InvoiceFilter, $by: InvoiceSort) { invoices(asOf: $asOf, filter: $filter, orderBy: $by, first: 3) { totalCount nodes { number status overdue issuedOn dueOn paid { amount } credited { amount } leftToPay { amount } } } }",
            json!({ "asOf": { "effective": "2026-08-31" }, "filter": { "statuses": ["OPEN", "PARTLY_PAID"] }, "by": "NUMBER" }),
            vec![
                json!({ "asOf": { "effective": "2026-08-31" }, "by": "LEFT_TO_PAY" }),
                json!({ "asOf": { "effective": "2026-08-31" }, "by": "DUE_ON" }),
                json!({ "asOf": { "effective": "soon" } }),
            ],
        ),
        case(
            "unpaidInvoices",
            Staff,
            "query($before: Date, $first: Int, $after: String) { unpaidInvoices(dueBefore: $before, first: $first, after: $after) { totalCount nodes { number dueOn leftToPay { amount } } } }",
            json!({ "before": "2026-10-01", "first": 3 }),
            [page(), vec![json!({ "before": "soon" })]].concat(),
        ),
        case(
            "waitingInvoices",
            Staff,
            "query($status: InvoiceStatus, $first: Int, $after: String) { waitingInvoices(status: $status, first: $first, after: $after) { totalCount nodes { status total { amount } } } }",
            json!({ "first": 2 }),
            page(),
        ),
        case(
            "payments",
            Staff,
            "query($filter: PaymentFilter, $first: Int, $after: String) { payments(filter: $filter, first: $first, after: $after) { totalCount nodes { tender channel amount { amount } valueOn } } }",
            json!({ "filter": { "tender": "CASH" }, "first": 2 }),
            [page(), vec![json!({ "filter": { "currency": "x" } })]].concat(),
        ),
        case(
            "payments",
            Staff,
            "query($asOf: AsOfInput, $filter: PaymentFilter) { payments(asOf: $asOf, filter: $filter, orderBy: AMOUNT, first: 2) { totalCount nodes { amount { amount } allocated { amount } refunded { amount } valueOn reversedOn } } }",
            json!({ "asOf": { "effective": "2026-07-31" }, "filter": { "reversed": false } }),
            vec![json!({ "asOf": { "effective": "soon" } })],
        ),
        case("paymentsByReference", Staff, "query($reference: String!) { paymentsByReference(reference: $reference) { amount { amount } account { number } } }", json!({ "reference": reference }), vec![]),
        case("dailyCash", Staff, "query($from: Date!) { dailyCash(from: $from) { on tender cause movements amount { amount } } }", json!({ "from": "2026-10-28" }), vec![json!({ "from": "x" })]),
        case(
            "meter",
            Staff,
            "query($id: ID!) { meter(id: $id) { maker serial kind status certifiedUntil registers { code digits decimals multiplier direction unit } components { part number change amps place effectiveOn } life { status effectiveOn reason }
               tests { testedOn } readings(first: 2, asOf: { effective: \"2026-10-31\" }) { totalCount nodes { register kind value takenOn takenAt rolledOver state counts invoiceIds } } } }",
            json!({ "id": meter }),
            vec![json!({ "id": nowhere }), json!({ "id": "x" })],
        ),
        case("meters", Staff, "query($filter: MeterFilter, $first: Int, $after: String) { meters(filter: $filter, first: $first, after: $after) { totalCount nodes { serial kind status } } }", json!({ "filter": { "service": "WATER" }, "first": 2 }), page()),
        case(
            "statement",
            Customers,
            "query($account: ID!, $currency: String, $first: Int, $after: String) { statement(accountId: $account, currency: $currency, from: \"2026-09-01\", first: $first, after: $after, asOf: { effective: \"2026-11-05\" })
               { opening { amount } lines { totalCount nodes { effectiveOn cause document amount { amount } balance { amount } } } } }",
            json!({ "account": account, "first": 4 }),
            [page().into_iter().map(|page| { let mut page = page; page["account"] = account.clone(); page }).collect(), vec![json!({ "account": nowhere }), json!({ "account": account, "currency": "x" })]].concat(),
        ),
        case(
            "subsidiesOwed",
            Staff,
            "{ subsidiesOwed { authority credited { amount } takenBack { amount } settled { amount } owed { amount } } }",
            json!({}),
            vec![],
        ),
        case("aging", Staff, "{ aging(asOf: { effective: \"2026-11-05\" }) { currency bands { band amount { amount } } planned { amount } disputed { amount } unapplied { amount } } }", json!({}), vec![]),
        case(
            "tariffs",
            Everybody,
            "query($on: Date) { tariffs(service: ELECTRICITY, class: RESIDENTIAL, on: $on) { code series service class currency effectiveFrom effectiveTo normalDays vatCategory vatRate minimumCharge
               brackets { upTo fee segments { width price } } fixedCharges { code amount breakerAmpsMin breakerAmpsMax } } }",
            json!({ "on": "2026-10-01" }),
            vec![json!({ "on": "x" })],
        ),
        case(
            "estimateBill",
            Everybody,
            "query($input: EstimateInput!) { estimateBill(input: $input) { from to net { amount } vat { amount } total { formatted } lines { code quantity price amount { amount } explanation { text } } parts { tariff days factor vatRate } } }",
            json!({ "input": { "series": "ksa-sec-residential", "usage": "7000", "from": "2026-09-01", "to": "2026-10-01", "breakerAmps": 60 } }),
            vec![
                json!({ "input": { "series": "none", "usage": "1", "from": "2026-09-01", "to": "2026-10-01" } }),
                json!({ "input": { "series": "ksa-sec-residential", "usage": "-1", "from": "2026-09-01", "to": "2026-10-01" } }),
                json!({ "input": { "series": "ksa-sec-residential", "usage": "1", "from": "2026-10-01", "to": "2026-09-01" } }),
            ],
        ),
        case(
            "tariffs",
            Everybody,
            "query($on: Date) { tariffs(service: ELECTRICITY, class: RESIDENTIAL, on: $on) { code subsidies { code authority granted quota price percentOfUsage amount cap } } }",
            json!({ "on": "2022-06-01" }),
            vec![],
        ),
        case(
            "estimateBill",
            Everybody,
            "query($input: EstimateInput!) { estimateBill(input: $input) { net { amount } vat { amount } total { amount } toPay { amount } subsidies { scheme authority units amount { amount } explanation } } }",
            json!({ "input": { "series": "made-up-subsidised-homes", "usage": "400", "from": "2026-09-01", "to": "2026-10-01" } }),
            vec![],
        ),
        case(
            "consumption",
            Customers,
            "query($account: ID!, $from: Date!, $to: Date!) { consumption(accountId: $account, from: $from, to: $to) { service unit steps { from to quantity basis } } }",
            json!({ "account": account, "from": "2026-09-01", "to": "2026-11-01" }),
            vec![json!({ "account": nowhere, "from": "2026-09-01", "to": "2026-11-01" }), json!({ "account": account, "from": "2026-09-01", "to": "2026-08-01" })],
        ),
        case(
            "application",
            Customers,
            "query($id: ID!) { application(id: $id) { status service loadKva phase meter site submittedOn question answer distanceM area feePaid plannedOn reason changedOn account { number }
               quote { prices net { amount } vat { amount } total { formatted } validUntil lines { code text quantity unit price net { amount } because } } steps { status on note } } }",
            json!({ "id": application }),
            vec![json!({ "id": nowhere }), json!({ "id": "x" }), json!({ "id": "00000000-0000-0000-0000-00000000032b" })],
        ),
        case(
            "applications",
            Staff,
            "query($filter: ApplicationFilter, $first: Int, $after: String) { applications(filter: $filter, first: $first, after: $after) { totalCount nodes { status submittedOn quote { total { amount } lines { because } } steps { status on note } } } }",
            json!({ "filter": { "status": "ACTIVATED" }, "first": 2 }),
            [page(), vec![json!({ "filter": { "accountId": "x" } })]].concat(),
        ),
        case("applicationBoard", Staff, "{ applicationBoard { status applications } }", json!({}), vec![]),
        case("chartOfAccounts", Staff, "{ chartOfAccounts { number name kind } }", json!({}), vec![]),
        case("trialBalance", Staff, "{ trialBalance(asOf: { effective: \"2026-11-05\" }) { balances { account { number } balance { amount currency } } differences { amount } } }", json!({}), vec![]),
        case(
            "generalLedger",
            Staff,
            "query($account: Int!, $currency: String!) { generalLedger(account: $account, currency: $currency, from: \"2026-10-01\", first: 2, asOf: { effective: \"2026-11-05\" })
               { account { name } opening { amount } entries { totalCount nodes { side amount { amount } effectiveOn eventType balance { amount } } } } }",
            json!({ "account": 1100, "currency": "SAR" }),
            vec![json!({ "account": 9999, "currency": "SAR" }), json!({ "account": 1100, "currency": "x" })],
        ),
        case("journal", Staff, "query($event: ID!) { journal(eventId: $event) { account { number name } side amount { amount } effectiveOn eventType } }", json!({ "event": event }), vec![json!({ "event": "x" })]),
        case("accountingPeriods", Staff, "{ accountingPeriods { from to closed } }", json!({}), vec![]),
        case("turnover", Staff, "query($from: Date!, $to: Date!) { turnover(from: $from, to: $to) { account { number } debit { amount } credit { amount } } }", json!({ "from": "2026-10-01", "to": "2026-11-01" }), vec![json!({ "from": "2026-10-01", "to": "2026-09-01" })]),
        case(
            "billRun",
            Staff,
            "query($name: String!) { billRun(name: $name) { cycle cutOff issuedOn dueOn billed held failed blocks openBlocks finishedAt totals { invoices net { amount } vat { amount } total { amount } smallest { amount } largest { amount } } exceptionCounts { kind code accounts } } }",
            json!({ "name": "2026-10" }),
            vec![json!({ "name": "never" })],
        ),
        case("billRuns", Staff, "query($first: Int, $after: String) { billRuns(first: $first, after: $after) { totalCount nodes { cycle billed held failed } } }", json!({ "first": 2 }), page()),
        case("billRunExceptions", Staff, "query($name: String!, $first: Int, $after: String) { billRunExceptions(name: $name, first: $first, after: $after) { totalCount nodes { kind code } } }", json!({ "name": "2026-10" }), vec![json!({ "name": "never" }), json!({ "name": "2026-10", "first": 0 })]),
        case(
            "repair",
            Customers,
            "query($id: ID!) { repair(id: $id) { account { number } branch { code } status statusLabel visit device { kind name model serial } complaint technicianId coverage
               estimate { number } estimates { number total { amount } } approved { amount } invoice { number } warrantyUntil readyOn waitingSince
               timeline(first: 1) { totalCount nodes { what label status audience side text note } } comments { totalCount nodes { what side text } } files { name } } }",
            json!({ "id": workshop.strangers }),
            vec![json!({ "id": workshop.owners }), json!({ "id": nowhere }), json!({ "id": "x" })],
        ),
        case(
            "repairs",
            Staff,
            "query($filter: RepairFilter, $first: Int, $after: String) { repairs(filter: $filter, first: $first, after: $after) { totalCount nodes { status complaint coverage approved { amount } warrantyUntil readyOn
               estimate { number visit lines { partId line { code text revenue quantity unit price net { amount } } } net { amount } vat { amount } total { formatted } deposit { amount } vatCategory vatRate validUntil holdDays tolerance warrantyDays needsApproval offeredOn }
               timeline(first: 30) { totalCount nodes { what label status audience side text note } } comments(first: 1) { totalCount nodes { audience side text } }
               files { name mediaType bytes sha256 side audience } parts { visit part { code name price prices { since price } } quantity here missing used returned } } } }",
            json!({ "filter": { "status": "CLOSED", "waiting": false }, "first": 3 }),
            [page(), vec![json!({ "filter": { "accountId": "x" } }), json!({ "filter": { "technicianId": "x" } })]].concat(),
        ),
        case("myRepairs", Customers, "query($status: RepairStatus, $first: Int, $after: String) { myRepairs(status: $status, first: $first, after: $after) { totalCount nodes { status complaint } } }", json!({ "status": "RECEIVED" }), page()),
        case("parts", Staff, "query($search: String, $first: Int, $after: String) { parts(search: $search, first: $first, after: $after) { totalCount nodes { code name currency price pricedOn retired } } }", json!({ "search": "cmp" }), page()),
        case("part", Staff, "query($id: ID!) { part(id: $id) { code prices { since price } } }", json!({ "id": workshop.part }), vec![json!({ "id": nowhere }), json!({ "id": "x" })]),
        case("stock", Staff, "query($branch: ID!, $low: Boolean) { stock(branchId: $branch, low: $low) { part { code } onHand reserved free value { amount } reorderLevel moves { totalCount nodes { what pieces value { amount } repairId reference reason movedOn } } } }", json!({ "branch": workshop.branch, "low": true }), vec![json!({ "branch": "x" })]),
        case("branches", Everybody, "query($closed: Boolean) { branches(withClosed: $closed) { code name nameInEnglish address latitude longitude mapLink hours { weekday from to } slotMinutes places closedOn } }", json!({ "closed": false }), vec![]),
        case("freeSlots", Everybody, "query($branch: ID!, $day: Date!) { freeSlots(branchId: $branch, day: $day) { at places } }", json!({ "branch": workshop.branch, "day": SUNDAY }), vec![json!({ "branch": nowhere, "day": SUNDAY }), json!({ "branch": workshop.branch, "day": "x" })]),
        case("appointments", Staff, "query($branch: ID!, $day: Date!) { appointments(branchId: $branch, day: $day) { day at branch { code } account { class } } }", json!({ "branch": workshop.branch, "day": SUNDAY }), vec![json!({ "branch": "x", "day": SUNDAY })]),
        case("myAppointments", Customers, "{ myAppointments { day at branch { nameInEnglish } } }", json!({}), vec![]),
        case("repair", Customers, "subscription($id: ID!) { repair(id: $id) { status complaint } }", json!({ "id": workshop.strangers }), vec![json!({ "id": workshop.owners }), json!({ "id": "x" })]),
        case("readModels", Staff, "{ readModels { model stoppedBecause lastError } }", json!({}), vec![]),
        case("arrears", Staff, "query($step: String, $first: Int, $after: String) { arrears(step: $step, first: $first, after: $after) { totalCount nodes { step action since takenOn owed { amount } account { number } } } }", json!({ "step": "warning" }), [page(), vec![json!({ "step": "two words" })]].concat()),
        case("arrearsByStep", Staff, "{ arrearsByStep { step action accounts since owed { amount } } }", json!({}), vec![]),
        case("dunningOutcomes", Staff, "query($from: Date!, $to: Date!) { dunningOutcomes(from: $from, to: $to) { step action cause accounts owed { amount } } }", json!({ "from": "2026-01-01", "to": "2027-01-01" }), vec![json!({ "from": "2026-01-01", "to": "2025-01-01" }), json!({ "from": "x", "to": "2025-01-01" })]),
        case("workOrder", Staff, "query($id: ID!) { workOrder(id: $id) { stage way owed { amount } requestedAt plannedFor attempts unanswered cutAt liftCause liftedAt dueBy fee { amount } compensation { amount } compensatedOn restoredAt note account { number } timeline { what stage actor note at } } }", json!({ "id": order }), vec![json!({ "id": nowhere }), json!({ "id": "x" })]),
        case("workOrders", Staff, "query($filter: WorkOrderFilter, $first: Int, $after: String) { workOrders(filter: $filter, first: $first, after: $after) { totalCount nodes { stage way cutAt restoredAt timeline { what } } } }", json!({ "filter": { "stage": "RESTORED" } }), [page(), vec![json!({ "filter": { "accountId": "x" } })]].concat()),
        case("instalmentPlans", Staff, "query($filter: InstalmentPlanFilter, $first: Int, $after: String) { instalmentPlans(filter: $filter, first: $first, after: $after) { totalCount nodes { reason account { number } plan { state nextDueOn total { amount } paid { amount } agreedOn warnedOn instalments { dueOn amount { amount } paid { amount } } } } } }", json!({ "filter": { "state": "RUNNING", "dueBy": "2999-12-31" } }), [page(), vec![json!({ "filter": { "accountId": "x" } }), json!({ "filter": { "dueBy": "x" } })]].concat()),
        case("badDebts", Staff, "query($filter: BadDebtsFilter, $first: Int, $after: String) { badDebts(filter: $filter, first: $first, after: $after) { totalCount nodes { account { number } documentId document issuedOn givenUpOn writtenOff { amount } vat { amount } relieved { amount } } } }", json!({ "filter": { "relieved": true } }), [page(), vec![json!({ "filter": { "accountId": "x" } })]].concat()),
        case("dashboard", Staff, "query($months: Int) { dashboard(months: $months, asOf: { effective: \"2026-11-05\" }) { accounts { class standing count } billed { month charged { amount } paid { amount } credited { amount } writtenOff { amount } open { amount } overdue { amount } } collected { month tender cause movements amount { amount } } consumed { month service unit quantity } waiting { status count } } }", json!({ "months": 2 }), vec![json!({ "months": 0 }), json!({ "months": 61 })]),
        case("me", Customers, "{ me { userName roles hasSecondFactor } }", json!({}), vec![]),
        case("sessions", Customers, "{ sessions { current address agent } }", json!({}), vec![]),
        case(
            "users",
            Staff,
            "query($filter: UserFilter, $first: Int, $after: String) { users(filter: $filter, first: $first, after: $after) { totalCount nodes { userName roles active deactivatedBecause } } }",
            json!({}),
            [page(), vec![json!({ "filter": { "accountId": "x" } })]].concat(),
        ),
        case("user", Staff, "query($id: ID!) { user(id: $id) { userName roles accountIds active } }", json!({ "id": admin }), vec![json!({ "id": nowhere }), json!({ "id": "x" })]),
        case(
            "acts",
            Staff,
            "query($filter: ActFilter, $first: Int, $after: String) { acts(filter: $filter, first: $first, after: $after) { totalCount nodes { act refused address user { userName } } } }",
            json!({ "filter": { "act": "deactivateUser" } }),
            [page(), vec![json!({ "filter": { "userId": "x" } }), json!({ "filter": { "act": "with a space" } })]].concat(),
        ),
        case("labels", Everybody, "{ labels { name values { value label } } }", json!({}), vec![]),
        case("accountActivity", Customers, "subscription($id: ID!) { accountActivity(accountId: $id) { number balances { due { amount } } } }", json!({ "id": account }), vec![json!({ "id": nowhere }), json!({ "id": "x" })]),
        case("invoice", Customers, "subscription($id: ID!) { invoice(id: $id) { number status leftToPay { amount } } }", json!({ "id": invoice }), vec![json!({ "id": nowhere }), json!({ "id": "x" })]),
        case("billRunProgress", Staff, "subscription($name: String!) { billRunProgress(name: $name) { cycle billed held failed openBlocks finishedAt } }", json!({ "name": "2026-10" }), vec![json!({ "name": "never" })]),
    ]
}

/// What is asked about.
struct Asked {
    account: Value,
    number: Value,
    invoice: Value,
    invoice_number: Value,
    meter: Value,
    event: Value,
    reference: Value,
    order: Value,
    admin: Value,
    workshop: Workshop,
}

struct Workshop {
    /// Repairs.
    owners: Value,
    strangers: Value,
    part: Value,
    branch: Value,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_and_subscription_is_answered_and_refused_as_it_was() {
    let company = Company::open().await;
    let schema = Schema::of(&company.house);
    let mine = "{ myAccounts { id number invoices(first: 1) { nodes { id number } } } }";
    let mine = company.house.ask(&company.stranger, "en", mine, json!({}))["data"]["myAccounts"][0].clone();
    let text =
        async |sql: &'static str| Value::from(sqlx::query_scalar::<_, String>(sql).fetch_one(&company.house.read_models).await.unwrap());
    let meter = text("SELECT meter_id::text FROM read_meters.meter WHERE status = 'installed' ORDER BY serial LIMIT 1").await;
    let event = text("SELECT event_id::text FROM read_ledger.journal ORDER BY position LIMIT 1").await;
    let reference = text("SELECT reference FROM read_payments.payment ORDER BY position LIMIT 1").await;
    let order = text("SELECT disconnection_id::text FROM read_collections.work_order LIMIT 1").await;
    let admin = text("SELECT user_id::text FROM read_users.person WHERE roles = 'admin'").await;
    let workshop = Workshop {
        owners: text("SELECT repair_id::text FROM read_repairs.repair WHERE status = 'closed' ORDER BY requested_at DESC LIMIT 1").await,
        strangers: company.house.ask(&company.stranger, "en", "{ myRepairs { nodes { id } } }", json!({}))["data"]["myRepairs"]["nodes"][0]
            ["id"]
            .clone(),
        part: text("SELECT part_id::text FROM read_workshop.part WHERE code = 'CMP-12'").await,
        branch: text("SELECT branch_id::text FROM read_workshop.branch WHERE code = 'RUH-OLAYA'").await,
    };
    let invoice = &mine["invoices"]["nodes"][0];
    let own = |value: &Value| value.clone();
    let (account, number, invoice, invoice_number) = (own(&mine["id"]), own(&mine["number"]), own(&invoice["id"]), own(&invoice["number"]));
    // Whose ids follow from those of users, who are others each time.
    let names = [
        (&admin, "the admin"),
        (&workshop.owners, "the owner's repair"),
        (&workshop.strangers, "the stranger's repair"),
        (&workshop.part, "the part"),
        (&workshop.branch, "the branch"),
    ]
    .map(|(id, name)| (id.as_str().unwrap().to_owned(), name));
    let cases = cases(&Asked { account, number, invoice, invoice_number, meter, event, reference, order, admin, workshop });

    let covered: BTreeSet<(bool, &str)> = cases.iter().map(|case| (case.query.starts_with("subscription"), case.root)).collect();
    let roots = |root: &'static str| schema.roots(root).iter().map(move |field| (root == "Subscription", field.name.as_str()));
    let missing: Vec<_> =
        roots("Query").chain(roots("Subscription")).filter(|root| !covered.contains(root)).map(|(_, root)| root).collect();
    assert!(
        missing.is_empty(),
        "no request for {missing:?}: add a case to `cases` in tests/tests/journeys/queries.rs and run with UPDATE_EXPECT=1"
    );

    let (mut told, mut not_refused) = (String::new(), vec![]);
    for Case { root, query, variables, by, refused } in cases {
        let kind = if query.starts_with("subscription") { "subscription " } else { "" };
        writeln!(told, "{kind}{root} {variables}").unwrap();
        let asker = if by == By::Staff { &company.house.admin } else { &company.stranger };
        let answer = ask(&company, asker, "en", query, &variables);
        assert!(answer["errors"].is_null(), "{root}: {answer}");
        if kind.is_empty() {
            assert_eq!(resolved(&company, asker, query, &variables), answer["data"], "{root}");
        }
        // Of what grows with the program one is enough.
        let shown = if ["labels", "readModels"].contains(&root) { &answer["data"][root][0] } else { &answer["data"][root] };
        writeln!(told, "{}", indented(&serde_json::to_string_pretty(shown).unwrap())).unwrap();
        let mut denied = vec![];
        if by == By::Staff {
            denied.push((&company.stranger, variables.clone()));
        }
        denied.extend(refused.into_iter().map(|variables| (asker, variables)));
        for (token, variables) in denied {
            let who = if token == asker { "" } else { "a customer " };
            for language in ["en", "ar"] {
                match problem(&ask(&company, token, language, query, &variables), root) {
                    Some(no) if language == "en" => writeln!(told, "  {who}{variables}\n    {no}").unwrap(),
                    Some(no) => writeln!(told, "    {no}").unwrap(),
                    None => not_refused.push(format!("{root} {variables}")),
                }
            }
        }
        if by != By::Everybody && kind.is_empty() {
            assert_eq!(ask(&company, "", "en", query, &variables)["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{root}");
        }
    }
    assert!(not_refused.is_empty(), "{not_refused:?}");
    let told = names.into_iter().fold(told, |told, (id, name)| told.replace(&id, name));
    expect_file!["queries.txt"].assert_eq(&told);
}

fn ask(company: &Company, token: &str, language: &str, query: &str, variables: &Value) -> Value {
    if !query.starts_with("subscription") {
        return company.house.ask(token, language, query, variables.clone());
    }
    let mut socket = Socket::introduced(company.house.server, token, language);
    socket.subscribe("1", query, variables);
    match socket.hear(Duration::from_secs(10)) {
        Heard::Told(told) if told["type"] == "next" => told["payload"].clone(),
        Heard::Told(told) => json!({ "data": null, "errors": told["payload"] }),
        other => panic!("{other:?} to {query}"),
    }
}

/// What it is answered where nothing may be written at once: something is asked for twice.
fn resolved(company: &Company, token: &str, query: &str, variables: &Value) -> Value {
    let whole = query.trim_end().strip_suffix('}').expect("a query ends so");
    let mut answer = ask(company, token, "en", &format!("{whole} twice: __typename twice: __typename }}"), variables);
    assert_eq!(answer["data"].as_object_mut().and_then(|data| data.remove("twice")), Some(json!("Query")), "{answer}");
    answer["data"].take()
}

fn problem(answer: &Value, root: &str) -> Option<String> {
    let problem = &answer["errors"][0];
    let code = problem["extensions"]["code"].as_str().filter(|_| answer["data"][root].is_null())?;
    let field = problem["extensions"]["field"].as_str().map_or(String::new(), |field| format!(" {field}"));
    Some(format!("{code}{field}: {}", problem["message"].as_str()?))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
