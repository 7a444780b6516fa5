//! Subsidies that an authority has granted to an account, by days.

use chrono::NaiveDate;

use crate::{BillingPeriod, Code};

/// What was said, in that order: of two words about a day, the later counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubsidyGrants(Vec<Word>);

/// From a day on a scheme is granted, or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    scheme: Code,
    from: NaiveDate,
    /// The day after the last; open if absent.
    to: Option<NaiveDate>,
    granted: bool,
}

static NOTHING_SAID: SubsidyGrants = SubsidyGrants(Vec::new());

impl SubsidyGrants {
    /// Those of a customer like any other.
    pub fn none() -> &'static Self {
        &NOTHING_SAID
    }

    pub fn grant(&mut self, scheme: Code, from: NaiveDate, to: Option<NaiveDate>) {
        self.0.push(Word { scheme, from, to, granted: true });
    }

    /// From this day on it is granted no more, until it is granted again.
    pub fn end(&mut self, scheme: Code, on: NaiveDate) {
        self.0.push(Word { scheme, from: on, to: None, granted: false });
    }

    pub fn holds_on(&self, scheme: &Code, day: NaiveDate) -> bool {
        self.said_of(scheme).rev().find(|word| word.from <= day && word.to.is_none_or(|to| day < to)).is_some_and(|word| word.granted)
    }

    /// Whether it is granted on this day or on any after it: if not on this, then from where a word begins.
    pub fn holds_from(&self, scheme: &Code, day: NaiveDate) -> bool {
        let later = self.said_of(scheme).map(|word| word.from).filter(|from| day < *from);
        later.chain([day]).any(|day| self.holds_on(scheme, day))
    }

    /// On how many days of a period it is granted.
    pub fn days(&self, scheme: &Code, period: BillingPeriod) -> i64 {
        if self.said_of(scheme).next().is_none() {
            return 0;
        }
        let days = period.from().iter_days().take_while(|day| *day < period.to());
        days.map(|day| i64::from(self.holds_on(scheme, day))).sum()
    }

    fn said_of(&self, scheme: &Code) -> impl DoubleEndedIterator<Item = &Word> {
        self.0.iter().filter(move |word| word.scheme == *scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// As `grant 01 05, end 03, grant 10 -`: days of May.
    fn said(words: &str) -> SubsidyGrants {
        let (scheme, mut grants) = (Code::new("homes").unwrap(), SubsidyGrants::default());
        let may = |text: &str| day(&format!("2024-05-{text}"));
        for word in words.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word.split(' ').collect::<Vec<_>>()[..] {
                ["grant", from, "-"] => grants.grant(scheme.clone(), may(from), None),
                ["grant", from, to] => grants.grant(scheme.clone(), may(from), Some(may(to))),
                ["end", on] => grants.end(scheme.clone(), may(on)),
                _ => panic!("{word}"),
            }
        }
        grants
    }

    #[test]
    fn the_later_word_about_a_day_counts() {
        let ten_days = BillingPeriod::new(day("2024-05-01"), day("2024-05-11")).unwrap();
        for (words, expected) in [
            ("", 0),
            ("grant 01 -", 10),
            ("grant 01 05", 4),
            ("grant 10 -", 1),
            ("grant 11 -", 0),
            ("grant 01 -, end 04", 3),
            ("grant 01 -, end 01", 0),
            ("grant 01 -, end 04, grant 08 -", 6),
            ("grant 01 04, grant 03 06", 5),
            // Once it has ended, what was granted before it is over for good.
            ("grant 05 09, end 03", 0),
            ("end 03, grant 05 09", 4),
        ] {
            assert_eq!(said(words).days(&Code::new("homes").unwrap(), ten_days), expected, "{words}");
            assert_eq!(said(words).days(&Code::new("farms").unwrap(), ten_days), 0, "{words}");
        }
    }

    #[test]
    fn what_holds_later_is_known_before() {
        for (words, on, expected) in [
            ("", "01", false),
            ("grant 05 09", "01", true),
            ("grant 05 09", "08", true),
            ("grant 05 09", "09", false),
            ("grant 05 -", "31", true),
            ("grant 05 -, end 07", "07", false),
            ("grant 05 -, end 07", "06", true),
            ("grant 05 -, end 07, grant 20 21", "07", true),
        ] {
            assert_eq!(said(words).holds_from(&Code::new("homes").unwrap(), day(&format!("2024-05-{on}"))), expected, "{words} on {on}");
        }
    }
}
