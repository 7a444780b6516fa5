//! A year of many accounts: bills, payments, payments that bounce, instalment plans, disputes, promises and protection in any order, and what
//! always holds.

#![expect(clippy::wildcard_enum_match_arm, reason = "what is not looked at here cannot break what is")]

use std::{collections::BTreeMap, sync::LazyLock};

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use daftar_domain::{
    Actor, BillingEvent, CommandHash, Currency, Decider, Metadata, Position, Recorded, StreamName,
    account::{
        self, Account, AgreePlan, CancelPlan, ChargeKind, DisputeItem, ItemId, PlanAgreed, PlanState, RecordPayment, ResolveDispute,
        ReversePayment, ReviewPlan,
        example::{self as accounts, ChargeOf},
    },
    disconnection::{
        self, ApproveDisconnection, CheckClock, Disconnection, DispatchDisconnection, DispatchReconnection, Done, Evidence, Guard,
        LiftDisconnection, Moment, NotDone, RequestDisconnection, RestoreTerms, ScheduleDisconnection, Stage, Way, example as orders,
    },
    dunning::{self, Action, AdvanceDunning, Dunning, HoldDunning, HoldGround, Ladder, LiftDunningHold},
    ids::{AccountId, DisconnectionId, DunningHoldId},
    ledger::{self, LedgerAccount, TrialBalance},
    policy::{self, Wish},
};
use proptest::prelude::*;
use uuid::Uuid;

const ACCOUNTS: u128 = 12;
const SAR: Currency = Currency::SAR;

/// Sides of the dice on any day, and while a crew is out: most days are quiet.
const EVERY_DAY: u64 = 700;
const MEETING: u64 = 20;

static LADDER: LazyLock<Ladder> = LazyLock::new(dunning::example::ladder);

/// All the chance there is, from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// A household, as the engine knows it.
struct Home {
    id: AccountId,
    account: Account,
    dunning: Dunning,
    orders: BTreeMap<DisconnectionId, Disconnection>,
    bills: u128,
    payments: u32,
    reversed: u32,
    holds: u128,
    plans: u128,
    fees: BTreeMap<DisconnectionId, usize>,
    fell_late: BTreeMap<DisconnectionId, usize>,
}

#[derive(Default)]
struct Books {
    balance: TrialBalance,
    position: u64,
    cuts: u32,
    restored: u32,
    recalled: u32,
    completed: u32,
    broken: u32,
    compensations: i128,
}

impl Books {
    /// What the event asks of another stream, as the policies have it.
    fn post(&mut self, stream: StreamName, event: BillingEvent) -> Option<Wish> {
        self.position += 1;
        let id = Uuid::from_u128(self.position.into());
        let metadata = Metadata {
            recorded_at: DateTime::<Utc>::UNIX_EPOCH,
            actor: Actor::user("1"),
            command_id: id,
            command_hash: CommandHash::of(&()),
            correlation_id: id,
            causation_id: id,
            schema_version: 1,
        };
        let recorded = Recorded { id, stream, revision: self.position, position: Position::single(self.position), metadata, event };
        if let Some(journal) = ledger::post(&recorded).expect("a journal balances") {
            self.balance.post(&journal);
        }
        assert_eq!(self.balance.difference(SAR), 0, "after {:?}", recorded.event);
        match &recorded.event {
            BillingEvent::Account(account::Event::PlanCompleted(_)) => self.completed += 1,
            BillingEvent::Account(account::Event::PlanBroken(_)) => self.broken += 1,
            _ => {}
        }
        policy::request(&recorded).map(|asked| asked.wish)
    }
}

impl Home {
    fn open(n: u128, books: &mut Books) -> Self {
        let mut home = Self {
            id: AccountId::new(Uuid::from_u128(n)),
            account: Account::default(),
            dunning: Dunning::default(),
            orders: BTreeMap::new(),
            bills: n * 1_000,
            payments: 0,
            reversed: 0,
            holds: n * 1_000,
            plans: n * 1_000,
            fees: BTreeMap::new(),
            fell_late: BTreeMap::new(),
        };
        home.account(books, accounts::open());
        home
    }

