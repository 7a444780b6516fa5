//! The form of every event on disk, pinned by files that are only ever added to.
//!
//! A file that no longer reads back means that a ledger somewhere no longer does: add a version, never edit the file.
//! `DAFTAR_NEW_GOLDENS=1` writes the files that are missing and touches no other.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use chrono::DateTime;
use daftar_domain::{
    Actor, BillingEvent, CommandHash, Decider, EventSchema, Metadata, Position, Recorded, StreamName, account, agreement, application,
    appointment, bill_run, branch, connection_prices, correction, disconnection, dunning, invoice, ledger, meter, part, payment, policy,
    premises, read_cycle, register, repair, reservation, settlement, stock, tariff, user,
};

/// One aggregate's events, as its examples give them.
struct Pinned {
    category: &'static str,
    types: &'static [(&'static str, u16)],
    examples: Vec<(&'static str, u16, Vec<u8>)>,
}

fn pinned<D: Decider<Event: EventSchema>>(types: &'static [(&'static str, u16)], examples: Vec<D::Event>) -> Pinned {
    let examples = examples.iter().map(|event| (event.event_type(), event.version(), event.encode())).collect();
    Pinned { category: D::CATEGORY, types, examples }
}

fn all() -> Vec<Pinned> {
    vec![
        pinned::<account::Account>(account::Event::TYPES, account::example::events()),
        pinned::<ledger::AccountingPeriods>(ledger::periods::Event::TYPES, ledger::periods::example::events()),
        pinned::<agreement::ServicePoint>(agreement::Event::TYPES, agreement::example::events()),
        pinned::<application::Application>(application::Event::TYPES, application::example::events()),
        pinned::<appointment::AppointmentDay>(appointment::Event::TYPES, appointment::example::events()),
        pinned::<bill_run::BillRun>(bill_run::Event::TYPES, bill_run::example::events()),
        pinned::<branch::Branch>(branch::Event::TYPES, branch::example::events()),
        pinned::<connection_prices::ConnectionPrices>(connection_prices::Event::TYPES, connection_prices::example::events()),
        pinned::<correction::Correction>(correction::Event::TYPES, correction::example::events()),
        pinned::<disconnection::Disconnection>(disconnection::Event::TYPES, disconnection::example::events()),
        pinned::<dunning::Dunning>(dunning::Event::TYPES, dunning::example::events()),
        pinned::<invoice::Invoice>(invoice::Event::TYPES, invoice::example::events()),
        pinned::<meter::Meter>(meter::Event::TYPES, meter::example::events()),
        pinned::<part::Part>(part::Event::TYPES, part::example::events()),
        pinned::<payment::Payment>(payment::Event::TYPES, payment::example::events()),
        pinned::<policy::RefusedRequest>(policy::refused::Event::TYPES, policy::refused::example::events()),
        pinned::<premises::Premises>(premises::Event::TYPES, premises::example::events()),
        pinned::<read_cycle::ReadCycle>(read_cycle::Event::TYPES, read_cycle::example::events()),
        pinned::<register::Register>(register::Event::TYPES, register::example::events()),
        pinned::<repair::Repair>(repair::Event::TYPES, repair::example::events()),
        pinned::<reservation::Reservation>(reservation::Event::TYPES, reservation::example::events()),
        pinned::<stock::Stock>(stock::Event::TYPES, stock::example::events()),
        pinned::<settlement::Settlement>(settlement::Event::TYPES, settlement::example::events()),
        pinned::<tariff::TariffSeries>(tariff::Event::TYPES, tariff::example::events()),
        pinned::<user::User>(user::Event::TYPES, user::example::events()),
        pinned::<user::audit::Audit>(user::audit::Event::TYPES, user::audit::example::events()),
    ]
}

fn folder(category: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/events").join(category)
}

#[test]
fn every_event_is_written_as_its_golden_file_says() {
    for Pinned { category, types, examples } in all() {
        let shown: BTreeSet<_> = examples.iter().map(|(name, version, _)| (*name, *version)).collect();
        assert_eq!(shown, types.iter().copied().collect(), "{category} has an example of every event");
        for (name, version, bytes) in examples {
            let file = folder(category).join(format!("{name}.v{version}.json"));
            if !file.exists() && std::env::var_os("DAFTAR_NEW_GOLDENS").is_some() {
                fs::create_dir_all(folder(category)).unwrap();
                fs::write(&file, [&bytes[..], b"\n"].concat()).unwrap();
            }
            let golden = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert_eq!(golden.trim_end(), String::from_utf8(bytes).unwrap(), "{}", file.display());
        }
    }
}

#[test]
fn every_golden_file_can_still_be_read() {
    for Pinned { category, .. } in all() {
        let stream = StreamName::new(category, uuid::Uuid::nil()).unwrap();
        let mut files: Vec<_> = fs::read_dir(folder(category)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{category}");
        for file in files {
            let (name, version) = file.file_stem().unwrap().to_str().unwrap().split_once(".v").unwrap();
            let read = BillingEvent::decode(&stream, name, version.parse().unwrap(), &fs::read(&file).unwrap());
            assert!(read.is_ok(), "{}: {}", file.display(), read.unwrap_err());
        }
    }
}

#[test]
fn every_category_of_the_books_is_pinned_here() {
    let pinned: BTreeSet<_> = all().iter().map(|pinned| pinned.category).collect();
    assert_eq!(pinned, daftar_domain::CATEGORIES.iter().copied().collect());
}

/// Who keeps books and who carries policies out read only some categories. Were one missing there, its events would be lost on them quietly.
#[test]
fn whoever_acts_on_an_event_reads_its_category() {
    for Pinned { category, examples, .. } in all() {
        let stream = StreamName::new(category, uuid::Uuid::nil()).unwrap();
        for (name, version, bytes) in examples {
            let event = BillingEvent::decode(&stream, name, version, &bytes).unwrap();
            let metadata = Metadata {
                recorded_at: DateTime::UNIX_EPOCH,
                actor: Actor::job("test"),
                command_id: uuid::Uuid::nil(),
                command_hash: CommandHash::of(&()),
                correlation_id: uuid::Uuid::nil(),
                causation_id: uuid::Uuid::nil(),
                schema_version: version,
            };
            let (id, position) = (uuid::Uuid::nil(), Position::single(0));
            let recorded = Recorded { id, stream: stream.clone(), revision: 0, position, metadata, event };
            assert!(ledger::post(&recorded).unwrap().is_none() || ledger::CATEGORIES.contains(&category), "{category} {name}");
            assert!(policy::request(&recorded).is_none() || policy::CATEGORIES.contains(&category), "{category} {name}");
        }
    }
}
