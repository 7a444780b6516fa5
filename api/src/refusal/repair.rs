use daftar_domain::repair::Rejection;

use super::{Refusal, Words};
use crate::{graphql::enums::RepairStatus, language::Language};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NoSuchRepair => ("NO_SUCH_REPAIR", "لا يوجد طلب صيانة كهذا".into()),
            Self::RepairIdReused => ("REPAIR_ID_REUSED", "طلب الصيانة موجود بالفعل بمحتوى آخر".into()),
            Self::NotNow(status) => {
                let status = RepairStatus::from(*status).label(Language::Arabic);
                ("REPAIR_NOT_NOW", format!("حالة طلب الصيانة ({status}) لا تسمح بهذا").into())
            }
            Self::Estimate(error) => error.words(),
            Self::EstimateEndsBefore => ("ESTIMATE_ENDS_BEFORE", "لا ينتهي عرض السعر قبل أن يبدأ".into()),
            Self::UnderWarranty => ("UNDER_WARRANTY", "العمل تحت الضمان: لا يدفع العميل شيئًا ولا يُعرض عليه سعر".into()),
            Self::EstimateExpired { valid_until } => ("ESTIMATE_EXPIRED", format!("انتهت صلاحية عرض السعر في {valid_until}").into()),
            Self::OtherEstimate { offered, asked } => ("OTHER_ESTIMATE", format!("عرض السعر القائم رقمه {offered}، وليس {asked}").into()),
            Self::DepositMissing { wanted, paid } => ("DEPOSIT_MISSING", format!("يسبق العملَ عربون قدره {wanted}، والمدفوع {paid}").into()),
            Self::DepositIdReused => ("REPAIR_DEPOSIT_REUSED", "سبق تسجيل هذا العربون بمبلغ آخر".into()),
            Self::NotInEstimate { left } => ("NOT_IN_ESTIMATE", format!("لم يبق من هذه القطعة في عرض السعر المعتمد إلا {left}").into()),
            Self::PartRequestIdReused => ("PART_REQUEST_ID_REUSED", "طلب القطعة موجود بالفعل بمحتوى آخر".into()),
            Self::NoSuchPartRequest => ("NO_SUCH_PART_REQUEST", "لا يوجد طلب قطعة كهذا".into()),
            Self::NotSoMany { left } => ("NOT_SO_MANY_PARTS", format!("لا يتوفر هنا من القطعة للاستعمال أو الإعادة إلا {left}").into()),
            Self::PartsLeftOver(left) => ("PARTS_LEFT_OVER", format!("بقي هنا من القطع {left} لم تُستعمل ولم تُعَد").into()),
            Self::WarrantyOver { ended_on } => ("WARRANTY_OVER", format!("انتهى الضمان في {ended_on}").into()),
            Self::NotForCustomers => ("NOT_FOR_CUSTOMERS", "يرى العملاء ما يكتبونه: الموظفون وحدهم يتراسلون فيما بينهم".into()),
            Self::CommentIdReused => ("COMMENT_ID_REUSED", "التعليق موجود بالفعل بمحتوى آخر".into()),
            Self::AttachmentIdReused => ("ATTACHMENT_ID_REUSED", "الملف مرفق بالفعل بمحتوى آخر".into()),
            Self::TooManyFiles { most } => ("TOO_MANY_FILES", format!("لا يحمل طلب الصيانة أكثر من {most} ملفًا").into()),
            Self::TooEarly { date, earliest } => ("TOO_EARLY", format!("{date} قبل {earliest}").into()),
        }
    }
}
