use daftar_domain::disconnection::{Prohibited, Rejection};
use thiserror::Error;

use super::{Refusal, Words};

/// Nobody has said what is done about debts.
#[derive(Clone, Copy, Debug, Error)]
#[error("the company's terms say nothing about collections")]
pub struct NoCollections;

impl Refusal for NoCollections {
    fn words(&self) -> Words {
        ("NO_COLLECTION_TERMS", "شروط الشركة لا تذكر شيئًا عن التحصيل".into())
    }
}

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NoSuchOrder => ("NO_SUCH_ORDER", "لا يوجد أمر كهذا".into()),
            Self::OrderIdReused => ("ORDER_ID_REUSED", "الأمر موجود بالفعل بمحتوى آخر".into()),
            Self::NotApproved => ("ORDER_NOT_APPROVED", "لم يُعتمد الأمر".into()),
            Self::NotScheduled => ("ORDER_NOT_SCHEDULED", "لم يُحدد موعد للأمر".into()),
            Self::BeforeItsTime { planned_for } => ("BEFORE_ITS_TIME", format!("موعد الأمر {}", clock(planned_for)).into()),
            Self::NotDispatched => ("ORDER_NOT_DISPATCHED", "لم يُرسل أحد لتنفيذ الأمر".into()),
            Self::Out => ("ORDER_DISPATCHED", "أُرسل من ينفذ الأمر بالفعل".into()),
            Self::Recalled => ("ORDER_RECALLED", "استُدعي من أُرسل لتنفيذ الأمر، ولا يُرسل أحد بعد ذلك".into()),
            Self::Cancelled => ("ORDER_CANCELLED", "أُلغي الأمر".into()),
            Self::AlreadyCut => ("ALREADY_CUT", "قُطع التيار بالفعل".into()),
            Self::NotLifted => ("ORDER_NOT_LIFTED", "لم يُسدد الدين ولم يُسحب الأمر".into()),
            Self::Prohibited(reasons) => {
                let reasons: Vec<_> = reasons.iter().map(prohibited).collect();
                ("CUT_PROHIBITED", format!("النظام يمنع القطع: {}", reasons.join("؛ ")).into())
            }
        }
    }
}

fn prohibited(why: &Prohibited) -> String {
    match why {
        Prohibited::Promised => "يسري وعد بالسداد".into(),
        Prohibited::OnAPlan => "تسري خطة تقسيط".into(),
        Prohibited::ComplaintOpen => "شكوى مفتوحة على الفاتورة".into(),
        Prohibited::CriticalNeed => "في المكان من لا يستغني عن التيار".into(),
        Prohibited::NotFromConsumption => "ليس في الدين استهلاك متأخر السداد".into(),
        Prohibited::TooLittle { owed, months } => format!("المبلغ {owed} أقل من حد القطع، والأشهر المتتالية غير المسددة {months} لا تكفي"),
        Prohibited::NotWarned => "لم يُرسل إنذار أولي".into(),
        Prohibited::WarnedTooLately { on, days } => format!("لم تمض على الإنذار الأولي في {on} مدة {days} يومًا بلا العطل"),
        Prohibited::NoFinalNotice => "لم يُرسل إشعار نهائي".into(),
        Prohibited::NoticeTooLate { on, days } => format!("لم تمض على الإشعار النهائي في {on} مدة {days} أيام"),
        Prohibited::CalendarsEnd { until } => format!("العطل ورمضان والاختبارات معروفة حتى {until} فقط"),
        Prohibited::ExamsUnknown { until } => format!("مواعيد الاختبارات معروفة حتى {until} فقط، والمكان مسكون"),
        Prohibited::RestDay => "يوم راحة".into(),
        Prohibited::Holiday { name } => format!("عطلة رسمية ({name})"),
        Prohibited::Ramadan { name } => format!("شهر رمضان، والمكان مسكون ({name})"),
        Prohibited::Exams { name } => format!("أيام اختبارات، والمكان مسكون ({name})"),
        Prohibited::TooEarly { from } => format!("قبل الساعة {}", from.format("%H:%M")),
        Prohibited::TooLateInTheDay { before } => format!("الساعة {} أو بعدها", before.format("%H:%M")),
    }
}

fn clock(at: &daftar_domain::disconnection::Moment) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}
