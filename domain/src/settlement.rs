//! What others pay out of what they owe us, once for each time: gateways and terminals of what they have taken, as the settlement report says,
//! and authorities of the subsidies they have promised.
//!
//! Payments wait in the gateway's clearing account until a settlement brings them to the bank, less the commission and the VAT on it. An
//! authority pays what it pays: which invoices it had in mind it does not say.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Code, Currency, Decider, Money, StreamName,
    ids::{settlement_id, subsidy_settlement_id},
    schema::events,
};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    RecordSettlement(RecordSettlement),
    RecordSubsidySettlement(RecordSubsidySettlement),
}

/// As its report says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordSettlement {
    pub gateway: Code,
    /// What the gateway calls the settlement.
    pub reference: Code,
    /// Payments less refunds; below zero, if more went back than came.
    pub gross: Money,
    pub commission: Money,
    /// On the commission, and so to be claimed back.
    pub vat: Money,
    /// What reached the bank.
    pub net: Money,
    pub settled_on: NaiveDate,
}

/// An authority has paid what it owes for subsidies, or some of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordSubsidySettlement {
    pub authority: Code,
    /// What the authority calls it.
    pub reference: Code,
    /// What reached the bank.
    pub amount: Money,
    pub settled_on: NaiveDate,
}

events! {
    GatewaySettled 1
    SubsidySettled 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatewaySettled {
    pub gateway: Code,
    pub reference: Code,
    pub gross: Money,
    pub commission: Money,
    pub vat: Money,
    pub net: Money,
    pub settled_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubsidySettled {
    pub authority: Code,
    pub reference: Code,
    pub amount: Money,
    pub settled_on: NaiveDate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("that settlement was recorded with other content")]
    SettledOtherwise,
    #[error("the amounts of a settlement are all in {expected}, not in {found}")]
    OtherCurrency { expected: Currency, found: Currency },
    #[error("a commission and its VAT may be nothing, but not less, and there is no VAT without a commission")]
    NotACommission,
    #[error("{gross} less commission and VAT is {expected}, not {found}")]
    DoesNotAddUp { gross: Money, expected: Money, found: Money },
    #[error("the amounts are too large to add up")]
    TooLarge,
    #[error("an authority pays more than nothing")]
    AmountNotPositive,
}

#[derive(Clone, Debug, Default)]
pub struct Settlement {
    settled: Option<Event>,
}

impl Settlement {
    pub fn stream(gateway: &Code, reference: &Code) -> StreamName {
        StreamName::of::<Self>(settlement_id(gateway, reference))
    }

    pub fn subsidy_stream(authority: &Code, reference: &Code) -> StreamName {
        StreamName::of::<Self>(subsidy_settlement_id(authority, reference))
    }

    fn settle(&self, fact: Event) -> Result<Vec<Event>, Rejection> {
        match &self.settled {
            None => Ok(vec![fact]),
            Some(already) if *already == fact => Ok(vec![]),
            Some(_) => Err(Rejection::SettledOtherwise),
        }
    }
}

impl Decider for Settlement {
    const CATEGORY: &'static str = "settlement";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        let RecordSettlement { gateway, reference, gross, commission, vat, net, settled_on } = match command {
            Command::RecordSettlement(wish) => wish,
            Command::RecordSubsidySettlement(RecordSubsidySettlement { authority, reference, amount, settled_on }) => {
                if amount.minor <= 0 {
                    return Err(Rejection::AmountNotPositive);
                }
                if amount.minor > Money::LARGEST {
                    return Err(Rejection::TooLarge);
                }
                return self.settle(SubsidySettled { authority, reference, amount, settled_on }.into());
            }
        };
        if let Some(found) = [commission, vat, net].into_iter().map(|amount| amount.currency).find(|found| *found != gross.currency) {
            return Err(Rejection::OtherCurrency { expected: gross.currency, found });
        }
        if commission.minor < 0 || vat.minor < 0 || (commission.is_zero() && !vat.is_zero()) {
            return Err(Rejection::NotACommission);
        }
        let expected = gross.checked_sub(commission).and_then(|rest| rest.checked_sub(vat)).map_err(|_| Rejection::TooLarge)?;
        if net != expected {
            return Err(Rejection::DoesNotAddUp { gross, expected, found: net });
        }
        self.settle(GatewaySettled { gateway, reference, gross, commission, vat, net, settled_on }.into())
    }

    fn evolve(self, event: &Event) -> Self {
        Self { settled: Some(event.clone()) }
    }
}