    /// Whether it was agreed to. Each wish is wished twice.
    fn account(&mut self, books: &mut Books, command: impl Into<account::Command>) -> bool {
        let command = command.into();
        let Ok(events) = self.account.decide(command.clone()) else { return false };
        for event in events {
            self.account = std::mem::take(&mut self.account).evolve(&event);
            // Whether a plan runs is told to dunning at once.
            if let Some(Wish::Dunning(wish)) = books.post(StreamName::of::<Account>(self.id), BillingEvent::Account(event)) {
                self.dun(*wish);
            }
        }
        assert_eq!(self.account.decide(command), Ok(vec![]));
        true
    }

    fn dun(&mut self, command: dunning::Command) -> Vec<dunning::Event> {
        let Ok(events) = self.dunning.decide(command.clone()) else { return vec![] };
        self.dunning = events.iter().fold(std::mem::take(&mut self.dunning), Dunning::evolve);
        assert_eq!(self.dunning.decide(command), Ok(vec![]));
        events
    }

    fn order(&mut self, books: &mut Books, id: DisconnectionId, command: disconnection::Command) -> bool {
        use disconnection::Event;
        let order = self.orders.entry(id).or_default();
        let Ok(events) = order.decide(command) else { return false };
        *order = events.iter().fold(std::mem::take(order), Disconnection::evolve);
        for event in events {
            // What a customer is owed for having waited is credited at once.
            if let Some(Wish::Account(wish)) = books.post(StreamName::of::<Disconnection>(id), BillingEvent::Disconnection(event.clone())) {
                assert!(self.account(books, *wish));
            }
            match event {
                Event::DisconnectionExecuted(_) => books.cuts += 1,
                Event::ReconnectionExecuted(_) => books.restored += 1,
                Event::DisconnectionRecalled(_) => books.recalled += 1,
                Event::ReconnectionFellLate(fact) => {
                    *self.fell_late.entry(id).or_default() += 1;
                    books.compensations += i128::from(fact.compensation.minor);
                }
                Event::ReconnectionRequested(fact) => {
                    if let Some(fee) = fact.fee {
                        *self.fees.entry(id).or_default() += 1;
                        self.bill(books, fact.lift.at.date_naive(), fee.minor, ChargeKind::ReconnectFee);
                    }
                }
                _ => {}
            }
        }
        true
    }

    fn bill(&mut self, books: &mut Books, on: NaiveDate, minor: i64, kind: ChargeKind) {
        self.bills += 1;
        let (issued, due) = (on.to_string(), (on + Days::new(15)).to_string());
        let charge = ChargeOf { n: self.bills, minor, kind, issued: leak(issued), due: leak(due), ..ChargeOf::default() };
        assert!(self.account(books, accounts::charge(charge)));
    }

    fn pay(&mut self, books: &mut Books, day: NaiveDate, minor: i64) {
        if minor <= 0 {
            return;
        }
        self.payments += 1;
        let payment = RecordPayment {
            payment_id: accounts::payment_id(self.payments),
            external_reference: accounts::code(&format!("R-{}", self.payments)),
            value_on: day,
            received_at: day.and_hms_opt(6, 0, 0).unwrap().and_utc(),
            ..accounts::record_payment(1, minor)
        };
        assert!(self.account(books, payment));
    }

    /// The oldest that has not bounced does.
    fn reverse(&mut self, books: &mut Books, day: NaiveDate) {
        if self.reversed < self.payments {
            self.reversed += 1;
            let payment_id = accounts::payment_id(self.reversed);
            self.account(books, ReversePayment { payment_id, on: day, ..accounts::reverse_payment(1) });
        }
    }

    fn owed(&self) -> i64 {
        self.account.receivable().due(SAR).minor
    }

    fn an_item(&self, dice: &mut Dice, disputed: bool) -> Option<ItemId> {
        let items: Vec<_> =
            self.account.receivable().open_items().filter(|(_, item)| item.disputed == disputed).map(|(id, _)| id).collect();
        if items.is_empty() { None } else { items.get(usize::try_from(dice.roll(items.len() as u64)).unwrap()).copied() }
    }

    fn evidence(&self, day: NaiveDate) -> Evidence {
        Evidence {
            class: self.account.class_on(day).unwrap(),
            debt: self.account.receivable().debt(SAR),
            warned_on: self.dunning.taken_on(Action::InitialWarning),
            final_notice_on: self.dunning.taken_on(Action::FinalNotice),
            held: self.dunning.held(day),
        }
    }

