//! The device: who made it, and the registers that count on it.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Event, Meter, Rejection};
use crate::{Code, ids::MeterId};

/// A meter enters the stock. That its serial is its maker's only one is for a [`reservation`](crate::reservation) to decide, before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegisterMeter {
    pub device: Device,
    pub registered_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterRegistered {
    pub device: Device,
    pub registered_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub meter_id: MeterId,
    pub maker: Code,
    pub serial: Code,
    pub kind: MeterKind,
    pub registers: Vec<Register>,
    /// The last day on which its verification is valid.
    pub certified_until: Option<NaiveDate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MeterKind {
    Traditional,
    Smart,
    Prepaid,
}

/// A count that only goes up, until it is full and starts again from zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    pub code: Code,
    /// Before the decimal point.
    pub digits: u32,
    pub decimals: u32,
    /// What one unit on the dial stands for: the ratios of the transformers before it.
    pub multiplier: Decimal,
    pub direction: Direction,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    Import,
    Export,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    #[serde(rename = "kWh")]
    KilowattHour,
    #[serde(rename = "kvarh")]
    KilovarHour,
    #[serde(rename = "m3")]
    CubicMetre,
}

impl Register {
    /// The first number that the dial cannot show: five digits count to 99999 and then show 00000, one further.
    pub fn capacity(&self) -> Decimal {
        Decimal::from(10_u64.pow(self.digits))
    }

    /// Whether the dial could show this figure were it long enough: not negative, and no finer than its decimals.
    pub(super) fn could_show(&self, value: Decimal) -> bool {
        value >= Decimal::ZERO && value.normalize().scale() <= self.decimals
    }

    /// How far the count went from one figure to another, passing its end at most once.
    pub(super) fn turn(&self, from: Decimal, to: Decimal) -> Decimal {
        if from <= to { to - from } else { self.capacity() - from + to }
    }

    fn is_sound(&self) -> bool {
        (1..=12).contains(&self.digits)
            && self.decimals <= 6
            && self.multiplier > Decimal::ZERO
            && self.multiplier <= Decimal::from(1_000_000)
            && self.multiplier.normalize().scale() <= 6
    }
}

impl Meter {
    pub(super) fn register(&self, wish: RegisterMeter) -> Result<Vec<Event>, Rejection> {
        let RegisterMeter { device, registered_on } = wish;
        if let Some(unsound) = device.registers.iter().find(|register| !register.is_sound()) {
            return Err(Rejection::UnsoundRegister(unsound.code.clone()));
        }
        for (n, register) in device.registers.iter().enumerate() {
            if device.registers[..n].iter().any(|other| other.code == register.code) {
                return Err(Rejection::RegisterTwice(register.code.clone()));
            }
        }
        if device.registers.is_empty() {
            return Err(Rejection::NoRegister);
        }
        let registered = MeterRegistered { device, registered_on };
        match &self.registered {
            None => Ok(vec![registered.into()]),
            Some(already) if *already == registered => Ok(vec![]),
            Some(_) => Err(Rejection::AlreadyRegistered),
        }
    }

    pub fn device(&self) -> Result<&Device, Rejection> {
        self.registered.as_ref().map(|registered| &registered.device).ok_or(Rejection::NotRegistered)
    }

    /// Of which register a figure is that comes without a name; nobody knows, if the meter has several.
    pub fn only_register(&self) -> Result<Option<&Code>, Rejection> {
        match &self.device()?.registers[..] {
            [only] => Ok(Some(&only.code)),
            _ => Ok(None),
        }
    }

    pub(super) fn register_of(&self, code: &Code) -> Result<&Register, Rejection> {
        let register = self.device()?.registers.iter().find(|register| register.code == *code);
        register.ok_or_else(|| Rejection::NoSuchRegister(code.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        meter::{Command, example},
        spec::given,
    };

    fn wish(change: impl FnOnce(&mut Device)) -> Command {
        let mut device = example::device();
        change(&mut device);
        Command::RegisterMeter(RegisterMeter { device, registered_on: example::day("2024-01-01") })
    }

    #[test]
    fn a_meter_is_registered_once() {
        given::<Meter>([]).when(wish(|_| {})).then([example::registered()]);
        given::<Meter>([example::registered()])
            .when(wish(|device| device.kind = MeterKind::Prepaid))
            .then_rejected(Rejection::AlreadyRegistered);
    }

    #[test]
    fn a_figure_without_a_name_is_of_the_only_register() {
        let of = |registers: &[Register]| {
            let device = Device { registers: registers.to_vec(), ..example::device() };
            let registered = MeterRegistered { device, registered_on: example::day("2024-01-01") };
            <Meter as crate::Decider>::evolve(Meter::default(), &registered.into()).only_register().unwrap().cloned()
        };
        let (only, other) = (example::register(), Register { code: Code::new("export").unwrap(), ..example::register() });
        assert_eq!(of(std::slice::from_ref(&only)), Some(only.code.clone()));
        assert_eq!(of(&[only, other]), None);
        assert_eq!(Meter::default().only_register(), Err(Rejection::NotRegistered));
    }

    #[test]
    fn registers_that_no_meter_has() {
        let code = || example::register().code;
        given::<Meter>([]).when(wish(|device| device.registers.clear())).then_rejected(Rejection::NoRegister);
        given::<Meter>([]).when(wish(|device| device.registers.push(example::register()))).then_rejected(Rejection::RegisterTwice(code()));
        let unsound: [fn(&mut Register); 6] = [
            |register| register.digits = 0,
            |register| register.digits = 13,
            |register| register.decimals = 7,
            |register| register.multiplier = Decimal::ZERO,
            |register| register.multiplier = Decimal::new(10_000_001, 1),
            |register| register.multiplier = Decimal::new(1, 7),
        ];
        for change in unsound {
            given::<Meter>([]).when(wish(|device| change(&mut device.registers[0]))).then_rejected(Rejection::UnsoundRegister(code()));
        }
        let sound: [fn(&mut Register); 5] = [
            |register| register.digits = 1,
            |register| register.digits = 12,
            |register| register.decimals = 6,
            |register| register.multiplier = Decimal::from(1_000_000),
            |register| register.multiplier = Decimal::new(1, 6),
        ];
        for change in sound {
            let mut device = example::device();
            change(&mut device.registers[0]);
            let registered = MeterRegistered { device: device.clone(), registered_on: example::day("2024-01-01") };
            given::<Meter>([]).when(wish(|wished| *wished = device)).then([registered.into()]);
        }
    }
}
