//! What a tax document says, whichever of the three kinds it is: who sold what to whom, under which tax, and what it comes to.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    BillingPeriod, Code, Currency, Description, Money, Sealed, SealedFor, VatCategory,
    ids::NoteId,
    rating::{Exact, Rounding},
    tariff::{Figure, Quantity},
    vat::VatStatus,
};

/// Σ lines = net; Σ VAT of the categories = VAT; net + VAT + rounding = total. There is no document of which this is not so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaxDocument {
    pub heading: Heading,
    pub currency: Currency,
    pub lines: Vec<DocumentLine>,
    pub vat_totals: Vec<VatTotal>,
    pub net: Money,
    pub vat: Money,
    /// What the total is above or below net and VAT, where cash has no smaller coin.
    pub rounding: Money,
    pub total: Money,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heading {
    pub form: TaxForm,
    pub seller: Seller,
    /// As they were then. Everything in it is sealed for tax documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<Buyer>,
    /// The days of supply: they decide about the VAT.
    pub supplied: BillingPeriod,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TaxForm {
    /// For a buyer who deducts the tax, and so must be named in full.
    Standard,
    Simplified,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seller {
    pub name: Description,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Code>,
    pub address: SellerAddress,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SellerAddress {
    pub street: Description,
    pub building: Code,
    pub district: Description,
    pub city: Description,
    pub postal_code: Code,
    /// By ISO 3166-1, two letters.
    pub country: Code,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Buyer {
    pub name: Sealed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<Sealed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<BuyerIdentity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Sealed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuyerIdentity {
    /// Which number it is, as the e-invoice calls it: `NAT`, `CRN`, `PAS`.
    pub scheme: Code,
    pub number: Sealed,
}

/// One thing sold. Below zero only where it takes off another line's charge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentLine {
    pub code: Code,
    /// What the code alone does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Description>,
    pub revenue: Revenue,
    pub quantity: Quantity,
    pub unit: Unit,
    pub price: Decimal,
    pub net: Money,
    pub vat: VatTreatment,
    /// On a credit note: the line of which this takes something back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<LineRef>,
}

/// What kind of income a line is. The ledger books each to an account of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Revenue {
    Energy,
    Water,
    Sewer,
    FixedFee,
    ConnectionFee,
    ReconnectFee,
    LateFee,
    BouncedPaymentFee,
    RepairLabour,
    Parts,
}

/// What a line's quantity counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    #[serde(rename = "kWh")]
    Kwh,
    #[serde(rename = "m3")]
    M3,
    /// Billing periods.
    #[serde(rename = "period")]
    Period,
    /// Units of currency, for a percentage of a charge.
    #[serde(rename = "currency")]
    Currency,
    #[serde(rename = "piece")]
    Piece,
    #[serde(rename = "hour")]
    Hour,
    /// Of a connection's load.
    #[serde(rename = "kVA")]
    Kva,
    /// Of a connection's line.
    #[serde(rename = "m")]
    Metre,
}

/// How a line is taxed, and by which clause of the law if not at the standard rate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VatTreatment {
    pub category: VatCategory,
    pub rate: Figure,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Code>,
}

impl VatTreatment {
    /// As this customer is taxed: otherwise than others, if the law says so of them.
    pub fn for_customer(self, status: Option<&VatStatus>) -> Self {
        match status.filter(|status| status.category != VatCategory::S) {
            Some(VatStatus { category, reason, .. }) => Self { category: *category, rate: Figure::ZERO, reason: reason.clone() },
            None => self,
        }
    }
}

/// The VAT of all lines that are taxed alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VatTotal {
    pub vat: VatTreatment,
    pub taxable: Money,
    pub amount: Money,
}

/// A line of the invoice, or of a debit note to it; counted from 1, as people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LineRef {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit_note: Option<NoteId>,
    pub line: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DocumentError {
    #[error("a document has at least one line")]
    NoLines,
    #[error("a line of a document in {expected} is in {found}")]
    OtherCurrency { expected: Currency, found: Currency },
    #[error("VAT category {0:?} needs the law's code for why")]
    VatReasonMissing(VatCategory),
    #[error("only the standard category has a rate")]
    RateWithoutTax(VatCategory),
    #[error("the lines of VAT category {0:?} come to less than nothing")]
    BelowZero(VatCategory),
    #[error("who the buyer is on tax documents must be sealed with the legal key")]
    NotSealedAsLegal,
    #[error("a standard tax invoice names the buyer with a number and an address")]
    BuyerIncomplete,
    #[error("the amounts are too large")]
    TooLarge,
}

