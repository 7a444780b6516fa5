//! Bills that explain themselves: what is charged for a service, line by line, and why.

use async_graphql::{Context, ID, Object, SimpleObject};
use daftar_domain::{
    invoice::BilledSupply,
    rating::{Bill, Charge, Line, Part, Subsidised},
};

use super::{
    enums::{Service, VatCategory},
    language,
    money::Money,
    scalars::{Date, Decimal},
};

/// A service at one place, and what it was reckoned to cost.
#[derive(Debug, SimpleObject)]
pub struct BilledService {
    /// Under which agreement.
    agreement_id: ID,
    /// What was supplied.
    service: Service,
    /// The reckoning.
    bill: BillReckoning,
}

impl From<&BilledSupply> for BilledService {
    fn from(supply: &BilledSupply) -> Self {
        Self { agreement_id: ID(supply.agreement_id.to_string()), service: supply.service.into(), bill: BillReckoning(supply.bill.clone()) }
    }
}

#[derive(Clone, Debug)]
pub struct BillReckoning(pub Bill);

/// What was used, and what it costs, with every step explained.
#[Object]
impl BillReckoning {
    /// The first day.
    #[graphql(name = "from")]
    async fn first_day(&self) -> Date {
        self.0.period.from().into()
    }

    /// The day after the last.
    #[graphql(name = "to")]
    async fn day_after(&self) -> Date {
        self.0.period.to().into()
    }

    /// Days that were billed by one tariff version and one VAT rate.
    async fn parts(&self) -> Vec<BillPart> {
        self.0.parts.iter().map(BillPart::from).collect()
    }

    /// What is charged, line by line.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn lines(&self) -> Vec<BillLine> {
        let line = |line: &Line| BillLine {
            code: line.charge.code().to_owned(),
            quantity: Decimal::from(line.quantity.to_decimal()),
            price: Decimal::from(line.price),
            amount: line.amount.into(),
            explanation: LineExplanation::new(&self.0, line),
        };
        self.0.lines.iter().map(line).collect()
    }

    /// Usage that is not billed, as estimates before billed it already.
    async fn given_back(&self) -> Decimal {
        Decimal::from(self.0.given_back.to_decimal())
    }

    /// Before VAT.
    async fn net(&self) -> Money {
        self.0.net.into()
    }

    /// The VAT.
    async fn vat(&self) -> Money {
        self.0.vat.into()
    }

    /// What the total is above or below net and VAT, where cash has no smaller coin.
    async fn rounding(&self) -> Money {
        self.0.rounding.into()
    }

    /// What it comes to.
    async fn total(&self) -> Money {
        self.0.total.into()
    }

    /// What authorities pay of it. The VAT is on the whole price, whoever pays.
    async fn subsidies(&self) -> Vec<BillSubsidy> {
        BillSubsidy::of(&self.0).collect()
    }

    /// What is left to the customer.
    async fn to_pay(&self) -> Money {
        self.0.to_pay().into()
    }
}

#[derive(Clone, Debug)]
pub struct BillSubsidy {
    subsidised: Subsidised,
    part: Part,
}

impl BillSubsidy {
    pub fn of(bill: &Bill) -> impl Iterator<Item = Self> {
        bill.subsidies.iter().map(|subsidised| Self { subsidised: subsidised.clone(), part: bill.parts[subsidised.part].clone() })
    }
}

/// What an authority pays in the customer's place, and how that came about.
#[Object]
impl BillSubsidy {
    /// What the tariff calls it.
    async fn scheme(&self) -> &str {
        self.subsidised.subsidy.code.as_str()
    }

    /// Who pays.
    async fn authority(&self) -> &str {
        self.subsidised.subsidy.authority.as_str()
    }

    /// How many units of usage it is for, from the first one on.
    async fn units(&self) -> Decimal {
        Decimal::from(self.subsidised.units.to_decimal())
    }

    /// How much.
    async fn amount(&self) -> Money {
        self.subsidised.amount.into()
    }

    /// How that came about: a sentence, in the language of the request.
    async fn explanation(&self, context: &Context<'_>) -> String {
        language(context).choose(self.subsidised.reason_in_arabic(&self.part), self.subsidised.reason(&self.part))
    }

    /// The tariff version that says so.
    async fn tariff(&self) -> &str {
        self.part.tariff.as_str()
    }

    /// The first day it is for.
    #[graphql(name = "from")]
    async fn first_day(&self) -> Date {
        self.part.period.from().into()
    }

    /// The day after the last.
    #[graphql(name = "to")]
    async fn day_after(&self) -> Date {
        self.part.period.to().into()
    }
}

