use daftar_domain::branch::Rejection;

use super::{Refusal, Words};
use crate::{graphql::enums::Weekday, language::Language};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NoSuchBranch => ("NO_SUCH_BRANCH", "لا يوجد فرع كهذا".into()),
            Self::BranchIdReused => ("BRANCH_ID_REUSED", "الفرع موجود بالفعل ببيانات أخرى".into()),
            Self::Closed => ("BRANCH_CLOSED", "أُغلق الفرع نهائيًا".into()),
            Self::NotOnEarth => ("NOT_ON_EARTH", "خط العرض ضمن 90 درجة، وخط الطول ضمن 180".into()),
            Self::HoursMakeNoSense { weekday } => {
                let day = Weekday::from(*weekday).label(Language::Arabic);
                ("HOURS_MAKE_NO_SENSE", format!("تنتهي ساعات العمل بعد بدايتها، بدقائق كاملة، ولا تتداخل: {day}").into())
            }
            Self::NoAppointments => ("NO_APPOINTMENTS", "للموعد خمس دقائق على الأقل ومكان واحد".into()),
        }
    }
}
