//! Opening accounts, connecting, reading, estimating, exchanging and switching meters, moving in and out.

use chrono::{Days, NaiveDate};
use daftar_domain::{
    Currency, Money, Reason, SealedFor,
    account::{
        self, Account, AccountNumber, AddAddress, AddContact, Address, AddressKind, BeginService, Contact, ContactKind, CustomerClass,
        EndService, IdentityDocument, NoteMeterFitted, NoteMeterTakenOff, OpenAccount, RecordIdentity, SetVatStatus, TakeDeposit, Tender,
    },
    agreement::{self, Agreement, AttachMeter, MoveIn, MoveOut, ServicePoint, StartAgreement, TransferAgreement},
    ids::{AddressId, AgreementId, ContactId, DepositId, ReadingId, service_point_id},
    meter::{
        self, Breaker, DisconnectMeter, EstimateReading, EstimationRules, Event, InstallMeter, Meter, Overestimated, Reading,
        ReadingContext, ReadingKind, ReconnectMeter, RecordReading, RegisterMeter, ReleaseReading, Resolution, ReverseReading,
        RolloverRule, Seal, Takedown, TrueUpRules, ValidationRules,
    },
    premises::{self, Premises, PremisesFacts, RegisterPremises},
    reservation::{self, Reservation, Reserve, Unique},
};
use rust_decimal::Decimal;

use super::{Act, Life};
use crate::{
    DemoError, names,
    people::{self, Dial, Supply, text},
    world::{Staff, later},
};

/// Too much estimated is given back, too little is billed with what comes next: no bill is cancelled for it.
const FORWARD: TrueUpRules = TrueUpRules { respread: false, overestimated: Overestimated::Credit };

impl Life {
    pub(super) async fn open(&mut self, number: usize) -> Result<(), DemoError> {
        let today = self.today();
        let mut dice = self.world.dice(&format!("details of {number}"));
        let person = &self.people[number];
        let (account_id, class, language, name, vat) = (person.account_id, person.class, person.language, person.name.clone(), person.vat);
        let place = &self.places[person.place];
        let lives = names::address(&mut dice, place.district, language);
        let is_person = class == CustomerClass::Residential;
        let account_number = self.reserve_number(number).await?;
        let seal = |world: &mut crate::world::World, purpose, clear: &str| world.keys.seal(account_id, purpose, clear);
        // A company's name stands on its tax documents.
        let holder_name = seal(&mut self.world, if is_person { SealedFor::Contact } else { SealedFor::Legal }, &name);
        let opening =
            OpenAccount { account_id, number: account_number, holder_name, class, currency: Currency::SAR, language, opened_on: today };
        self.account(number, "open", account::Command::OpenAccount(opening)).await?;
        let (kind, identity) = if is_person { ("NAT", 1_000_000_000) } else { ("CRN", 7_000_000_000) };
        let identity = seal(&mut self.world, SealedFor::Legal, &(identity + dice.below(100_000_000)).to_string());
        let document = IdentityDocument { kind: text(kind), number: identity, expires_on: None };
        self.account(number, "identity", account::Command::RecordIdentity(RecordIdentity { document })).await?;
        let mut contacts = vec![(ContactKind::Mobile, names::mobile(&mut dice))];
        contacts.extend((!is_person || dice.chance(400)).then(|| (ContactKind::Email, names::mailbox(number))));
        for (kind, value) in contacts {
            let contact = Contact { kind, name: None, value: seal(&mut self.world, SealedFor::Contact, &value) };
            let contact_id = ContactId::new(self.world.id(&format!("contact {number} {kind:?}")));
            self.account(number, &format!("{kind:?}"), account::Command::AddContact(AddContact { contact_id, contact })).await?;
        }
        let address = Address { kind: AddressKind::Billing, text: seal(&mut self.world, SealedFor::Contact, &lives) };
        let address_id = AddressId::new(self.world.id(&format!("address {number}")));
        self.account(number, "address", account::Command::AddAddress(AddAddress { address_id, address })).await?;
        if let Some((category, reason)) = vat {
            let wish = SetVatStatus { category, reason: Some(text(reason)), from: today, to: None };
            self.account(number, "vat", account::Command::SetVatStatus(wish)).await?;
        }
        // Who is a stranger leaves something as security: companies, and people who move in.
        let deposit = match class {
            CustomerClass::Residential if self.people[number].follows.is_some() => Some(30_000),
            CustomerClass::Commercial => Some(100_000),
            CustomerClass::Industrial => Some(2_500_000),
            CustomerClass::Residential | CustomerClass::Government | CustomerClass::Agricultural => None,
        };
        if let Some(minor) = deposit {
            let deposit_id = DepositId::new(self.world.id(&format!("deposit {number}")));
            let channel = self.till(number);
            let amount = Money::new(minor, Currency::SAR);
            let wish = TakeDeposit { deposit_id, amount, tender: Tender::Transfer, channel, session: None, on: today };
            self.world.ask::<Account>(Staff::Cashier, account_id, &format!("deposit {number}"), wish.into()).await?;
            self.people[number].deposit = Some(deposit_id);
        }
        Ok(())
    }

