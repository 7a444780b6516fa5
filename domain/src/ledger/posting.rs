//! What each event does to the books.
//!
//! A document is posted when it is issued and again when it reaches its account, by way of 1115, so that the receivable is what accounts owe at
//! every position and not only once everything has arrived. All money and credit of a customer's goes by way of 2210 likewise: what comes
//! is his, and pays items in facts of their own.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{
    AccountingPeriods, Journal, JournalError,
    LedgerAccount::{self, *},
    SubLedger,
    journal::Entries,
    periods,
};
use crate::{
    BillingEvent, Decider, Money, Recorded,
    account::{self, Account, Approval, Tender},
    ids::{AccountId, CashSessionId},
    invoice::{self, Invoice, Revenue, TaxDocument},
    repair::Coverage,
    settlement::{self, GatewaySettled, Settlement},
    stock::{self, Stock},
};

/// Whose events make the books, because they may move money or close a month: who keeps books reads these.
pub const CATEGORIES: &[&str] = &[Account::CATEGORY, AccountingPeriods::CATEGORY, Invoice::CATEGORY, Settlement::CATEGORY, Stock::CATEGORY];

/// The event's journal; nothing, if it moves no money.
pub fn post(recorded: &Recorded<BillingEvent>) -> Result<Option<Journal>, JournalError> {
    let posting = match &recorded.event {
        BillingEvent::Account(event) => of_account(AccountId::new(recorded.stream.id()), event, recorded.metadata.recorded_at.date_naive()),
        BillingEvent::Invoice(event) => of_invoice(event),
        BillingEvent::Settlement(settlement::Event::GatewaySettled(fact)) => Some((fact.settled_on, settled(fact))),
        BillingEvent::Settlement(settlement::Event::SubsidySettled(fact)) => {
            Some((fact.settled_on, Entries::default().debit(Bank, None, fact.amount).credit(SubsidyReceivable, None, fact.amount)))
        }
        BillingEvent::Stock(event) => of_stock(event),
        BillingEvent::AccountingPeriods(event) => of_periods(event),
        // A payment through a gateway is money once its account has it.
        BillingEvent::Payment(_)
        | BillingEvent::Application(_)
        | BillingEvent::AppointmentDay(_)
        | BillingEvent::Audit(_)
        | BillingEvent::BillRun(_)
        | BillingEvent::Branch(_)
        | BillingEvent::ConnectionPrices(_)
        | BillingEvent::Correction(_)
        | BillingEvent::Disconnection(_)
        | BillingEvent::Dunning(_)
        | BillingEvent::ServicePoint(_)
        | BillingEvent::Meter(_)
        | BillingEvent::Part(_)
        | BillingEvent::Premises(_)
        | BillingEvent::ReadCycle(_)
        | BillingEvent::RefusedRequest(_)
        | BillingEvent::Register(_)
        // What a repair costs is its parts', what it earns its invoice's.
        | BillingEvent::Repair(_)
        | BillingEvent::Reservation(_)
        | BillingEvent::Tariff(_)
        | BillingEvent::User(_) => None,
    };
    posting.map_or(Ok(None), |(effective_on, entries)| Journal::new(recorded.id, recorded.position, effective_on, entries))
}

type Posting = Option<(NaiveDate, Entries)>;

