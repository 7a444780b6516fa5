use daftar_domain::part::Rejection;

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NoSuchPart => ("NO_SUCH_PART", "لا توجد قطعة كهذه".into()),
            Self::PartIdReused => ("PART_ID_REUSED", "القطعة مسجلة بالفعل ببيانات أخرى".into()),
            Self::Retired => ("PART_RETIRED", "لم تعد القطعة تُباع".into()),
            Self::BeforeLatestPrice { since } => ("BEFORE_LATEST_PRICE", format!("آخر سعر هو سعر {since}: لا تُغير الأسعار قبله").into()),
            Self::OtherCurrency { sold_in, wanted } => {
                ("PART_IN_OTHER_CURRENCY", format!("تُباع القطعة بعملة {sold_in} وليس بعملة {wanted}").into())
            }
        }
    }
}
