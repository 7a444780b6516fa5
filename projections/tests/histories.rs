//! Histories of accounts and invoices that nobody thought up: whatever the aggregates allow, with the policies running late.

// Here a few events are asked for among all.
#![allow(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate};
use daftar_domain::{
    Actor, BillingEvent, CommandHash, Currency, Decider, Metadata, Money, Position, Reason, Recorded, StreamName,
    account::{self, Account, AllocationPolicy, CreditId, ItemId, Tender, example as accounts},
    ids::{AccountId, InvoiceId},
    invoice::{self, Dates, Draft, Invoice, Revenue, Surplus, example as invoices},
    policy::{self, Wish},
    rating::Rounding,
    settlement::{self, Settlement},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use uuid::Uuid;

pub const SAR: Currency = Currency::SAR;
const ACCOUNTS: u128 = 3;
const INVOICES: u128 = 8;

/// One history, the same for the same seed.
pub fn history(seed: u64, acts: usize) -> Vec<(Uuid, BillingEvent)> {
    let mut world = World {
        lot: StdRng::seed_from_u64(seed),
        log: vec![],
        accounts: BTreeMap::new(),
        invoices: BTreeMap::new(),
        settlements: BTreeMap::new(),
        told: 0,
    };
    for n in 1..=ACCOUNTS {
        world.account(n, accounts::open());
    }
    for _ in 0..acts {
        world.act();
    }
    world.log
}

/// All accounts as they are after a history.
pub fn accounts_after(history: &[(Uuid, BillingEvent)]) -> BTreeMap<AccountId, Account> {
    let mut accounts: BTreeMap<AccountId, Account> = BTreeMap::new();
    for (id, event) in history {
        if let BillingEvent::Account(event) = event {
            let account = accounts.entry(AccountId::new(*id)).or_default();
            *account = std::mem::take(account).evolve(event);
        }
    }
    accounts
}

struct World {
    lot: StdRng,
    log: Vec<(Uuid, BillingEvent)>,
    accounts: BTreeMap<Uuid, Account>,
    invoices: BTreeMap<Uuid, Invoice>,
    settlements: BTreeMap<Uuid, Settlement>,
    /// How far the policies have come.
    told: usize,
}

impl World {
    /// What is refused does not happen.
    fn account(&mut self, n: u128, command: impl Into<account::Command>) {
        self.ask_account(Uuid::from_u128(n), command.into());
    }

    fn ask_account(&mut self, id: Uuid, command: account::Command) {
        let account = self.accounts.entry(id).or_default();
        for event in account.decide(command).unwrap_or_default() {
            *account = std::mem::take(account).evolve(&event);
            self.log.push((id, BillingEvent::Account(event)));
        }
    }

    fn invoice(&mut self, m: u128, command: invoice::Command) {
        self.ask_invoice(invoice_id(m).into(), command);
    }

    fn ask_invoice(&mut self, id: Uuid, command: invoice::Command) {
        let invoice = self.invoices.entry(id).or_default();
        for event in invoice.decide(command).unwrap_or_default() {
            *invoice = std::mem::take(invoice).evolve(&event);
            self.log.push((id, BillingEvent::Invoice(event)));
        }
    }

    fn settlement(&mut self, wish: settlement::RecordSubsidySettlement) {
        let id = Settlement::subsidy_stream(&wish.authority, &wish.reference).id();
        let settlement = self.settlements.entry(id).or_default();
        for event in settlement.decide(settlement::Command::RecordSubsidySettlement(wish)).unwrap_or_default() {
            *settlement = std::mem::take(settlement).evolve(&event);
            self.log.push((id, BillingEvent::Settlement(event)));
        }
    }

    /// Lets the policies hear the next event.
    fn tell(&mut self) {
        let Some((id, event)) = self.log.get(self.told).cloned() else { return };
        let before = self.log[..self.told].iter().filter(|(of, told)| *of == id && told.category() == event.category());
        let revision = before.count().try_into().unwrap();
        self.told += 1;
        let stream = StreamName::new(event.category(), id).unwrap();
        let metadata = Metadata {
            recorded_at: DateTime::UNIX_EPOCH,
            actor: Actor::job("spec"),
            command_id: Uuid::nil(),
            command_hash: CommandHash::of(&()),
            correlation_id: Uuid::nil(),
            causation_id: Uuid::nil(),
            schema_version: event.version(),
        };
        let position = Position::single(self.told.try_into().unwrap());
        let id = Uuid::from_u128(self.told.try_into().unwrap());
        let Some(request) = policy::request(&Recorded { id, stream, revision, position, metadata, event }) else { return };
        match request.wish {
            Wish::Account(command) => self.ask_account(request.stream.id(), *command),
            Wish::Invoice(command) => self.ask_invoice(request.stream.id(), *command),
            // No gateway takes part here.
            Wish::Payment(_) => {}
            // Here documents are numbered by hand.
            Wish::Application(_)
            | Wish::Dunning(_)
            | Wish::Meter(_)
            | Wish::Register(_)
            | Wish::Repair(_)
            | Wish::ServicePoint(_)
            | Wish::Stock(_) => {}
        }
    }

    fn act(&mut self) {
        let (n, m) = (self.lot.random_range(1..=ACCOUNTS), self.lot.random_range(0..INVOICES));
        let (small, flag) = (u32::try_from(m).unwrap() + 1, self.lot.random::<bool>());
        let minor = if self.lot.random_ratio(1, 6) { self.lot.random_range(1..60) } else { self.lot.random_range(100..20_000) };
        let policy = [AllocationPolicy::OldestDue, AllocationPolicy::Priority, AllocationPolicy::ProRata][self.lot.random_range(0..3)];
        let items = [ItemId::Invoice(invoice_id(m)), ItemId::DebitNote(accounts::note_id(m)), accounts::opening_item()];
        let item = items[if flag { self.lot.random_range(0..3) } else { 0 }];
        let (day, reason) = (on(self.lot.random_range(0..30)), Reason::new("drawn by lot").unwrap());
        let surplus = if flag { Surplus::AccountCredit } else { Surplus::Refund };
        match self.lot.random_range(0..46) {
            0..=5 => {
                let revenues = [Revenue::Energy, Revenue::ReconnectFee, Revenue::LateFee, Revenue::Parts];
                let lines = revenues.iter().take(usize::try_from(n).unwrap()).map(|revenue| invoices::line(*revenue, minor)).collect();
                let draft = match flag {
                    true => invoices::subsidised(&accounts::sar(minor).to_decimal().to_string()),
                    false => Draft::of_fees(invoices::heading(), lines, Rounding::default()).unwrap(),
                };
                let dates = Dates::new(day, day + Days::new(15)).unwrap();
                let number = invoices::number("INV", m.try_into().unwrap());
                let account_id = AccountId::new(Uuid::from_u128(m % ACCOUNTS + 1));
                let wish = invoice::IssueAtOnce { invoice_id: invoice_id(m), account_id, draft, dates, number };
                self.invoice(m, invoice::Command::IssueAtOnce(wish));
            }
            6 => {
                let lines = vec![invoice::CreditLine { line: invoices::on_invoice(1), net: accounts::sar(minor / 3) }];
                let note_id = accounts::note_id(100 + m * 4 + n);
                let note = invoice::ApproveCreditNote { note_id, issued_on: day, lines, surplus, ..invoices::credit() };
                self.invoice(m, invoice::Command::ApproveCreditNote(note));
            }
            7 => {
                let (note_id, numbering) = (accounts::note_id(200 + m), invoices::numbering("CRN"));
                let note = invoice::CancelInvoice { note_id, issued_on: day, surplus, reason, numbering };
                self.invoice(m, invoice::Command::CancelInvoice(note));
            }
            8 | 9 => {
                for note in [100 + m * 4 + n, 200 + m] {
                    let number = invoices::number("CRN", note.try_into().unwrap());
                    let wish = invoice::IssueCreditNote { note_id: accounts::note_id(note), number };
                    self.invoice(m, invoice::Command::IssueCreditNote(wish));
                }
            }
            10 => {
                let (note_id, dates) = (accounts::note_id(m), Dates::new(day, day + Days::new(15)).unwrap());
                let lines = vec![invoices::line(Revenue::ReconnectFee, minor)];
                let note = invoice::ApproveDebitNote { note_id, dates, lines, ..invoices::debit() };
                self.invoice(m, invoice::Command::ApproveDebitNote(note));
                let wish = invoice::IssueDebitNote { note_id, number: invoices::number("DBN", m.try_into().unwrap()) };
                self.invoice(m, invoice::Command::IssueDebitNote(wish));
            }
            11..=16 => {
                let directed = if flag { vec![item] } else { vec![] };
                let tender = [Tender::Cash, Tender::Transfer, Tender::Cheque, Tender::Card][usize::try_from(m).unwrap() % 4];
                self.account(
                    n,
                    account::RecordPayment {
                        directed,
                        policy: flag.then_some(policy),
                        tender,
                        ..accounts::record_payment(small, minor * 2)
                    },
                );
            }
            17 => self.account(n, accounts::reverse_payment(small)),
            18 => self.account(n, accounts::refund(accounts::payment(small), m, minor / 20)),
            19 => self.account(n, accounts::refund(CreditId::CreditNote(accounts::note_id(100 + m * 4 + n)), 50 + m, minor / 9)),
            20 => self.account(n, account::ReturnRefund { refund_id: accounts::refund_id(m), on: day, reason }),
            21 => self.account(n, accounts::take_deposit(m % 2, minor)),
            22 => self.account(n, account::ApplyDeposit { deposit_id: accounts::deposit_id(m % 2), item, on: day }),
            23 => self.account(n, accounts::return_deposit(m % 2)),
            24 => self.account(n, account::DisputeItem { item, on: day, reason }),
            25 => self.account(n, account::ResolveDispute { item, on: day, reason }),
            26 => {
                let limit = accounts::sar(minor * 2);
                self.account(n, account::WriteOff { item, approved_by: Actor::user("9"), limit, on: day, reason });
            }
            27 => self.account(n, account::WriteOffSmallBalances { on: day }),
            28 => self.account(n, account::FreeAllocations { item, on: day, reason }),
            29 => self.account(n, account::ReapplyCredit { item, on: day }),
            30 => self.account(n, account::Command::ImportOpeningBalance(accounts::import_opening_balance())),
            31 if flag => {
                let account::ImportOpeningBalance { batch_id, row, .. } = accounts::import_opening_balance();
                self.account(n, account::Command::ReverseOpeningBalance(account::ReverseOpeningBalance { batch_id, row, reason }));
            }
            32 | 33 => self.invoice(m, invoice::Command::MarkOverdue(invoice::MarkOverdue { as_of: day + Days::new(40) })),
            34 | 35 => {
                let (first_on, items) = (day + Days::new(1 + u64::from(small)), if flag { vec![item] } else { vec![] });
                let wish = accounts::agree_plan(m * 4 + n, small);
                self.account(n, account::AgreePlan { items, first_on, on: day, rule: accounts::any_plan_rule(), ..wish });
            }
            38 => self.account(n, account::ChooseAllocationPolicy { policy }),
            36 if flag => self.account(n, account::ReviewPlan { on: day }),
            36 => self.account(n, account::CancelPlan { plan_id: accounts::plan_id(m * 4 + n), on: day, reason }),
            37 => self.account(n, account::CreditCompensation { on: day, ..accounts::credit_compensation(m, minor) }),
            39 => {
                let reference = daftar_domain::Code::new(format!("Q-{m}")).unwrap();
                let wish = settlement::example::record_subsidy();
                self.settlement(settlement::RecordSubsidySettlement { reference, amount: accounts::sar(minor), settled_on: day, ..wish });
            }
            _ => (0..=m).for_each(|_| self.tell()),
        }
    }
}

/// The last day on which anything can be made to happen, and some after it.
pub fn the_end() -> NaiveDate {
    on(80)
}

fn on(weeks: u64) -> NaiveDate {
    accounts::day("2024-03-01") + Days::new(weeks * 7)
}

fn invoice_id(m: u128) -> InvoiceId {
    accounts::invoice_id(m)
}

pub fn sar(minor: i128) -> Money {
    Money::new(minor.try_into().unwrap(), SAR)
}