fn of_account(account_id: AccountId, event: &account::Event, recorded_on: NaiveDate) -> Posting {
    use account::Event;
    let customer = Some(SubLedger::Customer(account_id));
    let transfer = |debit: LedgerAccount, credit: LedgerAccount, amount: Money| {
        Entries::default().debit(debit, customer, amount).credit(credit, customer, amount)
    };
    Some(match event {
        Event::OpeningBalanceImported(fact) => {
            let owed = Money::new(fact.balance.minor + fact.unapplied_credit.minor, fact.balance.currency);
            (fact.as_of, opening(customer, owed, fact.unapplied_credit, fact.deposit))
        }
        // It is for the day on which it was found wrong.
        Event::OpeningBalanceReversed(fact) => {
            let owed = Money::new(fact.balance.minor + fact.unapplied_credit.minor, fact.balance.currency);
            (recorded_on, opening(customer, owed, fact.unapplied_credit, fact.deposit).reversed())
        }
        Event::AccountCharged(fact) => (fact.issued_on, transfer(Receivable, IssuedNotCharged, fact.amount)),
        Event::AccountCredited(fact) => (fact.issued_on, transfer(IssuedNotCharged, Unapplied, fact.amount)),
        Event::CompensationCredited(fact) => (fact.on, transfer(Compensation, Unapplied, fact.amount)),
        Event::SubsidyCredited(fact) => (fact.on, transfer(SubsidyReceivable, Unapplied, fact.amount)),
        Event::SubsidyTakenBack(fact) => (fact.on, transfer(Unapplied, SubsidyReceivable, fact.amount)),
        Event::PaymentReceived(fact) => {
            (fact.value_on, money_in(fact.tender, fact.session, fact.amount).credit(Unapplied, customer, fact.amount))
        }
        Event::PaymentReversed(fact) => {
            let taken_back = Money::new(fact.amount.minor - fact.written_off.minor, fact.amount.currency);
            let entries = money_in(fact.tender, None, fact.amount).reversed();
            (fact.on, entries.debit(Unapplied, customer, taken_back).debit(Rounding, customer, fact.written_off))
        }
        Event::CreditAllocated(fact) => {
            let paid = if fact.plan.is_some() { ReceivableInstalments } else { Receivable };
            (fact.effective_on, transfer(Unapplied, paid, fact.amount))
        }
        Event::AllocationFreed(fact) => (fact.effective_on, transfer(Receivable, Unapplied, fact.amount)),
        Event::CreditRefunded(fact) => {
            (fact.on, money_in(fact.tender, None, fact.amount).reversed().debit(Unapplied, customer, fact.amount))
        }
        Event::RefundReturned(fact) => (fact.on, money_in(fact.tender, None, fact.amount).credit(Unapplied, customer, fact.amount)),
        Event::DepositTaken(fact) => (fact.on, money_in(fact.tender, fact.session, fact.amount).credit(Deposits, customer, fact.amount)),
        Event::DepositReleased(fact) => (fact.on, transfer(Deposits, Unapplied, fact.amount)),
        Event::DepositReturned(fact) => {
            (fact.on, money_in(fact.tender, None, fact.amount).reversed().debit(Deposits, customer, fact.amount))
        }
        Event::DebtWrittenOff(fact) => {
            let loss = match fact.approval {
                Approval::SmallBalance => Rounding,
                Approval::Given { .. } => BadDebts,
            };
            (fact.on, transfer(loss, Receivable, fact.amount))
        }
        Event::CreditWrittenOff(fact) => (fact.on, transfer(Unapplied, Rounding, fact.amount)),
        // What goes to the state is no income.
        Event::DebtRecovered(fact) => {
            let relief = fact.relief.unwrap_or(Money::zero(fact.amount.currency));
            let income = Money::new(fact.amount.minor - relief.minor, relief.currency);
            let entries = Entries::default().debit(Receivable, customer, fact.amount).credit(RecoveredDebts, customer, income);
            (fact.on, entries.credit(VatPayable, customer, relief))
        }
        Event::VatReliefClaimed(fact) => (fact.on, transfer(VatPayable, BadDebts, fact.vat)),
        Event::PlanAgreed(fact) => (fact.effective_on, transfer(ReceivableInstalments, Receivable, fact.total)),
        Event::PlanBroken(fact) => (fact.effective_on, transfer(Receivable, ReceivableInstalments, fact.remaining)),
        Event::PlanCancelled(fact) => (fact.effective_on, transfer(Receivable, ReceivableInstalments, fact.remaining)),
        Event::ChequeCleared(fact) => (fact.on, Entries::default().debit(Bank, None, fact.amount).credit(ChequesInHand, None, fact.amount)),
        Event::AccountOpened(_)
        | Event::AccountReclassified(_)
        | Event::HolderRenamed(_)
        | Event::IdentityRecorded(_)
        | Event::LanguageChosen(_)
        | Event::CurrencyChosen(_)
        | Event::AllocationPolicyChosen(_)
        | Event::ContactAdded(_)
        | Event::ContactChanged(_)
        | Event::ContactRemoved(_)
        | Event::AddressAdded(_)
        | Event::AddressChanged(_)
        | Event::AddressRemoved(_)
        | Event::VatStatusSet(_)
        | Event::LinkedToLedger(_)
        | Event::SubsidyGranted(_)
        | Event::SubsidyEnded(_)
        | Event::ServiceBegun(_)
        | Event::ServiceEnded(_)
        | Event::MeterFitted(_)
        | Event::MeterTakenOff(_)
        | Event::ConnectionCleared(_)
        | Event::ConnectionWithdrawn(_)
        | Event::AccountSuspended(_)
        | Event::AccountResumed(_)
        | Event::AccountClosed(_)
        | Event::ItemDisputed(_)
        | Event::DisputeResolved(_)
        // A fee is owed when its invoice is.
        | Event::LateFeeAssessed(_)
        | Event::LateFeeWaived(_)
        | Event::RebillBegun(_)
        | Event::RebillEnded(_)
        | Event::InstalmentMissed(_)
        // Nothing of it is left by then.
        | Event::PlanCompleted(_) => return None,
    })
}