    async fn reserve_number(&self, number: usize) -> Result<AccountNumber, DemoError> {
        let account_id = self.people[number].account_id;
        for attempt in 0.. {
            let candidate = AccountNumber::generated(account_id, attempt);
            let reserve = reservation::Command::Reserve(Reserve { holder: account_id.into() });
            let id = Unique::AccountNumber(&candidate).reservation_id();
            if self.world.answer::<Reservation>(Staff::Billing, id, &format!("number {number}"), reserve).await?.is_ok() {
                return Ok(candidate);
            }
        }
        unreachable!("there are more numbers than accounts")
    }

    /// The premises, and on one day for each service the agreement and the meter.
    pub(super) async fn connect(&mut self, number: usize) -> Result<(), DemoError> {
        let (today, place) = (self.today(), self.people[number].place);
        let people::Place { premises_id, district, dwellings, breaker_amps, .. } = self.places[place];
        let clear = names::address(&mut self.world.dice(&format!("address {place}")), district, self.people[number].language);
        let address = self.world.keys.seal(premises_id, SealedFor::Contact, &clear);
        let facts = PremisesFacts { dwellings, breaker_amps: Some(breaker_amps), load_kva: None, area: text(district.area) };
        let wish = premises::Command::RegisterPremises(RegisterPremises { premises_id, address, facts, registered_on: today });
        self.world.ask::<Premises>(Staff::Technician, premises_id, &format!("premises {place}"), wish).await?;
        for supply in 0..self.places[place].supplies.len() {
            let Supply { service, ref dial, .. } = self.places[place].supplies[supply];
            let meter_id = dial.meter_id;
            let agreement = self.agreement(number, supply, today);
            self.begin_service(number, agreement.agreement_id, today).await?;
            let point = service_point_id(premises_id, service);
            let attach = agreement::Command::AttachMeter(AttachMeter { premises_id, service, meter_id, on: today });
            self.world.ask::<ServicePoint>(Staff::Technician, point, &format!("attach {meter_id}"), attach).await?;
            let key = format!("start {}", agreement.agreement_id);
            let start = agreement::Command::StartAgreement(StartAgreement { agreement });
            self.world.ask::<ServicePoint>(Staff::Billing, point, &key, start).await?;
            self.put_up(number, supply, None).await?;
        }
        self.places[place].occupant = Some(number);
        Ok(())
    }