/// A made-up settlement for examples and tests.
pub mod example {
    use super::*;

    pub fn record() -> RecordSettlement {
        let sar = |minor| Money::new(minor, Currency::SAR);
        let code = |text: &str| Code::new(text).expect("a code");
        let settled_on = NaiveDate::from_ymd_opt(2024, 4, 3).expect("a date");
        let (gross, commission, vat, net) = (sar(100_000), sar(1_750), sar(263), sar(97_987));
        RecordSettlement { gateway: code("simulated"), reference: code("S-2024-04-03"), gross, commission, vat, net, settled_on }
    }

    pub fn record_subsidy() -> RecordSubsidySettlement {
        let code = |text: &str| Code::new(text).expect("a code");
        let settled_on = NaiveDate::from_ymd_opt(2024, 5, 2).expect("a date");
        let (authority, reference, amount) = (code("ministry-of-energy"), code("2024-Q1"), Money::new(250_000, Currency::SAR));
        RecordSubsidySettlement { authority, reference, amount, settled_on }
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        let RecordSettlement { gateway, reference, gross, commission, vat, net, settled_on } = record();
        let settled = GatewaySettled { gateway, reference, gross, commission, vat, net, settled_on };
        let RecordSubsidySettlement { authority, reference, amount, settled_on } = record_subsidy();
        vec![settled.into(), SubsidySettled { authority, reference, amount, settled_on }.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::{example::*, *};
    use crate::spec::given;

    fn sar(minor: i64) -> Money {
        Money::new(minor, Currency::SAR)
    }

    #[test]
    fn a_settlement_is_recorded_once_as_its_report_says() {
        let settled = || events().into_iter().take(1);
        given::<Settlement>([]).when(Command::RecordSettlement(record())).then(settled());
        let other = RecordSettlement { gross: sar(100_001), net: sar(97_988), ..record() };
        given::<Settlement>(settled()).when(Command::RecordSettlement(other)).then_rejected(Rejection::SettledOtherwise);
        let refunds = RecordSettlement { gross: sar(-500), net: sar(-2_513), ..record() };
        assert_eq!(Settlement::default().decide(Command::RecordSettlement(refunds)).map(|events| events.len()), Ok(1));
    }

    #[test]
    fn what_an_authority_pays_is_recorded_once_under_its_reference() {
        let wish = |minor| Command::RecordSubsidySettlement(RecordSubsidySettlement { amount: sar(minor), ..record_subsidy() });
        let settled = || events().into_iter().skip(1);
        given::<Settlement>([]).when(wish(250_000)).then(settled());
        given::<Settlement>(settled()).when(wish(250_001)).then_rejected(Rejection::SettledOtherwise);
        for (minor, rejection) in
            [(0, Rejection::AmountNotPositive), (-1, Rejection::AmountNotPositive), (Money::LARGEST + 1, Rejection::TooLarge)]
        {
            given::<Settlement>([]).when(wish(minor)).then_rejected(rejection);
        }
        // A gateway may go by the name of an authority and count as it does.
        let RecordSubsidySettlement { authority, reference, .. } = record_subsidy();
        assert_ne!(Settlement::stream(&authority, &reference), Settlement::subsidy_stream(&authority, &reference));
    }

    #[test]
    fn a_report_that_makes_no_sense_is_refused() {
        let kwd = Money::new(1_750, Currency::KWD);
        for (wish, rejection) in [
            (
                RecordSettlement { net: sar(97_986), ..record() },
                Rejection::DoesNotAddUp { gross: sar(100_000), expected: sar(97_987), found: sar(97_986) },
            ),
            (RecordSettlement { commission: kwd, ..record() }, Rejection::OtherCurrency { expected: Currency::SAR, found: Currency::KWD }),
            (RecordSettlement { commission: sar(-1), ..record() }, Rejection::NotACommission),
            (RecordSettlement { commission: sar(0), net: sar(99_737), ..record() }, Rejection::NotACommission),
            (RecordSettlement { gross: sar(i64::MIN), ..record() }, Rejection::TooLarge),
        ] {
            given::<Settlement>([]).when(Command::RecordSettlement(wish)).then_rejected(rejection);
        }
    }
}
