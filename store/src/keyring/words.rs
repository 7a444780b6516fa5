//! By what a value is found once it is sealed: the beginnings of a name's words, and the endings of a phone number.
//!
//! People write one name in several ways. Arabic is compared without vowel signs and with one form for letters that are mistaken for each
//! other; Latin without case; digits of any script as 0 to 9.

use std::collections::BTreeSet;

use super::seal::{AccountKey, hmac};

/// What kind of value is looked for. No token of one kind is one of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Every word that is asked for begins a word of the name.
    Name,
    /// The number ends as asked, however much of it and of its prefixes is said.
    Phone,
}

/// A word's beginnings are kept from this length to that. Whoever asks for more letters asks for the first of them.
const SHORTEST_WORD: usize = 2;
const LONGEST_WORD: usize = 10;

/// As many digits are the same in `+966 50 123 4567`, `00966501234567` and `0501234567`; fewer than the first are asked for by nobody.
const FEWEST_DIGITS: usize = 4;
const MOST_DIGITS: usize = 9;

/// All that a value is to be found by.
pub(super) fn tokens_of(key: &AccountKey, by: By, clear: &str) -> Vec<i64> {
    let parts: BTreeSet<String> = match by {
        By::Name => words(clear).iter().flat_map(|word| [word.clone(), without_article(word)]).flat_map(beginnings).collect(),
        By::Phone => endings(&digits(clear)).collect(),
    };
    parts.iter().map(|part| token(key, by, part)).collect()
}

/// What a value must have to be what is asked for, the rarest first as far as one can tell; nothing if too little is asked.
pub(super) fn tokens_for(key: &AccountKey, by: By, asked: &str) -> Vec<i64> {
    let mut parts: Vec<String> = match by {
        By::Name => words(asked)
            .iter()
            .map(|word| first(&without_article(word), LONGEST_WORD))
            .filter(|word| letters(word) >= SHORTEST_WORD)
            .collect(),
        By::Phone => endings(&digits(asked)).last().into_iter().collect(),
    };
    parts.sort_by_key(|part| std::cmp::Reverse(letters(part)));
    parts.dedup();
    parts.iter().map(|part| token(key, by, part)).collect()
}

fn token(key: &AccountKey, by: By, part: &str) -> i64 {
    let kind = match by {
        By::Name => "daftar word v1 name\0",
        By::Phone => "daftar word v1 phone\0",
    };
    let digest = hmac(&**key, format!("{kind}{part}").as_bytes());
    i64::from_be_bytes(*digest.first_chunk().expect("32 bytes have a first 8"))
}

fn words(text: &str) -> Vec<String> {
    let plain: String = text.chars().flat_map(char::to_lowercase).filter(|letter| !is_silent(*letter)).map(one_form).collect();
    plain.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Signs that many leave out: vowels and their like, the line that draws letters apart, marks of direction.
fn is_silent(letter: char) -> bool {
    matches!(letter, '\u{610}'..='\u{61A}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{6D6}'..='\u{6ED}' |
             '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn one_form(letter: char) -> char {
    match letter {
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ة' => 'ه',
        'ى' | 'ی' => 'ي',
        'ک' => 'ك',
        '٠'..='٩' | '۰'..='۹' => as_digit(letter).and_then(|digit| char::from_digit(digit, 10)).unwrap_or(letter),
        other => other,
    }
}

fn as_digit(letter: char) -> Option<u32> {
    match letter {
        '0'..='9' => Some(u32::from(letter) - u32::from('0')),
        '٠'..='٩' => Some(u32::from(letter) - u32::from('٠')),
        '۰'..='۹' => Some(u32::from(letter) - u32::from('۰')),
        _ => None,
    }
}

/// Haddad is looked for as al-Haddad, and the other way round.
fn without_article(word: &str) -> String {
    match word.strip_prefix("ال") {
        Some(rest) if letters(rest) >= SHORTEST_WORD => rest.to_owned(),
        _ => word.to_owned(),
    }
}

fn beginnings(word: String) -> impl Iterator<Item = String> {
    (SHORTEST_WORD..=LONGEST_WORD.min(letters(&word))).map(move |length| first(&word, length))
}

fn first(word: &str, length: usize) -> String {
    word.chars().take(length).collect()
}

fn letters(word: &str) -> usize {
    word.chars().count()
}

fn digits(text: &str) -> String {
    text.chars().filter_map(as_digit).filter_map(|digit| char::from_digit(digit, 10)).collect()
}

/// The shortest first.
fn endings(digits: &str) -> impl Iterator<Item = String> {
    (FEWEST_DIGITS..=MOST_DIGITS.min(digits.len())).map(move |length| digits[digits.len() - length..].to_owned())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn finds(by: By, asked: &str, value: &str) -> bool {
        let key = Zeroizing::new([7; 32]);
        let (wanted, there) = (tokens_for(&key, by, asked), tokens_of(&key, by, value));
        !wanted.is_empty() && wanted.iter().all(|token| there.contains(token))
    }

    #[test]
    fn a_name_is_found_however_it_is_written() {
        for (asked, name) in [
            ("احمد", "أحمد الحدّاد"),
            ("أَحْمَد", "احمد الحداد"),
            ("حدا", "أحمد الحدّاد"),
            ("الحداد احم", "أحمد الحدّاد"),
            ("الحداد", "أحمد حداد"),
            ("فاطمه", "فاطمة"),
            ("فاطمة", "فاطمـــه"),
            ("مصطفي", "مصطفى"),
            ("ليلی", "ليلى"),
            ("LAYLA", "Layla Haddad"),
            ("had lay", "Layla Haddad"),
            ("محل 12", "محل ١٢"),
            ("abdulrahmanian", "Abdulrahman"),
        ] {
            assert!(finds(By::Name, asked, name), "{asked} finds {name}");
        }
        for (asked, name) in
            [("حمد", "أحمد"), ("layla omar", "Layla Haddad"), ("addad", "Layla Haddad"), ("l", "Layla"), ("", "Layla"), ("ـ", "ليلى")]
        {
            assert!(!finds(By::Name, asked, name), "{asked} does not find {name}");
        }
    }

    #[test]
    fn a_number_is_found_by_its_ending_however_it_is_dialled() {
        for asked in ["+966 50 123 4567", "00966501234567", "050-123-4567", "501234567", "٠٥٠١٢٣٤٥٦٧", "1234567", "4567"] {
            for number in ["+966501234567", "0501234567", "٠٥٠ ١٢٣ ٤٥٦٧"] {
                assert!(finds(By::Phone, asked, number), "{asked} finds {number}");
            }
        }
        for asked in ["567", "", "phone", "0501234568", "5012"] {
            assert!(!finds(By::Phone, asked, "+966501234567"), "{asked}");
        }
    }

    #[test]
    fn tokens_of_another_key_or_kind_are_others() {
        let (one, other) = (Zeroizing::new([7; 32]), Zeroizing::new([8; 32]));
        assert_ne!(tokens_for(&one, By::Name, "layla"), tokens_for(&other, By::Name, "layla"));
        assert_ne!(tokens_for(&one, By::Name, "1234"), tokens_for(&one, By::Phone, "1234"));
        assert_eq!(tokens_of(&one, By::Name, "Layla").len(), 4);
    }
}
