//! What registers showed, as people type it and machines send it.

use daftar_domain::{
    CommandHash,
    meter::{Command, Reading, ReadingContext, RecordReading},
};
use rust_decimal::Decimal;

use super::{Wish, rules};

impl Wish<'_> {
    /// The command by which a reading is judged by the rules of the day, and what its sender said of it.
    pub fn reading(&self, reading: Reading, intervals: Option<Vec<Decimal>>, multiplier_seen: Option<Decimal>) -> (Command, CommandHash) {
        let said = CommandHash::of(&(&reading, &intervals, multiplier_seen));
        let ReadingContext { received_at, validation, true_up } = rules::readings(self);
        let record = RecordReading { reading, received_at, intervals, multiplier_seen, validation, true_up };
        (Command::RecordReading(record), said)
    }
}
