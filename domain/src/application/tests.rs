//! Applications by examples, a grid of every state and command, and what is always so.

use proptest::prelude::*;

use super::{example::*, *};
use crate::{
    Reason,
    account::{self, Account, WithdrawConnection, Withdrawal, example as accounts},
    ids::{ApplicationId, connection_invoice_id},
    spec::given,
};

fn fold(facts: &[Event]) -> Application {
    facts.iter().fold(Application::default(), Application::evolve)
}

/// The word of an account: there is no other way to come by one.
fn withdrawal(application_id: ApplicationId) -> Withdrawal {
    let wish = WithdrawConnection { application_id, on: day("2024-03-11") };
    let account = accounts::account([]);
    let said = account.decide(account::Command::from(wish)).unwrap();
    said.iter().fold(account, Account::evolve).withdrawal(application_id).unwrap()
}

fn reject() -> Command {
    Command::RejectApplication(RejectApplication { reason: reason("no network there"), on: day("2024-03-11") })
}

fn cancel(withdrawal: Option<Withdrawal>) -> Command {
    Command::CancelApplication(CancelApplication { reason: reason("sold the house"), withdrawal, on: day("2024-03-11") })
}

fn invoice(on: &str) -> Command {
    Command::InvoiceConnectionFee(InvoiceConnectionFee { on: day(on) })
}

fn note_paid(as_of: u64) -> Command {
    Command::NoteFeePaid(NoteFeePaid { as_of, on: day("2024-03-08") })
}

fn note_reopened(as_of: u64) -> Command {
    Command::NoteFeeReopened(NoteFeeReopened { as_of, on: day("2024-03-09") })
}

fn schedule(planned_on: &str) -> Command {
    Command::ScheduleInstallation(ScheduleInstallation { planned_on: day(planned_on), on: day("2024-03-10") })
}

fn connect() -> Command {
    Command::NoteConnected(NoteConnected { meter_id: METER, on: day("2024-03-12") })
}

fn activate() -> Command {
    Command::ActivateConnection(ActivateConnection { agreement_id: AGREEMENT, on: day("2024-03-12") })
}

/// What happens on the way to each state.
fn way(to: Status) -> Vec<Event> {
    let all = [submitted(), review_begun(), inspected(), priced(), invoiced(), paid(4), scheduled(), installed(), activated()];
    let first = |n: usize| all[..n].to_vec();
    match to {
        Status::Submitted => first(1),
        Status::UnderReview => first(2),
        Status::NeedsInformation => [first(2), vec![asked()]].concat(),
        Status::SiteInspected => first(3),
        Status::Priced => first(4),
        Status::FeeInvoiced => first(5),
        Status::FeePaid => first(6),
        Status::InstallScheduled => first(7),
        Status::Installed => first(8),
        Status::Activated => first(9),
        Status::Rejected => [first(2), vec![rejected(false)]].concat(),
        Status::Cancelled => [first(6), vec![cancelled(true, true)]].concat(),
    }
}

const ALL: [Status; 12] = [
    Status::Submitted,
    Status::UnderReview,
    Status::NeedsInformation,
    Status::SiteInspected,
    Status::Priced,
    Status::FeeInvoiced,
    Status::FeePaid,
    Status::InstallScheduled,
    Status::Installed,
    Status::Activated,
    Status::Rejected,
    Status::Cancelled,
];

#[test]
fn from_the_application_to_the_supply() {
    let at = |status| given::<Application>(way(status));
    given::<Application>([]).when(Command::SubmitApplication(submit())).then([submitted()]);
    at(Status::Submitted).when(Command::BeginReview(BeginReview { on: day("2024-03-02") })).then([review_begun()]);
    let ask = AskForInformation { question: reason("whose is the land?"), on: day("2024-03-02") };
    at(Status::UnderReview).when(Command::AskForInformation(ask)).then([asked()]);
    let give = GiveInformation { answer: sealed(2), on: day("2024-03-03") };
    at(Status::NeedsInformation).when(Command::GiveInformation(give)).then([given_information()]);
    at(Status::UnderReview).when(Command::InspectSite(inspect())).then([inspected()]);
    at(Status::SiteInspected).when(Command::PriceConnection(price("2024-03-06"))).then([priced()]);
    at(Status::Priced).when(invoice("2024-03-07")).then([invoiced()]);
    at(Status::FeeInvoiced).when(note_paid(4)).then([paid(4)]);
    at(Status::FeePaid).when(schedule("2024-03-12")).then([scheduled()]);
    at(Status::InstallScheduled).when(connect()).then([installed()]);
    at(Status::Installed).when(activate()).then([activated()]);
}

