use std::collections::{BTreeMap, BTreeSet};

use super::{example::*, *};
use crate::{
    Money, StreamName,
    invoice::{self, Invoice, LineRef, Status, example as invoices},
    meter,
    register::{self, Register},
    spec::given,
};

fn record(step: Step) -> Command {
    Command::RecordStep(RecordStep { step, number: number(step) })
}

fn refuse() -> Command {
    Command::RefuseCorrection(RefuseCorrection { why: invoices::reason("cancelled already") })
}

#[test]
fn steps_are_taken_in_turn_and_the_last_finishes() {
    given::<Correction>([]).when(Command::OpenCorrection(OpenCorrection { correction_id: CORRECTION, terms: terms() })).then([opened()]);
    for step in Step::ALL {
        let facts = || [opened()].into_iter().chain(taken_before(*step));
        let finished = (*step == Step::CascadeLaterBills).then(finished);
        given::<Correction>(facts()).when(record(*step)).then([taken(*step)].into_iter().chain(finished));
        for other in Step::ALL.iter().filter(|other| *other > step) {
            given::<Correction>(facts()).when(record(*other)).then_rejected(Rejection::OutOfTurn { expected: *step });
        }
        for past in Step::ALL.iter().filter(|past| *past < step) {
            given::<Correction>(facts()).when(record(*past)).then_nothing();
        }
    }
    given::<Correction>([]).when(record(Step::ApproveCancellation)).then_rejected(Rejection::NotOpen);
}

#[test]
fn a_number_is_recorded_where_one_is_asked_for_and_never_changes() {
    for step in Step::ALL {
        let facts = || [opened()].into_iter().chain(taken_before(*step));
        let misplaced = if step.asks_for_number() { None } else { Some(invoices::number("INV", 9)) };
        let wish = |number| Command::RecordStep(RecordStep { step: *step, number });
        given::<Correction>(facts()).when(wish(misplaced)).then_rejected(Rejection::NumberMisplaced);
        let other = Some(invoices::number("INV", 99));
        given::<Correction>(facts().chain([taken(*step)])).when(wish(other)).then_rejected(Rejection::OtherNumber(*step));
    }
}

#[test]
fn a_correction_has_one_set_of_terms() {
    let other = Terms { reason: invoices::reason("other"), ..terms() };
    let open = |terms| Command::OpenCorrection(OpenCorrection { correction_id: CORRECTION, terms });
    given::<Correction>([opened()]).when(open(other)).then_rejected(Rejection::CorrectionIdReused);
    for (later, twice) in [(vec![LATER, LATER], LATER), (vec![LATER, invoices::INVOICE], invoices::INVOICE)] {
        given::<Correction>([]).when(open(Terms { later, ..terms() })).then_rejected(Rejection::ListedTwice(twice));
    }
}

#[test]
fn only_an_invoice_that_is_not_touched_yet_can_be_left_alone() {
    let refused: Event = CorrectionRefused { why: invoices::reason("cancelled already") }.into();
    given::<Correction>([]).when(refuse()).then_rejected(Rejection::NotOpen);
    given::<Correction>([opened()]).when(refuse()).then([refused.clone()]);
    given::<Correction>([opened(), refused.clone()]).when(record(Step::ApproveCancellation)).then_rejected(Rejection::Refused);
    given::<Correction>([opened(), taken(Step::ApproveCancellation)]).when(refuse()).then_rejected(Rejection::UnderWay);
    assert!(Correction::default().evolve(&opened()).evolve(&refused).next().is_none());
}

/// The streams that a correction writes. Invoices and registers decide as they always do; what meters and accounts are asked is kept as a set, as
/// they would take it: once.
#[derive(Clone, Default)]
struct World {
    correction: Vec<Event>,
    invoices: BTreeMap<InvoiceId, Vec<invoice::Event>>,
    registers: BTreeMap<StreamName, Vec<register::Event>>,
    heard: BTreeSet<String>,
}

/// Where the process that carries out a correction is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    /// After so many of the step's requests.
    AfterRequests(Step, usize),
    /// When all are carried out and recorded.
    AfterRecording(Step),
}

impl World {
    fn new() -> Self {
        let invoices = BTreeMap::from([(invoices::INVOICE, vec![invoices::issued()])]);
        Self { correction: vec![opened()], invoices, ..Self::default() }
    }

