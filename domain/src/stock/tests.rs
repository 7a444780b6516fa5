use proptest::{collection::vec, prelude::*};

use super::{example::*, *};
use crate::spec::given;

fn use_up(n: u128, used_in_all: u32) -> Command {
    Command::UseStock(UseStock { request_id: request_id(n), used_in_all, on: crate::part::example::day(3) })
}

fn give_back(n: u128, given_back_in_all: u32) -> Command {
    Command::GiveBackStock(GiveBackStock { request_id: request_id(n), given_back_in_all })
}

fn ran_out() -> Event {
    StockRanOut {}.into()
}

#[test]
fn what_is_there_is_put_aside_used_and_costs_its_share() {
    given::<Stock>([]).when(Command::ReceiveStock(receive(1, 3, 100))).then([received(1, 3, 100)]);
    given::<Stock>([received(1, 3, 100)]).when(Command::ReserveStock(reserve(1, 2))).then([reserved(1, 2)]);
    let facts = || [received(1, 3, 100), reserved(1, 3), ran_out()];
    given::<Stock>(facts()).when(use_up(1, 1)).then([used(1, 1, 33)]);
    given::<Stock>(facts().into_iter().chain([used(1, 1, 33)])).when(use_up(1, 3)).then([used(1, 2, 67)]);
    given::<Stock>(facts()).when(use_up(1, 4)).then_rejected(Rejection::NotSoMany { left: 3 });
    given::<Stock>(facts()).when(use_up(2, 1)).then_rejected(Rejection::NoSuchRequest);
}

#[test]
fn what_is_not_there_is_a_shortage_and_what_comes_goes_to_who_waits_longest() {
    given::<Stock>([received(1, 1, 100)]).when(Command::ReserveStock(reserve(1, 3))).then([short(1, 3, 2)]);
    let waiting = || [received(1, 1, 100), short(1, 3, 2)];
    // Nobody overtakes: the one piece waits for whoever asked first.
    given::<Stock>(waiting()).when(Command::ReserveStock(reserve(2, 1))).then([short(2, 1, 1)]);
    let both = || waiting().into_iter().chain([short(2, 1, 1)]);
    given::<Stock>(both()).when(Command::ReceiveStock(receive(2, 1, 100))).then([received(2, 1, 100)]);
    given::<Stock>(both()).when(Command::ReceiveStock(receive(2, 4, 400))).then([received(2, 4, 400), reserved(1, 3), reserved(2, 1)]);
    given::<Stock>(both()).when(use_up(1, 1)).then_rejected(Rejection::NotSoMany { left: 0 });
    // Whoever gives up makes room for the next.
    given::<Stock>(both()).when(give_back(1, 3)).then([given_back(1, 3), reserved(2, 1), ran_out()]);
}

#[test]
fn low_and_out_are_told_once() {
    let level = Command::SetReorderLevel(SetReorderLevel { level: 3 });
    let set: Event = ReorderLevelSet { level: 3 }.into();
    let low = |free| Event::from(StockRanLow { free, level: 3 });
    given::<Stock>([received(1, 4, 400)]).when(level.clone()).then([set.clone()]);
    given::<Stock>([received(1, 2, 200)]).when(level).then([set.clone(), low(2)]);
    let facts = || [received(1, 4, 400), set.clone()];
    given::<Stock>(facts()).when(Command::ReserveStock(reserve(1, 2))).then([reserved(1, 2), low(2)]);
    let told = || facts().into_iter().chain([reserved(1, 2), low(2)]);
    given::<Stock>(told()).when(Command::ReserveStock(reserve(2, 1))).then([reserved(2, 1)]);
    given::<Stock>(told()).when(Command::ReserveStock(reserve(2, 2))).then([reserved(2, 2), ran_out()]);
    let enough = told().chain([given_back(1, 2)]);
    given::<Stock>(enough).when(Command::ReserveStock(reserve(2, 2))).then([reserved(2, 2), low(2)]);
}