    /// A meter from the maker's box to the wall.
    async fn put_up(&mut self, number: usize, supply: usize, replaces: Option<daftar_domain::ids::MeterId>) -> Result<(), DemoError> {
        let (today, place, account_id) = (self.today(), self.people[number].place, self.people[number].account_id);
        let people::Place { premises_id, breaker_amps, .. } = self.places[place];
        let Supply { service, ref dial, .. } = self.places[place].supplies[supply];
        let (meter_id, device) = (dial.meter_id, dial.device.clone());
        let unique = Unique::MeterSerial { maker: &device.maker, serial: &device.serial }.reservation_id();
        let reserve = reservation::Command::Reserve(Reserve { holder: meter_id.into() });
        self.world.ask::<Reservation>(Staff::Technician, unique, &format!("serial {meter_id}"), reserve).await?;
        let serial = device.serial.clone();
        let register = meter::Command::RegisterMeter(RegisterMeter { device, registered_on: today });
        self.world.ask::<Meter>(Staff::Technician, meter_id, &format!("register {meter_id}"), register).await?;
        let reading = self.reading(place, supply, "up", today, ReadingKind::Initial);
        let install = InstallMeter {
            premises_id,
            account_id,
            service,
            on: today,
            breaker: Breaker { number: text(&format!("B-{serial}")), amps: breaker_amps },
            seals: vec![Seal { number: text(&format!("S-{serial}")), place: text("cover") }],
            initial_reads: vec![reading],
            reserved_for: None,
            replaces,
            context: self.judged(FORWARD),
        };
        let install = meter::Command::InstallMeter(install);
        self.world.ask::<Meter>(Staff::Technician, meter_id, &format!("install {meter_id}"), install).await?;
        let fitted = account::Command::NoteMeterFitted(NoteMeterFitted { meter_id, fitted_on: today });
        self.account(number, &format!("fitted {meter_id}"), fitted).await
    }

    /// What the cycle asks for: a figure, or an estimate where nobody could look.
    pub(super) async fn read(&mut self, place: usize, supply: usize) -> Result<(), DemoError> {
        let (today, Some(person)) = (self.today(), self.places[place].occupant) else { return Ok(()) };
        let meter_id = self.dial(place, supply).meter_id;
        let mut dice = self.world.dice(&format!("reading {meter_id} {today}"));
        let rare = self.rare;
        let per_cent = match dice.below(rare * 3) {
            // Guests, a leak, a pool: such a bill is looked at twice.
            0 if self.people[person].invoices.len() > 2 => 420,
            _ => dice.between(95, 105),
        };
        self.run(place, supply, today, per_cent);
        let dial = self.dial(place, supply);
        let (smart, after_estimate) = (dial.is_smart(), dial.estimated);
        if !smart && dice.chance(45) && self.estimate(place, supply, today).await? {
            return Ok(());
        }
        let kind = match dice.below(20) {
            _ if smart => ReadingKind::Smart,
            0 => ReadingKind::Customer,
            _ => ReadingKind::Manual,
        };
        let slip = if smart { 2 } else { dice.below(rare) };
        match slip {
            0 => self.beyond_the_dial(place, supply, kind).await?,
            1 => self.swapped(place, supply, kind).await?,
            _ => {}
        }
        let reading = self.reading(place, supply, "cycle", today, kind);
        // For some, what the estimates left out is spread over all the days, and the bill that stood on them is made anew.
        let rules =
            if after_estimate && dice.chance(250) && self.can_rebill(person).await? { TrueUpRules::for_tariff(true) } else { FORWARD };
        self.record(place, supply, reading, rules).await
    }

    async fn record(&mut self, place: usize, supply: usize, reading: Reading, rules: TrueUpRules) -> Result<(), DemoError> {
        let (today, reading_id) = (self.today(), reading.reading_id);
        let dial = self.dial(place, supply);
        let (meter_id, staff) = (dial.meter_id, if dial.is_smart() { Staff::Smart } else { Staff::Technician });
        let events = self.world.ask::<Meter>(staff, meter_id, &format!("read {reading_id}"), self.record_reading(reading, rules)).await?;
        for event in &events {
            match event {
                Event::ReadingHeld(_) => self.plan(later(today, 1), 9 * 60, Act::Release { place, supply, reading_id }),
                Event::EstimatesTruedUp(fact) if !fact.superseded.is_empty() => self.bill_again(place),
                _ => {}
            }
        }
        self.dial_mut(place, supply).estimated = false;
        Ok(())
    }

    fn bill_again(&mut self, place: usize) {
        let Some(person) = self.places[place].occupant else { return };
        if let Some(invoice_id) = self.people[person].invoices.last().copied() {
            let minutes = u64::try_from((self.world.engine.now() - crate::world::local(self.today(), 0)).num_minutes()).unwrap_or_default();
            let why = "a reading showed more than was estimated";
            self.plan(self.today(), minutes + 5, Act::Rebill { person, invoice_id, why });
        }
    }