    /// As the desk does, whenever something has changed.
    fn reconsider(&mut self, books: &mut Books, at: Moment, terms: &RestoreTerms) {
        let held = self.dunning.held(at.date_naive());
        for id in self.orders.keys().copied().collect::<Vec<_>>() {
            if let Some(cause) = self.orders[&id].cause_to_lift(self.account.receivable(), &LADDER, held) {
                self.order(books, id, disconnection::Command::LiftDisconnection(LiftDisconnection { at, cause, terms: terms.clone() }));
            }
        }
    }

    /// Something that people do, in no order that anybody has thought of; the rarer, the more sides the dice have.
    fn something(&mut self, books: &mut Books, dice: &mut Dice, day: NaiveDate, sides: u64) {
        let reason = || accounts::reason("made up");
        match dice.roll(sides) {
            0..=1 => self.pay(books, day, self.owed()),
            2 => self.pay(books, day, self.owed() / 2),
            3 => self.pay(books, day, self.owed() - 1_000),
            4 => self.reverse(books, day),
            5 => {
                if let Some(item) = self.an_item(dice, false) {
                    self.account(books, DisputeItem { item, on: day, reason: reason() });
                }
            }
            6..=9 => {
                if let Some(item) = self.an_item(dice, true) {
                    self.account(books, ResolveDispute { item, on: day, reason: reason() });
                }
            }
            10 => {
                self.holds += 1;
                let ground =
                    [HoldGround::PromiseToPay, HoldGround::InstalmentPlan, HoldGround::OpenComplaint, HoldGround::ProtectedCustomer]
                        [usize::try_from(dice.roll(4)).unwrap()];
                let until = (ground != HoldGround::ProtectedCustomer).then(|| day + Days::new(3 + dice.roll(30)));
                let promised = (ground == HoldGround::PromiseToPay).then(|| accounts::sar(10_000));
                let hold_id = DunningHoldId::new(Uuid::from_u128(self.holds));
                let hold = HoldDunning { account_id: self.id, hold_id, ground, promised, from: day, until, reason: reason() };
                assert_eq!(self.dun(dunning::Command::HoldDunning(hold)).len(), 1);
            }
            11..=13 => {
                let hold_id = DunningHoldId::new(Uuid::from_u128(self.holds));
                self.dun(dunning::Command::LiftDunningHold(LiftDunningHold { hold_id, on: day, reason: reason() }));
            }
            14..=19 => {
                self.plans += 1;
                let instalments = 1 + u32::try_from(dice.roll(5)).unwrap();
                let first_on = day + Days::new(1 + dice.roll(31));
                let rule = accounts::plan_rule();
                self.account(books, AgreePlan { first_on, rule, on: day, ..accounts::agree_plan(self.plans, instalments) });
            }
            20 => {
                self.account(books, CancelPlan { plan_id: accounts::plan_id(self.plans), on: day, reason: reason() });
            }
            _ => {}
        }
    }

    /// Whoever has agreed on a plan mostly keeps it.
    fn keep_to_the_plan(&mut self, books: &mut Books, dice: &mut Dice, day: NaiveDate) {
        let Some(plan) = self.account.receivable().plan() else { return };
        let due = plan.agreed().instalments.iter().find(|instalment| instalment.due_on == day);
        if let Some(minor) = due.map(|instalment| instalment.amount.minor)
            && !dice.one_in(6)
        {
            self.pay(books, day, minor);
        }
    }

    /// The end of a day, and what the desk makes of it.
    fn end(&mut self, books: &mut Books, day: NaiveDate, terms: &RestoreTerms) {
        self.account(books, ReviewPlan { on: day });
        let debt = self.account.receivable().debt(SAR);
        let advance = AdvanceDunning { account_id: self.id, day, debt, ladder: LADDER.clone() };
        let at = moment(day, 1_439);
        for event in self.dun(dunning::Command::AdvanceDunning(advance)) {
            if let dunning::Event::DunningStepTaken(step) = event
                && step.action == Action::OrderDisconnection
                && self.orders.values().all(|order| matches!(order.stage(), Some(Stage::Cancelled | Stage::Restored)))
            {
                let id = DisconnectionId::new(Uuid::from_u128(Uuid::from(self.id).as_u128() * 1_000 + self.orders.len() as u128));
                let request = RequestDisconnection {
                    disconnection_id: id,
                    account_id: self.id,
                    meter_id: orders::METER,
                    way: Way::Crew,
                    owed: step.owed,
                    at,
                };
                assert!(self.order(books, id, disconnection::Command::RequestDisconnection(request)));
            }
        }
        self.reconsider(books, at, terms);
    }
}

