use daftar_domain::tariff::{Rejection, SeriesError};

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::OtherSeries { code, series, expected } => {
                ("OTHER_TARIFF_SERIES", format!("التعرفة {code} من السلسلة {series} وليست من {expected}").into())
            }
            Self::NoPlace(error) => no_place(error),
        }
    }
}

fn no_place(error: &SeriesError) -> Words {
    match error {
        SeriesError::CodeReused(code) => {
            ("TARIFF_CODE_REUSED", format!("نُشرت التعرفة {code} من قبل بمحتوى آخر: كل تغيير نسخة جديدة برمزها").into())
        }
        SeriesError::Differs { code, other, what: _ } => {
            ("TARIFF_DIFFERS", format!("التعرفة {code} تخالف {other} فيما يجب أن تتفق عليه نسخ السلسلة الواحدة").into())
        }
        SeriesError::Overlap { code, other, on } => ("TARIFF_OVERLAP", format!("التعرفتان {code} و{other} تسريان معًا في {on}").into()),
        SeriesError::Gap { code, from, until } => {
            ("TARIFF_GAP", format!("التعرفة {code} تترك فجوة: لا شيء يسري من {from} حتى {until}").into())
        }
    }
}