#[test]
fn a_count_corrects_the_books_at_what_the_pieces_cost() {
    let facts = || [received(1, 3, 100)];
    given::<Stock>(facts()).when(Command::CountStock(count(1, 2))).then([counted(1, 3, 2, -33)]);
    given::<Stock>(facts()).when(Command::CountStock(count(1, 0))).then([counted(1, 3, 0, -100), ran_out()]);
    given::<Stock>(facts()).when(Command::CountStock(count(1, 5))).then([counted(1, 3, 5, 66)]);
    given::<Stock>(facts()).when(Command::CountStock(count(1, 3))).then([counted(1, 3, 3, 0)]);
    let reserved = facts().into_iter().chain([reserved(1, 2)]);
    given::<Stock>(reserved).when(Command::CountStock(count(1, 1))).then_rejected(Rejection::FewerThanReserved { reserved: 2 });
    given::<Stock>([]).when(Command::CountStock(count(1, 1))).then_rejected(Rejection::NeverReceived);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let other = ReceiveStock { cost: Money::new(1, crate::Currency::KWD), ..receive(2, 1, 1) };
    for (wish, rejection) in [
        (Command::ReceiveStock(receive(2, 0, 100)), Rejection::QuantityNotPositive),
        (Command::ReceiveStock(receive(2, 1, -1)), Rejection::NotACost),
        (Command::ReceiveStock(other), Rejection::NotACost),
        (Command::ReceiveStock(receive(1, 2, 100)), Rejection::MoveIdReused),
        (Command::ReceiveStock(receive(2, u32::MAX, 1)), Rejection::TooMuch),
        (Command::ReceiveStock(receive(2, 1, i64::MAX)), Rejection::TooMuch),
        (Command::ReserveStock(reserve(1, 0)), Rejection::QuantityNotPositive),
        (give_back(1, 1), Rejection::NoSuchRequest),
    ] {
        given::<Stock>([received(1, 3, 100)]).when(wish).then_rejected(rejection);
    }
    given::<Stock>([received(1, 3, 100), reserved(1, 1)])
        .when(Command::ReserveStock(reserve(1, 2)))
        .then_rejected(Rejection::RequestIdReused);
}

fn wish() -> impl Strategy<Value = Command> {
    let (n, few) = (0_u128..4, 0_u32..6);
    prop_oneof![
        (0_u128..8, 1_u32..6, 0_i64..1_000).prop_map(|(n, quantity, minor)| Command::ReceiveStock(receive(n, quantity, minor))),
        (n.clone(), few.clone()).prop_map(|(n, quantity)| Command::ReserveStock(reserve(n, quantity))),
        (n.clone(), few.clone()).prop_map(|(n, all)| use_up(n, all)),
        (n.clone(), few.clone()).prop_map(|(n, all)| give_back(n, all)),
        (n, few.clone()).prop_map(|(n, counted)| Command::CountStock(count(n, counted))),
        few.prop_map(|level| Command::SetReorderLevel(SetReorderLevel { level })),
    ]
}

proptest! {
    /// What is there is what came, less what went, and so is what it cost; no piece is promised twice.
    #[test]
    fn stock_never_drifts_from_its_moves(wishes in vec(wish(), 1..60)) {
        let (mut stock, mut pieces, mut value) = (Stock::default(), 0_i64, 0_i64);
        for wish in wishes {
            let Ok(events) = stock.decide(wish.clone()) else { continue };
            for event in &events {
                match event {
                    Event::StockReceived(fact) => {
                        pieces += i64::from(fact.quantity);
                        value += fact.cost.minor;
                    }
                    Event::StockUsed(fact) => {
                        pieces -= i64::from(fact.quantity);
                        value -= fact.cost.minor;
                    }
                    Event::StockCounted(fact) => {
                        pieces += i64::from(fact.counted) - i64::from(fact.before);
                        value += fact.value.minor;
                    }
                    Event::StockReserved(_)
                    | Event::ShortageRecorded(_)
                    | Event::StockGivenBack(_)
                    | Event::ReorderLevelSet(_)
                    | Event::StockRanLow(_)
                    | Event::StockRanOut(_) => {}
                }
            }
            stock = events.iter().fold(stock, Stock::evolve);
            prop_assert_eq!(i64::from(stock.on_hand()), pieces);
            prop_assert_eq!(stock.value().map_or(0, |value| value.minor), value);
            prop_assert!(value >= 0 && (pieces > 0 || value == 0), "{pieces} pieces worth {value}");
            prop_assert!(stock.reserved() <= stock.on_hand());
            prop_assert_eq!(stock.decide(wish).map_err(|error| error.to_string()), Ok(vec![]), "the same wish again");
        }
    }
}
