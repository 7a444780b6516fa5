use daftar_domain::connection_prices::{PricingError, Rejection};

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::CodeReused(code) => {
                ("PRICES_CODE_REUSED", format!("نُشر الجدول {code} من قبل بمحتوى آخر: كل تغيير جدول جديد برمزه").into())
            }
            Self::OutOfOrder { code, from, last } => {
                ("PRICES_OUT_OF_ORDER", format!("يبدأ الجدول {code} في {from}، و{last} لا يسبقه: الجداول متتابعة").into())
            }
            Self::OtherTable => ("OTHER_PRICES", "الجدول لخدمة أخرى أو بعملة أخرى غير التي قبله".into()),
        }
    }
}

impl Refusal for PricingError {
    fn words(&self) -> Words {
        match self {
            Self::NoTable(day) => ("NO_CONNECTION_PRICES", format!("لا يوجد جدول لأسعار التوصيل سارٍ في {day}").into()),
            Self::OtherService => ("OTHER_SERVICE", "جدول الأسعار لخدمة أخرى".into()),
            Self::NotYet { code, from } => ("PRICES_NOT_YET", format!("يبدأ الجدول {code} في {from}، بعد ذلك اليوم").into()),
            Self::Document(error) => error.words(),
        }
    }
}
