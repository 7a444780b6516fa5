//! Who the customers are, where they live and what measures their supply: all that is settled before the history begins.

use std::num::NonZeroU32;

use chrono::{Datelike, Days, Months, NaiveDate};
use daftar_domain::{
    Code, Service, VatCategory,
    account::{CustomerClass, Language, Tender},
    ids::{AccountId, AgreementId, DepositId, InvoiceId, MeterId, PaymentId, PremisesId},
    meter::{Device, Direction, MeterKind, Register, Unit},
};
use rust_decimal::Decimal;

use crate::{
    Wish,
    dice::Dice,
    names::{self, DISTRICTS, District},
    world::World,
};

#[derive(Debug)]
pub struct Person {
    pub number: usize,
    pub account_id: AccountId,
    pub class: CustomerClass,
    pub language: Language,
    pub name: String,
    pub habit: Habit,
    /// How they are taxed where not as the tariff says, and the law's code for why.
    pub vat: Option<(VatCategory, &'static str)>,
    pub place: usize,
    /// The first day of their supply; of a new connection, the day on which the meter goes up.
    pub from: NaiveDate,
    /// Whose place they take over.
    pub follows: Option<usize>,
    pub agreements: Vec<AgreementId>,
    pub invoices: Vec<InvoiceId>,
    pub payments: Vec<(PaymentId, Tender)>,
    pub deposit: Option<DepositId>,
    /// The day after their last.
    pub to: Option<NaiveDate>,
}

/// How somebody pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    Early,
    InTime,
    Late,
    InParts,
    /// To the next fifty, so that something is left over.
    RoundsUp,
    ByCheque,
    /// From this month of the history on no more; and perhaps, half a year later, everything at once.
    Stops {
        in_month: i64,
        comes_back: bool,
    },
}

#[derive(Debug)]
pub struct Place {
    pub premises_id: PremisesId,
    pub district: &'static District,
    pub dwellings: NonZeroU32,
    pub breaker_amps: u32,
    pub supplies: Vec<Supply>,
    /// Who is supplied there now.
    pub occupant: Option<usize>,
}

#[derive(Debug)]
pub struct Supply {
    pub service: Service,
    pub series: &'static str,
    /// Which of the company's read cycles.
    pub cycle: usize,
    pub dial: Dial,
    /// The meters that measured it before.
    pub former: Vec<MeterId>,
    /// Thousandths of a unit in a day of an average month.
    pub per_day: i64,
    pub seasons: &'static [i64; 12],
    pub off: bool,
}

/// A meter, and what it would show if somebody looked.
#[derive(Debug)]
pub struct Dial {
    pub meter_id: MeterId,
    pub device: Device,
    /// What it showed when it went up, in its smallest steps.
    start: i64,
    /// Thousandths of a unit since.
    used: i64,
    until: NaiveDate,
    pub estimated: bool,
}

/// Per cent of an average month, from January.
const COOLING: [i64; 12] = [62, 62, 72, 90, 116, 142, 155, 154, 132, 106, 82, 66];
const WATER: [i64; 12] = [88, 88, 92, 97, 104, 112, 116, 116, 108, 99, 92, 88];
const WORKS: [i64; 12] = [98, 98, 100, 101, 102, 104, 104, 104, 102, 100, 99, 98];

impl Dial {
    pub fn new(device: Device, start: i64, up_on: NaiveDate) -> Self {
        Self { meter_id: device.meter_id, device, start, used: 0, until: up_on, estimated: false }
    }

    pub fn register(&self) -> &Register {
        &self.device.registers[0]
    }

    /// What is used up to the end of a day: so many per cent of what the seasons say.
    pub fn run(&mut self, to: NaiveDate, per_day: i64, seasons: &[i64; 12], per_cent: i64) {
        while self.until < to {
            self.until = self.until + Days::new(1);
            let season = seasons[self.until.month0() as usize];
            self.used += per_day * season * per_cent / 10_000;
        }
    }