/// Every state × every command: how many facts come of it, or why none.
#[test]
fn what_each_state_allows() {
    use Status::{
        Activated, Cancelled, FeeInvoiced, FeePaid, InstallScheduled, Installed, NeedsInformation, Priced, Rejected, SiteInspected,
        Submitted, UnderReview,
    };
    let asks = AskForInformation { question: reason("whose is the land?"), on: day("2024-03-02") };
    let commands = [
        Command::SubmitApplication(submit()),
        Command::BeginReview(BeginReview { on: day("2024-03-02") }),
        Command::AskForInformation(asks),
        Command::GiveInformation(GiveInformation { answer: sealed(2), on: day("2024-03-03") }),
        Command::InspectSite(inspect()),
        Command::PriceConnection(price("2024-03-06")),
        invoice("2024-03-07"),
        note_paid(6),
        note_reopened(6),
        schedule("2024-03-12"),
        connect(),
        activate(),
        reject(),
        cancel(None),
        cancel(Some(withdrawal(APPLICATION))),
    ];
    let no = |status| Err(Rejection::NotNow(status));
    let closed = || Err(Rejection::FeeUnpaid);
    let unsaid = || Err(Rejection::NotWithdrawn);
    type Row = [Result<usize, Rejection>; 15];
    let row = |at: Status| -> Row {
        let no = || no(at);
        match at {
            Submitted => [Ok(0), Ok(1), no(), no(), no(), no(), no(), no(), no(), no(), no(), no(), Ok(1), Ok(1), Ok(1)],
            UnderReview => [Ok(0), Ok(0), Ok(1), Ok(0), Ok(1), no(), no(), no(), no(), no(), no(), no(), Ok(1), Ok(1), Ok(1)],
            NeedsInformation => [Ok(0), no(), Ok(0), Ok(1), no(), no(), no(), no(), no(), no(), no(), no(), Ok(1), Ok(1), Ok(1)],
            SiteInspected => [Ok(0), no(), Ok(1), no(), Ok(0), Ok(1), no(), no(), no(), no(), no(), no(), Ok(1), Ok(1), Ok(1)],
            Priced => [Ok(0), no(), Ok(1), no(), Ok(1), Ok(0), Ok(1), no(), no(), no(), no(), no(), Ok(1), Ok(1), Ok(1)],
            FeeInvoiced => [Ok(0), no(), no(), no(), no(), no(), Ok(0), Ok(1), Ok(0), closed(), Ok(1), no(), no(), unsaid(), Ok(1)],
            FeePaid => [Ok(0), no(), no(), no(), no(), no(), Ok(0), Ok(0), Ok(1), Ok(1), Ok(1), no(), no(), unsaid(), Ok(1)],
            InstallScheduled => [Ok(0), no(), no(), no(), no(), no(), Ok(0), Ok(0), Ok(1), Ok(0), Ok(1), no(), no(), unsaid(), Ok(1)],
            Installed => [Ok(0), no(), no(), no(), no(), no(), no(), Ok(0), Ok(0), no(), Ok(0), Ok(1), no(), no(), no()],
            Activated => [Ok(0), no(), no(), no(), no(), no(), no(), Ok(0), Ok(0), no(), Ok(0), Ok(0), no(), no(), no()],
            Rejected => [Ok(0), no(), no(), no(), no(), no(), no(), no(), no(), no(), no(), no(), Ok(0), no(), no()],
            Cancelled => [Ok(0), no(), no(), no(), no(), no(), no(), Ok(0), Ok(0), no(), no(), no(), no(), Ok(0), Ok(0)],
        }
    };
    for status in ALL {
        let facts = way(status);
        assert_eq!(fold(&facts).status(), Some(status));
        for (command, expected) in commands.iter().zip(row(status)) {
            let found = fold(&facts).decide(command.clone());
            assert_eq!(found.clone().map(|events| events.len()), expected, "{status} {command:?}");
            if let Ok(events) = found {
                given::<Application>(facts.clone()).when(command.clone()).then(events);
            }
        }
    }
    for command in &commands[1..] {
        assert_eq!(Application::default().decide(command.clone()), Err(Rejection::NoSuchApplication), "{command:?}");
    }
}

