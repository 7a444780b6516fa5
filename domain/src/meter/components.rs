//! What is fitted beside the meter at the customer: the breaker and the seals, with everything that ever happened to them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Event, Meter, MeterInstalled, Rejection, Status};
use crate::{Code, Reason};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplaceBreaker {
    pub old_number: Code,
    pub new: Breaker,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApplySeal {
    pub seal: Seal,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakSeal {
    pub number: Code,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplaceSeal {
    pub old_number: Code,
    pub new: Seal,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BreakerReplaced {
    pub old_number: Code,
    pub new: Breaker,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealApplied {
    pub seal: Seal,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealBroken {
    pub number: Code,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealReplaced {
    pub old_number: Code,
    pub new: Seal,
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub number: Code,
    pub amps: u32,
}

/// Its number is used once: a number that appears again is a forged seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    pub number: Code,
    pub place: Code,
}

/// One change of the parts at the customer.
#[derive(Clone, Debug, PartialEq)]
pub enum ComponentFact {
    Fitted { on: NaiveDate, breaker: Breaker, seals: Vec<Seal> },
    BreakerReplaced(BreakerReplaced),
    SealApplied(SealApplied),
    SealBroken(SealBroken),
    SealReplaced(SealReplaced),
    TakenOff { on: NaiveDate },
}

/// The parts as they are, and the facts that made them so, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Components {
    breaker: Option<Breaker>,
    seals: Vec<Seal>,
    history: Vec<ComponentFact>,
}

impl Components {
    pub fn breaker(&self) -> Option<&Breaker> {
        self.breaker.as_ref()
    }

    /// The seals that are whole.
    pub fn seals(&self) -> &[Seal] {
        &self.seals
    }

    pub fn history(&self) -> &[ComponentFact] {
        &self.history
    }

    pub(super) fn fitted(&mut self, fact: &MeterInstalled) {
        self.breaker = Some(fact.breaker.clone());
        self.seals.clone_from(&fact.seals);
        self.history.push(ComponentFact::Fitted { on: fact.on, breaker: fact.breaker.clone(), seals: fact.seals.clone() });
    }

    pub(super) fn taken_off(&mut self, on: NaiveDate) {
        self.breaker = None;
        self.seals.clear();
        self.history.push(ComponentFact::TakenOff { on });
    }

    pub(super) fn breaker_replaced(&mut self, fact: &BreakerReplaced) {
        self.breaker = Some(fact.new.clone());
        self.history.push(ComponentFact::BreakerReplaced(fact.clone()));
    }

    pub(super) fn seal_applied(&mut self, fact: &SealApplied) {
        self.seals.push(fact.seal.clone());
        self.history.push(ComponentFact::SealApplied(fact.clone()));
    }

    pub(super) fn seal_broken(&mut self, fact: &SealBroken) {
        self.seals.retain(|seal| seal.number != fact.number);
        self.history.push(ComponentFact::SealBroken(fact.clone()));
    }

    pub(super) fn seal_replaced(&mut self, fact: &SealReplaced) {
        self.seals.retain(|seal| seal.number != fact.old_number);
        self.seals.push(fact.new.clone());
        self.history.push(ComponentFact::SealReplaced(fact.clone()));
    }

    /// Seals that could be put on together: at least one, none twice, none ever used before.
    pub(super) fn check_new(&self, seals: &[Seal]) -> Result<(), Rejection> {
        if seals.is_empty() {
            return Err(Rejection::SealMissing);
        }
        for (n, seal) in seals.iter().enumerate() {
            if self.was_used(&seal.number) || seals[..n].iter().any(|other| other.number == seal.number) {
                return Err(Rejection::SealUsedBefore(seal.number.clone()));
            }
        }
        Ok(())
    }

    fn was_used(&self, number: &Code) -> bool {
        self.history.iter().any(|fact| match fact {
            ComponentFact::Fitted { seals, .. } => seals.iter().any(|seal| seal.number == *number),
            ComponentFact::SealApplied(applied) => applied.seal.number == *number,
            ComponentFact::SealReplaced(replaced) => replaced.new.number == *number,
            ComponentFact::BreakerReplaced(_) | ComponentFact::SealBroken(_) | ComponentFact::TakenOff { .. } => false,
        })
    }

    fn whole(&self, number: &Code) -> Result<(), Rejection> {
        let whole = self.seals.iter().any(|seal| seal.number == *number);
        if whole { Ok(()) } else { Err(Rejection::NoSuchSeal(number.clone())) }
    }
}

impl Meter {
    pub fn components(&self) -> &Components {
        &self.components
    }

    pub(super) fn replace_breaker(&self, wish: ReplaceBreaker) -> Result<Vec<Event>, Rejection> {
        let ReplaceBreaker { old_number, new, on, reason } = wish;
        let replaced = BreakerReplaced { old_number, new, on, reason };
        if self.happened(&ComponentFact::BreakerReplaced(replaced.clone())) {
            return Ok(vec![]);
        }
        self.fitted_on(on)?;
        if self.components.breaker.as_ref().is_none_or(|breaker| breaker.number != replaced.old_number) {
            return Err(Rejection::NoSuchBreaker(replaced.old_number));
        }
        Ok(vec![replaced.into()])
    }

    pub(super) fn apply_seal(&self, wish: ApplySeal) -> Result<Vec<Event>, Rejection> {
        let ApplySeal { seal, on } = wish;
        let applied = SealApplied { seal, on };
        if self.happened(&ComponentFact::SealApplied(applied.clone())) {
            return Ok(vec![]);
        }
        self.fitted_on(on)?;
        self.components.check_new(std::slice::from_ref(&applied.seal))?;
        Ok(vec![applied.into()])
    }

    pub(super) fn break_seal(&self, wish: BreakSeal) -> Result<Vec<Event>, Rejection> {
        let BreakSeal { number, on, reason } = wish;
        let broken = SealBroken { number, on, reason };
        if self.happened(&ComponentFact::SealBroken(broken.clone())) {
            return Ok(vec![]);
        }
        self.fitted_on(on)?;
        self.components.whole(&broken.number)?;
        Ok(vec![broken.into()])
    }

    pub(super) fn replace_seal(&self, wish: ReplaceSeal) -> Result<Vec<Event>, Rejection> {
        let ReplaceSeal { old_number, new, on, reason } = wish;
        let replaced = SealReplaced { old_number, new, on, reason };
        if self.happened(&ComponentFact::SealReplaced(replaced.clone())) {
            return Ok(vec![]);
        }
        self.fitted_on(on)?;
        self.components.whole(&replaced.old_number)?;
        self.components.check_new(std::slice::from_ref(&replaced.new))?;
        Ok(vec![replaced.into()])
    }

    fn happened(&self, fact: &ComponentFact) -> bool {
        self.components.history.contains(fact)
    }

    fn fitted_on(&self, on: NaiveDate) -> Result<(), Rejection> {
        match self.status()? {
            Status::Installed | Status::Disconnected => {}
            other @ (Status::InStock | Status::Reserved | Status::Removed | Status::OnBench | Status::Scrapped) => {
                return Err(Rejection::NotWhile(other));
            }
        }
        match self.installations.last() {
            Some(installation) if installation.from <= on => Ok(()),
            Some(_) | None => Err(Rejection::NotInstalledThen(on)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        meter::{Command, example},
        spec::given,
    };

    fn code(text: &str) -> Code {
        Code::new(text).unwrap()
    }

    fn reason() -> Reason {
        Reason::new("found broken").unwrap()
    }

    fn seal(number: &str) -> Seal {
        Seal { number: code(number), place: code("cover") }
    }

    fn on() -> NaiveDate {
        example::day("2024-03-01")
    }

    fn apply(number: &str) -> Command {
        Command::ApplySeal(ApplySeal { seal: seal(number), on: on() })
    }

    fn break_(number: &str) -> Command {
        Command::BreakSeal(BreakSeal { number: code(number), on: on(), reason: reason() })
    }

    fn replace(old: &str, new: &str) -> Command {
        Command::ReplaceSeal(ReplaceSeal { old_number: code(old), new: seal(new), on: on(), reason: reason() })
    }

    fn breaker(old: &str, new: &str) -> Command {
        let new = Breaker { number: code(new), amps: 150 };
        Command::ReplaceBreaker(ReplaceBreaker { old_number: code(old), new, on: on(), reason: reason() })
    }

    #[test]
    fn seals_are_applied_broken_and_replaced_and_their_numbers_used_once() {
        let after = |facts: &[&Event]| given::<Meter>(example::installed().into_iter().chain(facts.iter().map(|&fact| fact.clone())));
        let applied: Event = SealApplied { seal: seal("S-2"), on: on() }.into();
        let broken: Event = SealBroken { number: code("S-1"), on: on(), reason: reason() }.into();
        let replaced: Event = SealReplaced { old_number: code("S-1"), new: seal("S-2"), on: on(), reason: reason() }.into();
        after(&[]).when(apply("S-2")).then([applied.clone()]);
        let again = Command::ApplySeal(ApplySeal { seal: seal("S-2"), on: example::day("2024-03-02") });
        after(&[&applied]).when(again).then_rejected(Rejection::SealUsedBefore(code("S-2")));
        after(&[&applied]).when(apply("S-3")).then([SealApplied { seal: seal("S-3"), on: on() }.into()]);
        after(&[]).when(apply("S-1")).then_rejected(Rejection::SealUsedBefore(code("S-1")));
        after(&[&broken]).when(apply("S-1")).then_rejected(Rejection::SealUsedBefore(code("S-1")));
        after(&[&applied, &broken]).when(replace("S-2", "S-1")).then_rejected(Rejection::SealUsedBefore(code("S-1")));
        after(&[]).when(break_("S-1")).then([broken.clone()]);
        after(&[]).when(break_("S-9")).then_rejected(Rejection::NoSuchSeal(code("S-9")));
        after(&[&replaced]).when(break_("S-1")).then_rejected(Rejection::NoSuchSeal(code("S-1")));
        after(&[]).when(replace("S-1", "S-2")).then([replaced.clone()]);
        after(&[&broken]).when(replace("S-1", "S-2")).then_rejected(Rejection::NoSuchSeal(code("S-1")));
        after(&[&replaced]).when(apply("S-2")).then_rejected(Rejection::SealUsedBefore(code("S-2")));
    }

    #[test]
    fn of_several_seals_each_counts() {
        let Event::MeterInstalled(fact) = example::installed_alone() else { unreachable!() };
        let fitted: Event = super::super::MeterInstalled { seals: vec![seal("S-1"), seal("S-2")], ..fact }.into();
        let after = || given::<Meter>([example::registered(), fitted.clone()]);
        for number in ["S-1", "S-2"] {
            after().when(apply(number)).then_rejected(Rejection::SealUsedBefore(code(number)));
            after().when(break_(number)).then([SealBroken { number: code(number), on: on(), reason: reason() }.into()]);
        }
        let mut install = example::install();
        install.seals = vec![seal("S-1"), seal("S-2"), seal("S-1")];
        given::<Meter>([example::registered()]).when(Command::InstallMeter(install)).then_rejected(Rejection::SealUsedBefore(code("S-1")));
    }

    #[test]
    fn a_breaker_is_replaced_by_its_number() {
        let new = Breaker { number: code("B-2"), amps: 150 };
        let replaced: Event = BreakerReplaced { old_number: code("B-1"), new, on: on(), reason: reason() }.into();
        given::<Meter>(example::installed()).when(breaker("B-1", "B-2")).then([replaced.clone()]);
        given::<Meter>(example::installed()).when(breaker("B-9", "B-2")).then_rejected(Rejection::NoSuchBreaker(code("B-9")));
        given::<Meter>(example::installed().into_iter().chain([replaced]))
            .when(breaker("B-1", "B-3"))
            .then_rejected(Rejection::NoSuchBreaker(code("B-1")));
    }

    #[test]
    fn parts_change_only_where_and_when_the_meter_is_up() {
        for command in [apply("S-2"), break_("S-1"), replace("S-1", "S-2"), breaker("B-1", "B-2")] {
            given::<Meter>([]).when(command.clone()).then_rejected(Rejection::NotRegistered);
            given::<Meter>([example::registered()]).when(command).then_rejected(Rejection::NotWhile(Status::InStock));
        }
        let same_day = SealApplied { seal: seal("S-2"), on: example::day("2024-01-01") };
        let wish = Command::ApplySeal(ApplySeal { seal: same_day.seal.clone(), on: same_day.on });
        given::<Meter>(example::installed()).when(wish).then([same_day.into()]);
        let early = Command::ApplySeal(ApplySeal { seal: seal("S-2"), on: example::day("2023-12-31") });
        given::<Meter>(example::installed()).when(early).then_rejected(Rejection::NotInstalledThen(example::day("2023-12-31")));
    }

    #[test]
    fn the_history_of_parts_is_whole() {
        let facts = example::installed().into_iter().chain([
            SealApplied { seal: seal("S-2"), on: on() }.into(),
            SealReplaced { old_number: code("S-1"), new: seal("S-3"), on: on(), reason: reason() }.into(),
            SealBroken { number: code("S-2"), on: on(), reason: reason() }.into(),
        ]);
        let meter = example::meter(facts);
        assert_eq!(meter.components().seals(), [seal("S-3")]);
        assert_eq!(meter.components().breaker().map(|breaker| breaker.amps), Some(100));
        assert_eq!(meter.components().history().len(), 4);
    }
}