    pub fn figure(&self) -> Decimal {
        let Register { decimals, multiplier, .. } = self.register();
        let steps = Decimal::from(self.used) * Decimal::from(10_i64.pow(*decimals)) / (*multiplier * Decimal::ONE_THOUSAND);
        let shown = (Decimal::from(self.start) + steps.trunc()) % (self.register().capacity() * Decimal::from(10_i64.pow(*decimals)));
        let mut figure = shown;
        figure.set_scale(*decimals).expect("a dial has few decimals");
        figure
    }

    pub fn is_smart(&self) -> bool {
        self.device.kind == MeterKind::Smart
    }
}

/// The first day of the history's n-th month, from 0.
pub fn month(first: NaiveDate, n: i64) -> NaiveDate {
    u32::try_from(n).ok().and_then(|n| first.checked_add_months(Months::new(n))).unwrap_or(first)
}

/// Everybody, and every place: of the accounts some are of people who move in where others moved out.
pub fn everybody(world: &World, wish: &Wish, first: NaiveDate) -> (Vec<Person>, Vec<Place>) {
    let (accounts, months) = (wish.accounts as usize, i64::from(wish.months));
    let movers = if months >= 4 { accounts / 25 } else { 0 };
    let (mut people, mut places) = (Vec::with_capacity(accounts), Vec::with_capacity(accounts));
    for number in 0..accounts - movers {
        let mut dice = world.dice(&format!("person {number}"));
        let class = class(&mut dice, number);
        // The company takes its network over on the day before its first month. Some are connected later.
        let later = months > 4 && dice.chance(60);
        let day = if later { month(first, dice.between(1, months - 3)) + Days::new(dice.below(27)) } else { first - Days::new(1) };
        people.push(person(world, &mut dice, number, class, number, day, months));
        places.push(place(world, &mut dice, number, class, day));
    }
    let stay: Vec<usize> =
        (0..people.len()).filter(|n| people[*n].class == CustomerClass::Residential && people[*n].from < first).collect();
    for mover in 0..movers.min(stay.len()) {
        let number = people.len();
        let mut dice = world.dice(&format!("person {number}"));
        let leaver = stay[mover * stay.len() / movers];
        let day = month(first, dice.between(2, months - 2)) + Days::new(9 + dice.below(12));
        let newcomer = person(world, &mut dice, number, CustomerClass::Residential, people[leaver].place, day, months);
        people[leaver].habit = Habit::InTime;
        people.push(Person { follows: Some(leaver), ..newcomer });
    }
    (people, places)
}

/// A small company has one of each as well.
fn class(dice: &mut Dice, number: usize) -> CustomerClass {
    match number {
        1 => CustomerClass::Commercial,
        2 => CustomerClass::Industrial,
        3 => CustomerClass::Government,
        4 => CustomerClass::Agricultural,
        _ => match dice.below(100) {
            0..80 => CustomerClass::Residential,
            80..92 => CustomerClass::Commercial,
            92..94 => CustomerClass::Industrial,
            94..97 => CustomerClass::Government,
            _ => CustomerClass::Agricultural,
        },
    }
}

fn person(world: &World, dice: &mut Dice, number: usize, class: CustomerClass, place: usize, from: NaiveDate, months: i64) -> Person {
    let language = if dice.chance(820) { Language::Arabic } else { Language::English };
    let habit = match dice.below(100) {
        0..34 => Habit::Early,
        34..66 => Habit::InTime,
        66..80 => Habit::Late,
        80..86 => Habit::InParts,
        86..91 => Habit::RoundsUp,
        91..95 => Habit::ByCheque,
        _ => Habit::Stops { in_month: dice.between(1, (months / 2).max(1)), comes_back: dice.chance(500) },
    };
    let vat = match class {
        CustomerClass::Government if dice.chance(400) => Some((VatCategory::Z, "VATEX-SA-EDU")),
        CustomerClass::Commercial if dice.chance(40) => Some((VatCategory::Z, "VATEX-SA-HEA")),
        _ => None,
    };
    Person {
        number,
        account_id: AccountId::new(world.id(&format!("account {number}"))),
        class,
        language,
        name: names::holder(dice, class, language),
        habit,
        vat,
        place,
        from,
        follows: None,
        agreements: vec![],
        invoices: vec![],
        payments: vec![],
        deposit: None,
        to: None,
    }
}

