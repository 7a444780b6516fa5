use daftar_domain::account::Rejection;
use thiserror::Error;

use super::{Refusal, Words};

/// The company lets nobody pay in parts.
#[derive(Clone, Copy, Debug, Error)]
#[error("the company's terms say nothing about instalment plans")]
pub struct NoPlans;

impl Refusal for NoPlans {
    fn words(&self) -> Words {
        ("NO_PLAN_TERMS", "شروط الشركة لا تذكر شيئًا عن التقسيط".into())
    }
}

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NotOpen => ("ACCOUNT_NOT_OPEN", "لا يوجد حساب كهذا".into()),
            Self::AlreadyOpen => ("ACCOUNT_ALREADY_OPEN", "الحساب مفتوح بالفعل ببيانات أخرى".into()),
            Self::Closed => ("ACCOUNT_CLOSED", "الحساب مغلق".into()),
            Self::Suspended => ("ACCOUNT_SUSPENDED", "الحساب موقوف".into()),
            Self::BeforeOpening { opened_on } => ("BEFORE_ACCOUNT_OPENED", format!("فُتح الحساب في {opened_on}، بعد ذلك التاريخ").into()),
            Self::ContactIdReused(id) => ("CONTACT_ID_REUSED", format!("جهة الاتصال {id} موجودة بالفعل ببيانات أخرى").into()),
            Self::NoSuchContact(id) => ("NO_SUCH_CONTACT", format!("لا توجد جهة اتصال {id}").into()),
            Self::AddressIdReused(id) => ("ADDRESS_ID_REUSED", format!("العنوان {id} موجود بالفعل ببيانات أخرى").into()),
            Self::NoSuchAddress(id) => ("NO_SUCH_ADDRESS", format!("لا يوجد عنوان {id}").into()),
            Self::NotSealedAsLegal => {
                ("NOT_SEALED_AS_LEGAL", "الهوية التي تظهر في المستندات الضريبية يجب أن تُختم بالمفتاح القانوني".into())
            }
            Self::CurrencyFixed => ("CURRENCY_FIXED", "لا يمكن تغيير العملة بعد أول قيد على الحساب".into()),
            Self::VatReasonMissing => ("VAT_REASON_MISSING", "الوضع الضريبي غير المعتاد يحتاج إلى رمز سببه".into()),
            Self::SubsidyPeriodEmpty => ("SUBSIDY_PERIOD_EMPTY", "يُمنح الدعم ليوم واحد على الأقل".into()),
            Self::SubsidyNotGranted => ("SUBSIDY_NOT_GRANTED", "لم يُمنح الحساب دعمًا كهذا في ذلك اليوم أو بعده".into()),
            Self::VatPeriodEmpty => ("VAT_PERIOD_EMPTY", "يجب أن ينتهي الوضع الضريبي بعد بدايته".into()),
            Self::StillServed(id) => ("ACCOUNT_STILL_SERVED", format!("ما زالت الاتفاقية {id} سارية").into()),
            Self::MeterStillFitted(id) => ("METER_STILL_FITTED", format!("ما زال العداد {id} مركبًا").into()),
            Self::ConnectionFeeUnpaid => ("CONNECTION_FEE_UNPAID", "رسوم التوصيل غير مسددة: لا يُركب عداد قبل سدادها".into()),
            Self::ConnectionCleared(id) => ("CONNECTION_CLEARED", format!("رُكب العداد {id} لهذا الطلب").into()),
            Self::ConnectionWithdrawn => ("CONNECTION_WITHDRAWN", "سُحب هذا الطلب: لا يُركب له عداد".into()),
            Self::NotSettled { balance } => ("ACCOUNT_NOT_SETTLED", format!("على الحساب أو له رصيد {balance}").into()),
            Self::OtherCurrency { expected, found } => ("OTHER_CURRENCY", format!("عملة الحساب {expected} وليست {found}").into()),
            Self::AmountNotPositive => {
                ("AMOUNT_NOT_POSITIVE", "يجب أن يكون المبلغ أكبر من الصفر، وألا يقل الرصيد الدائن أو التأمين أو الضريبة عن الصفر".into())
            }
            Self::AmountTooLarge => ("AMOUNT_TOO_LARGE", "المبلغ كبير جدًا".into()),
            Self::OpeningBalanceStands => ("OPENING_BALANCE_STANDS", "يوجد بالفعل رصيد افتتاحي من مصدر آخر".into()),
            Self::OpeningBalanceReused => ("OPENING_BALANCE_REUSED", "سبق استيراد هذا السطر من الدفعة بمحتوى آخر".into()),
            Self::OpeningBalanceWasReversed => {
                ("OPENING_BALANCE_WAS_REVERSED", "عُكس هذا الرصيد الافتتاحي؛ يأتي المصحح في دفعة جديدة".into())
            }
            Self::NoSuchOpeningBalance => ("NO_SUCH_OPENING_BALANCE", "لا يوجد رصيد افتتاحي كهذا".into()),
            Self::OpeningBalanceUsed => ("OPENING_BALANCE_USED", "استُرد جزء من الرصيد الافتتاحي أو استُعمل أو شُطب، فلا يمكن سحبه كاملًا".into()),
            Self::ChargeReused => ("CHARGE_REUSED", "سبق قيد هذا المستند على الحساب بمحتوى آخر".into()),
            Self::VatOutsideAmount => ("VAT_OUTSIDE_AMOUNT", "الضريبة جزء من المبلغ: من لا شيء إلى المبلغ كله".into()),
            Self::NoSuchItem => ("NO_SUCH_ITEM", "لا يوجد بند كهذا على الحساب".into()),
            Self::PaymentReferenceReused => ("PAYMENT_REFERENCE_REUSED", "سُجلت دفعة بهذا المرجع من قبل بمحتوى آخر".into()),
            Self::PaymentIdReused => ("PAYMENT_ID_REUSED", "سُجلت دفعة بهذا المعرّف من قبل بمرجع آخر".into()),
            Self::NoSuchPayment => ("NO_SUCH_PAYMENT", "لا توجد دفعة كهذه".into()),
            Self::PaymentWasReversed => ("PAYMENT_WAS_REVERSED", "عُكست هذه الدفعة".into()),
            Self::PaymentWasRefunded => ("PAYMENT_WAS_REFUNDED", "رُد جزء من هذه الدفعة: يُطالب به بإشعار مدين".into()),
            Self::CreditNoteReused => ("CREDIT_NOTE_REUSED", "سبق قيد الإشعار الدائن بمحتوى آخر".into()),
            Self::CompensationReused => ("COMPENSATION_REUSED", "سبق قيد التعويض بمحتوى آخر".into()),
            Self::NotACheque => ("NOT_A_CHEQUE", "لم يُدفع بشيك".into()),
            Self::NoSuchCredit => ("NO_SUCH_CREDIT", "لا يوجد رصيد دائن كهذا على الحساب".into()),
            Self::SubsidyNotRefunded => ("SUBSIDY_NOT_REFUNDED", "الدعم حق الجهة المانحة ولا يُرد إلى المشترك".into()),
            Self::CreditHeld => ("CREDIT_HELD", "هذا الرصيد محجوز لفاتورة يُعاد إصدارها".into()),
            Self::RefundTooLarge { left } => ("REFUND_TOO_LARGE", format!("لم يبق للرد إلا {left}").into()),
            Self::OtherTender { .. } => ("OTHER_TENDER", "يُرد المبلغ بالوسيلة التي دُفع بها".into()),
            Self::RefundIdReused => ("REFUND_ID_REUSED", "سبق تسجيل هذا الرد بمحتوى آخر".into()),
            Self::NoSuchRefund => ("NO_SUCH_REFUND", "لا يوجد رد كهذا".into()),
            Self::DepositIdReused => ("DEPOSIT_ID_REUSED", "سبق أخذ هذا التأمين بمحتوى آخر".into()),
            Self::NoSuchDeposit => ("NO_SUCH_DEPOSIT", "لا يوجد تأمين كهذا".into()),
            Self::NoVatGivenUp => ("NO_VAT_GIVEN_UP", "لم تُشطب منه ضريبة".into()),
            Self::ReliefTooEarly { from } => ("RELIEF_TOO_EARLY", format!("تُسترد ضريبته ابتداءً من {from}").into()),
            Self::PlanIdReused => ("PLAN_ID_REUSED", "سبق الاتفاق على خطة التقسيط هذه بمحتوى آخر".into()),
            Self::NoSuchPlan => ("NO_SUCH_PLAN", "لا توجد خطة تقسيط كهذه".into()),
            Self::PlanRuns(id) => ("PLAN_RUNS", format!("تسري خطة التقسيط {id}: تُنهى أولًا").into()),
            Self::OnAPlan(id) => ("ON_A_PLAN", format!("يشمله التقسيط بموجب الخطة {id}: تُنهى الخطة أولًا").into()),
            Self::PlanBrokenBefore { from } => ("PLAN_BROKEN_BEFORE", format!("أُخل بخطة سابقة: لا خطة أخرى قبل {from}").into()),
            Self::TooManyInstalments { most } => ("TOO_MANY_INSTALMENTS", format!("عدد الأقساط من قسط واحد إلى {most}").into()),
            Self::FirstInstalmentTooLate { last } => {
                ("FIRST_INSTALMENT_TOO_LATE", format!("يستحق القسط الأول بعد يوم الاتفاق، وفي {last} على الأكثر").into())
            }
            Self::NotForAPlan => ("NOT_FOR_A_PLAN", "لا يُقسَّط ما سُدد أو اعتُرض عليه أو لم يصدر بعد أو يُعاد إصداره أو شُطب جزء منه".into()),
            Self::DebtTooSmall { least } => ("DEBT_TOO_SMALL", format!("لا تقسيط لأقل من {least}").into()),
            Self::DownPaymentTooSmall { least } => ("DOWN_PAYMENT_TOO_SMALL", format!("تُدفع {least} من الدين قبل التقسيط").into()),
            Self::OverApprovalLimit { limit } => {
                ("OVER_APPROVAL_LIMIT", format!("هذا أكثر من {limit}، وهو أقصى ما يُعتمد دفعة واحدة").into())
            }
        }
    }
}
