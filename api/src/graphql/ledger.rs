//! The books, for those who keep them and those who look into them.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use daftar_domain::{
    BillingPeriod,
    account::Language as DomainLanguage,
    ledger::{LedgerAccount as Account, SubLedger, TrialBalance as Balances},
};
use daftar_projections::ledger::{self, Cursor, Line};

use super::{
    answer, app,
    at_hand::at_hand,
    caller,
    enums::{LedgerKind, Side},
    language,
    money::{Money, whole},
    paging::{Connection, Paging, cost, cursor, part},
    scalars::Date,
    when::{AsOfInput, When},
};
use crate::{
    caller::BOOKS,
    input,
    language::Language,
    problem::{Flaw, Problem},
};

#[derive(Clone, Copy, Debug)]
struct LedgerAccount(Account);

/// An account of the books, not to be taken for a customer's.
#[Object]
impl LedgerAccount {
    /// Stable: exports and auditors know accounts by it.
    async fn number(&self) -> u16 {
        self.0.number()
    }

    /// Its name, in the language of the request.
    async fn name(&self, context: &Context<'_>) -> &'static str {
        self.0.name(match language(context) {
            Language::Arabic => DomainLanguage::Arabic,
            Language::English => DomainLanguage::English,
        })
    }

    /// What kind of account it is.
    async fn kind(&self) -> LedgerKind {
        self.0.kind().into()
    }
}

/// What an account of the books stands at in one currency.
#[derive(Debug, SimpleObject)]
struct LedgerBalance {
    /// The account.
    account: LedgerAccount,
    /// Debits less credits.
    balance: Money,
}

/// What every account of the books stands at.
#[derive(Debug, SimpleObject)]
struct TrialBalance {
    /// Those that do not stand at nothing.
    balances: Vec<LedgerBalance>,
    /// In each currency, what all of them come to: nothing, or something is wrong.
    differences: Vec<Money>,
    /// The digest of the balances, as the closing of a period records it.
    digest: String,
}

impl TrialBalance {
    fn new(balances: &Balances) -> Result<Self, Problem> {
        let balance = |(account, currency, minor)| Ok(LedgerBalance { account: LedgerAccount(account), balance: whole(minor, currency)? });
        let mut currencies: Vec<_> = balances.balances().map(|(_, currency, _)| currency).collect();
        currencies.sort_unstable();
        currencies.dedup();
        Ok(Self {
            balances: balances.balances().map(balance).collect::<Result<_, Problem>>()?,
            differences: currencies.into_iter().map(|currency| whole(balances.difference(currency), currency)).collect::<Result<_, _>>()?,
            digest: balances.digest().to_string(),
        })
    }
}

#[derive(Clone, Debug)]
struct LedgerEntry {
    line: Line,
    /// Of its account in its currency, once it was posted; where that was asked for.
    balance: Option<Money>,
}

at_hand!(LedgerEntry: side, amount, account_id, cash_session_id, effective_on, event_id, event_type, position, balance);

/// One side of what an event did to the books.
#[Object]
impl LedgerEntry {
    /// The account.
    async fn account(&self) -> LedgerAccount {
        LedgerAccount(self.line.entry.account)
    }

    /// On which side.
    async fn side(&self) -> Side {
        self.line.entry.side.into()
    }

    /// How much.
    async fn amount(&self) -> Money {
        self.line.entry.amount.into()
    }

    /// The customer's account whose part of the books it is.
    async fn account_id(&self) -> Option<ID> {
        match self.line.entry.sub_ledger {
            Some(SubLedger::Customer(id)) => Some(ID(id.to_string())),
            Some(SubLedger::Till(_)) | None => None,
        }
    }

    /// The cash session whose part of the books it is.
    async fn cash_session_id(&self) -> Option<ID> {
        match self.line.entry.sub_ledger {
            Some(SubLedger::Till(id)) => Some(ID(id.to_string())),
            Some(SubLedger::Customer(_)) | None => None,
        }
    }

    /// The day it applies to.
    async fn effective_on(&self) -> Date {
        self.line.at.effective_on.into()
    }

    /// The event that it is of.
    async fn event_id(&self) -> ID {
        ID(self.line.event_id.to_string())
    }

    /// What that event says.
    async fn event_type(&self) -> &str {
        &self.line.event_type
    }

    /// Where it stands in the order of all events.
    async fn position(&self) -> String {
        self.line.at.position.to_string()
    }

    /// What the account stood at afterwards, debits less credits; only in a general ledger.
    async fn balance(&self) -> Option<Money> {
        self.balance
    }
}

impl LedgerEntry {
    fn cursor(&self) -> String {
        let Cursor { effective_on, position, line } = self.line.at;
        cursor("generalLedger", &[&effective_on, &position, &line])
    }
}

/// The entries of an account of the books.
#[derive(Debug, SimpleObject)]
struct GeneralLedger {
    /// The account.
    account: LedgerAccount,
    /// What it stood at before the first entry of this page: debits less credits.
    opening: Money,
    /// The entries, in the order of their days.
    entries: Connection<LedgerEntry>,
}

/// A time for which books are kept.
#[derive(Debug, SimpleObject)]
struct AccountingPeriod {
    /// The first day.
    from: Date,
    /// The day after the last.
    to: Date,
    /// Whether it is closed.
    closed: bool,
    /// Up to where in the order of all events its books go; null while it is open.
    closed_at: Option<String>,
    /// The digest of its trial balance, recorded when it was closed.
    digest: Option<String>,
}

/// What an accounting period moved on an account of the books.
#[derive(Debug, SimpleObject)]
struct Turnover {
    /// The account.
    account: LedgerAccount,
    /// The sum of the debits.
    debit: Money,
    /// The sum of the credits.
    credit: Money,
}

#[derive(Debug, Default)]
pub struct LedgerQuery;

#[Object]
impl LedgerQuery {
    /// Every account of the books. For everybody on the staff.
    async fn chart_of_accounts(&self, context: &Context<'_>) -> Option<Result<Vec<LedgerAccount>>> {
        let chart = caller(context).staff(crate::caller::EVERY_DESK).map(|()| Account::ALL.iter().copied().map(LedgerAccount).collect());
        Some(answer(context, chart))
    }