    fn state(&self) -> Correction {
        self.correction.iter().fold(Correction::default(), Correction::evolve)
    }

    /// Until there is nothing left to do, or the process dies.
    fn carry_on(&mut self, kill: Option<Kill>) {
        while let Some(Task { step, requests }) = self.state().next() {
            for (done, request) in requests.iter().enumerate() {
                if matches!(kill, Some(Kill::AfterRequests(at, count)) if at == step && count == done) {
                    return;
                }
                self.ask(request);
            }
            if matches!(kill, Some(Kill::AfterRequests(at, count)) if at == step && count == requests.len()) {
                return;
            }
            let number = requests.first().and_then(|request| self.answer(request));
            let events = self.state().decide(Command::RecordStep(RecordStep { step, number })).expect("steps are taken in turn");
            self.correction.extend(events);
            if matches!(kill, Some(Kill::AfterRecording(at)) if at == step) {
                return;
            }
        }
    }

    fn ask(&mut self, request: &Request) {
        match request {
            Request::Invoice { invoice_id, command } => {
                let stream = self.invoices.entry(*invoice_id).or_default();
                let invoice = stream.iter().fold(Invoice::default(), Invoice::evolve);
                stream.extend(invoice.decide(command.clone()).expect("nothing is refused"));
            }
            Request::Register { command, .. } => {
                let stream = self.registers.entry(request.stream()).or_default();
                let register = stream.iter().fold(Register::default(), Register::evolve);
                stream.extend(register.decide(command.clone()).expect("nothing is refused"));
            }
            Request::Meter { .. }
            | Request::FreeAllocations { .. }
            | Request::CreditAccount { .. }
            | Request::ChargeAccount { .. }
            | Request::ReapplyCredit { .. }
            | Request::ReviewLateFees { .. }
            | Request::Correct { .. } => {
                self.heard.insert(format!("{} {request:?}", request.stream()));
            }
        }
    }

    fn answer(&self, request: &Request) -> Option<DocumentNumber> {
        let Request::Register { command: register::Command::AssignNumber(wish), .. } = request else { return None };
        let register = self.registers[&request.stream()].iter().fold(Register::default(), Register::evolve);
        register.number_of(wish.document).cloned()
    }

    fn seen(&self) -> String {
        let Self { correction, invoices, registers, heard } = self;
        format!("{correction:#?} {invoices:#?} {registers:#?} {heard:#?}")
    }
}

#[test]
fn a_correction_cancels_the_wrong_invoice_and_issues_the_right_one() {
    let mut world = World::new();
    world.carry_on(None);
    assert!(world.state().is_finished());
    assert_eq!(world.correction.last(), Some(&finished()));
    let invoice = |id| world.invoices[&id].iter().fold(Invoice::default(), Invoice::evolve);
    let replacement = correction_invoice_id(CORRECTION);
    assert_eq!(invoice(invoices::INVOICE).status(), Some(Status::Cancelled));
    assert_eq!(invoice(replacement).status(), Some(Status::Open));
    assert_eq!(invoice(replacement).left_to_pay(), Some(invoices::sar(10_350)));
    let heard: Vec<&str> = world.heard.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    let count = |name| heard.iter().filter(|heard| **heard == name).count();
    let names = ["Meter", "FreeAllocations", "CreditAccount", "ChargeAccount", "ReapplyCredit", "ReviewLateFees", "Correct"];
    // One reading goes and one comes; two meters let go of two bills each and are told of one.
    assert_eq!(names.map(count), [8, 1, 1, 1, 1, 1, 1]);
}

/// Every place where it can die comes from the code: a step that is added is killed here too.
#[test]
fn killed_anywhere_it_ends_in_the_same_place() {
    let mut whole = World::new();
    whole.carry_on(None);
    let mut kills = vec![];
    for step in Step::ALL {
        let facts = [opened()].into_iter().chain(taken_before(*step));
        let requests = facts.fold(Correction::default(), |state, fact| state.evolve(&fact)).next().unwrap().requests.len();
        assert!(requests > 0, "{step:?} asks for something");
        kills.extend((0..=requests).map(|count| Kill::AfterRequests(*step, count)));
        kills.push(Kill::AfterRecording(*step));
    }
    for kill in kills {
        let mut world = World::new();
        world.carry_on(Some(kill));
        assert_eq!(world.seen() == whole.seen(), matches!(kill, Kill::AfterRecording(Step::CascadeLaterBills)), "{kill:?}");
        world.carry_on(None);
        assert_eq!(world.seen(), whole.seen(), "{kill:?}");
    }
}