fn place(world: &World, dice: &mut Dice, number: usize, class: CustomerClass, day: NaiveDate) -> Place {
    let cycle = usize::try_from(dice.below(3)).unwrap_or_default();
    let (series, low, high, breaker_amps) = match class {
        CustomerClass::Residential => {
            ("ksa-sec-residential", 12_000, if dice.chance(60) { 190_000 } else { 62_000 }, *dice.pick(&[40, 60, 100]))
        }
        CustomerClass::Commercial => ("daftar-shops", 30_000, 240_000, *dice.pick(&[60, 100, 200])),
        CustomerClass::Industrial => ("daftar-industry", 1_500_000, 9_000_000, 400),
        CustomerClass::Government => ("daftar-offices", 60_000, 380_000, *dice.pick(&[100, 200])),
        CustomerClass::Agricultural => ("daftar-farms", 80_000, 480_000, 200),
    };
    let seasons = if class == CustomerClass::Industrial { &WORKS } else { &COOLING };
    let electricity = device(world, dice, &format!("{number} electricity"), Service::Electricity, class);
    let dial = Dial::new(electricity, start(dice, number), day);
    let mut supplies = vec![Supply {
        service: Service::Electricity,
        series,
        cycle,
        dial,
        former: vec![],
        per_day: dice.between(low, high),
        seasons,
        off: false,
    }];
    let water = match class {
        CustomerClass::Residential if dice.chance(350) => Some(("ksa-water-2016", 350, 1_700)),
        CustomerClass::Commercial if dice.chance(300) => Some(("daftar-water", 600, 5_000)),
        _ => None,
    };
    if let Some((series, low, high)) = water {
        let device = device(world, dice, &format!("{number} water"), Service::Water, class);
        let dial = Dial::new(device, dice.between(0, 400_000), day);
        supplies.push(Supply {
            service: Service::Water,
            series,
            cycle,
            dial,
            former: vec![],
            per_day: dice.between(low, high),
            seasons: &WATER,
            off: false,
        });
    }
    Place {
        premises_id: PremisesId::new(world.id(&format!("premises {number}"))),
        district: dice.pick(DISTRICTS),
        dwellings: NonZeroU32::MIN.saturating_add(if dice.chance(100) { 2 } else { 0 }),
        breaker_amps,
        supplies,
        occupant: None,
    }
}

/// Some dials are nearly full when the history begins.
fn start(dice: &mut Dice, number: usize) -> i64 {
    if number % 12 == 5 { dice.between(97_000, 99_500) } else { dice.between(0, 80_000) }
}

pub fn device(world: &World, dice: &mut Dice, name: &str, service: Service, class: CustomerClass) -> Device {
    let meter_id = MeterId::new(world.id(&format!("meter {name}")));
    let smart = class == CustomerClass::Industrial || dice.chance(550);
    let (code, unit, digits, decimals) = match service {
        Service::Electricity if smart && class != CustomerClass::Industrial => ("1.8.0", Unit::KilowattHour, 6, 2),
        Service::Electricity => ("1.8.0", Unit::KilowattHour, 5, 0),
        Service::Water => ("8.1.0", Unit::CubicMetre, 5, 3),
    };
    let multiplier = if class == CustomerClass::Industrial { Decimal::from(*dice.pick(&[40, 80, 120])) } else { Decimal::ONE };
    let register = Register { code: text(code), digits, decimals, multiplier, direction: Direction::Import, unit };
    let (maker, kind) = if smart { ("RAYYAN", MeterKind::Smart) } else { ("SADEEM", MeterKind::Traditional) };
    let serial = meter_id.to_string().replace('-', "")[..10].to_uppercase();
    Device { meter_id, maker: text(maker), serial: text(&serial), kind, registers: vec![register], certified_until: None }
}

/// Words of ours, which are codes.
pub fn text(code: &str) -> Code {
    Code::new(code).expect("a code")
}
