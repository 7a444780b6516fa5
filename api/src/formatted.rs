//! Amounts as people read them.

use daftar_domain::{Currency, Money};

use crate::language::Language;

/// `SAR 1,234.50` in English; in Arabic with Arabic digits, marks and the currency's short name: `١٬٢٣٤٫٥٠ ر.س.`
pub fn money(amount: Money, language: Language) -> String {
    let (sign, digits) = match amount.to_decimal().to_string() {
        text if text.starts_with('-') => ("-", text[1..].to_owned()),
        text => ("", text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let point = if fraction.is_empty() { "" } else { "." };
    let plain = format!("{}{point}{fraction}", grouped(whole));
    match language {
        Language::English => format!("{sign}{}\u{a0}{plain}", amount.currency),
        // The mark keeps the sign on the left of the digits, also between words that run to the left.
        Language::Arabic => {
            let sign = if sign.is_empty() { "" } else { "\u{61c}-" };
            format!("{sign}{}\u{a0}{}", arabic(&plain), short_name(amount.currency))
        }
    }
}

/// In threes.
fn grouped(whole: &str) -> String {
    let first = whole.len() % 3;
    let mut groups: Vec<&str> = if first == 0 { vec![] } else { vec![&whole[..first]] };
    groups.extend((first..whole.len()).step_by(3).map(|start| &whole[start..start + 3]));
    groups.join(",")
}

fn arabic(plain: &str) -> String {
    let sign = |sign: char| match sign {
        '0'..='9' => char::from_u32(u32::from('٠') + u32::from(sign) - u32::from('0')).unwrap_or(sign),
        ',' => '٬',
        '.' => '٫',
        other => other,
    };
    plain.chars().map(sign).collect()
}

fn short_name(currency: Currency) -> &'static str {
    match currency {
        Currency::SAR => "ر.س.",
        Currency::EGP => "ج.م.",
        Currency::YER => "ر.ي.",
        Currency::AED => "د.إ.",
        Currency::QAR => "ر.ق.",
        Currency::USD => "دولار",
        Currency::EUR => "يورو",
        Currency::MAD => "د.م.",
        Currency::SYP => "ل.س.",
        Currency::LBP => "ل.ل.",
        Currency::SDG => "ج.س.",
        Currency::DZD => "د.ج.",
        Currency::JOD => "د.أ.",
        Currency::KWD => "د.ك.",
        Currency::BHD => "د.ب.",
        Currency::OMR => "ر.ع.",
        Currency::IQD => "د.ع.",
        Currency::LYD => "د.ل.",
        Currency::TND => "د.ت.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_of_each_language_write_them() {
        for (minor, currency, english, arabic) in [
            (123_450, Currency::SAR, "SAR 1,234.50", "١٬٢٣٤٫٥٠ ر.س."),
            (5, Currency::SAR, "SAR 0.05", "٠٫٠٥ ر.س."),
            (-100_000_000, Currency::EGP, "-EGP 1,000,000.00", "\u{61c}-١٬٠٠٠٬٠٠٠٫٠٠ ج.م."),
            (1_234, Currency::KWD, "KWD 1.234", "١٫٢٣٤ د.ك."),
            (0, Currency::USD, "USD 0.00", "٠٫٠٠ دولار"),
        ] {
            let amount = Money::new(minor, currency);
            assert_eq!(money(amount, Language::English).replace('\u{a0}', " "), english);
            assert_eq!(money(amount, Language::Arabic).replace('\u{a0}', " "), arabic);
        }
    }
}