    /// False if someone has to go and look after all.
    async fn estimate(&mut self, place: usize, supply: usize, today: NaiveDate) -> Result<bool, DemoError> {
        let dial = self.dial(place, supply);
        let (meter_id, register) = (dial.meter_id, dial.register().code.clone());
        let reading_id = ReadingId::new(self.world.id(&format!("estimate {meter_id} {today}")));
        let taken_at = self.world.engine.now();
        let wish = EstimateReading { reading_id, register, taken_on: today, taken_at, rules: EstimationRules::default() };
        let wish = meter::Command::EstimateReading(wish);
        let estimated = self.world.answer::<Meter>(Staff::Billing, meter_id, &format!("estimate {reading_id}"), wish).await?.is_ok();
        self.dial_mut(place, supply).estimated |= estimated;
        Ok(estimated)
    }

    /// More digits than the dial has: nobody takes that.
    async fn beyond_the_dial(&mut self, place: usize, supply: usize, kind: ReadingKind) -> Result<(), DemoError> {
        let right = self.reading(place, supply, "beyond", self.today(), kind);
        let value = right.value + self.dial(place, supply).register().capacity();
        let wrong = self.record_reading(Reading { value, ..right }, FORWARD);
        let meter_id = self.dial(place, supply).meter_id;
        let _refused =
            self.world.answer::<Meter>(Staff::Technician, meter_id, &format!("beyond {meter_id} {}", self.today()), wrong).await?;
        Ok(())
    }

    /// Far too much: held, looked at and taken back.
    async fn swapped(&mut self, place: usize, supply: usize, kind: ReadingKind) -> Result<(), DemoError> {
        let today = self.today();
        let right = self.reading(place, supply, "swapped", today, kind);
        let capacity = self.dial(place, supply).register().capacity();
        let value = (right.value + capacity * Decimal::new(4, 1)) % capacity;
        let (meter_id, reading_id) = (self.dial(place, supply).meter_id, right.reading_id);
        let wrong = self.record_reading(Reading { value, ..right }, FORWARD);
        if let Ok(events) = self.world.answer::<Meter>(Staff::Technician, meter_id, &format!("read {reading_id}"), wrong).await?
            && matches!(events[..], [Event::ReadingHeld(_)])
        {
            let reason = reason("digits swapped");
            let wish = ReverseReading { reading_id, reason, cancels_bills: vec![], rollover: RolloverRule::default() };
            let wish = meter::Command::ReverseReading(wish);
            self.world.ask::<Meter>(Staff::Billing, meter_id, &format!("reverse {reading_id}"), wish).await?;
        }
        Ok(())
    }

    pub(super) async fn release(&mut self, place: usize, supply: usize, reading_id: ReadingId) -> Result<(), DemoError> {
        let meter_id = self.dial(place, supply).meter_id;
        let meter: Meter = self.world.look(meter_id).await?;
        let wish = |resolution| {
            let (released_by, reason) = (self.world.actor(Staff::Billing), reason("seen on a photograph"));
            meter::Command::ReleaseReading(ReleaseReading { reading_id, resolution, released_by, reason, true_up: FORWARD })
        };
        // What a person finds: right as it is, or the dial has passed its end.
        let wish = [Resolution::AsRead, Resolution::AsRollover].map(wish).into_iter().find(|wish| {
            use daftar_domain::Decider;
            meter.decide(wish.clone()).is_ok()
        });
        if let Some(wish) = wish {
            self.world.ask::<Meter>(Staff::Billing, meter_id, &format!("release {reading_id}"), wish).await?;
        }
        Ok(())
    }

