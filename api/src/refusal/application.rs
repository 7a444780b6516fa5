use daftar_domain::application::{Rejection, Status};

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NoSuchApplication => ("NO_SUCH_APPLICATION", "لا يوجد طلب توصيل كهذا".into()),
            Self::ApplicationIdReused => ("APPLICATION_ID_REUSED", "الطلب موجود بالفعل بمحتوى آخر".into()),
            Self::NotNow(status) => ("NOT_WHILE_APPLICATION_SO", format!("لا يمكن ذلك والطلب {}", state(*status)).into()),
            Self::NotSealedAsContact => ("NOT_SEALED_AS_CONTACT", "ما يُكتب عن موقع العميل يُختم بمفتاح التواصل".into()),
            Self::NothingToCarry => ("NOTHING_TO_CARRY", "يجب أن تكون القدرة أو القطر أكبر من الصفر".into()),
            Self::OtherService => ("OTHER_SERVICE", "الطلب لخدمة أخرى".into()),
            Self::OtherPremises(id) => ("OTHER_PREMISES", format!("عُوين الطلب من قبل في العقار {id}").into()),
            Self::Pricing(error) => error.words(),
            Self::QuoteExpired { valid_until } => ("QUOTE_EXPIRED", format!("كان عرض السعر صالحًا حتى {valid_until}").into()),
            Self::FeeUnpaid => ("CONNECTION_FEE_UNPAID", "رسوم التوصيل غير مسددة: لا يُركب عداد قبل سدادها".into()),
            Self::TooEarly { planned_on, earliest } => ("TOO_EARLY", format!("لا يكون التركيب في {planned_on}، قبل {earliest}").into()),
            Self::NotWithdrawn => ("NOT_WITHDRAWN", "بعد إصدار الرسوم لا ينتهي الطلب إلا بإقرار الحساب أنه لا عداد يُركب له".into()),
        }
    }
}

fn state(status: Status) -> &'static str {
    match status {
        Status::Submitted => "مقدم",
        Status::UnderReview => "قيد المراجعة",
        Status::NeedsInformation => "بانتظار معلومات",
        Status::SiteInspected => "معاين",
        Status::Priced => "مسعر",
        Status::FeeInvoiced => "بانتظار سداد رسومه",
        Status::FeePaid => "مسدد الرسوم",
        Status::InstallScheduled => "مجدول التركيب",
        Status::Installed => "مركب العداد",
        Status::Activated => "مفعل",
        Status::Rejected => "مرفوض",
        Status::Cancelled => "ملغى",
    }
}