#[test]
fn the_gate_stands_open_only_while_the_fee_is_paid_and_somebody_is_to_come() {
    let fee = connection_invoice_id(APPLICATION);
    for status in ALL {
        let gate = fold(&way(status)).gate();
        match status {
            Status::InstallScheduled | Status::Installed | Status::Activated => assert_eq!(gate, Ok(fee), "{status}"),
            Status::FeeInvoiced => assert_eq!(gate, Err(Rejection::FeeUnpaid)),
            Status::Submitted
            | Status::UnderReview
            | Status::NeedsInformation
            | Status::SiteInspected
            | Status::Priced
            | Status::FeePaid
            | Status::Rejected
            | Status::Cancelled => assert_eq!(gate, Err(Rejection::NotNow(status))),
        }
    }
    // Taken back it closes, and paid again it opens for whoever was to come.
    let closed = [way(Status::InstallScheduled), vec![reopened(5)]].concat();
    assert_eq!((fold(&closed).status(), fold(&closed).gate()), (Some(Status::FeeInvoiced), Err(Rejection::FeeUnpaid)));
    let open = [closed, vec![paid(6)]].concat();
    assert_eq!((fold(&open).status(), fold(&open).gate()), (Some(Status::InstallScheduled), Ok(fee)));
}

#[test]
fn what_is_heard_late_of_the_fee_changes_nothing() {
    given::<Application>([way(Status::FeeInvoiced), vec![paid(4), reopened(5)]].concat()).when(note_paid(4)).then_nothing();
    given::<Application>([way(Status::FeeInvoiced), vec![paid(4)]].concat()).when(note_reopened(4)).then_nothing();
    given::<Application>([way(Status::FeeInvoiced), vec![paid(4), reopened(5)]].concat()).when(note_paid(6)).then([paid(6)]);
}

#[test]
fn what_cannot_be_meant() {
    let refused = |at: Status, command, why| given::<Application>(way(at)).when(command).then_rejected(why);
    let other = SubmitApplication { site: sealed(9), ..submit() };
    refused(Status::Submitted, Command::SubmitApplication(other), Rejection::ApplicationIdReused);
    let legal = crate::Sealed::new(crate::SealedFor::Legal, vec![1], [1; 16]);
    let wish = SubmitApplication { site: legal.clone(), ..submit() };
    given::<Application>([]).when(Command::SubmitApplication(wish)).then_rejected(Rejection::NotSealedAsContact);
    let give = GiveInformation { answer: legal, on: day("2024-03-03") };
    refused(Status::NeedsInformation, Command::GiveInformation(give), Rejection::NotSealedAsContact);
    let dry = crate::connection_prices::Capacity::Water { diameter_mm: 0 };
    let wish = SubmitApplication { capacity: dry, ..submit() };
    given::<Application>([]).when(Command::SubmitApplication(wish)).then_rejected(Rejection::NothingToCarry);
    let water = crate::connection_prices::Capacity::Water { diameter_mm: 20 };
    let wish = InspectSite { findings: Findings { capacity: water, ..findings() }, ..inspect() };
    refused(Status::UnderReview, Command::InspectSite(wish), Rejection::OtherService);
    let elsewhere = InspectSite { premises_id: PremisesId::new(uuid::Uuid::from_u128(42)), ..inspect() };
    refused(Status::SiteInspected, Command::InspectSite(elsewhere), Rejection::OtherPremises(PREMISES));
    refused(Status::Priced, invoice("2024-04-06"), Rejection::QuoteExpired { valid_until: day("2024-04-05") });
    let early = Rejection::TooEarly { planned_on: day("2024-03-09"), earliest: day("2024-03-10") };
    refused(Status::FeePaid, schedule("2024-03-09"), early);
    let stranger = withdrawal(ApplicationId::new(uuid::Uuid::from_u128(82)));
    refused(Status::FeePaid, cancel(Some(stranger)), Rejection::NotWithdrawn);
}

