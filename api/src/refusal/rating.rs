use daftar_domain::rating::RatingError;

use super::{Refusal, Words};

impl Refusal for RatingError {
    fn words(&self) -> Words {
        match self {
            Self::NoTariff { on } => ("NO_TARIFF", format!("لا توجد تعرفة سارية في {on}").into()),
            Self::ReadRequired { on } => ("READ_REQUIRED", format!("تتغير التعرفة في {on} وتحتاج إلى قراءة في ذلك اليوم").into()),
            Self::UsageOutsidePeriod { segment, period } => {
                ("USAGE_OUTSIDE_PERIOD", format!("الاستهلاك من {segment} ليس كله ضمن {period}").into())
            }
            Self::NegativeUsage { period } => ("NEGATIVE_USAGE", format!("الاستهلاك في {period} أقل من الصفر").into()),
            Self::RebillFirst { .. } => ("REBILL_FIRST", "كان التقدير أكبر من الفعلي: تُلغى فواتير تلك الفترات ويُعاد إصدارها".into()),
            Self::BadQuantity { period, .. } => ("BAD_QUANTITY", format!("الاستهلاك في {period} ليس كمية تصلح للفوترة").into()),
            Self::BreakerUnknown { charge } => {
                ("BREAKER_UNKNOWN", format!("يعتمد الرسم الثابت `{charge}` على سعة القاطع، وهي غير معروفة").into())
            }
            Self::TooLarge => ("AMOUNT_TOO_LARGE", "المبالغ أكبر من أن تُفوتر".into()),
        }
    }
}