    /// An old meter comes down with its last figure, and a new one goes up.
    pub(super) async fn exchange(&mut self, place: usize, supply: usize) -> Result<(), DemoError> {
        let (today, Some(person)) = (self.today(), self.places[place].occupant) else { return Ok(()) };
        if self.dial(place, supply).estimated || self.places[place].supplies[supply].off {
            return Ok(());
        }
        self.run(place, supply, today, 100);
        let premises_id = self.places[place].premises_id;
        let service = self.places[place].supplies[supply].service;
        let last = self.reading(place, supply, "down", today, ReadingKind::Final);
        let old = self.dial(place, supply).meter_id;
        let mut dice = self.world.dice(&format!("exchange {old}"));
        let device = people::device(&self.world, &mut dice, &format!("instead of {old}"), service, self.people[person].class);
        let new = device.meter_id;
        let takedown =
            Takedown { on: today, reason: reason("worn out"), final_reads: vec![last], estimates: vec![], context: self.judged(FORWARD) };
        let down = meter::Command::ExchangeMeter(meter::ExchangeMeter { successor: new, takedown });
        let events = self.world.ask::<Meter>(Staff::Technician, old, &format!("exchange {old}"), down).await?;
        for event in &events {
            if let Event::ReadingHeld(fact) = event {
                self.release(place, supply, fact.reading.reading_id).await?;
            }
        }
        let swap = agreement::Command::ExchangeMeter(agreement::ExchangeMeter { old, new, on: today });
        self.world.ask::<ServicePoint>(Staff::Technician, service_point_id(premises_id, service), &format!("exchange {old}"), swap).await?;
        let off = account::Command::NoteMeterTakenOff(NoteMeterTakenOff { meter_id: old, taken_off_on: today });
        self.account(person, &format!("taken off {old}"), off).await?;
        self.places[place].supplies[supply].former.push(old);
        *self.dial_mut(place, supply) = Dial::new(device, 0, today);
        self.put_up(person, supply, Some(old)).await
    }

    /// One set of figures closes the one's account and opens the other's. Some homes stand empty for a while in between.
    pub(super) async fn move_in(&mut self, newcomer: usize) -> Result<(), DemoError> {
        let (today, place) = (self.today(), self.people[newcomer].place);
        let Some(leaver) = self.places[place].occupant else { return Ok(()) };
        let empty = if newcomer.is_multiple_of(2) { 6 } else { 0 };
        let out_on = today - Days::new(empty);
        for supply in 0..self.places[place].supplies.len() {
            let (eve, meter_id) = (out_on - Days::new(1), self.dial(place, supply).meter_id);
            self.run(place, supply, eve, 100);
            let out = self.read_for_move(place, supply, eve, ReadingKind::Final).await?;
            let mut reads = vec![out];
            if empty > 0 {
                self.run(place, supply, today - Days::new(1), 4);
                reads.push(self.read_for_move(place, supply, today - Days::new(1), ReadingKind::Initial).await?);
            }
            let agreement = self.agreement(newcomer, supply, today);
            self.begin_service(newcomer, agreement.agreement_id, today).await?;
            let from_agreement = self.people[leaver].agreements[supply];
            let point = service_point_id(agreement.premises_id, agreement.service);
            let why = reason("moved to another town");
            let wishes = if empty > 0 {
                let agreement_id = from_agreement;
                vec![
                    agreement::Command::MoveOut(MoveOut { agreement_id, to: out_on, reads: reads[..1].to_vec(), reason: why }),
                    agreement::Command::MoveIn(MoveIn { agreement, reads: reads[1..].to_vec() }),
                ]
            } else {
                vec![agreement::Command::TransferAgreement(TransferAgreement { from_agreement, agreement, reads, reason: why })]
            };
            for (step, wish) in wishes.into_iter().enumerate() {
                self.world.ask::<ServicePoint>(Staff::Billing, point, &format!("move {step} {newcomer} {supply}"), wish).await?;
            }
            let end = account::Command::EndService(EndService { agreement_id: from_agreement, to: out_on });
            self.account(leaver, &format!("end {from_agreement}"), end).await?;
            let off = account::Command::NoteMeterTakenOff(NoteMeterTakenOff { meter_id, taken_off_on: out_on });
            self.account(leaver, &format!("left {meter_id}"), off).await?;
            let fitted = account::Command::NoteMeterFitted(NoteMeterFitted { meter_id, fitted_on: today });
            self.account(newcomer, &format!("fitted {meter_id}"), fitted).await?;
        }
        self.people[leaver].to = Some(out_on);
        self.places[place].occupant = Some(newcomer);
        Ok(())
    }

    async fn read_for_move(&mut self, place: usize, supply: usize, on: NaiveDate, kind: ReadingKind) -> Result<ReadingId, DemoError> {
        let reading = Reading { taken_at: crate::world::local(on, 18 * 60), ..self.reading(place, supply, "move", on, kind) };
        let (reading_id, meter_id) = (reading.reading_id, self.dial(place, supply).meter_id);
        let wish = self.record_reading(reading, FORWARD);
        let events = self.world.ask::<Meter>(Staff::Technician, meter_id, &format!("read {reading_id}"), wish).await?;
        if events.iter().any(|event| matches!(event, Event::ReadingHeld(_))) {
            self.release(place, supply, reading_id).await?;
        }
        self.dial_mut(place, supply).estimated = false;
        Ok(reading_id)
    }

