//! Accounts: who is billed, in which class, how taxed, and until when.

use async_graphql::{ComplexObject, Context, ID, InputObject, Result as Answer, SimpleObject};
use daftar_domain::{
    SealedFor,
    account::{
        self as domain, ChooseCurrency, ChooseLanguage, CloseAccount, Command, EndSubsidy, GrantSubsidy, IdentityDocument, LinkToLedger,
        Reclassify, RecordIdentity, RenameHolder, ResumeAccount, SetVatStatus, SuspendAccount,
    },
};

use super::{
    By::{self, Staff, StaffAndCustomers},
    Record, mutations,
};
use crate::{
    app::{NewAccount, Wish, Written},
    caller::{Role, Visible},
    graphql::{
        account::Account,
        answer, app, caller,
        enums::{CustomerClass, DocumentLanguage, VatCategory},
        scalars::Date,
    },
    input,
    problem::Problem,
};

const BILLING: By = Staff(&[Role::Billing]);
const BOOKS: By = Staff(&[Role::Billing, Role::Finance]);

mutations! {
    AccountMutation

    /// Opens an account for somebody who will be billed.
    open_account(OpenAccountInput) -> OpenAccountPayload, by BILLING;
    /// Puts the account into another class of customers, from a day on.
    reclassify_account(ReclassifyAccountInput) -> AccountPayload, by BILLING;
    /// Gives the account's holder another name, from a day on.
    rename_holder(RenameHolderInput) -> AccountPayload, by BILLING;
    /// Records what proves who the holder is. It stands on tax documents.
    record_identity(RecordIdentityInput) -> AccountPayload, by BILLING;
    /// Chooses what the customer's documents and messages are written in.
    choose_language(ChooseLanguageInput) -> AccountPayload, by StaffAndCustomers(&[Role::Billing, Role::Cashier]);
    /// Chooses another currency, as long as nothing has been posted.
    choose_currency(ChooseCurrencyInput) -> AccountPayload, by BILLING;
    /// Says that the customer is taxed otherwise than the tariff says, for some days or from a day on.
    set_vat_status(SetVatStatusInput) -> AccountPayload, by BOOKS;
    /// Records that an authority has granted the account a subsidy, for some days or from a day on. A later word about the same days counts.
    grant_subsidy(GrantSubsidyInput) -> AccountPayload, by BOOKS;
    /// Records that a subsidy is granted no more, from a day on.
    end_subsidy(EndSubsidyInput) -> AccountPayload, by BOOKS;
    /// Ties the account to its counterpart in the chart of accounts.
    link_to_ledger(LinkToLedgerInput) -> AccountPayload, by Staff(&[Role::Finance]);
    /// Suspends the account: it is still billed and still pays, and begins nothing new.
    suspend_account(SuspendAccountInput) -> AccountPayload, by BILLING;
    /// Ends the account's suspension.
    resume_account(ResumeAccountInput) -> AccountPayload, by BILLING;
    /// Closes an account that is supplied with nothing, owes nothing and is owed nothing.
    close_account(CloseAccountInput) -> AccountPayload, by BILLING;
}

/// What is known of a new customer.
#[derive(Debug, InputObject)]
struct OpenAccountInput {
    /// Who is billed, as it is to stand on the bill: one line of at most 200 characters. Kept encrypted.
    holder_name: String,
    /// A number that the account brings along from another system, of up to 20 Latin letters, digits and hyphens; without one it is given one.
    number: Option<String>,
    /// Decides which tariffs apply.
    class: CustomerClass,
    /// The ISO 4217 code of the currency that the account is billed in, such as `SAR`.
    currency: String,
    /// What the customer's documents and messages are written in.
    language: DocumentLanguage,
    /// The first day on which the account can be billed.
    opened_on: Date,
}

