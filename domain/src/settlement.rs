//! What gateways and terminals pay out of what they have taken for us: the settlement report, once for each.
//!
//! Payments wait in the gateway's clearing account until a settlement brings them to the bank, less the commission and the VAT on it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Code, Currency, Decider, Money, StreamName, ids::settlement_id, schema::events};

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    RecordSettlement(RecordSettlement),
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

events! {
    GatewaySettled 1
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
}

#[derive(Clone, Debug, Default)]
pub struct Settlement {
    settled: Option<GatewaySettled>,
}

impl Settlement {
    pub fn stream(gateway: &Code, reference: &Code) -> StreamName {
        StreamName::of::<Self>(settlement_id(gateway, reference))
    }
}

impl Decider for Settlement {
    const CATEGORY: &'static str = "settlement";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        let Command::RecordSettlement(RecordSettlement { gateway, reference, gross, commission, vat, net, settled_on }) = command;
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
        let settled = GatewaySettled { gateway, reference, gross, commission, vat, net, settled_on };
        match &self.settled {
            None => Ok(vec![settled.into()]),
            Some(already) if *already == settled => Ok(vec![]),
            Some(_) => Err(Rejection::SettledOtherwise),
        }
    }

    fn evolve(self, event: &Event) -> Self {
        match event {
            Event::GatewaySettled(fact) => Self { settled: Some(fact.clone()) },
        }
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

    /// One of every event.
    pub fn events() -> Vec<Event> {
        let RecordSettlement { gateway, reference, gross, commission, vat, net, settled_on } = record();
        vec![GatewaySettled { gateway, reference, gross, commission, vat, net, settled_on }.into()]
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
        given::<Settlement>([]).when(Command::RecordSettlement(record())).then(events());
        let other = RecordSettlement { gross: sar(100_001), net: sar(97_988), ..record() };
        given::<Settlement>(events()).when(Command::RecordSettlement(other)).then_rejected(Rejection::SettledOtherwise);
        let refunds = RecordSettlement { gross: sar(-500), net: sar(-2_513), ..record() };
        assert_eq!(Settlement::default().decide(Command::RecordSettlement(refunds)).map(|events| events.len()), Ok(1));
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
