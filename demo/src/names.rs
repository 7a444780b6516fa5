//! Names and places, put together from parts. Nobody is meant.

use daftar_domain::account::{CustomerClass, Language};

use crate::dice::Dice;

/// In Arabic and in Latin letters.
type Word = (&'static str, &'static str);

const MEN: &[Word] = &[
    ("أحمد", "Ahmed"),
    ("إبراهيم", "Ibrahim"),
    ("بدر", "Badr"),
    ("تركي", "Turki"),
    ("حسن", "Hassan"),
    ("خالد", "Khalid"),
    ("راشد", "Rashid"),
    ("زياد", "Ziyad"),
    ("سالم", "Salem"),
    ("سعد", "Saad"),
    ("سلطان", "Sultan"),
    ("طارق", "Tariq"),
    ("عادل", "Adel"),
    ("عبدالله", "Abdullah"),
    ("عمر", "Omar"),
    ("فهد", "Fahd"),
    ("ماجد", "Majed"),
    ("محمد", "Mohammed"),
    ("ناصر", "Nasser"),
    ("هاني", "Hani"),
    ("وليد", "Waleed"),
    ("يوسف", "Yousef"),
];

const WOMEN: &[Word] = &[
    ("أمل", "Amal"),
    ("بدرية", "Badriah"),
    ("جواهر", "Jawaher"),
    ("حصة", "Hessa"),
    ("ريم", "Reem"),
    ("سارة", "Sarah"),
    ("سمر", "Samar"),
    ("عائشة", "Aisha"),
    ("غادة", "Ghada"),
    ("فاطمة", "Fatimah"),
    ("ليلى", "Layla"),
    ("لطيفة", "Latifa"),
    ("مريم", "Maryam"),
    ("منى", "Mona"),
    ("نورة", "Noura"),
    ("هدى", "Huda"),
    ("هند", "Hind"),
    ("وفاء", "Wafa"),
];

const FAMILIES: &[Word] = &[
    ("الأحمدي", "Al-Ahmadi"),
    ("البستاني", "Al-Bustani"),
    ("التاجر", "Al-Tajir"),
    ("الجبلي", "Al-Jabali"),
    ("الحداد", "Al-Haddad"),
    ("الخطيب", "Al-Khatib"),
    ("الدرعي", "Al-Dirai"),
    ("الراوي", "Al-Rawi"),
    ("الزهري", "Al-Zuhri"),
    ("الساعاتي", "Al-Saati"),
    ("الشامي", "Al-Shami"),
    ("الصائغ", "Al-Sayegh"),
    ("العطار", "Al-Attar"),
    ("الغواص", "Al-Ghawwas"),
    ("الفارس", "Al-Faris"),
    ("القاضي", "Al-Qadi"),
    ("الكاتب", "Al-Katib"),
    ("المعلم", "Al-Muallim"),
    ("النجار", "Al-Najjar"),
    ("النخلي", "Al-Nakhli"),
    ("الهلالي", "Al-Hilali"),
    ("الوراق", "Al-Warraq"),
];

const SHOPS: &[Word] = &[
    ("مخبز", "Bakery"),
    ("صيدلية", "Pharmacy"),
    ("مطعم", "Restaurant"),
    ("مكتبة", "Bookshop"),
    ("مغسلة", "Laundry"),
    ("بقالة", "Grocery"),
    ("مقهى", "Café"),
    ("ورشة", "Workshop"),
];

const PLANTS: &[Word] =
    &[("مصنع بلاستيك", "Plastics Factory"), ("مصنع ألبان", "Dairy"), ("مصنع بلوك", "Block Works"), ("مستودعات تبريد", "Cold Stores")];

const OFFICES: &[Word] = &[
    ("مدرسة", "School"),
    ("مركز صحي", "Health Centre"),
    ("مكتب بريد", "Post Office"),
    ("مكتبة عامة", "Public Library"),
    ("مسجد", "Mosque"),
];