impl TaxDocument {
    /// VAT is rounded once for each category, rate and reason, as the law counts it, and not for each line.
    pub fn new(heading: Heading, currency: Currency, lines: Vec<DocumentLine>, rounding: Rounding) -> Result<Self, DocumentError> {
        heading.check()?;
        if lines.is_empty() {
            return Err(DocumentError::NoLines);
        }
        let vat_totals = vat_totals(currency, &lines, rounding)?;
        let due = sum(currency, lines.iter().map(|line| line.net).chain(vat_totals.iter().map(|total| total.amount)))?;
        let payable = rounding.payable(due).map_err(|_| DocumentError::TooLarge)?;
        let difference = payable.checked_sub(due).map_err(|_| DocumentError::TooLarge)?;
        Self::assembled(heading, currency, lines, vat_totals, difference)
    }

    /// Of figures that were settled before: what a credit note takes of each category is a share, not a percentage.
    pub(super) fn assembled(
        heading: Heading,
        currency: Currency,
        lines: Vec<DocumentLine>,
        vat_totals: Vec<VatTotal>,
        rounding: Money,
    ) -> Result<Self, DocumentError> {
        let net = sum(currency, lines.iter().map(|line| line.net))?;
        let vat = sum(currency, vat_totals.iter().map(|total| total.amount))?;
        let total = sum(currency, [net, vat, rounding])?;
        within_reason([net, vat, total])?;
        Ok(Self { heading, currency, lines, vat_totals, net, vat, rounding, total })
    }
}

/// The VAT of each treatment, as the document would have it.
pub(crate) fn vat_totals(currency: Currency, lines: &[DocumentLine], rounding: Rounding) -> Result<Vec<VatTotal>, DocumentError> {
    let mut totals = taxable_totals(currency, lines)?;
    for total in &mut totals {
        if total.taxable.minor < 0 {
            return Err(DocumentError::BelowZero(total.vat.category));
        }
        let amount = Exact::of(total.taxable).times_decimal(total.vat.rate.get()).ok_or(DocumentError::TooLarge)?;
        total.amount = rounding.money(amount, currency).map_err(|_| DocumentError::TooLarge)?;
    }
    Ok(totals)
}

/// A line for each treatment with what its lines come to, and no VAT yet; in the order in which treatments first appear.
pub(super) fn taxable_totals(currency: Currency, lines: &[DocumentLine]) -> Result<Vec<VatTotal>, DocumentError> {
    let mut totals: Vec<VatTotal> = Vec::with_capacity(1);
    for line in lines {
        line.check(currency)?;
        let index = totals.iter().position(|total| total.vat == line.vat).unwrap_or_else(|| {
            totals.push(VatTotal { vat: line.vat.clone(), taxable: Money::zero(currency), amount: Money::zero(currency) });
            totals.len() - 1
        });
        totals[index].taxable = sum(currency, [totals[index].taxable, line.net])?;
    }
    Ok(totals)
}

fn sum(currency: Currency, amounts: impl IntoIterator<Item = Money>) -> Result<Money, DocumentError> {
    Money::sum(currency, amounts).map_err(|_| DocumentError::TooLarge)
}

/// What an account would refuse to be charged with is refused here, before it has a number.
pub(super) fn within_reason(amounts: impl IntoIterator<Item = Money>) -> Result<(), DocumentError> {
    let fits = amounts.into_iter().all(|amount| amount.minor.unsigned_abs() <= Money::LARGEST.unsigned_abs());
    if fits { Ok(()) } else { Err(DocumentError::TooLarge) }
}

impl Heading {
    fn check(&self) -> Result<(), DocumentError> {
        let Some(buyer) = &self.buyer else {
            return match self.form {
                TaxForm::Standard => Err(DocumentError::BuyerIncomplete),
                TaxForm::Simplified => Ok(()),
            };
        };
        let identity = buyer.identity.as_ref().map(|identity| &identity.number);
        let sealed = [Some(&buyer.name), buyer.vat_number.as_ref(), identity, buyer.address.as_ref()];
        if sealed.into_iter().flatten().any(|sealed| sealed.key() != SealedFor::Legal) {
            return Err(DocumentError::NotSealedAsLegal);
        }
        match self.form {
            TaxForm::Standard if !buyer.is_named_in_full() => Err(DocumentError::BuyerIncomplete),
            TaxForm::Standard | TaxForm::Simplified => Ok(()),
        }
    }
}

impl DocumentLine {
    fn check(&self, currency: Currency) -> Result<(), DocumentError> {
        let VatTreatment { category, rate, reason } = &self.vat;
        if self.net.currency != currency {
            return Err(DocumentError::OtherCurrency { expected: currency, found: self.net.currency });
        }
        if *category != VatCategory::S && reason.is_none() {
            return Err(DocumentError::VatReasonMissing(*category));
        }
        if *category != VatCategory::S && *rate != Figure::ZERO {
            return Err(DocumentError::RateWithoutTax(*category));
        }
        Ok(())
    }
}

impl From<crate::tariff::Unit> for Unit {
    fn from(unit: crate::tariff::Unit) -> Self {
        match unit {
            crate::tariff::Unit::Kwh => Self::Kwh,
            crate::tariff::Unit::M3 => Self::M3,
            crate::tariff::Unit::Period => Self::Period,
            crate::tariff::Unit::Currency => Self::Currency,
        }
    }
}