/// So many minutes after midnight in Riyadh.
fn moment(day: NaiveDate, minutes: i64) -> Moment {
    let midnight = day.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(minutes);
    midnight.and_local_timezone(chrono::FixedOffset::east_opt(3 * 3_600).unwrap()).unwrap()
}

/// The examples are made of words that are there for good.
fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// A crew's day with an order: sent if the law allows it, and back with a word, or without one until tomorrow.
fn crew(home: &mut Home, books: &mut Books, dice: &mut Dice, day: NaiveDate, (guard, terms): (&Guard, &RestoreTerms)) {
    use disconnection::Command;
    let Some((&id, order)) = home.orders.last_key_value() else { return };
    let mut minutes = 8 * 60 + i64::try_from(dice.roll(200)).unwrap();
    let mut next = |dice: &mut Dice, up_to| {
        minutes += i64::try_from(dice.roll(up_to)).unwrap() + 1;
        moment(day, minutes)
    };
    match order.stage() {
        Some(Stage::Requested) => {
            home.order(books, id, Command::ApproveDisconnection(ApproveDisconnection { at: next(dice, 10) }));
        }
        Some(Stage::Approved | Stage::Failed | Stage::Scheduled { .. }) => {
            let at = next(dice, 10);
            let evidence = home.evidence(day);
            let plan = ScheduleDisconnection { at, planned_for: at, guard: guard.clone(), evidence };
            home.order(books, id, Command::ScheduleDisconnection(plan));
            // Between the plan and the errand something may happen that the desk has not heard of.
            home.something(books, dice, day, MEETING);
            let heard = dice.one_in(2);
            if heard {
                home.reconsider(books, at, terms);
            }
            let evidence = home.evidence(day);
            let held = evidence.held;
            if home.order(books, id, Command::DispatchDisconnection(DispatchDisconnection { at, guard: guard.clone(), evidence })) {
                assert_eq!(held, None, "nobody is sent to who is protected");
            }
            home.something(books, dice, day, MEETING);
            if dice.one_in(2) {
                home.reconsider(books, at, terms);
            }
            let back_at = next(dice, 30);
            report(home, books, dice, id, back_at);
        }
        Some(Stage::Dispatched | Stage::Recalled) => {
            let back_at = next(dice, 30);
            report(home, books, dice, id, back_at);
        }
        _ => {}
    }
    home.reconsider(books, next(dice, 5), terms);
    if let Some(Stage::Restoring { due_by, .. }) = home.orders[&id].stage() {
        // Once in a while the crew is not there in time.
        let within = if dice.one_in(4) { 300 } else { 60 };
        let at = next(dice, within).max(due_by - TimeDelta::minutes(119));
        home.order(books, id, Command::DispatchReconnection(DispatchReconnection { at }));
        home.order(books, id, Command::CheckClock(CheckClock { at }));
        if !dice.one_in(5) {
            home.order(books, id, Command::ReportReconnected(Done { at, reading: None, seal: None, photo: None }));
        }
    }
}

fn report(home: &mut Home, books: &mut Books, dice: &mut Dice, id: DisconnectionId, at: Moment) {
    use disconnection::Command;
    match dice.roll(8) {
        0..=4 => home.order(books, id, Command::ReportDisconnected(Done { at, reading: None, seal: None, photo: None })),
        5 => home.order(books, id, Command::ReportNotDisconnected(NotDone { at, reason: accounts::reason("nobody opened") })),
        _ => false,
    };
}