    /// For whoever has not paid for months, and back again.
    pub(super) async fn switch(&mut self, number: usize, on: bool) -> Result<(), DemoError> {
        let (today, place) = (self.today(), self.people[number].place);
        if self.places[place].occupant != Some(number) || self.places[place].supplies[0].off != on {
            return Ok(());
        }
        self.run(place, 0, today, 100);
        let meter_id = self.dial(place, 0).meter_id;
        let (wish, name) = if on {
            (meter::Command::ReconnectMeter(ReconnectMeter { on: today, reason: reason("paid") }), "on")
        } else {
            (meter::Command::DisconnectMeter(DisconnectMeter { on: today, reason: reason("three bills unpaid") }), "off")
        };
        self.world.ask::<Meter>(Staff::Technician, meter_id, &format!("{name} {meter_id} {today}"), wish).await?;
        self.places[place].supplies[0].off = !on;
        Ok(())
    }

    async fn begin_service(&mut self, number: usize, agreement_id: AgreementId, from: NaiveDate) -> Result<(), DemoError> {
        self.people[number].agreements.push(agreement_id);
        self.account(number, &format!("begin {agreement_id}"), account::Command::BeginService(BeginService { agreement_id, from })).await
    }

    fn agreement(&self, number: usize, supply: usize, from: NaiveDate) -> Agreement {
        let place = &self.places[self.people[number].place];
        let Supply { service, series, cycle, .. } = place.supplies[supply];
        Agreement {
            agreement_id: AgreementId::new(self.world.id(&format!("agreement {number} {supply}"))),
            account_id: self.people[number].account_id,
            premises_id: place.premises_id,
            service,
            tariff_series: text(series),
            read_cycle_id: self.cycles[cycle],
            from,
        }
    }

    /// What the dial shows now.
    fn reading(&self, place: usize, supply: usize, occasion: &str, on: NaiveDate, kind: ReadingKind) -> Reading {
        let dial = self.dial(place, supply);
        let reading_id = ReadingId::new(self.world.id(&format!("reading {} {occasion} {on} {kind:?}", dial.meter_id)));
        let taken_at = self.world.engine.now();
        Reading { reading_id, register: dial.register().code.clone(), kind, value: dial.figure(), taken_on: on, taken_at }
    }

    fn record_reading(&self, reading: Reading, true_up: TrueUpRules) -> meter::Command {
        let received_at = self.world.engine.now();
        let validation = ValidationRules::default();
        meter::Command::RecordReading(RecordReading { reading, received_at, intervals: None, multiplier_seen: None, validation, true_up })
    }

    fn judged(&self, true_up: TrueUpRules) -> ReadingContext {
        ReadingContext { received_at: self.world.engine.now(), validation: ValidationRules::default(), true_up }
    }

    /// A home that is switched off uses nothing.
    fn run(&mut self, place: usize, supply: usize, to: NaiveDate, per_cent: i64) {
        let Supply { dial, per_day, seasons, off, .. } = &mut self.places[place].supplies[supply];
        dial.run(to, if *off { 0 } else { *per_day }, seasons, per_cent);
    }

    fn dial(&self, place: usize, supply: usize) -> &Dial {
        &self.places[place].supplies[supply].dial
    }

    fn dial_mut(&mut self, place: usize, supply: usize) -> &mut Dial {
        &mut self.places[place].supplies[supply].dial
    }

    pub(super) async fn account(&self, number: usize, key: &str, wish: account::Command) -> Result<(), DemoError> {
        let account_id = self.people[number].account_id;
        self.world.ask::<Account>(Staff::Billing, account_id, &format!("{number} {key}"), wish).await.map(|_| ())
    }

    pub(super) fn today(&self) -> NaiveDate {
        crate::world::day(self.world.engine.now())
    }
}

pub(super) fn reason(text: &str) -> Reason {
    Reason::new(text).expect("a reason")
}
