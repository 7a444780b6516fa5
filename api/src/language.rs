//! The two languages that people are answered in.

/// Arabic unless they ask for English.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    Arabic,
    English,
}

impl Language {
    /// The best liked of those we speak: `en-GB,en;q=0.9,ar;q=0.8` is English.
    pub fn accepted(header: Option<&str>) -> Self {
        let mut best = (Self::default(), 0);
        for part in header.unwrap_or_default().split(',') {
            let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
            let language = match tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "ar" => Self::Arabic,
                "en" => Self::English,
                _ => continue,
            };
            let liking = parameters.trim().strip_prefix("q=").map_or(1000, thousandths);
            if liking > best.1 {
                best = (language, liking);
            }
        }
        best.0
    }

    pub fn choose<T>(self, arabic: T, english: T) -> T {
        match self {
            Self::Arabic => arabic,
            Self::English => english,
        }
    }
}

/// What a customer has chosen to be written to in.
impl From<daftar_domain::account::Language> for Language {
    fn from(language: daftar_domain::account::Language) -> Self {
        match language {
            daftar_domain::account::Language::Arabic => Self::Arabic,
            daftar_domain::account::Language::English => Self::English,
        }
    }
}

/// `0.85` as 850; what is no number is not liked at all.
fn thousandths(quality: &str) -> u32 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), digits.parse::<u32>()) {
        (Ok(whole), Ok(thousandths)) => (whole.min(1) * 1000 + thousandths).min(1000),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_language_that_we_speak_wins_and_arabic_is_the_default() {
        for (header, language) in [
            (None, Language::Arabic),
            (Some(""), Language::Arabic),
            (Some("fr"), Language::Arabic),
            (Some("en"), Language::English),
            (Some("EN-gb, en;q=0.9, ar;q=0.8"), Language::English),
            (Some("en;q=0.7,ar;q=0.75"), Language::Arabic),
            (Some("fr, ar;q=0.1, en;q=0.05"), Language::Arabic),
            (Some("en;q=0"), Language::Arabic),
            (Some("en;q=nonsense"), Language::Arabic),
            (Some("ar-SA,en;q=1.0"), Language::Arabic),
        ] {
            assert_eq!(Language::accepted(header), language, "{header:?}");
        }
    }
}