/// Days that were billed by one tariff version and one VAT rate.
#[derive(Debug, SimpleObject)]
struct BillPart {
    /// The tariff version.
    tariff: String,
    /// The first day.
    #[graphql(name = "from")]
    first_day: Date,
    /// The day after the last.
    #[graphql(name = "to")]
    day_after: Date,
    /// How many days that are.
    days: i64,
    /// What widths, limits and fees of the tariff are multiplied by: an exact fraction such as `18/31`.
    factor: String,
    /// How many dwellings widths and limits are multiplied by besides.
    dwellings: u32,
    /// How it is taxed.
    vat_category: VatCategory,
    /// At which rate: 0.15 is fifteen per cent.
    vat_rate: Decimal,
    /// What is billed.
    usage: Decimal,
    /// Whether any of it rests on an estimate.
    estimated: bool,
    /// The readings it stands on.
    reading_ids: Vec<ID>,
}

impl From<&Part> for BillPart {
    fn from(part: &Part) -> Self {
        Self {
            tariff: part.tariff.to_string(),
            first_day: part.period.from().into(),
            day_after: part.period.to().into(),
            days: part.days(),
            factor: part.factor.to_string(),
            dwellings: part.dwellings,
            vat_category: part.vat.category.into(),
            vat_rate: Decimal::from(part.vat.rate.get()),
            usage: Decimal::from(part.usage.to_decimal()),
            estimated: part.estimated,
            reading_ids: part.readings.iter().map(|id| ID(id.to_string())).collect(),
        }
    }
}

/// Quantity × price, scaled and rounded, is the amount.
#[derive(Debug, SimpleObject)]
struct BillLine {
    /// Under which name it stands on bills and in ledgers.
    code: String,
    /// How much of it.
    quantity: Decimal,
    /// What one costs.
    price: Decimal,
    /// What it comes to before VAT.
    amount: Money,
    /// Why.
    explanation: LineExplanation,
}

#[derive(Clone, Debug)]
pub struct LineExplanation {
    line: Line,
    part: Part,
}

impl LineExplanation {
    pub fn new(bill: &Bill, line: &Line) -> Self {
        Self { line: line.clone(), part: bill.part(line).clone() }
    }
}

/// Why a line is there, and how its amount came about.
#[Object]
impl LineExplanation {
    /// In a sentence, in the language of the request.
    async fn text(&self, context: &Context<'_>) -> String {
        language(context).choose(self.line.reason_in_arabic(&self.part), self.line.reason(&self.part))
    }

    /// The tariff version that it is charged by.
    async fn tariff(&self) -> &str {
        self.part.tariff.as_str()
    }

    /// The first day it is for.
    #[graphql(name = "from")]
    async fn first_day(&self) -> Date {
        self.part.period.from().into()
    }

    /// The day after the last.
    #[graphql(name = "to")]
    async fn day_after(&self) -> Date {
        self.part.period.to().into()
    }

    /// How many days that are.
    async fn days(&self) -> i64 {
        self.part.days()
    }

    /// What widths, limits and fees of the tariff are multiplied by: an exact fraction such as `18/31`.
    async fn factor(&self) -> String {
        self.part.factor.to_string()
    }

    /// How many dwellings widths and limits are multiplied by besides.
    async fn dwellings(&self) -> u32 {
        self.part.dwellings
    }

    /// Which units of usage it is for; null for what is not charged by usage.
    async fn slab(&self) -> Option<Slab> {
        match &self.line.charge {
            Charge::Usage(slab) => Some(Slab {
                bracket: slab.bracket,
                number: slab.number,
                above: Decimal::from(slab.above.to_decimal()),
                up_to: slab.up_to.map(|up_to| Decimal::from(up_to.to_decimal())),
            }),
            Charge::MinimumTopUp { .. }
            | Charge::BracketFee { .. }
            | Charge::ZeroUsageFee
            | Charge::Fixed { .. }
            | Charge::Surcharge { .. }
            | Charge::Reduction { .. } => None,
        }
    }

    /// Whether its usage rests on an estimate.
    async fn estimated(&self) -> bool {
        self.part.estimated
    }

    /// The readings it stands on.
    async fn reading_ids(&self) -> Vec<ID> {
        self.part.readings.iter().map(|id| ID(id.to_string())).collect()
    }
}

/// Which units of usage a price is for: those above one border, up to and with the next, as the tariff prints them.
#[derive(Debug, SimpleObject)]
struct Slab {
    /// Of the tariff's brackets, counted from 1.
    bracket: usize,
    /// Of the bracket's slabs, counted from 1.
    number: usize,
    /// The lower border, which is not in it.
    above: Decimal,
    /// The upper border, which is in it; null if it has no end.
    up_to: Option<Decimal>,
}