/// What an invoice says of being paid, overdue or given up is an echo of its account, and moves nothing here.
fn of_invoice(event: &invoice::Event) -> Posting {
    use invoice::Event;
    match event {
        Event::InvoiceIssued(fact) => Some((fact.dates.issued_on, issue(fact.account_id, &fact.document))),
        Event::DebitNoteIssued(fact) => Some((fact.note.dates.issued_on, issue(fact.account_id, &fact.note.document))),
        Event::CreditNoteIssued(fact) => Some((fact.note.issued_on, issue(fact.account_id, &fact.note.document).reversed())),
        Event::InvoiceDrafted(_)
        | Event::InvoiceHeld(_)
        | Event::InvoiceReleased(_)
        | Event::DraftDiscarded(_)
        | Event::InvoiceApproved(_)
        | Event::CreditNoteApproved(_)
        | Event::InvoiceCancelled(_)
        | Event::DebitNoteApproved(_)
        | Event::InvoicePartlyPaid(_)
        | Event::InvoiceSettled(_)
        | Event::InvoiceReopened(_)
        | Event::InvoiceFellOverdue(_)
        | Event::InvoiceWrittenOff(_) => None,
    }
}

/// Parts are worth what they cost, on the shelf and when they leave it.
fn of_stock(event: &stock::Event) -> Posting {
    use stock::Event;
    match event {
        Event::StockReceived(fact) => {
            Some((fact.on, Entries::default().debit(SpareParts, None, fact.cost).credit(Suppliers, None, fact.cost)))
        }
        Event::StockUsed(fact) => {
            let expense = match fact.coverage {
                Coverage::Customer => PartsCost,
                Coverage::Warranty => WarrantyCost,
            };
            Some((fact.on, Entries::default().debit(expense, None, fact.cost).credit(SpareParts, None, fact.cost)))
        }
        Event::StockCounted(fact) => {
            Some((fact.on, Entries::default().debit(SpareParts, None, fact.value).credit(PartsCost, None, fact.value)))
        }
        Event::StockReserved(_)
        | Event::ShortageRecorded(_)
        | Event::StockGivenBack(_)
        | Event::ReorderLevelSet(_)
        | Event::StockRanLow(_)
        | Event::StockRanOut(_) => None,
    }
}

fn of_periods(event: &periods::Event) -> Posting {
    match event {
        periods::Event::AllowanceSet(fact) => {
            let change = fact.change();
            Some((fact.on, Entries::default().debit(BadDebts, None, change).credit(DoubtfulDebts, None, change)))
        }
        periods::Event::PeriodOpened(_) | periods::Event::PeriodClosed(_) => None,
    }
}

fn issue(account_id: AccountId, document: &TaxDocument) -> Entries {
    let customer = Some(SubLedger::Customer(account_id));
    let mut income: BTreeMap<LedgerAccount, Money> = BTreeMap::new();
    for line in &document.lines {
        income.entry(revenue(line.revenue)).or_insert(Money::zero(line.net.currency)).minor += line.net.minor;
    }
    let entries = Entries::default().debit(IssuedNotCharged, customer, document.total);
    let entries = income.into_iter().fold(entries, |entries, (account, net)| entries.credit(account, customer, net));
    entries.credit(VatPayable, customer, document.vat).credit(Rounding, customer, document.rounding)
}

/// What a gateway had taken for us reaches the bank, less what it keeps for its trouble and the VAT on that.
fn settled(fact: &GatewaySettled) -> Entries {
    let entries = Entries::default().debit(Bank, None, fact.net).debit(GatewayCommission, None, fact.commission);
    entries.debit(VatRecoverable, None, fact.vat).credit(GatewayClearing, None, fact.gross)
}

/// Whatever the other system knew of how it came about, here it began as equity.
fn opening(customer: Option<SubLedger>, owed: Money, credit: Money, deposit: Money) -> Entries {
    let net = Money::new(owed.minor - credit.minor - deposit.minor, owed.currency);
    let entries = Entries::default().debit(Receivable, customer, owed).credit(Unapplied, customer, credit);
    entries.credit(Deposits, customer, deposit).credit(OpeningEquity, customer, net)
}

fn money_in(tender: Tender, session: Option<CashSessionId>, amount: Money) -> Entries {
    let (account, till) = match tender {
        Tender::Cash => (CashOnHand, session.map(SubLedger::Till)),
        Tender::Transfer => (Bank, None),
        Tender::Pos | Tender::Card | Tender::Wallet => (GatewayClearing, None),
        Tender::Cheque => (ChequesInHand, session.map(SubLedger::Till)),
    };
    Entries::default().debit(account, till, amount)
}

fn revenue(revenue: Revenue) -> LedgerAccount {
    match revenue {
        Revenue::Energy => EnergyRevenue,
        Revenue::Water => WaterRevenue,
        Revenue::Sewer => SewerRevenue,
        Revenue::FixedFee => FixedFees,
        Revenue::ConnectionFee => ConnectionFees,
        Revenue::ReconnectFee => ReconnectFees,
        Revenue::LateFee => LateFees,
        Revenue::BouncedPaymentFee => BouncedPaymentFees,
        Revenue::RepairLabour => RepairLabour,
        Revenue::Parts => PartsSales,
    }
}
