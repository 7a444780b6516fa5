//! Fees become documents: what an account was found to owe for lateness or a bounced payment is invoiced, taxed and numbered like everything else.

use chrono::NaiveDate;
use daftar_domain::{
    Actor, BillingEvent, BillingPeriod, Code, Currency, Decider, Description, Money, Position, Recorded, StreamName, VatCategory,
    account::{self, Account, LateFee, LateFeeAssessed, LateFeeRule, PaymentReversed},
    disconnection::{self, Disconnection, ReconnectionRequested},
    ids::{AccountId, InvoiceId, created_id},
    invoice::{self, ApproveInvoice, Buyer, DocumentLine, Draft, DraftInvoice, Heading, Invoice, Revenue, TaxForm, Unit, VatTreatment},
    policy,
};
use daftar_store::{CommandContext, ExecuteError, Scope};
use futures::TryStreamExt;
use rust_decimal::Decimal;
use serde::Deserialize;
use sqlx::PgPool;

use super::{DayEndError, DayEnds, Ended, interrupted};
use crate::{
    Terms,
    refusals::{self, Refused},
};

/// Who asks for the invoice, in the log.
const BILL_FEE: &str = "billFee";

/// Events between two checkpoints.
const BATCH: usize = 5_000;

/// How fees are taxed. What a fee is said to be is without VAT.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeeTerms {
    pub vat: VatTreatment,
}

/// What lateness costs: a fixed amount or a percentage of what is open, once.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LateFeeTerms {
    #[serde(default)]
    pub fixed: Option<Decimal>,
    #[serde(default)]
    pub percent: Option<Decimal>,
    /// The most that a fee is.
    #[serde(default)]
    pub cap: Option<Decimal>,
    #[serde(default)]
    pub grace_days: u32,
}

impl LateFeeTerms {
    /// In an account's currency; none, if it cannot be said in its coins.
    pub fn rule(&self, currency: Currency) -> Option<LateFeeRule> {
        let money = |amount| Money::exact(amount, currency).ok();
        let fee = match (self.fixed, self.percent) {
            (Some(fixed), None) => LateFee::Fixed(money(fixed)?),
            (None, Some(percent)) => LateFee::PercentOnce(percent),
            (None, None) | (Some(_), Some(_)) => return None,
        };
        let cap = match self.cap {
            Some(cap) => Some(money(cap)?),
            None => None,
        };
        Some(LateFeeRule { fee, cap, grace_days: self.grace_days })
    }
}

/// A fee that a fact asks an invoice for.
struct Fee {
    account_id: AccountId,
    revenue: Revenue,
    amount: Money,
    on: NaiveDate,
}

fn fee(recorded: &Recorded<BillingEvent>) -> Option<Fee> {
    let of_stream = || AccountId::new(recorded.stream.id());
    let (account_id, revenue, amount, on) = match &recorded.event {
        BillingEvent::Account(account::Event::LateFeeAssessed(LateFeeAssessed { fee, on, .. })) => {
            (of_stream(), Revenue::LateFee, *fee, *on)
        }
        BillingEvent::Account(account::Event::PaymentReversed(PaymentReversed { bounce_fee: Some(fee), on, .. })) => {
            (of_stream(), Revenue::BouncedPaymentFee, *fee, *on)
        }
        BillingEvent::Disconnection(disconnection::Event::ReconnectionRequested(ReconnectionRequested {
            account_id,
            fee: Some(fee),
            lift,
            ..
        })) => (*account_id, Revenue::ReconnectFee, *fee, lift.at.date_naive()),
        _ => return None,
    };
    Some(Fee { account_id, revenue, amount, on })
}

impl DayEnds {
    /// Bills every fee that was asked for and is not billed, from where the last end of a day had come to.
    pub(super) async fn bill_fees(&self, ended: &mut Ended) -> Result<(), DayEndError> {
        let Some((terms, fees)) = self.terms.as_ref().and_then(|terms| terms.fees.as_ref().map(|fees| (terms, fees))) else {
            return Ok(());
        };
        let mut unread = self
            .engine
            .store()
            .read_all(reached(&self.rows.db).await?, Scope::categories(&[Account::CATEGORY, Disconnection::CATEGORY]))
            .try_chunks(BATCH);
        while let Some(chunk) = unread.try_next().await.map_err(|stopped| interrupted(stopped.1))? {
            let last = chunk.last().map(|stored| stored.position);
            for stored in chunk {
                let recorded = stored.decode_billing().map_err(interrupted)?;
                if let Some(fee) = fee(&recorded) {
                    match self.bill_fee(&recorded, fee, terms, fees).await? {
                        None => ended.fees_billed += 1,
                        Some(_) => ended.refused += 1,
                    }
                }
            }
            if let Some(last) = last {
                advance(&self.rows.db, last).await?;
            }
        }
        Ok(())
    }

