use daftar_domain::agreement::Rejection;

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::AgreementIdReused(id) => ("AGREEMENT_ID_REUSED", format!("الاتفاقية {id} موجودة بالفعل بشروط أخرى").into()),
            Self::NoSuchAgreement(id) => ("NO_SUCH_AGREEMENT", format!("لا توجد هنا اتفاقية {id}").into()),
            Self::Overlaps(id) => ("AGREEMENT_OVERLAPS", format!("الاتفاقية {id} تشمل أيامًا من تلك المدة").into()),
            Self::AlreadyEnded { agreement_id, to } => {
                ("AGREEMENT_ALREADY_ENDED", format!("انتهت الاتفاقية {agreement_id} من قبل، في {to}").into())
            }
            Self::OutsideAgreement(day) => ("OUTSIDE_AGREEMENT", format!("الاتفاقية غير سارية في {day}").into()),
            Self::ReadMissing => ("READ_MISSING", "الانتقال يحتاج إلى قراءة للعداد".into()),
            Self::AnotherServicePoint => ("ANOTHER_SERVICE_POINT", "العقار أو الخدمة لنقطة خدمة أخرى".into()),
            Self::SameAccount => ("SAME_ACCOUNT", "نقل الاتفاقية يحتاج إلى حساب آخر".into()),
            Self::MeterPresent(id) => ("METER_PRESENT", format!("العداد {id} يقيس هذه الخدمة بالفعل").into()),
            Self::MeterAbsent(id) => ("METER_ABSENT", format!("العداد {id} لا يقيس هذه الخدمة").into()),
            Self::ConnectionAwaited(id) => {
                ("CONNECTION_AWAITED", format!("الموقع محجوز لطلب التوصيل {id}: يُركب العداد بعد سداد رسومه").into())
            }
            Self::NoConnectionAwaited => ("NO_CONNECTION_AWAITED", "لا يوجد طلب توصيل ينتظر هنا".into()),
            Self::MeterOutOfOrder(day) => ("METER_OUT_OF_ORDER", format!("آخر تركيب أو فك لعداد كان في {day}، بعد ذلك التاريخ").into()),
        }
    }
}