    /// What every account of the books stands at.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn trial_balance(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As of which moment; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<TrialBalance>> {
        let balance = async {
            caller(context).staff(BOOKS)?;
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            TrialBalance::new(&ledger::trial_balance(&app.read_models, when.as_of(app).await?).await?)
        };
        Some(answer(context, balance.await))
    }

    /// The entries of one account of the books in one currency, from a day on.
    #[allow(clippy::too_many_arguments, reason = "they are the field's, each described")]
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn general_ledger(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The account's number.")] account: u16,
        #[graphql(desc = "The ISO 4217 code of the currency.")] currency: String,
        #[graphql(desc = "The first day.")] from: Date,
        #[graphql(desc = "Up to which day, and as it was known when; now without it.")] as_of: Option<AsOfInput>,
        #[graphql(desc = "How many entries on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<GeneralLedger>> {
        let page = async {
            caller(context).staff(BOOKS)?;
            let (app, paging, when) = (app(context), Paging::new(first, after)?, When::parse(app(context), as_of)?);
            let account = Account::of_number(account).ok_or(Problem::invalid("account", Flaw::Unknown))?;
            let of = (account, input::currency(&currency)?);
            let from = from.day("from")?;
            let place = paging.place("generalLedger")?.map(|[day, position, line]: [String; 3]| {
                Ok::<_, Problem>(Cursor { effective_on: part(&day)?, position: part(&position)?, line: part(&line)? })
            });
            let as_of = when.as_of(app).await?;
            let mut db = app.read_models.acquire().await?;
            let found = ledger::general_ledger(&mut db, of, from, place.transpose()?, as_of, paging.limit()).await?;
            let mut balance = found.opening;
            let lines = found.lines.into_iter().map(|line| {
                balance += line.entry.signed();
                Ok::<_, Problem>(LedgerEntry { line, balance: Some(whole(balance, of.1)?) })
            });
            let lines = lines.collect::<Result<_, _>>()?;
            let pool = app.read_models.clone();
            let count = move || {
                let pool = pool.clone();
                async move { Ok(ledger::entries(&pool, of, from, as_of).await?) }
            };
            let opening = whole(found.opening, of.1)?;
            Ok(GeneralLedger {
                account: LedgerAccount(account),
                opening,
                entries: Connection::new(&paging, lines, LedgerEntry::cursor, count),
            })
        };
        Some(answer(context, page.await))
    }

    /// What an event did to the books; nothing, if it moved no money.
    async fn journal(&self, context: &Context<'_>, #[graphql(desc = "The event's id.")] event_id: ID) -> Option<Result<Vec<LedgerEntry>>> {
        let entries = async {
            caller(context).staff(BOOKS)?;
            let lines = ledger::journal(&app(context).read_models, super::id("eventId", &event_id)?).await?;
            Ok(lines.into_iter().map(|line| LedgerEntry { line, balance: None }).collect())
        };
        Some(answer(context, entries.await))
    }

    /// The accounting periods, in their order.
    #[graphql(complexity = "1 + 12 * child_complexity")]
    async fn accounting_periods(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As they were known then; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<AccountingPeriod>>> {
        let periods = async {
            caller(context).staff(BOOKS)?;
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            let found = ledger::periods(&app.read_models, when.as_of(app).await?).await?;
            let periods = found.into_iter().map(|period| AccountingPeriod {
                from: period.period.from().into(),
                to: period.period.to().into(),
                closed: period.closed.is_some(),
                closed_at: period.closed.map(|(position, _)| position.to_string()),
                digest: period.closed.map(|(_, digest)| digest.to_string()),
            });
            Ok(periods.collect())
        };
        Some(answer(context, periods.await))
    }

    /// What an accounting period moved: what is for its days and was known when it closed, and what came late for those before it.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn turnover(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The period's first day.")] from: Date,
        #[graphql(desc = "The day after the period's last.")] to: Date,
        #[graphql(desc = "As it was known then; now without it.")] as_of: Option<AsOfInput>,
    ) -> Option<Result<Vec<Turnover>>> {
        let turnovers = async {
            caller(context).staff(BOOKS)?;
            let (app, when) = (app(context), When::parse(app(context), as_of)?);
            let not_a_period = |_| Problem::invalid("to", Flaw::NotAPeriod { longest: 366 });
            let period = BillingPeriod::new(from.day("from")?, to.day("to")?).map_err(not_a_period)?;
            let as_of = when.as_of(app).await?;
            let mut db = app.read_models.acquire().await?;
            let found = ledger::turnover(&mut db, period, as_of).await?;
            let turnover = |turnover: ledger::Turnover| {
                let ledger::Turnover { account, currency, debit, credit } = turnover;
                Ok(Turnover { account: LedgerAccount(account), debit: whole(debit, currency)?, credit: whole(credit, currency)? })
            };
            found.into_iter().map(turnover).collect()
        };
        Some(answer(context, turnovers.await))
    }
}