#[test]
fn each_step_asks_for_what_it_is_named_after() {
    let asked = |step: Step| {
        let facts = [opened()].into_iter().chain(taken_before(step));
        facts.fold(Correction::default(), |state, fact| state.evolve(&fact)).next().unwrap().requests
    };
    let (note_id, replacement) = (correction_note_id(CORRECTION), correction_invoice_id(CORRECTION));
    let of_account = [Step::FreeAllocations, Step::CreditAccount, Step::ChargeAccount, Step::ReapplyCredit, Step::ReviewLateFees];
    let named = of_account.map(|step| match &asked(step)[..] {
        [Request::FreeAllocations { invoice_id, .. }] | [Request::CreditAccount { invoice_id, .. }] => *invoice_id,
        [Request::ChargeAccount { invoice_id, .. }] => *invoice_id,
        [Request::ReapplyCredit { wrong, .. } | Request::ReviewLateFees { wrong, .. }] => *wrong,
        other => panic!("one request to the account: {other:?}"),
    });
    assert_eq!(named, [invoices::INVOICE, invoices::INVOICE, replacement, invoices::INVOICE, invoices::INVOICE]);
    let [Request::Invoice { invoice_id, command: invoice::Command::IssueCreditNote(issue) }] = &asked(Step::IssueCreditNote)[..] else {
        panic!("a credit note is issued")
    };
    assert_eq!((*invoice_id, issue.note_id, Some(&issue.number)), (invoices::INVOICE, note_id, number(Step::NumberCreditNote).as_ref()));
    let [Request::Invoice { invoice_id, command: invoice::Command::IssueAtOnce(issue) }] = &asked(Step::IssueReplacement)[..] else {
        panic!("the replacement is issued")
    };
    assert_eq!((*invoice_id, issue.invoice_id, &issue.draft), (replacement, replacement, &*terms().replacement));
    assert_eq!((issue.dates, Some(&issue.number)), (terms().dates, number(Step::NumberReplacement).as_ref()));
    for (request, readings) in asked(Step::BillReadings).iter().zip(&terms().meters) {
        let Request::Meter { meter_id, command: meter::Command::NoteReadingsBilled(wish) } = request else { panic!("readings are billed") };
        assert_eq!((*meter_id, wish.invoice_id, &wish.reading_ids), (readings.meter_id, replacement, &readings.reading_ids));
    }
    let [Request::Correct { invoice_id, follows, .. }] = &asked(Step::CascadeLaterBills)[..] else { panic!("one later bill") };
    assert_eq!((*invoice_id, *follows), (LATER, CORRECTION));
}

#[test]
fn a_correction_without_meters_or_later_bills_finishes_too() {
    let terms = Terms { readings: vec![], meters: vec![], later: vec![], ..terms() };
    let opened = CorrectionOpened { correction_id: CORRECTION, terms };
    let mut world = World { correction: vec![opened.into()], ..World::new() };
    world.carry_on(None);
    assert_eq!(world.correction.last(), Some(&finished()));
}

/// What was credited or added before does not stand in the way: the cancellation takes what is left.
#[test]
fn an_invoice_with_notes_is_corrected_too() {
    let mut world = World::new();
    let stream = world.invoices.get_mut(&invoices::INVOICE).unwrap();
    for wish in [
        invoice::Command::ApproveCreditNote(invoices::credit()),
        invoice::Command::ApproveDebitNote(invoices::debit()),
        invoice::Command::IssueDebitNote(invoice::IssueDebitNote { note_id: invoices::DEBIT, number: invoices::number("DBN", 1) }),
    ] {
        let invoice = stream.iter().fold(Invoice::default(), Invoice::evolve);
        stream.extend(invoice.decide(wish).unwrap());
    }
    world.carry_on(None);
    let mut facts = world.invoices[&invoices::INVOICE].iter().rev();
    let note = facts.find_map(|fact| if let invoice::Event::CreditNoteIssued(fact) = fact { Some(&fact.note.document) } else { None });
    let note = note.unwrap();
    let of_debit = note.lines.iter().filter(|line| matches!(line.credits, Some(LineRef { debit_note: Some(_), .. }))).count();
    assert_eq!((note.total, of_debit), (Money::new(14_950, crate::Currency::SAR), 1));
}