/// What is so at the end of every day.
fn check(home: &Home, day: NaiveDate) {
    for (id, order) in &home.orders {
        let stage = order.stage().unwrap();
        let told = format!("{day} {id} {stage:?} {:?}", home.dunning.held(day));
        let held = home.dunning.held(day);
        match stage {
            Stage::Cut => {
                assert!(!matches!(held, Some(HoldGround::ProtectedCustomer | HoldGround::InstalmentPlan)), "stays cut: {told}");
                let left = home.account.receivable().debt_with_disputed(SAR).late_for_supply(day);
                assert!(LADDER.is_worth_asking(left), "paid up and cut: {told}");
            }
            Stage::Dispatched => assert_eq!(held, None, "somebody is out: {told}"),
            Stage::Restoring { due_by, late, .. } => {
                assert!(late || moment(day, 1_439) <= due_by, "past the clock, and nobody has said so: {told}")
            }
            _ => {}
        }
        assert!(home.fees.get(id).is_none_or(|fees| *fees == 1), "a fee twice: {told}");
        assert!(home.fell_late.get(id).is_none_or(|late| *late == 1), "late twice: {told}");
    }
    let receivable = home.account.receivable();
    for plan in receivable.plans() {
        let PlanAgreed { total, instalments, .. } = plan.agreed();
        assert_eq!(instalments.iter().map(|instalment| instalment.amount.minor).sum::<i64>(), total.minor);
        match plan.state() {
            PlanState::Running => {
                assert_eq!(plan.paid().minor + receivable.planned(SAR).minor, total.minor, "{day}: what is paid and open is the plan");
                assert!(home.dunning.held(day).is_some(), "{day}: a plan runs, and nothing holds dunning up");
            }
            PlanState::Completed => assert_eq!(plan.paid(), *total, "{day}"),
            PlanState::Broken { .. } | PlanState::Cancelled => assert!(plan.paid().minor <= total.minor, "{day}"),
        }
    }
    let open = home.orders.values().filter(|order| !matches!(order.stage(), Some(Stage::Cancelled | Stage::Restored)));
    assert!(open.count() <= 1, "{day}: one order at a time");
}

fn year(seed: u64) -> Books {
    let (mut dice, mut books) = (Dice(seed), Books::default());
    let (guard, terms) = (orders::guard(), orders::terms());
    let mut homes: Vec<_> = (1..=ACCOUNTS).map(|n| Home::open(n, &mut books)).collect();
    for day in accounts::day("2024-01-01").iter_days().take(364) {
        for home in &mut homes {
            if day.day() == 1 {
                let minor = 20_000 + i64::try_from(dice.roll(50_000)).unwrap();
                home.bill(&mut books, day, minor, ChargeKind::Supply);
            }
            crew(home, &mut books, &mut dice, day, (&guard, &terms));
            home.keep_to_the_plan(&mut books, &mut dice, day);
            home.something(&mut books, &mut dice, day, EVERY_DAY);
            home.reconsider(&mut books, moment(day, 1_300), &terms);
            // The clock is looked at every few seconds.
            for id in home.orders.keys().copied().collect::<Vec<_>>() {
                home.order(&mut books, id, disconnection::Command::CheckClock(CheckClock { at: moment(day, 1_439) }));
            }
            home.end(&mut books, day, &terms);
            check(home, day);
        }
        let aged: Vec<_> = homes.iter().map(|home| home.account.receivable().aged(SAR, day)).collect();
        let bands: i128 = aged.iter().flat_map(|aged| aged.bands.values()).map(|band| i128::from(band.minor)).sum();
        let planned: i128 = aged.iter().map(|aged| i128::from(aged.planned.minor)).sum();
        assert_eq!(books.balance.balance(LedgerAccount::Receivable, SAR), bands, "aging is the control account on {day}");
        assert_eq!(books.balance.balance(LedgerAccount::ReceivableInstalments, SAR), planned, "and plans are theirs on {day}");
        let unapplied: i128 = homes.iter().map(|home| i128::from(home.account.receivable().unapplied(SAR).minor)).sum();
        assert_eq!(books.balance.balance(LedgerAccount::Unapplied, SAR), -unapplied, "and credit is theirs on {day}");
        assert_eq!(books.balance.balance(LedgerAccount::Compensation, SAR), books.compensations, "each who waited has his credit on {day}");
    }
    books
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn a_year_of_collections(seed: u64) {
        year(seed);
    }
}

/// A property about cuts that are never made would prove nothing.
#[test]
fn in_such_years_there_are_cuts_payments_that_meet_them_and_plans_that_are_kept_and_broken() {
    let years = (1..=4).map(year);
    let late = |books: &Books| u32::try_from(books.compensations / i128::from(orders::terms().compensation.minor)).unwrap();
    let of = |books: Books| [books.cuts, books.restored, books.recalled, books.completed, books.broken, late(&books)];
    let [cuts, restored, recalled, completed, broken, late] =
        years.map(of).reduce(|sum, year| std::array::from_fn(|n| sum[n] + year[n])).unwrap();
    println!("{cuts} cuts, {restored} restored, {recalled} called back; {completed} plans completed, {broken} broken; {late} late");
    assert!(cuts > 20 && restored > 10 && recalled > 3, "{cuts} {restored} {recalled}");
    assert!(completed > 5 && broken > 5 && late > 5, "{completed} {broken} {late}");
}