const QUALITIES: &[Word] = &[
    ("الواحة", "Al-Waha"),
    ("النخيل", "Al-Nakheel"),
    ("الأمانة", "Al-Amana"),
    ("الفجر", "Al-Fajr"),
    ("البركة", "Al-Baraka"),
    ("الروضة", "Al-Rawda"),
    ("النور", "Al-Noor"),
    ("الريان", "Al-Rayyan"),
    ("الهدى", "Al-Huda"),
    ("القمة", "Al-Qimma"),
];

const STREETS: &[Word] = &[
    ("شارع الورد", "Rose Street"),
    ("شارع الينابيع", "Springs Street"),
    ("شارع الصفا", "Safa Street"),
    ("شارع المرجان", "Coral Street"),
    ("شارع الزيتون", "Olive Street"),
    ("شارع الفنار", "Lighthouse Street"),
    ("شارع السدرة", "Sidra Street"),
    ("شارع الغدير", "Brook Street"),
];

/// A district of the city, and the branch that looks after it.
#[derive(Clone, Copy, Debug)]
pub struct District {
    pub area: &'static str,
    pub branch: &'static str,
    pub name: Word,
}

pub const DISTRICTS: &[District] = &[
    District { area: "RUH-N-01", branch: "north", name: ("حي النرجس", "An Narjis") },
    District { area: "RUH-N-02", branch: "north", name: ("حي الياسمين", "Al Yasmin") },
    District { area: "RUH-E-01", branch: "east", name: ("حي الروابي", "Ar Rawabi") },
    District { area: "RUH-E-02", branch: "east", name: ("حي النسيم", "An Naseem") },
    District { area: "RUH-S-01", branch: "south", name: ("حي الشفا", "Ash Shifa") },
    District { area: "RUH-S-02", branch: "south", name: ("حي العزيزية", "Al Aziziyah") },
];

/// What a customer of a class is called, in their language.
pub fn holder(dice: &mut Dice, class: CustomerClass, language: Language) -> String {
    let family = *dice.pick(FAMILIES);
    match class {
        CustomerClass::Residential => {
            let names = if dice.chance(350) { WOMEN } else { MEN };
            let given = *dice.pick(names);
            let father = *dice.pick(MEN);
            format!("{} {} {}", said(given, language), said(father, language), said(family, language))
        }
        CustomerClass::Commercial => of_kind(dice, SHOPS, language),
        CustomerClass::Industrial => of_kind(dice, PLANTS, language),
        CustomerClass::Government => of_kind(dice, OFFICES, language),
        CustomerClass::Agricultural => match language {
            Language::Arabic => format!("مزرعة {}", family.0),
            Language::English => format!("{} Farm", family.1),
        },
    }
}

pub fn address(dice: &mut Dice, district: &District, language: Language) -> String {
    let (building, street) = (dice.between(2_000, 8_999), *dice.pick(STREETS));
    match language {
        Language::Arabic => format!("{building} {}، {}، الرياض", street.0, district.name.0),
        Language::English => format!("{building} {}, {}, Riyadh", street.1, district.name.1),
    }
}

/// Made up, all with the same first digits.
pub fn mobile(dice: &mut Dice) -> String {
    format!("+96650{:07}", dice.below(100_000))
}

/// At a domain that is reserved for examples.
pub fn mailbox(number: usize) -> String {
    format!("customer{number}@example.com")
}

fn of_kind(dice: &mut Dice, kinds: &[Word], language: Language) -> String {
    let (kind, quality) = (*dice.pick(kinds), *dice.pick(QUALITIES));
    match language {
        Language::Arabic => format!("{} {}", kind.0, quality.0),
        Language::English => format!("{} {}", quality.1, kind.1),
    }
}

fn said(word: Word, language: Language) -> &'static str {
    match language {
        Language::Arabic => word.0,
        Language::English => word.1,
    }
}