    /// Drafts and approves the fee's invoice; the policies number, issue and charge it. Why not, if not: recorded as well.
    async fn bill_fee(
        &self,
        cause: &Recorded<BillingEvent>,
        fee: Fee,
        terms: &Terms,
        fees: &FeeTerms,
    ) -> Result<Option<String>, DayEndError> {
        let command_id = policy::request_id(cause.id, BILL_FEE);
        let invoice_id = InvoiceId::new(created_id(command_id, Invoice::CATEGORY));
        let context = |command_id| CommandContext {
            command_id,
            actor: Actor::policy(BILL_FEE),
            correlation_id: cause.metadata.correlation_id,
            causation_id: cause.id,
            now: self.engine.now(),
        };
        let stream = StreamName::of::<Invoice>(invoice_id);
        let account = self.engine.look::<Account>(&StreamName::of::<Account>(fee.account_id)).await.map_err(interrupted)?;
        let dates = terms.dates(fee.on);
        let refused = match draft(&account, &fee, terms, fees) {
            Ok(draft) => {
                let wish = invoice::Command::DraftInvoice(DraftInvoice { invoice_id, account_id: fee.account_id, draft, check: None });
                let drafted = self.engine.execute::<Invoice>(&stream, &context(command_id), wish).await;
                let approve = invoice::Command::ApproveInvoice(ApproveInvoice { dates, numbering: terms.numbering.clone() });
                let approving = policy::request_id(command_id, "approve");
                let approved = async || self.engine.execute::<Invoice>(&stream, &context(approving), approve).await;
                match done_before(drafted)? {
                    Some(reason) => Some(reason),
                    None => done_before(approved().await)?,
                }
            }
            Err(reason) => Some(reason),
        };
        if let Some(reason) = &refused {
            let refused = Refused { policy: BILL_FEE, event_id: Some(cause.id), stream: &stream, reason };
            refusals::note(&self.engine, &context(command_id), refused).await.map_err(interrupted)?;
        }
        Ok(refused)
    }
}

/// A draft that is there, or approved, or issued, was made of this fee: perhaps on other terms, and those are not changed.
fn done_before<T>(outcome: Result<T, ExecuteError<invoice::Rejection>>) -> Result<Option<String>, DayEndError> {
    use invoice::Rejection::{AlreadyApproved, AlreadyIssued, InvoiceIdReused};
    match outcome {
        Ok(_)
        | Err(ExecuteError::IdempotencyKeyReused { .. } | ExecuteError::Rejected(AlreadyApproved | AlreadyIssued | InvoiceIdReused)) => {
            Ok(None)
        }
        Err(ExecuteError::Rejected(rejection)) => Ok(Some(rejection.to_string())),
        Err(error) => Err(interrupted(error)),
    }
}

fn draft(account: &Account, fee: &Fee, terms: &Terms, fees: &FeeTerms) -> Result<Draft, String> {
    let supplied = fee.on.succ_opt().and_then(|next| BillingPeriod::new(fee.on, next).ok()).ok_or("the day has no next")?;
    let buyer = Buyer::of(account);
    let form = TaxForm::for_buyer(buyer.as_ref(), account, fee.on);
    let heading = Heading { form, seller: terms.seller.clone(), buyer, supplied };
    let (code, text) = match fee.revenue {
        Revenue::BouncedPaymentFee => ("bounced-payment-fee", "رسوم دفعة مرتجعة"),
        Revenue::ReconnectFee => ("reconnect-fee", "رسوم إعادة التيار"),
        _ => ("late-fee", "رسوم تأخير"),
    };
    let line = DocumentLine {
        code: Code::new(code).map_err(|error| error.to_string())?,
        text: Some(Description::new(text).map_err(|error| error.to_string())?),
        revenue: fee.revenue,
        quantity: "1".parse().map_err(|_| "one is a quantity")?,
        unit: Unit::Piece,
        price: fee.amount.to_decimal(),
        net: fee.amount,
        vat: vat(account, fee, terms, fees)?,
        credits: None,
    };
    Draft::of_fees(heading, vec![line], terms.rounding).map_err(|error| error.to_string())
}

/// The customer's own status goes before that of fees.
fn vat(account: &Account, fee: &Fee, terms: &Terms, fees: &FeeTerms) -> Result<VatTreatment, String> {
    let Some(status) = account.vat_statuses().on(fee.on).filter(|status| status.category != VatCategory::S) else {
        return Ok(fees.vat.clone());
    };
    let reason = status.reason.clone().or_else(|| terms.vat_reasons.get(&status.category).cloned());
    Ok(VatTreatment { category: status.category, rate: "0".parse().map_err(|_| "nothing is a rate")?, reason })
}

async fn reached(db: &PgPool) -> Result<Option<Position>, sqlx::Error> {
    let found = sqlx::query!("SELECT fees_commit, fees_prepare FROM daftar_billing.day_end").fetch_one(db).await?;
    let position = |(commit, prepare): (i64, i64)| Position { commit: commit.cast_unsigned(), prepare: prepare.cast_unsigned() };
    Ok(found.fees_commit.zip(found.fees_prepare).map(position))
}

async fn advance(db: &PgPool, to: Position) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE daftar_billing.day_end SET fees_commit = $1, fees_prepare = $2, moved_at = now()",
        to.commit.cast_signed(),
        to.prepare.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}