/// Another class for an account.
#[derive(Debug, InputObject)]
struct ReclassifyAccountInput {
    /// Which account.
    account_id: ID,
    /// The class that it is in from that day on.
    class: CustomerClass,
    /// The first day that is billed in that class.
    effective_on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// Another name for the holder.
#[derive(Debug, InputObject)]
struct RenameHolderInput {
    /// Which account.
    account_id: ID,
    /// As it is to stand on the bill: one line of at most 200 characters. Kept encrypted.
    holder_name: String,
    /// The first day of the name.
    effective_on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// What proves who the holder is.
#[derive(Debug, InputObject)]
struct RecordIdentityInput {
    /// Which account.
    account_id: ID,
    /// What kind of document it is, as e-invoices call it: `NAT`, `CRN`, `PAS`.
    kind: String,
    /// The document's number: one line. Kept encrypted, for as long as the law wants tax documents kept.
    number: String,
    /// The last day on which the document is valid, if it ends.
    expires_on: Option<Date>,
}

/// Another language for an account.
#[derive(Debug, InputObject)]
struct ChooseLanguageInput {
    /// Which account.
    account_id: ID,
    /// What its documents and messages are to be written in.
    language: DocumentLanguage,
}

/// Another currency for an account.
#[derive(Debug, InputObject)]
struct ChooseCurrencyInput {
    /// Which account.
    account_id: ID,
    /// The ISO 4217 code, such as `SAR`.
    currency: String,
}

/// A customer's own place in the tax law.
#[derive(Debug, InputObject)]
struct SetVatStatusInput {
    /// Which account.
    account_id: ID,
    /// How the customer is taxed.
    category: VatCategory,
    /// The law's own code for why, such as `VATEX-SA-EDU`; the standard rate needs none.
    reason: Option<String>,
    /// The first day.
    from: Date,
    /// The day after the last; open if absent.
    to: Option<Date>,
}

/// What an authority has decided.
#[derive(Debug, InputObject)]
struct GrantSubsidyInput {
    /// Which account.
    account_id: ID,
    /// What tariffs call it.
    scheme: String,
    /// The first day.
    from: Date,
    /// The day after the last; open if absent.
    to: Option<Date>,
    /// Where it is written: the authority's own number of its decision. No personal data.
    proof: String,
    /// When the authority looks at it again.
    renew_by: Option<Date>,
}

/// A subsidy that is granted no more.
#[derive(Debug, InputObject)]
struct EndSubsidyInput {
    /// Which account.
    account_id: ID,
    /// What tariffs call it.
    scheme: String,
    /// The first day without it.
    on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// The counterpart of an account in the books.
#[derive(Debug, InputObject)]
struct LinkToLedgerInput {
    /// Which account.
    account_id: ID,
    /// The code of the ledger's account.
    ledger_account: String,
}

/// The suspension of an account.
#[derive(Debug, InputObject)]
struct SuspendAccountInput {
    /// Which account.
    account_id: ID,
    /// The first day of the suspension.
    suspended_on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// The end of an account's suspension.
#[derive(Debug, InputObject)]
struct ResumeAccountInput {
    /// Which account.
    account_id: ID,
    /// The first day without it.
    resumed_on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// The closing of an account.
#[derive(Debug, InputObject)]
struct CloseAccountInput {
    /// Which account.
    account_id: ID,
    /// The first day on which it is closed.
    closed_on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// The account was opened; now, or before under the same key.
#[derive(Debug, SimpleObject)]
struct OpenAccountPayload {
    /// The number by which people know it.
    account_number: String,
    #[graphql(flatten)]
    opened: AccountPayload,
}

/// The account as it was asked for.
#[derive(Debug, SimpleObject)]
#[graphql(complex)]
pub(super) struct AccountPayload {
    /// The account's id, for ever.
    account_id: ID,
    #[graphql(skip)]
    shown: Option<Visible>,
    #[graphql(flatten)]
    record: Record,
}

#[ComplexObject]
impl AccountPayload {
    /// The account as queries see it; null if they do not see what was done yet.
    async fn account(&self, context: &Context<'_>) -> Option<Answer<Account>> {
        let shown = self.shown?;
        let account = async { Account::one(caller(context), app(context).account(shown).await?) };
        Some(answer(context, account.await))
    }
}

async fn open_account(wish: &Wish<'_>, input: OpenAccountInput) -> Result<OpenAccountPayload, Problem> {
    let opened = wish
        .open_account(NewAccount {
            holder_name: input::line("holderName", &input.holder_name)?,
            number: input.number.as_deref().map(input::account_number).transpose()?,
            class: input.class.into(),
            currency: input::currency(&input.currency)?,
            language: input.language.into(),
            opened_on: input.opened_on.day("openedOn")?,
        })
        .await?;
    let account = wish.caller.account(opened.account_id)?;
    Ok(OpenAccountPayload { account_number: opened.number.to_string(), opened: AccountPayload::new(account, opened.written) })
}

async fn reclassify_account(wish: &Wish<'_>, input: ReclassifyAccountInput) -> Result<AccountPayload, Problem> {
    let effective_on = input.effective_on.day("effectiveOn")?;
    let reclassify = Reclassify { class: input.class.into(), effective_on, reason: input::reason("reason", &input.reason)? };
    ask(wish, &input.account_id, Command::Reclassify(reclassify)).await
}

async fn rename_holder(wish: &Wish<'_>, input: RenameHolderInput) -> Result<AccountPayload, Problem> {
    let (effective_on, reason) = (input.effective_on.day("effectiveOn")?, input::reason("reason", &input.reason)?);
    let holder_name = input::line("holderName", &input.holder_name)?;
    let account = wish.account(&input.account_id).await?;
    let holder_name = wish.seal_name(account.id(), &holder_name).await?;
    ask(wish, &input.account_id, Command::RenameHolder(RenameHolder { holder_name, effective_on, reason })).await
}

async fn record_identity(wish: &Wish<'_>, input: RecordIdentityInput) -> Result<AccountPayload, Problem> {
    let kind = input::code("kind", &input.kind)?;
    let number = input::line("number", &input.number)?;
    let expires_on = input.expires_on.map(|date| date.day("expiresOn")).transpose()?;
    let account = wish.account(&input.account_id).await?;
    let number = wish.seal(account.id(), SealedFor::Legal, &number).await?;
    let document = IdentityDocument { kind, number, expires_on };
    ask(wish, &input.account_id, Command::RecordIdentity(RecordIdentity { document })).await
}

async fn choose_language(wish: &Wish<'_>, input: ChooseLanguageInput) -> Result<AccountPayload, Problem> {
    ask(wish, &input.account_id, Command::ChooseLanguage(ChooseLanguage { language: input.language.into() })).await
}

async fn choose_currency(wish: &Wish<'_>, input: ChooseCurrencyInput) -> Result<AccountPayload, Problem> {
    let currency = input::currency(&input.currency)?;
    ask(wish, &input.account_id, Command::ChooseCurrency(ChooseCurrency { currency })).await
}

async fn set_vat_status(wish: &Wish<'_>, input: SetVatStatusInput) -> Result<AccountPayload, Problem> {
    let reason = input.reason.map(|reason| input::code("reason", &reason)).transpose()?;
    let (from, to) = (input.from.day("from")?, input.to.map(|date| date.day("to")).transpose()?);
    ask(wish, &input.account_id, Command::SetVatStatus(SetVatStatus { category: input.category.into(), reason, from, to })).await
}

async fn grant_subsidy(wish: &Wish<'_>, input: GrantSubsidyInput) -> Result<AccountPayload, Problem> {
    let grant = GrantSubsidy {
        scheme: input::code("scheme", &input.scheme)?,
        from: input.from.day("from")?,
        to: input.to.map(|date| date.day("to")).transpose()?,
        proof: input::description("proof", &input.proof)?,
        renew_by: input.renew_by.map(|date| date.day("renewBy")).transpose()?,
    };
    ask(wish, &input.account_id, Command::GrantSubsidy(grant)).await
}

async fn end_subsidy(wish: &Wish<'_>, input: EndSubsidyInput) -> Result<AccountPayload, Problem> {
    let (scheme, on) = (input::code("scheme", &input.scheme)?, input.on.day("on")?);
    let reason = input::reason("reason", &input.reason)?;
    ask(wish, &input.account_id, Command::EndSubsidy(EndSubsidy { scheme, on, reason })).await
}

async fn link_to_ledger(wish: &Wish<'_>, input: LinkToLedgerInput) -> Result<AccountPayload, Problem> {
    let ledger_account = input::code("ledgerAccount", &input.ledger_account)?;
    ask(wish, &input.account_id, Command::LinkToLedger(LinkToLedger { ledger_account })).await
}

async fn suspend_account(wish: &Wish<'_>, input: SuspendAccountInput) -> Result<AccountPayload, Problem> {
    let (suspended_on, reason) = (input.suspended_on.day("suspendedOn")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.account_id, Command::SuspendAccount(SuspendAccount { suspended_on, reason })).await
}

async fn resume_account(wish: &Wish<'_>, input: ResumeAccountInput) -> Result<AccountPayload, Problem> {
    let (resumed_on, reason) = (input.resumed_on.day("resumedOn")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.account_id, Command::ResumeAccount(ResumeAccount { resumed_on, reason })).await
}

async fn close_account(wish: &Wish<'_>, input: CloseAccountInput) -> Result<AccountPayload, Problem> {
    let (closed_on, reason) = (input.closed_on.day("closedOn")?, input::reason("reason", &input.reason)?);
    ask(wish, &input.account_id, Command::CloseAccount(CloseAccount { closed_on, reason })).await
}

pub(super) async fn ask(wish: &Wish<'_>, account_id: &str, command: impl Into<Command>) -> Result<AccountPayload, Problem> {
    let account = wish.account(account_id).await?;
    let written = wish.ask::<domain::Account>(account.id(), command.into()).await?;
    Ok(AccountPayload::new(account, written))
}

impl AccountPayload {
    pub(super) fn new(account: Visible, written: Written) -> Self {
        Self { account_id: account.id().to_string().into(), shown: written.readable.then_some(account), record: written.into() }
    }
}