#[test]
fn a_quote_that_has_expired_is_made_anew_and_other_findings_have_another_price() {
    let again = fold(&way(Status::Priced)).decide(Command::PriceConnection(price("2024-04-06"))).unwrap();
    let [Event::ConnectionPriced(fact)] = &again[..] else { panic!("{again:?}") };
    assert_eq!(fact.quote.valid_until, day("2024-05-06"));
    let further = InspectSite { findings: Findings { distance_m: "180".parse().unwrap(), ..findings() }, ..inspect() };
    let facts = way(Status::Priced);
    let found = fold(&facts).decide(Command::InspectSite(further)).unwrap();
    let after = fold(&[facts, found].concat());
    assert_eq!(after.status(), Some(Status::SiteInspected));
    let priced = after.decide(Command::PriceConnection(price("2024-03-06"))).unwrap();
    let [Event::ConnectionPriced(fact)] = &priced[..] else { panic!("{priced:?}") };
    assert!(fact.quote.total.minor > quote().total.minor);
}

fn wishes() -> impl Strategy<Value = Vec<Command>> {
    let note = |paid: bool, as_of| if paid { note_paid(as_of) } else { note_reopened(as_of) };
    let wish = prop_oneof![
        1 => Just(Command::SubmitApplication(submit())),
        1 => Just(Command::BeginReview(BeginReview { on: day("2024-03-02") })),
        1 => Just(Command::AskForInformation(AskForInformation {
            question: Reason::new("whose is the land?").unwrap(),
            on: day("2024-03-02")
        })),
        1 => Just(Command::GiveInformation(GiveInformation { answer: sealed(2), on: day("2024-03-03") })),
        3 => Just(Command::InspectSite(inspect())),
        3 => Just(Command::PriceConnection(price("2024-03-06"))),
        3 => Just(invoice("2024-03-07")),
        6 => (any::<bool>(), 0..20_u64).prop_map(move |(paid, as_of)| note(paid, as_of)),
        3 => Just(schedule("2024-03-12")),
        1 => Just(connect()),
        1 => Just(activate()),
        1 => any::<bool>().prop_map(|said| cancel(said.then(|| withdrawal(APPLICATION)))),
    ];
    prop::collection::vec(wish, 1..60)
}

proptest! {
    /// Whatever is wished in whatever order: nobody is sent with a meter whose fee was not heard to be paid last, what ended stays ended, and
    /// no wish that was granted changes anything the second time.
    #[test]
    fn the_gate_is_never_open_without_a_fee(wishes in wishes()) {
        let mut facts = way(Status::UnderReview);
        for wish in wishes {
            let before = fold(&facts);
            let Ok(events) = before.decide(wish.clone()) else { continue };
            if [Some(Status::Cancelled), Some(Status::Activated)].contains(&before.status()) {
                prop_assert_eq!(&events, &vec![]);
            }
            facts.extend(events);
            let after = fold(&facts);
            prop_assert_eq!(after.decide(wish), Ok(vec![]));
            let is_paid = |event: &Event| matches!(event, Event::ConnectionFeePaid(_));
            let heard = |event: &&Event| is_paid(event) || matches!(event, Event::ConnectionFeeReopened(_));
            let last_heard = facts.iter().rev().find(heard).map(is_paid);
            let up = [Some(Status::Installed), Some(Status::Activated)].contains(&after.status());
            prop_assert!(up || after.gate().is_err() || last_heard == Some(true));
        }
    }
}
